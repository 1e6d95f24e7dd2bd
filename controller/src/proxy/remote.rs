//! The controller's end of the socket to `gatewright supervise`.

use super::owner::{CheckError, Owner, OwnerError, Status, Transition};
use super::ports::Port;
use super::state_dir::RevisionName;
use super::wire::{Answer, Ask, receive, say};
use futures::future::{BoxFuture, FutureExt};
use gatewright_core::dialect::Refusal;
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::time::{sleep, timeout};

/// How long an answer may take that needs no work.
const PROMPT: Duration = Duration::from_secs(10);

/// A reload waits for a first load that is still on its way.
const RELOAD: Duration = Duration::from_secs(150);

/// Thousands of endpoints may be new.
const AMEND: Duration = Duration::from_secs(60);

/// Longest paths that are said, in bytes together; whoever changes more loads it.
const MAX_PATHS: usize = 128 << 10;

/// Pause before the next try to be heard.
const CROWDED: Duration = Duration::from_millis(10);

/// Longest text of a supervisor that is repeated, in bytes.
const MAX_TEXT: usize = 500;

/// A supervisor in another process.
#[derive(Debug)]
pub(super) struct Remote {
    pub(super) socket: PathBuf,
}

impl Remote {
    async fn ask(&self, ask: Ask, limit: Duration) -> Result<Answer, OwnerError> {
        let spoken = timeout(limit, async {
            let mut stream = self.connect().await?;
            match say(&mut stream, &ask).await {
                // Somebody who may not ask is told so before it has spoken.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => receive::<Answer>(&mut stream).await.map_err(|_| error),
                Err(error) => Err(error),
                Ok(()) => receive::<Answer>(&mut stream).await,
            }
        });
        let answer = spoken.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        answer.map_err(|source| OwnerError::Unreachable { socket: self.socket.clone(), source })
    }

    /// Others may be before us at the socket, more than it lets wait.
    async fn connect(&self) -> io::Result<UnixStream> {
        loop {
            match UnixStream::connect(&self.socket).await {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => sleep(CROWDED).await,
                other => return other,
            }
        }
    }

    async fn do_it(&self, ask: Ask, limit: Duration) -> Result<(), OwnerError> {
        match self.ask(ask, limit).await? {
            Answer::Done => Ok(()),
            other => Err(unexpected(other)),
        }
    }
}

impl Owner for Remote {
    fn check(&self, name: RevisionName, limit: Duration) -> BoxFuture<'_, Result<(), CheckError>> {
        async move {
            match self.ask(Ask::Check { revision: name.to_string(), limit_ms: millis(limit) }, limit + PROMPT).await? {
                Answer::Done => Ok(()),
                Answer::Refused { message, file, line } => {
                    Err(CheckError::Refused(Refusal { message: one_line(&message), at: file.map(|file| one_line(&file)).zip(line) }))
                }
                other => Err(unexpected(other).into()),
            }
        }
        .boxed()
    }

    fn reload(&self) -> BoxFuture<'_, Result<(), OwnerError>> {
        self.do_it(Ask::Reload, RELOAD).boxed()
    }

    fn amend(&self, transition: Transition) -> BoxFuture<'_, Result<bool, OwnerError>> {
        async move {
            if transition.differing.iter().map(String::len).sum::<usize>() > MAX_PATHS {
                return Ok(false);
            }
            let ask = Ask::Amend { from: transition.from.to_string(), to: transition.to.to_string(), differing: transition.differing };
            match self.ask(ask, AMEND).await? {
                Answer::Amended { done } => Ok(done),
                other => Err(unexpected(other)),
            }
        }
        .boxed()
    }

    fn status(&self) -> BoxFuture<'_, Result<Status, OwnerError>> {
        async {
            match self.ask(Ask::Status, PROMPT).await? {
                Answer::Status(status) => Ok(status),
                other => Err(unexpected(other)),
            }
        }
        .boxed()
    }

    fn ports(&self, ports: Vec<Port>) -> BoxFuture<'_, Result<Vec<String>, OwnerError>> {
        async {
            match self.ask(Ask::Ports { ports }, PROMPT).await? {
                Answer::Ports { troubles } => Ok(troubles.iter().map(|text| one_line(text)).collect()),
                other => Err(unexpected(other)),
            }
        }
        .boxed()
    }

    fn quit(&self, limit: Duration) -> BoxFuture<'_, Result<(), OwnerError>> {
        self.do_it(Ask::Quit { limit_ms: millis(limit) }, limit + PROMPT).boxed()
    }
}

fn unexpected(answer: Answer) -> OwnerError {
    OwnerError::Declined(match answer {
        Answer::Error { message } => format!("the supervisor says: {}", one_line(&message)),
        _ => "the supervisor answers something that was not asked".to_owned(),
    })
}

/// The other side may be in a stranger's hands; its words go into logs and events.
fn one_line(text: &str) -> String {
    let clean: String = text.chars().map(|c| if gatewright_core::names::is_printable(c) { c } else { ' ' }).collect();
    clean[..clean.floor_char_boundary(MAX_TEXT)].to_owned()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
