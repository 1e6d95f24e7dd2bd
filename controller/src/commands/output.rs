//! Where the offline commands write: a reader that has gone away is no failure, and colours are for terminals.

use super::error::CommandError;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Writes to the standard output.
///
/// # Errors
/// When that fails for another reason than that nobody reads it any more.
pub(crate) fn print(bytes: &[u8]) -> Result<(), CommandError> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(CommandError::Output),
    }
}

/// Writes a line to the standard error; that nobody can read it is no reason to stop.
pub(crate) fn say(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// `1 file`, `2 files`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// When colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Colour {
    /// On terminals, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Colour {
    /// Whether the standard output gets colours.
    pub(crate) fn on_stdout(self) -> bool {
        let is_wanted = || std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let can = || std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        self == Self::Always || (self == Self::Auto && io::stdout().is_terminal() && is_wanted() && can())
    }
}

/// Says on a terminal what takes longer than a second.
pub(crate) struct Progress {
    steps: Option<(Sender<&'static str>, JoinHandle<()>)>,
}

impl Progress {
    /// Begins; nothing is said where the standard error is no terminal.
    pub(crate) fn begin(step: &'static str) -> Self {
        let begin = || {
            let (sender, steps) = mpsc::channel();
            let thread = std::thread::spawn(move || {
                let (begun, mut now, mut shown) = (Instant::now(), step, false);
                loop {
                    match steps.recv_timeout(Duration::from_secs(1)) {
                        Ok(next) => now = next,
                        Err(RecvTimeoutError::Timeout) => {
                            shown = true;
                            let _ = write!(io::stderr(), "\r\x1b[K{now}, {} s", begun.elapsed().as_secs());
                        }
                        Err(RecvTimeoutError::Disconnected) => break,
                    }
                }
                if shown {
                    let _ = write!(io::stderr(), "\r\x1b[K");
                }
            });
            (sender, thread)
        };
        Self { steps: io::stderr().is_terminal().then(begin) }
    }

    /// Goes on to another step.
    pub(crate) fn step(&self, step: &'static str) {
        if let Some((sender, _)) = &self.steps {
            let _ = sender.send(step);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.steps.take() {
            drop(sender);
            let _ = thread.join();
        }
    }
}
