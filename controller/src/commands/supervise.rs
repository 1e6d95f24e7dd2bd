//! `gatewright supervise`: owns the proxy's process in a container of its own.

use crate::args::SuperviseConfig;

/// Runs until told to stop.
///
/// # Errors
/// When the folder or the socket cannot be used, or the proxy cannot be run.
pub(crate) async fn main(_config: SuperviseConfig) -> anyhow::Result<()> {
    anyhow::bail!("not here yet")
}
