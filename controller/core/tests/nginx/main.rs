//! The files for nginx, as nginx itself takes them: checked with `nginx -t`, served, and compared with our own reader.
//!
//! Needs `nginx` in `PATH`; `GATEWRIGHT_NGINX_1_28` and `GATEWRIGHT_NGINX_1_30` may name further versions.

#![allow(
    clippy::unwrap_used,
    clippy::type_complexity,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::disallowed_macros,
    reason = "a test may do all that, and fails by panicking"
)]
#![allow(unreachable_pub, reason = "nothing of a test is reachable")]

mod models;
mod protection;
mod rendering;
mod requests;
mod settings;
mod tls;
mod upstream;
mod words;
mod world;
