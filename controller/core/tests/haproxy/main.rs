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

use gatewright_core::dialect::haproxy::HAPROXY;
use gatewright_core::dialect::{Dialect, Version};

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

/// The first version whose answers can be sent no faster than told.
const LIMITS_SPEED_SINCE: Version = Version(2, 7, 0);

/// Part of an answer is sent as fast as it goes, before that.
const SENDS_FASTER_FIRST: bool = false;

/// The first version that sends short answers as they are.
const COMPRESSES_BY_LENGTH_SINCE: Version = Version(3, 2, 0);

/// Its log of troubles holds what its level says, and header lines that are none may pass.
const HAS_LEVELS: bool = false;

/// It can compute the date of a cookie's `Expires`.
const SAYS_EXPIRES: bool = true;

/// It can speak HTTP/1.0 to endpoints, and tell them what it likes about a connection.
const CHOOSES_CONNECTIONS: bool = false;

mod blocking;
#[path = "../nginx/client_certificates.rs"]
mod client_certificates;
mod expressions;
#[path = "../nginx/external_auth.rs"]
mod external_auth;
#[path = "../nginx/files.rs"]
mod files;
#[path = "../nginx/forwarding.rs"]
mod forwarding;
mod logs;
#[path = "../nginx/models.rs"]
mod models;
#[path = "../nginx/objects.rs"]
mod objects;
#[path = "../nginx/ports.rs"]
mod ports;
#[path = "../nginx/protection.rs"]
mod protection;
mod rendering;
#[path = "../nginx/requests.rs"]
mod requests;
#[path = "../nginx/settings.rs"]
mod settings;
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
