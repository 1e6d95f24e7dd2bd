//! One virtual host out of the claims on it: `ingress-semantics` 4.2, 4.3, 8.1, 12.1.

mod matching;
mod routes;
mod upstream_tls;

use super::agreement::Agreement;
use super::backends::{self, Backends};
use super::claims::{Before, Claim, Claims};
use super::further_names::{FurtherNames, Redirecting};
use super::host_policy;
use super::stand_in;
use super::tls::Certificates;
use crate::diagnostic::Diagnostic;
use crate::model::{
    Action, Alias, Digester, Host, HostCertificate, PathMatch, Redirect, RedirectStatus, RedirectTarget, Route, RoutePolicy, digest_of,
};
use crate::names::{HostPattern, ObjectRef, RouteRegex, RulePath, UriPath};
use crate::settings::{Config, Settings};
use foldhash::HashMap;
use std::collections::BTreeMap;
use std::hash::Hash;
use std::sync::Arc;

/// The hosts of the time before.
#[derive(Debug, Default)]
pub(super) struct Memo {
    /// Hash of all that hosts are made from and that is no host's own.
    circumstances: u128,
    /// In the order of the claims.
    kept: Vec<Option<Kept>>,
    /// Those that only are there because of an alias.
    apart: HashMap<HostPattern, Kept>,
}

/// A host, what it was made from beside the claims on it, and what was wrong with it.
#[derive(Debug)]
struct Kept {
    made_from: u128,
    has_tls: bool,
    aliases: Box<[Alias]>,
    backends: Vec<Arc<backends::Kept>>,
    /// It asks servers that URLs name, or Services whose names have to be looked up.
    looks_up: bool,
    host: Arc<Host>,
    findings: Arc<[Diagnostic]>,
}

impl Kept {
    /// Whether it is made from the very same, where neither the claims nor the circumstances have changed.
    fn is_current(&self, builder: &Builder<'_>, backends: &Backends<'_>) -> bool {
        !self.looks_up
            && (self.has_tls, &self.host.certificate, &*self.aliases) == (builder.has_tls, builder.certificate, builder.aliases)
            && backends.are_current(&self.backends)
    }
}

/// What has been found out before hosts are built.
#[derive(Clone, Copy)]
pub(super) struct World<'a> {
    pub(super) config: &'a Config,
    pub(super) settings: &'a Settings,
    pub(super) certificates: &'a Certificates<'a>,
    pub(super) names: &'a FurtherNames<'a>,
    pub(super) agreement: &'a Agreement<'a>,
}

/// Builds all hosts, or takes them from the time before where nothing that they were made from has changed; `before` is
/// what was known of each, which `memo` is about.
pub(super) fn build(
    world: World<'_>,
    claims: &Claims<'_>,
    (before, mut memo): (&[Option<Before>], Memo),
    backends: &mut Backends<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> (BTreeMap<HostPattern, Arc<Host>>, Memo) {
    let World { certificates, names, .. } = world;
    let settings = digest_of(world.config);
    let circumstances = digest_of(&(settings, world.settings, world.agreement.digest(), backends.default_action()));
    let is_same = memo.circumstances == circumstances;
    let mut now = Memo { circumstances, kept: Vec::with_capacity(before.len()), apart: HashMap::default() };
    let mut hosts = Vec::with_capacity(before.len());
    for (at, ((pattern, claims), before)) in claims.iter().zip(before).enumerate() {
        let (certificate, has_tls) = (certificates.at(at), certificates.has_tls_at(at, pattern));
        let builder = Builder { pattern, claims, world, certificate, has_tls, aliases: names.of(pattern) };
        let kept = before.and_then(|before| memo.kept.get_mut(before.at)?.take());
        let may_be_same = is_same && before.is_some_and(|before| before.same_claims);
        let kept = builder.kept(kept, may_be_same, settings, backends);
        diagnostics.extend(kept.findings.iter().cloned());
        hosts.push((pattern.clone(), Arc::clone(&kept.host)));
        now.kept.push(Some(kept));
    }
    let mut hosts: BTreeMap<_, _> = hosts.into_iter().collect();
    for (pattern, apart) in &names.apart {
        let claims = claims.get(apart.host).unwrap_or_default();
        let builder = Builder { pattern, claims, world, certificate: &HostCertificate::Unclaimed, has_tls: apart.has_tls, aliases: &[] };
        let kept = builder.kept(memo.apart.remove(pattern), false, settings, backends);
        hosts.insert(pattern.clone(), Arc::clone(&kept.host));
        now.apart.insert(pattern.clone(), kept);
    }
    hosts.extend(names.redirecting.iter().map(|(pattern, to)| (pattern.clone(), Arc::new(redirecting_host(pattern, to)))));
    (hosts, now)
}

/// All that one host is made from.
struct Builder<'a> {
    pattern: &'a HostPattern,
    claims: &'a [Claim<'a>],
    world: World<'a>,
    certificate: &'a HostCertificate,
    has_tls: bool,
    aliases: &'a [Alias],
}

impl<'a> Builder<'a> {
    /// The host, from the time before if it is still the same.
    fn kept(&self, mut before: Option<Kept>, may_be_same: bool, settings: u128, backends: &mut Backends<'_>) -> Kept {
        if let Some(kept) = before.take_if(|kept| may_be_same && kept.is_current(self, backends)) {
            backends.take(&kept.backends);
            return kept;
        }
        backends.begin_host(before.as_ref().map_or(&[], |kept| &kept.backends));
        let made_from = self.made_from(settings, backends);
        let (host, findings) = match before.filter(|kept| kept.made_from == made_from) {
            Some(kept) => (kept.host, kept.findings),
            None => {
                let (host, findings) = self.build(backends);
                (Arc::new(host), findings.into())
            }
        };
        let used = backends.end_host();
        let looks_up = used.iter().any(|backend| backend.has_dns_name()) || self.claims.iter().any(asks_servers);
        Kept { made_from, has_tls: self.has_tls, aliases: self.aliases.into(), backends: used, looks_up, host, findings }
    }

    fn made_from(&self, settings: u128, backends: &mut Backends<'_>) -> u128 {
        let mut hasher = Digester::default();
        (settings, self.certificate, self.has_tls, self.aliases, self.claims.len()).hash(&mut hasher);
        backends.default_action().hash(&mut hasher);
        for claim in self.claims {
            let reading = claim.reading;
            reading.digest.hash(&mut hasher);
            let own = self.upstream(reading);
            for used in reading.default_backend.iter().chain(claim.rule.iter().flat_map(|rule| &rule.paths).map(|path| &path.backend)) {
                backends.resolve(used, &self.world.agreement.policy(&own, used)).digest.hash(&mut hasher);
                if let Some((canary, policy)) = self.world.agreement.canary(&own, used) {
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
        hasher.digest()
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

/// Whether its Ingress names servers by their URLs.
fn asks_servers(claim: &Claim<'_>) -> bool {
    let wishes = &claim.reading.policies.route;
    wishes.external_auth.is_some() || wishes.mirror.is_some()
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
