//! How a running proxy is changed and asked over its sockets, as data.

use super::{Contents, Refusal, Version};

/// How a running proxy is brought from the files of one revision to those of the next without a reload.
#[derive(Debug, Clone, Copy)]
pub struct RuntimeLane {
    /// Name of the proxy's socket in [`Launch::run_dir`](super::Launch::run_dir).
    pub socket: &'static str,
    /// The commands for it, in order; `None`: only a reload brings it there. After the last one the proxy answers the token
    /// of the new files.
    ///
    /// Several may be said on one connection, each on a line; one with line feeds ends with an empty line.
    pub plan: for<'f> fn(&Contents<'f>, &Contents<'f>) -> Option<Vec<Step>>,
    /// Workers that take no connections any more: those of older generations, which the commands do not reach, and all of
    /// them when the proxy ends.
    pub old_workers: OldWorkers,
}

/// How workers that shall end are asked whether anybody needs them.
#[derive(Debug, Clone, Copy)]
pub struct OldWorkers {
    /// Name of the socket in [`Launch::run_dir`](super::Launch::run_dir).
    pub socket: &'static str,
    /// What is asked about a worker, by its process id, without the final line feed.
    pub questions: fn(i32) -> [String; 2],
    /// What the answers say.
    pub need: fn(&[String; 2]) -> Need,
}

/// Who needs a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Everybody: it takes connections, for nobody has told it to end.
    Everybody,
    /// Those whose requests are on their way, or it does not say.
    Some,
    /// Nobody: it takes no connections any more, and nothing is on its way on those it has.
    Nobody,
}

/// A socket that a reload can be asked of.
#[derive(Debug, Clone, Copy)]
pub struct ReloadSocket {
    /// Name of the socket in [`Launch::run_dir`](super::Launch::run_dir).
    pub socket: &'static str,
    /// The first version that answers.
    pub since: Version,
    /// What is asked, without the final line feed.
    pub command: &'static str,
    /// Finds out of an answer whether the new files were taken; `None`: it says nothing about that.
    pub read: fn(&str) -> Option<Result<(), Refusal>>,
}

/// One command for a running proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The command, without the final line feed. [`Step::VERSION`] in it stands for the number of the last answer that began with
    /// [`Step::VERSION_ANSWER`].
    pub command: String,
    /// What the answer begins with; empty: there is none. Any other answer is a surprise.
    pub answer: &'static str,
    /// What the answer ends with.
    pub ends: &'static str,
    /// What is said after a surprise in a later step.
    pub undo: Option<String>,
    /// Another answer is no surprise: the command is repeated at the next occasion.
    pub late: bool,
    /// The command of a later step that such a late one need not be repeated for: it wants what is still there, just as it is.
    pub kept_by: Option<String>,
    /// It is not said before all commands before it have been answered as they should be.
    pub waits: bool,
}

impl Step {
    /// Placeholder in [`Step::command`] for a version number.
    pub const VERSION: &'static str = "VERSION";
    /// Beginning of the answer that tells the number for [`Step::VERSION`].
    pub const VERSION_ANSWER: &'static str = "New version created: ";
}
