//! Nested repetitions that a text can be divided among in very many ways: with some dozens of characters, `(a+)+$` keeps a PCRE
//! backtracking for years. Whoever may write expressions could keep all workers of a proxy busy with them.

use super::parts::{Part, Set, What};

/// Whether an expression has such repetitions, and something behind them that can fail.
pub(super) fn are_ambiguous(alternatives: &[Vec<Part>]) -> bool {
    alternatives.iter().any(|sequence| is_bad(sequence, false))
}

/// Whether there is such a repetition in a sequence; `fails`: something behind it can.
fn is_bad(sequence: &[Part], fails: bool) -> bool {
    sequence.iter().enumerate().any(|(n, part)| {
        let alternatives = match &part.what {
            What::Group { inner: alternatives, .. } => alternatives,
            What::Ahead { inner: alternatives, .. } => return alternatives.iter().any(|body| is_bad(body, true)),
            What::One { .. } | What::Place(_) | What::End => return false,
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
        is_open || matches!(&part.what, What::Group { inner: alternatives, .. } if inner(alternatives))
    })
}

/// Whether a character is one of two alternatives.
fn overlap(alternatives: &[Vec<Part>]) -> bool {
    let single = |sequence: &Vec<Part>| match sequence.as_slice() {
        [part] if matches!(part.what, What::One { .. }) => Some(part.set()),
        _ => None,
    };
    let sets: Vec<Set> = alternatives.iter().filter_map(single).collect();
    sets.iter().enumerate().any(|(n, set)| sets[n + 1..].iter().any(|other| other.meets(*set)))
}

#[cfg(test)]
mod tests {
    use crate::names::parts::read;

    fn are_ambiguous(text: &str) -> bool {
        super::are_ambiguous(&read(text).unwrap())
    }

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
