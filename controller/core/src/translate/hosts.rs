//! One virtual host out of the claims on it: `ingress-semantics` 4.2, 4.3, 8.1, 12.1.

use super::annotations::Policies;
use super::backends::{Backends, Resolved};
use super::claims::{Claim, Claims};
use super::host_policy;
use super::paths::{self, Pattern};
use super::reading::{BackendUse, PathKind, PathReading, Reading};
use super::tls::Certificates;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Action, Host, HostCertificate, HttpsRedirect, PathMatch, Route, RoutePolicy, digest_of};
use crate::names::{HostPattern, UriPath};
use crate::settings::Config;
use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The hosts of the time before, by what they were made from.
#[derive(Debug, Default)]
pub(super) struct Memo {
    kept: HashMap<HostPattern, Kept>,
}

/// A host, what it was made from, and what was wrong with it.
#[derive(Debug)]
struct Kept {
    made_from: u128,
    host: Arc<Host>,
    findings: Arc<[Diagnostic]>,
}

impl Memo {
    /// Builds all hosts, or takes them from the time before where nothing that they were made from has changed.
    pub(super) fn build(
        &mut self,
        config: &Config,
        claims: &Claims<'_>,
        certificates: &Certificates<'_>,
        backends: &mut Backends<'_>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> BTreeMap<HostPattern, Arc<Host>> {
        let settings = digest_of(config);
        let mut before = std::mem::take(&mut self.kept);
        let mut hosts = BTreeMap::new();
        for (&pattern, claims) in claims {
            let builder =
                Builder { pattern, claims, config, certificate: certificates.of(pattern), has_tls: certificates.has_tls(pattern) };
            let made_from = builder.made_from(settings, backends);
            let kept = before.remove(pattern).filter(|kept| kept.made_from == made_from).unwrap_or_else(|| {
                let (host, findings) = builder.build(backends);
                Kept { made_from, host: Arc::new(host), findings: findings.into() }
            });
            diagnostics.extend(kept.findings.iter().cloned());
            hosts.insert(pattern.clone(), Arc::clone(&kept.host));
            self.kept.insert(pattern.clone(), kept);
        }
        hosts
    }
}

/// All that one host is made from.
struct Builder<'a> {
    pattern: &'a HostPattern,
    claims: &'a [Claim<'a>],
    config: &'a Config,
    certificate: &'a HostCertificate,
    has_tls: bool,
}

/// A path and the Ingress that it is of.
struct Entry<'a> {
    reading: &'a Reading,
    path: &'a PathReading,
}

impl<'a> Builder<'a> {
    fn made_from(&self, settings: u128, backends: &mut Backends<'_>) -> u128 {
        let mut hasher = xxhash_rust::xxh3::Xxh3::new();
        (settings, self.certificate, self.has_tls, self.claims.len()).hash(&mut hasher);
        backends.default_action().hash(&mut hasher);
        for claim in self.claims {
            let reading = claim.reading;
            reading.digest.hash(&mut hasher);
            for used in reading.default_backend.iter().chain(claim.rule.iter().flat_map(|rule| &rule.paths).map(|path| &path.backend)) {
                backends.resolve(used, &reading.policies.backend).digest.hash(&mut hasher);
            }
            // Which rules of the Ingress these are: their paths say where they stand.
            claim.rule.map(|rule| (rule.paths.len(), rule.paths.first().map(|path| path.at))).hash(&mut hasher);
        }
        let _ = hasher.finish();
        hasher.digest128()
    }

    fn build(&self, backends: &mut Backends<'_>) -> (Host, Vec<Diagnostic>) {
        let mut diagnostics = Vec::new();
        let entries = self.entries(&mut diagnostics);
        let patterns: Vec<Pattern<'_>> = entries.iter().map(|entry| (&entry.path.path, entry.path.kind)).collect();
        let mut routes = Vec::new();
        for (entry, matches) in entries.iter().zip(paths::divide(&patterns)) {
            if matches.is_empty() {
                let message = format!(
                    "host {} path {} is already served by other paths of the host; this path is ignored",
                    self.pattern, entry.path.path
                );
                diagnostics.push(Diagnostic::new(Code::DuplicatePath, entry.reading.origin.clone(), entry.path.field("path"), message));
            } else {
                routes.push(self.route(entry, matches, backends, &mut diagnostics));
            }
        }
        self.say_shared(&mut diagnostics);
        let root = PathMatch::Under(root());
        if !routes.iter().any(|route| route.matches.contains(&root)) {
            routes.push(self.fallback(backends, &mut diagnostics));
        }
        let origin = self.claims.first().map(|claim| claim.reading.origin.clone());
        let host = Host::new(self.pattern.clone(), origin, self.certificate.clone(), routes);
        let policy = host_policy::of(self.claims);
        (if policy.is_empty() { host } else { host.with_policy(policy) }, diagnostics)
    }

    /// The paths of all claims; of equal ones the first.
    fn entries(&self, diagnostics: &mut Vec<Diagnostic>) -> Vec<Entry<'a>> {
        let mut owners: HashMap<(&UriPath, PathKind), &Reading> = HashMap::new();
        let mut entries = Vec::new();
        for claim in self.claims {
            let reading: &'a Reading = claim.reading;
            for path in claim.rule.iter().flat_map(|rule| &rule.paths) {
                match owners.get(&(&path.path, path.kind)) {
                    None => {
                        owners.insert((&path.path, path.kind), reading);
                        entries.push(Entry { reading, path });
                    }
                    Some(owner) => diagnostics.push(self.duplicate(owner, reading, path)),
                }
            }
        }
        entries
    }

    fn duplicate(&self, owner: &Reading, reading: &Reading, path: &PathReading) -> Diagnostic {
        let by =
            if std::ptr::eq(owner, reading) { "an earlier path of this Ingress".to_owned() } else { format!("{} (older)", owner.origin) };
        let message = format!("host {} path {} is already served by {by}; this path is ignored", self.pattern, path.path);
        Diagnostic::new(Code::DuplicatePath, reading.origin.clone(), path.field("path"), message)
    }

    /// Whoever adds paths to a host that another namespace had first is told so, once.
    fn say_shared(&self, diagnostics: &mut Vec<Diagnostic>) {
        let Some(first) = self.claims.first().filter(|_| *self.pattern != HostPattern::CatchAll) else { return };
        let owner = &first.reading.origin;
        let mut said: Option<&Reading> = None;
        for claim in self.claims {
            let reading: &Reading = claim.reading;
            let foreign = reading.origin.name.namespace() != owner.name.namespace();
            let Some(path) = claim.rule.and_then(|rule| rule.paths.first()).filter(|_| foreign) else { continue };
            if said.replace(reading).is_none_or(|before| !std::ptr::eq(before, reading)) {
                let message =
                    format!("host {} belongs to {owner} (older) of another namespace; paths that it does not use are added", self.pattern);
                let field = format!("spec.rules[{}].host", path.at.0);
                diagnostics.push(Diagnostic::new(Code::SharedHost, reading.origin.clone(), field, message));
            }
        }
    }

    fn route(&self, entry: &Entry<'_>, matches: Vec<PathMatch>, backends: &mut Backends<'_>, diagnostics: &mut Vec<Diagnostic>) -> Route {
        let (reading, path) = (entry.reading, entry.path);
        let policies = &reading.policies;
        let resolved = backends.resolve(&path.backend, &policies.backend);
        diagnostics.extend(resolved.finding(&reading.origin, path.field("backend")));
        Route {
            matches,
            rule_path: path.path.clone(),
            origin: Some(reading.origin.clone()),
            service: Some(path.backend.reference()),
            https_redirect: self.redirect(policies, &path.path),
            policy: self.policy(policies, &path.path),
            action: action(policies, &resolved),
        }
    }

    /// The route for everything else: the default backend of the Ingress that made the host, else the global one.
    fn fallback(&self, backends: &mut Backends<'_>, diagnostics: &mut Vec<Diagnostic>) -> Route {
        let catch_all = *self.pattern == HostPattern::CatchAll;
        let is_default = |claim: &&Claim<'_>| if catch_all { claim.rule.is_none() } else { true };
        let Some(claim) = self.claims.iter().find(is_default) else { return bare_fallback(backends.default_action()) };
        let reading: &Reading = claim.reading;
        let policies = &reading.policies;
        let own: Option<(&BackendUse, Arc<Resolved>)> =
            reading.default_backend.as_ref().map(|used| (used, backends.resolve(used, &policies.backend)));
        if let Some((_, resolved)) = &own {
            diagnostics.extend(resolved.finding(&reading.origin, "spec.defaultBackend".to_owned()));
        }
        let unclosed = own.as_ref().map_or_else(|| backends.default_action(), |(_, resolved)| resolved.action.clone());
        Route {
            matches: vec![PathMatch::Under(root())],
            rule_path: root(),
            origin: Some(reading.origin.clone()),
            service: own.map(|(used, _)| used.reference()),
            https_redirect: if catch_all { None } else { self.redirect(policies, &root()) },
            policy: self.policy(policies, &root()),
            action: if policies.closed { Action::Respond(503) } else { unclosed },
        }
    }

    /// What is asked for a path: nobody has to log in where `no-auth-locations` says so.
    fn policy(&self, policies: &Policies, path: &UriPath) -> Arc<RoutePolicy> {
        let exempt = self.config.no_auth_locations.iter().any(|prefix| path.as_str().starts_with(prefix.as_str()));
        if !exempt || policies.route.basic_auth.is_none() {
            return Arc::clone(&policies.route);
        }
        Arc::new(RoutePolicy { basic_auth: None, ..(*policies.route).clone() })
    }

    fn redirect(&self, policies: &Policies, path: &UriPath) -> Option<HttpsRedirect> {
        let exempt = self.config.no_tls_redirect_locations.iter().any(|prefix| path.as_str().starts_with(prefix.as_str()));
        let wanted = policies.force_ssl_redirect || (policies.ssl_redirect && self.has_tls);
        (wanted && !exempt && !policies.closed).then_some(HttpsRedirect { keep_trailing_slash: policies.preserve_trailing_slash })
    }
}

fn action(policies: &Policies, resolved: &Resolved) -> Action {
    if policies.closed { Action::Respond(503) } else { resolved.action.clone() }
}

fn root() -> UriPath {
    UriPath::new("/").expect("the root is a path")
}

fn bare_fallback(action: Action) -> Route {
    Route {
        matches: vec![PathMatch::Under(root())],
        rule_path: root(),
        origin: None,
        service: None,
        https_redirect: None,
        policy: Arc::default(),
        action,
    }
}
