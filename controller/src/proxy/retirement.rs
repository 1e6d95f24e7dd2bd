//! The end of old workers that nobody needs: they only hold idle connections.
//!
//! A worker that has been replaced knows the endpoints there were then, and nothing brings it the newer ones. It keeps idle
//! connections until their next request, which would find nobody once those endpoints are gone. So the clients are told
//! before that, by the end of the connection, that a request needs another one.
//!
//! A worker that is still busy, with a WebSocket say, keeps its idle connections, too: HAProxy (2.6 to 3.2) refuses an old
//! worker every command that would switch a server off or on (`Proxy is disabled`), and none closes idle connections. A
//! request on one of them is tried on the endpoints that there were, and its answer closes the connection.
//!
//! When the proxy ends, nobody waits for the next request of such a connection either.

use super::process::{Handle, Identity, children, named, signal_all};
use super::runtime::ask_last;
use gatewright_core::dialect::{Dialect, Need, OldWorkers};
use rustix::process::Signal;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::{sleep, timeout};

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
    if need_of(ways, socket, worker).await == Some(Need::Nobody) {
        tracing::debug!(pid = worker.pid, "endpoints have gone; ending an old worker that only holds idle connections");
        signal_all(&BTreeSet::from([worker]), Signal::TERM);
    }
}

/// Who needs a worker; `None`: nobody answers.
async fn need_of(ways: OldWorkers, socket: &Path, worker: Identity) -> Option<Need> {
    let mut answers = [String::new(), String::new()];
    for (answer, question) in answers.iter_mut().zip((ways.questions)(worker.pid)) {
        *answer = ask_last(socket, &question, PATIENCE).await.ok()?;
    }
    Some((ways.need)(&answers))
}

/// Waits for the end of a proxy that has been told to drain. Requests may finish; connections that are idle need not, and
/// a proxy that would wait for them is ended as soon as there are no others.
pub(super) async fn drain(dialect: &Dialect, run_dir: &Path, master: &Handle) {
    let ways = dialect.runtime.map(|lane| lane.old_workers);
    let mut was_idle = false;
    while timeout(PAUSE, master.ended()).await.is_err() {
        let workers = children(master.identity().pid);
        let mut needs = Vec::new();
        if let Some(ways) = ways {
            for worker in &workers {
                needs.push(need_of(ways, &run_dir.join(ways.socket), *worker).await);
            }
        }
        let all_know = !needs.is_empty() && needs.iter().all(|need| matches!(need, Some(Need::Some | Need::Nobody)));
        if !all_know {
            // A master that is loading may have missed the signal; one that drains already takes it again for nothing.
            let _ = master.signal(named(dialect.drain));
        }
        let is_idle = all_know && !needs.contains(&Some(Need::Some));
        // What was answered a moment ago may still be on its way to a client, so they have to be idle twice.
        if is_idle && was_idle {
            tracing::info!("only idle connections are left; ending the proxy");
            // The master goes first: it would call it an alert that somebody has ended a worker.
            let _ = master.signal(Signal::KILL);
            signal_all(&workers, Signal::TERM);
        }
        was_idle = is_idle;
    }
}
