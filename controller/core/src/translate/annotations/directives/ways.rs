//! Under which conditions a variable that conditions set has one of the values that are looked for.

use super::chosen::{Choice, Choices};
use crate::model::Condition;
use std::collections::{BTreeMap, BTreeSet};

/// Conditions whose every combination is looked at.
const MOST_CONDITIONS: usize = 6;
/// Ways to come to the value.
const MOST_WAYS: usize = 8;

/// Conditions that hold together, each of several times.
pub(super) type Ways = Vec<Vec<Condition>>;

/// Why it is not known when a variable has a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unknown {
    /// Too many conditions have to be looked at.
    Undecided,
    /// One of its values is longer than a text can be.
    TooLong,
}

/// The ways in which the value fits: all conditions of one of them hold. `usual`: the value where no condition holds.
pub(super) fn ways(usual: &str, choices: &Choices, fits: impl Fn(&str) -> bool) -> Result<Ways, Unknown> {
    let all = conditions(choices);
    if all.len() > MOST_CONDITIONS {
        return of_many(usual, choices, fits);
    }
    let values = in_states(usual, choices, &all)?;
    let good = values.iter().enumerate().filter(|(_, value)| fits(value)).fold(0, |good, (state, _)| good | 1_u64 << state);
    told(good, &every_way(all.len()), &all)
}

/// The values that a variable may have, each once, with the ways in which it has it. They are as many as states at most, and
/// none is longer than a text can be.
pub(super) fn values(usual: &str, choices: &Choices) -> Result<BTreeMap<String, Ways>, Unknown> {
    let all = conditions(choices);
    if all.len() > MOST_CONDITIONS {
        let set = choices.iter().map(|choice| choice.set(usual).ok_or(Unknown::TooLong));
        let values = std::iter::once(Ok(usual.to_owned())).chain(set).collect::<Result<BTreeSet<_>, _>>()?;
        return values.into_iter().map(|value| Ok((value.clone(), of_many(usual, choices, |other| other == value)?))).collect();
    }
    let mut states = BTreeMap::new();
    for (state, value) in in_states(usual, choices, &all)?.into_iter().enumerate() {
        *states.entry(value).or_default() |= 1_u64 << state;
    }
    let every = every_way(all.len());
    states.into_iter().map(|(value, good)| Ok((value, told(good, &every, &all)?))).collect()
}

/// The few ways that have all of the `good` states, which are bits.
fn told(good: u64, every: &[(Way, u64)], all: &[&Condition]) -> Result<Ways, Unknown> {
    let way = |Way { looks_at, state }: Way| {
        let looked = all.iter().enumerate().filter(|(n, _)| looks_at >> n & 1 == 1);
        looked.map(|(n, &condition)| if state >> n & 1 == 1 { condition.clone() } else { condition.negation() }).collect()
    };
    let ways = shortest(good, every);
    if ways.len() > MOST_WAYS { Err(Unknown::Undecided) } else { Ok(ways.into_iter().map(way).collect()) }
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

/// The values where of `all` conditions those hold whose bits are set in the number of the state.
fn in_states(usual: &str, choices: &Choices, all: &[&Condition]) -> Result<Vec<String>, Unknown> {
    let bit = |condition: &Condition| all.iter().position(|own| *own == condition).map_or(0, |n| 1_u32 << n);
    let asked: Vec<u32> = choices.iter().map(|choice| choice.when().iter().map(bit).fold(0, |bits, bit| bits | bit)).collect();
    let value = |state: u32| {
        let mut set = choices.iter().zip(&asked).filter(|(_, bits)| state & **bits == **bits);
        set.try_fold(usual.to_owned(), |had, (choice, _)| choice.set(&had)).ok_or(Unknown::TooLong)
    };
    (0..1_u32 << all.len()).map(value).collect()
}

/// Of many conditions only the plain cases: those that set another value come before all that set this one.
fn of_many(usual: &str, choices: &Choices, fits: impl Fn(&str) -> bool) -> Result<Ways, Unknown> {
    if choices.iter().any(Choice::goes_on) {
        return Err(Unknown::Undecided);
    }
    let marks = choices.iter().map(|choice| choice.set("").map(|value| fits(&value)).ok_or(Unknown::TooLong));
    let marks = marks.collect::<Result<Vec<bool>, _>>()?;
    match fits(usual) {
        usual if marks.iter().all(|&mark| mark == usual) => Ok(if usual { vec![Vec::new()] } else { Vec::new() }),
        false if marks.is_sorted() => {
            Ok(choices.iter().zip(marks).filter(|(_, mark)| *mark).map(|(choice, _)| choice.when().to_vec()).collect())
        }
        _ => Err(Unknown::Undecided),
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

/// Every way to look at so many conditions, those that look at few first, each with its states, which are bits.
fn every_way(conditions: usize) -> Vec<(Way, u64)> {
    let states = 1_u32 << conditions;
    let looking = |looks_at: u32| (0..states).filter(move |state| state & !looks_at == 0).map(move |state| Way { looks_at, state });
    let mut ways: Vec<Way> = (0..states).flat_map(looking).collect();
    ways.sort_by_key(|way| (way.looks_at.count_ones(), way.looks_at, std::cmp::Reverse(way.state)));
    let its_own = |way: Way| (0..states).filter(|state| way.has(*state)).fold(0, |own, state| own | 1_u64 << state);
    ways.into_iter().map(|way| (way, its_own(way))).collect()
}

/// Few ways that have all of the `good` states and no other: what makes no difference is not looked at.
fn shortest(good: u64, every: &[(Way, u64)]) -> Vec<Way> {
    let (mut taken, mut left) = (Vec::new(), good);
    for &(way, its_own) in every {
        if its_own & !good == 0 && its_own & left != 0 {
            left &= !its_own;
            taken.push(way);
        }
    }
    taken
}
