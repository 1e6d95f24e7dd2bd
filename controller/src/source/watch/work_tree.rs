//! Whether git is writing the files of a folder: a checkout is one change, however many files it writes and however long
//! it takes.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is left of a git that was killed holds nobody up for longer.
const LONGEST: Duration = Duration::from_secs(20);

/// Whether git is in the middle of changing the work tree that a folder is in. It holds a lock while it does.
pub(super) fn is_changing(folder: &Path) -> bool {
    let absolute = fs::canonicalize(folder).ok();
    let git = absolute.iter().flat_map(|folder| folder.ancestors()).find_map(git_folder);
    let since = git.and_then(|git| fs::metadata(git.join("index.lock")).ok()?.modified().ok());
    since.is_some_and(|since| since.elapsed().unwrap_or_default() < LONGEST)
}

/// The folder that git keeps for a work tree; for a linked one, a file names it.
fn git_folder(work_tree: &Path) -> Option<PathBuf> {
    let git = work_tree.join(".git");
    if git.is_dir() {
        return Some(git);
    }
    let text = fs::read_to_string(&git).ok()?;
    Some(work_tree.join(text.strip_prefix("gitdir: ")?.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    #[test]
    fn a_lock_counts_wherever_it_is_and_for_a_while_only() {
        let dir = tempfile::tempdir().unwrap();
        let [own, linked] = ["own", "linked"].map(|name| dir.path().join(name));
        fs::create_dir_all(own.join(".git/worktrees/linked")).unwrap();
        fs::create_dir_all(own.join("deep/manifests")).unwrap();
        fs::create_dir_all(&linked).unwrap();
        fs::write(linked.join(".git"), "gitdir: ../own/.git/worktrees/linked\n").unwrap();
        let folders = [own.join("deep/manifests"), linked.clone(), dir.path().join("none")];
        let seen = || folders.each_ref().map(|folder| is_changing(folder));
        assert_eq!(seen(), [false; 3]);
        fs::write(own.join(".git/index.lock"), "").unwrap();
        assert_eq!(seen(), [true, false, false]);
        let lock = fs::File::create(own.join(".git/worktrees/linked/index.lock")).unwrap();
        assert_eq!(seen(), [true, true, false]);
        lock.set_modified(SystemTime::now() - LONGEST).unwrap();
        assert_eq!(seen(), [true, false, false], "it was left behind");
    }
}
