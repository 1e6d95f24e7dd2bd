//! What two revisions on disk do not have in common; the rest of them may be large and is not kept in memory.

use super::stage::walk;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::{self, DirEntry, File};
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::DirEntryExt;
use std::path::Path;

/// So many bytes at the beginning of a long file are always given.
const HEAD: usize = 64 << 10;

/// Two long files that differ in more than so many bytes are not compared further.
const MOST: usize = 4 << 20;

/// Bytes by relative path.
type Texts = BTreeMap<String, Vec<u8>>;

/// The files of two folders, without those that are one file in both. Of the file that is called `long`, paragraphs behind
/// its beginning that are the same in both at the same place are left out. `None`: that file differs in most of it.
pub(super) fn read_differing(one: &Path, other: &Path, long: &str) -> io::Result<Option<(Texts, Texts)>> {
    let identity = |entry: &DirEntry| Ok(entry.ino());
    let (mut ones, mut others) = (walk(one, &identity)?, walk(other, &identity)?);
    ones.retain(|path, file| others.get(path) != Some(file) || others.remove(path).is_none());
    let (mut left, mut right) = (Texts::new(), Texts::new());
    if ones.contains_key(long) && others.contains_key(long) {
        let Some((before, after)) = abridged(&one.join(long), &other.join(long))? else { return Ok(None) };
        left.insert(long.to_owned(), before);
        right.insert(long.to_owned(), after);
    }
    for (folder, files, texts) in [(one, ones, &mut left), (other, others, &mut right)] {
        for path in files.into_keys() {
            if let Entry::Vacant(place) = texts.entry(path) {
                let text = fs::read(folder.join(place.key()))?;
                place.insert(text);
            }
        }
    }
    Ok(Some((left, right)))
}

fn abridged(one: &Path, other: &Path) -> io::Result<Option<(Vec<u8>, Vec<u8>)>> {
    let (mut ones, mut others) = (BufReader::new(File::open(one)?), BufReader::new(File::open(other)?));
    let (mut left, mut right) = (Vec::new(), Vec::new());
    loop {
        let (left_before, right_before) = (left.len(), right.len());
        let (more, others_more) = (paragraph(&mut ones, &mut left)?, paragraph(&mut others, &mut right)?);
        if !more && !others_more {
            return Ok(Some((left, right)));
        }
        if left_before >= HEAD && left[left_before..] == right[right_before..] {
            left.truncate(left_before);
            right.truncate(right_before);
        }
        if left.len().max(right.len()) > MOST {
            return Ok(None);
        }
    }
}

/// Adds the lines up to an empty one; whether there were any.
fn paragraph(from: &mut impl BufRead, text: &mut Vec<u8>) -> io::Result<bool> {
    let begin = text.len();
    while from.read_until(b'\n', text)? > 0 && text[begin..] != *b"\n" && !text.ends_with(b"\n\n") && text.len() - begin <= MOST {}
    Ok(text.len() > begin)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paragraphs(texts: impl IntoIterator<Item = String>) -> String {
        texts.into_iter().map(|text| format!("{text}\n\n")).collect()
    }

    fn differing(before: &str, after: &str) -> Option<(String, String)> {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) = (dir.path().join("1"), dir.path().join("2"));
        for (folder, text) in [(&one, before), (&other, after)] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join("long"), text).unwrap();
        }
        let (mut before, mut after) = read_differing(&one, &other, "long").unwrap()?;
        let text = |texts: &mut Texts| String::from_utf8(texts.remove("long").unwrap()).unwrap();
        Some((text(&mut before), text(&mut after)))
    }

    #[test]
    fn of_a_long_file_the_head_and_what_differs_are_read() {
        let (head, line) = ("h".repeat(HEAD), |n: usize| format!("a {n}\nb"));
        let text = |change: &dyn Fn(usize) -> String| format!("1\n{head}\n\n{}", paragraphs((0..1000).map(change)));
        let (before, after) = (text(&line), text(&|n| if n % 400 == 7 { format!("other {n}") } else { line(n) }));
        let (left, right) = differing(&before, &after).unwrap();
        let kept = |part: &dyn Fn(usize) -> String| format!("1\n{head}\n\n{}", paragraphs([7, 407, 807].map(part)));
        assert_eq!((left, right), (kept(&line), kept(&|n| format!("other {n}"))));
        let short = (paragraphs(["a".to_owned(), "b".to_owned()]), paragraphs(["a".to_owned(), "c".to_owned(), "d".to_owned()]));
        assert_eq!(differing(&short.0, &short.1).unwrap(), short, "nothing of a short file is left out");
        assert_eq!(differing(&format!("{before}end"), &before).unwrap().0, format!("1\n{head}\n\nend"));
    }

    #[test]
    fn files_that_differ_in_most_of_them_are_not_compared() {
        let text = |word: &str| paragraphs((0..MOST / 8).map(|n| format!("{word} {n}")));
        assert_eq!(differing(&text("a"), &text("b")), None);
        assert_eq!(differing(&"a".repeat(MOST * 2), &"b".repeat(MOST * 2)), None, "it may be one line");
    }
}
