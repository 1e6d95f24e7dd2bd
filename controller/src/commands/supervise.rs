//! `gatewright supervise`: owns the proxy's process in a container of its own.

use crate::args::SuperviseConfig;
use crate::proxy;
use gatewright_core::model::Workers;
use std::time::Duration;

/// Runs until told to stop.
///
/// # Errors
/// When the folder or the socket cannot be used, or the proxy cannot be run.
pub(crate) async fn main(config: SuperviseConfig) -> Result<(), proxy::SuperviseError> {
    let SuperviseConfig { dialect, state_dir, socket, run_dir, allowed_uids, shutdown_grace, program } = config;
    let drain_timeout = Duration::from_secs(Workers::default().drain_timeout_s);
    let config = proxy::SuperviseConfig {
        dialect,
        state_dir,
        run_dir,
        socket,
        allowed_users: allowed_uids,
        program,
        grace: shutdown_grace,
        drain_timeout,
    };
    proxy::supervise(config).await
}
