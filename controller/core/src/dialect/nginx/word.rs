//! Prints strings so that nginx reads them as what they are.
//!
//! nginx takes everything between double quotes as one word, turns `\"`, `\\`, `\n`, `\r` and `\t` into one character,
//! and expands `$name` wherever a directive takes variables, whatever the quotes. The only literal dollar sign is a
//! variable that holds one.

use std::borrow::Cow;
use std::fmt::Write;

/// Prints a string as one word for a directive that may expand variables: a `$` stays a `$`.
#[must_use]
pub(super) fn word(text: &str) -> Cow<'_, str> {
    if is_plain(text) { Cow::Borrowed(text) } else { Cow::Owned(quoted(text, "${literal_dollar}")) }
}

/// Prints a string as one word for a directive that expands nothing: names of hosts and paths, keys of maps.
#[must_use]
pub(super) fn literal(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text, "$") }
}

/// Prints a variable by its name without the dollar sign; an empty word for what cannot be the name of a variable.
#[must_use]
pub(super) fn variable(name: &str) -> String {
    let good = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if good { format!("${{{name}}}") } else { "\"\"".to_owned() }
}

/// Whether a text needs no quotes anywhere.
pub(super) fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_./:*-[]".contains(&b))
}

/// Control characters cannot occur in the types of the model; one that does all the same is replaced.
fn quoted(text: &str, dollar: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    escape_into(&mut out, text, dollar);
    out.push('"');
    out
}

/// Writes a text as it has to stand between double quotes.
pub(super) fn escape_into(out: &mut String, text: &str, dollar: &str) {
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '$' => out.push_str(dollar),
            _ if c.is_control() => write!(out, "U+{:04X}", u32::from(c)).expect("a String takes all"),
            _ => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_stays_bare_and_the_rest_is_quoted() {
        for (text, printed) in [
            ("/a/b-c_d.e", "/a/b-c_d.e"),
            ("[::1]:80", "[::1]:80"),
            ("*.example.com", "*.example.com"),
            ("", "\"\""),
            ("a b", "\"a b\""),
            ("a;b{c}#", "\"a;b{c}#\""),
            ("a\"b\\n", "\"a\\\"b\\\\n\""),
            ("~/x", "\"~/x\""),
            ("a$b${c}", "\"a${literal_dollar}b${literal_dollar}{c}\""),
            ("a\nb\0\r\t", "\"aU+000AbU+0000U+000DU+0009\""),
            ("größe", "\"größe\""),
        ] {
            assert_eq!(word(text), printed);
        }
    }

    #[test]
    fn a_dollar_sign_stays_itself_where_nothing_is_expanded() {
        assert_eq!(literal("/a$b"), "\"/a$b\"");
        assert_eq!(literal("/a"), "/a");
    }

    #[test]
    fn only_names_of_variables_become_variables() {
        assert_eq!(variable("http_x_forwarded_for"), "${http_x_forwarded_for}");
        for bad in ["", "a-b", "a;", "A", "a}b", "a\n"] {
            assert_eq!(variable(bad), "\"\"");
        }
    }
}
