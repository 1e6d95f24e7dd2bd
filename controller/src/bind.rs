//! TCP ports of our own.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use tokio::net::TcpListener;

/// Listens on a port of one address, or of all.
///
/// # Errors
/// When the port is taken, or may not be used.
pub(crate) async fn tcp(address: Option<IpAddr>, port: u16) -> std::io::Result<TcpListener> {
    if let Some(address) = address {
        return TcpListener::bind(SocketAddr::new(address, port)).await;
    }
    // One socket for both families where the system has IPv6.
    match TcpListener::bind(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port))).await {
        Err(error) if error.kind() != ErrorKind::AddrInUse => TcpListener::bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))).await,
        other => other,
    }
}
