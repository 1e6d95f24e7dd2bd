//! The room as a whole, with real proxies on free loopback ports.

pub(super) mod fixture;
mod haproxy;
mod lane;
mod life;
mod revisions;
mod separate;

pub(super) use fixture::{TEST_NGINX, until};
