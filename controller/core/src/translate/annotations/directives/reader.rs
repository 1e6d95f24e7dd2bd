//! A reader of nginx's grammar as people write it: text → directives with their places.

use super::others;
use crate::names::{is_printable, shown};
use std::fmt;

/// Longest word in bytes.
const MAX_WORD: usize = 2000;
/// Most directives.
const MAX_DIRECTIVES: usize = 200;
/// Deepest nesting of blocks.
const MAX_DEPTH: usize = 3;

/// A line of the snippet, and a character of it; both are counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Place {
    const FIRST: Self = Self { line: 1, column: 1 };

    /// What is said of it.
    fn wrong(self, why: &str) -> String {
        format!("{self}: {why}")
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{BEGIN}{}, column {}", self.line, self.column)
    }
}

/// What is said with a place begins so.
const BEGIN: &str = "line ";

/// A directive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Directive {
    pub(super) name: String,
    pub(super) arguments: Vec<String>,
    pub(super) at: Place,
    /// What stands between its braces; `None`: it ends with a semicolon.
    pub(super) block: Option<Vec<Directive>>,
}

impl Directive {
    /// What is wrong with it, or else to be said of it, with its place; what has one, of a directive in its block, keeps that.
    pub(super) fn wrong(&self, why: &str) -> String {
        if why.starts_with(BEGIN) { why.to_owned() } else { self.at.wrong(&format!("{}: {why}", shown(&self.name))) }
    }
}

impl Directive {
    /// Whether that was said of it.
    pub(super) fn is_said_in(&self, what: &str) -> bool {
        what.starts_with(&self.at.wrong(""))
    }
}

/// The directive whose words may have several lines.
const ANSWERS: &str = "return";

/// Escapes that stand for other characters where a directive says something, by private-use characters which no text holds.
const ESCAPES: [(char, char, char); 3] = [('n', '\u{e002}', '\n'), ('r', '\u{e003}', '\r'), ('t', '\u{e004}', '\t')];

/// The letter of the escape that a character stands for, and what that means.
fn escape_of(mark: char) -> Option<(char, char)> {
    ESCAPES.iter().find(|(_, own, _)| *own == mark).map(|(letter, _, control)| (*letter, *control))
}

/// Adds what stands behind a backslash.
fn escape(word: &mut String, letter: char) {
    match ESCAPES.iter().find(|(own, ..)| *own == letter) {
        Some((_, mark, _)) => word.push(*mark),
        None => word.extend(['\\', letter]),
    }
}

impl Directive {
    /// The same with its words as it takes them: what is answered may have several lines, and everything else is as it is written.
    fn said(mut self) -> Self {
        let answers = self.name == ANSWERS;
        for word in std::iter::once(&mut self.name).chain(&mut self.arguments) {
            if word.contains(|c| escape_of(c).is_some()) {
                let meant = |c: char| match escape_of(c) {
                    Some((_, control)) if answers => control.to_string(),
                    Some((letter, _)) => format!("\\{letter}"),
                    None => c.to_string(),
                };
                *word = word.chars().map(meant).collect();
            }
        }
        self
    }
}

/// Reads a snippet.
///
/// # Errors
/// With the place at which it is no nginx configuration.
pub(super) fn read(text: &str) -> Result<Vec<Directive>, String> {
    if let Some((at, c)) = text.char_indices().find(|(_, c)| escape_of(*c).is_some()) {
        let line = text[..at].rsplit('\n').next().unwrap_or_default();
        let place = Place { line: text[..at].matches('\n').count() + 1, column: line.chars().count() + 1 };
        return Err(place.wrong(&format!("{} has a character that is not printable", shown(c.encode_utf8(&mut [0; 4])))));
    }
    let mut reader = Reader { rest: text.chars().collect(), at: 0, place: Place::FIRST, begin: Place::FIRST, count: 0, in_lines: false };
    reader.block(0)
}

enum Token {
    Word(String),
    Semicolon,
    Open,
    Close,
    End,
}

struct Reader {
    rest: Vec<char>,
    at: usize,
    place: Place,
    /// Of the last word.
    begin: Place,
    count: usize,
    /// Words may have several lines.
    in_lines: bool,
}

impl Reader {
    fn wrong<T>(&self, what: &str) -> Result<T, String> {
        Err(self.place.wrong(what))
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.get(self.at).copied()?;
        self.at += 1;
        self.place = match c {
            '\n' => Place { line: self.place.line + 1, column: 1 },
            _ => Place { column: self.place.column + 1, ..self.place },
        };
        Some(c)
    }

    fn block(&mut self, depth: usize) -> Result<Vec<Directive>, String> {
        let mut directives = Vec::new();
        loop {
            match self.token()? {
                Token::Word(name) => directives.push(self.directive(name, depth)?),
                Token::Close if depth > 0 => return Ok(directives),
                Token::End if depth == 0 => return Ok(directives),
                Token::End => return self.wrong("a block is not closed"),
                Token::Semicolon | Token::Open | Token::Close => return self.wrong("punctuation without a directive"),
            }
        }
    }

    fn directive(&mut self, name: String, depth: usize) -> Result<Directive, String> {
        let (at, mut arguments) = (self.begin, Vec::new());
        // What follows is another language.
        if others::is_code(&name) {
            return Err(at.wrong(&format!("{}: {}", shown(&name), others::unknown(&name))));
        }
        self.count += 1;
        if self.count > MAX_DIRECTIVES || depth > MAX_DEPTH {
            return self.wrong("there are too many directives");
        }
        self.in_lines = name == ANSWERS;
        loop {
            match self.token()? {
                Token::Word(word) => arguments.push(word),
                Token::Semicolon => {
                    self.in_lines = false;
                    return Ok(Directive { name, arguments, at, block: None }.said());
                }
                Token::Open => {
                    self.in_lines = false;
                    let block = Some(self.block(depth + 1)?);
                    return Ok(Directive { name, arguments, at, block }.said());
                }
                Token::Close | Token::End => return Err(at.wrong(&format!("{} has no end", shown(&name)))),
            }
        }
    }

    fn token(&mut self) -> Result<Token, String> {
        loop {
            let Some(&c) = self.rest.get(self.at) else { return Ok(Token::End) };
            match c {
                ' ' | '\t' | '\r' | '\n' => _ = self.next(),
                '#' => while self.next().is_some_and(|c| c != '\n') {},
                ';' | '{' | '}' => {
                    self.next();
                    return Ok(if c == ';' {
                        Token::Semicolon
                    } else if c == '{' {
                        Token::Open
                    } else {
                        Token::Close
                    });
                }
                '"' | '\'' => {
                    self.begin = self.place;
                    return self.quoted(c);
                }
                _ => {
                    self.begin = self.place;
                    return self.bare();
                }
            }
        }
    }

    fn quoted(&mut self, quote: char) -> Result<Token, String> {
        self.next();
        let mut word = String::new();
        loop {
            match self.next() {
                None => return self.wrong("a quote is not closed"),
                Some(c) if c == quote => break,
                Some('\\') => match self.next() {
                    Some(c @ ('"' | '\'' | '\\')) => word.push(c),
                    Some(c) => escape(&mut word, c),
                    None => return self.wrong("a quote is not closed"),
                },
                Some(c) => word.push(c),
            }
        }
        match self.rest.get(self.at) {
            None | Some(' ' | '\t' | '\r' | '\n' | ';' | '{' | ')') => self.word(word),
            Some(_) => self.wrong("there is no blank behind a quote"),
        }
    }

    fn bare(&mut self) -> Result<Token, String> {
        let mut word = String::new();
        while let Some(&c) = self.rest.get(self.at) {
            match c {
                ' ' | '\t' | '\r' | '\n' | ';' => break,
                '{' if !word.ends_with('$') => break,
                '\\' => {
                    self.next();
                    match self.next() {
                        Some(c) => escape(&mut word, c),
                        None => word.push('\\'),
                    }
                    continue;
                }
                _ => word.push(c),
            }
            self.next();
        }
        self.word(word)
    }

    fn word(&self, word: String) -> Result<Token, String> {
        if word.len() > MAX_WORD {
            return Err(self.begin.wrong("a word is too long"));
        }
        let in_lines = |c| self.in_lines && ['\n', '\t'].contains(&c);
        if !word.chars().all(|c| is_printable(c) || in_lines(c) || escape_of(c).is_some()) {
            return Err(self.begin.wrong(&format!("{} has a character that is not printable", shown(&word))));
        }
        Ok(Token::Word(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_have_their_words_and_places() {
        let read = read("# x\nadd_header A 'b \"c\"' always;\n\tif ($http_x ~* \"a b\") {\n return 403; }\n").unwrap();
        assert_eq!(
            (read[0].name.as_str(), (read[0].at.line, read[0].at.column), &read[0].arguments[..]),
            ("add_header", (2, 1), &["A", "b \"c\"", "always"].map(str::to_owned)[..])
        );
        let inside = read[1].block.as_ref().unwrap();
        assert_eq!((read[1].arguments.len(), inside[0].name.as_str(), inside[0].at), (4, "return", Place { line: 4, column: 2 }));
        assert_eq!(read[1].at, Place { line: 3, column: 2 });
        assert_eq!(super::read("  # nothing\n").unwrap(), []);
        assert_eq!(super::read("a ${b}c \\d;").unwrap()[0].arguments, ["${b}c", "\\d"]);
    }

    #[test]
    fn what_is_answered_may_have_several_lines_and_nothing_else() {
        let arguments = |text: &str| read(text).map(|read| read[0].arguments.clone());
        assert_eq!(arguments("return 200 \"a\\n\\\\n\\t\nb\";").unwrap()[1], "a\n\\n\t\nb");
        assert_eq!(arguments("return 200 a\\nb;").unwrap()[1], "a\nb");
        assert_eq!(arguments("rewrite ^/\\ra\\n '\\t\\d';").unwrap(), ["^/\\ra\\n", "\\t\\d"], "expressions have escapes of their own");
        for bad in ["add_header A 'a\nb';", "return 200 'a\u{e002}';", "if ($a = 'a\nb') { return 403; }", "return 200 'a\rb';"] {
            assert!(arguments(bad).unwrap_err().contains("not printable"), "{bad}");
        }
    }

    #[test]
    fn what_is_no_configuration_is_refused_with_its_place() {
        for (bad, line, column) in [
            ("a", 1, 1),
            ("a {", 1, 4),
            ("a;\n}", 2, 2),
            ("a \"b", 1, 5),
            ("a \"b\"c;", 1, 6),
            (";", 1, 2),
            ("a;\nb \0;", 2, 3),
            ("a 'b\nc';", 1, 3),
        ] {
            let why = super::read(bad).unwrap_err();
            assert!(why.starts_with(&format!("line {line}, column {column}: ")), "{bad:?}: {why}");
        }
        assert!(super::read(&"a;".repeat(300)).is_err() && super::read(&"a { ".repeat(9)).is_err());
    }
}
