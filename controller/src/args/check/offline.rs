//! The commands that look once and are done: from what was typed to what it means.

use super::{Check, ClusterConfig, ProxyChoice};
use crate::args::offline::{Annotations, Explain, Lint, Offline, Render};
use crate::commands::output::Colour;
use gatewright_core::diagnostic::{CODES, Code, Severity};
use gatewright_core::dialect::{Dialect, Version};
use gatewright_core::explain::Request;
use gatewright_core::names::shown;
use gatewright_core::settings::Settings;
use std::path::PathBuf;

/// What the offline commands share.
#[derive(Debug, Clone)]
pub(crate) struct OfflineConfig {
    /// What decides the rendered files.
    pub(crate) settings: Settings,
    /// Which proxy.
    pub(crate) proxy: ProxyChoice,
    /// The proxy's version, if one is given.
    pub(crate) version: Option<Version>,
    /// The folder that all Secrets are in, if they are in one.
    pub(crate) secrets_from: Option<PathBuf>,
    /// How to reach the cluster.
    pub(crate) cluster: ClusterConfig,
}

impl OfflineConfig {
    /// The same for another proxy, wherever that is installed.
    pub(super) fn for_proxy(&self, dialect: &'static Dialect) -> Self {
        let proxy = ProxyChoice { dialect, program: None, is_program_typed: false, templates: self.proxy.templates.clone() };
        Self { proxy, version: None, ..self.clone() }
    }
}

/// `gatewright render`.
#[derive(Debug)]
pub(crate) struct RenderConfig {
    /// What all of them have.
    pub(crate) offline: OfflineConfig,
    /// Files, folders, `-`, revisions, `cluster`.
    pub(crate) inputs: Vec<String>,
    /// Folder to write to.
    pub(crate) output: Option<PathBuf>,
    /// Private keys are written too.
    pub(crate) private_keys: bool,
}

/// `gatewright lint`.
#[derive(Debug)]
pub(crate) struct LintConfig {
    /// What all of them have.
    pub(crate) offline: OfflineConfig,
    /// Files, folders, `-`, revisions, `cluster`.
    pub(crate) inputs: Vec<String>,
    /// How findings are written.
    pub(crate) format: LintFormat,
    /// Which are errors, and which are left out.
    pub(crate) severities: Severities,
    /// Codes to tell about, in place of looking at inputs.
    pub(crate) explain: Vec<Code>,
    /// When colours are used.
    pub(crate) colour: Colour,
}

/// `gatewright explain`.
#[derive(Debug)]
pub(crate) struct ExplainConfig {
    /// What all of them have.
    pub(crate) offline: OfflineConfig,
    /// Files, folders, `-`, revisions, `cluster`.
    pub(crate) inputs: Vec<String>,
    /// As it was typed.
    pub(crate) url: String,
    /// The request.
    pub(crate) request: Request,
    /// One object in place of lines.
    pub(crate) json: bool,
    /// Services without endpoints have none.
    pub(crate) as_it_is: bool,
}

/// `gatewright annotations`.
#[derive(Debug)]
pub(crate) struct AnnotationsConfig {
    /// Only these; all, if empty.
    pub(crate) names: Vec<String>,
    /// How they are written.
    pub(crate) format: ListFormat,
}

/// How lists are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListFormat {
    /// For a terminal.
    Text,
    /// A page.
    Markdown,
    /// One object.
    Json,
}

/// How findings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LintFormat {
    /// With excerpts, for people.
    Text,
    /// One object.
    Json,
    /// SARIF 2.1.0.
    Sarif,
    /// Workflow commands of GitHub.
    Github,
}

/// Which findings count as errors, and which are left out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Severities {
    deny: Vec<Selector>,
    allow: Vec<Selector>,
}

/// Some of all findings.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Selector {
    Severity(Severity),
    Prefix(String),
}

impl Selector {
    /// `warnings`, `notes`, or a code or the beginning of one that exists.
    fn parse(text: &str) -> Option<Self> {
        match text {
            "warnings" => Some(Self::Severity(Severity::Warning)),
            "notes" => Some(Self::Severity(Severity::Note)),
            _ => {
                let prefix = text.to_ascii_uppercase();
                let known = prefix.len() > 2 && CODES.iter().any(|code| code.facts().name.starts_with(&prefix));
                known.then_some(Self::Prefix(prefix))
            }
        }
    }

    fn takes(&self, code: Code, severity: Severity) -> bool {
        match self {
            Self::Severity(own) => *own == severity,
            Self::Prefix(prefix) => code.facts().name.starts_with(prefix.as_str()),
        }
    }
}

impl Severities {
    /// The severity that a finding counts with; `None`: it is left out. What is denied by its code is never left out.
    pub(crate) fn of(&self, code: Code, severity: Severity) -> Option<Severity> {
        if self.deny.iter().any(|selector| selector.takes(code, severity)) {
            return Some(Severity::Error);
        }
        (!self.allow.iter().any(|selector| selector.takes(code, severity))).then_some(severity)
    }
}

impl Check<'_> {
    pub(super) fn render(&mut self, render: Render) -> RenderConfig {
        RenderConfig {
            offline: self.offline(render.offline),
            inputs: render.inputs,
            output: render.output,
            private_keys: render.private_keys,
        }
    }

    pub(super) fn lint(&mut self, lint: Lint) -> LintConfig {
        let explain = lint.explain.as_deref().map(|text| self.codes(text)).unwrap_or_default();
        let inputs = [lint.inputs, lint.paths].concat();
        if inputs.is_empty() && lint.explain.is_none() {
            self.wrong("nothing to look at; give an input, such as a folder".to_owned());
        }
        let formats =
            [("text", LintFormat::Text), ("json", LintFormat::Json), ("sarif", LintFormat::Sarif), ("github", LintFormat::Github)];
        let format = self.choice("format", &lint.format, &formats).unwrap_or(LintFormat::Text);
        if lint.explain.is_some() && !inputs.is_empty() {
            self.wrong("--explain tells what codes mean, and looks at no input; leave one of both out".to_owned());
        }
        if lint.explain.is_some() && matches!(format, LintFormat::Sarif | LintFormat::Github) {
            self.wrong(format!("--format: --explain tells what codes mean as text or json, and not as {}", lint.format));
        }
        let severities = Severities { deny: self.selectors("deny", &lint.deny), allow: self.selectors("allow", &lint.allow) };
        LintConfig { offline: self.offline(lint.offline), inputs, format, severities, explain, colour: self.colour(&lint.color) }
    }

    pub(super) fn explain(&mut self, explain: Explain) -> Option<ExplainConfig> {
        let json = self.choice("format", &explain.format, &[("text", false), ("json", true)]);
        let request = Request::parse(&explain.url).map_err(|why| self.wrong(format!("{}: {why}", shown(&explain.url)))).ok();
        let method = &explain.method;
        let request =
            self.said("request", request.map(|it| it.with_method(method)).transpose().map_err(|why| format!("{}: {why}", shown(method))));
        let request = explain.headers.iter().fold(request.flatten(), |request, text| {
            self.said("header", request?.with_header(text).map_err(|why| format!("{}: {why}", shown(text))))
        });
        let offline = self.offline(explain.offline);
        Some(ExplainConfig {
            offline,
            inputs: explain.inputs,
            request: request?,
            url: explain.url,
            json: json?,
            as_it_is: explain.as_it_is,
        })
    }

    pub(super) fn annotations(&mut self, annotations: Annotations) -> Option<AnnotationsConfig> {
        let formats = [("text", ListFormat::Text), ("markdown", ListFormat::Markdown), ("json", ListFormat::Json)];
        let format = self.choice("format", &annotations.format, &formats)?;
        if format == ListFormat::Markdown && !annotations.names.is_empty() {
            self.wrong("--format: markdown is a page of all annotations; leave the names out, or use text or json".to_owned());
        }
        Some(AnnotationsConfig { names: annotations.names, format })
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&mut self, flag: &str, text: &str, known: &[(&str, T)]) -> Option<T> {
        let found = known.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        self.said(flag, found.ok_or_else(|| format!("{} is none of {}", shown(text), names.join(", "))))
    }

    pub(super) fn offline(&mut self, offline: Offline) -> OfflineConfig {
        let (settings, proxy) = self.content(&offline.content, super::HEALTHZ_PORT);
        self.zone_of_node(&offline.content, true);
        self.distinct(&super::ports(&settings.listeners));
        let version = offline.proxy_version.as_deref().and_then(|text| self.version(text, proxy.dialect));
        let cluster = ClusterConfig { kubeconfig: offline.kubeconfig, ..ClusterConfig::default() };
        OfflineConfig { settings, proxy, version, secrets_from: offline.content.secrets_from, cluster }
    }

    /// A version that is newer than what is known is rendered for as the newest that is.
    fn version(&mut self, text: &str, dialect: &Dialect) -> Option<Version> {
        let mut parts = text.split('.').map(|part| part.parse::<u16>().ok());
        let version = (|| Some(Version(parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?)))();
        let Some(version) = version.filter(|_| parts.next().is_none()) else {
            self.wrong(format!("--proxy-version: {} is not a version; use one such as {}", shown(text), dialect.newest));
            return None;
        };
        let Dialect { name, newest, .. } = dialect;
        if let Some(why) = dialect.too_old(version) {
            self.wrong(format!("--proxy-version: {why}"));
        } else if (version.0, version.1) > (newest.0, newest.1) {
            self.warnings.push(format!("--proxy-version: {name} {version} is not known; what is new since {newest} is not used"));
        }
        Some(version)
    }

    pub(super) fn colour(&mut self, text: &str) -> Colour {
        let known = [("auto", Colour::Auto), ("always", Colour::Always), ("never", Colour::Never)];
        self.choice("color", text, &known).unwrap_or_default()
    }

    fn codes(&mut self, text: &str) -> Vec<Code> {
        let is_meant = |code: &&Code| text == "all" || code.facts().name.eq_ignore_ascii_case(text);
        let codes: Vec<Code> = CODES.iter().filter(is_meant).copied().collect();
        if codes.is_empty() {
            self.wrong(format!("--explain: {} is not a code; use one such as GW0203, or all", shown(text)));
        }
        codes
    }

    fn selectors(&mut self, flag: &str, texts: &[String]) -> Vec<Selector> {
        let read = |text: &String| {
            Selector::parse(text.trim())
                .ok_or_else(|| format!("{} is not a code; use one such as GW0203, GW02, warnings or notes", shown(text)))
        };
        texts.iter().filter_map(|text| self.said(flag, read(text))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_denied_and_allowed_by_code_beginning_and_severity() {
        let selectors = |texts: &[&str]| texts.iter().map(|text| Selector::parse(text).unwrap()).collect::<Vec<_>>();
        let severities = Severities { deny: selectors(&["GW0203"]), allow: selectors(&["gw02", "notes"]) };
        assert_eq!(severities.of(Code::DuplicatePath, Severity::Warning), Some(Severity::Error), "deny wins");
        assert_eq!(severities.of(Code::BadHost, Severity::Error), None);
        assert_eq!(severities.of(Code::UnservedKind, Severity::Note), None);
        assert_eq!(severities.of(Code::NoService, Severity::Error), Some(Severity::Error));
        for none in ["", "G", "GW", "GW9", "errors", "GW0203x"] {
            assert_eq!(Selector::parse(none), None, "{none}");
        }
    }
}
