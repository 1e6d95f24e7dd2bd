//! What is asked for the requests of a route.

use super::seconds;
use crate::model::{RoutePolicy, Timeouts};
use serde::Serialize;

/// What the templates of `route/` see.
#[derive(Debug, Serialize)]
pub(super) struct RouteView {
    timeouts: Option<TimeoutsView>,
}

#[derive(Debug, Serialize)]
struct TimeoutsView {
    connect: Option<String>,
    read: Option<String>,
}

impl RouteView {
    /// Only of wishes that `lacks.rs` knows.
    pub(super) fn new(policy: &RoutePolicy) -> Self {
        Self { timeouts: policy.timeouts.as_ref().map(TimeoutsView::new) }
    }
}

impl TimeoutsView {
    fn new(timeouts: &Timeouts) -> Self {
        // The one for writes is lacking.
        let Timeouts { connect_s, read_s, send_s: _ } = timeouts;
        Self { connect: connect_s.map(seconds), read: read_s.map(seconds) }
    }
}
