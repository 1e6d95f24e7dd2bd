//! One virtual host out of the claims on it: `ingress-semantics` 4.2, 4.3, 8.1, 12.1.

use super::agreement::Agreement;
use super::annotations::Policies;
use super::backends::{Backends, Resolved};
use super::claims::{Claim, Claims};
use super::further_names::{FurtherNames, Redirecting};
use super::host_policy;
use super::paths::{self, Pattern};
use super::reading::{BackendUse, PathKind, PathReading, Reading};
use super::stand_in;
use super::tls::Certificates;
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::model::{
    Action, Alias, BackendPolicy, Canary, Host, HostCertificate, HttpsRedirect, PathMatch, Redirect, RedirectStatus, RedirectTarget,
    Rewrite, Route, RoutePolicy, ServiceRef, digest_of,
};
use crate::names::variable::LABELS;
use crate::names::{HostPattern, ObjectRef, RouteRegex, RulePath, UriPath, VariableText};
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

/// A path and the Ingress that it is of.
struct Entry<'a> {
    reading: &'a Reading,
    path: &'a PathReading,
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

    /// The oldest Ingress that makes the paths of the host regular expressions, if one does: `ingress-semantics` 7.
    fn first_with_regex(&self) -> Option<&'a Reading> {
        self.claims.iter().find_map(|claim| {
            let policies = &claim.reading.policies;
            let target = policies.rewrite_target.as_deref();
            let mut paths = claim.rule.iter().flat_map(|rule| &rule.paths);
            let rewrites = target.is_some_and(|target| paths.any(|path| path.text.as_str() != target));
            (policies.use_regex || rewrites).then_some(&**claim.reading)
        })
    }

    /// What each path takes as an expression.
    fn expressions(&self, entries: Vec<Entry<'a>>, diagnostics: &mut Vec<Diagnostic>) -> Vec<(Entry<'a>, Vec<PathMatch>)> {
        let mut matched = Vec::new();
        for entry in entries {
            match RouteRegex::new(entry.path.text.as_str()) {
                Ok(expression) => matched.push((entry, vec![PathMatch::Regex(expression)])),
                Err(bad) => {
                    let by = self.first_with_regex().map_or_else(String::new, |by| format!(", by {}", by.origin));
                    let message = format!("host {} takes paths as regular expressions{by}: {bad}", self.pattern);
                    diagnostics.push(Diagnostic::new(Code::BadPath, entry.reading.origin.clone(), entry.path.field("path"), message));
                }
            }
        }
        matched
    }

    /// What each path takes as a literal.
    fn divided(&self, entries: Vec<Entry<'a>>, diagnostics: &mut Vec<Diagnostic>) -> Vec<(Entry<'a>, Vec<PathMatch>)> {
        let (mut literal, mut patterns) = (Vec::new(), Vec::<Pattern<'_>>::new());
        for entry in entries {
            match &entry.path.literal {
                Some(path) => {
                    patterns.push((path, entry.path.kind));
                    literal.push(entry);
                }
                None => {
                    let message = format!("path {} is a regular expression on a host without them", entry.path.text);
                    let finding = Diagnostic::new(Code::BadPath, entry.reading.origin.clone(), entry.path.field("path"), message);
                    diagnostics.push(finding.help("set use-regex to \"true\""));
                }
            }
        }
        let (taken, lost): (Vec<_>, Vec<_>) =
            literal.into_iter().zip(paths::divide(&patterns)).partition(|(_, matches)| !matches.is_empty());
        for (entry, _) in lost {
            let message = format!(
                "host {} path {} is already served by other paths of the host; this path is ignored",
                self.pattern, entry.path.text
            );
            diagnostics.push(Diagnostic::new(Code::DuplicatePath, entry.reading.origin.clone(), entry.path.field("path"), message));
        }
        taken
    }

    /// The paths of all claims; of equal ones the first.
    fn entries(&self, diagnostics: &mut Vec<Diagnostic>) -> Vec<Entry<'a>> {
        let mut owners: HashMap<(&RulePath, PathKind), &Reading> = HashMap::new();
        let mut entries = Vec::new();
        for claim in self.claims {
            let reading: &'a Reading = claim.reading;
            for path in claim.rule.iter().flat_map(|rule| &rule.paths) {
                match owners.get(&(&path.text, path.kind)) {
                    None => {
                        owners.insert((&path.text, path.kind), reading);
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
        let message = format!("host {} path {} is already served by {by}; this path is ignored", self.pattern, path.text);
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
        let resolved = backends.resolve(&path.backend, &self.agreement.policy(&policies.backend, &path.backend));
        diagnostics.extend(resolved.finding(&reading.origin, path.field("backend")));
        let (policy, closed) = self.policy(reading, &path.text, &matches, backends, diagnostics);
        let behind = stand_in::of(policies, backends);
        let service = Some(path.backend.reference());
        let policy = labelled(policy, &reading.origin, service.as_ref(), &path.text);
        let canary = self.canary(&policies.backend, &path.backend, backends);
        if let Some((used, policy)) = self.agreement.canary(&policies.backend, &path.backend) {
            diagnostics.extend(backends.resolve(used.backend, &policy).finding(&used.reading.origin, "spec.rules".to_owned()));
        }
        let action = if closed { Action::Respond(503) } else { action(policies, &resolved) };
        let canary = canary.filter(|_| matches!(action, Action::Forward(_)));
        let errors = self.config.globals.custom_errors.as_ref();
        let (action, policy) = if closed { (action, policy) } else { stand_in::behind(action, policy, policies, errors, behind) };
        Route {
            canary,
            policy,
            matches,
            rule_path: path.text.clone(),
            origin: Some(reading.origin.clone()),
            service,
            https_redirect: self.redirect(reading, path.text.as_str()).filter(|_| !closed),
            action,
        }
    }

    /// The canary of a Service port, if it has endpoints.
    fn canary(&self, own: &Arc<BackendPolicy>, used: &BackendUse, backends: &mut Backends<'_>) -> Option<Arc<Canary>> {
        let (canary, policy) = self.agreement.canary(own, used)?;
        match &backends.resolve(canary.backend, &policy).action {
            Action::Forward(id) => Some(Arc::new(Canary { backend: id.clone(), rules: canary.rules.clone() })),
            Action::Respond(_) | Action::Vacant(_) => None,
        }
    }

    /// The route for everything else: the default backend of the Ingress that made the host, else the global one.
    fn fallback(&self, root: PathMatch, backends: &mut Backends<'_>, diagnostics: &mut Vec<Diagnostic>) -> Route {
        let catch_all = *self.pattern == HostPattern::CatchAll;
        let is_default = |claim: &&Claim<'_>| if catch_all { claim.rule.is_none() } else { true };
        let Some(claim) = self.claims.iter().find(is_default) else { return bare_fallback(root, backends.default_action()) };
        let reading: &Reading = claim.reading;
        let policies = &reading.policies;
        let own: Option<(&BackendUse, Arc<Resolved>)> =
            reading.default_backend.as_ref().map(|used| (used, backends.resolve(used, &self.agreement.policy(&policies.backend, used))));
        if let Some((_, resolved)) = &own {
            diagnostics.extend(resolved.finding(&reading.origin, "spec.defaultBackend".to_owned()));
        }
        let unclosed = own.as_ref().map_or_else(|| backends.default_action(), |(_, resolved)| resolved.action.clone());
        let (matches, rule_path) = (vec![root], RulePath::from(self::root()));
        let (policy, closed) = self.policy(reading, &rule_path, &matches, backends, diagnostics);
        let policy = if claim.rule.is_none() { of_default_backend(&policy) } else { policy };
        let service = own.map(|(used, _)| used.reference());
        let policy = labelled(policy, &reading.origin, service.as_ref(), &rule_path);
        let action = if policies.closed || closed { Action::Respond(503) } else { unclosed };
        let behind = stand_in::of(policies, backends);
        let errors = self.config.globals.custom_errors.as_ref();
        let (action, policy) = if closed { (action, policy) } else { stand_in::behind(action, policy, policies, errors, behind) };
        Route {
            policy,
            matches,
            rule_path,
            origin: Some(reading.origin.clone()),
            service,
            https_redirect: if catch_all || closed { None } else { self.redirect(reading, "/") },
            action,
            canary: None,
        }
    }

    /// What an Ingress asks of the route of one of its paths, and whether that cannot be given.
    ///
    /// A closed route does nothing but say so. Only expressions are rewritten, and none to what it is already. Nobody has
    /// to log in where `no-auth-locations` says so, and a service that cannot be asked lets nobody pass.
    fn policy(
        &self,
        reading: &Reading,
        path: &RulePath,
        matches: &[PathMatch],
        backends: &mut Backends<'_>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> (Arc<RoutePolicy>, bool) {
        let policies = &reading.policies;
        if policies.closed {
            return (Arc::default(), true);
        }
        let is_regex = matches.iter().any(|m| matches!(m, PathMatch::Regex(_)));
        let wish = &policies.route;
        let to_itself = policies.rewrite_target.as_deref() == Some(path.as_str());
        let drop_rewrite = wish.rewrite.is_some() && (!is_regex || to_itself);
        let exempt = reading.class.config.no_auth_locations.iter().any(|prefix| path.as_str().starts_with(prefix.as_str()));
        let mut policy = Arc::clone(wish);
        if drop_rewrite {
            Arc::make_mut(&mut policy).rewrite = None;
        }
        if exempt && (wish.basic_auth.is_some() || wish.external_auth.is_some()) {
            let policy = Arc::make_mut(&mut policy);
            (policy.basic_auth, policy.external_auth) = (None, None);
        }
        self.below(&mut policy);
        self.mirror(reading, &mut policy, backends, diagnostics);
        let Some(auth) = policy.external_auth.clone() else { return (policy, false) };
        let here = auth.for_host(self.pattern);
        let found = backends.servers.of(here.as_ref().unwrap_or(&auth));
        let field = format!("metadata.annotations[{}/auth-url]", self.annotations_prefix);
        diagnostics.extend(found.finding(&reading.origin, field));
        if !found.is_there() {
            return (Arc::default(), true);
        }
        if let Some(here) = here.filter(|here| *here != *auth) {
            Arc::make_mut(&mut policy).external_auth = Some(Arc::new(here));
        }
        (policy, false)
    }

    /// What the oldest Ingress with a snippet for the whole host asks of every route.
    fn below(&self, policy: &mut Arc<RoutePolicy>) {
        if let Some(snippet) = self.claims.iter().find_map(|claim| claim.reading.policies.server_snippet.as_ref()) {
            snippet.apply_below(Arc::make_mut(policy));
        }
    }

    /// A mirror that cannot be asked costs itself.
    fn mirror(&self, reading: &Reading, policy: &mut Arc<RoutePolicy>, backends: &mut Backends<'_>, diagnostics: &mut Vec<Diagnostic>) {
        let Some(mirror) = policy.mirror.clone() else { return };
        let found = backends.servers.of_mirror(&mirror);
        let field = format!("metadata.annotations[{}/mirror-target]", self.annotations_prefix);
        diagnostics.extend(found.finding(&reading.origin, field).map(|finding| finding.outcome(Outcome::KeptDefault)));
        if !found.is_there() {
            Arc::make_mut(policy).mirror = None;
        }
    }

    fn redirect(&self, reading: &Reading, path: &str) -> Option<HttpsRedirect> {
        let policies = &reading.policies;
        let exempt = reading.class.config.no_tls_redirect_locations.iter().any(|prefix| path.starts_with(prefix.as_str()));
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

fn everything() -> RouteRegex {
    RouteRegex::new("/").expect("the root is an expression")
}

/// The policy with the names of a route in place of the variables that stand for them.
fn labelled(policy: Arc<RoutePolicy>, origin: &ObjectRef, service: Option<&ServiceRef>, path: &RulePath) -> Arc<RoutePolicy> {
    let uses = |text: &VariableText| text.uses(LABELS);
    let rewrite = policy.rewrite.as_ref();
    let in_rewrite = rewrite.is_some_and(|rewrite| uses(&rewrite.target) || rewrite.forwarded_prefix.as_ref().is_some_and(uses));
    if !in_rewrite && !policy.upstream_host.as_ref().is_some_and(uses) {
        return policy;
    }
    let label = |name: &str| match name {
        "namespace" => Some(origin.name.namespace()),
        "ingress_name" => Some(origin.name.name()),
        "service_name" => Some(service.map_or("", |service| &*service.service)),
        "service_port" => Some(service.map_or("", |service| &*service.port)),
        "location_path" => Some(path.as_str()),
        _ => None,
    };
    let mut policy = (*policy).clone();
    policy.upstream_host = policy.upstream_host.map(|text| text.filled(label));
    policy.rewrite = policy.rewrite.map(|rewrite| Rewrite {
        target: rewrite.target.filled(label),
        forwarded_prefix: rewrite.forwarded_prefix.map(|text| text.filled(label)),
    });
    Arc::new(policy)
}

/// A default backend of all hosts is neither redirected nor rewritten: `ingress-semantics` 8.1.
fn of_default_backend(policy: &Arc<RoutePolicy>) -> Arc<RoutePolicy> {
    if policy.redirect.is_none() && policy.rewrite.is_none() {
        return Arc::clone(policy);
    }
    Arc::new(RoutePolicy { redirect: None, rewrite: None, ..(**policy).clone() })
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

fn bare_fallback(root: PathMatch, action: Action) -> Route {
    Route {
        matches: vec![root],
        rule_path: RulePath::from(self::root()),
        origin: None,
        service: None,
        https_redirect: None,
        policy: Arc::default(),
        action,
        canary: None,
    }
}
