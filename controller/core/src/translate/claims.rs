//! Which readings have something to say about a host. Of a change, only the hosts that it is about are looked at.

use super::reading::{Reading, RuleReading};
use crate::diagnostic::{Code, Diagnostic};
use crate::names::HostPattern;
use crate::state::{Ingress, by_age};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A reading, and where it stands among all.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    /// The Ingress that is there now; an older version of it may be served.
    pub(super) place: Arc<Ingress>,
    pub(super) reading: Arc<Reading>,
}

/// What has changed among the readings.
#[derive(Debug, Default)]
pub(super) struct Change {
    pub(super) gone: Vec<Placed>,
    pub(super) new: Vec<Placed>,
}

impl Change {
    /// Whether the readings are the very same.
    pub(super) const fn is_none(&self) -> bool {
        self.gone.is_empty() && self.new.is_empty()
    }
}

/// One rule's claim on its host.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    place: Arc<Ingress>,
    pub(super) reading: Arc<Reading>,
    /// Index of the rule among those of the reading; `None` for an Ingress that is a default backend and nothing else.
    number: Option<usize>,
}

impl Claim {
    fn new(placed: &Placed, number: Option<usize>) -> Self {
        Self { place: Arc::clone(&placed.place), reading: Arc::clone(&placed.reading), number }
    }

    /// The rule; `None` for an Ingress that is a default backend and nothing else.
    pub(super) fn rule(&self) -> Option<&RuleReading> {
        self.number.map(|number| &self.reading.rules[number])
    }

    pub(super) fn namespace(&self) -> &str {
        self.reading.origin.name.namespace()
    }

    /// Oldest Ingress first, then the order of its rules.
    fn order(&self, other: &Self) -> Ordering {
        let by_place = if Arc::ptr_eq(&self.place, &other.place) { Ordering::Equal } else { by_age(&self.place, &other.place) };
        by_place.then(self.number.cmp(&other.number))
    }
}

/// The claims on each host, in their order. The catch-all is always there.
#[derive(Debug)]
pub(super) struct Claims {
    hosts: BTreeMap<HostPattern, Vec<Claim>>,
    /// What Ingresses guard that are left out, oldest first. These are no claims: a host that has no others is none.
    shut: BTreeMap<HostPattern, Vec<Claim>>,
    /// Ingresses that are a default backend and nothing else, oldest first. Only the first one is a claim.
    defaults: Vec<Claim>,
}

impl Default for Claims {
    fn default() -> Self {
        Self { hosts: BTreeMap::from([(HostPattern::CatchAll, Vec::new())]), shut: BTreeMap::new(), defaults: Vec::new() }
    }
}

impl Claims {
    /// All hosts and the claims on them, sorted by host.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (&HostPattern, &[Claim])> {
        self.hosts.iter().map(|(host, claims)| (host, claims.as_slice()))
    }

    /// The claims on a host, if it is one.
    pub(super) fn get(&self, host: &HostPattern) -> Option<&[Claim]> {
        self.hosts.get(host).map(Vec::as_slice)
    }

    /// What Ingresses that are left out guard of a host.
    pub(super) fn shut(&self, host: &HostPattern) -> &[Claim] {
        self.shut.get(host).map_or(&[], Vec::as_slice)
    }

    /// Hosts that only Ingresses name that are left out, each with the wildcard host that answers for it, if something is served
    /// of the same namespace there.
    pub(super) fn shut_below_wildcards(&self) -> impl Iterator<Item = (&HostPattern, HostPattern)> {
        self.shut.iter().filter(|(host, _)| !self.hosts.contains_key(*host)).filter_map(move |(host, shut)| {
            let wildcard = host.covering_wildcard()?;
            let open = self.get(&wildcard)?;
            shut.iter().any(|shut| open.iter().any(|open| open.namespace() == shut.namespace())).then_some((host, wildcard))
        })
    }

    /// Takes in what those guard that are left out, oldest first, and adds the hosts of which that is something else.
    pub(super) fn update_shut(&mut self, all: impl Iterator<Item = Placed>, touched: &mut BTreeSet<HostPattern>) {
        let mut shut = BTreeMap::<HostPattern, Vec<Claim>>::new();
        for placed in all {
            for (number, rule) in placed.reading.rules.iter().enumerate() {
                shut.entry(rule.host.clone()).or_default().push(Claim::new(&placed, Some(number)));
            }
        }
        let before = std::mem::replace(&mut self.shut, shut);
        let is_same = |host: &HostPattern| {
            let [before, now] = [&before, &self.shut].map(|shut| shut.get(host).map_or(&[][..], Vec::as_slice));
            before.len() == now.len() && before.iter().zip(now).all(|(one, other)| Arc::ptr_eq(&one.reading, &other.reading))
        };
        touched.extend(before.keys().chain(self.shut.keys()).filter(|host| !is_same(host)).cloned());
    }

    /// Takes in what has changed. The hosts that have other claims than before, or none any more.
    pub(super) fn update(&mut self, change: &Change) -> BTreeSet<HostPattern> {
        let mut touched = BTreeSet::new();
        let has_say = |placed: &&Placed| placed.reading.policies.canary.is_none();
        for placed in change.gone.iter().filter(has_say) {
            for rule in &placed.reading.rules {
                self.withdraw(&rule.host, &placed.reading);
                touched.insert(rule.host.clone());
            }
        }
        for placed in change.new.iter().filter(has_say) {
            for (number, rule) in placed.reading.rules.iter().enumerate() {
                self.put(rule.host.clone(), Claim::new(placed, Some(number)));
                touched.insert(rule.host.clone());
            }
        }
        if change.gone.iter().chain(&change.new).filter(has_say).any(is_default_backend) {
            self.settle_default(change);
            touched.insert(HostPattern::CatchAll);
        }
        touched
    }

    /// Tells those whose default backend is not used.
    pub(super) fn say_unused_defaults(&self, diagnostics: &mut Vec<Diagnostic>) {
        let Some((owner, others)) = self.defaults.split_first() else { return };
        for Claim { reading, .. } in others {
            let message = format!("{} is already the default backend; this one is not used", owner.reading.first_before(reading));
            let finding = Diagnostic::new(Code::DuplicateDefaultBackend, reading.origin.clone(), "spec.defaultBackend", message);
            diagnostics.push(finding.help("remove one of them, or use rules with hosts"));
        }
    }

    fn put(&mut self, host: HostPattern, claim: Claim) {
        insert(self.hosts.entry(host).or_insert_with(|| Vec::with_capacity(1)), claim);
    }

    fn withdraw(&mut self, host: &HostPattern, reading: &Arc<Reading>) {
        let Some(claims) = self.hosts.get_mut(host) else { return };
        claims.retain(|claim| !Arc::ptr_eq(&claim.reading, reading));
        if claims.is_empty() && *host != HostPattern::CatchAll {
            self.hosts.remove(host);
        }
    }

    fn settle_default(&mut self, change: &Change) {
        if let Some(owner) = self.defaults.first().map(|owner| Arc::clone(&owner.reading)) {
            self.withdraw(&HostPattern::CatchAll, &owner);
        }
        let is_gone = |claim: &Claim| change.gone.iter().any(|gone| Arc::ptr_eq(&gone.reading, &claim.reading));
        self.defaults.retain(|claim| !is_gone(claim));
        let has_say = |placed: &&Placed| placed.reading.policies.canary.is_none() && is_default_backend(placed);
        change.new.iter().filter(has_say).for_each(|new| insert(&mut self.defaults, Claim::new(new, None)));
        if let Some(owner) = self.defaults.first().cloned() {
            self.put(HostPattern::CatchAll, owner);
        }
    }
}

/// Whether it is a default backend and nothing else.
fn is_default_backend(placed: &Placed) -> bool {
    placed.reading.default_backend.is_some() && placed.reading.ingress.rules.is_empty()
}

/// Keeps them sorted.
fn insert(claims: &mut Vec<Claim>, claim: Claim) {
    let is_before = |other: &Claim| other.order(&claim) == Ordering::Less;
    // At the first time they come in their order.
    let at = if claims.last().is_none_or(is_before) { claims.len() } else { claims.partition_point(is_before) };
    claims.insert(at, claim);
}
