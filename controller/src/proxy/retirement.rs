//! The end of old workers that nobody needs: they only hold idle connections.
//!
//! A worker that has been replaced knows the endpoints there were then, and nothing brings it the newer ones. It keeps idle
//! connections until their next request, which would find nobody once those endpoints are gone. So the clients are told
//! before that, by the end of the connection, that a request needs another one.
//!
//! A worker that is still busy, with a WebSocket say, keeps its idle connections, too: HAProxy (2.6 to 3.2) refuses an old
//! worker every command that would switch a server off or on (`Proxy is disabled`), and none closes idle connections. A
//! request on one of them is tried on the endpoints that there were, and its answer closes the connection.

use super::process::{Identity, signal_all};
use super::runtime::ask_last;
use gatewright_core::dialect::OldWorkers;
use rustix::process::Signal;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::sleep;

/// Before each look. Clients that are busy have left by then: each is told to with its next answer.
const PAUSE: Duration = Duration::from_secs(1);

/// Looks after the last endpoint has gone; requests that take longer keep their worker.
const LOOKS: usize = 60;

/// For one answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// Looks that are left; 0: nobody looks.
#[derive(Debug, Default)]
pub(super) struct Retirement(Arc<AtomicUsize>);

impl Retirement {
    /// Ends those of `older` that are idle, now and for a while, in the background. Endpoints have gone.
    pub(super) fn begin(&self, ways: OldWorkers, run_dir: &Path, older: impl Fn() -> BTreeSet<Identity> + Send + 'static) {
        if self.0.swap(LOOKS, Ordering::SeqCst) > 0 {
            return;
        }
        let (left, socket) = (Arc::clone(&self.0), run_dir.join(ways.socket));
        tokio::spawn(async move {
            loop {
                sleep(PAUSE).await;
                let workers: Vec<_> = older().into_iter().filter(|worker| worker.is_alive()).collect();
                for worker in &workers {
                    retire(ways, &socket, *worker).await;
                }
                let last = if workers.is_empty() { left.swap(0, Ordering::SeqCst) } else { left.fetch_sub(1, Ordering::SeqCst) };
                if workers.is_empty() || last <= 1 {
                    return;
                }
            }
        });
    }
}

async fn retire(ways: OldWorkers, socket: &Path, worker: Identity) {
    let mut answers = [String::new(), String::new()];
    for (answer, question) in answers.iter_mut().zip((ways.questions)(worker.pid)) {
        let Ok(said) = ask_last(socket, &question, PATIENCE).await else { return };
        *answer = said;
    }
    if (ways.is_idle)(&answers) {
        tracing::debug!(pid = worker.pid, "endpoints have gone; ending an old worker that only holds idle connections");
        signal_all(&BTreeSet::from([worker]), Signal::TERM);
    }
}
