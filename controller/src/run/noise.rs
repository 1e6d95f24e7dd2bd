//! Whose changes wait for others: namespaces that make the proxy reload again and again.
//!
//! Reloads are spaced out while old workers are still busy. Whoever may change an Ingress and hold a connection could keep
//! all others waiting by that; so the longest pauses are for the changes of namespaces that have caused them.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

/// So many loads one after another are urgent for a namespace that was quiet.
const AT_ONCE: u32 = 4;

/// After so long another one is: somebody who changes something all the time then has fewer old workers, which live for
/// four minutes unless it is set otherwise, than everybody is allowed where it is urgent.
const ANOTHER_AFTER: Duration = Duration::from_secs(30);

/// When each namespace has had no more loads than it may; those that have long passed are left out.
#[derive(Debug, Default)]
pub(super) struct Noise(HashMap<String, Instant>);

impl Noise {
    /// The proxy has loaded changes of these.
    pub(super) fn loaded(&mut self, namespaces: BTreeSet<String>, now: Instant) {
        self.0.retain(|_, even_at| *even_at > now);
        for namespace in namespaces {
            let even_at = self.0.entry(namespace).or_insert(now);
            *even_at = (*even_at + ANOTHER_AFTER).min(now + ANOTHER_AFTER * AT_ONCE);
        }
    }

    /// Whether changes of this namespace need not wait for the noise of others.
    pub(super) fn is_quiet(&self, namespace: &str, now: Instant) -> bool {
        self.0.get(namespace).is_none_or(|even_at| *even_at <= now + ANOTHER_AFTER * (AT_ONCE - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_makes_the_proxy_load_again_and_again_is_noisy_for_a_while() {
        let begin = Instant::now();
        let mut noise = Noise::default();
        let mut load = |namespaces: &[&str], after_s: u64| {
            let now = begin + Duration::from_secs(after_s);
            noise.loaded(namespaces.iter().map(|&name| name.to_owned()).collect(), now);
            ["evil", "good"].map(|name| noise.is_quiet(name, now))
        };
        let loads = [(&["evil", "good"][..], 0), (&["evil"], 1), (&["evil"], 2), (&["evil"], 3), (&["evil", "good"], 4)];
        assert_eq!(loads.map(|(namespaces, at)| load(namespaces, at)[0]), [true, true, true, false, false]);
        assert_eq!(load(&["good"], 5), [false, true]);
        assert_eq!(load(&["good"], 34), [true, true], "one more");
        assert_eq!(load(&["evil"], 35), [false, true]);
        assert_eq!(load(&[], 500), [true, true]);
        assert!(noise.0.is_empty(), "it is forgotten");
    }
}
