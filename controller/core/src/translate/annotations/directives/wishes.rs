//! What a snippet asks for becomes wishes of routes.

use super::Meaning;
use super::searches::Search;
use crate::model::{Bandwidth, Buffering, EarlyAnswer, Extra, Logging, PathRewrite, Retries, RoutePolicy, Satisfy, SignIn, Timeouts};
use crate::names::{HeaderName, HostName, VariableText};
use crate::settings::LimitZones;
use std::sync::Arc;

impl Meaning {
    /// Every text that may have variables.
    pub(in crate::translate) fn texts(&self) -> impl Iterator<Item = &VariableText> {
        let extra = &self.extra;
        let headers =
            extra.request_headers.iter().map(|header| &header.value).chain(extra.answer_headers.iter().map(|header| &header.value));
        let answers = extra.answers.iter();
        let conditions = extra.answers.iter().flat_map(EarlyAnswer::conditions).map(|when| &when.variable);
        let conditions = conditions
            .chain(extra.chosen().map(|when| &when.variable))
            .chain(extra.rewrites.iter().filter_map(|rewrite| rewrite.when.as_ref()).map(|when| &when.variable));
        let substitutions = extra.substitutions.iter().flat_map(|all| &all.texts).flat_map(|(from, to)| [from, to]);
        let targets = extra.rewrites.iter().flat_map(PathRewrite::texts);
        let early = extra.answers.iter().flat_map(|answer| &answer.headers).map(|header| &header.value);
        headers.chain(early).chain(answers.map(|answer| &answer.text)).chain(conditions).chain(targets).chain(substitutions)
    }

    /// What has a number, in bytes or seconds, by the annotation that says the same.
    pub(in crate::translate) fn amounts(&mut self) -> Vec<(&'static str, &mut Option<u64>)> {
        let (timeouts, buffering, retries) = (&mut self.timeouts, &mut self.buffering, &mut self.retries);
        let mut amounts = vec![
            ("client-body-buffer-size", &mut buffering.client_body_bytes),
            ("proxy-body-size", &mut buffering.body_limit_bytes),
            ("proxy-buffer-size", &mut buffering.upstream_bytes),
            ("proxy-buffers-number", &mut buffering.upstream_buffers),
            ("proxy-busy-buffers-size", &mut buffering.busy_upstream_bytes),
            ("proxy-connect-timeout", &mut timeouts.connect_s),
            ("proxy-max-temp-file-size", &mut buffering.temp_file_bytes),
            ("proxy-next-upstream-timeout", &mut retries.timeout_s),
            ("proxy-next-upstream-tries", &mut retries.tries),
            ("proxy-read-timeout", &mut timeouts.read_s),
            ("proxy-send-timeout", &mut timeouts.send_s),
        ];
        if let Some(Bandwidth { rate_kib, after_kib }) = &mut self.bandwidth {
            amounts.extend([("limit-rate", rate_kib), ("limit-rate-after", after_kib)]);
        }
        amounts.extend(self.limits.iter_mut().map(|limits| ("limit-connections", &mut limits.connections)));
        amounts
    }

    /// Directives that only some proxies can follow, and without which answers would be other ones.
    pub(in crate::translate) fn special(&self) -> impl Iterator<Item = &'static str> {
        let beginnings = self.extra.hidden_beginnings.first().map(|_| "more_clear_headers *");
        self.extra.substitutions.iter().map(|_| "sub_filter").chain(beginnings)
    }

    /// Does without headers whose values the proxy has no word for, and names these with their variables. Of a request none
    /// stands in their place: a client could say it.
    pub(in crate::translate) fn drop_unsaid(&mut self, lacks: impl Fn(&VariableText) -> Option<String>) -> Vec<(HeaderName, String)> {
        let mut dropped = Vec::new();
        self.extra.answer_headers.retain(|header| {
            let lacking = lacks(&header.value);
            dropped.extend(lacking.iter().map(|variable| (header.name.clone(), variable.clone())));
            lacking.is_none()
        });
        self.extra.request_headers.retain_mut(|header| {
            let Some(variable) = lacks(&header.value) else { return true };
            header.value = VariableText::default();
            dropped.push((header.name.clone(), variable));
            !header.name.is_told()
        });
        dropped
    }

    /// Directives that only some proxies can follow, and without which answers are the same.
    pub(in crate::translate) fn comforts(&self) -> impl Iterator<Item = &'static str> {
        let (rate, gzip) = (self.bandwidth.as_ref(), self.extra.gzip.as_ref());
        let there = [
            (gzip.is_some_and(|gzip| gzip.min_bytes.is_some()), "gzip_min_length"),
            (gzip.is_some_and(|gzip| gzip.level.is_some()), "gzip_comp_level"),
            (gzip.is_some_and(|gzip| gzip.vary == Some(false)), "gzip_vary"),
            (gzip.is_some_and(|gzip| gzip.proxied == Some(false)), "gzip_proxied"),
            (rate.is_some_and(|rate| rate.rate_kib.is_some()), "limit_rate"),
            (rate.is_some_and(|rate| rate.after_kib.is_some()), "limit_rate_after"),
            (self.http_1_0 == Some(true), "proxy_http_version"),
            (!self.extra.passed_headers.is_empty(), "proxy_pass_header"),
            (self.extra.client_body_s.is_some(), "client_body_timeout"),
            (self.extra.client_send_s.is_some(), "send_timeout"),
        ];
        there.into_iter().filter_map(|(is_there, name)| is_there.then_some(name))
    }

    /// Directives without effect, and why.
    pub(in crate::translate) fn without(&self) -> impl Iterator<Item = (&str, &'static str)> {
        self.without.iter().map(|(name, why)| (name.as_str(), *why))
    }

    /// A location with a name that no other directive in these snippets has.
    pub(in crate::translate) fn unused_location(&self, texts: &[&str]) -> Option<&str> {
        let count = |name: &str| texts.iter().map(|text| text.matches(name).count()).sum::<usize>();
        self.named.keys().map(String::as_str).find(|name| count(name) < 2)
    }

    /// What else is to be said of directives, with their places.
    pub(in crate::translate) fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// A directive without effect that asks for more protection than the proxy as a whole has, and why it is without.
    pub(in crate::translate) fn stricter(&self, looser: &[&str]) -> Option<(&'static str, &'static str)> {
        let name = *self.strict.iter().find(|name| looser.contains(*name))?;
        Some((name, self.without.iter().find(|(own, _)| own == name)?.1))
    }

    /// Headers of answers that stay the proxy's own.
    pub(in crate::translate) fn own_headers(&self) -> &[HeaderName] {
        &self.own_headers
    }

    /// The name that endpoints with TLS are told in handshakes.
    pub(in crate::translate) fn told_name(&self) -> Option<&HostName> {
        self.endpoint_name.as_ref().filter(|_| self.tells_endpoint_name == Some(true))
    }

    /// Where clients go in place of 401.
    pub(in crate::translate) const fn sign_in(&self) -> Option<&SignIn> {
        self.sign_in.as_ref()
    }

    /// The directive for such a name that does nothing without the other one.
    pub(in crate::translate) const fn half_a_name(&self) -> Option<&'static str> {
        match (&self.endpoint_name, self.tells_endpoint_name) {
            (Some(_), None | Some(false)) => Some("proxy_ssl_name"),
            (None, Some(true)) => Some("proxy_ssl_server_name"),
            _ => None,
        }
    }

    /// Whether a password stands in for an address, or an address for a password, which is not for one Ingress to say of a host.
    pub(in crate::translate) fn joins_protections(&self) -> bool {
        self.satisfy == Some(Satisfy::Any)
    }

    /// Whether the path for the endpoints is another one, which is too late for a whole host: its routes are found by the path.
    pub(in crate::translate) fn rewrites_paths(&self) -> bool {
        !self.extra.rewrites.is_empty()
    }

    /// Other paths by which the route is looked for again.
    pub(in crate::translate) fn searches(&self) -> &[Search] {
        &self.searches
    }

    /// Whether it has locations.
    pub(in crate::translate) const fn has_locations(&self) -> bool {
        self.has_locations
    }

    /// The headers for the service that decides, if it asks for nothing else; what that answers is not known to them.
    pub(in crate::translate) fn only_request_headers(&self) -> Option<Vec<(HeaderName, VariableText)>> {
        let headers = self.extra.request_headers.clone();
        if headers.iter().any(|header| header.value.answered().next().is_some() || !header.when.is_empty()) {
            return None;
        }
        let extra = Extra { request_headers: headers.clone(), ..Extra::default() };
        let (variables, answered) = (self.variables.clone(), self.answered.clone());
        let pairs = headers.into_iter().map(|header| (header.name, header.value)).collect();
        (*self == Self { extra, variables, answered, ..Self::default() }).then_some(pairs)
    }

    /// The zones that it defines.
    pub(in crate::translate) fn zones(&self) -> LimitZones {
        self.zones.clone()
    }

    /// An annotation that says the same as this snippet, of those that `is_given`, and the directives that say it.
    pub(in crate::translate) fn conflict(&self, is_given: impl Fn(&str) -> bool) -> Option<(&'static str, &'static [&'static str])> {
        const SOURCES: &[&str] = &["allowlist-source-range", "whitelist-source-range", "denylist-source-range"];
        const LIMITS: &[&str] = &["limit-rps", "limit-rpm", "limit-connections"];
        let said: [(bool, &[&str], &'static [&'static str]); 3] = [
            (self.sources.is_some(), SOURCES, &["allow", "deny"]),
            (self.limits.is_some(), LIMITS, &["limit_req", "limit_conn"]),
            (self.satisfy.is_some(), &["satisfy"], &["satisfy"]),
        ];
        let given = said.into_iter().filter(|(is_said, ..)| *is_said);
        let mut found = given.filter_map(|(_, keys, names)| Some((keys.iter().copied().find(|key| is_given(key))?, names)));
        found.next()
    }

    /// Puts what the snippet asks for into the wishes of a route, before what is there.
    pub(in crate::translate) fn apply(self, route: &mut RoutePolicy) {
        let (sources, limits) = (self.sources.clone(), self.limits.clone());
        let outer = std::mem::take(route);
        self.apply_below(route);
        let inner = std::mem::replace(route, outer);
        if let Some(extra) = inner.extra {
            let outer = route.extra.take().unwrap_or_default();
            route.extra = Some(Arc::new(extra.behind(&outer)));
        }
        route.timeouts = merged(inner.timeouts, route.timeouts.take(), Timeouts::over);
        route.buffering = merged(inner.buffering, route.buffering.take(), Buffering::over);
        route.bandwidth = merged(inner.bandwidth, route.bandwidth.take(), Bandwidth::over);
        route.cookie_domain = inner.cookie_domain.or(route.cookie_domain.take());
        route.cookie_path = inner.cookie_path.or(route.cookie_path.take());
        route.retries = merged(inner.retries, route.retries.take(), Retries::before);
        route.http_1_0 = inner.http_1_0.or(route.http_1_0);
        route.location_rewrite = inner.location_rewrite.or(route.location_rewrite.take());
        route.port_in_redirects = inner.port_in_redirects.or(route.port_in_redirects);
        route.relative_redirects = inner.relative_redirects.or(route.relative_redirects);
        route.satisfy = inner.satisfy.or(route.satisfy);
        route.logging = inner.logging.or(route.logging);
        route.sources = sources.or(route.sources.take());
        route.limits = limits.or(route.limits.take());
    }

    /// The same for what holds for more routes than this one: the wishes of the route itself go before.
    pub(in crate::translate) fn apply_below(&self, route: &mut RoutePolicy) {
        if self.extra != Extra::default() {
            let own = route.extra.take().unwrap_or_default();
            route.extra = Some(Arc::new(own.behind(&self.extra)));
        }
        let timeouts = Some(self.timeouts.clone()).filter(|timeouts| *timeouts != Timeouts::default());
        let buffering = Some(self.buffering.clone()).filter(|buffering| *buffering != Buffering::default());
        route.timeouts = merged(route.timeouts.take(), timeouts, Timeouts::over);
        route.buffering = merged(route.buffering.take(), buffering, Buffering::over);
        route.bandwidth = merged(route.bandwidth.take(), self.bandwidth.clone(), Bandwidth::over);
        if route.cookie_domain.is_none() {
            route.cookie_domain.clone_from(&self.cookie_domain);
        }
        if route.cookie_path.is_none() {
            route.cookie_path.clone_from(&self.cookie_path);
        }
        let retries = Some(self.retries.clone()).filter(|retries| *retries != Retries::default());
        route.retries = merged(route.retries.take(), retries, Retries::before);
        route.http_1_0 = route.http_1_0.or(self.http_1_0);
        route.port_in_redirects = route.port_in_redirects.or(self.port_in_redirects);
        route.relative_redirects = route.relative_redirects.or(self.relative_redirects);
        route.satisfy = route.satisfy.or(self.satisfy);
        if route.location_rewrite.is_none() {
            route.location_rewrite.clone_from(&self.location_rewrite);
        }
        if route.sources.is_none() {
            route.sources.clone_from(&self.sources);
        }
        if route.limits.is_none() {
            route.limits.clone_from(&self.limits);
        }
        if self.unlogged && route.logging.is_none_or(|logging| logging.access.is_none()) {
            route.logging = Some(Logging { access: Some(false), ..route.logging.unwrap_or_default() });
        }
    }
}

/// One wish over another, where both are there.
fn merged<T>(over: Option<T>, under: Option<T>, join: fn(T, T) -> T) -> Option<T> {
    match (over, under) {
        (Some(over), Some(under)) => Some(join(over, under)),
        (over, under) => over.or(under),
    }
}
