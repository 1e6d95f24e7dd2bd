//! HTTP/1.1 byte by byte: nothing is normalised on the way to the proxy, and nothing hidden on the way back.

use serde_json::Value;
use std::fmt::Write as _;
use std::io::{self, Read, Write};

/// A request, sent as it is written here.
#[derive(Debug, Clone)]
pub struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    /// A request without any header; `Connection: close` is added when it is sent.
    #[must_use]
    pub fn new(method: &str, target: &str) -> Self {
        Self { method: method.to_owned(), target: target.to_owned(), headers: Vec::new(), body: Vec::new() }
    }

    /// `GET`, with a `Host` header.
    #[must_use]
    pub fn get(host: &str, target: &str) -> Self {
        Self::new("GET", target).header("Host", host)
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the body and its length.
    #[must_use]
    pub fn body(mut self, body: &[u8]) -> Self {
        self.body = body.to_owned();
        self.header("Content-Length", &body.len().to_string())
    }

    /// The bytes; `is_last`: the connection is to be closed afterwards.
    #[must_use]
    pub fn bytes(&self, is_last: bool) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        head.push_str(if is_last { "Connection: close\r\n\r\n" } else { "\r\n" });
        [head.as_bytes(), &self.body].concat()
    }

    /// Sends it and reads the answer.
    ///
    /// # Errors
    /// When the connection fails, or what comes back is cut short or no HTTP.
    pub fn send(&self, stream: &mut (impl Read + Write), is_last: bool) -> io::Result<Answer> {
        stream.write_all(&self.bytes(is_last))?;
        stream.flush()?;
        Answer::read(stream, self.method == "HEAD")
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The protocol as written, such as `HTTP/1.1`.
    pub version: String,
    /// The status.
    pub status: u16,
    /// The headers in their order, names as written.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Answer {
    /// Reads one answer, and not a byte more.
    ///
    /// # Errors
    /// When it is cut short or no HTTP.
    pub fn read(stream: &mut impl Read, to_head: bool) -> io::Result<Self> {
        let head = read_head(stream)?;
        let text = String::from_utf8_lossy(&head);
        let mut lines = text.split("\r\n");
        let mut start = lines.next().unwrap_or_default().splitn(3, ' ');
        let version = start.next().unwrap_or_default().to_owned();
        let status = start.next().and_then(|word| word.parse().ok()).ok_or_else(|| bad(&text))?;
        let headers = lines
            .filter(|line| !line.is_empty())
            .map(|line| line.split_once(':').map(|(name, value)| (name.to_owned(), value.trim().to_owned())).ok_or_else(|| bad(&text)))
            .collect::<io::Result<_>>()?;
        let mut answer = Self { version, status, headers, body: Vec::new() };
        if !to_head && status >= 200 && status != 204 && status != 304 {
            answer.body = answer.read_body(stream)?;
        }
        Ok(answer)
    }

    fn read_body(&self, stream: &mut impl Read) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        if self.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
            return read_chunks(stream);
        }
        match self.header("content-length") {
            Some(length) => {
                body.resize(length.parse().map_err(|_| bad(length))?, 0);
                stream.read_exact(&mut body)?;
            }
            None => {
                stream.read_to_end(&mut body)?;
            }
        }
        Ok(body)
    }

    /// The value of the first header of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }

    /// The values of all headers of this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }

    /// What the echo backend has said of itself and the request; `Null` if it was not asked.
    #[must_use]
    pub fn echo(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// In one word: the Service that has answered, or else the status.
    #[must_use]
    pub fn word(&self) -> String {
        match self.echo()["service"].as_str() {
            Some(service) if self.status == 200 => service.to_owned(),
            _ => self.status.to_string(),
        }
    }

    /// A header that the backend has received; several of one name are joined by `, `.
    #[must_use]
    pub fn received(&self, name: &str) -> Option<String> {
        let echo = self.echo();
        let headers = echo["headers"].as_array()?;
        let is_named = |header: &&Value| header[0].as_str().is_some_and(|own| own.eq_ignore_ascii_case(name));
        let values: Vec<_> = headers.iter().filter(is_named).filter_map(|header| header[1].as_str()).collect();
        if values.is_empty() { None } else { Some(values.join(", ")) }
    }
}

/// Everything up to the empty line.
///
/// # Errors
/// When there is no such line, or the connection ends before it.
pub fn read_head(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    const MOST: usize = 256 * 1024;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > MOST || stream.read(&mut byte)? == 0 {
            let kind = if head.is_empty() { io::ErrorKind::ConnectionAborted } else { io::ErrorKind::UnexpectedEof };
            return Err(io::Error::new(kind, format!("no whole head came: {:?}", String::from_utf8_lossy(&head))));
        }
        head.push(byte[0]);
    }
    Ok(head)
}

/// A body in chunks.
pub(crate) fn read_chunks(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = read_line(stream)?;
        let size = usize::from_str_radix(size.split(';').next().unwrap_or_default().trim(), 16).map_err(|_| bad(&size))?;
        let begun = body.len();
        body.resize(begun + size, 0);
        stream.read_exact(&mut body[begun..])?;
        read_line(stream)?;
        if size == 0 {
            return Ok(body);
        }
    }
}

fn read_line(stream: &mut impl Read) -> io::Result<String> {
    let mut line = Vec::new();
    let mut byte = [0];
    while !line.ends_with(b"\r\n") {
        stream.read_exact(&mut byte)?;
        line.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("no HTTP: {what:?}"))
}
