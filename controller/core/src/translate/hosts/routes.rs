//! What becomes of the requests of one path, and of those of none.

use super::matching::Entry;
use super::missed::Missed;
use super::{Builder, bare_fallback, root};
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::model::{Action, BackendPolicy, Canary, Extra, HttpsRedirect, PathMatch, Rewrite, Route, RoutePolicy, ServiceRef};
use crate::names::variable::{LABELS, SUBDOMAIN};
use crate::names::{HostPattern, ObjectRef, RulePath, VariableText};
use crate::translate::annotations::Policies;
use crate::translate::annotations::directives::NOT_AGAIN;
use crate::translate::backends::{Backends, Resolved};
use crate::translate::claims::Claim;
use crate::translate::host_policy;
use crate::translate::reading::{BackendUse, Reading};
use crate::translate::stand_in;
use std::sync::Arc;

/// What an Ingress asks of a route.
enum Asked {
    /// This.
    For(Arc<RoutePolicy>),
    /// Something that cannot be given: the route does nothing but say so.
    Closed,
}

impl Asked {
    const fn is_closed(&self) -> bool {
        matches!(self, Self::Closed)
    }

    fn policy(self) -> Arc<RoutePolicy> {
        match self {
            Self::For(policy) => policy,
            Self::Closed => Arc::default(),
        }
    }
}

impl Builder<'_> {
    pub(super) fn route(
        &self,
        entry: &Entry<'_>,
        (matches, others): (Vec<PathMatch>, &[PathMatch]),
        is_closed: bool,
        backends: &mut Backends<'_>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Route {
        let (reading, path) = (entry.reading, entry.path);
        let (policies, upstream) = (&reading.policies, self.upstream(reading));
        let resolved = backends.resolve(&path.backend, &self.world.agreement.policy(&upstream, &path.backend));
        diagnostics.extend(resolved.findings(&reading.origin, path.field("backend")));
        let asked = self.asked(reading, &path.text, (&matches, others), backends, diagnostics);
        let closed = is_closed || asked.is_closed();
        let behind = stand_in::of(policies, backends);
        let service = Some(path.backend.reference());
        let policy = self.labelled(asked.policy(), &reading.origin, service.as_ref(), &path.text);
        let canary = self.canary(&upstream, &path.backend, backends);
        if let Some((used, policy)) = self.world.agreement.canary(&upstream, &path.backend) {
            diagnostics.extend(backends.resolve(used.backend, &policy).findings(&used.reading.origin, "spec.rules".to_owned()));
        }
        let action = if closed { Action::Respond(503) } else { action(policies, &resolved) };
        let canary = canary.filter(|_| matches!(action, Action::Forward(_)));
        let errors = self.world.config.globals.custom_errors.as_ref();
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
        let (canary, policy) = self.world.agreement.canary(own, used)?;
        match &backends.resolve(canary.backend, &policy).action {
            Action::Forward(id) => {
                let origin = canary.reading.origin.clone();
                Some(Arc::new(Canary { origin, backend: id.clone(), rules: canary.rules.clone() }))
            }
            Action::Respond(_) | Action::Vacant(_) => None,
        }
    }

    /// The route for everything else: the default backend of the Ingress that made the host, else the global one.
    pub(super) fn fallback(
        &self,
        (everywhere, others): (PathMatch, &[PathMatch]),
        missed: &Missed<'_>,
        backends: &mut Backends<'_>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Route {
        let catch_all = *self.pattern == HostPattern::CatchAll;
        let is_default = |claim: &&Claim| if catch_all { claim.rule().is_none() } else { true };
        let Some(claim) = self.claims.iter().find(is_default) else { return bare_fallback(everywhere, backends.default_action()) };
        let reading: &Reading = &claim.reading;
        let policies = &reading.policies;
        let own: Option<(&BackendUse, Arc<Resolved>)> = reading
            .default_backend
            .as_ref()
            .map(|used| (used, backends.resolve(used, &self.world.agreement.policy(&self.upstream(reading), used))));
        if let Some((_, resolved)) = &own {
            diagnostics.extend(resolved.findings(&reading.origin, "spec.defaultBackend".to_owned()));
        }
        let unclosed = own.as_ref().map_or_else(|| backends.default_action(), |(_, resolved)| resolved.action.clone());
        let (matches, rule_path) = (vec![everywhere], RulePath::from(root()));
        let asked = self.asked(reading, &rule_path, (&matches, others), backends, diagnostics);
        let is_missed = own.is_some() && missed.closes_default(reading);
        let (closed, policy) = (is_missed || asked.is_closed(), asked.policy());
        let policy = if claim.rule().is_none() { of_default_backend(&policy) } else { policy };
        let service = own.map(|(used, _)| used.reference());
        let policy = self.labelled(policy, &reading.origin, service.as_ref(), &rule_path);
        let action = if policies.closed || closed { Action::Respond(503) } else { unclosed };
        let behind = stand_in::of(policies, backends);
        let errors = self.world.config.globals.custom_errors.as_ref();
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

    /// What an Ingress asks of the route of one of its paths.
    ///
    /// Only expressions are rewritten, and none to what it is already. Nobody has to log in where `no-auth-locations` says
    /// so, and a service that cannot be asked lets nobody pass.
    fn asked(
        &self,
        reading: &Reading,
        path: &RulePath,
        (matches, others): (&[PathMatch], &[PathMatch]),
        backends: &mut Backends<'_>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Asked {
        let policies = &reading.policies;
        let exempt = reading.class.config.no_auth_locations.iter().any(|prefix| path.as_str().starts_with(prefix.as_str()));
        if policies.closed || policies.lost.closes(exempt) || host_policy::lets_in_more(self.claims, reading) {
            return Asked::Closed;
        }
        let is_regex = matches.iter().any(|m| matches!(m, PathMatch::Regex(_)));
        let wish = &policies.route;
        let to_itself = policies.rewrite_target.as_deref() == Some(path.as_str());
        let drop_rewrite = wish.rewrite.is_some() && (!is_regex || to_itself);
        let mut policy = Arc::clone(wish);
        if drop_rewrite {
            Arc::make_mut(&mut policy).rewrite = None;
        }
        if exempt && (wish.basic_auth.is_some() || wish.external_auth.is_some()) {
            let policy = Arc::make_mut(&mut policy);
            (policy.basic_auth, policy.external_auth) = (None, None);
        }
        self.below(&mut policy);
        if let Some(finding) = self.astray(reading, (matches, others), &policy) {
            diagnostics.push(finding);
            return Asked::Closed;
        }
        self.mirror(reading, &mut policy, backends, diagnostics);
        let Some(auth) = policy.external_auth.clone() else { return Asked::For(policy) };
        let here = auth.for_host(self.pattern);
        let found = backends.servers.of(here.as_ref().unwrap_or(&auth));
        let field = format!("metadata.annotations[{}/auth-url]", self.world.settings.annotations_prefix);
        diagnostics.extend(found.finding(&reading.origin, field));
        if !found.is_there() {
            return Asked::Closed;
        }
        if let Some(here) = here.filter(|here| *here != *auth) {
            Arc::make_mut(&mut policy).external_auth = Some(Arc::new(here));
        }
        Asked::For(policy)
    }

    /// What the oldest Ingress with a snippet for the whole host asks of every route.
    fn below(&self, policy: &mut Arc<RoutePolicy>) {
        if let Some(snippet) = self.claims.iter().find_map(|claim| claim.reading.policies.server_snippet.as_ref()) {
            snippet.apply_below(Arc::make_mut(policy));
        }
    }

    /// Says that a snippet looks for the route again by a path that may lead elsewhere. Closed it is where somebody may be kept
    /// out by that.
    fn astray(&self, reading: &Reading, (own, others): (&[PathMatch], &[PathMatch]), policy: &RoutePolicy) -> Option<Diagnostic> {
        let searches = &reading.policies.searches;
        if searches.is_empty() {
            return None;
        }
        let is_other = |path: &&PathMatch| !own.contains(path);
        let none = Extra::default();
        let extra = policy.extra.as_deref().unwrap_or(&none);
        let why = searches.iter().find_map(|search| search.strays(own, others.iter().filter(is_other), extra))?;
        let field = format!("metadata.annotations[{}/configuration-snippet]", self.world.settings.annotations_prefix);
        let finding = Diagnostic::new(Code::BadAnnotation, reading.origin.clone(), field, format!("configuration-snippet: {why}"));
        Some(finding.help(NOT_AGAIN).outcome(Outcome::ClosedRoute))
    }

    /// A mirror that cannot be asked costs itself.
    fn mirror(&self, reading: &Reading, policy: &mut Arc<RoutePolicy>, backends: &mut Backends<'_>, diagnostics: &mut Vec<Diagnostic>) {
        let Some(mirror) = policy.mirror.clone() else { return };
        let found = backends.servers.of_mirror(&mirror);
        let field = format!("metadata.annotations[{}/mirror-target]", self.world.settings.annotations_prefix);
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

    /// The policy with the names of a route in place of the variables that stand for them.
    fn labelled(&self, policy: Arc<RoutePolicy>, origin: &ObjectRef, service: Option<&ServiceRef>, path: &RulePath) -> Arc<RoutePolicy> {
        let uses = |text: &VariableText| text.uses(LABELS) || text.uses(&[SUBDOMAIN]);
        let rewrite = policy.rewrite.as_ref();
        let in_rewrite = rewrite.is_some_and(|rewrite| uses(&rewrite.target) || rewrite.forwarded_prefix.as_ref().is_some_and(uses));
        let in_snippets = policy.extra.as_ref().is_some_and(|extra| extra.uses(LABELS) || extra.uses(&[SUBDOMAIN]));
        if !in_rewrite && !in_snippets && !policy.upstream_host.as_ref().is_some_and(uses) {
            return policy;
        }
        let label = |name: &str| match name {
            "namespace" => Some(origin.name.namespace()),
            "ingress_name" => Some(origin.name.name()),
            "service_name" => Some(service.map_or("", |service| &*service.service)),
            "service_port" => Some(service.map_or("", |service| &*service.port)),
            "location_path" => Some(path.as_str()),
            SUBDOMAIN if !matches!(self.pattern, HostPattern::Wildcard(_)) => Some(""),
            _ => None,
        };
        let mut policy = (*policy).clone();
        policy.upstream_host = policy.upstream_host.map(|text| text.filled(label));
        policy.rewrite = policy.rewrite.map(|rewrite| Rewrite {
            target: rewrite.target.filled(label),
            forwarded_prefix: rewrite.forwarded_prefix.map(|text| text.filled(label)),
        });
        policy.extra = policy.extra.map(|extra| Arc::new((*extra).clone().filled(label)));
        Arc::new(policy)
    }
}

fn action(policies: &Policies, resolved: &Resolved) -> Action {
    if policies.closed { Action::Respond(503) } else { resolved.action.clone() }
}

/// A default backend of all hosts is neither redirected nor rewritten: `ingress-semantics` 8.1.
fn of_default_backend(policy: &Arc<RoutePolicy>) -> Arc<RoutePolicy> {
    if policy.redirect.is_none() && policy.rewrite.is_none() {
        return Arc::clone(policy);
    }
    Arc::new(RoutePolicy { redirect: None, rewrite: None, ..(**policy).clone() })
}
