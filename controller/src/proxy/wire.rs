//! What controller and supervisor say to each other: one JSON object per line, one question per connection.
//!
//! A question names a revision and what is in it, never another path or a command: whoever speaks to a supervisor can make it check, load or
//! end what is in the state folder, and look whether ports are taken, and nothing else.

use super::owner::Status;
use super::ports::Port;
use gatewright_core::dialect::Refusal;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};

/// Version of what is said; another one is answered with an error that names both.
pub(super) const VERSION: u32 = 1;

/// Longest line, in bytes: the paths of thousands of files have their place in it.
const MAX_LINE: u64 = 256 << 10;

/// A question of the controller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub(super) enum Ask {
    /// Check a revision; `revision` is the name of its folder.
    Check {
        revision: String,
        limit_ms: u64,
    },
    Reload,
    /// Bring the running proxy from one revision to another without a reload; both are names of folders.
    Amend {
        from: String,
        to: String,
        /// Relative paths of files in them, which are all that differ; they are looked at in no other folder.
        differing: Vec<String>,
    },
    Status,
    /// Could the proxy, which does not run, listen on these?
    Ports {
        ports: Vec<Port>,
    },
    /// End the proxy, and the supervisor with it.
    Quit {
        limit_ms: u64,
    },
}

/// An answer of the supervisor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub(super) enum Answer {
    Done,
    /// Whether the proxy is there; otherwise only a reload brings it there.
    Amended {
        done: bool,
    },
    Status(Status),
    /// What keeps the proxy from listening, one text for each port.
    Ports {
        troubles: Vec<String>,
    },
    Refused {
        message: String,
        file: Option<String>,
        line: Option<u32>,
    },
    /// It was not done; why.
    Error {
        message: String,
    },
}

impl Answer {
    pub(super) fn error(message: impl Into<String>) -> Self {
        Self::Error { message: message.into() }
    }

    pub(super) fn refused(refusal: Refusal) -> Self {
        let (file, line) = refusal.at.unzip();
        Self::Refused { message: refusal.message, file, line }
    }
}

/// The envelope: its version can be read whatever the rest is.
#[derive(Debug, Serialize, Deserialize)]
struct Versioned<T> {
    v: u32,
    #[serde(flatten)]
    said: T,
}

#[derive(Debug, Deserialize)]
struct OnlyVersion {
    v: u32,
}

/// What is written to say something.
pub(super) fn line<T: Serialize>(said: &T) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(&Versioned { v: VERSION, said })?;
    line.push(b'\n');
    Ok(line)
}

/// Writes one line.
pub(super) async fn say<T: Serialize>(to: &mut (impl AsyncWrite + Unpin), said: &T) -> io::Result<()> {
    to.write_all(&line(said)?).await?;
    to.flush().await
}

/// Reads one line.
///
/// # Errors
/// `InvalidData` for a line that is too long, of another version, or no such message.
pub(super) async fn receive<T: DeserializeOwned>(from: &mut (impl AsyncRead + Unpin)) -> io::Result<T> {
    let mut line = Vec::new();
    BufReader::new(from.take(MAX_LINE)).read_until(b'\n', &mut line).await?;
    if line.last() != Some(&b'\n') {
        let short = u64::try_from(line.len()).unwrap_or(u64::MAX) < MAX_LINE;
        return Err(if short { io::ErrorKind::UnexpectedEof.into() } else { invalid(format!("a line of more than {MAX_LINE} bytes")) });
    }
    let OnlyVersion { v } = serde_json::from_slice(&line).map_err(|error| invalid(error.to_string()))?;
    if v != VERSION {
        return Err(invalid(format!("the other side speaks version {v}, this one {VERSION}; use the same gatewright in both containers")));
    }
    let Versioned { said, .. } = serde_json::from_slice(&line).map_err(|error| invalid(error.to_string()))?;
    Ok(said)
}

fn invalid(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gatewright_core::dialect::Version;

    async fn heard(line: &str) -> io::Result<Ask> {
        receive(&mut line.as_bytes()).await
    }

    #[tokio::test]
    async fn what_is_said_is_heard() {
        let amend = Ask::Amend { from: "1-0".into(), to: "2-0".into(), differing: vec!["hosts/1.conf".into()] };
        let ports = Ask::Ports { ports: vec![Port { flag: "http-port".into(), number: 80, local: false }] };
        let check = Ask::Check { revision: "1-0".into(), limit_ms: 5 };
        let asks = [check, amend, Ask::Reload, Ask::Status, ports, Ask::Quit { limit_ms: 0 }];
        for ask in asks {
            let mut line = Vec::new();
            say(&mut line, &ask).await.unwrap();
            assert_eq!(receive::<Ask>(&mut line.as_slice()).await.unwrap(), ask);
        }
        let mut line = Vec::new();
        let answer = Answer::Status(Status { pid: Some(7), version: Some(Version(1, 22, 1)), ..Status::default() });
        say(&mut line, &answer).await.unwrap();
        assert!(String::from_utf8_lossy(&line).contains("\"version\":[1,22,1]"));
        assert_eq!(receive::<Answer>(&mut line.as_slice()).await.unwrap(), answer);
    }

    #[tokio::test]
    async fn everything_else_is_refused_with_a_reason() {
        let long = format!("{{\"v\":1,\"do\":\"{}\"}}\n", "x".repeat(1 << 18));
        let cases = [
            ("", "end of file"),
            ("{\"v\":1,\"do\":\"reload\"}", "end of file"),
            ("{\"v\":2,\"do\":\"shutdown\"}\n", "speaks version 2"),
            ("{\"v\":1,\"do\":\"exec\"}\n", "unknown variant"),
            ("{\"do\":\"reload\"}\n", "missing field `v`"),
            ("reload\n", "expected"),
            (long.as_str(), "more than"),
        ];
        for (line, reason) in cases {
            let error = heard(line).await.unwrap_err().to_string();
            assert!(error.contains(reason), "{line:.40}: {error}");
        }
    }
}
