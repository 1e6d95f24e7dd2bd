//! A small file beside the revisions that says when and why each of them was made.
//!
//! A revision is noted once a proxy has been seen to serve it, not before.

use super::outcome::Live;
use super::state_dir::{RevisionName, StateDir};
use std::fs;
use std::io::{self, Write};

/// Notes on the kept revisions, oldest first.
#[derive(Debug, Default)]
pub(super) struct History {
    notes: Vec<Live>,
}

impl History {
    /// Reads the file; one that is missing or unreadable only costs the notes.
    pub(super) fn read(state: &StateDir) -> Self {
        let notes = fs::read(state.history()).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        Self { notes }
    }

    /// The note on one revision.
    pub(super) fn find(&self, name: RevisionName) -> Option<&Live> {
        self.notes.iter().find(|note| note.name() == Some(name))
    }

    /// The highest number there is a note on.
    pub(super) fn newest(&self) -> u64 {
        self.notes.iter().map(|note| note.revision).max().unwrap_or(0)
    }

    /// All notes, oldest first.
    #[cfg(test)]
    pub(super) fn notes(&self) -> &[Live] {
        &self.notes
    }

    /// Adds or replaces a note, drops those on revisions that are gone, and writes the file.
    pub(super) fn note(&mut self, state: &StateDir, live: Live) {
        self.notes.retain(|note| note.revision != live.revision);
        self.notes.push(live);
        let kept = state.all();
        self.notes.retain(|note| kept.iter().any(|name| name.number == note.revision));
        if let Err(error) = self.write(state) {
            tracing::warn!(%error, "could not write the notes on the revisions");
        }
    }

    fn write(&self, state: &StateDir) -> io::Result<()> {
        let temporary = state.temporary("history");
        let mut file = fs::File::create(&temporary)?;
        file.write_all(&serde_json::to_vec_pretty(&self.notes)?)?;
        file.sync_all()?;
        fs::rename(temporary, state.history())
    }
}
