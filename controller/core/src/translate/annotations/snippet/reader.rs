//! A reader of nginx's grammar as people write it: text → directives with their places.

use super::others;
use crate::names::{is_printable, shown};

/// Longest word in bytes.
const MAX_WORD: usize = 2000;
/// Most directives.
const MAX_DIRECTIVES: usize = 200;
/// Deepest nesting of blocks.
const MAX_DEPTH: usize = 3;

/// A directive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Directive {
    pub(super) name: String,
    pub(super) arguments: Vec<String>,
    /// Line of the snippet, counted from 1.
    pub(super) line: usize,
    /// What stands between its braces; `None`: it ends with a semicolon.
    pub(super) block: Option<Vec<Directive>>,
}

impl Directive {
    /// Why it is refused, with its place.
    pub(super) fn wrong(&self, why: &str) -> String {
        format!("line {}: {}: {why}", self.line, shown(&self.name))
    }
}

/// Reads a snippet.
///
/// # Errors
/// With the line at which it is no nginx configuration.
pub(super) fn read(text: &str) -> Result<Vec<Directive>, String> {
    let mut reader = Reader { rest: text.chars().collect(), at: 0, line: 1, count: 0 };
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
    line: usize,
    count: usize,
}

impl Reader {
    fn wrong<T>(&self, what: &str) -> Result<T, String> {
        Err(format!("line {}: {what}", self.line))
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.get(self.at).copied()?;
        self.at += 1;
        self.line += usize::from(c == '\n');
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
        let (line, mut arguments) = (self.line, Vec::new());
        // What follows is another language.
        if others::is_code(&name) {
            return Err(format!("line {line}: {}: {}", shown(&name), others::unknown(&name)));
        }
        self.count += 1;
        if self.count > MAX_DIRECTIVES || depth > MAX_DEPTH {
            return self.wrong("there are too many directives");
        }
        loop {
            match self.token()? {
                Token::Word(word) => arguments.push(word),
                Token::Semicolon => return Ok(Directive { name, arguments, line, block: None }),
                Token::Open => {
                    let block = Some(self.block(depth + 1)?);
                    return Ok(Directive { name, arguments, line, block });
                }
                Token::Close | Token::End => return Err(format!("line {line}: {} has no end", shown(&name))),
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
                '"' | '\'' => return self.quoted(c),
                _ => return self.bare(),
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
            return self.wrong("a word is too long");
        }
        if !word.chars().all(is_printable) {
            return self.wrong(&format!("{} has a character that is not printable", shown(&word)));
        }
        Ok(Token::Word(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_have_their_words_and_lines() {
        let read = read("# x\nadd_header A 'b \"c\"' always;\n\tif ($http_x ~* \"a b\") {\n return 403; }\n").unwrap();
        assert_eq!(
            (read[0].name.as_str(), read[0].line, &read[0].arguments[..]),
            ("add_header", 2, &["A", "b \"c\"", "always"].map(str::to_owned)[..])
        );
        let inside = read[1].block.as_ref().unwrap();
        assert_eq!((read[1].arguments.len(), inside[0].name.as_str(), inside[0].line), (4, "return", 4));
        assert_eq!(super::read("  # nothing\n").unwrap(), []);
        assert_eq!(super::read("a ${b}c \\d;").unwrap()[0].arguments, ["${b}c", "\\d"]);
    }

    #[test]
    fn what_is_no_configuration_is_refused_with_its_line() {
        for (bad, line) in
            [("a", 1), ("a {", 1), ("a;\n}", 2), ("a \"b", 1), ("a \"b\"c;", 1), (";", 1), ("a;\nb \0;", 2), ("a 'b\nc';", 2)]
        {
            let why = super::read(bad).unwrap_err();
            assert!(why.starts_with(&format!("line {line}: ")), "{bad:?}: {why}");
        }
        assert!(super::read(&"a;".repeat(300)).is_err() && super::read(&"a { ".repeat(9)).is_err());
    }
}
