//! Who owns the proxy's process: the one trait behind the three ways of running it.

use super::memory::Memory;
use super::ports::Port;
use super::process::{Identity, children};
use super::reload::FREE;
use super::state_dir::RevisionName;
use futures::future::BoxFuture;
use gatewright_core::dialect::{Refusal, Version};
use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Owner of the proxy's process, here or elsewhere.
pub(super) trait Owner: Send + Sync + std::fmt::Debug {
    /// Has the proxy check a revision that is on disk, published or not.
    fn check(&self, name: RevisionName, limit: Duration) -> BoxFuture<'_, Result<(), CheckError>>;

    /// Lets the proxy load what is published: by its signal, or by starting it if it does not run.
    fn reload(&self) -> BoxFuture<'_, Result<(), OwnerError>>;

    /// Brings the running proxy from the files of one revision, which it has, to those of another one, without a reload;
    /// `false`: only a reload can.
    fn amend(&self, transition: Transition) -> BoxFuture<'_, Result<bool, OwnerError>>;

    /// How it is.
    fn status(&self) -> BoxFuture<'_, Result<Status, OwnerError>>;

    /// What keeps the proxy from listening on these ports; nothing does while it runs.
    fn ports(&self, ports: Vec<Port>) -> BoxFuture<'_, Result<Vec<String>, OwnerError>>;

    /// Ends the proxy: gracefully for as long as `limit`, then by force.
    fn quit(&self, limit: Duration) -> BoxFuture<'_, Result<(), OwnerError>>;
}

/// From one revision on disk to another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Transition {
    pub(super) from: RevisionName,
    pub(super) to: RevisionName,
    /// Relative paths of all files that differ.
    pub(super) differing: Vec<String>,
}

/// How the proxy's process is.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Status {
    /// Process id of the master, as its owner sees it; `None` while it does not run.
    pub(crate) pid: Option<i32>,
    /// What the program says its version is.
    pub(crate) version: Option<Version>,
    /// The program can forward TCP.
    #[serde(default)]
    pub(crate) streams: bool,
    /// The program tells metrics of its own.
    #[serde(default)]
    pub(crate) exporter: bool,
    /// Group of whoever reads private keys: of the workers when the master runs as root, else its own. The keys are given to
    /// it.
    pub(crate) worker_group: Option<u32>,
    /// Workers of the generation that serves.
    pub(crate) workers: u32,
    /// Workers of older generations, still busy with their last requests.
    pub(crate) draining: u32,
    /// How often the proxy ended although nobody asked it to.
    pub(crate) deaths: u32,
    /// What is known of its memory while old workers are so many that it matters; `None` at other times: to look at it takes
    /// time, and workers wait for that.
    #[serde(default)]
    pub(crate) memory: Option<Memory>,
}

impl Status {
    /// Counts the workers of a master; `older` are those there were when the last reload was asked for.
    pub(super) fn counted(pid: Option<i32>, older: &BTreeSet<Identity>) -> Self {
        let all = pid.map(children).unwrap_or_default();
        let new: BTreeSet<Identity> = all.difference(older).copied().collect();
        // Without a new one the last reload was not taken (yet), and the old ones serve.
        let serving = if new.is_empty() { &all } else { &new };
        let draining = all.len() - serving.len();
        let number = |count| u32::try_from(count).unwrap_or(u32::MAX);
        let counted = Self { pid, workers: number(serving.len()), draining: number(draining), ..Self::default() };
        let memory = pid.filter(|_| counted.draining_generations() > FREE).map(|master| Memory::of(master, serving));
        Self { memory, ..counted }
    }

    /// Roughly how many older generations are still busy.
    #[must_use]
    pub(crate) fn draining_generations(&self) -> u32 {
        self.draining.div_ceil(self.workers.max(1))
    }
}

/// Why a check did not end well.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckError {
    /// The proxy says no.
    #[error("the proxy refuses it: {}", .0.message)]
    Refused(Refusal),
    /// There was no check.
    #[error(transparent)]
    NotDone(#[from] OwnerError),
}

/// Why the owner of the proxy's process did not do as told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OwnerError {
    /// The program cannot be started.
    #[error("could not run {program}")]
    Run {
        /// As given.
        program: String,
        /// Why not.
        source: io::Error,
    },
    /// The folder that the proxy runs in is gone.
    #[error("the proxy cannot run without its folder {}, which was removed; restart gatewright, and it is made anew", .0.display())]
    NoFolder(PathBuf),
    /// A check takes too long; its process is gone.
    #[error("{program} did not finish its check within {limit:?}")]
    Slow {
        /// As given.
        program: String,
        /// How long it had.
        limit: Duration,
    },
    /// The supervisor does not answer.
    #[error("no answer from the supervisor at {}", socket.display())]
    Unreachable {
        /// Its socket.
        socket: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The proxy, or a supervisor elsewhere, did not do it: who says what.
    #[error("{0}")]
    Declined(String),
    /// The process that the PID file names is not the proxy.
    #[error("no proxy to signal: {0}")]
    NoProxy(String),
    /// The supervising task is gone, which only a stop can cause.
    #[error("the supervisor has stopped")]
    Stopped,
}
