//! When the next candidate is made: what changed, the pauses that were asked for, and the rest after a failure.

use crate::proxy::BatchDelays;
use std::time::{Duration, Instant};

/// First and longest rest after a candidate that could not be brought live for reasons that may pass.
const REST_FIRST: Duration = Duration::from_secs(1);
const REST_LONGEST: Duration = Duration::from_secs(30);

/// What is to be made, and from when on.
pub(super) struct Pace {
    /// Something changed since the last candidate was begun.
    is_due: bool,
    cause: String,
    changed_at: Option<Instant>,
    /// Nothing is made before this time.
    not_before: Instant,
    /// Nor before this one, if nothing is urgent.
    gather_until: Instant,
    /// Nor before this one, unless something changes: the last candidate failed.
    rested_at: Option<Instant>,
    rest: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        let (not_before, gather_until) = (Instant::now(), Instant::now());
        Self { is_due: false, cause: String::new(), changed_at: None, not_before, gather_until, rested_at: None, rest: REST_FIRST }
    }
}

impl Pace {
    /// Something changed; a rest is over then.
    pub(super) fn mark(&mut self, cause: String) {
        (self.is_due, self.rested_at, self.cause) = (true, None, cause);
        self.changed_at.get_or_insert_with(Instant::now);
    }

    /// Whether there is something to make, now or later.
    pub(super) const fn is_due(&self) -> bool {
        self.is_due
    }

    /// Whether there is something to make that did not fail before.
    pub(super) const fn is_new(&self) -> bool {
        self.is_due && self.rested_at.is_none()
    }

    /// When it may be made. `urgent`: somebody waits for it who has not made others wait.
    pub(super) fn due_at(&self, urgent: bool) -> Instant {
        let not_before = if urgent { self.not_before } else { self.not_before.max(self.gather_until) };
        self.rested_at.map_or(not_before, |rested_at| rested_at.max(not_before))
    }

    /// What changed last.
    pub(super) fn cause(&self) -> &str {
        &self.cause
    }

    /// All that changed is taken into a candidate; since when it has waited, if it is new.
    pub(super) const fn begin(&mut self) -> Option<Instant> {
        self.is_due = false;
        self.changed_at.take()
    }

    /// Nothing came of what was begun: it is made again.
    pub(super) const fn begin_again(&mut self, changed_at: Option<Instant>) {
        (self.is_due, self.changed_at) = (true, changed_at);
    }

    /// Nothing is made before then, whatever changes.
    pub(super) const fn hold(&mut self, until: Instant) {
        self.not_before = until;
    }

    /// More changes gather for as long as the proxy asks for.
    pub(super) fn gather(&mut self, rest: BatchDelays, now: Instant) {
        (self.not_before, self.gather_until) = (now + rest.urgent, now + rest.usual);
    }

    /// What was made is live.
    pub(super) const fn succeeded(&mut self) {
        (self.rest, self.rested_at) = (REST_FIRST, None);
    }

    /// It could not be brought live, and is made again after a rest, which is returned; each one in a row is twice as long.
    pub(super) fn failed(&mut self) -> Duration {
        let rest = self.rest;
        (self.is_due, self.rested_at, self.rest) = (true, Some(Instant::now() + rest), (rest * 2).min(REST_LONGEST));
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_in_a_row_rests_twice_as_long() {
        let mut pace = Pace::default();
        let rests: Vec<u64> = (0..7).map(|_| pace.failed().as_secs()).collect();
        assert_eq!(rests, [1, 2, 4, 8, 16, 30, 30]);
        pace.succeeded();
        assert_eq!(pace.failed(), REST_FIRST);
    }

    #[test]
    fn a_change_ends_a_rest_and_no_pause() {
        let mut pace = Pace::default();
        let until = Instant::now() + Duration::from_millis(1);
        pace.hold(until);
        pace.failed();
        assert!(pace.is_due() && !pace.is_new() && pace.due_at(true) > until);
        pace.mark("a change".to_owned());
        assert!(pace.is_new() && pace.due_at(true) == until);
    }

    #[test]
    fn what_is_urgent_need_not_gather_so_long() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        let [soon, late] = [1, 60].map(Duration::from_secs);
        pace.gather(BatchDelays { urgent: soon, usual: late }, now);
        assert_eq!([true, false].map(|urgent| pace.due_at(urgent)), [now + soon, now + late]);
    }

    #[test]
    fn what_is_begun_again_has_waited_since_its_first_change() {
        let mut pace = Pace::default();
        pace.mark("one".to_owned());
        let first = pace.begin();
        assert!(first.is_some() && !pace.is_due());
        pace.begin_again(first);
        pace.mark("two".to_owned());
        assert_eq!((pace.is_due(), pace.cause()), (true, "two"));
        assert_eq!(pace.begin(), first);
    }
}
