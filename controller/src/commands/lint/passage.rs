//! The line of a file that a finding points at, and which part of it is meant.

use crate::source::manifests::Texts;
use crate::source::{Located, Place};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::Path;

/// Lines are shown up to this length, in bytes.
const MAX_LINE: usize = 400;

/// A line, without its line break.
pub(super) struct Passage<'a> {
    /// The text of the line, cut if it is very long.
    pub(super) line: Cow<'a, str>,
    /// The part that is meant, in bytes; empty at the end of the line.
    pub(super) span: Range<usize>,
}

impl Passage<'_> {
    /// Column behind the last character that is meant, in characters, from 1.
    pub(super) fn end_column(&self) -> usize {
        self.line[..self.span.end].chars().count() + 1
    }
}

/// The lines of the files that findings are in.
pub(super) struct Lines<'a>(HashMap<&'a Path, Vec<&'a [u8]>>);

impl<'a> Lines<'a> {
    /// Takes files apart, each once.
    pub(super) fn of(findings: &[Located], texts: &'a Texts) -> Self {
        let files: HashSet<&Path> = findings.iter().filter_map(|located| located.place.as_ref()).map(|place| &*place.file).collect();
        let found = files.into_iter().filter_map(|file| texts.get_key_value(file));
        Self(found.map(|(file, bytes)| (&**file, lines(bytes))).collect())
    }

    /// Finds the line of a place; `None` when the file is not text there.
    pub(super) fn find(&self, place: &Place) -> Option<Passage<'a>> {
        let number = usize::try_from(place.line).ok()?.checked_sub(1)?;
        let line = self.0.get(&*place.file)?.get(number)?;
        let cut = &line[..line.len().min(MAX_LINE)];
        let line = String::from_utf8_lossy(cut);
        let column = usize::try_from(place.column).ok()?.saturating_sub(1);
        let start = line.char_indices().nth(column).map_or(line.len(), |(at, _)| at);
        let length = length_of_node(&line[start..]);
        Some(Passage { span: start..start + length, line })
    }
}

/// Lines end with LF, CR LF or CR.
fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    let (mut rest, mut out) = (bytes, Vec::new());
    loop {
        let end = rest.iter().position(|&b| b == b'\n' || b == b'\r');
        out.push(&rest[..end.unwrap_or(rest.len())]);
        let Some(end) = end else { return out };
        let skip = if rest[end..].starts_with(b"\r\n") { 2 } else { 1 };
        rest = &rest[end + skip..];
    }
}

/// How much of a line belongs to the key or value that begins it.
fn length_of_node(text: &str) -> usize {
    let text = text.trim_end();
    if let Some(quote @ ('"' | '\'')) = text.chars().next() {
        return text[1..].find(quote).map_or(text.len(), |end| end + 2);
    }
    let ends = [text.find(": "), text.find(" #"), text.find([',', '}', ']']), text.strip_suffix(':').map(str::len)];
    ends.into_iter().flatten().min().unwrap_or(text.len()).max(text.chars().next().map_or(0, char::len_utf8))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gatewright_core::diagnostic::{Code, Diagnostic};
    use std::sync::Arc;

    fn find<'a>(place: Place, texts: &'a Texts) -> Option<Passage<'a>> {
        let diagnostic = Diagnostic::of_input(Code::BadDocument, "");
        let located = Located { diagnostic, place: Some(place.clone()) };
        Lines::of(&[located], texts).find(&place)
    }

    fn meant(text: &str, line: u32, column: u32) -> Option<String> {
        let file: Arc<Path> = Path::new("f").into();
        let texts = Texts::from([(Arc::clone(&file), text.as_bytes().into())]);
        let passage = find(Place { file, line, column }, &texts)?;
        Some(passage.line[passage.span].to_owned())
    }

    #[test]
    fn the_key_or_value_is_meant_and_not_the_line() {
        let text = "a: 1\r\nkey:\r  path: /x # why\n  host: \"a b\", c: {d: e}\n";
        for (line, column, expected) in [
            (1, 4, "1"),
            (2, 1, "key"),
            (3, 9, "/x"),
            (3, 3, "path"),
            (4, 9, "\"a b\""),
            (4, 20, "d"),
            (4, 23, "e"),
            (4, 99, ""),
            (5, 1, ""),
        ] {
            assert_eq!(meant(text, line, column).as_deref(), Some(expected), "{line}:{column}");
        }
        assert_eq!(meant(text, 9, 1), None);
    }

    #[test]
    fn bytes_that_are_no_text_and_long_lines_are_shown_somehow() {
        let file: Arc<Path> = Path::new("f").into();
        let bytes: Vec<u8> = std::iter::repeat_n(0xff, 100_000).collect();
        let texts = Texts::from([(Arc::clone(&file), bytes.into())]);
        let passage = find(Place { file, line: 1, column: 7 }, &texts).unwrap();
        assert!(passage.line.chars().all(|c| c == '\u{fffd}') && passage.line.len() <= 3 * MAX_LINE);
    }
}
