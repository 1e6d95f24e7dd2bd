//! The state folder: where everything lies in it, and what the last run left behind.

use super::lock::{Lock, LockError};
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Longest path a Unix socket may have on Linux, in bytes (`sun_path` less its final NUL).
const MAX_SOCKET_PATH: usize = 107;

/// What temporary entries begin with; whatever is called so at start is left over from a crash.
const TEMPORARY: &str = ".tmp-";

/// Name of a revision's folder: `<number>-<digest>`, such as `42-00f3…` with 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RevisionName {
    /// Counts up over the life of a state folder.
    pub(crate) number: u64,
    /// [`gatewright_core::render::FileSet::digest`] of the files inside.
    pub(crate) digest: u128,
}

impl std::fmt::Display for RevisionName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{:032x}", self.number, self.digest)
    }
}

/// The text is not `<number>-<digest>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a revision")]
pub(crate) struct NotARevision;

impl FromStr for RevisionName {
    type Err = NotARevision;

    /// Takes exactly what `Display` prints, so that a name from outside can be nothing else than one path component.
    fn from_str(text: &str) -> Result<Self, NotARevision> {
        let (number, digest) = text.split_once('-').ok_or(NotARevision)?;
        let name =
            Self { number: number.parse().map_err(|_| NotARevision)?, digest: u128::from_str_radix(digest, 16).map_err(|_| NotARevision)? };
        if name.to_string() == text { Ok(name) } else { Err(NotARevision) }
    }
}

/// Why a state folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StateDirError {
    /// The file system refuses.
    #[error("could not use {}", path.display())]
    Io {
        /// What was to be read or made.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Another controller has it.
    #[error("state folder {} is in use by another controller, {by}; end that one, or give each its own --state-dir", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
        /// Who has it, by its own words.
        by: String,
    },
    /// Another process runs a proxy there.
    #[error("run folder {} is in use by another supervisor, {by}; end that one, or use another --run-dir or --state-dir", path.display())]
    RunsElsewhere {
        /// The folder.
        path: PathBuf,
        /// Who has it, by its own words.
        by: String,
    },
    /// A socket below it could not be bound.
    #[error("{} is {} bytes long, a Unix socket may have {MAX_SOCKET_PATH}; use a shorter --state-dir", .0.display(), .0.as_os_str().len())]
    LongPath(PathBuf),
    /// The proxy could not bind a socket below it, or would bind another one.
    #[error(
        "{:?}: {proxy} cannot have a socket there; use a --state-dir of at most {most} bytes without $, commas and control characters",
        path
    )]
    NoSocket {
        /// Of the socket.
        path: PathBuf,
        /// The proxy's name.
        proxy: &'static str,
        /// Longest path of the folder, in bytes.
        most: usize,
    },
}

/// The paths of a state folder; says nothing about who may write there.
#[derive(Debug, Clone)]
pub(crate) struct StateDir {
    root: PathBuf,
}

impl StateDir {
    /// Makes the path absolute and free of links, so that every process names the same file in the same way.
    ///
    /// # Errors
    /// [`StateDirError`] when it is not there.
    pub(crate) fn at(root: &Path) -> Result<Self, StateDirError> {
        let root = fs::canonicalize(root).map_err(|source| StateDirError::Io { path: root.to_owned(), source })?;
        Ok(Self { root })
    }

    /// The folder itself.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Whoever holds this file locked has the folder.
    pub(super) fn lock_file(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// Holds one folder per revision.
    pub(crate) fn revisions(&self) -> PathBuf {
        self.root.join("revisions")
    }

    /// The folder of one revision.
    pub(crate) fn revision(&self, name: RevisionName) -> PathBuf {
        self.revisions().join(name.to_string())
    }

    /// A name beside the revisions that no reader takes for one, and that the next start removes.
    pub(crate) fn temporary(&self, what: &str) -> PathBuf {
        self.revisions().join(format!("{TEMPORARY}{what}"))
    }

    /// The link to the published revision.
    pub(crate) fn current(&self) -> PathBuf {
        self.root.join("current")
    }

    /// Notes on the kept revisions, for people and for the next start.
    pub(crate) fn history(&self) -> PathBuf {
        self.root.join("history.json")
    }

    /// The templates that the last good revision was made with.
    pub(crate) fn templates(&self) -> PathBuf {
        self.root.join("templates.json")
    }

    /// The settings that hold in the last good revision.
    pub(crate) fn settings(&self) -> PathBuf {
        self.root.join("settings.json")
    }

    /// Where the proxy may write, unless said otherwise.
    pub(crate) fn default_run_dir(&self) -> PathBuf {
        self.root.join("run")
    }

    /// What the link points to; `None` when nothing is published, or the link leads nowhere.
    pub(crate) fn published(&self) -> Option<RevisionName> {
        let target = fs::read_link(self.current()).ok()?;
        let name = target.file_name()?.to_str()?.parse().ok()?;
        self.revision(name).is_dir().then_some(name)
    }

    /// Every revision on disk, oldest first.
    pub(crate) fn all(&self) -> Vec<RevisionName> {
        let mut names: Vec<RevisionName> = entries(&self.revisions()).into_iter().filter_map(|name| name.parse().ok()).collect();
        names.sort_unstable();
        names
    }
}

/// Makes the folder if need be, takes it for this controller, and clears what a crash left behind.
///
/// # Errors
/// [`StateDirError::InUse`] when another controller has it, else what the file system said.
pub(crate) fn claim(root: &Path) -> Result<(StateDir, Lock), StateDirError> {
    make_dir(root)?;
    let state = StateDir::at(root)?;
    let lock = lock(state.lock_file(), |by| StateDirError::InUse { path: state.root.clone(), by })?;
    make_dir(&state.revisions())?;
    for name in entries(&state.revisions()).iter().filter(|name| name.starts_with(TEMPORARY)) {
        remove_tree(&state.revisions().join(name));
    }
    Ok((state, lock))
}

/// Takes a run folder, which is there, for this process: no two may start a proxy in it, or take over the one there.
///
/// # Errors
/// [`StateDirError::RunsElsewhere`] when another process has it, else what the file system said.
pub(super) fn claim_run_dir(run_dir: &Path) -> Result<Lock, StateDirError> {
    lock(run_dir.join("supervise.lock"), |by| StateDirError::RunsElsewhere { path: run_dir.to_owned(), by })
}

/// Takes the lock that is this file; `held` makes the error that another process has it, from what that says of itself.
fn lock(path: PathBuf, held: impl FnOnce(String) -> StateDirError) -> Result<Lock, StateDirError> {
    Lock::take(&path).map_err(|error| match error {
        LockError::Held(by) => held(by),
        LockError::Io(source) => StateDirError::Io { path, source },
    })
}

/// Makes a folder that others may read, and its parents.
///
/// # Errors
/// What the file system said.
pub(crate) fn make_dir(path: &Path) -> Result<(), StateDirError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(path)
        .and_then(|()| open_up(path))
        .map_err(|source| StateDirError::Io { path: path.to_owned(), source })
}

/// Lets others read a folder whatever the umask said. Other bits stay: set-group-id is how a shared volume hands on its group.
pub(crate) fn open_up(path: &Path) -> io::Result<()> {
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o755 == 0o755 { Ok(()) } else { fs::set_permissions(path, fs::Permissions::from_mode(mode | 0o755)) }
}

/// Refuses a path that no Unix socket can have.
///
/// # Errors
/// [`StateDirError::LongPath`].
pub(crate) fn check_socket_path(path: &Path) -> Result<(), StateDirError> {
    if path.as_os_str().len() > MAX_SOCKET_PATH { Err(StateDirError::LongPath(path.to_owned())) } else { Ok(()) }
}

/// Removes a folder and all in it; what cannot be removed is said in the log and stays until the next start.
pub(crate) fn remove_tree(path: &Path) {
    let removed = if path.is_dir() && !path.is_symlink() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(path = %path.display(), %error, "could not remove an old folder");
        }
        _ => {}
    }
}

fn entries(folder: &Path) -> Vec<String> {
    fs::read_dir(folder).into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_printed_form_is_the_name_of_a_revision() {
        let name = RevisionName { number: 42, digest: 0xab };
        assert_eq!(name.to_string().parse(), Ok(name));
        let digest = "0".repeat(32);
        for bad in ["", "42", "42-", "-ab", "../x", &format!("042-{digest}"), &format!("+42-{digest}"), &format!("42-{digest}/.."), "42-AB"]
        {
            assert_eq!(bad.parse::<RevisionName>(), Err(NotARevision), "{bad}");
        }
    }

    #[test]
    fn a_second_controller_is_refused_until_the_first_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let (_, lock) = claim(dir.path()).unwrap();
        assert!(claim(dir.path()).unwrap_err().to_string().contains("in use by another controller"));
        drop(lock);
        claim(dir.path()).unwrap();
    }

    #[test]
    fn leftovers_of_a_crash_are_cleared_and_revisions_stay() {
        let dir = tempfile::tempdir().unwrap();
        let (state, lock) = claim(dir.path()).unwrap();
        let name = RevisionName { number: 7, digest: 1 };
        fs::create_dir(state.revision(name)).unwrap();
        fs::create_dir_all(state.temporary("stage").join("certs")).unwrap();
        drop(lock);
        let (state, _lock) = claim(dir.path()).unwrap();
        assert!(!state.temporary("stage").exists());
        assert_eq!(state.all(), [name]);
    }

    #[test]
    fn a_socket_path_too_long_for_the_kernel_is_refused_by_name() {
        let path = PathBuf::from(format!("/{}", "x".repeat(MAX_SOCKET_PATH)));
        assert!(check_socket_path(&path).unwrap_err().to_string().contains("shorter --state-dir"));
        check_socket_path(Path::new("/run/s.sock")).unwrap();
    }
}
