//! Headers that are sent to endpoints and clients.
//!
//! nginx takes no header from an outer level once an inner one has any of the kind, so the lists of a route are always
//! whole: those of the `http` level, changed.

use super::maps::{MapsView, tag};
use super::request::ForwardingView;
use crate::dialect::common::LOOKALIKES;
use crate::dialect::nginx::expression::Expression;
use crate::model::Globals;
use serde::Serialize;

/// A header and its value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub(in crate::dialect::nginx) struct HeaderView {
    name: String,
    value: Expression,
}

/// The headers of one level.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Default)]
pub(in crate::dialect::nginx) struct HeadersView {
    /// Sent to the endpoint; an empty value drops the client's.
    request: Vec<HeaderView>,
    /// Sent to the client, with every status; one with an empty value is not sent.
    response: Vec<HeaderView>,
    /// Sent to the client beside those of the endpoint, with success and redirects only.
    on_success: Vec<HeaderView>,
    /// Of the endpoint's answer, and not passed on.
    hidden: Vec<String>,
    /// The same, and passed on although nginx would not.
    passed: Vec<String>,
    /// Variables that some of the values are.
    #[serde(skip)]
    choices: Vec<Choice>,
}

/// A value that only some requests or answers have: a variable, and what it is by a text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Choice {
    variable: String,
    source: Expression,
    expression: String,
    value: Expression,
    other: Expression,
}

/// Which requests or answers have a value: those for which this text fits the expression.
#[derive(Debug, Clone)]
pub(super) struct Chosen {
    pub(super) source: Expression,
    pub(super) expression: String,
}

impl HeadersView {
    /// Those of the `http` level.
    pub(super) fn new(globals: &Globals) -> Self {
        let forwarding = ForwardingView::new(globals);
        let mut headers = Self::default();
        for (name, variable) in [
            ("Host", "best_http_host"),
            ("X-Request-ID", "req_id"),
            ("X-Real-IP", "client_address"),
            ("X-Forwarded-For", "forwarded_for"),
            ("X-Forwarded-Host", "best_http_host"),
            ("X-Forwarded-Port", "pass_port"),
            ("X-Forwarded-Proto", "pass_access_scheme"),
            ("X-Forwarded-Scheme", "pass_access_scheme"),
            ("X-Scheme", "pass_access_scheme"),
            ("X-Original-Forwarded-For", forwarding.for_variable()),
            ("X-Original-Forwarded-Host", forwarding.host_variable()),
        ] {
            headers.send(name, Expression::variable(variable));
        }
        if globals.forwarding.original_uri_header {
            headers.send("X-Original-URI", Expression::variable("request_uri"));
        }
        super::client_auth::HEADERS.iter().for_each(|name| headers.send(name, Expression::literal("")));
        headers.send("Proxy", Expression::literal(""));
        headers.send("Upgrade", Expression::variable("http_upgrade"));
        headers.send("Connection", Expression::variable("connection_upgrade"));
        if globals.underscores_in_headers {
            LOOKALIKES.iter().for_each(|name| headers.send(name, Expression::literal("")));
        }
        globals.request_headers.iter().for_each(|(name, value)| headers.send(name.as_str(), Expression::of(value)));
        globals.hidden_headers.iter().for_each(|name| headers.hide(name));
        if globals.backend_server_header {
            headers.pass("Server");
        }
        if globals.hsts.is_some() {
            headers.answer("Strict-Transport-Security", Expression::variable("hsts"));
        }
        globals.response_headers.iter().for_each(|(name, value)| headers.answer(name.as_str(), Expression::of(value)));
        headers
    }

    /// Sends a header to the endpoint, in place of one of the same name.
    pub(super) fn send(&mut self, name: &str, value: Expression) {
        put(&mut self.request, name, value);
    }

    /// Sends a header to the client, in place of one of the same name, the endpoint's included.
    pub(super) fn answer(&mut self, name: &str, value: Expression) {
        self.hide(name);
        put(&mut self.response, name, value);
    }

    /// Sends a header to the client beside those of the endpoint: always, or with success and redirects only.
    pub(super) fn add(&mut self, name: &str, value: Expression, always: bool) {
        let list = if always { &mut self.response } else { &mut self.on_success };
        list.push(HeaderView::new(name, &value));
    }

    /// Sends a header to some endpoints only, where it takes the place of the client's.
    pub(super) fn send_to_some(&mut self, name: &str, value: &Expression, chosen: Chosen) {
        let other = current(&self.request, name).unwrap_or_else(|| Expression::variable(&format!("http_{}", variable_part(name))));
        let value = self.choose(value, other, chosen);
        self.send(name, value);
    }

    /// Sends a header to some clients only, where it takes the place of the endpoint's; an empty value drops that.
    pub(super) fn answer_some(&mut self, name: &str, value: &Expression, chosen: Chosen) {
        let other =
            current(&self.response, name).unwrap_or_else(|| Expression::variable(&format!("upstream_http_{}", variable_part(name))));
        let value = self.choose(value, other, chosen);
        self.answer(name, value);
    }

    /// Sends a header to some clients only, beside those of the endpoint.
    pub(super) fn add_to_some(&mut self, name: &str, value: &Expression, always: bool, chosen: Chosen) {
        let value = self.choose(value, Expression::literal(""), chosen);
        self.add(name, value, always);
    }

    /// A variable with a name that tells all of it: two hosts may have the same one.
    fn choose(&mut self, value: &Expression, other: Expression, Chosen { source, expression }: Chosen) -> Expression {
        let (value, other) = (value.for_header(), other.for_header());
        let variable = format!("gw_header_{}", tag(&[&format!("{source:?}"), &expression, &format!("{value:?}"), &format!("{other:?}")]));
        let found = Expression::variable(&variable);
        self.choices.push(Choice { variable, source, expression, value, other });
        found
    }

    /// Defines the variables that values are.
    pub(super) fn define(&mut self, maps: &mut MapsView) {
        for Choice { variable, source, expression, value, other } in std::mem::take(&mut self.choices) {
            maps.map(&variable, source, other, vec![(expression, value)]);
        }
    }

    /// What is sent to the endpoint.
    pub(super) fn into_request(self) -> Vec<HeaderView> {
        self.request
    }

    /// Forgets all but what is sent to the client.
    pub(super) fn keep_response(&mut self) {
        self.request.clear();
        self.hidden.clear();
        self.passed.clear();
    }

    /// Does not pass on a header of the endpoint's answer.
    pub(super) fn hide(&mut self, name: &str) {
        if !self.hidden.iter().any(|hidden| hidden.eq_ignore_ascii_case(name)) {
            self.hidden.push(name.to_owned());
        }
    }

    /// Passes on a header of the endpoint's answer.
    pub(super) fn pass(&mut self, name: &str) {
        self.hidden.retain(|hidden| !hidden.eq_ignore_ascii_case(name));
        self.passed.push(name.to_owned());
    }

    /// The same without these headers to the endpoint.
    pub(super) fn without(&self, names: &[&str]) -> Self {
        let mut headers = self.clone();
        headers.request.retain(|header| !names.iter().any(|name| header.name.eq_ignore_ascii_case(name)));
        headers
    }

    /// Only what a level inside one with the headers of `outer` has to say again; `None`: nothing.
    pub(super) fn against(mut self, outer: &Self) -> Option<Self> {
        if self.request == outer.request {
            self.request.clear();
        }
        if (&self.response, &self.on_success) == (&outer.response, &outer.on_success) {
            self.response.clear();
            self.on_success.clear();
        }
        if self.hidden == outer.hidden {
            self.hidden.clear();
        }
        if self.passed == outer.passed {
            self.passed.clear();
        }
        (self != Self::default()).then_some(self)
    }
}

impl HeaderView {
    fn new(name: &str, value: &Expression) -> Self {
        Self { name: name.to_owned(), value: value.for_header() }
    }
}

fn current(headers: &[HeaderView], name: &str) -> Option<Expression> {
    headers.iter().find(|header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value.clone())
}

/// The rest of the variable that a header is.
fn variable_part(name: &str) -> String {
    name.to_ascii_lowercase().replace('-', "_")
}

fn put(headers: &mut Vec<HeaderView>, name: &str, value: Expression) {
    match headers.iter_mut().find(|header| header.name.eq_ignore_ascii_case(name)) {
        Some(header) => *header = HeaderView::new(name, &value),
        None => headers.push(HeaderView::new(name, &value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_that_passes_a_header_on_passes_those_of_all_routes_too() {
        let outer = HeadersView::new(&Globals { backend_server_header: true, ..Globals::default() });
        let mut inner = outer.clone();
        inner.pass("X-Powered-By");
        assert_eq!(inner.against(&outer).unwrap().passed, ["Server", "X-Powered-By"]);
    }

    #[test]
    fn a_level_says_all_of_a_kind_or_nothing() {
        let outer = HeadersView::new(&Globals::default());
        assert_eq!(outer.clone().against(&outer), None);
        let mut inner = outer.clone();
        inner.send("host", Expression::literal("x.test"));
        let inner = inner.against(&outer).unwrap();
        assert!(inner.response.is_empty() && inner.hidden.is_empty());
        assert_eq!(inner.request.len(), outer.request.len());
        assert_eq!(inner.request[0], HeaderView { name: "host".to_owned(), value: Expression::literal("x.test") });
    }
}
