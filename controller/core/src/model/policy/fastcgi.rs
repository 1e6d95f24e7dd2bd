//! What FastCGI endpoints are told.

use crate::names::VariableText;

/// Parameters of requests to endpoints that speak FastCGI, beside the usual ones.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct FastCgi {
    /// Name of the script for paths that end in a slash: letters, digits, `.-_`.
    pub index: Option<String>,
    /// Names of letters, digits, `.-_`, and values; sorted by name.
    pub parameters: Vec<(String, VariableText)>,
}
