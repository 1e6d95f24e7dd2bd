//! One Ingress by itself: what can be said of it without looking at anything else.

use super::admission::is_uuid;
use super::annotations::{self, Given, LookedUp, Objects, Policies};
use super::fields::{self, Fault};
use super::parameters::ClassConfig;
use super::permits::Permits;
use super::{Input, groups, screen};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::model::{ServiceRef, digest_of};
use crate::names::{BadText, HostName, HostPattern, Kind, ObjectName, ObjectRef, PathLimits, RouteRegex, RulePath, UriPath, shown};
use crate::state::{Backend, Ingress, Path, PortRef, TlsSection};
use std::sync::Arc;

/// An Ingress whose texts are checked.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) ingress: Arc<Ingress>,
    pub(super) origin: ObjectRef,
    /// The settings of its class.
    pub(super) class: Arc<ClassConfig>,
    pub(super) policies: Arc<Policies>,
    /// The default backend, if it names a Service.
    pub(super) default_backend: Option<BackendUse>,
    pub(super) rules: Box<[RuleReading]>,
    pub(super) tls: Box<[TlsReading]>,
    /// Hash of all that a host can be made from.
    pub(super) digest: u128,
}

/// A rule whose host is usable.
#[derive(Debug)]
pub(super) struct RuleReading {
    pub(super) host: HostPattern,
    /// The name beside it that redirects to the host, with `www.` or without, if that is wished and permitted.
    pub(super) redirecting: Option<HostName>,
    pub(super) paths: Box<[PathReading]>,
    /// Those that cannot be served, as they are written.
    pub(super) lost: Box<[Box<str>]>,
}

/// A path that can be served.
#[derive(Debug)]
pub(super) struct PathReading {
    /// As it is written.
    pub(super) text: RulePath,
    /// As a literal path; for one that is an expression and nothing else, why it is none.
    pub(super) literal: Result<UriPath, BadText>,
    pub(super) kind: PathKind,
    pub(super) backend: BackendUse,
    /// Index of the rule and of the path in it.
    pub(super) at: (usize, usize),
}

impl PathReading {
    /// The field path of the path, for diagnostics.
    pub(super) fn field(&self, leaf: &str) -> String {
        format!("spec.rules[{}].http.paths[{}].{leaf}", self.at.0, self.at.1)
    }
}

/// `pathType`, with ImplementationSpecific taken as Prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum PathKind {
    Exact,
    Prefix,
}

/// The Service port that a path or default backend names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct BackendUse {
    pub(super) service: ObjectName,
    pub(super) port: PortRef,
}

impl BackendUse {
    /// As logs and error pages know it.
    pub(super) fn reference(&self) -> ServiceRef {
        let port = match &self.port {
            PortRef::Number(number) => number.to_string(),
            PortRef::Name(name) => name.to_string(),
            // Nothing is made from one of these.
            PortRef::Both(..) | PortRef::Missing => String::new(),
        };
        let (namespace, service) = self.service.parts();
        ServiceRef { namespace, service, port: port.into() }
    }
}

/// A TLS section. One that cannot be read names no host and no Secret, and is one all the same.
#[derive(Debug, Default)]
pub(super) struct TlsReading {
    /// Its index in `spec.tls`.
    pub(super) at: usize,
    pub(super) hosts: Vec<HostPattern>,
    /// `None`: no Secret is named, or the name is none.
    pub(super) secret: Option<ObjectName>,
}

/// What there is to say of one version of an Ingress.
#[derive(Debug)]
pub(super) struct Read {
    /// `None`: the Ingress is left out. One that is refused may close its hosts all the same.
    pub(super) reading: Option<Arc<Reading>>,
    /// What it says of hosts and paths where it is left out though it keeps somebody out: its routes are closed.
    pub(super) shut: Option<Arc<Reading>>,
    /// Its annotations or texts do not let it be served.
    pub(super) is_refused: bool,
    /// Other objects that were looked at.
    pub(super) looked_up: Vec<LookedUp>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl Read {
    fn nothing(is_refused: bool, looked_up: Vec<LookedUp>, diagnostics: Vec<Diagnostic>) -> Self {
        Self { reading: None, shut: None, is_refused, looked_up, diagnostics }
    }
}

impl Reading {
    /// Reads a version of an Ingress.
    pub(super) fn of(ingress: &Arc<Ingress>, input: Input<'_>, class: &Arc<ClassConfig>) -> Read {
        if let Some(refusal) = screen::refusal(ingress, input.settings) {
            // An update that adds a default backend which is not allowed takes the Ingress away.
            let is_text = refusal.code == Code::RefusedText;
            let shut = Self::shut(ingress, input, class).map(|shut| if is_text { Arc::new(shut.without_paths()) } else { Arc::new(shut) });
            return Read { shut, ..Read::nothing(is_text, Vec::new(), vec![refusal]) };
        }
        let origin = ObjectRef::new(Kind::Ingress, ingress.meta.name.clone());
        let objects = Objects::new(input.snapshot);
        let prefix = &input.settings.annotations_prefix;
        let mut permits = Permits::new(class, &origin, prefix);
        let annotations = permits.annotations(&ingress.meta.annotations);
        let mut given = Given::new(prefix, ingress.meta.name.namespace(), &annotations, objects);
        given.groups = groups::named(ingress);
        let annotations::Read { policies, is_refused, mut diagnostics, looked_up } =
            annotations::read(given, (&class.config, &class.plain), input.settings, &origin);
        let Some(mut policies) = policies else {
            diagnostics.append(&mut permits.diagnostics);
            let shut = if is_refused { Self::shut(ingress, input, class).map(Arc::new) } else { None };
            return Read { shut, ..Read::nothing(is_refused, looked_up, diagnostics) };
        };
        if !input.settings.approximates.is_empty() {
            // Of what it says itself; defaults of its class are not its own.
            let given = Given::new(prefix, ingress.meta.name.namespace(), &ingress.meta.annotations, Objects::new(input.snapshot));
            annotations::note_differences(&given, input.settings, &origin, &mut diagnostics);
        }
        if permits.closed || !policies.aliases.is_empty() {
            let policies = Arc::make_mut(&mut policies);
            policies.closed |= permits.closed;
            policies.aliases.retain(|alias| permits.alias(alias));
        }
        let mut reader = Reader::new(ingress, &origin, (&policies, input.settings.path_limits), permits);
        reader.uid();
        let reading = reader.reading(class, &policies);
        if ingress.rules.is_empty() && ingress.default_backend.is_none() {
            reader.say(Code::EmptyIngress, "spec", "the Ingress has neither rules nor a default backend".to_owned(), "add one");
        }
        diagnostics.append(&mut reader.diagnostics);
        diagnostics.append(&mut reader.permits.diagnostics);
        diagnostics.extend(groups::missing(&origin, prefix, &policies, &reading.rules));
        Read { reading: Some(Arc::new(reading)), shut: None, is_refused, looked_up, diagnostics }
    }

    /// What an Ingress says of hosts and paths that is left out though it keeps somebody out.
    fn shut(ingress: &Arc<Ingress>, input: Input<'_>, class: &Arc<ClassConfig>) -> Option<Self> {
        let origin = ObjectRef::new(Kind::Ingress, ingress.meta.name.clone());
        let prefix = &input.settings.annotations_prefix;
        let mut permits = Permits::new(class, &origin, prefix);
        let policies = Arc::new(annotations::shut(prefix, &permits.annotations(&ingress.meta.annotations), &class.plain)?);
        Some(Reader::new(ingress, &origin, (&policies, input.settings.path_limits), permits).reading(class, &policies))
    }

    /// The same, but nothing is made of the texts of its paths.
    fn without_paths(mut self) -> Self {
        for rule in &mut self.rules {
            let served = std::mem::take(&mut rule.paths);
            let lost = std::mem::take(&mut rule.lost);
            rule.lost = lost.into_iter().chain(served.iter().map(|path| path.text.as_str().into())).collect();
        }
        self
    }

    /// Names this Ingress beside a later one, and says why it comes first.
    pub(super) fn first_before(&self, later: &Self) -> String {
        let is_older = self.ingress.meta.created_s < later.ingress.meta.created_s;
        format!("{} ({})", self.origin, if is_older { "older" } else { "of the same age, and its name comes last in the alphabet" })
    }
}

/// The text of a path; one that says nothing is the root.
fn written(path: &Path) -> &str {
    path.path.as_deref().filter(|text| !text.is_empty()).unwrap_or("/")
}

/// Reads the parts of one Ingress and collects what is wrong with them.
struct Reader<'a> {
    ingress: &'a Arc<Ingress>,
    origin: &'a ObjectRef,
    /// Its paths are meant as regular expressions.
    takes_regex: bool,
    /// Its hosts are redirected to from their names with `www.`, or without.
    www_redirect: bool,
    /// Blanks are for paths of type ImplementationSpecific.
    path_limits: PathLimits,
    permits: Permits<'a>,
    diagnostics: Vec<Diagnostic>,
}

impl<'a> Reader<'a> {
    const fn new(
        ingress: &'a Arc<Ingress>,
        origin: &'a ObjectRef,
        (policies, path_limits): (&Policies, PathLimits),
        permits: Permits<'a>,
    ) -> Self {
        let takes_regex = policies.use_regex || policies.rewrite_target.is_some();
        Self { ingress, origin, takes_regex, www_redirect: policies.www_redirect, path_limits, permits, diagnostics: Vec::new() }
    }

    fn reading(&mut self, class: &Arc<ClassConfig>, policies: &Arc<Policies>) -> Reading {
        let default_backend = self.default_backend();
        let rules = self.rules().into();
        let ingress = self.ingress;
        Reading {
            ingress: Arc::clone(ingress),
            origin: self.origin.clone(),
            class: Arc::clone(class),
            policies: Arc::clone(policies),
            default_backend,
            rules,
            tls: ingress.tls.iter().enumerate().map(|(n, section)| self.tls(n, section.as_ref())).collect(),
            digest: digest_of(&(ingress.digest, policies, class.digest)),
        }
    }

    fn say(&mut self, code: Code, field: impl Into<String>, message: String, help: &str) {
        self.diagnostics.push(Diagnostic::new(code, self.origin.clone(), field, message).help(help));
    }

    /// What a field says, which is at this place or below it; one that says nothing is told.
    fn read<T>(&mut self, at: &str, read: Result<T, Fault>) -> Option<T> {
        read.map_err(|fault| self.diagnostics.push(fault.at(at, self.origin))).ok()
    }

    /// Nothing is made of it, but who has written it did not mean well.
    fn uid(&mut self) {
        let uid = &self.ingress.meta.uid;
        if !uid.is_empty() && !is_uuid(uid) {
            let message = format!("metadata.uid {} is no UUID, as the API server writes them", shown(uid));
            let finding = Diagnostic::new(Code::RefusedByApi, self.origin.clone(), "metadata.uid", message).help("remove it");
            self.diagnostics.push(Diagnostic { severity: Severity::Warning, ..finding });
        }
    }

    fn default_backend(&mut self) -> Option<BackendUse> {
        const FIELD: &str = "spec.defaultBackend";
        let backend = self.ingress.default_backend.as_ref()?;
        // Beside rules it answers for their hosts only.
        if self.ingress.rules.is_empty() && !self.permits.host(&HostPattern::CatchAll, FIELD) {
            return None;
        }
        self.backend(backend, FIELD)
    }

    fn rules(&mut self) -> Vec<RuleReading> {
        let mut rules = Vec::new();
        for (r, rule) in self.ingress.rules.iter().enumerate() {
            let Some(rule) = rule else { continue };
            let field = format!("spec.rules[{r}].host");
            let Some(host) = self.read(&field, fields::host(&rule.host)) else { continue };
            if !self.permits.host(&host, &field) {
                continue;
            }
            if host == HostPattern::CatchAll && rule.paths.is_some() {
                let message = "a rule without a host answers for every host that has no rule of its own".to_owned();
                self.say(Code::ServesUnknownHosts, field, message, "");
            }
            let (mut paths, mut lost) = (Vec::new(), Vec::new());
            for (p, path) in rule.paths.iter().flatten().enumerate().filter_map(|(p, path)| Some((p, path.as_ref()?))) {
                match self.path((r, p), path) {
                    Some(path) => paths.push(path),
                    None => lost.push(Box::from(written(path))),
                }
            }
            let redirecting = self.redirecting(&host);
            rules.push(RuleReading { host, redirecting, paths: paths.into(), lost: lost.into() });
        }
        rules
    }

    /// A name that redirects is claimed as a host is.
    fn redirecting(&mut self, host: &HostPattern) -> Option<HostName> {
        let HostPattern::Exact(host) = host else { return None };
        let other = host.www_counterpart().filter(|_| self.www_redirect)?;
        self.permits.redirecting(&other).then_some(other)
    }

    fn path(&mut self, at: (usize, usize), path: &Path) -> Option<PathReading> {
        let field = format!("spec.rules[{}].http.paths[{}]", at.0, at.1);
        let kind = self.read(&field, fields::path_kind(path))?;
        let text = written(path);
        let checked = self
            .path_text(text, path.path_type.as_deref())
            .map_err(|bad| self.say(Code::BadPath, format!("{field}.path"), bad.0, ""))
            .ok()?;
        let backend = self.backend(&path.backend, &format!("{field}.backend"))?;
        let (text, literal) = checked;
        Some(PathReading { text, literal, kind, backend, at })
    }

    /// A path may be an expression whatever its own Ingress asks for: another one of its host may ask for expressions.
    fn path_text(&self, text: &str, path_type: Option<&str>) -> Result<(RulePath, Result<UriPath, BadText>), BadText> {
        let may_hold_blanks = self.path_limits.blanks && path_type == Some("ImplementationSpecific");
        let literal = if may_hold_blanks { UriPath::with_blanks(text) } else { UriPath::new(text) };
        match literal.and_then(|path| self.path_limits.check(path)) {
            Ok(literal) => Ok((literal.clone().into(), Ok(literal))),
            Err(bad) => match RouteRegex::new(text) {
                Ok(_) => Ok((RulePath::new(text)?, Err(bad))),
                Err(worse) => Err(if self.takes_regex { worse } else { bad }),
            },
        }
    }

    fn backend(&mut self, backend: &Backend, field: &str) -> Option<BackendUse> {
        self.read(field, fields::backend(&self.ingress.meta.name, backend))
    }

    fn tls(&mut self, n: usize, section: Option<&TlsSection>) -> TlsReading {
        let Some(section) = section else { return TlsReading::default() };
        let mut hosts = Vec::new();
        for (h, host) in section.hosts.iter().enumerate() {
            let Some(host) = host else { continue };
            let field = format!("spec.tls[{n}].hosts[{h}]");
            let pattern = self.read(&field, fields::host(host));
            hosts.extend(pattern.filter(|pattern| self.permits.host(pattern, &field)));
        }
        let secret = self.read(&format!("spec.tls[{n}]"), fields::secret_name(&self.ingress.meta.name, section)).flatten();
        TlsReading { at: n, hosts, secret }
    }
}
