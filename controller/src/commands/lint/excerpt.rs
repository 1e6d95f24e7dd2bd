//! The line of a file that a finding points at, and which part of it is meant.

use crate::source::manifests::Texts;
use crate::source::{Located, Place};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::Path;

/// Of lines so much is shown, in bytes.
const MAX_LINE: usize = 400;

/// So many characters are counted in a line that is not all ASCII, for each finding from the first one on.
const MAX_COUNTED: usize = 64 << 10;

/// A line, without its line break.
pub(super) struct Excerpt<'a> {
    /// The text of the line; of a very long one what is around the part that is meant.
    pub(super) line: Cow<'a, str>,
    /// The part that is meant, in bytes; empty at the end of the line.
    pub(super) span: Range<usize>,
    /// So many characters of the line stand before the text.
    pub(super) skipped: usize,
}

impl Excerpt<'_> {
    /// Column behind the last character that is meant, in characters, from 1.
    pub(super) fn end_column(&self) -> usize {
        self.skipped + self.line[..self.span.end].chars().count() + 1
    }
}

/// The lines of the files that findings are in.
pub(super) struct Lines<'a>(HashMap<&'a Path, Text<'a>>);

struct Text<'a> {
    lines: Vec<&'a [u8]>,
    /// Then columns are bytes.
    is_ascii: bool,
}

impl<'a> Lines<'a> {
    /// Takes files apart, each once.
    pub(super) fn of(findings: &[Located], texts: &'a Texts) -> Self {
        let files: HashSet<&Path> = findings.iter().filter_map(|located| located.place.as_ref()).map(|place| &*place.file).collect();
        let found = files.into_iter().filter_map(|file| texts.get_key_value(file));
        Self(found.map(|(file, bytes)| (&**file, Text { lines: lines(bytes), is_ascii: bytes.is_ascii() })).collect())
    }

    /// Finds the line of a place; `None` when there is none, or the place is too far into it.
    pub(super) fn find(&self, place: &Place) -> Option<Excerpt<'a>> {
        let number = usize::try_from(place.line).ok()?.checked_sub(1)?;
        let text = self.0.get(&*place.file)?;
        let line = text.lines.get(number)?;
        let column = usize::try_from(place.column).ok()?.saturating_sub(1);
        if !text.is_ascii && column > MAX_COUNTED {
            return None;
        }
        let start = if text.is_ascii { column.min(line.len()) } else { beginnings(line).nth(column).unwrap_or(line.len()) };
        let mut from = if start < MAX_LINE { 0 } else { start - MAX_LINE / 2 };
        from += beginnings(&line[from..]).next().unwrap_or_default();
        let before = String::from_utf8_lossy(&line[from..start]);
        let skipped = column.saturating_sub(before.chars().count());
        let shown = String::from_utf8_lossy(&line[from..line.len().min(from + MAX_LINE)]);
        let start = before.len().min(shown.len());
        let length = length_of_node(&shown[start..]);
        Some(Excerpt { span: start..start + length, line: shown, skipped: if from == 0 { 0 } else { skipped } })
    }
}

/// Where characters begin. A byte that belongs to none counts as one, unless it looks like a later one of a character.
fn beginnings(line: &[u8]) -> impl Iterator<Item = usize> + '_ {
    line.iter().enumerate().filter(|(_, byte)| (**byte & 0xc0) != 0x80).map(|(at, _)| at)
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
    let ends = [text.find(": "), text.find(" #"), text.find([',', '}', ']']), text.strip_suffix(':').map(str::len), end_in_quotes(text)];
    ends.into_iter().flatten().min().unwrap_or(text.len()).max(text.chars().next().map_or(0, char::len_utf8))
}

/// Where a directive ends that stands in a text between quotes, of which only the last one is here.
fn end_in_quotes(text: &str) -> Option<usize> {
    let end = ['"', '\''].into_iter().find(|quote| text.matches(*quote).count() % 2 == 1).and_then(|quote| text.rfind(quote))?;
    Some(text[..end].find(';').map_or(end, |at| at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gatewright_core::diagnostic::{Code, Diagnostic};
    use std::sync::Arc;

    fn find<'a>(place: Place, texts: &'a Texts) -> Option<Excerpt<'a>> {
        let diagnostic = Diagnostic::of_input(Code::BadDocument, "");
        let located = Located { diagnostic, place: Some(place.clone()) };
        Lines::of(&[located], texts).find(&place)
    }

    fn meant(text: &str, line: u32, column: u32) -> Option<String> {
        let file: Arc<Path> = Path::new("f").into();
        let texts = Texts::from([(Arc::clone(&file), text.as_bytes().into())]);
        let excerpt = find(Place { file, line, column }, &texts)?;
        Some(excerpt.line[excerpt.span].to_owned())
    }

    #[test]
    fn the_key_or_value_is_meant_and_not_the_line() {
        let text = "a: 1\r\nkey:\r  path: /x # why\n  host: \"a b\", c: {d: e}\ns: \"a; foo \\\"on\\\";\\nbar on\"\n";
        for (line, column, expected) in [
            (1, 4, "1"),
            (2, 1, "key"),
            (3, 9, "/x"),
            (3, 3, "path"),
            (4, 9, "\"a b\""),
            (4, 20, "d"),
            (4, 23, "e"),
            (4, 99, ""),
            (5, 8, "foo \\\"on\\\";"),
            (5, 21, "bar on"),
            (6, 1, ""),
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
        let excerpt = find(Place { file, line: 1, column: 7 }, &texts).unwrap();
        assert!(excerpt.line.chars().all(|c| c == '\u{fffd}') && excerpt.line.len() <= 3 * MAX_LINE);
    }

    #[test]
    fn in_a_long_line_the_part_that_is_meant_is_shown_with_its_columns() {
        for (filling, is_shown) in [("x".repeat(5000), true), ("ä".repeat(5000), true), ("ä".repeat(MAX_COUNTED), false)] {
            let column = u32::try_from(filling.chars().count()).unwrap() + 7;
            let text = format!("{{a: {filling}, key: value, b: {filling}}}");
            let file: Arc<Path> = Path::new("f").into();
            let texts = Texts::from([(Arc::clone(&file), text.as_bytes().into())]);
            let excerpt = find(Place { file, line: 1, column }, &texts);
            assert_eq!(excerpt.is_some(), is_shown, "{} bytes", filling.len());
            let Some(excerpt) = excerpt else { continue };
            assert_eq!(&excerpt.line[excerpt.span.clone()], "key");
            assert_eq!(excerpt.end_column(), usize::try_from(column).unwrap() + 3);
            assert!(excerpt.line.len() <= MAX_LINE + 2, "{} bytes", excerpt.line.len());
        }
    }
}
