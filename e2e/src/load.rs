//! Requests that flow while something is done, and a count of those that were lost.

use crate::client::{connect, get, get_over_tls};
use crate::http1::{Answer, Request};
use crate::proxies::Proxy;
use crate::tls;
use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// What became of the requests.
#[derive(Debug)]
pub struct Flow {
    /// So many of each kind had the right answer.
    answered: Vec<(Kind, usize)>,
    /// What those got that had none, or a wrong one.
    pub lost: Vec<String>,
}

impl Flow {
    /// How many had the right answer.
    #[must_use]
    pub fn answered(&self) -> usize {
        self.answered.iter().map(|(_, count)| count).sum()
    }

    /// Asserts that requests of every kind flowed and each had its answer.
    ///
    /// # Panics
    /// When not.
    #[track_caller]
    pub fn none_was_lost(&self) {
        let (count, lost) = (self.answered(), &self.lost);
        assert!(lost.is_empty(), "{} of {} were lost: {:?}", lost.len(), count + lost.len(), &lost[..lost.len().min(10)]);
        assert!(count > 100 && self.answered.iter().all(|(_, count)| *count > 0), "requests of every kind flowed: {:?}", self.answered);
    }
}

/// How a client asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// On a connection of its own for each request.
    Anew,
    /// On one that is kept.
    Kept,
    /// The same over TLS.
    AnewOverTls,
    /// The same over TLS.
    KeptOverTls,
    /// For an answer that takes its time, so that changes come while it is waited for.
    Slow,
    /// With a body that takes its time, so that changes come while it is sent.
    Body,
}

impl Kind {
    const ALL: [Self; 8] = [Self::Anew, Self::Anew, Self::Kept, Self::Kept, Self::AnewOverTls, Self::KeptOverTls, Self::Slow, Self::Body];

    /// Between two requests: a steady stream; as many as possible would only measure the machine.
    const fn pause(self) -> Duration {
        match self {
            // A handshake is as much work as many requests.
            Self::AnewOverTls => Duration::from_millis(100),
            _ => Duration::from_millis(20),
        }
    }
}

/// Asks a host, which a Service answers, by clients of every kind while `change` works.
///
/// # Panics
/// When `change` does.
pub fn while_doing(proxy: Proxy, host: &str, service: &str, change: impl FnOnce()) -> Flow {
    let asked = Asked { proxy, host, service };
    let done = AtomicBool::new(false);
    let seen = std::thread::scope(|scope| {
        let (asked, done) = (&asked, &done);
        let clients = Kind::ALL.map(|kind| (kind, scope.spawn(move || asked.by_client(kind, done))));
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(change));
        done.store(true, Ordering::Relaxed);
        let seen = clients.map(|(kind, client)| (kind, client.join().expect("it counts what goes wrong")));
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        seen
    });
    let answered = seen.iter().map(|(kind, (count, _))| (*kind, *count)).collect();
    let lost = seen.into_iter().flat_map(|(kind, (_, lost))| lost.into_iter().map(move |why| format!("{kind:?}: {why}"))).collect();
    Flow { answered, lost }
}

/// Who is asked, and who shall answer.
struct Asked<'h> {
    proxy: Proxy,
    host: &'h str,
    service: &'h str,
}

impl Asked<'_> {
    /// Asks over and over until `done`: how many had the right answer, and why the others had none or a wrong one.
    fn by_client(&self, kind: Kind, done: &AtomicBool) -> (usize, Vec<String>) {
        let (mut answered, mut lost, mut kept) = (0, Vec::new(), None);
        while !done.load(Ordering::Relaxed) {
            std::thread::sleep(kind.pause());
            match self.once(kind, &mut kept) {
                Ok(()) => answered += 1,
                Err(why) => lost.push(why),
            }
        }
        (answered, lost)
    }

    fn once(&self, kind: Kind, kept: &mut Option<Connection>) -> Result<(), String> {
        /// Shorter than the controller waits between two loads; so there are at most two generations of workers.
        const WAIT_MS: u32 = 600;
        match kind {
            Kind::Anew => self.judge(get(self.host, "/")),
            Kind::AnewOverTls => self.judge(get_over_tls(self.host, "/")),
            Kind::Kept => self.on(kept, Connection::plain),
            Kind::KeptOverTls => self.on(kept, || Connection::secure(self.host)),
            Kind::Slow => self.judge(get(self.host, &format!("/?wait_ms={WAIT_MS}"))),
            Kind::Body => self.with_body(),
        }
    }

    fn judge(&self, answer: io::Result<Answer>) -> Result<(), String> {
        match answer {
            Ok(answer) if answer.word() == self.service => Ok(()),
            Ok(answer) => Err(format!("status {}", answer.status)),
            Err(error) => Err(error.to_string()),
        }
    }

    /// One request on a connection that is kept. Where the proxy may close it while the request is on its way, a client that has
    /// not got a byte asks again on another one (RFC 9110, 9.2.2).
    fn on(&self, kept: &mut Option<Connection>, open: impl Fn() -> io::Result<Connection>) -> Result<(), String> {
        let request = Request::get(self.host, "/");
        let mut connection = kept.take().map_or_else(&open, Ok).map_err(|error| error.to_string())?;
        let before = connection.heard;
        let answer = request.send(&mut connection, false);
        if let Ok(answer) = &answer {
            let closes = answer.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
            *kept = Some(connection).filter(|_| !closes);
        } else if before > 0 && connection.heard == before && self.proxy.cuts_idle_connections() && answer.as_ref().is_err_and(is_end) {
            return self.judge(open().and_then(|mut another| request.send(&mut another, true)));
        }
        self.judge(answer)
    }

    /// One request whose body comes in two parts. It is asked but once: a client may not send it again.
    fn with_body(&self) -> Result<(), String> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        const REPEATED: usize = 2_000;
        const BETWEEN: Duration = Duration::from_millis(300);
        let body = format!("{} ", COUNT.fetch_add(1, Ordering::Relaxed)).repeat(REPEATED);
        let bytes = Request::new("POST", "/").header("Host", self.host).body(body.as_bytes()).bytes(true);
        let (begin, end) = bytes.split_at(bytes.len() / 2);
        let asked = connect(80).and_then(|mut stream| {
            stream.write_all(begin)?;
            std::thread::sleep(BETWEEN);
            stream.write_all(end)?;
            Answer::read(&mut stream, false)
        });
        if asked.as_ref().is_ok_and(|answer| answer.status == 200 && answer.echo()["body"] != body.as_str()) {
            return Err("another body came to the backend".to_owned());
        }
        self.judge(asked)
    }
}

/// Whether the other side has ended the connection.
fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | BrokenPipe | UnexpectedEof)
}

trait Stream: Read + Write {}
impl<S: Read + Write> Stream for S {}

/// A connection that counts what comes back on it.
struct Connection {
    stream: Box<dyn Stream>,
    /// Bytes.
    heard: usize,
}

impl Connection {
    fn plain() -> io::Result<Self> {
        Ok(Self { stream: Box::new(connect(80)?), heard: 0 })
    }

    fn secure(host: &str) -> io::Result<Self> {
        Ok(Self { stream: Box::new(tls::connect(connect(443)?, Some(host), &[])?), heard: 0 })
    }
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(buffer)?;
        self.heard += count;
        Ok(count)
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
