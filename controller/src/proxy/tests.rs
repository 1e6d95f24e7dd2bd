//! Tests of this room as a whole, with real proxies on free loopback ports.

mod beside;
pub(super) mod fixture;
mod haproxy;
mod lane;
mod life;
#[path = "../../core/tests/nginx/ports.rs"]
pub(super) mod ports;
mod revisions;
mod separate;

pub(super) use fixture::{TEST_NGINX, until};
