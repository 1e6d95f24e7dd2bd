//! A reader of nginx's grammar that shares nothing with the printer: bytes → directive tree.
//!
//! It is stricter than nginx: no control characters, no escapes but `\"`, `\\`, `\n`, `\r` and `\t`, no single quotes, bounded words and
//! depth. What it takes, nginx takes in the same way (a test compares the two).

use crate::dialect::GrammarError;
use std::borrow::Cow;

/// Longest word in bytes; nginx reads files in pieces of 4096 bytes and no word may be longer.
const MAX_WORD_BYTES: usize = 4000;
/// Deepest nesting; our templates need four.
const MAX_DEPTH: usize = 8;

/// One directive of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive<'f> {
    /// The first word of the directive.
    pub name: Cow<'f, str>,
    /// The further words.
    pub args: Vec<Cow<'f, str>>,
    /// Line of the first word, counted from 1.
    pub line: u32,
    /// What stands between its braces; `None`: it ends with a semicolon.
    pub block: Option<Vec<Directive<'f>>>,
}

/// Reads a file in one pass.
///
/// # Errors
/// With the first line that is not written as our templates write.
pub fn read(bytes: &[u8]) -> Result<Vec<Directive<'_>>, GrammarError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].iter().filter(|&&b| b == b'\n').count() + 1;
        error_at(u32::try_from(line).unwrap_or(u32::MAX), "not UTF-8")
    })?;
    Reader { text, at: 0, line: 1 }.block(0)
}

enum Token<'f> {
    Word(Cow<'f, str>),
    Semicolon,
    Open,
    Close,
    End,
}

struct Reader<'f> {
    text: &'f str,
    at: usize,
    line: u32,
}

impl<'f> Reader<'f> {
    /// Reads directives up to the closing brace, or the end of the file at depth 0.
    fn block(&mut self, depth: usize) -> Result<Vec<Directive<'f>>, GrammarError> {
        if depth > MAX_DEPTH {
            return Err(error_at(self.line, "blocks are nested too deeply"));
        }
        let mut directives = Vec::new();
        loop {
            match self.token()? {
                Token::Word(name) => directives.push(self.directive(name, depth)?),
                Token::Close if depth > 0 => return Ok(directives),
                Token::End if depth == 0 => return Ok(directives),
                Token::End => return Err(error_at(self.line, "a block is not closed")),
                _ => return Err(error_at(self.line, "punctuation without a directive")),
            }
        }
    }

    fn directive(&mut self, name: Cow<'f, str>, depth: usize) -> Result<Directive<'f>, GrammarError> {
        let line = self.line;
        let mut args = Vec::new();
        loop {
            match self.token()? {
                Token::Word(word) => args.push(word),
                Token::Semicolon => return Ok(Directive { name, args, line, block: None }),
                Token::Open => {
                    let block = Some(self.block(depth + 1)?);
                    return Ok(Directive { name, args, line, block });
                }
                Token::Close | Token::End => return Err(GrammarError::about(line, "no end of the directive", &name)),
            }
        }
    }

    fn token(&mut self) -> Result<Token<'f>, GrammarError> {
        loop {
            let Some(&byte) = self.text.as_bytes().get(self.at) else { return Ok(Token::End) };
            match byte {
                b' ' => self.at += 1,
                b'\n' => {
                    self.at += 1;
                    self.line += 1;
                }
                b'#' => self.comment()?,
                b';' => return Ok(self.punctuation(Token::Semicolon)),
                b'{' => return Ok(self.punctuation(Token::Open)),
                b'}' => return Ok(self.punctuation(Token::Close)),
                b'"' => return self.quoted(),
                _ => return self.bare(),
            }
        }
    }

    fn punctuation(&mut self, token: Token<'f>) -> Token<'f> {
        self.at += 1;
        token
    }

    fn comment(&mut self) -> Result<(), GrammarError> {
        let rest = &self.text[self.at..];
        let comment = rest.split_once('\n').map_or(rest, |(comment, _)| comment);
        if comment.chars().any(char::is_control) {
            return Err(error_at(self.line, "a control character in a comment"));
        }
        self.at += comment.len();
        Ok(())
    }

    /// A word without quotes. A brace after a dollar sign belongs to it (`${name}`), a quote or backslash never does.
    fn bare(&mut self) -> Result<Token<'f>, GrammarError> {
        let rest = &self.text.as_bytes()[self.at..];
        let mut end = 0;
        while let Some(&byte) = rest.get(end) {
            match byte {
                b' ' | b'\n' | b';' => break,
                b'{' if end > 0 && rest[end - 1] == b'$' => {}
                b'{' => break,
                b'"' | b'\'' | b'\\' | b'#' => return Err(error_at(self.line, "a quote, backslash or '#' inside a bare word")),
                b'}' if !closes_variable(&rest[..end]) => return Err(error_at(self.line, "a brace inside a bare word")),
                _ if byte.is_ascii_control() => return Err(error_at(self.line, "a control character")),
                _ => {}
            }
            end += 1;
        }
        let word = &self.text[self.at..self.at + end];
        self.at += end;
        self.word(Cow::Borrowed(word))
    }

    /// A word in double quotes; something that separates words has to follow it.
    fn quoted(&mut self) -> Result<Token<'f>, GrammarError> {
        let start = self.at + 1;
        let rest = &self.text.as_bytes()[start..];
        let (mut end, mut escapes) = (0, false);
        loop {
            match rest.get(end) {
                None => return Err(error_at(self.line, "a quote is not closed")),
                Some(b'"') => break,
                Some(b'\\') if matches!(rest.get(end + 1), Some(b'"' | b'\\' | b'n' | b'r' | b't')) => {
                    escapes = true;
                    end += 2;
                }
                Some(b'\\') => return Err(error_at(self.line, "a lone backslash")),
                Some(byte) if byte.is_ascii_control() => return Err(error_at(self.line, "a control character")),
                Some(_) => end += 1,
            }
        }
        if !matches!(rest.get(end + 1), Some(b' ' | b'\n' | b';')) {
            return Err(error_at(self.line, "no blank after a quoted word"));
        }
        let raw = &self.text[start..start + end];
        self.at = start + end + 1;
        self.word(if escapes { Cow::Owned(unescaped(raw)) } else { Cow::Borrowed(raw) })
    }

    fn word(&self, word: Cow<'f, str>) -> Result<Token<'f>, GrammarError> {
        if word.len() > MAX_WORD_BYTES { Err(error_at(self.line, "a word is too long")) } else { Ok(Token::Word(word)) }
    }
}

/// Whether the last brace before the end of a word is the opening one of `${name}`.
fn closes_variable(word: &[u8]) -> bool {
    word.iter().rev().find(|&&b| b == b'{' || b == b'}') == Some(&b'{')
}

fn unescaped(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        out.extend(match c {
            '\\' => chars.next().map(|c| match c {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                c => c,
            }),
            c => Some(c),
        });
    }
    out
}

fn error_at(line: u32, message: &str) -> GrammarError {
    GrammarError { line, message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> String {
        fn walk(directives: &[Directive<'_>], out: &mut String) {
            for d in directives {
                out.push_str(&format!("{}:{}{:?}", d.line, d.name, d.args));
                if let Some(block) = &d.block {
                    out.push('{');
                    walk(block, out);
                    out.push('}');
                }
            }
        }
        let mut out = String::new();
        walk(&read(text.as_bytes()).unwrap(), &mut out);
        out
    }

    #[test]
    fn words_blocks_and_comments_become_a_tree() {
        assert_eq!(shape("a b;\n# x { ;\nc \"d e\" {\n  f ${g}h \"\\\"\\\\\"; }\n"), r#"1:a["b"]3:c["d e"]{4:f["${g}h", "\"\\"]}"#);
    }

    #[test]
    fn nothing_that_our_templates_do_not_write_is_read() {
        for bad in [
            "a",
            "a b",
            "a {",
            "}",
            ";",
            "a; }",
            "a \"b",
            "a \"b\"c;",
            "a 'b';",
            "a b'c;",
            "a b\\;c;",
            "a \"\\x\";",
            "a\tb;",
            "a b\r;",
            "a \"b\nc\";",
            "a \0;",
            "# \u{1b}",
            "a b};",
            "a b#c;",
            "a { b { c { d { e { f { g { h { i { j; } } } } } } } } }",
        ] {
            assert!(read(bad.as_bytes()).is_err(), "{bad:?}");
        }
        assert!(read(format!("a {};", "x".repeat(MAX_WORD_BYTES + 1)).as_bytes()).is_err());
        assert_eq!(read(b"a;\n\xff;").unwrap_err().line, 2);
    }
}
