//! The task that owns the proxy: candidates and questions come in, one at a time.

use crate::proxy::{Candidate, Proxy};
use gatewright_core::render::FileSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Would these files be taken? `None`: nobody can say.
pub(super) struct Ask {
    pub(super) files: Arc<FileSet>,
    pub(super) answer: oneshot::Sender<Option<bool>>,
}

/// Owns the proxy until `ends` says how long its last requests may take, which it may say again. What is on its way then is
/// given up: a proxy that does not come would be waited for, and the next start sorts out what is on disk.
pub(super) async fn own(
    mut proxy: Proxy,
    (candidates, asked): (mpsc::Receiver<Candidate>, mpsc::Receiver<Ask>),
    mut ends: mpsc::Receiver<Duration>,
) {
    let limit = tokio::select! { () = serve(&mut proxy, candidates, asked) => None, limit = ends.recv() => limit };
    if let Some(limit) = limit {
        tokio::select! {
            () = proxy.drain(limit) => {}
            Some(limit) = ends.recv() => proxy.drain(limit).await,
        }
    }
}

async fn serve(proxy: &mut Proxy, mut candidates: mpsc::Receiver<Candidate>, mut asked: mpsc::Receiver<Ask>) {
    loop {
        tokio::select! {
            Some(candidate) = candidates.recv() => proxy.bring(candidate, &mut candidates).await,
            Some(Ask { files, answer }) = asked.recv() => {
                let taken = proxy.check_only(&files).await.ok().map(|refused| refused.is_none());
                let _ = answer.send(taken);
            }
            else => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::{Mode, Outcome, ProxyConfig};
    use gatewright_core::dialect::nginx::NGINX;
    use gatewright_core::render::File;
    use std::collections::BTreeMap;

    /// A proxy that only signals would reach, and that nobody has started.
    async fn nobody(folder: &std::path::Path) -> Proxy {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mode = Mode::Signal { pid_file: None, program: vec!["/there/is/no/nginx".into()] };
        let state_dir = folder.join("state");
        let config = ProxyConfig { dialect: &NGINX, state_dir, mode, status_port: port, ports: Vec::new(), revisions_kept: 3 };
        Proxy::open(config).await.unwrap()
    }

    #[tokio::test]
    async fn what_is_on_its_way_at_the_end_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let ((candidates, coming), (_asks, asked), (end, ends)) = (mpsc::channel(1), mpsc::channel(1), mpsc::channel(1));
        let main = File { bytes: b"events {}".as_slice().into(), secret: false, read_live: false };
        let files = Arc::new(FileSet::new("nginx.conf", BTreeMap::from([("nginx.conf".to_owned(), main)]), 7));
        let candidate = || {
            let ((served, _), (outcome, answered)) = (oneshot::channel(), oneshot::channel());
            (Candidate { files: Arc::clone(&files), cause: "test".to_owned(), served, outcome }, answered)
        };
        let ask = async {
            let (first, answered) = candidate();
            candidates.send(first).await.ok().unwrap();
            assert!(matches!(answered.await, Ok((Outcome::Failed { .. }, _))), "nobody is there");
            // What is on disk now is waited for to be served.
            let (second, waiting) = candidate();
            candidates.send(second).await.ok().unwrap();
            while candidates.capacity() == 0 {
                tokio::task::yield_now().await;
            }
            end.send(Duration::ZERO).await.unwrap();
            waiting.await
        };
        let ((), waited) = tokio::join!(own(nobody(folder.path()).await, (coming, asked), ends), ask);
        assert!(waited.is_err(), "it was waited for to the end");
    }
}
