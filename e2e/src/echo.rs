//! The pods: one server that plays all of them, and tells by its own address which one it was.
//!
//! An answer is JSON: `service`, `address`, `port`, `method`, `target`, `version`, `headers` (a list of pairs, as they came) and
//! `body`. The query asks for more: `status=418`, `header=Name:value`, `wait_ms=500` (before the answer), `bytes=1000`
//! (of a body in place of the JSON).

use crate::http1::{read_chunks, read_head};
use crate::wait::until;
use crate::websocket;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// Ports that every pod listens on; other ports are closed.
pub const PORTS: [u16; 3] = [8080, 8081, 9090];

static NAMES: LazyLock<Mutex<HashMap<IpAddr, String>>> = LazyLock::new(Mutex::default);

/// A pod that nobody else has, of a Service of this name.
///
/// # Panics
/// After sixty thousand of them.
#[must_use]
pub fn new_pod(service: &str) -> Ipv4Addr {
    static NEXT: AtomicU16 = AtomicU16::new(256);
    let [high, low] = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    assert!(high < 255, "the network of the pods is used up");
    let address = Ipv4Addr::new(10, 244, high, low);
    name(address.into(), service);
    address
}

/// Calls a pod by the name of a Service.
pub fn name(address: IpAddr, service: &str) {
    NAMES.lock().unwrap_or_else(PoisonError::into_inner).insert(address, service.to_owned());
}

/// A pod that keeps what it is asked; [`asked`] tells it.
#[must_use]
pub fn new_pod_that_keeps(service: &str) -> Ipv4Addr {
    let address = new_pod(service);
    kept().insert(address.into(), Vec::new());
    address
}

/// What a pod was asked up to now, each as an answer would tell it; `client` is who has connected.
#[must_use]
pub fn asked(address: Ipv4Addr) -> Vec<Value> {
    kept().get(&address.into()).cloned().unwrap_or_default()
}

fn kept() -> MutexGuard<'static, HashMap<IpAddr, Vec<Value>>> {
    static KEPT: LazyLock<Mutex<HashMap<IpAddr, Vec<Value>>>> = LazyLock::new(Mutex::default);
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A pod that can end; [`end`] does it.
#[must_use]
pub fn new_pod_that_ends(service: &str) -> Ipv4Addr {
    let address = new_pod(service);
    mortals().insert(address.into(), Mortal::default());
    address
}

/// Ends a pod as its container does: what it has been asked is answered first, then its connections are closed, and new ones
/// reset.
///
/// # Panics
/// When it is asked without a pause, or cannot end.
pub fn end(address: Ipv4Addr) {
    until("nobody waits for an answer of the pod", || {
        let mut mortals = mortals();
        let pod = mortals.get_mut(&address.into()).expect("it can end");
        pod.has_ended = pod.asked == 0;
        if pod.has_ended {
            let open = pod.connections.drain(..).filter_map(|connection| connection.upgrade());
            // The other side may have closed it.
            open.for_each(|connection| drop(connection.shutdown(Shutdown::Both)));
        }
        pod.has_ended
    });
}

/// Lets a pod that has ended come back. How often it was knocked at meanwhile: by a connection, or by a request on one that was
/// being closed.
///
/// # Panics
/// When it cannot end.
pub fn revive(address: Ipv4Addr) -> usize {
    let mut mortals = mortals();
    let pod = mortals.get_mut(&address.into()).expect("it can end");
    pod.has_ended = false;
    std::mem::take(&mut pod.knocks)
}

/// A pod that can end.
#[derive(Debug, Default)]
struct Mortal {
    has_ended: bool,
    /// Requests that wait for their answer.
    asked: usize,
    connections: Vec<Weak<TcpStream>>,
    /// Since its end.
    knocks: usize,
}

impl Mortal {
    /// Whether it goes on; else somebody has knocked.
    fn is_met(&mut self) -> bool {
        self.knocks += usize::from(self.has_ended);
        !self.has_ended
    }
}

fn mortals() -> MutexGuard<'static, HashMap<IpAddr, Mortal>> {
    static MORTALS: LazyLock<Mutex<HashMap<IpAddr, Mortal>>> = LazyLock::new(Mutex::default);
    MORTALS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Notes that a request comes; whether it gets an answer.
fn begin_to_answer(pod: IpAddr) -> bool {
    mortals().get_mut(&pod).is_none_or(|pod| {
        let is_met = pod.is_met();
        pod.asked += usize::from(is_met);
        is_met
    })
}

/// Notes that a request has had its answer, at the end of its life.
struct Answering(IpAddr);

impl Drop for Answering {
    fn drop(&mut self) {
        if let Some(pod) = mortals().get_mut(&self.0) {
            pod.asked -= 1;
        }
    }
}

/// Starts to answer on all addresses of the namespace that this thread is in, until the end of the tests.
///
/// # Panics
/// When the ports are taken.
pub fn start() {
    for port in PORTS {
        let listener = TcpListener::bind(("::", port)).or_else(|_| TcpListener::bind(("0.0.0.0", port))).expect("the port is free");
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                std::thread::spawn(move || attend(&Arc::new(stream)));
            }
        });
    }
}

/// Answers requests until the connection ends.
fn attend(stream: &Arc<TcpStream>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut local = stream.local_addr()?;
    if let IpAddr::V6(v6) = local.ip()
        && let Some(v4) = v6.to_ipv4_mapped()
    {
        local = SocketAddr::new(v4.into(), local.port());
    }
    let mut reader = BufReader::new(&**stream);
    let is_met = mortals().get_mut(&local.ip()).is_none_or(|pod| {
        pod.connections.push(Arc::downgrade(stream));
        pod.is_met()
    });
    if !is_met {
        return reset(stream);
    }
    loop {
        if reader.fill_buf()?.is_empty() || !begin_to_answer(local.ip()) {
            return Ok(());
        }
        let _answering = Answering(local.ip());
        let request = Received::read(&mut reader)?;
        if let Some(key) = request.header("sec-websocket-key") {
            return websocket::serve(&**stream, &mut reader, key);
        }
        if let Some(all) = kept().get_mut(&local.ip()) {
            let mut told = request.described(local);
            told["client"] = stream.peer_addr()?.to_string().into();
            all.push(told);
        }
        let close = request.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        if let Some(wait) = request.asked("wait_ms").and_then(|text| text.parse().ok()) {
            std::thread::sleep(Duration::from_millis(wait));
        }
        request.answer(local, &mut &**stream)?;
        if close {
            return Ok(());
        }
    }
}

/// Ends a connection without a word. What came on it is not read; so it is reset, and not just closed.
fn reset(stream: &TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.peek(&mut [0])?;
    Ok(())
}

/// A request as it came.
struct Received {
    method: String,
    target: String,
    version: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Received {
    fn read(stream: &mut impl Read) -> io::Result<Self> {
        let head = read_head(stream)?;
        let text = String::from_utf8_lossy(&head);
        let mut lines = text.split("\r\n");
        let mut start = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
        let [method, target, version] = std::array::from_fn(|_| start.next().unwrap_or_default());
        let headers = lines.filter_map(|line| line.split_once(':')).map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
        let mut request = Self { method, target, version, headers: headers.collect(), body: Vec::new() };
        if let Some(length) = request.header("content-length").and_then(|text| text.parse().ok()) {
            request.body.resize(length, 0);
            stream.read_exact(&mut request.body)?;
        } else if request.header("transfer-encoding").is_some() {
            request.body = read_chunks(stream)?;
        }
        Ok(request)
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }

    /// Every value of a key of the query.
    fn all_asked<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        query.split('&').filter_map(move |item| item.strip_prefix(key)?.strip_prefix('='))
    }

    fn asked<'a>(&'a self, key: &'a str) -> Option<&'a str> {
        self.all_asked(key).next()
    }

    fn answer(&self, local: SocketAddr, stream: &mut impl Write) -> io::Result<()> {
        let status = self.asked("status").unwrap_or("200");
        let body = match self.asked("bytes").and_then(|text| text.parse().ok()) {
            Some(length) => vec![b'x'; length],
            None => self.described(local).to_string().into_bytes(),
        };
        let mut head = format!("HTTP/1.1 {status} Echo\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: {}\r\n", body.len());
        let asked: Vec<_> = self.all_asked("header").filter_map(|text| text.split_once(':')).collect();
        if !asked.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            head.push_str("Content-Type: application/json\r\n");
        }
        for (name, value) in asked {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes())?;
        if self.method != "HEAD" {
            stream.write_all(&body)?;
        }
        stream.flush()
    }

    fn described(&self, local: SocketAddr) -> Value {
        let names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        json!({
            "service": names.get(&local.ip()),
            "address": local.ip(),
            "port": local.port(),
            "method": self.method,
            "target": self.target,
            "version": self.version,
            "headers": self.headers,
            "body": String::from_utf8_lossy(&self.body),
        })
    }
}
