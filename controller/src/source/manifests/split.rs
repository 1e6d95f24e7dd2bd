//! Bytes of a file into its documents, by the lines that separate them, before anything is parsed.
//!
//! So a broken document cannot hide its neighbours. YAML forbids separators inside quoted text and block scalars at
//! the left margin, which is why lines are enough.

/// One document: its bytes, markers and directives included, and where it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part<'a> {
    /// The bytes, without a byte order mark.
    pub(super) bytes: &'a [u8],
    /// Offset of the first byte in the file.
    pub(super) offset: usize,
    /// Line of the first byte in the file, from 1.
    pub(super) line: u32,
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The documents of a file, in order; those without content are left out.
pub(super) fn split(bytes: &[u8]) -> Vec<Part<'_>> {
    let mut parts = Parts { bytes, done: Vec::new(), start: 0, line: 1, begun: false, has_content: false };
    let (mut offset, mut number) = (0, 1);
    while offset < bytes.len() {
        let (length, with_break) = line_at(&bytes[offset..]);
        let mark = if bytes[offset..].starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        let after = (offset + with_break, number + 1);
        match kind_of(&bytes[offset + mark.min(length)..offset + length], parts.begun) {
            Line::Begin { has_content } => {
                if parts.begun {
                    parts.close(offset, (offset, number));
                }
                parts.begun = true;
                parts.has_content |= has_content;
            }
            Line::End => parts.close(offset, after),
            Line::Empty => {}
            Line::Content => {
                parts.begun = true;
                parts.has_content = true;
            }
        }
        (offset, number) = after;
    }
    parts.close(bytes.len(), (bytes.len(), number));
    parts.done
}

/// The part that is being read, and those before it.
struct Parts<'a> {
    bytes: &'a [u8],
    done: Vec<Part<'a>>,
    start: usize,
    line: u32,
    /// A marker or content was seen, so that the next marker begins the next part.
    begun: bool,
    has_content: bool,
}

impl Parts<'_> {
    fn close(&mut self, end: usize, next: (usize, u32)) {
        if self.has_content {
            self.done.push(without_mark(Part { bytes: &self.bytes[self.start..end], offset: self.start, line: self.line }));
        }
        (self.start, self.line) = next;
        (self.begun, self.has_content) = (false, false);
    }
}

/// A byte order mark stands at the beginning of a text: of the file, or, where several have been put together, behind the
/// marker that stands between them.
fn without_mark(part: Part<'_>) -> Part<'_> {
    let bytes = part.bytes;
    let (length, with_break) = line_at(bytes);
    let is_bare = bytes[..length].strip_prefix(b"---").is_some_and(is_empty);
    let marked = if is_bare { Part { bytes: &bytes[with_break..], offset: part.offset + with_break, line: part.line + 1 } } else { part };
    match marked.bytes.strip_prefix(BYTE_ORDER_MARK) {
        Some(bytes) => Part { bytes, offset: marked.offset + BYTE_ORDER_MARK.len(), ..marked },
        None => part,
    }
}

enum Line {
    /// `---`, perhaps with the beginning of the document behind it.
    Begin {
        has_content: bool,
    },
    /// `...`
    End,
    /// Nothing but blanks, a comment or, before a document, a directive.
    Empty,
    Content,
}

fn kind_of(line: &[u8], begun: bool) -> Line {
    let marker = |text: &[u8]| line.strip_prefix(text).filter(|rest| matches!(rest.first(), None | Some(b' ' | b'\t')));
    if let Some(rest) = marker(b"---") {
        Line::Begin { has_content: !is_empty(rest) }
    } else if marker(b"...").is_some_and(is_empty) {
        Line::End
    } else if is_empty(line) || (!begun && line.starts_with(b"%")) {
        Line::Empty
    } else {
        Line::Content
    }
}

fn is_empty(text: &[u8]) -> bool {
    matches!(text.trim_ascii_start().first(), None | Some(b'#'))
}

/// Length of the first line without and with its line break, which is LF, CR LF or CR.
fn line_at(bytes: &[u8]) -> (usize, usize) {
    match bytes.iter().position(|&b| b == b'\n' || b == b'\r') {
        None => (bytes.len(), bytes.len()),
        Some(end) if bytes[end..].starts_with(b"\r\n") => (end, end + 2),
        Some(end) => (end, end + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(bytes: &[u8]) -> Vec<(u32, &str)> {
        split(bytes).into_iter().map(|part| (part.line, std::str::from_utf8(part.bytes).unwrap())).collect()
    }

    #[test]
    fn documents_are_found_with_their_first_lines() {
        let table: &[(&str, &[(u32, &str)])] = &[
            ("", &[]),
            ("# only\n\n# comments\n", &[]),
            ("---\n---\n...\n", &[]),
            ("a: 1", &[(1, "a: 1")]),
            ("\u{feff}a: 1\n", &[(1, "a: 1\n")]),
            ("a: 1\n---\nb: 2\n", &[(1, "a: 1\n"), (2, "---\nb: 2\n")]),
            ("a: 1\r\n---\r\nb: 2\r\n", &[(1, "a: 1\r\n"), (2, "---\r\nb: 2\r\n")]),
            ("a: 1\r---\rb: 2", &[(1, "a: 1\r"), (2, "---\rb: 2")]),
            ("# c\n---\na: 1\n--- # d\nb: 2", &[(1, "# c\n---\na: 1\n"), (4, "--- # d\nb: 2")]),
            ("%YAML 1.2\n---\na: 1\n...\n%YAML 1.1\n--- {b: 2}\n", &[(1, "%YAML 1.2\n---\na: 1\n"), (5, "%YAML 1.1\n--- {b: 2}\n")]),
            ("a: 1\n...\nb: 2\n", &[(1, "a: 1\n"), (3, "b: 2\n")]),
            ("a: |\n  ---\n  x\n", &[(1, "a: |\n  ---\n  x\n")]),
            ("-----BEGIN\n---x\n....\n", &[(1, "-----BEGIN\n---x\n....\n")]),
            ("a: 1\n\u{feff}---\nb: 2\n", &[(1, "a: 1\n"), (2, "---\nb: 2\n")]),
            ("a: 1\n---\n\u{feff}b: 2\n", &[(1, "a: 1\n"), (3, "b: 2\n")]),
            ("\u{feff}a: 1\r\n--- # c\r\n\u{feff}# d\r\nb: 2", &[(1, "a: 1\r\n"), (3, "# d\r\nb: 2")]),
            ("--- a\n\u{feff}b\n", &[(1, "--- a\n\u{feff}b\n")]),
        ];
        for (text, parts) in table {
            assert_eq!(texts(text.as_bytes()), *parts, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_split_into_parts_that_lie_in_them(bytes in proptest::collection::vec(
            prop_oneof![Just(b'-'), Just(b'.'), Just(b'\n'), Just(b'\r'), Just(b' '), Just(b'#'), Just(b'%'), Just(0xef), Just(0xbb), Just(0xbf), any::<u8>()],
            0..200,
        )) {
            let mut end = 0;
            for part in split(&bytes) {
                prop_assert!(part.offset >= end);
                end = part.offset + part.bytes.len();
                prop_assert_eq!(&bytes[part.offset..end], part.bytes);
            }
        }

        #[test]
        fn a_healthy_document_is_found_whatever_stands_around_it(before in "\\PC*", after in "(\\PC|\n)*") {
            let file = format!("{before}\n---\nkind: healthy\n---\n{after}");
            prop_assert!(split(file.as_bytes()).iter().any(|part| part.bytes.ends_with(b"---\nkind: healthy\n")));
        }
    }
}
