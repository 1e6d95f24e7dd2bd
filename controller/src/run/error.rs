//! Why the controller cannot begin. Afterwards nothing ends it but a signal.

use crate::admission::ServeError;
use crate::proxy::{OpenError, OwnerError, StateDirError};
use crate::report::{BindError, ListenError};
use crate::self_signed::SelfSignedError;
use std::io;

/// Something that is needed at the start is not to be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// The admin port.
    #[error(transparent)]
    Admin(#[from] BindError),
    /// The port that the proxy tells its requests.
    #[error(transparent)]
    Requests(#[from] ListenError),
    /// Nobody could tell the controller to stop.
    #[error("could not listen for signals")]
    Signals(#[source] io::Error),
    /// The proxy.
    #[error(transparent)]
    Proxy(#[from] OpenError),
    /// Who owns the proxy does not know its program.
    #[error("the proxy's program cannot be used")]
    Program(#[source] OwnerError),
    /// The program of the proxy is too old.
    #[error("the proxy's program cannot be used: {0}")]
    TooOld(String),
    /// The program of the proxy is another one.
    #[error("the proxy's program does not tell a version of {0}; give a {0}")]
    NoVersion(&'static str),
    /// The cluster, or what flags name of it.
    #[error("{0}")]
    Missing(String),
    /// The certificate for connections without one.
    #[error(transparent)]
    SelfSigned(#[from] SelfSignedError),
    /// The state folder.
    #[error(transparent)]
    StateDir(#[from] StateDirError),
    /// The API server could not ask.
    #[error(transparent)]
    Admission(#[from] ServeError),
}
