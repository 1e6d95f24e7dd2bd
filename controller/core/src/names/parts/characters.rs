//! The characters that one place of an expression stands for: as they are written, and as a set to be compared with others.

use super::Unreadable;
use std::str::Chars;

/// Characters as an expression writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::names) enum Characters {
    /// `.`: all of them.
    Any,
    One(char),
    /// The letter behind a backslash: one of `dDwWsS`.
    Shorthand(char),
    Class {
        negated: bool,
        /// Never empty.
        members: Vec<Member>,
    },
}

/// What a class is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::names) enum Member {
    One(char),
    /// From the first to the last one.
    Range(char, char),
    /// As in [`Characters::Shorthand`].
    Shorthand(char),
}

impl Characters {
    /// Those of a class, which is given without its brackets.
    pub(super) fn of_class(inside: &str) -> Result<Self, Unreadable> {
        let (negated, inside) = inside.strip_prefix('^').map_or((false, inside), |inside| (true, inside));
        if inside.is_empty() {
            return Err("a class is empty, or begins with an unescaped ]");
        }
        let (mut members, mut chars) = (Vec::new(), inside.chars());
        while let Some(c) = chars.next() {
            if c == '[' && chars.as_str().starts_with([':', '.', '=']) {
                return Err("named classes are not read");
            }
            let low = member(c, &mut chars)?;
            let high = chars.as_str().strip_prefix('-').and_then(|behind| behind.chars().next());
            members.push(match high {
                None => low,
                Some(high) => {
                    chars.nth(1);
                    range(low, member(high, &mut chars)?)?
                }
            });
        }
        Ok(Self::Class { negated, members })
    }

    /// Those that a character behind a backslash stands for.
    pub(super) fn escaped(c: Option<char>) -> Result<Self, Unreadable> {
        match c {
            Some(c @ ('d' | 'D' | 'w' | 'W' | 's' | 'S')) => Ok(Self::Shorthand(c)),
            Some(c) if c == ' ' || c.is_ascii_punctuation() => Ok(Self::One(c)),
            _ => Err("it has an escape that is not read"),
        }
    }

    /// The same as a set.
    pub(super) fn set(&self) -> Set {
        match self {
            Self::Any => Set::ALL,
            Self::One(c) => Set::of(*c),
            Self::Shorthand(letter) => Set::of_shorthand(*letter),
            Self::Class { negated, members } => {
                let set = members.iter().fold(Set::NONE, |set, member| set.and(member.set()));
                if *negated { set.without() } else { set }
            }
        }
    }
}

impl Member {
    fn set(self) -> Set {
        match self {
            Self::One(c) => Set::of(c),
            Self::Range(low, high) => Set::range(low, high),
            Self::Shorthand(letter) => Set::of_shorthand(letter),
        }
    }
}

/// What a character of a class begins; `behind`: what stands behind it.
fn member(c: char, behind: &mut Chars<'_>) -> Result<Member, Unreadable> {
    if c != '\\' {
        return Ok(Member::One(c));
    }
    Ok(match Characters::escaped(behind.next())? {
        Characters::One(c) => Member::One(c),
        Characters::Shorthand(letter) => Member::Shorthand(letter),
        Characters::Any | Characters::Class { .. } => return Err("it has an escape that is not read"),
    })
}

fn range(low: Member, high: Member) -> Result<Member, Unreadable> {
    match (low, high) {
        (Member::One(low), Member::One(high)) if low <= high => Ok(Member::Range(low, high)),
        _ => Err("a range of a class is the wrong way round"),
    }
}

/// Characters without case: those of ASCII by number, and all others as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::names) struct Set(u128, bool);

impl Set {
    pub(in crate::names) const NONE: Self = Self(0, false);
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

    /// The characters that a letter behind a backslash stands for.
    fn of_shorthand(letter: char) -> Self {
        let set = match letter.to_ascii_lowercase() {
            'd' => Self::range('0', '9'),
            'w' => [('0', '9'), ('a', 'z'), ('_', '_')].iter().fold(Self::NONE, |set, (low, high)| set.and(Self::range(*low, *high))),
            _ => " \t\n\r".chars().fold(Self::NONE, |set, c| set.and(Self::of(c))),
        };
        if letter.is_ascii_uppercase() { set.without() } else { set }
    }

    pub(in crate::names) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0, self.1 || other.1)
    }

    /// All that may be meant by "none of these": of characters beyond ASCII, some always are.
    const fn without(self) -> Self {
        Self(!self.0, true)
    }

    pub(in crate::names) const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0 || (self.1 && other.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_kept_as_it_is_written() {
        let (a, dash) = (Member::One('a'), Member::One('-'));
        for (inside, negated, expected) in [
            ("a", false, vec![a]),
            ("^a-zé", true, vec![Member::Range('a', 'z'), Member::One('é')]),
            ("a-", false, vec![a, dash]),
            ("-a", false, vec![dash, a]),
            (r"\w-", false, vec![Member::Shorthand('w'), dash]),
            (r"\--\]", false, vec![Member::Range('-', ']')]),
        ] {
            assert_eq!(Characters::of_class(inside), Ok(Characters::Class { negated, members: expected }), "{inside}");
        }
    }

    #[test]
    fn sets_know_no_case_and_count_all_beyond_ascii_as_one() {
        let set = |inside: &str| Characters::of_class(inside).unwrap().set();
        assert_eq!(set("A-Z"), set("a-z"));
        assert!(set("é").meets(set("ß")) && set("^é").meets(set("é")) && !set("é").meets(set("a-z")));
        assert!(!set(r"\d").meets(set(r"\D")) && set(r"\D").meets(set("é")));
        assert!(set(r"\S").meets(set("a")) && !set(r"\S").meets(set(" ")));
    }
}
