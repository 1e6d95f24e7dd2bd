//! The tokens of a regular expression: where its groups, classes, alternatives and escapes begin and end.
//!
//! They are found in every text, whether it is an expression or none; who wants to know that reads it with [`super::parts::read`].

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The bracket that opens a group which can be asked for.
    Group,
    /// One that opens another group; a question mark and the kind of it stand behind.
    Extended,
    /// The bracket that closes either of them.
    Close,
    /// `|`.
    Or,
    /// A class with its brackets.
    Class,
    /// One that is not closed, up to the end of the text.
    OpenClass,
    /// A backslash and the character behind it, which is missing at the end of a text.
    Escape,
    /// Any other, be it for itself, a place, or how often something may stand there.
    Character(char),
}

/// A piece of an expression. All of them, one after the other, are the expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind,
    /// As it is written; never empty.
    pub(super) text: &'t str,
}

impl Token<'_> {
    /// The character that it stands for, where it is one.
    fn literal(&self) -> Option<char> {
        match self.kind {
            Kind::Character('.' | '*' | '+' | '?' | '{' | '^' | '$') => None,
            Kind::Character(c) => Some(c),
            Kind::Escape => self.text[1..].chars().next().filter(|c| !c.is_ascii_alphanumeric()),
            _ => None,
        }
    }
}

/// The characters that everything begins with that an expression of one alternative matches, as far as its text tells, and what
/// is left of it.
pub(crate) fn literal_begin(text: &str) -> (String, &str) {
    let (mut tokens, mut begin) = (Tokens::new(text), String::new());
    loop {
        let rest = tokens.rest;
        let Some(token) = tokens.next() else { return (begin, rest) };
        match token.literal() {
            Some(c) => begin.push(c),
            None => {
                // The character before it may be missing.
                if matches!(token.kind, Kind::Character('*' | '?' | '{')) {
                    begin.pop();
                }
                return (begin, rest);
            }
        }
    }
}

/// Those of a text, from the beginning on.
#[derive(Debug)]
pub(super) struct Tokens<'t> {
    /// What is not read yet.
    pub(super) rest: &'t str,
}

impl<'t> Tokens<'t> {
    pub(super) const fn new(text: &'t str) -> Self {
        Self { rest: text }
    }

    /// Takes a piece that is of no interest as tokens, if it stands there.
    pub(super) fn eat(&mut self, text: &str) -> bool {
        let behind = self.rest.strip_prefix(text);
        self.rest = behind.unwrap_or(self.rest);
        behind.is_some()
    }
}

impl<'t> Iterator for Tokens<'t> {
    type Item = Token<'t>;

    fn next(&mut self) -> Option<Token<'t>> {
        let first = self.rest.chars().next()?;
        let behind = &self.rest[first.len_utf8()..];
        let (kind, more) = match first {
            '(' if behind.starts_with('?') => (Kind::Extended, 0),
            '(' => (Kind::Group, 0),
            ')' => (Kind::Close, 0),
            '|' => (Kind::Or, 0),
            '[' => class_end(behind).map_or((Kind::OpenClass, behind.len()), |end| (Kind::Class, end)),
            '\\' => (Kind::Escape, behind.chars().next().map_or(0, char::len_utf8)),
            c => (Kind::Character(c), 0),
        };
        let (text, rest) = self.rest.split_at(first.len_utf8() + more);
        self.rest = rest;
        Some(Token { kind, text })
    }
}

/// Bytes up to the bracket that closes a class, and with it.
fn class_end(inside: &str) -> Option<usize> {
    let mut chars = inside.chars();
    loop {
        match chars.next()? {
            '\\' => _ = chars.next(),
            ']' => return Some(inside.len() - chars.as_str().len()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_is_found_and_none_is_lost() {
        use Kind::{Character, Class, Close, Escape, Extended, Group, OpenClass, Or};
        for (text, expected) in [
            ("", vec![]),
            ("aß.", vec![(Character('a'), "a"), (Character('ß'), "ß"), (Character('.'), ".")]),
            ("(a)", vec![(Group, "("), (Character('a'), "a"), (Close, ")")]),
            ("(?:", vec![(Extended, "("), (Character('?'), "?"), (Character(':'), ":")]),
            (r"\((", vec![(Escape, r"\("), (Group, "(")]),
            ("|[(|?]", vec![(Or, "|"), (Class, "[(|?]")]),
            (r"[^\]ß]]", vec![(Class, r"[^\]ß]"), (Character(']'), "]")]),
            ("[[a]", vec![(Class, "[[a]")]),
            ("[]a", vec![(Class, "[]"), (Character('a'), "a")]),
            ("[a", vec![(OpenClass, "[a")]),
            (r"[a\]", vec![(OpenClass, r"[a\]")]),
            (r"[a\", vec![(OpenClass, r"[a\")]),
            (r"\ß\", vec![(Escape, r"\ß"), (Escape, r"\")]),
            ("*{2}", vec![(Character('*'), "*"), (Character('{'), "{"), (Character('2'), "2"), (Character('}'), "}")]),
        ] {
            let found: Vec<_> = Tokens::new(text).map(|token| (token.kind, token.text)).collect();
            assert_eq!(found, expected, "{text}");
            assert_eq!(found.iter().map(|(_, text)| *text).collect::<String>(), text);
        }
    }

    #[test]
    fn the_begin_is_what_stands_for_itself() {
        for (text, begin, rest) in [
            ("", "", ""),
            ("/a", "/a", ""),
            ("/a\\.b/.*", "/a.b/", ".*"),
            ("/ab*c", "/a", "*c"),
            ("/ab?", "/a", "?"),
            ("/ab{0,1}", "/a", "{0,1}"),
            ("/ab+", "/ab", "+"),
            ("/ä(b)", "/ä", "(b)"),
            ("/a\\d", "/a", "\\d"),
            ("/[a]", "/", "[a]"),
            ("/[a", "/", "[a"),
            ("^/", "", "^/"),
            ("*", "", "*"),
            ("/\\", "/", "\\"),
        ] {
            assert_eq!(literal_begin(text), (begin.to_owned(), rest), "{text}");
        }
    }

    #[test]
    fn a_piece_is_eaten_where_it_stands() {
        let mut tokens = Tokens::new("(?:a");
        assert!(tokens.next().is_some() && !tokens.eat("?=") && tokens.eat("?:"));
        assert_eq!(tokens.rest, "a");
    }
}
