//! Words with variables in them: the only way in which a variable gets into what a template prints.

use super::word::{self, is_plain};
use crate::dialect::breaks;
use crate::names::{HeaderName, TextPart, VariableText};
use serde::Serialize;

/// Encloses the name of a variable, with [`CLOSE`]. Private-use characters, which no checked text holds.
const OPEN: char = '\u{e000}';
const CLOSE: char = '\u{e001}';

/// A word of literal text and variables; printed by the filter `expression`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize)]
#[serde(transparent)]
pub(super) struct Expression(String);

impl Expression {
    /// Just this text.
    pub(super) fn literal(text: &str) -> Self {
        Self::default().and(text)
    }

    /// Just this variable, named without its dollar sign. `1` to `9` are the groups of a regular expression.
    pub(super) fn variable(name: &str) -> Self {
        Self::default().and_variable(name)
    }

    /// Text and variables as they are given. Nothing stands for what a service has answered.
    pub(super) fn of(text: &VariableText) -> Self {
        Self::with_answers(text, |_| None)
    }

    /// The same; `variable`: the one that holds a header of the service that decides.
    pub(super) fn with_answers(text: &VariableText, variable: impl Fn(&HeaderName) -> Option<String>) -> Self {
        text.parts().iter().fold(Self::default(), |all, part| match part {
            TextPart::Text(text) => all.and(text),
            TextPart::Variable(name) => all.and_variable(name),
            TextPart::Group(number) => all.and_variable(&number.to_string()),
            TextPart::Break(c) => all.and_break(*c),
            TextPart::Answered(header) => match variable(header) {
                Some(name) => all.and_variable(&name),
                None => all,
            },
        })
    }

    /// The same for a header, where a line break would begin another one: of a variable that can hold some stands the one that
    /// is empty then, and nothing for one that is written.
    pub(super) fn for_header(&self) -> Self {
        let printable = |text: String, name: &&str| text.replace(&variable(name), &variable(&printable(name)));
        Self(LINE_BREAKING.iter().fold(breaks::without(&self.0), printable))
    }

    /// The same with another one behind it.
    pub(super) fn and_all(mut self, other: &Self) -> Self {
        self.0.push_str(&other.0);
        self
    }

    /// The same with a text behind it.
    pub(super) fn and(mut self, text: &str) -> Self {
        self.0.extend(text.chars().filter(|c| ![OPEN, CLOSE].contains(c) && !breaks::is_mark(*c)));
        self
    }

    /// The same with a control character behind it.
    fn and_break(mut self, c: char) -> Self {
        self.0.extend(breaks::mark(c));
        self
    }

    /// The same with a variable behind it.
    pub(super) fn and_variable(mut self, name: &str) -> Self {
        self.0.push_str(&variable(name));
        self
    }
}

fn variable(name: &str) -> String {
    let name = name.chars().filter(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '_');
    [OPEN].into_iter().chain(name).chain([CLOSE]).collect()
}

/// Variables that are decoded, or are the body: line breaks and other control characters come out of requests with them.
const LINE_BREAKING: &[&str] =
    &["document_uri", "fastcgi_path_info", "fastcgi_script_name", "remote_user", "request_body", "request_filename", "uri"];

/// The variable that is the same, and empty where that holds a control character.
fn printable(name: &str) -> String {
    format!("printable_{name}")
}

/// The variable for a header, where a line break would begin another one.
pub(super) fn printable_of(name: &str) -> String {
    if LINE_BREAKING.contains(&name) { printable(name) } else { name.to_owned() }
}

/// Prints what an [`Expression`] serialises to as one word.
pub(super) fn print(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    let mut parts = text.split(OPEN);
    let first = parts.next().unwrap_or_default();
    if first.is_empty()
        && let Some(name) = text.strip_prefix(OPEN).and_then(|rest| rest.strip_suffix(CLOSE)).filter(|name| !name.contains([OPEN, CLOSE]))
    {
        return format!("${name}");
    }
    let mut out = String::from("\"");
    word::escape_into(&mut out, first, "${literal_dollar}");
    for part in parts {
        let (name, literal) = part.split_once(CLOSE).unwrap_or(("", part));
        // A group stands without braces: in braces nginx takes its number for a name.
        match name {
            "" => {}
            _ if name.len() == 1 && name.as_bytes()[0].is_ascii_digit() => out.extend(["$", name]),
            _ => out.push_str(&word::variable(name)),
        }
        word::escape_into(&mut out, literal, "${literal_dollar}");
    }
    out.push('"');
    breaks::escaped(&out, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_printable_one_of_each_variable_that_can_hold_line_breaks() {
        let template = include_str!("../../../../../templates/nginx/request.tera");
        for name in LINE_BREAKING {
            assert!(template.contains(&format!("map ${name} ${} {{", printable(name))), "{name}");
        }
    }

    #[test]
    fn no_line_break_of_a_request_comes_into_a_header() {
        let given = Expression::variable("uri").and("/uri/").and_variable("request_uri").and_variable("remote_user");
        assert_eq!(print(&given.for_header().0), "\"${printable_uri}/uri/${request_uri}${printable_remote_user}\"");
    }

    #[test]
    fn variables_are_variables_and_texts_are_texts() {
        for (expression, printed) in [
            (Expression::literal("/a"), "/a"),
            (Expression::literal("a b$c"), "\"a b${literal_dollar}c\""),
            (Expression::variable("host"), "$host"),
            (Expression::literal("/x/").and_variable("1").and("0"), "\"/x/$10\""),
            (Expression::variable("scheme").and("://").and_variable("http_host").and("/a"), "\"${scheme}://${http_host}/a\""),
            (Expression::literal(""), "\"\""),
            (Expression::literal("\u{e000}host\u{e001}"), "host"),
            (Expression::variable("a;b\"{}"), "$ab"),
        ] {
            assert_eq!(print(&expression.0), printed);
        }
    }
}
