//! Regular expressions and exact texts that requests are compared with.

use super::named::without_names;
use super::repeats::are_ambiguous;
use super::{BadText, is_printable, shown};
use std::fmt;
use std::sync::Arc;

/// Longest expression in bytes.
const MAX_BYTES: usize = 1000;
/// Deepest nesting of groups.
const MAX_DEPTH: usize = 10;
/// Characters that an expression may match at most where it counts repetitions; larger ones do not compile.
const MAX_SIZE: usize = 20_000;

/// A regular expression that every PCRE takes and reads in the same way: literals, classes, groups without names,
/// alternatives, groups in which case does not count, look-ahead, `^`, `$`, `*`, `+`, `?`, `{n,m}`. Unanchored. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TextRegex(Arc<str>);

impl TextRegex {
    /// Checks and keeps an expression.
    ///
    /// # Errors
    /// With the place that cannot be used.
    pub fn new(text: &str) -> Result<Self, BadText> {
        let bad = |why: &str| BadText(format!("{} is not a usable regular expression: {why}", shown(text)));
        if text.is_empty() || text.len() > MAX_BYTES {
            return Err(bad("it is empty or longer than 1000 bytes"));
        }
        if !text.chars().all(is_printable) {
            return Err(bad("it has a control character"));
        }
        // In front of all it holds for all, and so it does around all.
        let ignoring_case = text.strip_prefix("(?i)").map(|rest| format!("(?i:{rest})"));
        let text = ignoring_case.as_deref().unwrap_or(text);
        let mut reader = Reader { rest: text.chars().collect(), at: 0 };
        let size = reader.alternatives(0).map_err(bad)?;
        match reader.peek() {
            Some(_) => Err(bad("a bracket is closed that is not open")),
            None if size > MAX_SIZE => Err(bad("its repetitions are too large")),
            None if are_ambiguous(text) => Err(bad("a repetition in a repetition has no bound, and could take very long")),
            None => Ok(Self(text.into())),
        }
    }

    /// An expression without the names of its groups, and these in lower case, each with the number of its group.
    ///
    /// # Errors
    /// With a name that is none, or taken.
    pub fn without_names(text: &str) -> Result<(String, Vec<(String, usize)>), BadText> {
        without_names(text)
    }

    /// The expression.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Characters that it matches at most where it counts repetitions.
    pub(super) fn size(&self) -> usize {
        Reader { rest: self.0.chars().collect(), at: 0 }.alternatives(0).unwrap_or(MAX_SIZE)
    }

    /// How many groups there are whose matches can be asked for.
    #[must_use]
    pub fn groups(&self) -> usize {
        let (mut count, mut in_class, mut rest) = (0, false, self.0.chars());
        while let Some(c) = rest.next() {
            match c {
                '\\' => _ = rest.next(),
                '[' => in_class = true,
                ']' => in_class = false,
                '(' if !in_class && !rest.as_str().starts_with('?') => count += 1,
                _ => {}
            }
        }
        count
    }
}

impl fmt::Display for TextRegex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a text is compared with, as nginx's maps write it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TextPattern {
    /// Equal but for case. Printable, not empty, at most 1000 bytes.
    Exact(Arc<str>),
    /// Written `~expression`: it matches somewhere, with case.
    Regex(TextRegex),
    /// Written `~*expression`: it matches somewhere, without case.
    RegexIgnoringCase(TextRegex),
}

impl TextPattern {
    /// Whether it has a limit of steps, and a proxy may not know whether it matches.
    #[must_use]
    pub fn is_slow(&self) -> bool {
        match self {
            Self::Exact(_) => false,
            Self::Regex(expression) | Self::RegexIgnoringCase(expression) => !expression.limits().is_empty(),
        }
    }

    /// Reads one.
    ///
    /// # Errors
    /// When the text is not printable, too long, or no expression.
    pub fn parse(text: &str) -> Result<Self, BadText> {
        if let Some(expression) = text.strip_prefix("~*") {
            return TextRegex::new(expression).map(Self::RegexIgnoringCase);
        }
        if let Some(expression) = text.strip_prefix('~') {
            return TextRegex::new(expression).map(Self::Regex);
        }
        if text.is_empty() || text.len() > MAX_BYTES || !text.chars().all(is_printable) {
            return Err(BadText(format!("{} is not a text of at most 1000 printable characters", shown(text))));
        }
        Ok(Self::Exact(text.into()))
    }
}

/// A reader of expressions that measures what they match at most.
struct Reader {
    rest: Vec<char>,
    at: usize,
}

type Size = Result<usize, &'static str>;

impl Reader {
    fn peek(&self) -> Option<char> {
        self.rest.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }

    fn eat(&mut self, text: &str) -> bool {
        let found = text.chars().enumerate().all(|(n, c)| self.rest.get(self.at + n) == Some(&c));
        self.at += if found { text.chars().count() } else { 0 };
        found
    }

    /// Up to the end, or the bracket that closes the group.
    fn alternatives(&mut self, depth: usize) -> Size {
        if depth > MAX_DEPTH {
            return Err("groups are nested too deeply");
        }
        let mut size = 0;
        while let Some(c) = self.peek().filter(|&c| c != ')') {
            size += match c {
                '|' => {
                    self.at += 1;
                    1
                }
                _ => self.item(depth)?,
            };
        }
        Ok(size)
    }

    fn item(&mut self, depth: usize) -> Size {
        let (size, repeatable) = match self.next() {
            Some('^' | '$') => (1, false),
            Some('(') => self.group(depth)?,
            Some('[') => (self.class()?, true),
            Some('\\') => self.escape()?,
            Some('*' | '+' | '?') => return Err("there is nothing to repeat"),
            Some('{') => return Err("a brace is neither a repetition nor escaped"),
            Some(_) => (1, true),
            None => return Err("it ends too early"),
        };
        let times = self.repetition(repeatable)?;
        size.checked_mul(times).filter(|&size| size <= MAX_SIZE).ok_or("its repetitions are too large")
    }

    fn group(&mut self, depth: usize) -> Result<(usize, bool), &'static str> {
        let looks_ahead = self.eat("?=") || self.eat("?!");
        if !looks_ahead && !self.eat("?:") && !self.eat("?i:") && self.peek() == Some('?') {
            return Err("only the groups (…), (?:…), (?i:…), (?=…) and (?!…), and (?i) in front, are read");
        }
        let size = self.alternatives(depth + 1)?;
        if self.next() != Some(')') {
            return Err("a bracket is not closed");
        }
        Ok((size + 1, !looks_ahead))
    }

    /// Behind the opening bracket.
    fn class(&mut self) -> Size {
        self.eat("^");
        if self.peek() == Some(']') {
            return Err("a class is empty, or begins with an unescaped ]");
        }
        loop {
            let low = match self.next() {
                Some(']') => return Ok(1),
                Some('[') if matches!(self.peek(), Some(':' | '.' | '=')) => return Err("named classes are not read"),
                Some('\\') => self.class_escape()?,
                Some(c) => Some(c),
                None => return Err("a class is not closed"),
            };
            let is_range = self.peek() == Some('-') && self.rest.get(self.at + 1).is_some_and(|&c| c != ']');
            if is_range {
                self.at += 1;
                let high = match self.next() {
                    Some('\\') => self.class_escape()?,
                    other => other,
                };
                if low.zip(high).is_none_or(|(low, high)| low > high) {
                    return Err("a range of a class is the wrong way round");
                }
            }
        }
    }

    /// The character that an escape stands for; `None`: several.
    fn class_escape(&mut self) -> Result<Option<char>, &'static str> {
        match self.next() {
            Some('d' | 'D' | 'w' | 'W' | 's' | 'S') => Ok(None),
            Some(c) if c == ' ' || c.is_ascii_punctuation() => Ok(Some(c)),
            _ => Err("it has an escape that is not read"),
        }
    }

    fn escape(&mut self) -> Result<(usize, bool), &'static str> {
        match self.next() {
            Some('d' | 'D' | 'w' | 'W' | 's' | 'S') => Ok((1, true)),
            Some('b' | 'B' | 'A' | 'z' | 'Z') => Ok((1, false)),
            Some(c) if c == ' ' || c.is_ascii_punctuation() => Ok((1, true)),
            _ => Err("it has an escape that is not read"),
        }
    }

    /// How often the item before is matched at most, as far as that makes the expression larger.
    fn repetition(&mut self, repeatable: bool) -> Size {
        let times = match self.peek() {
            Some('*' | '+' | '?') => {
                self.at += 1;
                1
            }
            Some('{') => {
                self.at += 1;
                self.bounds()?
            }
            _ => return Ok(1),
        };
        if !repeatable {
            return Err("there is nothing to repeat");
        }
        // Lazy and possessive forms.
        if matches!(self.peek(), Some('?' | '+')) {
            self.at += 1;
        }
        Ok(times)
    }

    fn bounds(&mut self) -> Size {
        let low = self.number().ok_or("a brace is neither a repetition nor escaped")?;
        let high = if self.eat(",") { self.number().unwrap_or(low) } else { low };
        if !self.eat("}") || low > high || high > 1000 {
            return Err("a repetition is not of the form {2}, {2,} or {2,5}, or above 1000");
        }
        Ok(high.max(1))
    }

    fn number(&mut self) -> Option<usize> {
        let digits: String = self.rest[self.at..].iter().take_while(|c| c.is_ascii_digit()).take(5).collect();
        self.at += digits.len();
        digits.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_expressions_are_taken() {
        for good in [
            "a",
            "^/api(/|$)(.*)",
            "example\\.com",
            "[a-z0-9_-]+",
            "[^/]*",
            "(?:a|b){2,5}?",
            "(?!x)y",
            "\\d{3}\\s\\w",
            "bot|spider",
            "a{2,}",
            "größe",
            "[\\]\\\\.]",
            "\\bword\\b",
            "(?i)^a|(?i:b)",
            "()",
            "a|",
            "[a-]",
            "\\/x",
            "x++",
            "[$]",
            "Mozilla/5\\.0 \\(compatible; .*\\)",
        ] {
            assert!(TextRegex::new(good).is_ok(), "{good}: {:?}", TextRegex::new(good));
        }
    }

    #[test]
    fn what_no_pcre_or_not_every_one_reads_is_refused() {
        let deep = "(".repeat(12) + &")".repeat(12);
        for bad in [
            "",
            "(",
            ")",
            "a)",
            "[",
            "[]",
            "[]a]",
            "[b-a]",
            "[\\w-z]",
            "*",
            "a**b*+?*",
            "^*",
            "a{",
            "a{x}",
            "{2}",
            "a{3,2}",
            "a{1001}",
            "\\",
            "\\q",
            "\\1",
            "(?<n>a)",
            "(?P<n>a)",
            "a(?i)b",
            "(?i",
            "(?-i:a)",
            "(?<=a)b",
            "[[:alpha:]]",
            "(?=a)*",
            "a\nb",
            "((a{1000}){1000}){1000}",
            "(a+)+$",
            "\\b+",
            &deep,
        ] {
            assert!(TextRegex::new(bad).is_err(), "{bad}");
        }
        assert!(["(?i)(a+)+$", "(?i:a+)+$"].iter().all(|bad| TextRegex::new(bad).is_err()), "case makes it no shorter");
        assert_eq!(TextRegex::new("(?i)a|(b)").map(|read| (read.to_string(), read.groups())), Ok(("(?i:a|(b))".to_owned(), 1)));
        assert!(TextRegex::new(&"a".repeat(MAX_BYTES + 1)).is_err());
    }

    #[test]
    fn patterns_are_written_as_in_maps() {
        assert_eq!(TextPattern::parse("curl").unwrap(), TextPattern::Exact("curl".into()));
        assert!(matches!(TextPattern::parse("~^curl").unwrap(), TextPattern::Regex(_)));
        assert!(matches!(TextPattern::parse("~*curl").unwrap(), TextPattern::RegexIgnoringCase(r) if r.as_str() == "curl"));
        for bad in ["", "a\nb", "~", "~*", "~("] {
            assert!(TextPattern::parse(bad).is_err(), "{bad:?}");
        }
    }
}
