//! What two revisions on disk do not have in common; the rest of them may be large and is not read.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, DirEntry};
use std::io;
use std::os::unix::fs::DirEntryExt;
use std::path::{Component, Path};

/// Two revisions of which one has more than so many bytes that are not in the other one are not compared further.
const MOST: u64 = 8 << 20;

/// Bytes by relative path.
type Texts = BTreeMap<String, Vec<u8>>;

/// Relative paths.
type Paths = Vec<String>;

/// The files of two folders, without those that are one file in both. `None`: they differ in too much.
pub(super) fn read_differing(one: &Path, other: &Path) -> io::Result<Option<(Texts, Texts)>> {
    let (mut ones, mut others) = (Paths::new(), Paths::new());
    find_differing((Some(one), &mut ones), (Some(other), &mut others), "")?;
    Ok(read(one, ones.into_iter())?.zip(read(other, others.into_iter())?))
}

/// These files of two folders, where they are. `None`: they are too much, or one is somewhere else.
pub(super) fn read_these(one: &Path, other: &Path, paths: &[String]) -> io::Result<Option<(Texts, Texts)>> {
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

/// Looks below two folders that have the same path; most of their files are the same.
fn find_differing((one, ones): (Option<&Path>, &mut Paths), (other, others): (Option<&Path>, &mut Paths), prefix: &str) -> io::Result<()> {
    let (mut left, mut folders) = (HashMap::new(), BTreeMap::new());
    for entry in entries(one)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if entry.file_type()?.is_dir() {
            folders.insert(name, (true, false));
        } else {
            left.insert(name, entry.ino());
        }
    }
    for entry in entries(other)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if entry.file_type()?.is_dir() {
            folders.entry(name).or_insert((false, false)).1 = true;
        } else if left.get(&name) == Some(&entry.ino()) {
            left.remove(&name);
        } else {
            others.push(format!("{prefix}{name}"));
        }
    }
    ones.extend(left.into_keys().map(|name| format!("{prefix}{name}")));
    for (name, (in_one, in_other)) in folders {
        let below = |folder: Option<&Path>, is_there: bool| folder.filter(|_| is_there).map(|folder| folder.join(&name));
        let (one, other) = (below(one, in_one), below(other, in_other));
        find_differing((one.as_deref(), ones), (other.as_deref(), others), &format!("{prefix}{name}/"))?;
    }
    Ok(())
}

/// What is in a folder, if there is one.
fn entries(folder: Option<&Path>) -> io::Result<impl Iterator<Item = io::Result<DirEntry>>> {
    Ok(folder.map(fs::read_dir).transpose()?.into_iter().flatten())
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
    fn what_is_one_file_in_both_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) = (dir.path().join("1"), dir.path().join("2"));
        for (folder, text) in [(&one, "a"), (&other, "b")] {
            fs::create_dir_all(folder.join("x")).unwrap();
            fs::write(folder.join("x/changed"), text).unwrap();
        }
        fs::write(one.join("same"), "same").unwrap();
        fs::hard_link(one.join("same"), other.join("same")).unwrap();
        fs::write(other.join("new"), "").unwrap();
        let (left, right) = read_differing(&one, &other).unwrap().unwrap();
        let texts = |of: &[(&str, &str)]| of.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect::<Texts>();
        assert_eq!((left, right), (texts(&[("x/changed", "a")]), texts(&[("x/changed", "b"), ("new", "")])));
    }

    #[test]
    fn of_named_files_those_that_are_there_are_read_and_nothing_elsewhere() {
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
        let named = |paths: &[&str]| read_these(&one, &other, &paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>()).unwrap();
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
        assert!(read_differing(&one, &other).unwrap().is_some());
        fs::write(other.join("small"), "x").unwrap();
        assert_eq!(read_differing(&one, &other).unwrap(), None);
    }
}
