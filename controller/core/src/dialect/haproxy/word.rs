//! Prints strings so that HAProxy reads them as what they are.
//!
//! HAProxy takes everything between single quotes as it is; there is no escape in there, so a single quote closes, stands
//! behind a backslash, and opens again. Nothing is printed in double quotes, in which the environment is expanded.

use crate::names::is_printable;
use std::fmt::Write;

/// A word that means nothing but itself where HAProxy takes words as they are. One that looks like a flag is quoted: to our
/// reader it is none then.
pub(super) fn word(text: &str) -> String {
    let bare = |b: u8| b.is_ascii_alphanumeric() || b"_-./:*@+=,[]".contains(&b);
    if !text.is_empty() && !text.starts_with('-') && text.bytes().all(bare) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 2);
    out.push('\'');
    for c in text.chars() {
        match c {
            '\'' => out.push_str(r"'\''"),
            _ if c.is_control() => write!(out, "U+{:04X}", u32::from(c)).expect("a String takes all"),
            _ => out.push(c),
        }
    }
    out.push('\'');
    out
}

/// A word where HAProxy looks for `%[…]` and other escapes of formats.
pub(super) fn format(text: &str) -> String {
    word(&text.replace('%', "%%"))
}

/// A pattern of a condition, behind `--`. A lone `}` would end the condition even in quotes; it becomes a text that no
/// request can hold.
pub(super) fn pattern(text: &str) -> String {
    match text {
        "}" => word("U+007D"),
        _ => word(text),
    }
}

/// A name or number inside an expression; everything but letters, digits, `_`, `-` and `.` is left out.
pub(super) fn name(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || "_-.".contains(*c)).collect()
}

/// Key or value of a line of a map or a list. Nothing can be escaped there, so what would separate becomes a text that
/// no request can hold.
pub(super) fn key(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ' ' | '#' | '[' | ']' | '\\' => write!(out, "\u{fffd}{:02X}", u32::from(c)).expect("a String takes all"),
            _ if is_printable(c) => out.push(c),
            _ => write!(out, "\u{fffd}{:04X}", u32::from(c)).expect("a String takes all"),
        }
    }
    if out.is_empty() { "\u{fffd}".to_owned() } else { out }
}

/// A regular expression as the key of a line of a map: blanks, which would end it, and `#` by their numbers.
pub(super) fn expression_key(expression: &str) -> String {
    let mut out = String::with_capacity(expression.len());
    let mut chars = expression.chars();
    while let Some(c) = chars.next() {
        // Escaped or not, these two are themselves.
        let (escape, c) = if c == '\\' { ("\\", chars.next().unwrap_or('\\')) } else { ("", c) };
        match c {
            ' ' => out.push_str(r"\x20"),
            '#' => out.push_str(r"\x23"),
            _ if is_printable(c) => out.extend([escape, c.encode_utf8(&mut [0; 4])]),
            _ => out.push('\u{fffd}'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_stays_bare_and_the_rest_is_quoted() {
        for (text, printed) in [
            ("/a/b-c_d.e", "/a/b-c_d.e"),
            ("[::1]:80", "[::1]:80"),
            ("", "''"),
            ("a b", "'a b'"),
            ("a#b", "'a#b'"),
            ("a\"${HOME}\\n", "'a\"${HOME}\\n'"),
            ("it's", r"'it'\''s'"),
            ("%[env(X)]", "'%[env(X)]'"),
            ("{", "'{'"),
            ("a\nb\0", "'aU+000AbU+0000'"),
            ("größe", "'größe'"),
            ("-f", "'-f'"),
            ("a-f", "a-f"),
        ] {
            assert_eq!(word(text), printed);
        }
    }

    #[test]
    fn keys_that_are_expressions_have_no_blanks() {
        assert_eq!(expression_key(r"^a\.b(?i:/[ #]x\ y)"), r"^a\.b(?i:/[\x20\x23]x\x20y)");
    }

    #[test]
    fn formats_patterns_names_and_keys_have_rules_of_their_own() {
        assert_eq!(format("100% %[src]"), "'100%% %%[src]'");
        assert_eq!((pattern("}").as_str(), pattern("-f").as_str()), ("U+007D", "'-f'"));
        assert_eq!(name("X-For),env(A"), "X-ForenvA");
        assert_eq!((key("h.test/a$b'").as_str(), key("a b").as_str(), key("").as_str()), ("h.test/a$b'", "a\u{fffd}20b", "\u{fffd}"));
    }
}
