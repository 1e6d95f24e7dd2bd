//! Who was set aside gets another chance when what it names changes: the proxy may have refused it because of that. Not at once
//! each time, since every chance costs a check of all files, and others wait for it.

use gatewright_core::names::ObjectName;
use gatewright_core::state::{Ingress, Snapshot, dependency_digest};
use gatewright_core::translate::Quarantine;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const FIRST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(600);

/// The Ingresses that are set aside, and those that had another chance since.
#[derive(Debug, Default)]
pub(super) struct Retrials(BTreeMap<ObjectName, Retrial>);

#[derive(Debug)]
struct Retrial {
    digest: u128,
    dependency_digest: u128,
    not_before: Instant,
    pause: Duration,
}

impl Retrials {
    /// It was set aside now.
    pub(super) fn set_aside(&mut self, ingress: &Ingress, snapshot: &Snapshot, now: Instant) {
        let known = self.0.get(&ingress.meta.name).filter(|known| known.digest == ingress.digest);
        let pause = known.map_or(FIRST, |known| (known.pause * 2).min(LONGEST));
        let dependency_digest = dependency_digest(snapshot, ingress);
        self.0.insert(ingress.meta.name.clone(), Retrial { digest: ingress.digest, dependency_digest, not_before: now + pause, pause });
    }

    /// Gives those another chance that are as they were while what they name is not, and have waited for long enough.
    pub(super) fn retry_due(&self, quarantine: &mut Quarantine, snapshot: &Snapshot, now: Instant) {
        let due: Vec<_> =
            self.waiting(quarantine, snapshot).filter(|(_, retrial)| retrial.not_before <= now).map(|(name, _)| name).collect();
        due.into_iter().for_each(|name| quarantine.forget_verdict(name));
    }

    /// When the next one has it.
    pub(super) fn next(&self, quarantine: &Quarantine, snapshot: &Snapshot) -> Option<Instant> {
        self.waiting(quarantine, snapshot).map(|(_, retrial)| retrial.not_before).min()
    }

    /// Forgets those that are not as they were, and those that the proxy has taken by now.
    pub(super) fn tidy(&mut self, quarantine: &Quarantine, snapshot: &Snapshot) {
        self.0.retain(|name, retrial| {
            snapshot.ingress(name).is_some_and(|ingress| ingress.digest == retrial.digest && !quarantine.has_accepted(ingress))
        });
    }

    fn waiting<'r>(&'r self, quarantine: &Quarantine, snapshot: &Snapshot) -> impl Iterator<Item = (&'r ObjectName, &'r Retrial)> {
        let is_waiting =
            |retrial: &Retrial, one: &Ingress| quarantine.holds(one) && dependency_digest(snapshot, one) != retrial.dependency_digest;
        self.0.iter().filter(move |(name, retrial)| snapshot.ingress(name).is_some_and(|one| is_waiting(retrial, one)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gatewright_core::state::{Event, decode};
    use serde_json::{Value, json};

    fn happens(snapshot: &mut Snapshot, object: Value) {
        snapshot.apply(Event::Applied(decode(object).unwrap().unwrap()));
    }

    fn service(snapshot: &mut Snapshot, port: u16) {
        happens(
            snapshot,
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "a"}, "spec": {"ports": [{"port": port}]}}),
        );
    }

    fn ingress(snapshot: &mut Snapshot, path: &str) -> std::sync::Arc<Ingress> {
        let path = json!({"path": path, "pathType": "Prefix", "backend": {"service": {"name": "s", "port": {"number": 80}}}});
        let rules = json!([{"host": "h.test", "http": {"paths": [path]}}]);
        happens(
            snapshot,
            json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "i", "namespace": "a"}, "spec": {"rules": rules}}),
        );
        std::sync::Arc::clone(snapshot.ingress(&ObjectName::new("a", "i").unwrap()).unwrap())
    }

    #[test]
    fn another_chance_comes_with_a_change_and_less_and_less_often() {
        let (mut snapshot, mut retrials, mut quarantine) = (Snapshot::default(), Retrials::default(), Quarantine::default());
        let (one, mut now) = (ingress(&mut snapshot, "/"), Instant::now());
        for (port, pause) in [(81, FIRST), (82, FIRST * 2), (83, FIRST * 4)] {
            retrials.set_aside(&one, &snapshot, now);
            quarantine.set_aside(&one, String::new());
            retrials.retry_due(&mut quarantine, &snapshot, now + LONGEST);
            assert!(quarantine.holds(&one) && retrials.next(&quarantine, &snapshot).is_none(), "nothing has changed");
            service(&mut snapshot, port);
            retrials.retry_due(&mut quarantine, &snapshot, now);
            assert!(quarantine.holds(&one) && retrials.next(&quarantine, &snapshot) == Some(now + pause), "not yet");
            now += pause;
            retrials.retry_due(&mut quarantine, &snapshot, now);
            assert!(!quarantine.holds(&one) && retrials.next(&quarantine, &snapshot).is_none(), "it has its chance");
        }
        let other = ingress(&mut snapshot, "/other");
        retrials.set_aside(&other, &snapshot, now);
        quarantine.set_aside(&other, String::new());
        service(&mut snapshot, 84);
        assert_eq!(retrials.next(&quarantine, &snapshot), Some(now + FIRST), "another version begins anew");
        quarantine.accept(&[other]);
        retrials.tidy(&quarantine, &snapshot);
        assert_eq!(retrials.next(&quarantine, &snapshot), None, "it is served");
    }
}
