//! Hears what the proxy tells, on the loopback.

use super::Requests;
use std::net::Ipv4Addr;
use std::sync::Arc;
use tokio::net::UdpSocket;

/// Longest report that is read: about that of the longest path and host. What is cut is malformed.
const LONGEST: usize = 65_536;

/// Room for reports that wait, in bytes; the system may give less.
const QUEUE_BYTES: usize = 4 << 20;

/// The port cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("could not listen on UDP port {port} of the loopback; give another one by --metrics-port")]
pub(crate) struct ListenError {
    port: u16,
    source: std::io::Error,
}

/// Begins to count; returns once the port is bound.
///
/// # Errors
/// When the port is taken.
pub(crate) async fn listen(port: u16, requests: Arc<Requests>) -> Result<(), ListenError> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|source| ListenError { port, source })?;
    // Less room loses reports under load and nothing else.
    let _ = nix::sys::socket::setsockopt(&socket, nix::sys::socket::sockopt::RcvBuf, &QUEUE_BYTES);
    tokio::spawn(async move {
        let mut datagram = vec![0; LONGEST];
        loop {
            match socket.recv(&mut datagram).await {
                Ok(length) => requests.take(&datagram[..length]),
                // Of a socket that is bound and not connected there is no error that lasts; a pause all the same.
                Err(error) => {
                    tracing::warn!(%error, "a report of the proxy was not received");
                    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                }
            }
        }
    });
    Ok(())
}
