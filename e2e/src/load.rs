//! Requests that flow while something is done, and a count of those that were lost.

use crate::client::{connect, get};
use crate::http1::Request;
use std::io;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// What became of the requests.
#[derive(Debug)]
pub struct Flow {
    /// So many had the right answer.
    pub answered: usize,
    /// What those got that had none, or a wrong one.
    pub lost: Vec<String>,
}

/// Asks a host, which a Service answers, by four clients while `change` works: two connect anew for each request, two keep
/// their connection.
///
/// # Panics
/// When `change` does.
pub fn while_doing(host: &str, service: &str, change: impl FnOnce()) -> Flow {
    let (done, count) = (AtomicBool::new(false), AtomicUsize::new(0));
    let lost = std::thread::scope(|scope| {
        let ask = |keeps: bool| {
            let (done, count) = (&done, &count);
            scope.spawn(move || {
                let mut kept = None;
                ask_until(done, count, || if keeps { ask_on(host, service, &mut kept) } else { ask_anew(host, service) })
            })
        };
        let askers = [false, false, true, true].map(ask);
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(change));
        done.store(true, Ordering::Relaxed);
        let lost: Vec<String> = askers.into_iter().flat_map(|asker| asker.join().expect("it counts what goes wrong")).collect();
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        lost
    });
    Flow { answered: count.into_inner(), lost }
}

/// Asks over and over until `done`; every request that got no answer or a wrong one.
fn ask_until(done: &AtomicBool, count: &AtomicUsize, mut ask: impl FnMut() -> Result<(), String>) -> Vec<String> {
    let mut lost = Vec::new();
    // A steady stream; as many as possible would only measure the machine.
    const PAUSE: Duration = Duration::from_millis(4);
    while !done.load(Ordering::Relaxed) {
        std::thread::sleep(PAUSE);
        match ask() {
            Ok(()) => {
                count.fetch_add(1, Ordering::Relaxed);
            }
            Err(why) => lost.push(why),
        }
    }
    lost
}

/// One request on a new connection.
fn ask_anew(host: &str, service: &str) -> Result<(), String> {
    match get(host, "/") {
        Ok(answer) if answer.word() == service => Ok(()),
        Ok(answer) => Err(format!("status {}", answer.status)),
        Err(error) => Err(error.to_string()),
    }
}

/// One request on a connection that is kept. A connection that was closed while idle is no lost request: HTTP lets the
/// server do so, and a client asks again on another one.
fn ask_on(host: &str, service: &str, kept: &mut Option<TcpStream>) -> Result<(), String> {
    let was_kept = kept.is_some();
    let mut stream = match kept.take() {
        Some(stream) => stream,
        None => connect(80).map_err(|error| error.to_string())?,
    };
    match Request::get(host, "/").send(&mut stream, false) {
        Ok(answer) if answer.word() == service => {
            let closes = answer.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
            *kept = if closes { None } else { Some(stream) };
            Ok(())
        }
        Ok(answer) => Err(format!("status {}", answer.status)),
        Err(error) if was_kept && is_idle_close(&error) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

fn is_idle_close(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | BrokenPipe)
}
