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

use gatewright_core::dialect::nginx::NGINX;
use gatewright_core::dialect::{Dialect, Version};

/// The proxy that all of this is about.
static DIALECT: &Dialect = &NGINX;

/// Where further versions of it may be named.
const OTHER_PROGRAMS: &[&str] = &["GATEWRIGHT_NGINX_1_28", "GATEWRIGHT_NGINX_1_30"];

/// Its realms are never `off`, which would let everybody in.
const AVOIDS_OFF: bool = true;

/// It can bound the number of authorities between a client's certificate and the known one.
const COUNTS_AUTHORITIES: bool = true;

/// It can compute the date of a cookie's `Expires`.
const SAYS_EXPIRES: bool = false;

/// It can speak HTTP/1.0 to endpoints, and tell them what it likes about a connection.
const CHOOSES_CONNECTIONS: bool = true;

/// What it calls itself in its answers.
const SERVER: Option<&str> = Some("nginx");

/// The first version whose answers can be sent no faster than told.
const LIMITS_SPEED_SINCE: Version = Version(0, 0, 0);

/// Part of an answer is sent as fast as it goes, before that.
const SENDS_FASTER_FIRST: bool = true;

/// The first version that sends short answers as they are.
const COMPRESSES_BY_LENGTH_SINCE: Version = Version(0, 0, 0);

/// Its log of troubles holds what its level says, and header lines that are none may pass.
const HAS_LEVELS: bool = true;

mod client_certificates;
mod external_auth;
mod files;
mod forwarding;
mod models;
mod objects;
mod passwords;
mod ports;
mod protection;
mod rendering;
mod requests;
mod settings;
mod spread;
mod tls;
mod upstream;
mod wishes;
mod words;
mod world;
