//! What the offline commands share: the time they take for now, the proxy they render for, and their exit codes.

use super::error::CommandError;
use super::output::say;
use crate::args::{OfflineConfig, ProxyChoice};
use crate::causes::chain;
use crate::clock::now_s;
use crate::guilt;
use crate::source::Located;
use crate::source::input::{How, InputError, Moment, World};
use crate::source::manifests::Purpose;
use gatewright_core::diagnostic::Diagnostic;
use gatewright_core::dialect::{Dialect, Version};
use gatewright_core::model::Certificate;
use gatewright_core::names::ObjectRef;
use gatewright_core::render::{FileSet, RenderError, Renderer};
use gatewright_core::settings::Settings;
use gatewright_core::state::Ingress;
use gatewright_core::translate::Translation;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Nothing is wrong, or nothing is different.
    Fine,
    /// Something is.
    Not,
}

/// Says the warnings, runs a command and answers its exit code: 0 fine, 1 not, 2 it could not be done.
pub(crate) fn exit(warnings: &[String], command: impl FnOnce() -> Result<End, CommandError>) -> ExitCode {
    warnings.iter().for_each(|warning| say(format_args!("warning: {warning}")));
    match command() {
        Ok(End::Fine) => ExitCode::SUCCESS,
        Ok(End::Not) => ExitCode::from(1),
        Err(error) => {
            say(format_args!("error: {}", chain(&error)));
            ExitCode::from(2)
        }
    }
}

/// One run of a command.
pub(crate) struct Session<'a> {
    config: &'a OfflineConfig,
    dialect: &'static Dialect,
    version: Version,
    settings: Settings,
    /// Templates that replace built-in ones.
    overrides: BTreeMap<String, String>,
    now_s: i64,
    self_signed: Arc<Certificate>,
}

impl<'a> Session<'a> {
    /// Begins one.
    pub(crate) fn new(config: &'a OfflineConfig) -> Result<Self, CommandError> {
        let now_s = now_s();
        let dialect = dialect(&config.proxy);
        let installed = installed_version(&config.proxy, dialect, config.version.is_some())?;
        let version = config.version.or(installed).unwrap_or(dialect.oldest);
        let overrides = overrides(config.proxy.templates.as_deref(), dialect)?;
        let settings = crate::abilities::of_proxy(config.settings.clone(), dialect, version);
        // Who looks at objects wants to know. A controller, which looks at all of them again and again, does not tell it.
        let settings = Settings { approximates: dialect.approximates, ..settings };
        Ok(Self { config, dialect, version, settings, overrides, now_s, self_signed: crate::self_signed::fresh()? })
    }

    /// Another one at the same moment, for another proxy.
    pub(crate) fn beside(&self, config: &'a OfflineConfig) -> Result<Self, CommandError> {
        Ok(Self { now_s: self.now_s, self_signed: Arc::clone(&self.self_signed), ..Self::new(config)? })
    }

    /// Reads inputs.
    pub(crate) fn read(&self, inputs: &[String], purpose: Purpose) -> Result<World, InputError> {
        World::read(inputs, self.how(purpose, None))
    }

    /// Reads inputs beside a world, which they may lack things of.
    pub(crate) fn read_beside(&self, inputs: &[String], world: &World) -> Result<World, InputError> {
        World::read(inputs, self.how(Purpose::Once, Some(world)))
    }

    fn how<'h>(&'h self, purpose: Purpose, beside: Option<&'h World>) -> How<'h> {
        How { settings: &self.settings, cluster: &self.config.cluster, secrets: self.config.secrets_from.as_deref(), purpose, beside }
    }

    /// Translates a world.
    pub(crate) fn translate(&self, world: &mut World) -> Result<Translation, InputError> {
        world.translate(self.moment())
    }

    /// What else is wrong: with Ingresses that are left out, and with parameters that no class names.
    pub(crate) fn hidden_findings(&self, world: &mut World, translation: &Translation) -> Result<Vec<Diagnostic>, InputError> {
        let mut findings = world.hidden_findings(translation, self.moment())?;
        findings.extend(world.unnamed_parameters(translation, self.moment()));
        Ok(findings)
    }

    /// What is wrong with Ingresses that are left out for their names, beside these.
    pub(crate) fn unnamed_findings(&self, world: &mut World) -> Result<Vec<Located>, InputError> {
        world.unnamed_findings(self.moment())
    }

    fn moment(&self) -> Moment<'_> {
        Moment { now_s: self.now_s, self_signed: &self.self_signed }
    }

    /// Translates a world and renders it. An Ingress with a text that no file may hold is set aside, as `run` does it.
    pub(crate) fn rendered(&self, world: &mut World) -> Result<(Translation, FileSet), CommandError> {
        let mut renderer = self.renderer()?;
        loop {
            let translation = self.translate(world)?;
            let error = match renderer.render(&translation.model) {
                Ok(files) => return Ok((translation, files)),
                Err(error) => error,
            };
            let culprit = guilt::block_of(&error).and_then(|origin| self.culprit(world, &mut renderer, origin));
            if self.are_templates_to_blame(world, &mut renderer, &translation, culprit.as_ref()) {
                return Err(self.of_templates(error));
            }
            let RenderError::Grammar { message, .. } = &error else { return Err(error.into()) };
            if !culprit.is_some_and(|culprit| world.set_aside(&culprit, message)) {
                return Err(error.into());
            }
        }
    }

    /// Who is to blame for a line in the block of an Ingress.
    fn culprit(&self, world: &mut World, renderer: &mut Renderer, origin: &ObjectRef) -> Option<Arc<Ingress>> {
        let around = guilt::around(&world.snapshot, &origin.name);
        let suspects = around.iter().filter(|ingress| world.has_no_verdict(ingress)).cloned().collect();
        let found = guilt::of_line(origin, &around, suspects, |aside| {
            let Ok(translation) = world.without(aside, |world| self.translate(world)) else { return Err(None) };
            renderer.render(&translation.model).map(drop).map_err(|error| guilt::block_of(&error).cloned())
        });
        found.or_else(|| world.snapshot.ingress(&origin.name).cloned())
    }

    /// Whether the overrides are what is wrong: with the built-in templates all is well, and without this one Ingress not, or
    /// nothing is served then.
    fn are_templates_to_blame(
        &self,
        world: &mut World,
        renderer: &mut Renderer,
        translation: &Translation,
        culprit: Option<&Arc<Ingress>>,
    ) -> bool {
        let built_in = (!self.overrides.is_empty()).then(|| crate::templates::renderer(self.dialect, self.version, BTreeMap::new()));
        if !built_in.is_some_and(|made| made.is_ok_and(|mut renderer| renderer.render(&translation.model).is_ok())) {
            return false;
        }
        let others = culprit.and_then(|culprit| world.without(std::slice::from_ref(culprit), |world| self.translate(world)).ok());
        others.is_none_or(|others| others.served.is_empty() || renderer.render(&others.model).is_err())
    }

    /// An error that names the template.
    fn of_templates(&self, error: RenderError) -> CommandError {
        match error {
            RenderError::Grammar { ref text, .. } => {
                let places = crate::templates::place_of(self.overrides.iter(), text);
                CommandError::TemplateText { places, error: Box::new(error) }
            }
            RenderError::Template(error) => CommandError::Templates(error),
        }
    }

    /// A renderer for the proxy that was asked for.
    pub(crate) fn renderer(&self) -> Result<Renderer, CommandError> {
        if let Some(folder) = &self.config.proxy.templates {
            for name in crate::templates::ignored(folder, self.dialect) {
                say(format_args!("warning: {name} in {} is not a template: only names that end in .tera are read", folder.display()));
            }
        }
        crate::templates::renderer(self.dialect, self.version, self.overrides.clone()).map_err(CommandError::Templates)
    }
}

/// The dialect of the proxy that was asked for.
pub(crate) const fn dialect(proxy: &ProxyChoice) -> &'static Dialect {
    proxy.dialect
}

/// What the program of the proxy says its version is. One that somebody named has to be there, and to tell it unless it is
/// known.
fn installed_version(proxy: &ProxyChoice, dialect: &Dialect, is_known: bool) -> Result<Option<Version>, CommandError> {
    let Some(program) = proxy.program.as_deref().filter(|_| proxy.is_program_typed) else {
        let program = proxy.program.as_deref().unwrap_or_else(|| Path::new(dialect.program));
        return Ok(crate::proxy::version_of(program, dialect));
    };
    let found = crate::proxy::find_program(program, dialect).map_err(CommandError::Program)?;
    let version = crate::proxy::version_of(&found, dialect);
    if version.is_none() && !is_known {
        return Err(CommandError::NoVersion { program: program.to_owned(), name: dialect.name });
    }
    Ok(version)
}

/// What replaces built-in templates. It is looked at where nothing is rendered, too: a folder that is not there is a slip.
fn overrides(folder: Option<&Path>, dialect: &Dialect) -> Result<BTreeMap<String, String>, CommandError> {
    let Some(folder) = folder else { return Ok(BTreeMap::new()) };
    crate::templates::read(folder, dialect).map_err(|source| CommandError::Overrides { folder: folder.to_owned(), source })
}
