//! The ports that the proxy is going to listen on: whether they can be had, told by the flags that set them.

use std::borrow::Cow;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};
use tokio::net::TcpSocket;
use tokio::time::sleep;

/// What ended a moment ago may still hold its ports for as long as this.
const LAST_MOMENTS: Duration = Duration::from_secs(2);

/// One port.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Port {
    /// The flag that sets it, without dashes.
    pub(crate) flag: Cow<'static, str>,
    /// Its number.
    pub(crate) number: u16,
    /// It is listened on at 127.0.0.1 only.
    pub(crate) local: bool,
}

/// The proxy cannot listen; one text for each port.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub(crate) struct Taken(pub(crate) Vec<String>);

/// Looks whether the ports can be had, while no proxy of ours runs.
///
/// # Errors
/// [`Taken`] when some of them cannot.
pub(crate) async fn check(ports: &[Port]) -> Result<(), Taken> {
    let begun = Instant::now();
    loop {
        match look(ports) {
            Err(_) if begun.elapsed() < LAST_MOMENTS => sleep(LAST_MOMENTS / 20).await,
            seen => return seen,
        }
    }
}

/// The same at once.
fn look(ports: &[Port]) -> Result<(), Taken> {
    let taken: Vec<_> = ports.iter().filter_map(Port::trouble).collect();
    if taken.is_empty() { Ok(()) } else { Err(Taken(taken)) }
}

impl Port {
    fn trouble(&self) -> Option<String> {
        let Self { flag, number, local } = self;
        let (number, local) = (*number, *local);
        let any = (SocketAddr::from((Ipv6Addr::UNSPECIFIED, number)), SocketAddr::from((Ipv4Addr::UNSPECIFIED, number)));
        let refused = if local {
            bind((Ipv4Addr::LOCALHOST, number).into()).err()
        } else {
            // Without IPv6 only the other one says anything.
            [any.0, any.1].into_iter().find_map(|address| bind(address).err().filter(|kind| is_final(*kind)))
        };
        match refused.filter(|kind| is_final(*kind))? {
            ErrorKind::PermissionDenied => {
                Some(format!("--{flag}: this user may not listen on port {number}; give a port from 1024 on, or more rights"))
            }
            _ => Some(format!("--{flag}: port {number} is in use by another process; end that one, or give another port")),
        }
    }
}

fn is_final(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::AddrInUse | ErrorKind::PermissionDenied)
}

/// Takes the address for a moment without listening on it, so that a proxy that starts meanwhile is not disturbed.
fn bind(address: SocketAddr) -> Result<(), ErrorKind> {
    let bound = if address.is_ipv6() { TcpSocket::new_v6() } else { TcpSocket::new_v4() }.and_then(|socket| {
        socket.set_reuseaddr(true)?;
        socket.bind(address)
    });
    bound.map_err(|error| error.kind())
}

/// Whether another process listens there, so that no proxy can.
pub(crate) fn is_in_use(address: SocketAddr, is_udp: bool) -> bool {
    let refused = if is_udp { UdpSocket::bind(address).err().map(|error| error.kind()) } else { bind(address).err() };
    refused == Some(ErrorKind::AddrInUse)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[tokio::test]
    async fn a_port_that_another_process_listens_on_is_told_by_its_flag() {
        for address in ["127.0.0.1:0", "0.0.0.0:0"] {
            let other = TcpListener::bind(address).unwrap();
            let number = other.local_addr().unwrap().port();
            for local in [false, true] {
                let ports = [Port { flag: "http-port".into(), number, local }];
                let Err(Taken(told)) = look(&ports) else { panic!("{address} {local}") };
                assert_eq!(told, [format!("--http-port: port {number} is in use by another process; end that one, or give another port")]);
            }
        }
    }

    #[tokio::test]
    async fn looking_takes_nothing_away() {
        let number = crate::proxy::tests::ports::free_port();
        let ports = [("http-port", false), ("status-port", true)].map(|(flag, local)| Port { flag: flag.into(), number, local });
        assert_eq!(check(&ports).await, Ok(()));
        let other = TcpListener::bind(("0.0.0.0", number)).unwrap();
        assert!(look(&ports).is_err_and(|taken| taken.0.len() == 2));
        let waited = tokio::spawn(async move { check(&ports).await });
        drop(other);
        assert_eq!(waited.await.unwrap(), Ok(()), "what ends in its last moments does not count");
    }
}
