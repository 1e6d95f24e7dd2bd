//! First step: write a candidate completely, under a name of its own, where nobody reads it yet.
//!
//! A candidate begins as a *seed*, a folder with hard links to all files of the last revision; then only the
//! differences are written. The seed is made while nothing else is to do, so that a change costs what changed.

use super::state_dir::{RevisionName, StateDir, open_up, remove_tree};
use gatewright_core::render::{Beside, Bytes, File, FileSet};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// From this many new files on, one flush of the whole file system is cheaper than one for each file.
const FLUSH_ALL_FROM: usize = 32;

/// A folder to begin a candidate with, and the revision whose files it holds.
pub(super) type Seed = (PathBuf, Arc<Base>);

/// Bytes by relative path: what a folder holds.
pub(super) type Content = BTreeMap<String, Bytes>;

/// The candidate could not be written; nothing of it is left.
#[derive(Debug, thiserror::Error)]
#[error("could not write {}", path.display())]
pub(crate) struct StageError {
    /// File or folder.
    pub(crate) path: PathBuf,
    /// Why not; a full disk is [`io::ErrorKind::StorageFull`].
    pub(crate) source: io::Error,
}

/// A folder, complete, that nobody has checked yet.
#[derive(Debug)]
pub(super) struct Staged {
    pub(super) name: RevisionName,
    pub(super) folder: PathBuf,
    pub(super) files: Arc<FileSet>,
}

/// What of a candidate may be lost yet if the machine stops. That takes as long as the disk does, so it is brought there
/// while the proxy checks.
#[derive(Debug)]
pub(super) struct Unflushed {
    folder: PathBuf,
    /// New files, up to [`FLUSH_ALL_FROM`] of them.
    files: Vec<fs::File>,
    /// Relative paths of the folders that changed.
    folders: BTreeSet<String>,
}

/// All of a candidate is on disk.
#[derive(Debug)]
pub(super) struct Flushed(());

impl Unflushed {
    /// Waits until all of it is on disk.
    ///
    /// # Errors
    /// What the disk said.
    pub(super) fn flush(self) -> Result<Flushed, StageError> {
        let failed = |source| StageError { path: self.folder.clone(), source };
        if self.files.len() < FLUSH_ALL_FROM {
            self.files.iter().try_for_each(|file| file.sync_all().map_err(failed))?;
        } else {
            nix::unistd::syncfs(&self.files[0]).map_err(|errno| failed(errno.into()))?;
        }
        self.folders
            .iter()
            .map(|folder| self.folder.join(folder))
            .filter(|folder| folder.is_dir())
            .try_for_each(|folder| flush(&folder))?;
        self.folder.parent().map_or(Ok(()), flush)?;
        Ok(Flushed(()))
    }
}

/// What the last revision left on disk to begin with.
#[derive(Debug, Default, Clone)]
pub(super) struct Base {
    pub(super) folder: Option<PathBuf>,
    pub(super) files: Arc<FileSet>,
    /// The group that its secrets were given to; `None` if an earlier run decided that.
    secret_group: Option<Option<u32>>,
}

impl Base {
    /// Reads a revision of an earlier run.
    pub(super) fn read(folder: &Path) -> io::Result<Self> {
        let file = |bytes| File { bytes, secret: false, read_live: false };
        let files = read_files(folder)?.into_iter().map(|(path, bytes)| (path, file(bytes))).collect();
        Ok(Self { folder: Some(folder.to_owned()), files: Arc::new(FileSet::new("", files, 0)), secret_group: None })
    }

    /// A revision that this run wrote.
    pub(super) fn of(folder: &Path, files: &Arc<FileSet>, secret_group: Option<u32>) -> Self {
        Self { folder: Some(folder.to_owned()), files: Arc::clone(files), secret_group: Some(secret_group) }
    }

    /// The same files, which are not on disk any more.
    pub(super) fn unwritten(&self) -> Self {
        Self { folder: None, ..self.clone() }
    }

    /// A revision that an earlier run wrote with these files, and perhaps could not tidy up any more.
    pub(super) fn tidied(folder: &Path, files: &Arc<FileSet>) -> Self {
        if let Ok(found) = walk(folder, &|_| Ok(())) {
            for path in found.keys().filter(|path| files.get(path).is_none()) {
                remove_tree(&folder.join(path));
            }
        }
        Self { secret_group: None, ..Self::of(folder, files, None) }
    }
}

/// All files below a folder.
pub(super) fn read_files(folder: &Path) -> io::Result<Content> {
    walk(folder, &|entry| Ok(fs::read(entry.path())?.into()))
}

/// Looks at every file below a folder.
pub(super) fn walk<T>(folder: &Path, look: &impl Fn(&fs::DirEntry) -> io::Result<T>) -> io::Result<BTreeMap<String, T>> {
    fn walk_into<T>(
        folder: &Path,
        prefix: &str,
        found: &mut BTreeMap<String, T>,
        look: &impl Fn(&fs::DirEntry) -> io::Result<T>,
    ) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let path = format!("{prefix}{name}");
            if entry.file_type()?.is_dir() {
                walk_into(&entry.path(), &format!("{path}/"), found, look)?;
            } else {
                found.insert(path, look(&entry)?);
            }
        }
        Ok(())
    }
    let mut found = BTreeMap::new();
    walk_into(folder, "", &mut found, look)?;
    Ok(found)
}

/// Makes the seed of the next candidate. Costs time in proportion to all files, so it is done ahead.
pub(super) fn seed(state: &StateDir, base: &Base) -> Result<PathBuf, StageError> {
    let seed = state.temporary("seed");
    remove_tree(&seed);
    let made = link_all(base, &seed);
    made.inspect_err(|_| remove_tree(&seed)).map(|()| seed)
}

fn link_all(base: &Base, seed: &Path) -> Result<(), StageError> {
    let mut folders = BTreeSet::new();
    new_dir(seed)?;
    let Some(from) = &base.folder else { return Ok(()) };
    for (path, _) in base.files.iter() {
        make_parents(seed, path, &mut folders)?;
        let to = seed.join(path);
        fs::hard_link(from.join(path), &to).map_err(|source| StageError { path: to, source })?;
    }
    folders.iter().try_for_each(|folder| flush(&seed.join(folder)))
}

/// Turns the seed into the candidate and gives it its name; what of it is not on disk yet comes with it.
///
/// `secret_group` is the group that may read private keys: the workers'.
///
/// # Errors
/// [`StageError`]; the seed is gone then, and so is everything else that was written.
pub(super) fn stage(
    state: &StateDir,
    seed: &Path,
    base: &Base,
    files: Arc<FileSet>,
    number: u64,
    secret_group: Option<u32>,
) -> Result<(Staged, Unflushed), StageError> {
    let name = RevisionName { number, digest: files.digest() };
    let folder = state.revision(name);
    remove_tree(&folder);
    let written = write_difference(seed, base, &files, secret_group).and_then(|written| {
        fs::rename(seed, &folder).map_err(|source| StageError { path: folder.clone(), source })?;
        Ok(written)
    });
    match written {
        Ok((new, folders)) => {
            let unflushed = Unflushed { folder: folder.clone(), files: new, folders };
            Ok((Staged { name, folder, files }, unflushed))
        }
        Err(error) => {
            remove_tree(seed);
            remove_tree(&folder);
            Err(error)
        }
    }
}

/// The files that were written, up to [`FLUSH_ALL_FROM`] of them, and the folders that changed.
fn write_difference(
    seed: &Path,
    base: &Base,
    files: &FileSet,
    secret_group: Option<u32>,
) -> Result<(Vec<fs::File>, BTreeSet<String>), StageError> {
    let mut touched = BTreeSet::from([String::new()]);
    for gone in files.changes(&base.files).filter(|one| one.after.is_none()) {
        remove(&seed.join(gone.path))?;
        touched.extend(gone.path.match_indices('/').map(|(end, _)| gone.path[..end].to_owned()));
    }
    let same_group = base.secret_group == Some(secret_group);
    let mut written = Vec::new();
    let may_differ = if same_group { files.changes(&base.files) } else { Box::new(files.beside(&base.files)) };
    for Beside { path, before: old, after } in may_differ {
        let Some(file) = after else { continue };
        let stays = |old: &File| old.bytes == file.bytes && (same_group || mode_fits(&seed.join(path), file, secret_group));
        if old.is_some_and(stays) {
            continue;
        }
        let to = seed.join(path);
        match old {
            // The link goes, not the file behind it: that one belongs to the last revision.
            Some(_) => remove(&to)?,
            None => make_parents(seed, path, &mut touched)?,
        }
        touched.insert(parent(path).to_owned());
        let new = write(&to, file, secret_group).map_err(|source| StageError { path: to, source })?;
        if written.len() < FLUSH_ALL_FROM {
            written.push(new);
        }
    }
    // Folders that lost their last file go too: at rest the folder is exactly the file set.
    for folder in touched.iter().rev().filter(|folder| !folder.is_empty()) {
        let _ = fs::remove_dir(seed.join(folder));
    }
    Ok((written, touched))
}

/// Whether a linked file of an earlier run may be read by those who should, and by nobody else.
fn mode_fits(path: &Path, file: &File, secret_group: Option<u32>) -> bool {
    use std::os::unix::fs::MetadataExt;
    if !file.secret {
        return true;
    }
    fs::metadata(path).is_ok_and(|found| found.mode() & 0o777 == mode(file) && secret_group.is_none_or(|group| found.gid() == group))
}

const fn mode(file: &File) -> u32 {
    if file.secret { 0o440 } else { 0o444 }
}

fn write(path: &Path, file: &File, secret_group: Option<u32>) -> io::Result<fs::File> {
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o400).open(path)?;
    file.bytes.parts().iter().try_for_each(|part| out.write_all(part))?;
    if let (true, Some(group)) = (file.secret, secret_group) {
        give_to(&out, group)?;
    }
    out.set_permissions(fs::Permissions::from_mode(mode(file)))?;
    Ok(out)
}

/// Whether this process can give a file to a group: root can, others to their own groups.
pub(super) fn may_give_to(group: u32) -> bool {
    let own = nix::unistd::getgroups().unwrap_or_default();
    nix::unistd::geteuid().is_root() || own.iter().any(|own| own.as_raw() == group)
}

/// Gives a file to a group. A controller that may not do so relies on the volume's set-group-id bit instead.
fn give_to(file: &fs::File, group: u32) -> io::Result<()> {
    match nix::unistd::fchown(file, None, Some(nix::unistd::Gid::from_raw(group))) {
        Ok(()) | Err(nix::errno::Errno::EPERM) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn remove(path: &Path) -> Result<(), StageError> {
    fs::remove_file(path).map_err(|source| StageError { path: path.to_owned(), source })
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn make_parents(root: &Path, path: &str, known: &mut BTreeSet<String>) -> Result<(), StageError> {
    let folder = parent(path);
    if known.contains(folder) {
        return Ok(());
    }
    let mut so_far = String::new();
    for part in folder.split('/') {
        so_far = if so_far.is_empty() { part.to_owned() } else { format!("{so_far}/{part}") };
        if known.insert(so_far.clone()) && !root.join(&so_far).is_dir() {
            new_dir(&root.join(&so_far))?;
        }
    }
    Ok(())
}

fn new_dir(path: &Path) -> Result<(), StageError> {
    fs::create_dir(path).and_then(|()| open_up(path)).map_err(|source| StageError { path: path.to_owned(), source })
}

/// Makes the names in a folder survive a power cut.
pub(super) fn flush(folder: &Path) -> Result<(), StageError> {
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(|source| StageError { path: folder.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::state_dir::claim;
    use std::os::unix::fs::MetadataExt;

    fn set(files: &[(&str, &str)]) -> Arc<FileSet> {
        let file = |text: &str, secret| File { bytes: text.as_bytes().into(), secret, read_live: false };
        Arc::new(FileSet::new(
            "main",
            files.iter().map(|(path, text)| ((*path).to_owned(), file(text, path.ends_with(".pem")))).collect(),
            0,
        ))
    }

    fn tree(folder: &Path) -> Vec<(String, String)> {
        read_files(folder).unwrap().into_iter().map(|(path, bytes)| (path, String::from_utf8_lossy(&bytes.whole()).into_owned())).collect()
    }

    #[test]
    fn a_candidate_holds_its_files_and_shares_what_did_not_change() {
        let dir = tempfile::tempdir().unwrap();
        let (state, _lock) = claim(dir.path()).unwrap();
        let empty = Base::default();
        let first = set(&[("main", "1"), ("a/same.pem", "key"), ("a/gone", "x"), ("b/c/alone", "y")]);
        let (staged, unflushed) = stage(&state, &seed(&state, &empty).unwrap(), &empty, first, 1, None).unwrap();
        unflushed.flush().unwrap();
        let before = tree(&staged.folder);
        for base in [Base::of(&staged.folder, &staged.files, None), Base::read(&staged.folder).unwrap()] {
            let second = set(&[("main", "2"), ("a/same.pem", "key"), ("d/new", "z")]);
            let (next, unflushed) = stage(&state, &seed(&state, &base).unwrap(), &base, Arc::clone(&second), 2, None).unwrap();
            unflushed.flush().unwrap();
            let wanted: Vec<_> = [("a/same.pem", "key"), ("d/new", "z"), ("main", "2")].map(|(p, t)| (p.to_owned(), t.to_owned())).into();
            assert_eq!(tree(&next.folder), wanted);
            assert!(!next.folder.join("b").exists(), "empty folders go");
            let inode = |folder: &Path| fs::metadata(folder.join("a/same.pem")).unwrap().ino();
            assert_eq!(inode(&next.folder), inode(&staged.folder));
            assert_eq!(tree(&staged.folder), before, "the last revision is as it was");
        }
    }

    #[test]
    fn secrets_are_for_owner_and_group_and_nothing_is_writable() {
        let dir = tempfile::tempdir().unwrap();
        let (state, _lock) = claim(dir.path()).unwrap();
        let empty = Base::default();
        let files = set(&[("main", "1"), ("key.pem", "key")]);
        let (staged, _) = stage(&state, &seed(&state, &empty).unwrap(), &empty, files, 1, None).unwrap();
        let mode = |path: &str| fs::metadata(staged.folder.join(path)).unwrap().mode() & 0o777;
        assert_eq!((mode("main"), mode("key.pem")), (0o444, 0o440));
    }

    #[test]
    fn what_was_carried_over_a_crash_is_tidied_up() {
        let dir = tempfile::tempdir().unwrap();
        let (state, _lock) = claim(dir.path()).unwrap();
        let empty = Base::default();
        let (staged, _) = stage(&state, &seed(&state, &empty).unwrap(), &empty, set(&[("main", "1")]), 1, None).unwrap();
        fs::write(staged.folder.join("carried"), "old").unwrap();
        Base::tidied(&staged.folder, &staged.files);
        assert_eq!(tree(&staged.folder), [("main".to_owned(), "1".to_owned())]);
    }
}
