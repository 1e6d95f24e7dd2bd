//! One virtual host out of the claims on it: `ingress-semantics` 4.2, 4.3, 8.1, 12.1.

mod expressions;
mod matching;
mod missed;
mod routes;
mod shut;
mod slow;
mod upstream_tls;

use super::agreement::Agreement;
use super::backends::{self, Backends};
use super::claims::{Claim, Claims};
use super::further_names::{FurtherNames, Redirecting};
use super::host_policy;
use super::stand_in;
use super::tls::Certificates;
use crate::diagnostic::Diagnostic;
use crate::model::{
    Action, Alias, Digester, Host, HostCertificate, PathMatch, Redirect, RedirectStatus, RedirectTarget, Route, RoutePolicy, SharedMap,
    digest_of,
};
use crate::names::{HostPattern, ObjectRef, RouteRegex, RulePath, UriPath};
use crate::settings::{Config, Settings};
use crate::state::{Epochs, NameParts, UsersOfNames};
use foldhash::HashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hash;
use std::sync::Arc;

/// The hosts of the time before, brought in line with each change.
#[derive(Debug, Default)]
pub(super) struct Built {
    /// Hash of all that hosts are made from and that is no host's own.
    circumstances: u128,
    kept: BTreeMap<HostPattern, Kept>,
    /// Those in `kept`, by the names of their Services.
    by_names: UsersOfNames<HostPattern>,
    /// Those that only are there because of an alias.
    apart: HashMap<HostPattern, Kept>,
    /// All of them, and those that only redirect.
    hosts: SharedMap<HostPattern, Host>,
    /// Those in `hosts` that no Ingress has a rule for.
    unclaimed: BTreeSet<HostPattern>,
    /// Hosts with further names.
    aliased: BTreeSet<HostPattern>,
    /// Hosts that something is said of.
    loud: BTreeSet<HostPattern>,
    /// Hosts that ask servers, or Services whose names have to be looked up.
    looking: BTreeSet<HostPattern>,
    /// Of the time before.
    epochs: Option<Epochs>,
}

/// The hosts that may not be as they were.
#[derive(Clone, Copy)]
pub(super) struct Touched<'a> {
    /// They have other claims, or none any more.
    pub(super) claims: &'a BTreeSet<HostPattern>,
    /// They have another certificate.
    pub(super) certificates: &'a BTreeSet<HostPattern>,
}

/// A host, what it was made from beside the claims on it, and what was wrong with it.
#[derive(Debug)]
struct Kept {
    made_from: u128,
    has_tls: bool,
    aliases: Box<[Alias]>,
    backends: Vec<Arc<backends::Kept>>,
    /// The parts that the names of their Services belong to.
    names: NameParts,
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
    pub(super) certificates: Certificates<'a>,
    pub(super) names: &'a FurtherNames<'a>,
    pub(super) agreement: &'a Agreement<'a>,
}

impl Built {
    /// Builds all hosts of which something has changed that they are made from.
    pub(super) fn update(
        &mut self,
        world: World<'_>,
        claims: &Claims,
        touched: Touched<'_>,
        backends: &mut Backends<'_>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> SharedMap<HostPattern, Host> {
        let settings = digest_of(world.config);
        let circumstances = digest_of(&(settings, world.settings, world.agreement.digest(), backends.default_action()));
        let is_same = std::mem::replace(&mut self.circumstances, circumstances) == circumstances;
        for pattern in self.again(is_same, (world, claims), touched, backends) {
            let before = self.kept.remove(&pattern);
            let (used_before, names_before) = before.as_ref().map(|kept| (kept.backends.clone(), kept.names)).unwrap_or_default();
            let may_be_same = is_same && !touched.claims.contains(&pattern);
            let all = claims;
            let kept = claims.get(&pattern).map(|claims| {
                let (certificate, has_tls) = (world.certificates.of(&pattern), world.certificates.has_tls(&pattern));
                let (shut, aliases) = (all.shut(&pattern), world.names.of(&pattern));
                let builder = Builder { pattern: &pattern, claims, shut, world, certificate, has_tls, aliases };
                builder.kept(before, may_be_same, settings, backends)
            });
            self.by_names.change(&pattern, names_before, kept.as_ref().map(|kept| kept.names).unwrap_or_default());
            self.put(pattern, kept, backends);
            backends.leave(&used_before);
        }
        self.put_unclaimed((world, claims), settings, backends, diagnostics);
        diagnostics.extend(self.loud.iter().flat_map(|host| &*self.kept[host].findings).cloned());
        self.hosts.clone()
    }

    /// The hosts to look at; `is_same`: only for what is their own.
    fn again(
        &mut self,
        is_same: bool,
        (world, claims): (World<'_>, &Claims),
        touched: Touched<'_>,
        backends: &Backends<'_>,
    ) -> BTreeSet<HostPattern> {
        let mut again: BTreeSet<HostPattern> = touched.claims.union(touched.certificates).cloned().collect();
        let before = self.epochs.replace(backends.epochs().clone());
        let Some(before) = before.filter(|_| is_same) else {
            again.extend(claims.iter().map(|(pattern, _)| pattern.clone()));
            return again;
        };
        again.extend(self.looking.iter().chain(&self.aliased).chain(world.names.hosts()).cloned());
        let changed = backends.epochs().changed_since(&before);
        let is_other = |kept: &Kept| !backends.are_current(&kept.backends);
        if backends.same_cluster_ips() {
            let others = self.by_names.of(changed).filter(|host| self.kept.get(*host).is_some_and(is_other));
            again.extend(others.cloned());
        } else {
            again.extend(self.kept.iter().filter(|(_, kept)| is_other(kept)).map(|(host, _)| host.clone()));
        }
        if touched.certificates.iter().any(|pattern| matches!(pattern, HostPattern::Wildcard(_))) {
            let is_covered = |host: &HostPattern| host.covering_wildcard().is_some_and(|wildcard| touched.certificates.contains(&wildcard));
            again.extend(claims.iter().map(|(pattern, _)| pattern).filter(|pattern| is_covered(pattern)).cloned());
        }
        again
    }

    /// `None`: nobody has a rule for it any more.
    fn put(&mut self, pattern: HostPattern, kept: Option<Kept>, backends: &mut Backends<'_>) {
        note(&mut self.loud, &pattern, kept.as_ref().is_some_and(|kept| !kept.findings.is_empty()));
        note(&mut self.looking, &pattern, kept.as_ref().is_some_and(|kept| kept.looks_up));
        note(&mut self.aliased, &pattern, kept.as_ref().is_some_and(|kept| !kept.aliases.is_empty()));
        let Some(kept) = kept else {
            self.hosts.remove(&pattern);
            return;
        };
        backends.take(&kept.backends);
        self.put_host(&pattern, &kept.host);
        self.kept.insert(pattern, kept);
    }

    fn put_host(&mut self, pattern: &HostPattern, host: &Arc<Host>) {
        if self.hosts.get(pattern).is_none_or(|there| there.digest != host.digest) {
            self.hosts.insert(pattern.clone(), Arc::clone(host));
        }
    }

    /// Hosts that nobody has a rule for: aliases that are hosts of their own, names that only redirect, and hosts of which
    /// something is closed that their wildcard host would answer for.
    fn put_unclaimed(
        &mut self,
        (world, claims): (World<'_>, &Claims),
        settings: u128,
        backends: &mut Backends<'_>,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let mut before = std::mem::take(&mut self.apart);
        let mut unclaimed = BTreeSet::new();
        let names = &world.names;
        let is_free = |host: &HostPattern| !names.apart.contains_key(host) && !names.redirecting.contains_key(host);
        let below: Vec<_> = claims.shut_below_wildcards().filter(|(host, _)| is_free(host)).collect();
        let aliases = names.apart.iter().map(|(pattern, apart)| (pattern, apart.host, apart.host, apart.has_tls));
        let below = below.iter().map(|(host, wildcard)| (*host, wildcard, *host, world.certificates.has_tls(host)));
        for (pattern, like, of_shut, has_tls) in aliases.chain(below) {
            let shut = claims.shut(of_shut);
            let claims = claims.get(like).unwrap_or_default();
            let certificate = &HostCertificate::Unclaimed;
            let builder = Builder { pattern, claims, shut, world, certificate, has_tls, aliases: &[] };
            let before = before.remove(pattern);
            let used_before = before.as_ref().map_or_else(Vec::new, |kept| kept.backends.clone());
            let kept = builder.kept(before, false, settings, backends);
            backends.take(&kept.backends);
            backends.leave(&used_before);
            // All others are those of the host that it is like, and told there.
            if like != of_shut {
                let is_of_shut = |finding: &&Diagnostic| shut.iter().any(|claim| finding.object.as_ref() == Some(&claim.reading.origin));
                diagnostics.extend(kept.findings.iter().filter(is_of_shut).cloned());
            }
            self.put_host(pattern, &kept.host);
            unclaimed.insert(pattern.clone());
            self.apart.insert(pattern.clone(), kept);
        }
        before.values().for_each(|gone| backends.leave(&gone.backends));
        for (pattern, to) in &world.names.redirecting {
            self.put_host(pattern, &Arc::new(redirecting_host(pattern, to)));
            unclaimed.insert(pattern.clone());
        }
        let gone = std::mem::replace(&mut self.unclaimed, unclaimed);
        let is_gone = |pattern: &&HostPattern| !self.unclaimed.contains(*pattern) && claims.get(pattern).is_none();
        let gone: Vec<&HostPattern> = gone.iter().filter(is_gone).collect();
        gone.into_iter().for_each(|pattern| _ = self.hosts.remove(pattern));
    }
}

/// Whether a host is one of these.
fn note(hosts: &mut BTreeSet<HostPattern>, host: &HostPattern, is_one: bool) {
    if !is_one {
        hosts.remove(host);
    } else if !hosts.contains(host) {
        hosts.insert(host.clone());
    }
}

/// All that one host is made from.
struct Builder<'a> {
    pattern: &'a HostPattern,
    claims: &'a [Claim],
    /// What Ingresses guard that are left out.
    shut: &'a [Claim],
    world: World<'a>,
    certificate: &'a HostCertificate,
    has_tls: bool,
    aliases: &'a [Alias],
}

impl<'a> Builder<'a> {
    /// The host, from the time before if it is still the same.
    fn kept(&self, mut before: Option<Kept>, may_be_same: bool, settings: u128, backends: &mut Backends<'_>) -> Kept {
        if let Some(kept) = before.take_if(|kept| may_be_same && kept.is_current(self, backends)) {
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
        let looks_up = used.iter().any(|backend| backend.has_dns_name()) || self.claims.iter().chain(self.shut).any(asks_servers);
        let names = backends::names(&used);
        Kept { made_from, has_tls: self.has_tls, aliases: self.aliases.into(), backends: used, names, looks_up, host, findings }
    }

    fn made_from(&self, settings: u128, backends: &mut Backends<'_>) -> u128 {
        let mut hasher = Digester::default();
        (settings, self.certificate, self.has_tls, self.aliases, self.claims.len(), self.shut.len()).hash(&mut hasher);
        backends.default_action().hash(&mut hasher);
        for claim in self.claims.iter().chain(self.shut) {
            let reading = &claim.reading;
            reading.digest.hash(&mut hasher);
            let own = self.upstream(reading);
            for used in
                reading.default_backend.iter().chain(claim.rule().into_iter().flat_map(|rule| &rule.paths).map(|path| &path.backend))
            {
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
            claim.rule().map(|rule| (rule.paths.len(), rule.paths.first().map(|path| path.at))).hash(&mut hasher);
        }
        hasher.digest()
    }

    fn build(&self, backends: &mut Backends<'_>) -> (Host, Vec<Diagnostic>) {
        let mut diagnostics = Vec::new();
        let mut entries = self.entries(&mut diagnostics);
        let is_regex = self.first_with_regex().is_some();
        let mut of_missed = Vec::new();
        let mut missed = self.missed(&mut of_missed);
        let shut = self.shut_entries(&entries, is_regex, &mut missed);
        entries.extend(&shut);
        let matched =
            if is_regex { self.expressions(entries, &mut missed, &mut diagnostics) } else { self.divided(entries, &mut diagnostics) };
        let closed = self.closed(&shut, &matched);
        // Only they look at the paths of other routes.
        let searches = self.claims.iter().any(|claim| !claim.reading.policies.searches.is_empty());
        let paths: Vec<PathMatch> = matched.iter().filter(|_| searches).flat_map(|(_, matches)| matches).cloned().collect();
        let mut routes: Vec<Route> = matched
            .into_iter()
            .map(|(entry, matches)| self.route(&entry, (matches, &paths), missed.closes(&entry), backends, &mut diagnostics))
            .collect();
        self.say_closed(&closed, &mut diagnostics);
        diagnostics.append(&mut of_missed);
        if is_regex {
            routes = routes.into_iter().flat_map(Route::apart).collect();
        }
        self.say_shared(&mut diagnostics);
        let root = if is_regex { PathMatch::Regex(everything()) } else { PathMatch::Under(root()) };
        if !routes.iter().any(|route| route.matches.contains(&root)) {
            self.say_unused_defaults(&mut diagnostics);
            routes.push(self.fallback((root, &paths), &missed, backends, &mut diagnostics));
        }
        let origin = self.claims.first().map(|claim| claim.reading.origin.clone());
        let host = Host::new(self.pattern.clone(), origin, self.certificate.clone(), routes);
        host_policy::say_overruled(self.pattern, self.claims, &self.world.settings.annotations_prefix, &mut diagnostics);
        let policy = host_policy::of(self.claims, self.aliases);
        (if policy.is_empty() { host } else { host.with_policy(policy) }, diagnostics)
    }
}

/// Whether its Ingress names servers by their URLs.
fn asks_servers(claim: &Claim) -> bool {
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
