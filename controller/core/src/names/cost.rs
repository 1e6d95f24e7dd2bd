//! How long it may take a PCRE to find out that an expression does not match.
//!
//! A `.*` in front of something that can fail is tried at every character, two of them at every pair. Texts that clients
//! send are up to some thousand bytes long, and all hosts share the workers of a proxy.

use super::parts::{Part, Set, What};

/// Bytes of a text that an expression is compared with, at most; longer ones come to no proxy without a setting.
const LONGEST: u64 = 8192;
/// Rounds of a group that a PCRE that compiles to machine code has room for in any case.
const FEW_ROUNDS: usize = 50;

/// Steps, at most, that an expression takes; far above what it takes of most texts. `anywhere`: it may begin at any character.
pub(super) fn steps(alternatives: &[Vec<Part>], anywhere: bool) -> u64 {
    let once: u64 = alternatives.iter().map(|own| follow(own, None, false).steps).fold(0, u64::saturating_add);
    if anywhere { once.saturating_mul(LONGEST) } else { once }
}

/// Whether a group is repeated so often that a PCRE may run out of memory, and not know whether the expression matches.
pub(super) fn has_many_rounds(alternatives: &[Vec<Part>]) -> bool {
    alternatives.iter().flatten().any(|part| match &part.what {
        What::Group { inner, .. } => part.most.is_none_or(|most| most > FEW_ROUNDS) || has_many_rounds(inner),
        What::Ahead { inner, .. } => has_many_rounds(inner),
        What::One { .. } | What::Place(_) | What::End => false,
    })
}

/// What a part takes.
#[derive(Clone, Copy)]
struct Cost {
    steps: u64,
    /// In how many ways the text can go on behind it.
    ways: u64,
}

/// What a sequence takes. `next`: the characters that may stand behind it, if that is known; `fails`: something there can fail.
fn follow(sequence: &[Part], next: Option<Set>, fails: bool) -> Cost {
    // From behind: what may stand behind each part, and whether that can fail.
    let mut behind = Vec::with_capacity(sequence.len());
    sequence.iter().rev().fold((next, fails), |(next, fails), part| {
        behind.push((next, fails));
        (begin_of(part, next), fails || part.may_fail())
    });
    let mut whole = Cost { steps: 0, ways: 1 };
    for (part, (next, fails)) in sequence.iter().zip(behind.into_iter().rev()) {
        let own = repeated(part, next, fails);
        // What cannot fail is come to once.
        let arrivals = if fails || part.may_fail() { whole.ways } else { 1 };
        whole.steps = whole.steps.saturating_add(arrivals.saturating_mul(own.steps));
        whole.ways = if fails { whole.ways.saturating_mul(own.ways) } else { whole.ways };
    }
    whole
}

fn repeated(part: &Part, next: Option<Set>, fails: bool) -> Cost {
    let count = |times: usize| u64::try_from(times).unwrap_or(LONGEST).min(LONGEST);
    let most = part.most.map_or(LONGEST, count);
    let rounds = most.saturating_sub(count(part.least)) + 1;
    let is_clear = |set: Set| next.is_some_and(|next| !next.meets(set));
    match &part.what {
        What::Place(_) | What::End => Cost { steps: 1, ways: 1 },
        What::Ahead { inner, .. } => {
            Cost { steps: inner.iter().map(|own| follow(own, None, true).steps).fold(1, u64::saturating_add), ways: 1 }
        }
        What::One { set, .. } => Cost { steps: most.max(1), ways: if is_clear(*set) { 1 } else { rounds } },
        What::Group { inner, .. } => {
            let first = begins(inner);
            let again = if part.repeats() { next.and_then(|next| Some(next.and(first?))) } else { next };
            let all = inner.iter().map(|own| follow(own, again, fails || part.repeats()));
            let steps = all.clone().map(|own| own.steps).fold(1, u64::saturating_add);
            let ways =
                if are_apart(inner) { all.map(|own| own.ways).max() } else { Some(all.map(|own| own.ways).fold(0, u64::saturating_add)) };
            let ways = ways.unwrap_or(1).max(1);
            match (part.repeats(), ways) {
                (false, _) if part.least > 0 || first.is_some_and(is_clear) => Cost { steps, ways },
                (false, _) => Cost { steps, ways: ways.saturating_add(1) },
                // What is looked at ahead of a round is looked at ahead of all.
                (true, 1) if look_ahead(inner) => Cost { steps: steps.saturating_mul(most), ways: rounds },
                // All rounds together take the text once.
                (true, 1) => Cost { steps: steps.saturating_add(LONGEST.saturating_mul(length(inner))), ways: rounds },
                (true, _) => {
                    let ways = ways.saturating_pow(u32::try_from(most).unwrap_or(u32::MAX));
                    Cost { steps: steps.saturating_mul(most), ways }
                }
            }
        }
    }
}

/// Whether something is looked at ahead, at any depth.
fn look_ahead(alternatives: &[Vec<Part>]) -> bool {
    alternatives.iter().flatten().any(|part| match &part.what {
        What::Ahead { .. } => true,
        What::Group { inner, .. } => look_ahead(inner),
        What::One { .. } | What::Place(_) | What::End => false,
    })
}

/// How many parts there are.
fn length(alternatives: &[Vec<Part>]) -> u64 {
    alternatives.iter().map(|own| u64::try_from(own.len()).unwrap_or(LONGEST)).fold(1, u64::saturating_add)
}

/// The characters that one of the alternatives begins with; `None`: one may be empty.
fn begins(alternatives: &[Vec<Part>]) -> Option<Set> {
    alternatives.iter().try_fold(Set::NONE, |set, own| Some(set.and(begin(own, None)?)))
}

/// The characters that a sequence begins with, or what stands behind it; `None`: it may be any.
fn begin(sequence: &[Part], next: Option<Set>) -> Option<Set> {
    sequence.iter().rev().fold(next, |next, part| begin_of(part, next))
}

/// The same of a part; `next`: of what stands behind it.
fn begin_of(part: &Part, next: Option<Set>) -> Option<Set> {
    let own = match &part.what {
        What::One { set, .. } => *set,
        // Nothing stands behind the end.
        What::End => return Some(Set::NONE),
        What::Place(_) => return next,
        // It is tried whatever stands there.
        What::Ahead { .. } => return None,
        What::Group { inner, .. } => begins(inner)?,
    };
    if part.least > 0 { Some(own) } else { next.map(|next| own.and(next)) }
}

/// Whether the first character decides which of the alternatives it is.
fn are_apart(alternatives: &[Vec<Part>]) -> bool {
    let sets: Vec<Option<Set>> = alternatives.iter().map(|own| begin(own, None)).collect();
    let apart = |a: &Option<Set>, b: &Option<Set>| a.zip(*b).is_some_and(|(a, b)| !a.meets(b));
    sets.iter().enumerate().all(|(n, set)| sets[n + 1..].iter().all(|other| apart(set, other)))
}

#[cfg(test)]
mod tests {
    use super::super::parts::{Alternatives, read};
    use super::*;

    fn parts(text: &str) -> Alternatives {
        read(text).unwrap()
    }

    fn of(text: &str) -> u64 {
        steps(&parts(text), false)
    }

    #[test]
    fn ordinary_expressions_take_little_more_than_the_text_is_long() {
        for (text, most) in [
            ("/", 1),
            ("/api", 4),
            ("/(.*)", LONGEST * 3),
            ("/api(/|$)(.*)", LONGEST * 3),
            ("/v[0-9]+/(.*)", LONGEST * 4),
            ("/v[0-9]+/[^/]+/edit$", LONGEST * 4),
            ("/(?i:API|Web)/.*", LONGEST * 3),
            ("/((?!admin).*)", LONGEST * 4),
            ("/(?=[a-z]+$)x", LONGEST * 2),
            ("/[a-z]{2}(-[A-Z]{2})?/", 100),
            (r"/.*\.(css|js|png|jpe?g)$", LONGEST * 20),
            ("/(.*)/api/(.*)", LONGEST * 9),
            ("/a|/b|/c", 9),
        ] {
            assert!(of(text) <= most, "{text}: {} and not at most {most}", of(text));
        }
    }

    #[test]
    fn each_repetition_that_gives_way_to_another_one_multiplies() {
        for (text, least) in [
            ("/.*.*x", LONGEST * LONGEST),
            ("/.*.*.*x", LONGEST * LONGEST * LONGEST),
            ("/(.*)/(.*)/edit$", LONGEST * LONGEST),
            ("/[a-z]*[a-z]*[0-9]", LONGEST * LONGEST),
            ("/.{0,900}.{0,900}x", 900 * 900),
            ("/a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?b", 1 << 20),
            ("/(a|aa)+b", u64::MAX),
            ("/(?=.*.*x)", LONGEST * LONGEST),
            ("/(?:a(?=.*9))*y", LONGEST * LONGEST),
        ] {
            assert!(of(text) >= least, "{text}: {} and not at least {least}", of(text));
        }
    }

    #[test]
    fn what_stands_behind_decides_whether_a_repetition_gives_way() {
        assert!(of("/[^/]*/[^/]*/x") < LONGEST * 10, "no slash is taken by what stands in front of it");
        assert!(of("/[^/]*[^a]*x") >= LONGEST * LONGEST);
        assert!(of("/.*.*") < LONGEST * 10, "nothing behind them can fail");
        assert!(of("/.*.*$") >= LONGEST * LONGEST, "the end can");
    }

    #[test]
    fn where_it_may_begin_anywhere_it_is_tried_everywhere() {
        for text in ["/a.*b", "x", "/(?!y)"] {
            assert_eq!(steps(&parts(text), true), of(text) * LONGEST, "{text}");
        }
        assert_eq!(steps(&parts("/(a|aa)+b"), true), u64::MAX, "more is not counted");
    }

    #[test]
    fn many_rounds_of_a_group_are_known_at_any_depth() {
        let has = |text: &str| has_many_rounds(&parts(text));
        assert!(has("/(a)*") && has("/(?:x(b){60})?") && has("/(?=(a)+)") && has("/(a){0,51}"));
        assert!(!has("/a*") && !has("/(a)?") && !has("/(a){0,50}") && !has("/[a]*(b|c)"));
    }
}
