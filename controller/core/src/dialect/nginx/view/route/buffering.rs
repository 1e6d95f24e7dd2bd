//! How much of requests and answers is held.

use super::super::upstream::busy_bytes;
use super::super::{MAX_BYTES, between, on_off};
use crate::model::{Buffering, Buffers};
use serde::Serialize;

/// What `route/buffering.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct BufferingView {
    /// A text, for 0 counts as nothing in a template.
    body_limit: Option<String>,
    client_body_bytes: Option<u64>,
    buffer_requests: Option<&'static str>,
    buffer_responses: Option<&'static str>,
    buffers: Option<BuffersView>,
}

/// nginx compares these with each other, so they are said together.
#[derive(Debug, Serialize)]
struct BuffersView {
    number: u64,
    bytes: u64,
    busy_bytes: u64,
    temp_file_bytes: u64,
}

impl BufferingView {
    pub(super) fn new(wish: &Buffering, common: &Buffers) -> Self {
        Self {
            body_limit: wish.body_limit_bytes.map(|bytes| between(0, bytes, MAX_BYTES).to_string()),
            client_body_bytes: wish.client_body_bytes.map(|bytes| between(1 << 10, bytes, MAX_BYTES)),
            buffer_requests: wish.buffer_requests.map(on_off),
            buffer_responses: wish.buffer_responses.map(on_off),
            buffers: BuffersView::new(wish, common),
        }
    }
}

impl BuffersView {
    fn new(wish: &Buffering, common: &Buffers) -> Option<Self> {
        [wish.upstream_bytes, wish.upstream_buffers, wish.busy_upstream_bytes, wish.temp_file_bytes].into_iter().flatten().next()?;
        let number = between(2, wish.upstream_buffers.unwrap_or(common.upstream_buffers), 1 << 10);
        let bytes = between(1 << 10, wish.upstream_bytes.unwrap_or(common.upstream_bytes), 1 << 30);
        let temp_file_bytes = match wish.temp_file_bytes.unwrap_or(common.temp_file_bytes) {
            0 => 0,
            limit => between(bytes, limit, MAX_BYTES),
        };
        let busy = wish.busy_upstream_bytes.filter(|busy| (bytes..(number - 1) * bytes).contains(busy));
        Some(Self { number, bytes, busy_bytes: busy_bytes(number, bytes, busy.or(common.busy_upstream_bytes)), temp_file_bytes })
    }
}
