//! A request with all of its body, and what comes back; HTTP/1.1, as far as that needs it.
//!
//! Written by hand, as hyper decides two things in another way and cannot be told otherwise. A line feed alone ends a line
//! of a head there: who gets a service to repeat one in a header adds headers to what it says, and so names the user that
//! it lets pass. And a target is a `Uri` there, which has no `<`, `>` or `` ` ``, loses what stands behind `#`, and is
//! compared with a list of characters that is not HAProxy's: a route whose service is told the target would be closed to
//! requests that HAProxy and nginx take. Names of headers would lose their case, too. The pool beside it would stay: to
//! end connections after so many requests, and to ask one address of several, is nothing that a client of hyper does.

use crate::broken;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Longest head of an answer in bytes.
const MAX_HEAD: usize = 64 << 10;
/// A body that nobody asked for is read up to here, so that its connection can be used again.
const MAX_IGNORED: usize = 64 << 10;

/// What is sent.
#[derive(Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) host: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    /// The body; `None`: there is none, and no length of it.
    pub(crate) payload: Option<Vec<u8>>,
    /// So much of the answer's body is wanted.
    pub(crate) body_bytes: usize,
}

/// What came back.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// How the end of a body is found.
enum Length {
    Known(usize),
    Chunks,
    Close,
}

impl Request {
    /// The bytes of it.
    ///
    /// # Errors
    /// When something in it would end its line.
    pub(crate) fn bytes(&self, close: bool) -> io::Result<Vec<u8>> {
        let method = if self.method.is_empty() { "GET" } else { &self.method };
        let word = |text: &str| !text.is_empty() && text.bytes().all(|b| b > b' ' && b != 0x7f);
        let value = |text: &str| text.bytes().all(|b| (b >= b' ' || b == b'\t') && b != 0x7f);
        let good = self.headers.iter().all(|(name, text)| word(name) && !name.contains(':') && value(text));
        if !(word(method) && word(&self.target) && word(&self.host) && good) {
            return Err(broken("a request that is none"));
        }
        let mut text = format!("{method} {} HTTP/1.1\r\nHost: {}\r\n", self.target, self.host);
        for (name, value) in &self.headers {
            text.extend([name, ": ", value, "\r\n"]);
        }
        if let Some(payload) = &self.payload {
            text.push_str(&format!("Content-Length: {}\r\n", payload.len()));
        }
        text.push_str(if close { "Connection: close\r\n\r\n" } else { "\r\n" });
        let mut bytes = text.into_bytes();
        bytes.extend(self.payload.iter().flatten());
        Ok(bytes)
    }

    /// Asks over a connection; the answer, and whether the connection can be used again.
    ///
    /// # Errors
    /// When the connection breaks or what comes is no answer.
    pub(crate) async fn ask(&self, stream: &mut (impl AsyncRead + AsyncWrite + Unpin), close: bool) -> io::Result<(Answer, bool)> {
        stream.write_all(&self.bytes(close)?).await?;
        stream.flush().await?;
        let mut input = Input { stream, read: Vec::new() };
        let (mut answer, persistent) = loop {
            let head = input.head().await?;
            let (answer, persistent) = read_head(&head)?;
            if !(100..200).contains(&answer.status) {
                break (answer, persistent);
            }
        };
        let wanted = self.body_bytes;
        let bodiless = self.method == "HEAD" || matches!(answer.status, 204 | 304);
        let length = if bodiless { Length::Known(0) } else { answer.length()? };
        let until_close = matches!(length, Length::Close);
        // What nobody wants is read all the same, within bounds, so that the connection can be used again.
        let most = if wanted > 0 || until_close { wanted } else { MAX_IGNORED };
        let (body, whole) = input.body(length, most, wanted).await?;
        if wanted > 0 && !whole {
            return Err(broken("a body that is too long"));
        }
        answer.body = body;
        Ok((answer, persistent && whole && !close && !until_close && input.read.is_empty()))
    }
}

impl Answer {
    /// Every value of a header.
    pub(crate) fn values(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str()).collect()
    }

    fn length(&self) -> io::Result<Length> {
        let encodings = self.values("Transfer-Encoding");
        if let Some(last) = encodings.last() {
            return if last.eq_ignore_ascii_case("chunked") { Ok(Length::Chunks) } else { Ok(Length::Close) };
        }
        match self.values("Content-Length").as_slice() {
            [] => Ok(Length::Close),
            [length] => length.parse().map(Length::Known).map_err(|_| broken("a length that is none")),
            _ => Err(broken("two lengths")),
        }
    }
}

fn read_head(head: &[u8]) -> io::Result<(Answer, bool)> {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.split("\r\n");
    let line = lines.next().unwrap_or_default();
    let (version, rest) = line.split_once(' ').ok_or_else(|| broken("no status line"))?;
    let status = rest.get(..3).and_then(|digits| digits.parse().ok()).filter(|status| (100..=599).contains(status));
    let status = status.filter(|_| version.starts_with("HTTP/1.")).ok_or_else(|| broken("no status line"))?;
    let mut headers = Vec::new();
    for line in lines.filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').ok_or_else(|| broken("a header without a name"))?;
        let value = value.trim();
        if value.chars().any(|c| c.is_control() && c != '\t') {
            return Err(broken("a header with a control character"));
        }
        headers.push((name.to_owned(), value.to_owned()));
    }
    let answer = Answer { status, headers, body: Vec::new() };
    let closes = answer.values("Connection").iter().any(|value| value.to_ascii_lowercase().contains("close"));
    Ok((answer, version == "HTTP/1.1" && !closes))
}

/// A connection, and what was read of it already.
struct Input<'s, S> {
    stream: &'s mut S,
    read: Vec<u8>,
}

impl<S: AsyncRead + Unpin> Input<'_, S> {
    async fn more(&mut self) -> io::Result<bool> {
        let mut buffer = [0; 8 << 10];
        let count = self.stream.read(&mut buffer).await?;
        self.read.extend_from_slice(&buffer[..count]);
        Ok(count > 0)
    }

    /// Everything up to an end, which is left out.
    async fn until(&mut self, end: &[u8], most: usize) -> io::Result<Vec<u8>> {
        let mut searched = 0;
        loop {
            if let Some(at) = self.read[searched..].windows(end.len()).position(|window| window == end) {
                let mut found: Vec<u8> = self.read.drain(..searched + at + end.len()).collect();
                found.truncate(searched + at);
                return Ok(found);
            }
            searched = self.read.len().saturating_sub(end.len() - 1);
            if self.read.len() > most {
                return Err(broken("a head that is too long"));
            }
            if !self.more().await? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    async fn head(&mut self) -> io::Result<Vec<u8>> {
        self.until(b"\r\n\r\n", MAX_HEAD).await
    }

    /// Reads a body up to a bound, and keeps some of it; whether it was whole.
    async fn body(&mut self, length: Length, most: usize, wanted: usize) -> io::Result<(Vec<u8>, bool)> {
        let (mut body, whole) = match length {
            Length::Known(length) if length > most => (Vec::new(), false),
            Length::Known(length) => (self.exactly(length).await?, true),
            Length::Chunks => self.chunks(most).await?,
            Length::Close => {
                while self.read.len() <= most && self.more().await? {}
                let body = std::mem::take(&mut self.read);
                let whole = body.len() <= most;
                (body, whole)
            }
        };
        body.truncate(wanted);
        Ok((body, whole))
    }

    async fn exactly(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.read.len() < length {
            if !self.more().await? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(self.read.drain(..length).collect())
    }

    async fn chunks(&mut self, most: usize) -> io::Result<(Vec<u8>, bool)> {
        let mut body = Vec::new();
        loop {
            let line = self.until(b"\r\n", MAX_HEAD).await?;
            let digits = String::from_utf8_lossy(line.split(|&b| b == b';').next().unwrap_or_default()).trim().to_owned();
            let size = usize::from_str_radix(&digits, 16).map_err(|_| broken("a chunk without a size"))?;
            if size == 0 {
                // Trailers, up to an empty line.
                while !self.until(b"\r\n", MAX_HEAD).await?.is_empty() {}
                return Ok((body, true));
            }
            if size > most.saturating_sub(body.len()) {
                return Ok((body, false));
            }
            body.extend(self.exactly(size).await?);
            self.exactly(2).await?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read of an answer, and whether the connection can be used again.
    async fn heard(text: &str, body_bytes: usize) -> io::Result<(Answer, bool)> {
        let (mut ours, mut theirs) = tokio::io::duplex(1 << 20);
        theirs.write_all(text.as_bytes()).await?;
        theirs.shutdown().await?;
        let request = Request { host: "a".to_owned(), target: "/".to_owned(), body_bytes, ..Request::default() };
        request.ask(&mut ours, false).await
    }

    #[tokio::test]
    async fn answers_are_read_in_every_framing() {
        for (text, body, again) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc", true),
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", true),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\n1\r\nc\r\n0\r\nT: x\r\n\r\n", "abc", true),
            ("HTTP/1.1 200 OK\r\n\r\nabc", "abc", false),
            ("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc", false),
            ("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc", "abc", false),
            ("HTTP/1.1 204 No Content\r\n\r\n", "", true),
        ] {
            let (answer, persistent) = heard(text, 100).await.unwrap();
            assert_eq!((String::from_utf8_lossy(&answer.body).as_ref(), persistent), (body, again), "{text:?}");
        }
        assert!(heard("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 2).await.is_err(), "more than is wanted");
        let (answer, persistent) = heard("HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\nabc", 0).await.unwrap();
        assert_eq!((answer.status, persistent), (200, false), "a body that nobody reads");
    }

    #[tokio::test]
    async fn what_is_no_answer_is_none() {
        for text in [
            "",
            "HTTP/1.1 200 OK\r\n",
            "SMTP ready\r\n\r\n",
            "HTTP/1.1 20\r\n\r\n",
            "HTTP/1.1 999 X\r\n\r\n",
            // A line feed that is repeated begins no other header.
            "HTTP/1.1 200 OK\r\nX-User: a\nX-Evil: b\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        ] {
            assert!(heard(text, 100).await.is_err(), "{text:?}");
        }
    }

    #[test]
    fn nothing_ends_a_line_of_a_request() {
        let with = |target: &str, name: &str, value: &str| {
            let headers = vec![(name.to_owned(), value.to_owned())];
            Request { host: "a".to_owned(), target: target.to_owned(), headers, ..Request::default() }.bytes(true)
        };
        assert_eq!(with("/", "X-A", "b c").unwrap(), b"GET / HTTP/1.1\r\nHost: a\r\nX-A: b c\r\nConnection: close\r\n\r\n");
        let odd = with("/<a>`?\"b\"^{c}|#\\", "X-A", "").unwrap();
        assert!(odd.starts_with(b"GET /<a>`?\"b\"^{c}|#\\ HTTP/1.1\r\n"), "what HAProxy takes is told as it is");
        for (target, name, value) in
            [("/ x", "A", ""), ("/\r\n", "A", ""), ("/", "A B", ""), ("/", "A:", ""), ("/", "A", "b\r\nC: d"), ("", "A", "")]
        {
            assert!(with(target, name, value).is_err(), "{target:?} {name:?} {value:?}");
        }
    }
}
