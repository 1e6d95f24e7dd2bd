//! Whether the proxy runs, and what keeps it from listening; told on the admin port.

use super::preflight;
use crate::args::RunConfig;
use crate::proxy::{Port, ProxyHealth};
use crate::report::Board;
use std::sync::Arc;
use std::time::Duration;

/// Looks at the ports before there is anything to serve, and after the proxy from now on.
pub(super) async fn watch(config: &RunConfig, health: ProxyHealth, board: &Arc<Board>) {
    let limit = config.health_check_timeout.max(Duration::from_secs(1));
    let (ports, mut told) = (preflight::ports(config), String::new());
    tell_of_ports(board, &mut told, trouble_with(&ports, &health).await);
    tokio::spawn(watch_health(health, limit, (ports, told), Arc::clone(board)));
}

/// What keeps the proxy from listening, as its owner sees it; nobody knows where there is no answer.
async fn trouble_with(ports: &[Port], health: &ProxyHealth) -> String {
    health.ports(ports).await.map(|troubles| troubles.join("; ")).unwrap_or_default()
}

fn tell_of_ports(board: &Board, told: &mut String, trouble: String) {
    if trouble != *told {
        if !trouble.is_empty() {
            tracing::error!(reason = trouble, "the proxy cannot listen");
        }
        board.ports(trouble.clone());
        *told = trouble;
    }
}

/// A supervisor that does not answer within `limit` counts as one without a proxy. While none runs that ran before, or
/// `told` is what keeps it from that, the ports are looked at.
async fn watch_health(health: ProxyHealth, limit: Duration, (ports, mut told): (Vec<Port>, String), board: Arc<Board>) {
    const EVERY: Duration = Duration::from_millis(500);
    /// A proxy that lives so many looks has its ports; one that has not tries for a while before it ends.
    const LASTING: u32 = 8;
    /// The first death may leave workers that hold the ports for another moment.
    const IN_A_ROW: u32 = 2;
    let (mut lives, mut deaths_before) = (0, 0);
    loop {
        let status = tokio::time::timeout(limit, health.status()).await.ok().and_then(Result::ok);
        let alive = status.as_ref().is_some_and(|status| status.pid.is_some());
        board.proxy_alive(alive);
        lives = if alive { lives + 1 } else { 0 };
        let deaths = status.map_or(deaths_before, |status| status.deaths);
        if lives >= LASTING {
            deaths_before = deaths;
        }
        let trouble = if !alive && (!told.is_empty() || deaths >= deaths_before + IN_A_ROW) {
            trouble_with(&ports, &health).await
        } else if lives < LASTING {
            told.clone()
        } else {
            String::new()
        };
        tell_of_ports(&board, &mut told, trouble);
        tokio::time::sleep(EVERY).await;
    }
}
