//! A reader of nginx's grammar as people write it: text → directives with their places.

use super::others;
use crate::names::{is_printable, shown};

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
        let Self { line, column } = self;
        format!("{BEGIN}{line}, column {column}: {why}")
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

/// Reads a snippet.
///
/// # Errors
/// With the place at which it is no nginx configuration.
pub(super) fn read(text: &str) -> Result<Vec<Directive>, String> {
    let mut reader = Reader { rest: text.chars().collect(), at: 0, place: Place::FIRST, begin: Place::FIRST, count: 0 };
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
        loop {
            match self.token()? {
                Token::Word(word) => arguments.push(word),
                Token::Semicolon => return Ok(Directive { name, arguments, at, block: None }),
                Token::Open => {
                    let block = Some(self.block(depth + 1)?);
                    return Ok(Directive { name, arguments, at, block });
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
                    Some(c) => word.extend(['\\', c]),
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
                    word.push('\\');
                    word.extend(self.next());
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
        if !word.chars().all(is_printable) {
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
