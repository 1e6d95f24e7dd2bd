//! Third step: make a checked candidate the one that every start and reload reads.

use super::stage::{Base, Flushed, Staged, flush};
use super::state_dir::{RevisionName, StateDir, remove_tree};
use gatewright_core::render::FileSet;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The link could not be switched; it points where it did.
#[derive(Debug, thiserror::Error)]
#[error("could not publish revision {number}")]
pub(crate) struct PublishError {
    /// Of the candidate.
    pub(crate) number: u64,
    /// What the file system said.
    pub(crate) source: io::Error,
}

/// A candidate that the proxy's own check has accepted; only this can be published.
#[derive(Debug)]
pub(super) struct Validated(pub(super) Staged);

/// A revision that `current` points to, with what a load that began before may still read.
#[derive(Debug)]
pub(super) struct Published {
    pub(super) name: RevisionName,
    pub(super) folder: PathBuf,
    pub(super) files: Arc<FileSet>,
    /// Relative paths of files that the revision before has and this one has not.
    carried: Vec<String>,
}

impl Validated {
    /// Removes the candidate: it was only to be checked.
    pub(super) fn discard(&self) {
        self.0.discard();
    }

    /// Switches `current` to this revision, atomically; it has to be on disk before.
    ///
    /// Files are named through the link, and a proxy may be anywhere in a load, or read some while it serves. So the
    /// new folder carries the files of the revision before until [`Published::settle`]: no name vanishes on the way.
    ///
    /// # Errors
    /// [`PublishError`]; the candidate is removed then.
    pub(super) fn publish(self, _on_disk: Flushed, state: &StateDir, before: &Base) -> Result<Published, PublishError> {
        let Staged { name, folder, files } = self.0;
        let published = carry_over(&folder, &files, before).and_then(|carried| {
            point(state, name)?;
            Ok(carried)
        });
        match published {
            Ok(carried) => Ok(Published { name, folder, files, carried }),
            Err(source) => {
                remove_tree(&folder);
                Err(PublishError { number: name.number, source })
            }
        }
    }
}

impl Published {
    /// Removes what was only carried: the folder is exactly the file set from here on.
    pub(super) fn settle(&mut self) {
        for path in self.carried.drain(..) {
            remove_tree(&self.folder.join(&path));
            let mut folder = Path::new(&path).parent();
            while let Some(empty) = folder.filter(|folder| !folder.as_os_str().is_empty()) {
                // Fails unless it is empty, which is the question.
                if fs::remove_dir(self.folder.join(empty)).is_err() {
                    break;
                }
                folder = empty.parent();
            }
        }
    }
}

/// Not what stands at the top of the folder: a proxy reads that when it begins, some read all of it.
fn carry_over(folder: &Path, files: &FileSet, before: &Base) -> io::Result<Vec<String>> {
    let Some(from) = &before.folder else { return Ok(Vec::new()) };
    let gone = files.changes(&before.files).filter(|one| one.after.is_none() && one.path.contains('/'));
    // What somebody has removed meanwhile no proxy can need.
    let lacking: Vec<String> = gone.map(|one| one.path.to_owned()).filter(|path| from.join(path).exists()).collect();
    for path in &lacking {
        let to = folder.join(path);
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::hard_link(from.join(path), &to)?;
    }
    Ok(lacking)
}

/// Lets `current` point to a revision: a new link beside it, renamed over it.
pub(super) fn point(state: &StateDir, name: RevisionName) -> io::Result<()> {
    let link = state.temporary("current");
    remove_tree(&link);
    symlink(Path::new("revisions").join(name.to_string()), &link)?;
    fs::rename(&link, state.current())?;
    flush(state.root()).map_err(|error| error.source)
}

/// Removes the oldest revisions until `kept` are left; never the published one.
pub(super) fn prune(state: &StateDir, kept: usize) {
    let published = state.published();
    let all = state.all();
    for name in all.iter().take(all.len().saturating_sub(kept.max(1))).filter(|name| Some(**name) != published) {
        // Renamed first, so that a crash on the way leaves no revision that lacks half of its files.
        let doomed = state.temporary(&format!("old-{}", name.number));
        match fs::rename(state.revision(*name), &doomed) {
            Ok(()) => remove_tree(&doomed),
            Err(error) => tracing::warn!(revision = name.number, %error, "could not remove an old revision"),
        }
    }
}
