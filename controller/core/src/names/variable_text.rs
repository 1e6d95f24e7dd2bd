//! Texts with variables in them, as log formats and header values have them.

use super::variable::{is_of_route, may_be_told};
use super::word::{fits_a_word, written_bytes};
use super::{BadText, HeaderName, is_printable, shown};
use std::cell::RefCell;

/// A part of a [`VariableText`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TextPart {
    /// Printable characters that mean themselves; not empty.
    Text(String),
    /// A variable that is always there, by its nginx name without the dollar sign: lower-case letters, digits, `_`.
    Variable(String),
    /// What a group of the route's expression has matched, 1 to 9; only where groups are asked for.
    Group(u8),
    /// What the service that decides has answered in this header; only in headers. Without such a service it is empty.
    Answered(HeaderName),
    /// A line break, carriage return or tab; only in what an answer says.
    Break(char),
}

/// Text and variables in turns; at most 2000 bytes as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct VariableText(Vec<TextPart>);

impl From<TextPart> for VariableText {
    fn from(part: TextPart) -> Self {
        Self(vec![part])
    }
}

impl VariableText {
    /// Longest text in bytes.
    pub const MAX_BYTES: usize = 2000;

    /// Reads text in which `$name` and `${name}` are variables. A dollar sign before anything else is one.
    ///
    /// # Errors
    /// When a variable is not one that every request has, or the text is too long or not printable.
    pub fn parse(text: &str) -> Result<Self, BadText> {
        Self::read(text, false, of_request)
    }

    /// Reads a text of one route, with `$1` to `$9` for the groups of an expression; further digits are text.
    ///
    /// # Errors
    /// As [`VariableText::parse`].
    pub fn parse_with_groups(text: &str) -> Result<Self, BadText> {
        Self::read(text, true, of_route)
    }

    /// As [`VariableText::parse_with_groups`]; `number`: of the group of this name, if there is one.
    ///
    /// # Errors
    /// As [`VariableText::parse`].
    pub fn parse_with_named_groups(text: &str, number: impl Fn(&str) -> Option<u8>) -> Result<Self, BadText> {
        Self::read(text, true, |name| number(name).map(TextPart::Group).or_else(|| of_route(name)))
    }

    /// Reads a text with variables of the caller's choice; each is named by lower-case letters, digits and `_`.
    ///
    /// # Errors
    /// When `may_stand` does not know a variable, or the text is too long or not printable.
    pub fn parse_with(text: &str, may_stand: fn(&str) -> bool) -> Result<Self, BadText> {
        Self::read(text, false, |name| may_stand(name).then(|| TextPart::Variable(name.to_owned())))
    }

    /// As [`VariableText::parse_with`], with `-` in place of variables that cannot stand here; their names, each once.
    ///
    /// # Errors
    /// When the text is too long or not printable.
    pub fn parse_with_dashes(text: &str, may_stand: fn(&str) -> bool) -> Result<(Self, Vec<String>), BadText> {
        let unknown = RefCell::new(Vec::<String>::new());
        let part = |name: &str| {
            let own = name.to_ascii_lowercase();
            if may_stand(&own) {
                return Some(TextPart::Variable(own));
            }
            if !unknown.borrow().iter().any(|known| known == name) {
                unknown.borrow_mut().push(name.to_owned());
            }
            Some(TextPart::Text("-".to_owned()))
        };
        let read = Self::read(text, false, part)?;
        Ok((read, unknown.into_inner()))
    }

    /// As [`VariableText::parse_with`]; `answered`: names of further variables, and the headers of the service that decides
    /// which they stand for.
    ///
    /// # Errors
    /// As [`VariableText::parse_with`].
    pub fn parse_with_answers(
        text: &str,
        answered: impl Fn(&str) -> Option<HeaderName>,
        may_stand: fn(&str) -> bool,
    ) -> Result<Self, BadText> {
        let of_request = |name: &str| may_stand(name).then(|| TextPart::Variable(name.to_owned()));
        Self::read(text, false, |name| answered(name).map(TextPart::Answered).or_else(|| of_request(name)))
    }

    /// `part`: what stands for the variable of this name; `None`: it cannot be used.
    fn read(text: &str, groups: bool, part: impl Fn(&str) -> Option<TextPart>) -> Result<Self, BadText> {
        if text.len() > Self::MAX_BYTES || !text.chars().all(is_printable) {
            return Err(BadText(format!("{} is not a text of at most 2000 printable characters on one line", shown(text))));
        }
        let mut parts = Self::default();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            parts.text(&rest[..at]);
            if let Some(digit) = rest.as_bytes().get(at + 1).filter(|b| groups && (b'1'..=b'9').contains(b)) {
                parts.0.push(TextPart::Group(digit - b'0'));
                rest = &rest[at + 2..];
                continue;
            }
            let (name, behind) = variable(&rest[at + 1..]);
            // To nginx the names of variables have no case.
            match name.map(|name| part(name).or_else(|| part(&name.to_ascii_lowercase())).ok_or(name)) {
                Some(Ok(TextPart::Text(text))) => parts.text(&text),
                Some(Ok(part)) => parts.0.push(part),
                Some(Err(name)) => return Err(BadText(format!("{} is not a variable that can be used here", shown(&format!("${name}"))))),
                None => parts.text("$"),
            }
            rest = behind;
        }
        parts.text(rest);
        parts.short_when_written()
    }

    /// The text, if no proxy has to be told it in too long a word. What stands for something of the request may be longer
    /// there than as it is read.
    ///
    /// # Errors
    /// When it is too long.
    pub fn short_when_written(self) -> Result<Self, BadText> {
        let length = |part: &TextPart| match part {
            TextPart::Text(text) => written_bytes(text),
            TextPart::Variable(name) => "${printable_}".len() + name.len(),
            TextPart::Group(_) | TextPart::Break(_) => "$1".len(),
            TextPart::Answered(header) => "${auth_answer_upstream_http_}".len() + header.as_str().len(),
        };
        fits_a_word(self.0.iter().map(length).sum(), || "the text".to_owned())?;
        Ok(self)
    }

    /// A text with line breaks, carriage returns and tabs; `read`: reads what stands between them.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn in_lines<E>(text: &str, read: impl Fn(&str) -> Result<Self, E>) -> Result<Self, E> {
        let (mut all, mut rest) = (Self::default(), text);
        while let Some((at, found)) = rest.char_indices().find(|(_, c)| ['\n', '\r', '\t'].contains(c)) {
            all.0.extend(read(&rest[..at])?.0);
            all.0.push(TextPart::Break(found));
            rest = &rest[at + 1..];
        }
        all.0.extend(read(rest)?.0);
        Ok(all)
    }

    /// Whether a line break, carriage return or tab occurs.
    #[must_use]
    pub fn has_breaks(&self) -> bool {
        self.0.iter().any(|part| matches!(part, TextPart::Break(_)))
    }

    fn text(&mut self, text: &str) {
        match self.0.last_mut() {
            Some(TextPart::Text(before)) => before.push_str(text),
            _ if text.is_empty() => {}
            _ => self.0.push(TextPart::Text(text.to_owned())),
        }
    }

    /// The parts; two texts never follow each other.
    #[must_use]
    pub fn parts(&self) -> &[TextPart] {
        &self.0
    }

    /// The text, if there is no variable in it.
    #[must_use]
    pub fn literal(&self) -> Option<&str> {
        match &self.0[..] {
            [] => Some(""),
            [TextPart::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The text with texts in place of variables that have one.
    #[must_use]
    pub fn filled<'t>(&self, text_of: impl Fn(&str) -> Option<&'t str>) -> Self {
        let mut filled = Self::default();
        for part in &self.0 {
            match part {
                TextPart::Text(text) => filled.text(text),
                TextPart::Variable(name) => match text_of(name) {
                    Some(text) => filled.text(text),
                    None => filled.0.push(part.clone()),
                },
                TextPart::Group(_) | TextPart::Answered(_) | TextPart::Break(_) => filled.0.push(part.clone()),
            }
        }
        filled
    }

    /// Whether what a group of an expression has matched occurs.
    #[must_use]
    pub fn has_groups(&self) -> bool {
        self.0.iter().any(|part| matches!(part, TextPart::Group(_)))
    }

    /// The headers of the service that decides whose values occur.
    pub fn answered(&self) -> impl Iterator<Item = &HeaderName> {
        self.0.iter().filter_map(|part| if let TextPart::Answered(header) = part { Some(header) } else { None })
    }

    /// Whether the text may turn out to be empty, as it is made of variables only.
    #[must_use]
    pub fn may_be_empty(&self) -> bool {
        !self.0.iter().any(|part| matches!(part, TextPart::Text(_) | TextPart::Break(_)))
    }

    /// The names of variables, as often as they occur.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| if let TextPart::Variable(name) = part { Some(name.as_str()) } else { None })
    }

    /// Whether one of these variables occurs.
    #[must_use]
    pub fn uses(&self, names: &[&str]) -> bool {
        self.0.iter().any(|part| matches!(part, TextPart::Variable(name) if names.contains(&name.as_str())))
    }
}

/// A variable that every request has.
fn of_request(name: &str) -> Option<TextPart> {
    may_be_told(name).then(|| TextPart::Variable(name.to_owned()))
}

/// A variable that every request for a route has.
fn of_route(name: &str) -> Option<TextPart> {
    is_of_route(name).then(|| TextPart::Variable(name.to_owned()))
}

/// The name behind a dollar sign, and the text behind it.
fn variable(text: &str) -> (Option<&str>, &str) {
    let end_of = |text: &str| text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    if let Some(inside) = text.strip_prefix('{') {
        let end = end_of(inside);
        return match inside[end..].strip_prefix('}') {
            Some(behind) if end > 0 => (Some(&inside[..end]), behind),
            _ => (None, text),
        };
    }
    match end_of(text) {
        0 => (None, text),
        end => (Some(&text[..end]), &text[end..]),
    }
}

#[cfg(test)]
mod tests {
    use super::super::variable::is_variable;
    use super::*;

    #[test]
    fn text_and_variables_take_turns() {
        let parse = |text| VariableText::parse(text).unwrap().0;
        let (text, variable) = (|t: &str| TextPart::Text(t.to_owned()), |v: &str| TextPart::Variable(v.to_owned()));
        assert_eq!(parse("t=${msec}x"), [text("t="), variable("msec"), text("x")]);
        assert_eq!(parse("$status$host-"), [variable("status"), variable("host"), text("-")]);
        assert_eq!(parse("5$ ${} $"), [text("5$ ${} $")]);
        assert_eq!(parse("$http_x_a"), [variable("http_x_a")]);
        assert_eq!(parse(""), []);
    }

    #[test]
    fn groups_are_one_digit_and_only_where_they_are_asked_for() {
        let parts = VariableText::parse_with_groups("/x/$12$host").unwrap().0;
        let (text, group) = (|t: &str| TextPart::Text(t.to_owned()), TextPart::Group);
        assert_eq!(parts, [text("/x/"), group(1), text("2"), TextPart::Variable("host".to_owned())]);
        assert!(VariableText::parse("$1").is_err());
    }

    #[test]
    fn further_variables_stand_for_what_a_service_has_answered() {
        let header = HeaderName::new("X-User").unwrap();
        let read = |text| VariableText::parse_with_answers(text, |name| (name == "User").then(|| header.clone()), is_variable);
        let text = read("Bearer ${User}$host").unwrap();
        let parts = [TextPart::Text("Bearer ".to_owned()), TextPart::Answered(header.clone()), TextPart::Variable("host".to_owned())];
        assert_eq!((text.parts(), text.answered().count(), text.may_be_empty()), (&parts[..], 1, false));
        assert!(read("$User").unwrap().may_be_empty() && read("$user").is_err() && VariableText::parse("$User").is_err());
    }

    #[test]
    fn variables_are_filled_in() {
        let text = VariableText::parse("$service_name.$host").unwrap().filled(|name| (name == "service_name").then_some("app"));
        assert_eq!(text.0, [TextPart::Text("app.".to_owned()), TextPart::Variable("host".to_owned())]);
    }

    #[test]
    fn other_variables_and_texts_are_refused() {
        for bad in ["$nosuch", "$http_", "$NoSuch", "${geoip2_asn}", "a\nb", "$env_x", "$document_root/x", "${request_filename}"] {
            assert!(VariableText::parse(bad).is_err() && VariableText::parse_with_groups(bad).is_err(), "{bad}");
        }
        assert_eq!(VariableText::parse("$HOST/$cookie_JSESSIONID"), VariableText::parse("$host/$cookie_jsessionid"), "names have no case");
        assert!(VariableText::parse("$subdomain").is_err() && VariableText::parse_with_groups("$subdomain").is_ok(), "of one route");
        assert!(VariableText::parse_with("$document_root", is_variable).is_ok(), "the operator may log it");
        assert!(VariableText::parse(&"a".repeat(2001)).is_err());
    }
}
