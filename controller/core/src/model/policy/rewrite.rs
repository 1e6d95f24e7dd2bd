//! Another path for the endpoints.

use crate::names::VariableText;

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
