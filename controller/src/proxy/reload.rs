//! How often the proxy may be told to reload, and for how long a load is waited for.

use std::time::{Duration, Instant};

/// Shortest time between two reloads.
const SHORTEST: Duration = Duration::from_secs(1);

/// Longest one, whatever is draining: then memory is the lesser evil.
const LONGEST: Duration = Duration::from_secs(60);

/// Generations of old workers that slow nothing down. Where it is urgent, as many as there is memory for.
pub(super) const FREE: u32 = 2;

/// A reload is waited for at least this long.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Remembers the last load; decides about the next.
#[derive(Debug, Default)]
pub(super) struct ReloadThrottle {
    last: Option<(Instant, Duration)>,
}

impl ReloadThrottle {
    /// Notes a load that the proxy has finished at `when`.
    pub(super) const fn loaded(&mut self, when: Instant, took: Duration) {
        self.last = Some((when, took));
    }

    /// How long to wait before the next reload.
    ///
    /// The first goes at once; then `max(1 s, 3 × last load)` lie between two. While more than `borne` generations of old
    /// workers are still busy with their last requests, each further one doubles that: every one of them holds as
    /// much memory as the serving one.
    pub(super) fn pause(&self, now: Instant, draining_generations: u32, borne: u32) -> Duration {
        let Some((when, took)) = self.last else { return Duration::ZERO };
        let base = SHORTEST.max(took * 3);
        let slower = base * 2_u32.pow(draining_generations.saturating_sub(borne).min(6));
        (when + slower.min(LONGEST.max(base))).saturating_duration_since(now)
    }

    /// When a proxy that shows nothing of a reload is told again: no load takes so long.
    pub(super) fn again(&self, check: Duration) -> Duration {
        const AT_LEAST: Duration = Duration::from_secs(3);
        let last = self.last.map_or(Duration::ZERO, |(_, took)| took);
        AT_LEAST.max((last + check) * 3)
    }

    /// When a load counts as not taken. `check` is how long the check of the same files took: most of a load is the same work.
    pub(super) fn deadline(&self, check: Duration, at_least: Duration) -> Duration {
        let last = self.last.map_or(Duration::ZERO, |(_, took)| took);
        at_least.max((last + check) * 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reload_goes_at_once_and_the_next_ones_keep_their_distance() {
        let now = Instant::now();
        let mut throttle = ReloadThrottle::default();
        assert_eq!(throttle.pause(now, 9, FREE), Duration::ZERO);
        throttle.loaded(now, Duration::from_millis(50));
        assert_eq!(throttle.pause(now, 0, FREE), SHORTEST);
        assert_eq!(throttle.pause(now + SHORTEST, 0, FREE), Duration::ZERO);
        throttle.loaded(now, Duration::from_secs(4));
        assert_eq!(throttle.pause(now, 0, FREE), Duration::from_secs(12));
    }

    #[test]
    fn draining_generations_slow_reloads_down_but_never_stop_them() {
        let now = Instant::now();
        let mut throttle = ReloadThrottle::default();
        throttle.loaded(now, Duration::ZERO);
        let pauses = |borne: u32| [0, 2, 3, 4, 8, 12, 1000].map(|generations| throttle.pause(now, generations, borne).as_secs());
        assert_eq!(pauses(FREE), [1, 1, 2, 4, 60, 60, 60]);
        assert_eq!(pauses(10), [1, 1, 1, 1, 1, 4, 60]);
    }
}
