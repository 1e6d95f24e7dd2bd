//! What only some versions of nginx can do.

use crate::dialect::Version;

/// Switches by version; each field says what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Features {
    /// `http2 on;` in place of a parameter of `listen`; it offers HTTP/2 on plain connections, too.
    pub(super) http2_directive: bool,
    /// `ssl_certificate_cache`, and `keepalive_min_timeout` against the reset of idle connections at a reload.
    pub(super) certificate_cache: bool,
    /// Upstreams keep idle connections unless they are told not to.
    pub(super) keeps_connections: bool,
}

impl Features {
    /// The features of a version.
    pub(super) fn of(version: Version) -> Self {
        Self {
            http2_directive: version >= Version(1, 25, 1),
            certificate_cache: version >= Version(1, 27, 4),
            keeps_connections: version >= Version(1, 29, 7),
        }
    }
}
