//! Asks services on behalf of HAProxy, which cannot ask anybody itself: whether a request may pass, and what an error page
//! says.
//!
//! HAProxy tells the agent over a Unix socket, in its own protocol (SPOP 2.0), which service to ask and how; the agent
//! asks, and sets variables of the request. It knows no objects, no routes and no credentials, and keeps nothing but idle
//! connections, answers that may be kept, and copies of requests on their way. Where it is away, no variable is set, and HAProxy lets nobody pass.
//!
//! ```text
//! connection  one connection of HAProxy: frames in, frames out
//! frames      the bytes of SPOP
//! ask         what is asked, out of the arguments of a message
//! http        a request, and what came back
//! pool        connections to services, with and without TLS, whatever their certificate
//! cache       answers that may be kept
//! copies      requests that nobody waits for
//! ```

mod any_certificate;
mod ask;
mod cache;
mod connection;
mod copies;
mod frames;
mod http;
mod in_flight;
mod pool;

pub use any_certificate::AnyCertificate;

use cache::Cache;
use copies::Copies;
use in_flight::InFlight;
use pool::{Pool, QUIET_SWEEP};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UnixListener;
use tokio::sync::Semaphore;

/// So many questions are worked on at a time; further ones wait.
const MAX_QUESTIONS: usize = 2048;

/// How long to wait before the next try when connections cannot be accepted.
const PAUSE: Duration = Duration::from_millis(250);

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Agent {
    pub(crate) pool: Pool,
    pub(crate) cache: Cache,
    pub(crate) copies: Copies,
    pub(crate) places: Arc<Semaphore>,
    pub(crate) in_flight: InFlight,
}

/// What somebody says is not what can be said.
fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

/// Listens at a path; what was there is removed. Anybody may connect, for who is answered is decided by the peer's user.
///
/// # Errors
/// When the path cannot be used.
pub fn listen(path: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o666))?;
    Ok(listener)
}

/// Answers HAProxy for as long as the future lives; a peer whose user `hears` does not know is not heard.
pub async fn serve(listener: UnixListener, hears: impl Fn(u32) -> bool) {
    let places = Arc::new(Semaphore::new(MAX_QUESTIONS));
    let agent =
        Arc::new(Agent { pool: Pool::new(), cache: Cache::default(), copies: Copies::default(), places, in_flight: InFlight::default() });
    // Ends with this future.
    let mut tasks = tokio::task::JoinSet::new();
    let mut sweeps = tokio::time::interval(QUIET_SWEEP);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = tasks.join_next() => continue,
            _ = sweeps.tick() => {
                agent.pool.sweep();
                continue;
            }
        };
        match accepted {
            Ok((stream, _)) => {
                let user = stream.peer_cred().map(|peer| peer.uid());
                if !user.as_ref().is_ok_and(|user| hears(*user)) {
                    tracing::warn!(?user, "a peer of another user is not answered");
                    continue;
                }
                let agent = Arc::clone(&agent);
                tasks.spawn(async move {
                    if let Err(error) = connection::serve(stream, agent).await {
                        tracing::debug!(%error, "a connection of the proxy has ended");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection of the proxy");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
