//! A reader of HAProxy's grammar that shares nothing with the printer: bytes → lines of words.
//!
//! It is stricter than HAProxy: no double quotes, no backslash but `\'`, `\n`, `\r` and `\t` between two quoted parts, no format in a bare
//! word, bounded words and lines. What it takes, HAProxy takes in the same way.

use crate::dialect::GrammarError;
use std::borrow::Cow;

/// HAProxy takes at most 64 words a line.
const MAX_WORDS: usize = 64;
/// Longest word in bytes.
const MAX_WORD_BYTES: usize = 8192;

/// One line that says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line<'f> {
    /// The keyword, and the further words.
    pub words: Vec<Word<'f>>,
    /// Counted from 1.
    pub number: u32,
    /// It begins with blanks: it belongs to the section above.
    pub indented: bool,
}

/// One word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word<'f> {
    /// As HAProxy takes it.
    pub text: Cow<'f, str>,
    /// Some of it stood in quotes.
    pub quoted: bool,
}

/// Reads a file in one pass; comments and empty lines are left out.
///
/// # Errors
/// With the first line that is not written as our templates write.
pub fn read(bytes: &[u8]) -> Result<Vec<Line<'_>>, GrammarError> {
    let mut lines = Vec::new();
    for (number, text) in numbered(bytes)? {
        let line = Line { words: words(text).map_err(|message| error_at(number, message))?, number, indented: text.starts_with(' ') };
        if !line.words.is_empty() {
            lines.push(line);
        }
    }
    Ok(lines)
}

/// The lines of a file, counted from 1; without control characters, all of them ended.
///
/// # Errors
/// With the first line that is no such text.
pub(super) fn numbered(bytes: &[u8]) -> Result<impl Iterator<Item = (u32, &str)>, GrammarError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].iter().filter(|&&b| b == b'\n').count() + 1;
        error_at(u32::try_from(line).unwrap_or(u32::MAX), "not UTF-8")
    })?;
    if let Some(line) = (1..).zip(text.split('\n')).find(|(_, line)| line.chars().any(char::is_control)).map(|(number, _)| number) {
        return Err(error_at(line, "a control character"));
    }
    if !text.is_empty() && !text.ends_with('\n') {
        return Err(error_at(u32::try_from(text.lines().count()).unwrap_or(u32::MAX), "the last line is not ended"));
    }
    Ok((1..).zip(text.lines()))
}

fn words(line: &str) -> Result<Vec<Word<'_>>, &'static str> {
    let mut words = Vec::new();
    let mut rest = line.trim_start_matches(' ');
    while !rest.is_empty() && !rest.starts_with('#') {
        let (word, after) = word(rest)?;
        words.push(word);
        rest = after.trim_start_matches(' ');
    }
    if words.len() > MAX_WORDS { Err("too many words") } else { Ok(words) }
}

/// The first word of a text that begins with one, and what follows.
fn word(text: &str) -> Result<(Word<'_>, &str), &'static str> {
    let bytes = text.as_bytes();
    let (mut at, mut quoted, mut parts) = (0, false, Vec::new());
    loop {
        match bytes.get(at) {
            None | Some(b' ') => break,
            Some(b'\'') => {
                let (inside, _) = text[at + 1..].split_once('\'').ok_or("a quote is not closed")?;
                parts.push(inside);
                at += inside.len() + 2;
                quoted = true;
            }
            Some(b'\\') if quoted && let Some(escaped) = bytes.get(at + 1).and_then(|letter| escaped(*letter)) => {
                parts.push(escaped);
                at += 2;
            }
            Some(b'"' | b'\\' | b'#' | b'$') => return Err("a double quote, backslash, '#' or '$' outside of quotes"),
            Some(b'%') => return Err("a format outside of quotes"),
            Some(_) => {
                let end = bytes[at..].iter().position(|b| b" '\"\\#$%".contains(b)).map_or(bytes.len(), |n| at + n);
                parts.push(&text[at..end]);
                at = end;
            }
        }
    }
    let whole = match parts.as_slice() {
        [one] => Cow::Borrowed(*one),
        parts => Cow::Owned(parts.concat()),
    };
    if whole.len() > MAX_WORD_BYTES { Err("a word is too long") } else { Ok((Word { text: whole, quoted }, &text[at..])) }
}

/// What stands behind a backslash outside of quotes.
const fn escaped(letter: u8) -> Option<&'static str> {
    Some(match letter {
        b'\'' => "'",
        b'n' => "\n",
        b'r' => "\r",
        b't' => "\t",
        _ => return None,
    })
}

fn error_at(line: u32, message: &str) -> GrammarError {
    GrammarError { line, message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> Vec<Vec<String>> {
        read(text.as_bytes()).unwrap().iter().map(|line| line.words.iter().map(|word| word.text.to_string()).collect()).collect()
    }

    #[test]
    fn lines_become_words() {
        let text = "a b   # comment's\n    c 'd e#\"$X' 'it'\\''s' ''\n\n# x\n";
        assert_eq!(shape(text), [vec!["a", "b"], vec!["c", "d e#\"$X", "it's", ""]]);
        assert_eq!(read(text.as_bytes()).unwrap()[1].number, 2);
    }

    #[test]
    fn nothing_that_our_templates_do_not_write_is_read() {
        for bad in ["a", "a \"b\"\n", "a b\\ c\n", "a $X\n", "a b#c\n", "a %[src]\n", "a 'b\n", "a\tb\n", "a\rb\n", "a \\'b\n", "a \0\n"] {
            assert!(read(bad.as_bytes()).is_err(), "{bad:?}");
        }
        assert!(read(format!("a{}\n", " b".repeat(64)).as_bytes()).is_err());
        assert!(read(format!("a {}\n", "x".repeat(MAX_WORD_BYTES + 1)).as_bytes()).is_err());
        assert_eq!(read(b"a\n\xff\n").unwrap_err().line, 2);
    }
}
