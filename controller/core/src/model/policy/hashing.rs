//! Requests that go to the same endpoint because they are alike.

use crate::names::VariableText;

/// What picks the endpoint of a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Hashing {
    /// Equal texts, equal endpoints.
    pub key: VariableText,
    /// The key picks this many endpoints, and chance one of them; at least 1.
    pub subset: Option<u64>,
}
