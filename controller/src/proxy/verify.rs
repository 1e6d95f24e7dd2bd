//! Last step: only an answer of the new generation proves a reload.
//!
//! A check skips what only binding shows, signals in a burst become one, and both generations accept connections for
//! about 100 ms. So the proxy is asked on new connections until every answer over a while is the new one.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// How long every answer has to be the new one.
const UNBROKEN: Duration = Duration::from_millis(150);

/// Between two questions.
const PACE: Duration = Duration::from_millis(10);

/// For one answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Longest answer that is read, in bytes.
const MAX_ANSWER: u64 = 1 << 20;

/// The proxy still answers something else, or nothing.
#[derive(Debug, thiserror::Error)]
#[error("the proxy answers {} {waited:?} after it was told to load {wanted}{}", seen.as_deref().unwrap_or("nothing"), why.as_deref().map(|why| format!("; {why}")).unwrap_or_default())]
pub(crate) struct NotTaken {
    /// Token of the revision that was published.
    pub(crate) wanted: String,
    /// What it answered last.
    pub(crate) seen: Option<String>,
    /// Since the signal.
    pub(crate) waited: Duration,
    /// What the owner of the process says, such as that it exits over and over.
    pub(crate) why: Option<String>,
}

/// Where the proxy says which files it has loaded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Probe {
    /// On loopback; every configuration of ours listens there.
    pub(super) port: u16,
}

impl Probe {
    /// Asks once, on a new connection.
    pub(super) async fn answer(&self) -> Option<String> {
        let body = page(self.port, "/gatewright/revision").await?;
        Some(body.trim().chars().filter(char::is_ascii_graphic).take(64).collect())
    }

    /// Waits for an unbroken run of answers `wanted`; returns how long after `since` it began.
    ///
    /// `hopeless` is asked now and then whether waiting makes no sense, and why.
    ///
    /// # Errors
    /// [`NotTaken`] after `deadline`, or as soon as it is hopeless.
    pub(super) async fn verify(
        &self,
        wanted: &str,
        since: Instant,
        deadline: Duration,
        mut hopeless: impl AsyncFnMut() -> Option<String>,
    ) -> Result<Duration, NotTaken> {
        let mut run_began: Option<Instant> = None;
        let mut asked_owner = Instant::now();
        loop {
            let asked = Instant::now();
            let seen = self.answer().await;
            if seen.as_deref() == Some(wanted) {
                let began = *run_began.get_or_insert(asked);
                if began.elapsed() >= UNBROKEN {
                    return Ok(began.saturating_duration_since(since));
                }
            } else {
                run_began = None;
                let mut why = None;
                if asked_owner.elapsed() >= Duration::from_secs(1) {
                    asked_owner = Instant::now();
                    why = hopeless().await;
                }
                if why.is_some() || since.elapsed() >= deadline {
                    return Err(NotTaken { wanted: wanted.to_owned(), seen, waited: since.elapsed(), why });
                }
            }
            sleep(PACE).await;
        }
    }
}

/// What the private port of the proxy says under a path, if it says 200.
pub(crate) async fn page(port: u16, path: &str) -> Option<String> {
    let ask = async {
        let mut stream = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await.ok()?;
        stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").as_bytes()).await.ok()?;
        let mut answer = Vec::new();
        stream.take(MAX_ANSWER).read_to_end(&mut answer).await.ok()?;
        let answer = String::from_utf8(answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        (head.split(' ').nth(1)? == "200").then(|| body.to_owned())
    };
    timeout(PATIENCE, ask).await.ok()?
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::net::TcpListener;

    /// Answers its n-th question (from 0) with what `say` makes of n.
    async fn server(say: impl Fn(usize) -> &'static str + Send + Sync + 'static) -> (Probe, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let body = say(counter.fetch_add(1, Ordering::SeqCst));
                let mut request = [0; 256];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\n\r\n{body}\n").as_bytes()).await;
            }
        });
        (Probe { port }, asked)
    }

    #[tokio::test]
    async fn one_old_answer_starts_the_run_anew() {
        let (probe, asked) = server(|n| if n == 3 { "old" } else { "new" }).await;
        let began = Instant::now();
        let load = probe.verify("new", began, Duration::from_secs(10), async || None).await.unwrap();
        assert!(asked.load(Ordering::SeqCst) > 4 && began.elapsed() >= UNBROKEN + load, "{load:?}");
        assert!(load >= PACE * 3, "the run begins after the old answer: {load:?}");
    }

    #[tokio::test]
    async fn old_answers_until_the_deadline_are_an_error_that_names_them() {
        let (probe, _) = server(|_| "old").await;
        let error = probe.verify("new", Instant::now(), Duration::from_millis(200), async || None).await.unwrap_err();
        assert_eq!(error.seen.as_deref(), Some("old"));
        assert!(error.to_string().contains("answers old"), "{error}");
    }

    #[tokio::test]
    async fn a_proxy_that_cannot_start_is_not_waited_for() {
        let probe = Probe { port: 1 };
        let began = Instant::now();
        let error = probe.verify("x", began, Duration::from_secs(60), async || Some("it exits".to_owned())).await.unwrap_err();
        assert!(began.elapsed() < Duration::from_secs(10) && error.to_string().ends_with("; it exits"), "{error}");
    }
}
