//! What two revisions on disk do not have in common; the rest of them may be large and is not read.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Component, Path};

/// Two revisions of which more than so many bytes differ in one are not compared further.
const MOST: u64 = 8 << 20;

/// Bytes by relative path.
type Texts = BTreeMap<String, Vec<u8>>;

/// The files of two folders that differ, where they are. `None`: they are too much, or one is somewhere else.
pub(super) fn read_differing(one: &Path, other: &Path, paths: &[String]) -> io::Result<Option<(Texts, Texts)>> {
    let is_inside = |path: &&String| Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    if !paths.iter().all(|path| is_inside(&path)) {
        return Ok(None);
    }
    let in_folder = |folder: &Path| {
        let is_there = |path: &&String| fs::symlink_metadata(folder.join(path)).is_ok_and(|found| found.is_file());
        read(folder, paths.iter().filter(is_there).cloned())
    };
    Ok(in_folder(one)?.zip(in_folder(other)?))
}

fn read(folder: &Path, paths: impl Iterator<Item = String>) -> io::Result<Option<Texts>> {
    let (mut texts, mut left) = (Texts::new(), MOST);
    for path in paths {
        let file = folder.join(&path);
        let Some(rest) = left.checked_sub(fs::metadata(&file)?.len()) else { return Ok(None) };
        left = rest;
        texts.insert(path, fs::read(file)?);
    }
    Ok(Some(texts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_files_that_differ_those_that_are_there_are_read_and_nothing_elsewhere() {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) = (dir.path().join("1"), dir.path().join("2"));
        for folder in [&one, &other] {
            fs::create_dir_all(folder.join("x")).unwrap();
            fs::write(folder.join("x/a"), folder.as_os_str().as_encoded_bytes()).unwrap();
            fs::write(folder.join("same"), "same").unwrap();
        }
        fs::write(other.join("new"), "new").unwrap();
        fs::write(dir.path().join("secret"), "secret").unwrap();
        std::os::unix::fs::symlink(dir.path().join("secret"), one.join("link")).unwrap();
        let named =
            |paths: &[&str]| read_differing(&one, &other, &paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>()).unwrap();
        let (left, right) = named(&["x/a", "new", "nowhere", "link"]).unwrap();
        assert!(left.keys().eq(["x/a"]) && right.keys().eq(["new", "x/a"]), "{left:?}, {right:?}");
        for path in ["../secret", "/etc/passwd", "x/../../secret", "./x/a"] {
            assert_eq!(named(&["x/a", path]), None, "{path}");
        }
    }

    #[test]
    fn revisions_that_differ_in_most_of_them_are_not_compared() {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) = (dir.path().join("1"), dir.path().join("2"));
        fs::create_dir(&one).unwrap();
        fs::create_dir(&other).unwrap();
        fs::write(other.join("small"), "").unwrap();
        fs::File::create(other.join("large")).unwrap().set_len(MOST).unwrap();
        let differing = ["small", "large"].map(str::to_owned);
        assert!(read_differing(&one, &other, &differing).unwrap().is_some());
        fs::write(other.join("small"), "x").unwrap();
        assert_eq!(read_differing(&one, &other, &differing).unwrap(), None);
    }
}
