//! Connections to services, with and without TLS; idle ones are used again where that is asked for.

use crate::any_certificate::AnyCertificate;
use crate::http::{Answer, Request};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Where it is not said, a connection has to be there within this time.
const CONNECT: Duration = Duration::from_secs(5);
/// The same for the whole answer.
const ANSWER: Duration = Duration::from_secs(60);
/// So many addresses of a service are tried.
const MAX_TRIES: usize = 3;
/// How often those are closed whose time is over while some are asked for: pods go, and nobody asks for a connection to them
/// again.
const SWEEP: Duration = Duration::from_secs(1);
/// The same while none is.
pub(crate) const QUIET_SWEEP: Duration = Duration::from_secs(60);

/// Whom to ask.
#[derive(Debug, Default)]
pub(crate) struct Service {
    pub(crate) addresses: Vec<SocketAddr>,
    /// The name that is asked for over TLS.
    pub(crate) tls: Option<String>,
    pub(crate) keep: Option<KeepAlive>,
    /// For the connection to one address.
    pub(crate) connect: Option<Duration>,
    /// For all of the answer of one address.
    pub(crate) limit: Option<Duration>,
}

/// What becomes of connections that are idle.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeepAlive {
    /// So many for each address.
    pub(crate) connections: usize,
    /// Requests of one of them.
    pub(crate) requests: u64,
    pub(crate) idle: Duration,
}

trait Connection: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Connection for T {}

/// A connection that may be used again.
struct Idle {
    connection: Box<dyn Connection>,
    requests: u64,
    /// It is used no more from then on.
    end: Instant,
}

/// Where a connection leads to, and the name for TLS.
type PoolKey = (SocketAddr, Option<String>);

/// The idle ones, those of one place in the order in which they became so.
struct IdleConnections {
    idle: HashMap<PoolKey, Vec<Idle>>,
    swept: Instant,
}

impl IdleConnections {
    fn sweep(&mut self, now: Instant) {
        if now.duration_since(self.swept) >= SWEEP {
            self.swept = now;
            self.idle.retain(|_, there| {
                there.retain(|idle| idle.end > now);
                !there.is_empty()
            });
        }
    }

    fn put(&mut self, place: &PoolKey, idle: Idle, most: usize, now: Instant) {
        self.sweep(now);
        let there = self.idle.entry(place.clone()).or_default();
        there.retain(|idle| idle.end > now);
        if there.len() < most {
            there.push(idle);
        }
    }

    fn take(&mut self, place: &PoolKey, now: Instant) -> Option<Idle> {
        self.sweep(now);
        self.idle.get_mut(place)?.pop().filter(|idle| idle.end > now)
    }
}

/// Asks over connections, and keeps idle ones.
pub(crate) struct Pool {
    connections: Mutex<IdleConnections>,
    tls: TlsConnector,
    turn: AtomicUsize,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}

impl Pool {
    pub(crate) fn new() -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        // As nginx does with the services that it asks.
        let verifier = Arc::new(AnyCertificate(Arc::clone(&provider)));
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.expect("ring has what every version needs").dangerous().with_custom_certificate_verifier(verifier);
        let tls = TlsConnector::from(Arc::new(config.with_no_client_auth()));
        let connections = IdleConnections { idle: HashMap::new(), swept: Instant::now() };
        Self { connections: Mutex::new(connections), tls, turn: AtomicUsize::new(0) }
    }

    /// Asks the addresses in turns, until one of them answers.
    ///
    /// # Errors
    /// That of the last address.
    pub(crate) async fn ask(&self, service: &Service, request: &Request) -> io::Result<Answer> {
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for n in 0..service.addresses.len().min(MAX_TRIES) {
            let address = service.addresses[(first.wrapping_add(n)) % service.addresses.len()];
            let asked = self.ask_one((address, service.tls.clone()), service, request);
            match tokio::time::timeout(service.limit.unwrap_or(ANSWER), asked).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => last = error,
                Err(_) => last = io::ErrorKind::TimedOut.into(),
            }
        }
        Err(last)
    }

    async fn ask_one(&self, place: PoolKey, service: &Service, request: &Request) -> io::Result<Answer> {
        let keep = service.keep;
        // One that was idle may have been closed meanwhile; then a new one is asked.
        if let Some(idle) = keep.and_then(|_| self.connections().take(&place, Instant::now()))
            && let Ok(answer) = self.ask_over(idle, &place, keep, request).await
        {
            return Ok(answer);
        }
        let connection =
            tokio::time::timeout(service.connect.unwrap_or(CONNECT), self.connect(&place)).await.map_err(|_| io::ErrorKind::TimedOut)??;
        self.ask_over(Idle { connection, requests: 0, end: Instant::now() }, &place, keep, request).await
    }

    async fn ask_over(&self, mut used: Idle, place: &PoolKey, keep: Option<KeepAlive>, request: &Request) -> io::Result<Answer> {
        used.requests += 1;
        let keep = keep.filter(|keep| used.requests < keep.requests);
        let (answer, again) = request.ask(&mut used.connection, keep.is_none()).await?;
        let now = Instant::now();
        if let Some(keep) = keep.filter(|_| again)
            && let Some(end) = now.checked_add(keep.idle)
        {
            used.end = end;
            self.connections().put(place, used, keep.connections, now);
        }
        Ok(answer)
    }

    /// Closes the connections whose time is over.
    pub(crate) fn sweep(&self) {
        self.connections().sweep(Instant::now());
    }

    fn connections(&self) -> MutexGuard<'_, IdleConnections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn connect(&self, (address, name): &PoolKey) -> io::Result<Box<dyn Connection>> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let Some(name) = name else { return Ok(Box::new(stream)) };
        let name = name.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(name).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(Box::new(self.tls.connect(name, stream).await?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn idle(end: Instant) -> Idle {
        Idle { connection: Box::new(tokio::io::empty()), requests: 1, end }
    }

    #[test]
    fn connections_to_those_who_are_gone_are_closed() {
        let begun = Instant::now();
        let place = |port| (SocketAddr::from(([10, 0, 0, 1], port)), None);
        let mut connections = IdleConnections { idle: HashMap::new(), swept: begun };
        let [early, late, later] = [1, 5, 9].map(|seconds| begun + Duration::from_secs(seconds));
        connections.put(&place(80), idle(early), 4, begun);
        connections.put(&place(81), idle(late), 4, begun);
        assert!(connections.take(&place(80), begun).is_some() && connections.take(&place(80), begun).is_none());
        connections.put(&place(80), idle(early), 4, begun);
        connections.put(&place(82), idle(later), 4, early + SWEEP);
        let mut there: Vec<_> = connections.idle.keys().map(|(address, _)| address.port()).collect();
        there.sort_unstable();
        assert_eq!(there, [81, 82], "whoever is asked, the others go when their time is over");
        assert!(connections.take(&place(81), late).is_none(), "nor is one used at its end");
    }

    #[test]
    fn nobody_has_to_ask_for_it() {
        let pool = Pool::new();
        let now = Instant::now();
        let place = (SocketAddr::from(([10, 0, 0, 1], 80)), None);
        pool.connections().put(&place, idle(now + SWEEP), 1, now);
        pool.sweep();
        assert_eq!(pool.connections().idle.len(), 1, "its time is not over");
        pool.connections().swept -= SWEEP;
        pool.connections().idle.values_mut().flatten().for_each(|idle| idle.end = now);
        pool.sweep();
        assert!(pool.connections().idle.is_empty());
    }

    #[test]
    fn no_more_are_kept_of_one_place_than_are_wanted() {
        let begun = Instant::now();
        let place = (SocketAddr::from(([10, 0, 0, 1], 80)), None);
        let mut connections = IdleConnections { idle: HashMap::new(), swept: begun };
        (0..5).for_each(|_| connections.put(&place, idle(begun + SWEEP), 2, begun));
        assert_eq!(connections.idle[&place].len(), 2);
    }
}
