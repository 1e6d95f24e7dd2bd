//! A client that sends one request and shows what came back.

use crate::tls;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(20);

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The head, as it came.
    pub head: String,
    /// The body.
    pub body: String,
    /// The certificate of the server, in DER; empty without TLS.
    pub certificate: Vec<u8>,
}

impl Answer {
    /// Which pod answered; `-` when none did.
    #[must_use]
    pub fn pod(&self) -> &str {
        self.body.strip_prefix("pod ").and_then(|rest| rest.lines().next()).unwrap_or("-")
    }

    /// A header of the answer.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
    }
}

/// Asks for `http://HOST/PATH` at a local port.
///
/// # Errors
/// When nothing comes back.
pub fn get(port: u16, host: &str, path: &str) -> Result<Answer, String> {
    ask(port, "GET", host, path)
}

/// The same with any method.
///
/// # Errors
/// When nothing comes back.
pub(super) fn ask(port: u16, method: &str, host: &str, path: &str) -> Result<Answer, String> {
    exchange(connect(port)?, method, host, path).map_err(|error| error.to_string())
}

/// Asks for `https://HOST/PATH` at a local port; any certificate is taken, and shown.
///
/// # Errors
/// When nothing comes back.
pub fn get_tls(port: u16, host: &str, path: &str) -> Result<Answer, String> {
    let mut stream = tls::connect(connect(port)?, Some(host), &[]).map_err(|error| error.to_string())?;
    let mut answer = exchange(&mut stream, "GET", host, path).map_err(|error| error.to_string())?;
    answer.certificate = tls::shown(&stream);
    Ok(answer)
}

/// Posts JSON, or what is to be none, over TLS.
///
/// # Errors
/// When nothing comes back.
pub fn post_tls(port: u16, path: &str, body: &[u8]) -> Result<Answer, String> {
    let mut stream = tls::connect(connect(port)?, Some("localhost"), &[]).map_err(|error| error.to_string())?;
    let head = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    stream.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes()).map_err(|error| error.to_string())?;
    // Whoever takes no more has said why.
    let _ = stream.write_all(body).and_then(|()| stream.flush());
    read(stream).map_err(|error| error.to_string())
}

fn connect(port: u16) -> Result<TcpStream, String> {
    let stream = TcpStream::connect_timeout(&SocketAddr::from(([127, 0, 0, 1], port)), LIMIT).map_err(|error| error.to_string())?;
    stream.set_read_timeout(Some(LIMIT)).and_then(|()| stream.set_write_timeout(Some(LIMIT))).map_err(|error| error.to_string())?;
    Ok(stream)
}

fn exchange(mut stream: impl Read + Write, method: &str, host: &str, path: &str) -> std::io::Result<Answer> {
    write!(stream, "{method} {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: e2e\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
    stream.flush()?;
    read(stream)
}

fn read(mut stream: impl Read) -> std::io::Result<Answer> {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        // nginx ends TLS without saying so.
        Err(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => return Err(error),
        _ => {}
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(|| std::io::Error::other(format!("no answer: {text:?}")))?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(|| std::io::Error::other("no status"))?;
    Ok(Answer { status, head: head.to_owned(), body: body.to_owned(), certificate: Vec::new() })
}
