//! How long the endpoints of a route may take.

use super::super::seconds;
use crate::model::{Extra, Timeouts};
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

/// How long clients may take, as `route.tera` sees it.
#[derive(Debug, Default, Serialize)]
pub(super) struct ClientTimeoutsView {
    body: Option<String>,
    send: Option<String>,
}

impl ClientTimeoutsView {
    pub(super) fn new(extra: &Extra) -> Self {
        let printed = |time: Option<u64>| time.map(|time| seconds(time.max(1)));
        Self { body: printed(extra.client_body_s), send: printed(extra.client_send_s) }
    }
}
