//! A redirect in place of what a route would do.

use crate::names::{HostName, UrlText};

/// Answers every request with a redirect.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Redirect {
    /// 300 to 308. Only 301, 302, 303, 307 and 308 carry a `Location`; the others have the target as their text.
    pub status: RedirectStatus,
    /// Where to.
    pub target: RedirectTarget,
    /// A target without scheme and host is sent as it is, not made absolute.
    pub keep_relative: bool,
}

/// The status of a redirect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RedirectStatus {
    /// This one.
    Is(u16),
    /// That of redirects to HTTPS, from the globals.
    OfHttpsRedirect,
}

/// Where a redirect leads.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RedirectTarget {
    /// To this URL or path, whatever was asked for.
    Url(UrlText),
    /// To the same path and query on another host, without one trailing slash; scheme and port stay, and the port is
    /// always named.
    Host(HostName),
}
