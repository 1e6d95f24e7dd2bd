//! What of a route is logged.

/// Switches; `None`: as the globals say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Logging {
    /// Requests are in the access log.
    pub access: Option<bool>,
    /// Every step of rewriting is in the error log.
    pub rewriting: Option<bool>,
}
