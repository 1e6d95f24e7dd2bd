//! Hosts whose TLS connections are passed on as they are: `ingress-semantics` 13.
//!
//! The Ingresses of the namespace that had the host first have a say, and only one of them can be where its connections go:
//! nobody takes those of another namespace. A host that cannot be passed on is served as any other.

use super::claims::{Claim, Claims};
use super::endpoints::{Reach, endpoints};
use super::host_policy;
use super::reading::{PathReading, Reading};
use super::{Input, annotations};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{BackendPolicy, Passthrough, TrustedAddressSource};
use crate::names::{HostName, HostPattern};
use crate::settings::Config;
use std::collections::BTreeMap;
use std::ptr;

/// The port of the inner listener, if there is one, and the hosts.
pub(super) type Decided = (Option<u16>, BTreeMap<HostName, Passthrough>);

/// Decides for all hosts; `is_wished`: some Ingress wants that one is passed on.
pub(super) fn decide(
    input: Input<'_>,
    config: &Config,
    (claims, is_wished): (&Claims, bool),
    diagnostics: &mut Vec<Diagnostic>,
) -> Decided {
    let globals = &config.globals;
    let reach = Reach { settings: input.settings, other_namespaces: config.shares_objects };
    let mut decider = Decider { input, reach, diagnostics };
    let lacking = input.settings.lacks.iter().any(|lack| lack.key == "ssl-passthrough");
    let by_header = !input.settings.passes_behind_headers
        && matches!(globals.forwarding.client_address, TrustedAddressSource::Header | TrustedAddressSource::HeaderBehindProxyProtocol);
    let port = globals.listeners.passthrough_port.filter(|_| !lacking && !by_header);
    let (why, help) = match (globals.listeners.passthrough_port, by_header) {
        (None, _) => {
            ("the controller runs without --enable-ssl-passthrough", "start it with --enable-ssl-passthrough, or remove the annotation")
        }
        (Some(_), true) => {
            ("with this proxy it excludes use-forwarded-headers and enable-real-ip", "switch these off, or remove the annotation")
        }
        (Some(_), false) => ("the proxy cannot do it", REMOVE),
    };
    let mut hosts = BTreeMap::new();
    if !is_wished {
        return (port, hosts);
    }
    for (pattern, claims) in claims.iter() {
        let wishes = || claims.iter().filter(|claim| claim.reading.policies.passthrough);
        if port.is_some() {
            hosts.extend(decider.host(pattern, claims));
        } else if !lacking {
            wishes().for_each(|claim| decider.say(&claim.reading, format!("host {pattern} is not passed on: {why}"), help));
        }
    }
    (port, hosts)
}

/// What would do where nothing else does.
const REMOVE: &str = "remove the annotation";

struct Decider<'i, 'd> {
    input: Input<'i>,
    reach: Reach<'i>,
    diagnostics: &'d mut Vec<Diagnostic>,
}

impl Decider<'_, '_> {
    fn host(&mut self, pattern: &HostPattern, claims: &[Claim]) -> Option<(HostName, Passthrough)> {
        let owner = claims.first()?.reading.origin.name.namespace();
        let (own, foreign): (Vec<&Claim>, Vec<_>) = claims.iter().partition(|claim| claim.reading.origin.name.namespace() == owner);
        for claim in foreign.iter().filter(|claim| claim.reading.policies.passthrough) {
            let message = format!("host {pattern} belongs to namespace {owner}, which alone decides whether it is passed on");
            self.say(&claim.reading, message, REMOVE);
        }
        let wish = &own.iter().find(|claim| claim.reading.policies.passthrough)?.reading;
        let HostPattern::Exact(name) = pattern else {
            let message = format!("host {pattern} is not passed on: only TLS connections for one exact name are");
            self.say(wish, message, "name the hosts one by one, or remove the annotation");
            return None;
        };
        let Some((target, path)) = root_of(claims) else {
            let message = format!("host {pattern} is not passed on: no rule of it has the path /");
            self.say(wish, message, "add a rule with the path /, or remove the annotation");
            return None;
        };
        if target.origin.name.namespace() != owner {
            self.say(wish, format!("host {pattern} is not passed on: its path / belongs to another namespace"), REMOVE);
            return None;
        }
        // Whatever closes the route, such as a protection that cannot be given, is not passed by.
        if target.policies.closed || target.policies.lost.closes(false) || host_policy::lets_in_more(claims, target) {
            let message = format!("host {pattern} is not passed on: its path / is closed");
            self.say(wish, message, "mend what closes the path, or remove the annotation");
            return None;
        }
        // What is wrong with the Service is told with the route.
        let mut endpoints = endpoints(&path.backend, &BackendPolicy::default(), self.input.snapshot, self.reach).ok()?.endpoints;
        endpoints.sort_unstable();
        endpoints.dedup();
        if endpoints.is_empty() {
            return None;
        }
        self.say_other_paths(pattern, claims);
        self.say_unguarded(pattern, wish, claims);
        let reference = path.backend.reference();
        let label = format!("{}-{}-{}", reference.namespace, reference.service, reference.port);
        Some((name.clone(), Passthrough { origin: target.origin.clone(), name: label, endpoints }))
    }

    /// Requests for other paths reach the Service of `/` as well, unless they come over plain HTTP.
    fn say_other_paths(&mut self, pattern: &HostPattern, claims: &[Claim]) {
        let others = claims.iter().filter(|claim| claim.rule().is_some_and(|rule| rule.paths.iter().any(|path| path.text.as_str() != "/")));
        for claim in others {
            let message = format!("TLS connections for host {pattern} go to the Service of its path /, whatever path is asked for");
            let finding = Diagnostic::new(Code::AnnotationNote, claim.reading.origin.clone(), self.field(), message);
            self.diagnostics.push(finding.help("remove the annotation, or the other paths"));
        }
    }

    /// Tells the other Ingresses that keep somebody out, that over TLS they do not: endpoints see such connections as they are.
    fn say_unguarded(&mut self, pattern: &HostPattern, wish: &Reading, claims: &[Claim]) {
        let prefix = &self.input.settings.annotations_prefix;
        let mut told = wish;
        for reading in claims.iter().map(|claim| &*claim.reading) {
            let annotations = &reading.ingress.meta.annotations;
            // The rules of an Ingress for one host stand together.
            if ptr::eq(told, reading) || ptr::eq(wish, reading) {
                continue;
            }
            told = reading;
            let mut own = annotations.iter().filter_map(|(key, value)| Some((key, key.strip_prefix(&**prefix)?.strip_prefix('/')?, value)));
            let Some((key, name, _)) = own.find(|(_, name, value)| annotations::guards(name, value)) else { continue };
            let message = format!(
                "{name} keeps nobody out who comes by TLS: such connections for host {pattern} are passed on as they are, as {} asks \
                 with ssl-passthrough",
                wish.origin
            );
            let field = format!("metadata.annotations[{key}]");
            let finding = Diagnostic::new(Code::AnnotationNote, reading.origin.clone(), field, message);
            self.diagnostics.push(finding.help("remove ssl-passthrough there, or use a host of its own"));
        }
    }

    fn field(&self) -> String {
        format!("metadata.annotations[{}/ssl-passthrough]", self.input.settings.annotations_prefix)
    }

    fn say(&mut self, reading: &Reading, why: String, help: &str) {
        let message = format!("{why}, so its TLS connections are answered as those of other hosts");
        let finding = Diagnostic::new(Code::LacksFeature, reading.origin.clone(), self.field(), message);
        self.diagnostics.push(finding.help(help));
    }
}

/// The oldest path `/` of the host, whatever its type.
fn root_of(claims: &[Claim]) -> Option<(&Reading, &PathReading)> {
    claims.iter().find_map(|claim| {
        let root = claim.rule()?.paths.iter().find(|path| path.text.as_str() == "/")?;
        Some((&*claim.reading, root))
    })
}
