//! Repetitions in repetitions that a text can be divided among in very many ways: `(a+)+$` takes a PCRE longer than the world
//! stands, with some thirty characters. Whoever may write expressions could keep all workers of a proxy busy with them.

use std::iter::Peekable;
use std::str::Chars;

/// Whether an expression, which is one that can be read, has such repetitions, and something behind them that can fail.
pub(super) fn are_ambiguous(expression: &str) -> bool {
    parts(expression).iter().any(|sequence| is_bad(sequence, false))
}

/// The parts of the alternatives of an expression that can be read.
pub(super) fn parts(expression: &str) -> Vec<Vec<Part>> {
    Parser { rest: expression.chars().peekable() }.alternatives()
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
    Ahead(Vec<Vec<Part>>),
    Group(Vec<Vec<Part>>),
}

impl Part {
    fn set(&self) -> Set {
        match &self.what {
            What::One(set) => *set,
            What::Place | What::End | What::Ahead(_) => Set::NONE,
            What::Group(alternatives) => alternatives.iter().flatten().fold(Set::NONE, |set, part| set.and(part.set())),
        }
    }

    /// Whether it may take nothing.
    fn may_be_empty(&self) -> bool {
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

    fn varies(&self) -> bool {
        self.most != Some(self.least)
    }

    pub(super) fn repeats(&self) -> bool {
        self.most.is_none_or(|most| most > 1)
    }
}

/// Whether there is such a repetition in a sequence; `fails`: something behind it can.
fn is_bad(sequence: &[Part], fails: bool) -> bool {
    sequence.iter().enumerate().any(|(n, part)| {
        let alternatives = match &part.what {
            What::Group(alternatives) => alternatives,
            What::Ahead(alternatives) => return alternatives.iter().any(|body| is_bad(body, true)),
            What::One(_) | What::Place | What::End => return false,
        };
        let fails = fails || sequence[n + 1..].iter().any(Part::may_fail);
        let is_divided = || alternatives.iter().any(|body| can_be_divided(body, &[])) || overlap(alternatives);
        (fails && part.repeats() && is_divided()) || alternatives.iter().any(|body| is_bad(body, fails || part.repeats()))
    })
}

/// Whether what the body of a repetition takes may be one round of it or several: there is a part of varying length, and
/// nothing that has to stand beside it and cannot be taken for a piece of it.
fn can_be_divided(body: &[Part], outer: &[Set]) -> bool {
    body.iter().enumerate().any(|(n, part)| {
        let beside = body.iter().enumerate().filter(|(other, part)| *other != n && !part.may_be_empty()).map(|(_, part)| part.set());
        let guards: Vec<Set> = outer.iter().copied().chain(beside).collect();
        let own = part.set();
        let is_open = part.varies() && own != Set::NONE && guards.iter().all(|guard| guard.meets(own));
        let inner = |alternatives: &[Vec<Part>]| alternatives.iter().any(|body| can_be_divided(body, &guards));
        is_open || matches!(&part.what, What::Group(alternatives) if inner(alternatives))
    })
}

/// Whether a character is one of two alternatives.
fn overlap(alternatives: &[Vec<Part>]) -> bool {
    let single = |sequence: &Vec<Part>| match sequence.as_slice() {
        [part] if matches!(part.what, What::One(_)) => Some(part.set()),
        _ => None,
    };
    let sets: Vec<Set> = alternatives.iter().filter_map(single).collect();
    sets.iter().enumerate().any(|(n, set)| sets[n + 1..].iter().any(|other| other.meets(*set)))
}

/// Reads what [`super::TextRegex`] has found to be readable.
struct Parser<'t> {
    rest: Peekable<Chars<'t>>,
}

impl Parser<'_> {
    /// Up to the end, or behind the bracket that closes the group.
    fn alternatives(&mut self) -> Vec<Vec<Part>> {
        let mut all = vec![Vec::new()];
        while let Some(c) = self.rest.next() {
            let what = match c {
                ')' => break,
                '|' => {
                    all.push(Vec::new());
                    continue;
                }
                '^' => What::Place,
                '$' => What::End,
                '(' => self.group(),
                '[' => What::One(self.class()),
                '.' => What::One(Set::ALL),
                '\\' => self.rest.next().map_or(What::Place, escaped),
                c => What::One(Set::of(c)),
            };
            let (least, most) = self.times();
            all.last_mut().expect("one is there").push(Part { what, least, most });
        }
        all
    }

    fn group(&mut self) -> What {
        let mut kind = None;
        if self.rest.next_if_eq(&'?').is_some() {
            kind = self.rest.next();
            // `(?i:`: case makes no difference here.
            _ = self.rest.next_if(|&c| kind == Some('i') && c == ':');
        }
        let alternatives = self.alternatives();
        if matches!(kind, Some('=' | '!')) { What::Ahead(alternatives) } else { What::Group(alternatives) }
    }

    fn class(&mut self) -> Set {
        let negated = self.rest.next_if_eq(&'^').is_some();
        let mut set = Set::NONE;
        while let Some(c) = self.rest.next().filter(|&c| c != ']') {
            let low = match c {
                '\\' => match self.rest.next() {
                    Some(kind @ ('d' | 'D' | 'w' | 'W' | 's' | 'S')) => {
                        set = set.and(several(kind));
                        continue;
                    }
                    own => own.unwrap_or(c),
                },
                c => c,
            };
            let high = self.high().unwrap_or(low);
            set = set.and(Set::range(low, high));
        }
        if negated { set.without() } else { set }
    }

    /// The upper end of a range.
    fn high(&mut self) -> Option<char> {
        let mut ahead = self.rest.clone();
        if ahead.next() != Some('-') || ahead.next() == Some(']') {
            return None;
        }
        self.rest.next();
        self.rest.next().map(|c| if c == '\\' { self.rest.next().unwrap_or(c) } else { c })
    }

    fn times(&mut self) -> (usize, Option<usize>) {
        let times = match self.rest.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => {
                let inside: String = self.rest.by_ref().skip(1).take_while(|&c| c != '}').collect();
                let (least, most) = inside.split_once(',').unwrap_or((&inside, &inside));
                self.lazy();
                return (least.parse().unwrap_or(0), most.parse().ok());
            }
            _ => return (1, Some(1)),
        };
        self.rest.next();
        self.lazy();
        times
    }

    /// Lazy and possessive forms.
    fn lazy(&mut self) {
        _ = self.rest.next_if(|&c| c == '?' || c == '+');
    }
}

/// What stands for a place, for several characters, or for itself.
fn escaped(c: char) -> What {
    match c {
        'b' | 'B' | 'A' | 'z' | 'Z' => What::Place,
        c => What::One(several(c)),
    }
}

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
    use super::are_ambiguous;

    #[test]
    fn what_a_text_can_be_divided_among_in_many_ways_is_found() {
        for bad in [
            "(a+)+$",
            "/(a*)*b",
            "/((a+)b?)*c",
            "^(.+/)*x",
            "(/.*)+$",
            "([a-z]+)*[0-9]",
            r"(\w+\d?)+$",
            "(a|a)*b",
            r"(\d|\w)+$",
            "(a{1,2})+$",
            "((a+)+)x",
            "(a+){2,}b",
            "(([a-z])+.)+[A-Z]([a-z])+$",
            "(x(a+)+y)?$",
            "/(?=(a+)+)",
        ] {
            assert!(are_ambiguous(bad), "{bad}");
        }
    }

    #[test]
    fn what_people_write_is_none() {
        for good in [
            "/something(/|$)(.*)",
            "/(v1|v2)/(.*)",
            "(/[a-z]+)*$",
            "([a-z]+/)*x",
            "(-?[a-z0-9])+$",
            "/api(/v[0-9]+)*/users",
            "(/.*)*",
            "/foo(/.*)+",
            "(a+)+",
            "[a-z]+[0-9]+$",
            ".*foo.*bar$",
            "/((?!api).*)",
            "(?:[a-z0-9]+(?:-[a-z0-9]+)*)$",
            r"/(.*\.(?:css|js|png)$)",
            r"^[^/]+(\.[^/.]+)*$",
            "(/[a-z]+(-[a-z]+)?)*$",
            r"([^\]\-a]+a)*$",
            "(foo|foobar)*x",
            "^Do[A-Z][a-z]+y$",
        ] {
            assert!(!are_ambiguous(good), "{good}");
        }
    }
}
