//! What values of the different kinds of protections mean.

use super::Effect;
use crate::settings::values;
use crate::translate::annotations::{snippet_concerns_protections, snippet_keeps_out};
use Effect::{Closes, Opens, Unclear};
use ipnet::IpNet;
use std::net::IpAddr;

/// How a value decides who may reach what.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rule {
    /// Whatever is there protects.
    Guard,
    /// Without it, nobody gets in.
    Admits,
    /// `true` protects; this holds without a value.
    Protects(bool),
    /// `true` lets more through; this holds without a value.
    Opens(bool),
    /// Words of the same meaning, those that let the fewest through first; the empty one stands for none.
    Levels(&'static [&'static [&'static str]]),
    /// How often a client may ask; 0 and nothing: as often as it likes.
    Rate,
    /// The more, the more is let through; this holds without a value.
    Number(u64),
    /// Who may come; this holds without a value, and if that is nothing, all may.
    Allowed(&'static str),
    /// Who may not come.
    Denied,
    /// For whom a protection does not hold.
    Exempt,
    /// Origins that may read answers; without a value all.
    Origins,
    /// Beginnings of paths that are not protected; these hold without a value.
    Unprotected(&'static str),
    /// What is refused.
    Refused,
    /// What may be used; these hold without a value.
    Granted(&'static str),
    /// How large a request may be, 0 for any; without a value as large as here.
    Size(&'static str),
    /// Further names, of which nobody knows all where they are expressions.
    Names,
    /// Directives.
    Snippet,
    /// Whether what clients say of their own addresses is believed.
    Trust,
    /// Whatever is there sends visitors elsewhere.
    Leads,
    /// What changes of a protection nobody but a person can tell.
    Look,
}

impl Rule {
    /// What it means that a value is another one.
    pub(super) fn effect(self, from: &str, to: &str, by_address: bool) -> Option<Effect> {
        match self {
            Self::Guard => presence(!from.is_empty(), !to.is_empty(), true),
            Self::Admits => presence(from.is_empty(), to.is_empty(), false).or(Some(Unclear)),
            Self::Protects(usual) => switch(from, to, usual).map(|on| if on { Closes } else { Opens }),
            Self::Opens(usual) => switch(from, to, usual).map(|on| if on { Opens } else { Closes }),
            Self::Levels(levels) => by_level(levels, from, to),
            Self::Rate => by_number(rate(from), rate(to)),
            Self::Number(usual) => by_number(number(from, usual), number(to, usual)),
            Self::Allowed(usual) => allowed(or(from, usual), or(to, usual)),
            Self::Denied => exempt(from, to).map(reversed),
            Self::Exempt => exempt(from, to),
            Self::Origins => origins(from, to),
            Self::Unprotected(usual) => by_parts(or(from, usual), or(to, usual), |one, other| other.starts_with(one)),
            Self::Refused => by_parts(from, to, |one, other| one == other).map(reversed),
            Self::Granted(usual) => {
                let [from, to] = [from, to].map(|text| or(text, usual).split([',', ' ']).collect::<Vec<_>>().join(","));
                by_parts(&from, &to, |one, other| one.eq_ignore_ascii_case(other))
            }
            Self::Size(usual) => by_number(size(or(from, usual)), size(or(to, usual))),
            Self::Names => [from, to].iter().any(|text| text.contains('~')).then_some(Unclear),
            Self::Snippet => snippet(from, to),
            Self::Trust => switch(from, to, false).map(|on| if on && by_address { Opens } else { Unclear }),
            // Those who are no longer sent elsewhere come to the Service.
            Self::Leads => Some(if to.is_empty() { Opens } else { Unclear }),
            Self::Look => Some(Unclear),
        }
    }
}

/// What becomes of a protection that was and is there, or not; `is_other`: it is another one.
pub(in super::super) const fn presence(was_there: bool, is_there: bool, is_other: bool) -> Option<Effect> {
    match (was_there, is_there) {
        (false, true) => Some(Closes),
        (true, false) => Some(Opens),
        (true, true) if is_other => Some(Unclear),
        _ => None,
    }
}

/// Several effects as one; of different ones, only a person can tell.
pub(in super::super) fn joined(effects: impl IntoIterator<Item = Option<Effect>>) -> Option<Effect> {
    effects.into_iter().flatten().reduce(|one, other| if one == other { one } else { Unclear })
}

/// Whether every network of one list is inside of the other list.
pub(in super::super) fn holds(outer: &[IpNet], inner: &[IpNet]) -> bool {
    inner.iter().all(|net| outer.iter().any(|outer| outer.contains(net)))
}

fn or<'t>(text: &'t str, usual: &'t str) -> &'t str {
    if text.is_empty() { usual } else { text }
}

/// Whether a switch is on now and was not, or the other way round; `None`: neither. What is no bool is told as a mistake.
fn switch(from: &str, to: &str, usual: bool) -> Option<bool> {
    let (from, to) = (flag(from, usual)?, flag(to, usual)?);
    (from != to).then_some(to)
}

fn flag(text: &str, usual: bool) -> Option<bool> {
    if text.is_empty() { Some(usual) } else { values::flag(text).ok() }
}

fn by_level(levels: &[&[&str]], from: &str, to: &str) -> Option<Effect> {
    let level = |text: &str| levels.iter().position(|words| words.contains(&text.trim()));
    match (level(from), level(to)) {
        (Some(from), Some(to)) if from < to => Some(Opens),
        (Some(from), Some(to)) if from > to => Some(Closes),
        (Some(_), Some(_)) => None,
        _ => Some(Unclear),
    }
}

/// `None`: it is no number, which is told as a mistake.
fn number(text: &str, usual: u64) -> Option<u64> {
    if text.is_empty() { Some(usual) } else { text.parse().ok() }
}

fn rate(text: &str) -> Option<u64> {
    number(text, 0).map(|rate| if rate == 0 { u64::MAX } else { rate })
}

/// `None`: it is no size, which is told as a mistake.
fn size(text: &str) -> Option<u64> {
    values::bytes(text).ok().map(|size| if size == 0 { u64::MAX } else { size })
}

fn by_number(from: Option<u64>, to: Option<u64>) -> Option<Effect> {
    match (from, to) {
        (Some(from), Some(to)) if from < to => Some(Opens),
        (Some(from), Some(to)) if from > to => Some(Closes),
        (Some(_), Some(_)) => None,
        _ => Some(Unclear),
    }
}

/// A list of who may come; an empty one lets everybody in.
fn allowed(from: &str, to: &str) -> Option<Effect> {
    match (from.is_empty(), to.is_empty()) {
        (false, false) => exempt(from, to),
        (was_open, is_open) => presence(!was_open, !is_open, false),
    }
}

/// A list of those whom something lets through; an empty one is nobody.
fn exempt(from: &str, to: &str) -> Option<Effect> {
    let (Some(old), Some(new)) = (networks(from), networks(to)) else { return Some(Unclear) };
    by_inclusion(holds(&new, &old), holds(&old, &new))
}

fn networks(text: &str) -> Option<Vec<IpNet>> {
    let network = |item: &str| item.parse::<IpNet>().ok().or_else(|| item.parse::<IpAddr>().ok().map(IpNet::from));
    parts(text).map(network).collect()
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', ' ']).map(str::trim).filter(|item| !item.is_empty())
}

/// Of two sets of which the new one holds the old one, or the old one the new one.
const fn by_inclusion(new_holds_old: bool, old_holds_new: bool) -> Option<Effect> {
    match (new_holds_old, old_holds_new) {
        (true, true) => None,
        (true, false) => Some(Opens),
        (false, true) => Some(Closes),
        (false, false) => Some(Unclear),
    }
}

/// Lists of which the more items let the more through; `covers`: whether one item says all that the other one says.
fn by_parts(from: &str, to: &str, covers: impl Fn(&str, &str) -> bool) -> Option<Effect> {
    let items = |text| str::split(text, ',').map(str::trim).filter(|item| !item.is_empty()).collect::<Vec<_>>();
    let (old, new) = (items(from), items(to));
    let holds = |outer: &[&str], inner: &[&str]| inner.iter().all(|item| outer.iter().any(|outer| covers(outer, item)));
    by_inclusion(holds(&new, &old), holds(&old, &new))
}

/// Without a list, every origin may.
fn origins(from: &str, to: &str) -> Option<Effect> {
    let all = |text: &str| text.is_empty() || text.split(',').any(|origin| origin.trim() == "*");
    match (all(from), all(to)) {
        (true, true) => None,
        (false, false) => by_parts(from, to, |one, other| one == other),
        (_, is_open) => Some(if is_open { Opens } else { Closes }),
    }
}

/// Directives that may keep somebody out, or say how protections are joined.
fn snippet(from: &str, to: &str) -> Option<Effect> {
    match (snippet_keeps_out(from), snippet_keeps_out(to)) {
        (false, false) => (snippet_concerns_protections(from) || snippet_concerns_protections(to)).then_some(Unclear),
        (before, after) => presence(before, after, true),
    }
}

const fn reversed(effect: Effect) -> Effect {
    match effect {
        Opens => Closes,
        Closes => Opens,
        Unclear => Unclear,
    }
}
