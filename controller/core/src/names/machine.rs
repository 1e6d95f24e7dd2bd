//! A matcher of regular expressions that compares as a PCRE does: byte by byte, with look-ahead and possessive repetitions.
//!
//! Offline commands have to say what proxies would do. Other engines read some expressions in another way: characters in place of
//! bytes, letters of all scripts for `\w`, no look-ahead. A PCRE also gives up after too many steps; this matcher does so
//! earlier, and then answers that it is not known whether the expression matches.

mod compile;

use super::parts::Place;
use compile::compile;
use std::rc::Rc;

/// Rounds of groups for which a PCRE that compiles to machine code has room, whatever stands in them; measured.
const MOST_ROUNDS: usize = 200;

/// Bytes, by number.
type Bytes = [bool; 256];

/// What is done in one step.
#[derive(Debug)]
enum Op {
    /// One of these bytes is taken.
    One(Rc<Bytes>),
    Place(Place),
    /// The first is tried, and if that leads nowhere, the second.
    Either(usize, usize),
    Jump(usize),
    /// A round of a group begins.
    Round,
    /// It ends: what stands there is done next, unless the round has taken nothing.
    Again(usize),
    /// What follows, up to [`Op::Done`], has to fit or not to fit here, and takes nothing; behind it is done what stands there.
    Ahead(bool, usize),
    /// What follows, up to [`Op::Done`], takes what it takes first, and nothing else is tried of it.
    AtOnce(usize),
    Done,
}

/// How an expression is compared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flags {
    pub(super) ignoring_case: bool,
    /// A dot stands for a line break, too.
    pub(super) dot_all: bool,
}

/// Whether an expression that [`super::TextRegex`] has read occurs in a text, within so many steps; `None`: a PCRE may not know.
pub(super) fn occurs(expression: &str, flags: Flags, text: &[u8], steps: usize) -> Option<bool> {
    let ops = compile(expression, flags)?;
    let mut run = Run { ops: &ops, text, steps };
    for begin in 0..=text.len() {
        if run.from(0, begin)?.is_some() {
            return Some(true);
        }
    }
    Some(false)
}

/// Where rounds of groups have begun that have not ended.
#[derive(Debug)]
struct Begun {
    at: usize,
    outer: Rounds,
}
type Rounds = Option<Rc<Begun>>;

struct Run<'r> {
    ops: &'r [Op],
    text: &'r [u8],
    /// So many are left.
    steps: usize,
}

impl Run<'_> {
    /// Where that ends which fits first, if anything fits; `None`: it takes too long.
    fn from(&mut self, op: usize, at: usize) -> Option<Option<usize>> {
        let mut to_try: Vec<(usize, usize, Rounds, usize)> = vec![(op, at, None, 0)];
        while let Some((mut op, mut at, mut begun, mut rounds)) = to_try.pop() {
            loop {
                self.steps = self.steps.checked_sub(1)?;
                op = match self.ops.get(op)? {
                    Op::Done => return Some(Some(at)),
                    Op::One(set) => match self.text.get(at) {
                        Some(byte) if set[usize::from(*byte)] => {
                            at += 1;
                            op + 1
                        }
                        _ => break,
                    },
                    Op::Place(place) if self.is_at(*place, at) => op + 1,
                    Op::Place(_) => break,
                    Op::Either(first, second) => {
                        to_try.push((*second, at, begun.clone(), rounds));
                        *first
                    }
                    Op::Jump(next) => *next,
                    Op::Round => {
                        rounds += 1;
                        begun = Some(Rc::new(Begun { at, outer: begun }));
                        op + 1
                    }
                    Op::Again(next) => {
                        let round = begun?;
                        begun = round.outer.clone();
                        if round.at == at { op + 1 } else { *next }
                    }
                    Op::Ahead(wanted, behind) => {
                        if self.from(op + 1, at)?.is_some() != *wanted {
                            break;
                        }
                        *behind
                    }
                    Op::AtOnce(behind) => {
                        let Some(end) = self.from(op + 1, at)? else { break };
                        at = end;
                        *behind
                    }
                };
                if rounds > MOST_ROUNDS {
                    return None;
                }
            }
        }
        Some(None)
    }

    fn is_at(&self, place: Place, at: usize) -> bool {
        let is_word =
            |at: Option<usize>| at.and_then(|at| self.text.get(at)).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        match place {
            Place::Begin => at == 0,
            Place::VeryEnd => at == self.text.len(),
            Place::End => matches!(self.text.get(at..), Some([] | [b'\n'])),
            Place::WordEdge(wanted) => (is_word(at.checked_sub(1)) != is_word(Some(at))) == wanted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(expression: &str, text: &str) -> Option<bool> {
        occurs(expression, Flags { ignoring_case: false, dot_all: false }, text.as_bytes(), 100_000)
    }

    #[test]
    fn an_expression_occurs_where_a_pcre_finds_it() {
        for (expression, found, not_found) in [
            ("^/(?!api)", &["/", "/ap", "/x/api"][..], &["/api", "/apis", "x/y"][..]),
            ("^/a(?=.*b$)", &["/ab", "/axxb", "/ab\n"], &["/a", "/abx"]),
            ("^/((?!x).)*y$", &["/y", "/aby"], &["/xy", "/axy"]),
            ("^/x++x", &[], &["/xx", "/xxx"]),
            ("^/(?:a|ab)++c", &["/ac", "/aac"], &["/abc"]),
            ("^/(a|ab)c", &["/ac", "/abc"], &["/abbc"]),
            ("^/a{2,3}?b", &["/aab", "/aaab"], &["/ab", "/aaaab"]),
            ("^/(a{2}b){2,}$", &["/aabaab", "/aabaabaab"], &["/aab", "/aabab"]),
            ("^/(a*)*b", &["/b", "/aab"], &["/aac"]),
            ("^(a|)+$", &["", "aa"], &["ab"]),
            ("^/a|/b", &["/a", "/x/b"], &["/x/a"]),
            (r"\bword\B", &["a words"], &["word", "swords"]),
            (r"a\z", &["a"], &["a\n"]),
            ("a$", &["a", "a\n"], &["a\n\n", "ab"]),
            (r"a\Z", &["a\n"], &["ab"]),
            (r"\A\d+$", &["12"], &["a12", "\u{664}"]),
            (r"^\w+$", &["a_1"], &["größe", ""]),
            (r"^[^\w-]+$", &["!é"], &["a", "-"]),
            ("^..$", &["ab", "é"], &["a\n", "aé"]),
            ("^é+$", &["é"], &["éé"]),
            ("^[é]{2}$", &["é"], &["éé", "e"]),
            (r"^[\]a-c\\.-]+$", &["]b\\.-"], &["d", "["]),
            ("^[$^]$", &["$", "^"], &[""]),
            ("^(?i:aB)c[d]$", &["Abcd"], &["abCd", "abcD"]),
            (r"a\/b\.c", &["a/b.c"], &["a/bxc"]),
            ("", &["", "a"], &[]),
            ("a|", &["b"], &[]),
        ] {
            for (texts, wanted) in [(found, true), (not_found, false)] {
                for text in texts {
                    assert_eq!(plain(expression, text), Some(wanted), "{expression} {text:?}");
                }
            }
        }
        let flags = |ignoring_case, dot_all| Flags { ignoring_case, dot_all };
        assert_eq!(occurs("^/[a-c]x.$", flags(true, true), b"/BX\n", 1000), Some(true));
        assert_eq!(occurs("[^a]", flags(true, false), b"A", 1000), Some(false));
        assert_eq!(occurs("k", flags(true, false), "\u{212a}".as_bytes(), 1000), Some(false), "it is a letter of its own");
    }

    #[test]
    fn what_a_pcre_may_not_find_out_is_not_told() {
        let long = "a".repeat(4000);
        assert_eq!([plain("^.*.*b", &long), plain("^.*b", &long)], [None, Some(false)]);
        assert_eq!(["ab", &long].map(|text| plain("^(a)*b", text)), [Some(true), None], "there may be no room for so many rounds");
    }
}
