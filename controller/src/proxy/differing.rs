//! What two revisions on disk do not have in common; the rest of them may be large and is not read.

use super::stage::walk;
use std::collections::BTreeMap;
use std::fs::{self, DirEntry};
use std::io;
use std::os::unix::fs::DirEntryExt;
use std::path::Path;

/// Two revisions of which one has more than so many bytes that are not in the other one are not compared further.
const MOST: u64 = 8 << 20;

/// Bytes by relative path.
type Texts = BTreeMap<String, Vec<u8>>;

/// The files of two folders, without those that are one file in both. `None`: they differ in too much.
pub(super) fn read_differing(one: &Path, other: &Path) -> io::Result<Option<(Texts, Texts)>> {
    let identity = |entry: &DirEntry| Ok(entry.ino());
    let (mut ones, mut others) = (walk(one, &identity)?, walk(other, &identity)?);
    ones.retain(|path, file| others.get(path) != Some(file) || others.remove(path).is_none());
    Ok(read(one, ones.into_keys())?.zip(read(other, others.into_keys())?))
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
