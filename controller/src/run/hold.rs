//! Keeps a candidate back until what it refers to was looked up.
//!
//! Secrets and ConfigMaps are watched once something refers to them. A candidate made before they are known would serve
//! a wrong certificate for the moment until the next one, or without the operator's settings, which may keep somebody out: for
//! those there is no moment.

use gatewright_core::state::Snapshot;
use gatewright_core::translate::Wanted;
use std::time::{Duration, Instant};

/// A candidate is kept back for so long at most, unless it is for settings.
const LONGEST: Duration = Duration::from_secs(3);

/// What was looked up so far, and whether something is kept back.
#[derive(Debug)]
pub(super) struct Hold {
    /// `None`: the source tells everything without being asked.
    answered: Option<Wanted>,
    until: Option<Instant>,
}

impl Hold {
    /// `asks`: the source has to be asked for Secrets and ConfigMaps.
    pub(super) fn new(asks: bool) -> Self {
        Self { answered: asks.then(Wanted::default), until: None }
    }

    /// The source has looked up all of this; whether a candidate was waiting for it.
    pub(super) fn answer(&mut self, wanted: Wanted) -> bool {
        self.answered = Some(wanted);
        self.until.is_some()
    }

    /// Until when a candidate that refers to this has to wait; `None`: it may go. DNS names count for the `first` one
    /// only: what was served before a restart shall not be closed for a moment.
    pub(super) fn until(&mut self, wanted: &Wanted, snapshot: &Snapshot, first: bool) -> Option<Instant> {
        let unasked = self.answered.as_ref().is_some_and(|answered| !wanted.is_part_of(answered));
        let unresolved = first && wanted.dns_names.iter().any(|name| snapshot.addresses_of(name).is_none());
        if !unasked && !unresolved {
            self.until = None;
            return None;
        }
        let now = Instant::now();
        let until = *self.until.get_or_insert(now + LONGEST);
        if now < until {
            return Some(until);
        }
        tracing::warn!("not everything that is referred to could be looked up in time");
        let has_settings_of =
            |answered: &Wanted| wanted.settings.is_subset(&answered.settings) && wanted.parameters.is_subset(&answered.parameters);
        let lacks_settings = self.answered.as_ref().is_some_and(|answered| !has_settings_of(answered));
        self.until = lacks_settings.then(|| now + LONGEST);
        self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gatewright_core::names::ObjectName;
    use gatewright_core::state::Event;
    use std::sync::Arc;

    fn wanted(secrets: &[&str], dns_names: &[&str]) -> Wanted {
        let secrets = secrets.iter().map(|name| ObjectName::new("shop", name).unwrap()).collect();
        Wanted { secrets: Arc::new(secrets), dns_names: dns_names.iter().map(|name| (*name).into()).collect(), ..Wanted::default() }
    }

    #[test]
    fn what_holds_settings_is_waited_for_however_long_it_takes() {
        let (mut hold, snapshot) = (Hold::new(true), Snapshot::default());
        let main = ObjectName::new("edge", "main").unwrap();
        let settings = Wanted { settings: [main.clone()].into(), config_maps: [main].into(), ..Wanted::default() };
        let all = Wanted { secrets: wanted(&["a"], &[]).secrets, ..settings.clone() };
        for _ in 0..2 {
            assert!(hold.until(&all, &snapshot, true).is_some());
            hold.until = Some(Instant::now());
        }
        assert!(hold.answer(settings), "somebody waits");
        hold.until = Some(Instant::now());
        assert_eq!(hold.until(&all, &snapshot, true), None, "the rest has had its time");
    }

    #[test]
    fn a_candidate_waits_until_its_secrets_are_looked_up() {
        let mut hold = Hold::new(true);
        let snapshot = Snapshot::default();
        assert_eq!(hold.until(&wanted(&[], &[]), &snapshot, true), None);
        assert!(hold.until(&wanted(&["a"], &[]), &snapshot, true).is_some());
        assert!(hold.answer(wanted(&["a", "b"], &[])), "somebody waits");
        assert_eq!(hold.until(&wanted(&["a"], &[]), &snapshot, true), None);
        assert!(!hold.answer(wanted(&["a"], &[])), "nobody waits any more");
    }

    #[test]
    fn a_folder_is_never_waited_for_and_names_only_at_the_start() {
        let mut hold = Hold::new(false);
        let mut snapshot = Snapshot::default();
        assert_eq!(hold.until(&wanted(&["a"], &[]), &snapshot, true), None);
        assert!(hold.until(&wanted(&[], &["x.example"]), &snapshot, true).is_some());
        assert_eq!(hold.until(&wanted(&[], &["x.example"]), &snapshot, false), None);
        snapshot.apply(Event::Resolved("x.example".into(), Vec::new()));
        assert_eq!(hold.until(&wanted(&[], &["x.example"]), &snapshot, true), None);
    }
}
