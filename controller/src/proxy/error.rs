//! Errors on the way from a file set to a proxy that serves it.

use super::owner::OwnerError;
use super::ports::Taken;
use super::publish::PublishError;
use super::stage::StageError;
use super::state_dir::StateDirError;
use super::verify::NotTaken;
use std::path::PathBuf;

/// Why a revision did not go live. What was live before goes on, on disk and in the proxy.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApplyError {
    /// Writing the candidate.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// The state folder is not the one that was taken at the start; who has it now is not known.
    #[error(
        "state folder {} was removed or replaced while the controller runs, so no change can go live; restart it, and the folder is made anew",
        .0.display()
    )]
    Lost(PathBuf),
    /// Talking to whoever owns the proxy's process.
    #[error(transparent)]
    Owner(#[from] OwnerError),
    /// Switching the link.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The proxy did not take it.
    #[error(transparent)]
    NotTaken(#[from] NotTaken),
}

/// Why there is no [`super::Proxy`].
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// The state folder.
    #[error(transparent)]
    StateDir(#[from] StateDirError),
    /// The owner of the proxy's process.
    #[error(transparent)]
    Owner(#[from] OwnerError),
    /// The ports.
    #[error("the proxy could not listen")]
    Ports(#[from] Taken),
}
