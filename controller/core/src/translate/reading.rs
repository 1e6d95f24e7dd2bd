//! One Ingress by itself: what can be said of it without looking at anything else.

use super::annotations::{self, Given, LookedUp, Objects, Policies};
use super::parameters::ClassConfig;
use super::permits::Permits;
use super::{Input, screen};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{ServiceRef, digest_of};
use crate::names::{BadText, HostPattern, Kind, ObjectName, ObjectRef, PathLimits, RouteRegex, RulePath, UriPath, shown};
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
    pub(super) paths: Box<[PathReading]>,
}

/// A path that can be served.
#[derive(Debug)]
pub(super) struct PathReading {
    /// As it is written.
    pub(super) text: RulePath,
    /// As a literal path; `None` for one that is an expression and nothing else.
    pub(super) literal: Option<UriPath>,
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
    /// Its annotations or texts do not let it be served.
    pub(super) is_refused: bool,
    /// Other objects that were looked at.
    pub(super) looked_up: Vec<LookedUp>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl Read {
    fn nothing(is_refused: bool, looked_up: Vec<LookedUp>, diagnostics: Vec<Diagnostic>) -> Self {
        Self { reading: None, is_refused, looked_up, diagnostics }
    }
}

impl Reading {
    /// Reads a version of an Ingress.
    pub(super) fn of(ingress: &Arc<Ingress>, input: Input<'_>, class: &Arc<ClassConfig>) -> Read {
        if let Some(refusal) = screen::refusal(ingress, input.settings) {
            // An update that adds a default backend which is not allowed takes the Ingress away.
            return Read::nothing(refusal.code == Code::RefusedText, Vec::new(), vec![refusal]);
        }
        let origin = ObjectRef::new(Kind::Ingress, ingress.meta.name.clone());
        let objects = Objects::new(input.snapshot);
        let prefix = &input.settings.annotations_prefix;
        let mut permits = Permits::new(class, &origin, prefix);
        let annotations = permits.annotations(&ingress.meta.annotations);
        let given = Given::new(prefix, ingress.meta.name.namespace(), &annotations, objects);
        let annotations::Read { policies, is_refused, mut diagnostics, looked_up } =
            annotations::read(given, (&class.config, &class.plain), input.settings, &origin);
        let Some(mut policies) = policies else {
            diagnostics.append(&mut permits.diagnostics);
            return Read::nothing(is_refused, looked_up, diagnostics);
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
        let takes_regex = policies.use_regex || policies.rewrite_target.is_some();
        let path_limits = input.settings.path_limits;
        let mut reader = Reader { ingress, origin: &origin, takes_regex, path_limits, permits, diagnostics };
        let default_backend = reader.default_backend();
        let rules = reader.rules().into();
        let tls = ingress.tls.iter().enumerate().map(|(n, section)| reader.tls(n, section.as_ref())).collect();
        if ingress.rules.is_empty() && ingress.default_backend.is_none() {
            reader.say(Code::EmptyIngress, "spec", "the Ingress has neither rules nor a default backend".to_owned(), "add one");
        }
        let Reader { mut diagnostics, mut permits, .. } = reader;
        diagnostics.append(&mut permits.diagnostics);
        let digest = digest_of(&(ingress.digest, &policies, class.digest));
        let reading =
            Self { ingress: Arc::clone(ingress), origin, class: Arc::clone(class), policies, default_backend, rules, tls, digest };
        Read { reading: Some(Arc::new(reading)), is_refused, looked_up, diagnostics }
    }

    /// Names this Ingress beside a later one, and says why it comes first.
    pub(super) fn first_before(&self, later: &Self) -> String {
        let is_older = self.ingress.meta.created_s < later.ingress.meta.created_s;
        format!("{} ({})", self.origin, if is_older { "older" } else { "of the same age, and its name comes last in the alphabet" })
    }
}

/// Reads the parts of one Ingress and collects what is wrong with them.
struct Reader<'a> {
    ingress: &'a Ingress,
    origin: &'a ObjectRef,
    /// Its paths may be regular expressions.
    takes_regex: bool,
    /// Blanks are for paths of type ImplementationSpecific.
    path_limits: PathLimits,
    permits: Permits<'a>,
    diagnostics: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn say(&mut self, code: Code, field: impl Into<String>, message: String, help: &str) {
        self.diagnostics.push(Diagnostic::new(code, self.origin.clone(), field, message).help(help));
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
            let host = match HostPattern::parse(&rule.host) {
                Ok(host) => host,
                Err(bad) => {
                    self.say(Code::BadHost, format!("spec.rules[{r}].host"), bad.0, "");
                    continue;
                }
            };
            if !self.permits.host(&host, &format!("spec.rules[{r}].host")) {
                continue;
            }
            if host == HostPattern::CatchAll && rule.paths.is_some() {
                let message = "a rule without a host answers for every host that has no rule of its own".to_owned();
                self.say(Code::ServesUnknownHosts, format!("spec.rules[{r}].host"), message, "");
            }
            let paths = rule.paths.iter().flatten().enumerate();
            let paths = paths.filter_map(|(p, path)| self.path((r, p), path.as_ref()?)).collect();
            rules.push(RuleReading { host, paths });
        }
        rules
    }

    fn path(&mut self, at: (usize, usize), path: &Path) -> Option<PathReading> {
        let field = format!("spec.rules[{}].http.paths[{}]", at.0, at.1);
        let kind = match path.path_type.as_deref() {
            Some("Exact") => PathKind::Exact,
            None | Some("Prefix" | "ImplementationSpecific") => PathKind::Prefix,
            Some(other) => {
                let message = format!("pathType {} is not known", shown(other));
                self.say(Code::BadPathType, format!("{field}.pathType"), message, "use Exact, Prefix or ImplementationSpecific");
                return None;
            }
        };
        let text = path.path.as_deref().filter(|text| !text.is_empty()).unwrap_or("/");
        let checked = self
            .path_text(text, path.path_type.as_deref())
            .map_err(|bad| self.say(Code::BadPath, format!("{field}.path"), bad.0, ""))
            .ok()?;
        let backend = self.backend(&path.backend, &format!("{field}.backend"))?;
        let (text, literal) = checked;
        Some(PathReading { text, literal, kind, backend, at })
    }

    fn path_text(&self, text: &str, path_type: Option<&str>) -> Result<(RulePath, Option<UriPath>), BadText> {
        let may_hold_blanks = self.path_limits.blanks && path_type == Some("ImplementationSpecific");
        let literal = if may_hold_blanks { UriPath::with_blanks(text) } else { UriPath::new(text) };
        let literal = literal.and_then(|path| self.path_limits.check(path));
        if !self.takes_regex {
            return literal.map(|path| (path.clone().into(), Some(path)));
        }
        match (RouteRegex::new(text), literal) {
            (Ok(_), literal) => Ok((RulePath::new(text)?, literal.ok())),
            (Err(_), Ok(literal)) => Ok((literal.clone().into(), Some(literal))),
            (Err(bad), Err(_)) => Err(bad),
        }
    }

    fn backend(&mut self, backend: &Backend, field: &str) -> Option<BackendUse> {
        let Some(service) = &backend.service else {
            if backend.has_resource {
                let message = "resource backends are not supported".to_owned();
                self.say(Code::ResourceBackend, format!("{field}.resource"), message, "name a Service");
            } else {
                let help =
                    "give service.name and service.port; serviceName and servicePort are of the versions before networking.k8s.io/v1";
                self.say(Code::BadBackend, field, "the backend names no Service".to_owned(), help);
            }
            return None;
        };
        if backend.has_resource {
            self.say(Code::BadBackend, field, "the backend names a Service and a resource".to_owned(), "remove resource");
            return None;
        }
        let name = match self.ingress.meta.name.beside(&service.name) {
            Ok(name) => name,
            Err(bad) => {
                self.say(Code::BadBackend, format!("{field}.service.name"), bad.0, "name a Service of the Ingress's own namespace");
                return None;
            }
        };
        self.port(&service.port, format!("{field}.service.port")).then(|| BackendUse { service: name, port: service.port.clone() })
    }

    /// Whether something can be a port.
    fn port(&mut self, port: &PortRef, field: String) -> bool {
        let message = match port {
            PortRef::Number(number) if !(1..=65535).contains(number) => format!("{number} is not a port"),
            PortRef::Name(name) if name.len() > 63 || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') => {
                format!("{} is not a port", shown(name))
            }
            PortRef::Both(name, number) => format!("the backend names port {} and port {number}; one of them is too many", shown(name)),
            PortRef::Missing => "the backend names no port: neither a name nor a number other than 0".to_owned(),
            _ => return true,
        };
        let help = "give the number (1 to 65535) or the name of a port of the Service";
        self.say(Code::BadBackend, field, message, help);
        false
    }

    fn tls(&mut self, n: usize, section: Option<&TlsSection>) -> TlsReading {
        let Some(section) = section else { return TlsReading::default() };
        let mut hosts = Vec::new();
        for (h, host) in section.hosts.iter().enumerate() {
            let Some(host) = host else { continue };
            match HostPattern::parse(host) {
                Ok(pattern) if !self.permits.host(&pattern, &format!("spec.tls[{n}].hosts[{h}]")) => {}
                Ok(pattern) => hosts.push(pattern),
                Err(bad) => self.say(Code::BadHost, format!("spec.tls[{n}].hosts[{h}]"), bad.0, ""),
            }
        }
        let secret = Some(&*section.secret_name).filter(|name| !name.is_empty()).and_then(|name| {
            let checked = self.ingress.meta.name.beside(name);
            checked
                .map_err(|bad| {
                    self.say(
                        Code::BadSecretName,
                        format!("spec.tls[{n}].secretName"),
                        bad.0,
                        "name a Secret of the Ingress's own namespace",
                    )
                })
                .ok()
        });
        TlsReading { at: n, hosts, secret }
    }
}
