//! How long the endpoints of a route may take.

use super::super::seconds;
use crate::model::Timeouts;
use serde::Serialize;

/// What `route/timeouts.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct TimeoutsView {
    connect: Option<String>,
    read: Option<String>,
    send: Option<String>,
}

impl TimeoutsView {
    pub(super) fn new(timeouts: &Timeouts) -> Self {
        let printed = |time: Option<u64>| time.map(|time| seconds(time.max(1)));
        Self { connect: printed(timeouts.connect_s), read: printed(timeouts.read_s), send: printed(timeouts.send_s) }
    }
}
