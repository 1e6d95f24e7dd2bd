//! Changes without a reload: a running proxy is brought to the files of another revision over its runtime socket.
//!
//! The core says which commands do that. Here they are sent, as many at once as may be, and every answer is read; after one
//! that was not expected, the caller has the proxy reload.

use super::differing::read_differing;
use super::lines::{answers, joinable, joined};
use super::owner::Transition;
use super::state_dir::StateDir;
use gatewright_core::dialect::{Contents, RuntimeLane, Step};
use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// For the answers on one connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// For all of them: a proxy that takes longer is late with everything, and a reload does not wait for it.
const WHOLE_PATIENCE: Duration = Duration::from_secs(30);

/// For all that was late before.
const LATE_PATIENCE: Duration = Duration::from_secs(1);

/// Longest answer that is read, in bytes.
const MAX_ANSWER: u64 = 64 * 1024;

/// Commands that are repeated at the next occasion; the oldest are forgotten beyond this number.
const MOST_LATE: usize = 10_000;

/// What the proxy said that it should not have.
#[derive(Debug, thiserror::Error)]
pub(super) enum RuntimeError {
    /// It does not answer, or not in time.
    #[error("no answer to {command}")]
    Silent {
        /// First line of the command.
        command: String,
        /// Why.
        source: io::Error,
    },
    /// Every answer comes, but they take too long.
    #[error("not all commands were answered within {WHOLE_PATIENCE:?}")]
    Slow,
    /// It says no.
    #[error("{command} was answered {}", if answer.is_empty() { "with nothing" } else { answer })]
    Answer {
        /// First line of the command.
        command: String,
        /// As it came, on one line; may be empty.
        answer: String,
    },
}

/// Commands that have to be said again.
#[derive(Debug, Default)]
pub(super) struct PendingCommands(Mutex<Vec<LateCommand>>);

/// One of them.
#[derive(Debug, Clone)]
struct LateCommand {
    command: String,
    /// See [`Step::kept_by`].
    kept_by: Option<String>,
}

impl PendingCommands {
    /// Forgets them: a new generation of the proxy knows nothing of them.
    pub(super) fn clear(&self) {
        self.take();
    }

    fn take(&self) -> Vec<LateCommand> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, mut commands: Vec<LateCommand>) {
        commands.drain(..commands.len().saturating_sub(MOST_LATE));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = commands;
    }
}

/// What was done without a reload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    /// Nothing: only a reload can.
    Nothing,
    /// All that was to do.
    All {
        /// Some endpoints have gone.
        removed: bool,
    },
}

/// Brings the running proxy from one revision on disk to another one.
///
/// # Errors
/// [`RuntimeError`]; the proxy may be anywhere between the two then.
pub(super) async fn amend(
    lane: RuntimeLane,
    (state, run_dir): (&StateDir, &Path),
    late: &PendingCommands,
    Transition { from, to, differing }: Transition,
) -> Result<Done, RuntimeError> {
    let (old, new) = (state.revision(from), state.revision(to));
    let planned = spawn_blocking(move || planned(lane, &old, &new, &differing)).await.expect("planning does not panic");
    let Some(steps) = planned else { return Ok(Done::Nothing) };
    // What is still late when time is over is forgotten, as it is at the reload that follows.
    let said = timeout(WHOLE_PATIENCE, say_all_and_late(&run_dir.join(lane.socket), &steps, late)).await;
    said.unwrap_or(Err(RuntimeError::Slow))?;
    Ok(Done::All { removed: steps.iter().any(|step| step.late) })
}

/// What was late before comes last: nobody waits for it.
async fn say_all_and_late(socket: &Path, steps: &[Step], late: &PendingCommands) -> Result<(), RuntimeError> {
    let wanted: HashSet<&str> = steps.iter().map(|step| &*step.command).collect();
    let is_wanted = |late: &LateCommand| late.kept_by.as_deref().is_some_and(|command| wanted.contains(command));
    // A server that is wanted again stays. One that is wanted in another way does not do, nor one that nobody here has left there.
    let (there, mut again): (Vec<_>, Vec<_>) = late.take().into_iter().partition(is_wanted);
    let there: HashSet<String> = there.into_iter().filter_map(|late| late.kept_by).collect();
    let mut left = Vec::new();
    let said = say_all(socket, steps, &there, &mut left).await;
    if said.is_ok() {
        again = say_again(socket, again).await;
    }
    again.append(&mut left);
    late.put(again);
    said
}

/// Returns what is still late.
async fn say_again(socket: &Path, mut commands: Vec<LateCommand>) -> Vec<LateCommand> {
    let begun = Instant::now();
    let mut left = Vec::new();
    while !commands.is_empty() && begun.elapsed() < LATE_PATIENCE {
        let rest = commands.split_off(joinable(commands.iter().map(|late| &*late.command)));
        let line = std::mem::replace(&mut commands, rest);
        let spoken: Vec<String> = line.iter().map(|late| late.command.clone()).collect();
        let said = say(socket, &joined(&spoken), LATE_PATIENCE).await;
        let answers = said.as_deref().ok().and_then(|said| answers(said, line.len()));
        let is_done = |answer: &str| answer.starts_with("Server deleted") || answer.starts_with("No such");
        match answers {
            Some(answers) => left.extend(answers.iter().zip(&line).filter(|(answer, _)| !is_done(answer)).map(|(_, late)| late.clone())),
            // Nobody waits for each of them if nobody answers.
            None => {
                left.extend(line);
                break;
            }
        }
    }
    // Those that were not asked about come first the next time.
    commands.append(&mut left);
    commands
}

fn planned(lane: RuntimeLane, old: &Path, new: &Path, differing: &[String]) -> Option<Vec<Step>> {
    let (old, new) = read_differing(old, new, differing).ok()??;
    let old: Contents<'_> = old.iter().map(|(path, bytes)| (path.as_str(), &**bytes)).collect();
    let new: Contents<'_> = new.iter().map(|(path, bytes)| (path.as_str(), &**bytes)).collect();
    (lane.plan)(&old, &new)
}

/// `there`: commands for what is there already, just as they want it.
async fn say_all(socket: &Path, steps: &[Step], there: &HashSet<String>, left: &mut Vec<LateCommand>) -> Result<(), RuntimeError> {
    let (mut version, mut said) = (String::new(), 0);
    while said < steps.len() {
        let before_the_next = steps[said..].iter().skip(1).take_while(|step| !step.waits).count() + 1;
        let together = &steps[said..][..before_the_next];
        let together = &together[..joinable(together.iter().map(|step| &*step.command))];
        said += together.len();
        if let Err(surprise) = say_together(socket, together, &mut version, (there, left)).await {
            for undo in steps[..said].iter().filter_map(|step| step.undo.as_ref()) {
                let _ = ask(socket, undo, PATIENCE).await;
            }
            return Err(surprise);
        }
    }
    Ok(())
}

async fn say_together(
    socket: &Path,
    steps: &[Step],
    version: &mut String,
    (there, left): (&HashSet<String>, &mut Vec<LateCommand>),
) -> Result<(), RuntimeError> {
    let mut commands: Vec<String> = steps.iter().map(|step| numbered(&step.command, version)).collect();
    let said = say(socket, &joined(&commands), PATIENCE).await;
    let said = said.map_err(|source| RuntimeError::Silent { command: first_line(&commands[0]), source })?;
    let Some(answers) = answers(&said, commands.len()) else {
        return Err(RuntimeError::Answer { command: first_line(&commands[0]), answer: one_line(&said) });
    };
    for ((step, command), answer) in steps.iter().zip(&mut commands).zip(answers) {
        if let Some(number) = answer.strip_prefix(Step::VERSION_ANSWER) {
            number.trim().clone_into(version);
        }
        if !is_expected(step, answer, there) {
            if !step.late {
                return Err(RuntimeError::Answer { command: first_line(command), answer: one_line(answer) });
            }
            left.push(LateCommand { command: std::mem::take(command), kept_by: step.kept_by.clone() });
        }
    }
    Ok(())
}

/// Of a command, for people.
fn first_line(command: &str) -> String {
    one_line(command.lines().next().unwrap_or_default())
}

/// With the number of the version. What follows the first line is what users have written, whatever it looks like.
fn numbered(command: &str, version: &str) -> String {
    let end = command.find('\n').unwrap_or(command.len());
    command[..end].replace(Step::VERSION, version) + &command[end..]
}

fn is_expected(step: &Step, answer: &str, there: &HashSet<String>) -> bool {
    match step.answer {
        "" => answer.is_empty(),
        // It is still there from before, as it is wanted: it is only switched on again.
        "New server registered." if answer.starts_with("Already exists a server") => there.contains(&step.command),
        begin => answer.starts_with(begin) && answer.ends_with(step.ends),
    }
}

/// One command, one answer, without the blanks around it.
///
/// # Errors
/// When nobody listens, or the answer has not come to its end within `patience`.
pub(super) async fn ask(socket: &Path, command: &str, patience: Duration) -> io::Result<String> {
    say(socket, &format!("{command}\n"), patience).await.map(|answer| answer.trim().to_owned())
}

/// What is to be said on a connection, and all that is answered, as it came.
async fn say(socket: &Path, lines: &str, patience: Duration) -> io::Result<String> {
    speak(socket, lines, patience, false).await
}

/// The same of a socket that waits for further commands until it is told that there are none.
///
/// # Errors
/// As [`ask`].
pub(super) async fn ask_last(socket: &Path, command: &str, patience: Duration) -> io::Result<String> {
    speak(socket, &format!("{command}\n"), patience, true).await.map(|answer| answer.trim().to_owned())
}

async fn speak(socket: &Path, lines: &str, patience: Duration, is_last: bool) -> io::Result<String> {
    let spoken = timeout(patience, async {
        let (hear, mut say) = UnixStream::connect(socket).await?.into_split();
        let mut answer = Vec::new();
        let mut hear = hear.take(MAX_ANSWER);
        // At once: who is not heard may not listen.
        let said = async {
            say.write_all(lines.as_bytes()).await?;
            if is_last { say.shutdown().await } else { Ok(()) }
        };
        tokio::try_join!(said, hear.read_to_end(&mut answer))?;
        // Without its end, for others it would be over before.
        drop(say);
        Ok(String::from_utf8_lossy(&answer).into_owned())
    });
    spoken.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

fn one_line(answer: &str) -> String {
    const LONGEST: usize = 300;
    let clean: String = answer.chars().map(|c| if gatewright_core::names::is_printable(c) { c } else { ' ' }).collect();
    let clean = clean.trim();
    clean[..clean.floor_char_boundary(LONGEST)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_looks_like_the_place_of_a_number_stays_as_it_is() {
        let command = format!("add map @{} maps/prefix.map <<\na.test/{}/ b\n", Step::VERSION, Step::VERSION);
        assert_eq!(numbered(&command, "7"), format!("add map @7 maps/prefix.map <<\na.test/{}/ b\n", Step::VERSION));
        assert_eq!(numbered(&format!("commit map @{} x", Step::VERSION), "7"), "commit map @7 x");
    }

    #[test]
    fn a_surprise_says_what_was_answered_even_if_it_was_nothing() {
        let said = |answer: &str| RuntimeError::Answer { command: "add server a/b".to_owned(), answer: answer.to_owned() }.to_string();
        assert_eq!(said("No such backend."), "add server a/b was answered No such backend.");
        assert_eq!(said(""), "add server a/b was answered with nothing");
    }

    #[test]
    fn of_too_many_late_commands_the_oldest_are_forgotten() {
        let late = PendingCommands::default();
        late.put((0..=MOST_LATE).map(|number| LateCommand { command: number.to_string(), kept_by: None }).collect());
        let kept = late.take();
        assert_eq!((kept.len(), kept[0].command.as_str()), (MOST_LATE, "1"));
    }
}
