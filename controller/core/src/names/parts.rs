//! The parser of regular expressions: what stands where, and how often.

mod characters;

use super::scan::{Kind, Tokens};

pub(super) use characters::{Characters, Member, Set};

/// Deepest nesting of groups.
const MAX_DEPTH: usize = 10;
/// Most repetitions that may be counted.
const MAX_TIMES: usize = 1000;

/// The alternatives of an expression or a group, at least one; each is a sequence, which may be empty.
pub(super) type Alternatives = Vec<Vec<Part>>;

/// What cannot be read in an expression.
type Unreadable = &'static str;

/// Reads an expression of what [`super::TextRegex`] knows.
///
/// # Errors
/// With what cannot be read.
pub(super) fn read(expression: &str) -> Result<Alternatives, Unreadable> {
    match (Reader { tokens: Tokens::new(expression) }).alternatives(0)? {
        (_, true) => Err("a bracket is closed that is not open"),
        (all, false) => Ok(all),
    }
}

/// How many characters an expression matches at most where it counts repetitions; all others count once.
pub(super) fn size(alternatives: &[Vec<Part>]) -> usize {
    let all = alternatives.iter().flatten().map(Part::size);
    all.fold(alternatives.len().saturating_sub(1), usize::saturating_add)
}

/// A part of an expression, and how often it may stand there.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) what: What,
    pub(super) least: usize,
    /// `None`: any number.
    pub(super) most: Option<usize>,
    /// Greedy, where it is not repeated.
    pub(super) how: How,
}

/// In which order a PCRE tries how often a part is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// As often as possible first.
    Greedy,
    /// As seldom as possible first.
    Lazy,
    /// As often as possible, and nothing else.
    Possessive,
}

#[derive(Debug)]
pub(super) enum What {
    One {
        set: Set,
        written: Characters,
    },
    /// Nothing is taken, and it may fail.
    Place(Place),
    /// `$`: the same as [`Place::End`], and nothing can stand behind it.
    End,
    /// Nothing is taken, and it may fail by what stands behind it.
    Ahead {
        /// Whether that has to fit, or must not.
        wanted: bool,
        inner: Alternatives,
    },
    Group {
        /// Inside of it, even if not around it.
        ignoring_case: bool,
        inner: Alternatives,
    },
}

/// Between which characters something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Begin,
    /// At the end, or in front of a line break that is the last character.
    End,
    VeryEnd,
    /// Whether a word begins or ends there.
    WordEdge(bool),
}

impl What {
    fn one(written: Characters) -> Self {
        Self::One { set: written.set(), written }
    }
}

impl Part {
    pub(super) fn set(&self) -> Set {
        match &self.what {
            What::One { set, .. } => *set,
            What::Place(_) | What::End | What::Ahead { .. } => Set::NONE,
            What::Group { inner, .. } => inner.iter().flatten().fold(Set::NONE, |set, part| set.and(part.set())),
        }
    }

    /// Whether it may take nothing.
    pub(super) fn may_be_empty(&self) -> bool {
        let empty = match &self.what {
            What::One { .. } => false,
            What::Place(_) | What::End | What::Ahead { .. } => true,
            What::Group { inner, .. } => inner.iter().any(|sequence| sequence.iter().all(Self::may_be_empty)),
        };
        empty || self.least == 0
    }

    /// Whether there are texts that it does not match the beginning of.
    pub(super) fn may_fail(&self) -> bool {
        match &self.what {
            _ if self.least == 0 => false,
            What::One { .. } | What::Place(_) | What::End | What::Ahead { .. } => true,
            What::Group { inner, .. } => inner.iter().all(|sequence| sequence.iter().any(Self::may_fail)),
        }
    }

    pub(super) fn varies(&self) -> bool {
        self.most != Some(self.least)
    }

    pub(super) fn repeats(&self) -> bool {
        self.most.is_none_or(|most| most > 1)
    }

    fn size(&self) -> usize {
        let own = match &self.what {
            What::One { .. } | What::Place(_) | What::End => 1,
            What::Ahead { inner, .. } | What::Group { inner, .. } => size(inner).saturating_add(1),
        };
        own.saturating_mul(self.most.unwrap_or(self.least).max(1))
    }
}

/// Reads an expression from its beginning on.
struct Reader<'t> {
    tokens: Tokens<'t>,
}

impl Reader<'_> {
    /// Up to the end or behind the bracket that closes the group, and whether there is one.
    fn alternatives(&mut self, depth: usize) -> Result<(Alternatives, bool), Unreadable> {
        if depth > MAX_DEPTH {
            return Err("groups are nested too deeply");
        }
        let (mut all, mut own) = (Vec::new(), Vec::new());
        while let Some(token) = self.tokens.next() {
            let what = match token.kind {
                Kind::Close => {
                    all.push(own);
                    return Ok((all, true));
                }
                Kind::Or => {
                    all.push(std::mem::take(&mut own));
                    continue;
                }
                Kind::Group | Kind::Extended => self.group(depth)?,
                Kind::Class => What::one(Characters::of_class(&token.text[1..token.text.len() - 1])?),
                Kind::OpenClass => return Err("a class is not closed"),
                Kind::Escape => escape(token.text.chars().nth(1))?,
                Kind::Character(c) => character(c)?,
            };
            own.push(self.repeated(what)?);
        }
        all.push(own);
        Ok((all, false))
    }

    /// Behind the opening bracket.
    fn group(&mut self, depth: usize) -> Result<What, Unreadable> {
        let ahead = if self.tokens.eat("?=") { Some(true) } else { self.tokens.eat("?!").then_some(false) };
        let ignoring_case = ahead.is_none() && self.tokens.eat("?i:");
        let is_plain = ahead.is_some() || ignoring_case || self.tokens.eat("?:");
        if !is_plain && self.tokens.rest.starts_with('?') {
            return Err("only the groups (…), (?:…), (?i:…), (?=…) and (?!…), and (?i) in front, are read");
        }
        let (inner, true) = self.alternatives(depth + 1)? else { return Err("a bracket is not closed") };
        Ok(match ahead {
            Some(wanted) => What::Ahead { wanted, inner },
            None => What::Group { ignoring_case, inner },
        })
    }

    /// With how often it may stand there.
    fn repeated(&mut self, what: What) -> Result<Part, Unreadable> {
        let (least, most) = if self.tokens.eat("*") {
            (0, None)
        } else if self.tokens.eat("+") {
            (1, None)
        } else if self.tokens.eat("?") {
            (0, Some(1))
        } else if self.tokens.eat("{") {
            self.bounds()?
        } else {
            return Ok(Part { what, least: 1, most: Some(1), how: How::Greedy });
        };
        if !matches!(what, What::One { .. } | What::Group { .. }) {
            return Err("there is nothing to repeat");
        }
        let how = if self.tokens.eat("?") {
            How::Lazy
        } else if self.tokens.eat("+") {
            How::Possessive
        } else {
            How::Greedy
        };
        Ok(Part { what, least, most, how })
    }

    /// Behind the opening brace.
    fn bounds(&mut self) -> Result<(usize, Option<usize>), Unreadable> {
        let least = self.number().ok_or("a brace is neither a repetition nor escaped")?;
        let most = if self.tokens.eat(",") { self.number() } else { Some(least) };
        let high = most.unwrap_or(least);
        if !self.tokens.eat("}") || least > high || high > MAX_TIMES {
            return Err("a repetition is not of the form {2}, {2,} or {2,5}, or above 1000");
        }
        Ok((least, most))
    }

    fn number(&mut self) -> Option<usize> {
        const MAX_DIGITS: usize = 5;
        let count = self.tokens.rest.bytes().take(MAX_DIGITS).take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.tokens.rest.split_at(count);
        self.tokens.rest = rest;
        digits.parse().ok()
    }
}

/// A character that stands for itself, or for a place.
fn character(c: char) -> Result<What, Unreadable> {
    match c {
        '^' => Ok(What::Place(Place::Begin)),
        '$' => Ok(What::End),
        '.' => Ok(What::one(Characters::Any)),
        '*' | '+' | '?' => Err("there is nothing to repeat"),
        '{' => Err("a brace is neither a repetition nor escaped"),
        c => Ok(What::one(Characters::One(c))),
    }
}

/// Behind a backslash.
fn escape(c: Option<char>) -> Result<What, Unreadable> {
    Ok(match c {
        Some('A') => What::Place(Place::Begin),
        Some('z') => What::Place(Place::VeryEnd),
        Some('Z') => What::Place(Place::End),
        Some('b') => What::Place(Place::WordEdge(true)),
        Some('B') => What::Place(Place::WordEdge(false)),
        c => What::one(Characters::escaped(c)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_as_large_as_its_counted_repetitions() {
        for (text, expected) in [("", 0), ("a*b+c?", 3), ("a|b", 3), ("(a{2,5}[b]){3}", 21), (r"a{2,}\.{0}^", 4), ("(?=a)", 2)] {
            assert_eq!(read(text).map(|all| size(&all)), Ok(expected), "{text}");
        }
        let deep = "(".repeat(9) + "a" + &"{1000})".repeat(9);
        assert_eq!(read(&deep).map(|all| size(&all)), Ok(usize::MAX));
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        for (text, why) in [
            ("a)", "a bracket is closed that is not open"),
            ("(a", "a bracket is not closed"),
            ("[a", "a class is not closed"),
            (r"[a\]", "a class is not closed"),
            ("[^]a]", "a class is empty, or begins with an unescaped ]"),
            (r"[a-\w]", "a range of a class is the wrong way round"),
            ("[[.a.]]", "named classes are not read"),
            (r"\", "it has an escape that is not read"),
            ("a|*", "there is nothing to repeat"),
            ("$+", "there is nothing to repeat"),
            ("a{,2}", "a brace is neither a repetition nor escaped"),
            ("a{000001}", "a repetition is not of the form {2}, {2,} or {2,5}, or above 1000"),
            ("(?<!a)", "only the groups (…), (?:…), (?i:…), (?=…) and (?!…), and (?i) in front, are read"),
        ] {
            assert_eq!(read(text).map(|_| ()), Err(why), "{text}");
        }
    }
}
