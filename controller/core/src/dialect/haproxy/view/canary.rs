//! Who goes to a canary. The rules stand in the frontend, once for all canaries that have the same; what differs from
//! canary to canary is in a map, so that weights change in a running proxy.

use super::Line;
use super::route::escaped;
use crate::dialect::haproxy::expression::first_cookie;
use crate::dialect::haproxy::sections::{Context, Key};
use crate::model::{Affinity, Canary, CanaryHeader, CanaryHeaderTest, Feature, Model, Route, digest_of};
use serde::Serialize;
use std::collections::BTreeMap;

/// What `canary.tera` sees: rules that canaries share.
#[derive(Debug, Serialize)]
pub(super) struct RulesView {
    id: String,
    /// Name of the condition that these rules are meant.
    condition: String,
    /// Finds which backend a client has a session with.
    session: Option<String>,
    header: Option<HeaderView>,
    /// Expressions for a header with cookies.
    cookie: Option<CookieView>,
}

/// How a header decides.
#[derive(Debug, Serialize)]
struct HeaderView {
    name: String,
    /// `always` and `never` decide.
    words: bool,
    value: Option<String>,
    pattern: Option<String>,
    /// Whatever it says, the request does not go there.
    never: bool,
}

#[derive(Debug, Serialize)]
struct CookieView {
    always: String,
    never: String,
}

impl HeaderView {
    /// `underscores`: clients may send names with them, which are dropped otherwise.
    fn new(header: &CanaryHeader, underscores: bool) -> Self {
        let (mut words, mut value, mut pattern, mut never) = (false, None, None, false);
        match &header.test {
            CanaryHeaderTest::Words => words = true,
            CanaryHeaderTest::Value(text) => value = Some(text.clone()),
            CanaryHeaderTest::Pattern(regex) => pattern = Some(regex.bounded().into_owned()),
            CanaryHeaderTest::Never => never = true,
        }
        // In nginx both signs are one.
        let name = header.name.as_str();
        let name = if underscores { name.to_owned() } else { name.replace('_', "-") };
        Self { name, words, value, pattern, never }
    }
}

impl CookieView {
    /// Names of cookies are compared without case.
    fn new(name: &str) -> Self {
        let with = |value: &str| format!("(?:^|;[ ]*)(?i:{})={value}[ ]*(?:;|$)", escaped(name));
        Self { always: with("always"), never: with("never") }
    }
}

/// A canary, and what it is decided by.
struct Use<'m> {
    canary: &'m Canary,
    /// Name of the affinity cookie.
    session: Option<&'m str>,
    /// Content hash of all rules that are in the frontend.
    shape: u128,
    underscores: bool,
}

impl<'m> Use<'m> {
    fn new(model: &'m Model, key: &Key<'m>, canary: &'m Canary) -> Self {
        let affinity = key.backend().and_then(|id| model.backends.get(id)).and_then(|backend| backend.policy.affinity.as_ref());
        let session = affinity.map(|affinity| affinity.cookie.as_str());
        Self {
            canary,
            session,
            shape: digest_of(&(session, &canary.rules.header, &canary.rules.cookie)),
            underscores: model.globals.underscores_in_headers,
        }
    }

    fn id(&self) -> String {
        format!("{:032x}", self.shape)
    }

    fn rules(&self) -> RulesView {
        let rules = &self.canary.rules;
        RulesView {
            id: self.id(),
            condition: format!("canary_{}", self.id()),
            session: self.session.map(|name| first_cookie(name) + ",field(-1,|)"),
            header: rules.header.as_ref().map(|header| HeaderView::new(header, self.underscores)),
            cookie: rules.cookie.as_deref().map(CookieView::new),
        }
    }

    /// `rules:session here:session there:weight:section`, and what it is counted under, if that is `counted`.
    fn line(&self, from: &Key<'m>, to: &Key<'m>, counted: bool) -> Line {
        let session =
            |key: &Key<'_>| key.backend().filter(|_| self.session.is_some()).map_or_else(|| "-".to_owned(), Affinity::backend_key);
        let there = if self.canary.rules.is_sticky { session(to) } else { "-".to_owned() };
        let name = if counted { format!(":{}", self.canary.backend.service_port()) } else { String::new() };
        let value = format!("{}:{}:{there}:{}:{}{name}", self.id(), session(from), threshold(self.canary), to.name());
        Line::new(from.name(), value)
    }
}

/// Of 2³² random numbers, those below this one.
fn threshold(canary: &Canary) -> u64 {
    let (weight, total) = (u128::from(canary.rules.weight), u128::from(canary.rules.total.max(1)));
    u64::try_from((weight.min(total) << 32) / total).unwrap_or(1 << 32)
}

/// Every canary in use, by the section that it takes requests from.
fn all<'m>(model: &'m Model, context: &Context<'m>) -> BTreeMap<Key<'m>, (Key<'m>, Use<'m>)> {
    let routes = model.hosts.having(Feature::Canary).flat_map(|host| host.routes.iter().map(move |route| (host, route)));
    let with = |(_, route): &(_, &'m Route)| route.canary.is_some();
    let found = routes.filter(with).filter_map(|(host, route)| {
        let from = Key::of(host, route, context);
        let (to, canary) = from.of_canary(route, context)?;
        Some((from, (to, Use::new(model, &from, canary))))
    });
    found.collect()
}

/// The rules of all canaries, each once.
pub(super) fn rules(model: &Model, context: &Context<'_>) -> Vec<RulesView> {
    let by_shape: BTreeMap<u128, RulesView> = all(model, context).values().map(|(_, used)| (used.shape, used.rules())).collect();
    by_shape.into_values().collect()
}

/// The lines of the map.
pub(in crate::dialect::haproxy) fn lines<'m>(model: &'m Model, context: &Context<'m>) -> Vec<Line> {
    all(model, context).iter().map(|(from, (to, used))| used.line(from, to, context.counts_requests())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::HeaderName;

    #[test]
    fn a_header_is_looked_for_as_clients_may_send_it() {
        let header = CanaryHeader { name: HeaderName::new("X_Try").unwrap(), test: CanaryHeaderTest::Words };
        let names = [false, true].map(|underscores| HeaderView::new(&header, underscores).name);
        assert_eq!(names, ["X-Try", "X_Try"], "one with underscores is dropped where these are not let in");
    }
}
