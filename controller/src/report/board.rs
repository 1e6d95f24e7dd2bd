//! What the program says of itself at this moment; written by the loop, read by the admin port.

use crate::proxy::Took;
use gatewright_core::diagnostic::Diagnostic;
use serde::Serialize;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

/// The revision that is live, as `/api/v1/revision` shows it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RevisionView {
    /// Its number; counts up over the life of a state folder.
    pub(crate) revision: u64,
    /// Hash of its files, in hexadecimal digits.
    pub(crate) digest: String,
    /// The proxy's main file.
    pub(crate) main: PathBuf,
    /// Why it was made.
    pub(crate) cause: String,
    /// When it was published, RFC 3339.
    pub(crate) published_at: String,
    /// When the proxy was last seen to answer it, RFC 3339.
    pub(crate) checked_at: Option<String>,
    /// How long its steps took.
    #[serde(flatten)]
    pub(crate) took: Took,
}

/// A finding, and where it was written, as `/api/v1/diagnostics` shows it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Written {
    /// What is wrong.
    #[serde(flatten)]
    pub(crate) diagnostic: Diagnostic,
    /// Where; `None` when it is in no file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) place: Option<WrittenAt>,
}

/// A position in a file.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct WrittenAt {
    /// The file.
    pub(crate) file: String,
    /// Line, from 1.
    pub(crate) line: u32,
    /// Column in characters, from 1.
    pub(crate) column: u32,
}

/// All of it.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) waiting: Vec<String>,
    pub(super) revision: Option<RevisionView>,
    /// The live revision was made by this process, from complete lists.
    pub(super) own: bool,
    pub(super) settled: bool,
    pub(super) findings: Arc<[Written]>,
    pub(super) proxy_alive: bool,
    /// Why the proxy cannot listen; empty when nothing is known against it.
    pub(super) ports: String,
    pub(super) shutting_down: bool,
    /// Why the newest candidate is not live; empty when it is.
    pub(super) trouble: String,
}

/// Shared between the loop and the admin port.
#[derive(Debug)]
pub(crate) struct Board(RwLock<State>);

impl Default for Board {
    fn default() -> Self {
        Self(RwLock::new(State {
            waiting: vec!["the first lists".to_owned()],
            revision: None,
            own: false,
            settled: false,
            findings: Arc::new([]),
            proxy_alive: false,
            ports: String::new(),
            shutting_down: false,
            trouble: String::new(),
        }))
    }
}

impl Board {
    /// What is still awaited before the first revision can be made.
    pub(crate) fn waiting_for(&self, what: Vec<String>) {
        self.change(|state| state.waiting = what);
    }

    /// A revision is live; `own`: this process made it.
    pub(crate) fn live(&self, view: RevisionView, own: bool) {
        self.change(|state| {
            state.revision = Some(view);
            state.own |= own;
            // It has answered.
            state.proxy_alive |= own;
            state.trouble.clear();
        });
    }

    /// Whether there is anything to serve.
    pub(crate) fn has_revision(&self) -> bool {
        self.read().revision.is_some()
    }

    /// Whether there is a proxy that serves it, as far as is known.
    pub(crate) fn serves(&self) -> bool {
        let state = self.read();
        state.revision.is_some() && state.proxy_alive
    }

    /// The newest candidate is not live, for this reason.
    pub(crate) fn trouble(&self, why: String) {
        self.change(|state| state.trouble = why);
    }

    /// Whether everything seen so far is live or refused.
    pub(crate) fn settled(&self, settled: bool) {
        self.change(|state| state.settled = settled);
    }

    /// All that is wrong with objects.
    pub(crate) fn findings(&self, findings: Arc<[Written]>) {
        self.change(|state| state.findings = findings);
    }

    /// Whether the proxy's process runs.
    pub(crate) fn proxy_alive(&self, alive: bool) {
        self.change(|state| state.proxy_alive = alive);
    }

    /// Why the proxy cannot listen; empty: it can.
    pub(crate) fn ports(&self, trouble: String) {
        self.change(|state| state.ports = trouble);
    }

    /// The end has begun.
    pub(crate) fn shutting_down(&self) {
        self.change(|state| state.shutting_down = true);
    }

    pub(super) fn read(&self) -> State {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner));
    }
}
