//! The short way: a running proxy is brought to the files of another revision over its runtime socket, without a reload.
//!
//! The core says which commands do that. Here they are spoken, each on a connection of its own, and every answer is
//! read; whoever asked has the proxy reload after a surprise.

use super::differing::read_differing;
use super::state_dir::{RevisionName, StateDir};
use gatewright_core::dialect::{Contents, RuntimeLane, Step};
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// For one answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Longest answer that is read, in bytes.
const MAX_ANSWER: u64 = 64 * 1024;

/// Commands that are repeated at the next occasion; the oldest are forgotten beyond this number.
const MOST_LATE: usize = 10_000;

/// What the proxy said that it should not have.
#[derive(Debug, thiserror::Error)]
pub(super) enum Surprise {
    /// It does not answer, or not in time.
    #[error("no answer to {command}")]
    Silent {
        /// First line of the command.
        command: String,
        /// Why.
        source: io::Error,
    },
    /// It says no.
    #[error("{command} was answered {answer}")]
    Answer {
        /// First line of the command.
        command: String,
        /// As it came, on one line.
        answer: String,
    },
}

/// Commands that have to be said again.
#[derive(Debug, Default)]
pub(super) struct Late(Mutex<Vec<String>>);

impl Late {
    /// Forgets them: a new generation of the proxy knows nothing of them.
    pub(super) fn clear(&self) {
        self.take();
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, mut commands: Vec<String>) {
        commands.truncate(MOST_LATE);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = commands;
    }
}

/// Brings the running proxy from one revision on disk to another one; `false`: only a reload can.
///
/// # Errors
/// [`Surprise`]; the proxy may be anywhere between the two then.
pub(super) async fn amend(
    lane: RuntimeLane,
    (state, run_dir): (&StateDir, &Path),
    late: &Late,
    (from, to): (RevisionName, RevisionName),
) -> Result<bool, Surprise> {
    let (old, new) = (state.revision(from), state.revision(to));
    let planned = spawn_blocking(move || planned(lane, &old, &new)).await.expect("planning does not panic");
    let Some(steps) = planned else { return Ok(false) };
    let socket = run_dir.join(lane.socket);
    let mut again = late.take();
    // A server that is wanted again stays.
    again.retain(|command| !steps.iter().any(|step| is_about_same(&step.command, command)));
    let mut left = Vec::new();
    let mut again = again.into_iter();
    for command in again.by_ref() {
        match ask(&socket, &command, PATIENCE).await {
            Ok(answer) if answer.starts_with("Server deleted") || answer.starts_with("No such") => {}
            Ok(_) => left.push(command),
            // Nobody waits for each of them if nobody answers.
            Err(_) => {
                left.push(command);
                break;
            }
        }
    }
    left.extend(again);
    let said = say_all(&socket, &steps, &mut left).await;
    late.put(left);
    said.map(|()| true)
}

fn planned(lane: RuntimeLane, old: &Path, new: &Path) -> Option<Vec<Step>> {
    let (old, new) = read_differing(old, new).ok()??;
    let old: Contents<'_> = old.iter().map(|(path, bytes)| (path.as_str(), &**bytes)).collect();
    let new: Contents<'_> = new.iter().map(|(path, bytes)| (path.as_str(), &**bytes)).collect();
    (lane.plan)(&old, &new)
}

/// `add server a/b …` is about the server of `del server a/b`.
fn is_about_same(added: &str, deleted: &str) -> bool {
    let name = |command: &str, verb| command.strip_prefix(verb).and_then(|rest: &str| rest.split(' ').next().map(str::to_owned));
    name(added, "add server ").is_some_and(|server| name(deleted, "del server ") == Some(server))
}

async fn say_all(socket: &Path, steps: &[Step], left: &mut Vec<String>) -> Result<(), Surprise> {
    let mut version = String::new();
    for (number, step) in steps.iter().enumerate() {
        let command = step.command.replace(Step::VERSION, &version);
        let first = command.lines().next().unwrap_or_default().to_owned();
        let answer = match ask(socket, &command, PATIENCE).await {
            Ok(answer) => answer,
            Err(source) => return Err(Surprise::Silent { command: first, source }),
        };
        if let Some(number) = answer.strip_prefix(Step::VERSION_ANSWER) {
            version = number.trim().to_owned();
        }
        if !is_expected(step, &answer) {
            if step.late {
                left.push(command);
                continue;
            }
            for undo in steps[..=number].iter().filter_map(|step| step.undo.as_ref()) {
                let _ = ask(socket, undo, PATIENCE).await;
            }
            return Err(Surprise::Answer { command: first, answer: one_line(&answer) });
        }
    }
    Ok(())
}

fn is_expected(step: &Step, answer: &str) -> bool {
    match step.answer {
        "" => answer.is_empty(),
        // It is still there from before, with the same address: it is only switched on again.
        "New server registered." if answer.starts_with("Already exists a server") => true,
        begin => answer.starts_with(begin) && answer.ends_with(step.ends),
    }
}

/// One command, one answer, without the blanks around it.
///
/// # Errors
/// When nobody listens, or the answer has not come to its end within `patience`.
pub(super) async fn ask(socket: &Path, command: &str, patience: Duration) -> io::Result<String> {
    let spoken = timeout(patience, async {
        let mut stream = UnixStream::connect(socket).await?;
        stream.write_all(format!("{command}\n").as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(MAX_ANSWER).read_to_end(&mut answer).await?;
        Ok(String::from_utf8_lossy(&answer).trim().to_owned())
    });
    spoken.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

fn one_line(answer: &str) -> String {
    const LONGEST: usize = 300;
    let clean: String = answer.chars().map(|c| if gatewright_core::names::is_printable(c) { c } else { ' ' }).collect();
    clean[..clean.floor_char_boundary(LONGEST)].to_owned()
}
