//! One virtual host out of the claims on it: `ingress-semantics` 4.2, 4.3, 8.1, 12.1.

mod matching;
mod routes;

use super::agreement::Agreement;
use super::backends::Backends;
use super::claims::{Claim, Claims};
use super::further_names::{FurtherNames, Redirecting};
use super::host_policy;
use super::stand_in;
use super::tls::Certificates;
use crate::diagnostic::Diagnostic;
use crate::model::{
    Action, Alias, Host, HostCertificate, PathMatch, Redirect, RedirectStatus, RedirectTarget, Route, RoutePolicy, digest_of,
};
use crate::names::{HostPattern, ObjectRef, RouteRegex, RulePath, UriPath};
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
        (config, annotations_prefix): (&Config, &str),
        claims: &Claims<'_>,
        certificates: &Certificates<'_>,
        (names, agreement): (&FurtherNames<'_>, &Agreement<'_>),
        backends: &mut Backends<'_>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> BTreeMap<HostPattern, Arc<Host>> {
        let settings = digest_of(config);
        let mut before = std::mem::take(&mut self.kept);
        let mut hosts = BTreeMap::new();
        let of_claims = claims.iter().map(|(&pattern, claims)| {
            let (certificate, has_tls) = (certificates.of(pattern), certificates.has_tls(pattern));
            (true, Builder { pattern, claims, config, certificate, has_tls, aliases: names.of(pattern), annotations_prefix, agreement })
        });
        let of_aliases = names.apart.iter().map(|(pattern, apart)| {
            let (certificate, has_tls) = (&HostCertificate::Unclaimed, apart.has_tls);
            let claims = &claims[apart.host];
            (false, Builder { pattern, claims, config, certificate, has_tls, aliases: &[], annotations_prefix, agreement })
        });
        for (has_say, builder) in of_claims.chain(of_aliases) {
            let pattern = builder.pattern;
            let made_from = builder.made_from(settings, backends);
            let kept = before.remove(pattern).filter(|kept| kept.made_from == made_from).unwrap_or_else(|| {
                let (host, findings) = builder.build(backends);
                Kept { made_from, host: Arc::new(host), findings: findings.into() }
            });
            if has_say {
                diagnostics.extend(kept.findings.iter().cloned());
            }
            hosts.insert(pattern.clone(), Arc::clone(&kept.host));
            self.kept.insert(pattern.clone(), kept);
        }
        for (pattern, redirecting) in &names.redirecting {
            hosts.insert(pattern.clone(), Arc::new(redirecting_host(pattern, redirecting)));
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
    aliases: &'a [Alias],
    annotations_prefix: &'a str,
    agreement: &'a Agreement<'a>,
}

impl<'a> Builder<'a> {
    fn made_from(&self, settings: u128, backends: &mut Backends<'_>) -> u128 {
        let mut hasher = xxhash_rust::xxh3::Xxh3::new();
        (settings, self.certificate, self.has_tls, self.aliases, self.claims.len()).hash(&mut hasher);
        backends.default_action().hash(&mut hasher);
        for claim in self.claims {
            let reading = claim.reading;
            reading.digest.hash(&mut hasher);
            for used in reading.default_backend.iter().chain(claim.rule.iter().flat_map(|rule| &rule.paths).map(|path| &path.backend)) {
                let own = &reading.policies.backend;
                backends.resolve(used, &self.agreement.policy(own, used)).digest.hash(&mut hasher);
                if let Some((canary, policy)) = self.agreement.canary(own, used) {
                    (canary.rules, canary.reading.digest, backends.resolve(canary.backend, &policy).digest).hash(&mut hasher);
                }
            }
            if let Some(auth) = &reading.policies.route.external_auth {
                let here = auth.for_host(self.pattern);
                backends.servers.of(here.as_ref().unwrap_or(auth)).digest.hash(&mut hasher);
            }
            if let Some(mirror) = &reading.policies.route.mirror {
                backends.servers.of_mirror(mirror).digest.hash(&mut hasher);
            }
            stand_in::hash(&reading.policies, backends, &mut hasher);
            // Which rules of the Ingress these are: their paths say where they stand.
            claim.rule.map(|rule| (rule.paths.len(), rule.paths.first().map(|path| path.at))).hash(&mut hasher);
        }
        let _ = hasher.finish();
        hasher.digest128()
    }

    fn build(&self, backends: &mut Backends<'_>) -> (Host, Vec<Diagnostic>) {
        let mut diagnostics = Vec::new();
        let entries = self.entries(&mut diagnostics);
        let is_regex = self.first_with_regex().is_some();
        let matched = if is_regex { self.expressions(entries, &mut diagnostics) } else { self.divided(entries, &mut diagnostics) };
        let mut routes: Vec<Route> =
            matched.into_iter().map(|(entry, matches)| self.route(&entry, matches, backends, &mut diagnostics)).collect();
        self.say_shared(&mut diagnostics);
        let root = if is_regex { PathMatch::Regex(everything()) } else { PathMatch::Under(root()) };
        if !routes.iter().any(|route| route.matches.contains(&root)) {
            routes.push(self.fallback(root, backends, &mut diagnostics));
        }
        let origin = self.claims.first().map(|claim| claim.reading.origin.clone());
        let host = Host::new(self.pattern.clone(), origin, self.certificate.clone(), routes);
        let policy = host_policy::of(self.claims, self.aliases);
        (if policy.is_empty() { host } else { host.with_policy(policy) }, diagnostics)
    }
}

/// A host that only redirects to another one.
fn redirecting_host(pattern: &HostPattern, redirecting: &Redirecting) -> Host {
    let target = RedirectTarget::Host(redirecting.target.clone());
    let redirect = Redirect { status: RedirectStatus::OfHttpsRedirect, target, keep_relative: false };
    let policy = Arc::new(RoutePolicy { redirect: Some(redirect), ..RoutePolicy::default() });
    let origin: Option<ObjectRef> = Some(redirecting.origin.clone());
    let route = Route { origin: origin.clone(), policy, ..bare_fallback(PathMatch::Under(root()), Action::Respond(404)) };
    Host::new(pattern.clone(), origin, redirecting.certificate.clone(), vec![route])
}

fn bare_fallback(everywhere: PathMatch, action: Action) -> Route {
    Route {
        matches: vec![everywhere],
        rule_path: RulePath::from(root()),
        origin: None,
        service: None,
        https_redirect: None,
        policy: Arc::default(),
        action,
        canary: None,
    }
}

fn root() -> UriPath {
    UriPath::new("/").expect("the root is a path")
}

fn everything() -> RouteRegex {
    RouteRegex::new("/").expect("the root is an expression")
}
