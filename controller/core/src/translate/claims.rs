//! Which readings have something to say about a host.

use super::reading::{Reading, RuleReading};
use crate::diagnostic::{Code, Diagnostic};
use crate::names::HostPattern;
use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

/// One rule's claim on its host.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claim<'a> {
    pub(super) reading: &'a Arc<Reading>,
    /// The rule; `None` for an Ingress that is a default backend and nothing else.
    pub(super) rule: Option<&'a RuleReading>,
    /// Index of the rule among those of the reading.
    number: usize,
}

/// The claims on each host, sorted by host and then in order: oldest Ingress first, then the order of its rules. The
/// catch-all is always there, as the first one.
#[derive(Debug)]
pub(super) struct Claims<'a> {
    all: Vec<Claim<'a>>,
    hosts: Vec<(&'a HostPattern, Range<usize>)>,
}

static CATCH_ALL: HostPattern = HostPattern::CatchAll;

impl<'a> Claims<'a> {
    /// All hosts and the claims on them, sorted by host.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (&'a HostPattern, &[Claim<'a>])> {
        self.hosts.iter().map(|(host, range)| (*host, &self.all[range.clone()]))
    }

    /// The claims on a host, if it is one.
    pub(super) fn get(&self, host: &HostPattern) -> Option<&[Claim<'a>]> {
        self.position(host).map(|at| &self.all[self.hosts[at].1.clone()])
    }

    /// Where a host stands among all.
    pub(super) fn position(&self, host: &HostPattern) -> Option<usize> {
        self.hosts.binary_search_by(|(other, _)| (*other).cmp(host)).ok()
    }
}

/// Sorts the rules of all readings by host.
pub(super) fn by_host<'a>(readings: &'a [Arc<Reading>], diagnostics: &mut Vec<Diagnostic>) -> Claims<'a> {
    let mut claims = Vec::with_capacity(readings.len());
    let mut default_owner: Option<&Reading> = None;
    for reading in readings.iter().filter(|reading| reading.policies.canary.is_none()) {
        let rules = reading.rules.iter().enumerate();
        claims.extend(rules.map(|(number, rule)| (&rule.host, Claim { reading, rule: Some(rule), number })));
        if reading.default_backend.is_none() || !reading.ingress.rules.is_empty() {
            continue;
        }
        match default_owner {
            None => {
                default_owner = Some(reading);
                claims.push((&CATCH_ALL, Claim { reading, rule: None, number: 0 }));
            }
            Some(owner) => {
                let message = format!("{} is already the default backend; this one is not used", owner.first_before(reading));
                diagnostics.push(Diagnostic::new(Code::DuplicateDefaultBackend, reading.origin.clone(), "spec.defaultBackend", message));
            }
        }
    }
    // The order of the claims on one host stays.
    claims.sort_by_key(|(host, _)| *host);
    divided(claims)
}

fn divided<'a>(claims: Vec<(&'a HostPattern, Claim<'a>)>) -> Claims<'a> {
    let mut hosts: Vec<(&HostPattern, Range<usize>)> = vec![(&CATCH_ALL, 0..0)];
    hosts.reserve(claims.len());
    for (at, (host, _)) in claims.iter().enumerate() {
        match hosts.last_mut() {
            Some((last, range)) if last == host => range.end = at + 1,
            _ => hosts.push((*host, at..at + 1)),
        }
    }
    Claims { all: claims.into_iter().map(|(_, claim)| claim).collect(), hosts }
}

/// The claims of the time before.
#[derive(Debug, Default)]
pub(super) struct Memo {
    kept: Vec<Kept>,
}

/// The claims on one host.
#[derive(Debug)]
struct Kept {
    host: HostPattern,
    claims: Vec<(Arc<Reading>, usize)>,
}

impl Kept {
    fn new(host: &HostPattern, claims: &[Claim<'_>]) -> Self {
        Self { host: host.clone(), claims: claims.iter().map(|claim| (Arc::clone(claim.reading), claim.number)).collect() }
    }

    fn is_same(&self, claims: &[Claim<'_>]) -> bool {
        let same = |((reading, number), claim): (&(Arc<Reading>, usize), &Claim<'_>)| {
            Arc::ptr_eq(reading, claim.reading) && *number == claim.number
        };
        self.claims.len() == claims.len() && self.claims.iter().zip(claims).all(same)
    }
}

/// What was known of a host the time before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Before {
    /// Where it stood among all.
    pub(super) at: usize,
    /// The claims on it are the very same as now.
    pub(super) same_claims: bool,
}

impl Memo {
    /// What was known of each host, in the order of the claims; takes them in for the next time.
    pub(super) fn compare(&mut self, claims: &Claims<'_>) -> Vec<Option<Before>> {
        let mut before = std::mem::take(&mut self.kept).into_iter().enumerate().peekable();
        self.kept.reserve(claims.hosts.len());
        let mut found = Vec::with_capacity(claims.hosts.len());
        for (host, claims) in claims.iter() {
            while before.next_if(|(_, kept)| order(&kept.host, host) == Ordering::Less).is_some() {}
            let same_host = before.next_if(|(_, kept)| kept.host == *host);
            found.push(same_host.as_ref().map(|(at, kept)| Before { at: *at, same_claims: kept.is_same(claims) }));
            let same = same_host.map(|(_, kept)| kept).filter(|kept| kept.is_same(claims));
            self.kept.push(same.unwrap_or_else(|| Kept::new(host, claims)));
        }
        found
    }
}

/// As they are sorted; most are equal, which is seen sooner.
fn order(one: &HostPattern, other: &HostPattern) -> Ordering {
    if one == other { Ordering::Equal } else { one.cmp(other) }
}
