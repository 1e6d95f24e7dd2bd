//! Other paths: for the endpoints, and for the choice of the route.

use crate::names::{TextRegex, UriPath, VariableText};

/// The path that the endpoints see, in place of the one that was asked for; the query stays.
///
/// Only on routes that match by a regular expression, whose groups it may use.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Rewrite {
    /// The whole new path.
    pub target: VariableText,
    /// What is sent as `X-Forwarded-Prefix`.
    pub forwarded_prefix: Option<VariableText>,
}

/// Another path by which the route of a request is looked for, and which endpoints see.
///
/// What the request says it asked for, as a redirect or a service that decides repeats it, stays as it came; what keeps
/// somebody out is that of the route that is found.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostRewrite {
    /// Fits the path somewhere.
    pub path: TextRegex,
    /// The whole new path; ASCII, with nothing in it that a proxy would encode.
    pub target: UriPath,
    /// The query that stands behind it, in front of that of the request; empty: there is none. ASCII, as it is sent.
    pub query: String,
    /// The query of the request stays.
    pub keeps_query: bool,
    /// No later one is looked at behind it.
    pub last: bool,
}
