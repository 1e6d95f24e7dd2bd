//! Regular expressions, read: what stands where, and how often.

use super::scan::{Kind, Tokens};
use std::str::Chars;

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

/// Characters: those of ASCII by number, and all others as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Set(u128, bool);

impl Set {
    pub(super) const NONE: Self = Self(0, false);
    const ALL: Self = Self(u128::MAX, true);

    fn of(c: char) -> Self {
        // Without case, as paths are compared.
        let of = |c: char| u8::try_from(c).ok().filter(u8::is_ascii).map(|byte| 1_u128 << byte);
        match (of(c.to_ascii_lowercase()), of(c.to_ascii_uppercase())) {
            (Some(lower), Some(upper)) => Self(lower | upper, false),
            _ => Self(0, true),
        }
    }

    fn range(low: char, high: char) -> Self {
        let ascii = (low..=high.min('\u{7f}')).fold(Self::NONE, |set, c| set.and(Self::of(c)));
        Self(ascii.0, ascii.1 || !high.is_ascii())
    }

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0, self.1 || other.1)
    }

    const fn without(self) -> Self {
        Self(!self.0, true)
    }

    pub(super) const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0 || (self.1 && other.1)
    }
}

/// A part of an expression, and how often it may stand there.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) what: What,
    pub(super) least: usize,
    /// `None`: any number.
    pub(super) most: Option<usize>,
}

#[derive(Debug)]
pub(super) enum What {
    One(Set),
    /// Nothing is taken, and it may fail.
    Place,
    /// The same, and nothing can stand behind it.
    End,
    /// The same, by what stands behind it.
    Ahead(Alternatives),
    Group(Alternatives),
}

impl Part {
    pub(super) fn set(&self) -> Set {
        match &self.what {
            What::One(set) => *set,
            What::Place | What::End | What::Ahead(_) => Set::NONE,
            What::Group(alternatives) => alternatives.iter().flatten().fold(Set::NONE, |set, part| set.and(part.set())),
        }
    }

    /// Whether it may take nothing.
    pub(super) fn may_be_empty(&self) -> bool {
        let empty = match &self.what {
            What::One(_) => false,
            What::Place | What::End | What::Ahead(_) => true,
            What::Group(alternatives) => alternatives.iter().any(|sequence| sequence.iter().all(Self::may_be_empty)),
        };
        empty || self.least == 0
    }

    /// Whether there are texts that it does not match the beginning of.
    pub(super) fn may_fail(&self) -> bool {
        match &self.what {
            _ if self.least == 0 => false,
            What::One(_) | What::Place | What::End | What::Ahead(_) => true,
            What::Group(alternatives) => alternatives.iter().all(|sequence| sequence.iter().any(Self::may_fail)),
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
            What::One(_) | What::Place | What::End => 1,
            What::Ahead(inner) | What::Group(inner) => size(inner).saturating_add(1),
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
                Kind::Class => What::One(class(&token.text[1..token.text.len() - 1])?),
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
        let looks_ahead = self.tokens.eat("?=") || self.tokens.eat("?!");
        // Case makes no difference here.
        if !looks_ahead && !self.tokens.eat("?:") && !self.tokens.eat("?i:") && self.tokens.rest.starts_with('?') {
            return Err("only the groups (…), (?:…), (?i:…), (?=…) and (?!…), and (?i) in front, are read");
        }
        match self.alternatives(depth + 1)? {
            (_, false) => Err("a bracket is not closed"),
            (all, true) => Ok(if looks_ahead { What::Ahead(all) } else { What::Group(all) }),
        }
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
            return Ok(Part { what, least: 1, most: Some(1) });
        };
        if !matches!(what, What::One(_) | What::Group(_)) {
            return Err("there is nothing to repeat");
        }
        // Lazy and possessive forms.
        _ = self.tokens.eat("?") || self.tokens.eat("+");
        Ok(Part { what, least, most })
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
        '^' => Ok(What::Place),
        '$' => Ok(What::End),
        '.' => Ok(What::One(Set::ALL)),
        '*' | '+' | '?' => Err("there is nothing to repeat"),
        '{' => Err("a brace is neither a repetition nor escaped"),
        c => Ok(What::One(Set::of(c))),
    }
}

/// Behind a backslash.
fn escape(c: Option<char>) -> Result<What, Unreadable> {
    if matches!(c, Some('b' | 'B' | 'A' | 'z' | 'Z')) {
        return Ok(What::Place);
    }
    Ok(What::One(match escaped(c)? {
        Member::One(c) => Set::of(c),
        Member::Several(set) => set,
    }))
}

/// What a class is made of.
#[derive(Clone, Copy)]
enum Member {
    One(char),
    Several(Set),
}

/// A class, without its brackets.
fn class(inside: &str) -> Result<Set, Unreadable> {
    let (negated, inside) = inside.strip_prefix('^').map_or((false, inside), |inside| (true, inside));
    if inside.is_empty() {
        return Err("a class is empty, or begins with an unescaped ]");
    }
    let (mut set, mut chars) = (Set::NONE, inside.chars());
    while let Some(c) = chars.next() {
        if c == '[' && chars.as_str().starts_with([':', '.', '=']) {
            return Err("named classes are not read");
        }
        let low = member(c, &mut chars)?;
        let high = chars.as_str().strip_prefix('-').and_then(|behind| behind.chars().next());
        let own = match (low, high) {
            (Member::One(c), None) => Set::range(c, c),
            (Member::Several(set), None) => set,
            (low, Some(high)) => {
                chars.nth(1);
                range(low, member(high, &mut chars)?)?
            }
        };
        set = set.and(own);
    }
    Ok(if negated { set.without() } else { set })
}

fn range(low: Member, high: Member) -> Result<Set, Unreadable> {
    match (low, high) {
        (Member::One(low), Member::One(high)) if low <= high => Ok(Set::range(low, high)),
        _ => Err("a range of a class is the wrong way round"),
    }
}

/// What a character of a class begins; `behind`: what stands behind it.
fn member(c: char, behind: &mut Chars<'_>) -> Result<Member, Unreadable> {
    if c == '\\' { escaped(behind.next()) } else { Ok(Member::One(c)) }
}

fn escaped(c: Option<char>) -> Result<Member, Unreadable> {
    match c {
        Some(c @ ('d' | 'D' | 'w' | 'W' | 's' | 'S')) => Ok(Member::Several(several(c))),
        Some(c) if c == ' ' || c.is_ascii_punctuation() => Ok(Member::One(c)),
        _ => Err("it has an escape that is not read"),
    }
}

/// The characters that a letter behind a backslash stands for.
fn several(c: char) -> Set {
    let word = [('0', '9'), ('a', 'z'), ('_', '_')].iter().fold(Set::NONE, |set, (low, high)| set.and(Set::range(*low, *high)));
    let blank = " \t\n\r".chars().fold(Set::NONE, |set, c| set.and(Set::of(c)));
    match c {
        'd' => Set::range('0', '9'),
        'D' => Set::range('0', '9').without(),
        'w' => word,
        'W' => word.without(),
        's' => blank,
        'S' => blank.without(),
        c => Set::of(c),
    }
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
