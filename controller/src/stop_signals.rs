//! The signals that end a long-running command.

use std::io;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// Hears them from the moment in which it is made.
pub(crate) struct StopSignals {
    signals: mpsc::Receiver<SignalKind>,
}

impl StopSignals {
    /// SIGTERM, SIGQUIT and SIGINT; and SIGHUP, which comes when a terminal is closed, unless whoever started us had us
    /// ignore it, as nohup does.
    ///
    /// # Errors
    /// When signals cannot be heard.
    pub(crate) fn new() -> io::Result<Self> {
        let (sender, signals) = mpsc::channel(2);
        let hangup = Some(SignalKind::hangup()).filter(|hangup| !is_ignored(*hangup));
        for kind in [SignalKind::terminate(), SignalKind::quit(), SignalKind::interrupt()].into_iter().chain(hangup) {
            let mut stream = signal(kind)?;
            let sender = sender.clone();
            tokio::spawn(async move {
                while stream.recv().await.is_some() {
                    let _ = sender.try_send(kind);
                }
            });
        }
        Ok(Self { signals })
    }

    /// Waits for the next one.
    pub(crate) async fn come(&mut self) {
        self.signals.recv().await;
    }

    /// Waits for the next SIGINT: a person presses Ctrl-C once more. Others come twice by themselves, as where a Pod has a
    /// hook before its end.
    pub(crate) async fn interrupt(&mut self) {
        while self.signals.recv().await.is_some_and(|kind| kind != SignalKind::interrupt()) {}
    }

    /// What `other` gives; `None`: a signal came first.
    pub(crate) async fn unless<T>(&mut self, other: impl Future<Output = T>) -> Option<T> {
        tokio::select! { () = self.come() => None, done = other => Some(done) }
    }

    /// What `other` gives; `None`: a SIGINT came first.
    pub(crate) async fn unless_interrupted<T>(&mut self, other: impl Future<Output = T>) -> Option<T> {
        tokio::select! { () = self.interrupt() => None, done = other => Some(done) }
    }
}

/// As the kernel tells it: a number whose bits stand for the signals from 1.
fn is_ignored(kind: SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    (mask >> (kind.as_raw_value() - 1)) & 1 == 1
}
