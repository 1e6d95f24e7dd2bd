//! The room as a whole, with a real nginx on free loopback ports.

mod fixture;
mod life;
mod revisions;
mod separate;

pub(super) use fixture::{TEST_NGINX, until};
