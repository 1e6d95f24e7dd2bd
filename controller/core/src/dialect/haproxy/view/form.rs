//! What the agent is told: a form, whose fields its own documentation lists.

use crate::dialect::haproxy::agent::LONGEST_S;
use crate::dialect::haproxy::expression::{Expression, encoded};
use crate::model::{Backend, Globals};
use std::sync::Arc;

/// Fields with their names, as the agent reads them.
#[derive(Debug)]
pub(super) struct Form(Expression);

impl Form {
    /// A question to the endpoints of a backend.
    pub(super) fn to(backend: Option<&Arc<Backend>>) -> Self {
        let addresses: Vec<_> = backend.iter().flat_map(|backend| &*backend.endpoints).map(ToString::to_string).collect();
        Self(Expression::default()).text("to", &addresses.join(","))
    }

    pub(super) fn text(self, name: &str, value: &str) -> Self {
        self.expression(name, &Expression::literal(&encoded(value)))
    }

    /// `value` is encoded already.
    pub(super) fn expression(self, name: &str, value: &Expression) -> Self {
        Self(self.0.and(name).and("=").and_all(value).and("&"))
    }

    /// The same, with what a fetch of ours finds.
    pub(super) fn fetch(self, name: &str, fetch: &str) -> Self {
        self.expression(name, &Expression::default().and_fetch(&format!("{fetch},url_enc")))
    }

    /// The whole form; a question is given as long as an endpoint is by the settings.
    pub(super) fn limited(self, globals: &Globals) -> Expression {
        let seconds = |seconds: u64| seconds.clamp(1, LONGEST_S).to_string();
        let times = &globals.upstream_timeouts;
        self.text("limit", &seconds(times.read_s)).text("connect", &seconds(times.connect_s)).0
    }
}
