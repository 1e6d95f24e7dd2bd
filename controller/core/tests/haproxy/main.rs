//! The files for HAProxy, as HAProxy itself takes them: checked with `haproxy -c`, served, and compared with our own reader.
//!
//! Needs `haproxy` in `PATH`; `GATEWRIGHT_HAPROXY_3_0` and `GATEWRIGHT_HAPROXY_3_2` may name further versions. What both
//! proxies have to do is asked by the tests that nginx has, too.

#![allow(
    clippy::unwrap_used,
    clippy::type_complexity,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::disallowed_macros,
    reason = "a test may do all that, and fails by panicking"
)]
#![allow(unreachable_pub, reason = "nothing of a test is reachable")]

use gatewright_core::dialect::Dialect;
use gatewright_core::dialect::haproxy::HAPROXY;

/// The proxy that all of this is about.
static DIALECT: &Dialect = &HAPROXY;

/// Where further versions of it may be named.
const OTHER_PROGRAMS: &[&str] = &["GATEWRIGHT_HAPROXY_3_0", "GATEWRIGHT_HAPROXY_3_2"];

/// Its realms are never `off`, which would let everybody in.
const AVOIDS_OFF: bool = false;

/// It can bound the number of authorities between a client's certificate and the known one.
const COUNTS_AUTHORITIES: bool = false;

/// What it calls itself in its answers.
const SERVER: Option<&str> = Some("haproxy");

/// It can compute the date of a cookie's `Expires`.
const SAYS_EXPIRES: bool = true;

/// It can speak HTTP/1.0 to endpoints, and tell them what it likes about a connection.
const CHOOSES_CONNECTIONS: bool = false;

mod blocking;
#[path = "../nginx/client_certificates.rs"]
mod client_certificates;
#[path = "../nginx/external_auth.rs"]
mod external_auth;
#[path = "../nginx/files.rs"]
mod files;
#[path = "../nginx/forwarding.rs"]
mod forwarding;
#[path = "../nginx/models.rs"]
mod models;
#[path = "../nginx/ports.rs"]
mod ports;
#[path = "../nginx/protection.rs"]
mod protection;
mod rendering;
#[path = "../nginx/requests.rs"]
mod requests;
#[path = "../nginx/spread.rs"]
mod spread;
#[path = "../nginx/tls.rs"]
mod tls;
#[path = "../nginx/upstream.rs"]
mod upstream;
#[path = "../nginx/wishes.rs"]
mod wishes;
mod words;
#[path = "../nginx/world.rs"]
mod world;
