//! Folders that one process at a time may use, and who that is.

use gatewright_core::names::shown;
use nix::libc::O_NOFOLLOW;
use std::fs::{self, File, Permissions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// So much of what the holder has written of itself is shown, in bytes.
const MAX_HOLDER: u64 = 200;

/// The right to use a folder; held until dropped, or until the process ends in whatever way.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

/// A process that is being started holds a copy of the descriptor for a moment, so closing ours is not enough.
impl Drop for Lock {
    fn drop(&mut self) {
        if let Err(error) = self.file.unlock() {
            tracing::debug!(%error, "the lock of a folder is left to the end of the process");
        }
    }
}

/// Why a lock is not to be had.
#[derive(Debug)]
pub(super) enum LockError {
    /// Another process has it: who that is, such as `process 17 on web-0`.
    Held(String),
    /// The file system refuses.
    Io(io::Error),
}

impl Lock {
    /// Takes the lock that is this file, and writes there whose it is. What the file says counts only while it is locked, so
    /// what a process left that was killed keeps nobody out.
    ///
    /// # Errors
    /// [`LockError::Held`] while another process has it, else what the file system said.
    pub(super) fn take(path: &Path) -> Result<Self, LockError> {
        // Whoever may open it may hold it, so nobody else may: the proxy's workers can look into the folder. A link would let
        // whoever else may write into the folder have another file emptied.
        let file = File::options().create(true).read(true).append(true).mode(0o600).custom_flags(O_NOFOLLOW).open(path);
        let file = file.map_err(LockError::Io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LockError::Held(holder(&file))),
            Err(TryLockError::Error(error)) => return Err(LockError::Io(error)),
        }
        // For people: a full disk is no reason not to begin.
        if let Err(error) = sign(&file) {
            tracing::debug!(%error, path = %path.display(), "whose the lock is could not be written");
        }
        Ok(Self { file })
    }

    /// Whether this is still the file at that path. Where it is not, somebody else may have taken the folder.
    pub(super) fn is_at(&self, path: &Path) -> bool {
        let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
        let (ours, there) = (self.file.metadata().map(identity), fs::symlink_metadata(path).map(identity));
        ours.is_ok_and(|ours| there.is_ok_and(|there| there == ours))
    }
}

fn sign(mut file: &File) -> io::Result<()> {
    // Containers that share a volume may both have the process id 1; the name of the host is that of the Pod.
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    file.set_len(0)?;
    writeln!(file, "process {} on {}", std::process::id(), host.trim())?;
    // One that was made by an earlier version may be open to more.
    file.set_permissions(Permissions::from_mode(0o600))
}

/// Who has a lock, by its own words.
fn holder(file: &File) -> String {
    let mut bytes = Vec::new();
    let _ = file.take(MAX_HOLDER).read_to_end(&mut bytes);
    match String::from_utf8_lossy(&bytes).trim() {
        "" => "a process that has not said which".to_owned(),
        text => shown(text).trim_matches('"').to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(path: &Path) -> String {
        match Lock::take(path) {
            Err(LockError::Held(by)) => by,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_lock_says_whose_it_is_as_long_as_it_is_held() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        // Of one that was killed, and whose file everybody could open.
        fs::write(&path, "process 4711 on another-host with a longer name than ours will ever be\n").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        let lock = Lock::take(&path).unwrap();
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        assert_eq!(held(&path), format!("process {} on {}", std::process::id(), host.trim()));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "no worker of the proxy can hold it");
        drop(lock);
        Lock::take(&path).unwrap();
    }

    #[test]
    fn a_link_is_no_lock() {
        let dir = tempfile::tempdir().unwrap();
        let (other, path) = (dir.path().join("other"), dir.path().join("lock"));
        fs::write(&other, "precious").unwrap();
        std::os::unix::fs::symlink(&other, &path).unwrap();
        assert!(matches!(Lock::take(&path), Err(LockError::Io(_))));
        assert_eq!(fs::read(&other).unwrap(), b"precious");
    }

    #[test]
    fn odd_words_in_a_lock_are_shown_and_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let _lock = Lock::take(&path).unwrap();
        fs::write(&path, "").unwrap();
        assert_eq!(held(&path), "a process that has not said which");
        fs::write(&path, [b"\x1b[31m\xff\n".as_slice(), &[b'x'; 100_000]].concat()).unwrap();
        let by = held(&path);
        assert!(by.len() < 1000 && !by.contains(|c: char| c.is_control()), "{by}");
    }
}
