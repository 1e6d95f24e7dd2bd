//! Under which conditions a variable that conditions set has one of the values that are looked for.

use super::chosen::{Choice, Choices};
use crate::model::Condition;
use std::collections::BTreeSet;

/// Conditions whose every combination is looked at.
const MOST_CONDITIONS: usize = 6;
/// Ways to come to the value.
const MOST_WAYS: usize = 8;

/// The ways in which the value fits: all conditions of one of them hold. `usual`: the value where no condition holds. `None`:
/// that cannot be told.
pub(super) fn ways(usual: &str, choices: &Choices, fits: impl Fn(&str) -> bool) -> Option<Vec<Vec<Condition>>> {
    let all = conditions(choices);
    if all.len() > MOST_CONDITIONS {
        return of_many(usual, choices, fits);
    }
    let every = 1_u32 << all.len();
    let good = (0..every).filter(|state| fits(&value(usual, choices, (&all, *state)))).fold(0, |good, state| good | 1_u64 << state);
    let way = |Way { looks_at, state }: Way| {
        let looked = all.iter().enumerate().filter(|(n, _)| looks_at >> n & 1 == 1);
        looked.map(|(n, &condition)| if state >> n & 1 == 1 { condition.clone() } else { condition.negation() }).collect()
    };
    Some(shortest(good, every - 1)).filter(|ways| ways.len() <= MOST_WAYS).map(|ways| ways.into_iter().map(way).collect())
}

/// The values that a variable may have, each once.
pub(super) fn values(usual: &str, choices: &Choices) -> BTreeSet<String> {
    let all = conditions(choices);
    if all.len() > MOST_CONDITIONS {
        return std::iter::once(usual.to_owned()).chain(choices.iter().map(|choice| choice.set(usual))).collect();
    }
    (0..1_u32 << all.len()).map(|state| value(usual, choices, (&all, state))).collect()
}

/// All conditions, each once.
fn conditions(choices: &Choices) -> Vec<&Condition> {
    let mut all: Vec<&Condition> = Vec::new();
    for condition in choices.iter().flat_map(Choice::when) {
        if !all.contains(&condition) {
            all.push(condition);
        }
    }
    all
}

/// The value where of `all` conditions those hold whose bits are set.
fn value(usual: &str, choices: &Choices, (all, state): (&[&Condition], u32)) -> String {
    let holds = |condition: &Condition| all.iter().position(|own| *own == condition).is_some_and(|n| state >> n & 1 == 1);
    let set = choices.iter().filter(|choice| choice.when().iter().all(holds));
    set.fold(usual.to_owned(), |had, choice| choice.set(&had))
}

/// Of many conditions only the plain cases: those that set another value come before all that set this one.
fn of_many(usual: &str, choices: &Choices, fits: impl Fn(&str) -> bool) -> Option<Vec<Vec<Condition>>> {
    if choices.iter().any(Choice::goes_on) {
        return None;
    }
    let marks: Vec<bool> = choices.iter().map(|choice| fits(&choice.set(""))).collect();
    match fits(usual) {
        usual if marks.iter().all(|&mark| mark == usual) => Some(if usual { vec![Vec::new()] } else { Vec::new() }),
        false if marks.is_sorted() => {
            Some(choices.iter().zip(marks).filter(|(_, mark)| *mark).map(|(choice, _)| choice.when().to_vec()).collect())
        }
        _ => None,
    }
}

/// States that are alike in what is looked at.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Way {
    /// Bits that count.
    looks_at: u32,
    /// How these are.
    state: u32,
}

impl Way {
    const fn has(self, state: u32) -> bool {
        state & self.looks_at == self.state
    }
}

/// Few ways that have all of the `good` states, which are bits, and no other: what makes no difference is not looked at.
fn shortest(good: u64, all: u32) -> Vec<Way> {
    let states = |way: Way| (0..=all).filter(move |state| way.has(*state)).fold(0, |states, state| states | 1_u64 << state);
    let mut ways: Vec<Way> = (0..=all).flat_map(|looks_at| (0..=all).map(move |state| Way { looks_at, state: state & looks_at })).collect();
    ways.sort_by_key(|way| (way.looks_at.count_ones(), way.looks_at, std::cmp::Reverse(way.state)));
    ways.dedup();
    let (mut taken, mut left) = (Vec::new(), good);
    for way in ways {
        let its_own = states(way);
        if its_own & !good == 0 && its_own & left != 0 {
            left &= !its_own;
            taken.push(way);
        }
    }
    taken
}
