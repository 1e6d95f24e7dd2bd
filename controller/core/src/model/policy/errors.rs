//! Error answers that another backend writes.

use super::super::BackendId;

/// Which error answers are replaced, and by whom. In place of what the globals say.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ErrorPages {
    /// Status codes, 300 to 599; sorted, not empty.
    pub statuses: Vec<u16>,
    /// Errors that the endpoints answer themselves are replaced too; `None`: as the globals say.
    pub intercept_upstream: Option<bool>,
    /// Who writes them; `None`: the default backend of the globals.
    pub backend: Option<BackendId>,
}

/// The backend of the route stands in for one without endpoints: it is told so, with the status 503.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StandsIn;
