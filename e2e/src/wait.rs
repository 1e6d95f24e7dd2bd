//! Waiting for a condition, with a deadline and never for a time.

use std::time::{Duration, Instant};

/// How long anything may take before a test gives up: far longer than it takes on a slow machine.
pub const DEADLINE: Duration = Duration::from_secs(60);

const PACE: Duration = Duration::from_millis(20);

/// Waits until `look` finds something.
///
/// # Panics
/// After [`DEADLINE`], with what was waited for.
#[track_caller]
pub fn until_some<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < DEADLINE, "waited {DEADLINE:?} in vain: {what}");
        std::thread::sleep(PACE);
    }
}

/// Waits until something holds.
///
/// # Panics
/// After [`DEADLINE`], with what was waited for.
#[track_caller]
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    until_some(what, || holds().then_some(()));
}

/// Waits until something holds that takes long even on a fast machine.
///
/// # Panics
/// After ten times [`DEADLINE`], with what was waited for.
#[track_caller]
pub fn until_at_last(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < DEADLINE * 10, "waited {:?} in vain: {what}", DEADLINE * 10);
        std::thread::sleep(PACE * 5);
    }
}

/// Longer than anything takes that is measured.
pub const PATIENCE: Duration = Duration::from_secs(900);

/// The same for what is measured: it looks often, and takes its time.
///
/// # Panics
/// After [`PATIENCE`], with what was waited for.
#[track_caller]
pub fn until_measured(what: &str, mut holds: impl FnMut() -> bool) {
    const OFTEN: Duration = Duration::from_millis(2);
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "waited {PATIENCE:?} in vain: {what}");
        std::thread::sleep(OFTEN);
    }
}

/// Waits until `look` gives `wanted`.
///
/// # Panics
/// After [`DEADLINE`], with what it gave last.
#[track_caller]
pub fn until_eq<T: PartialEq + std::fmt::Debug>(what: &str, wanted: &T, mut look: impl FnMut() -> T) {
    let begun = Instant::now();
    loop {
        let seen = look();
        if seen == *wanted {
            return;
        }
        assert!(begun.elapsed() < DEADLINE, "{what}: wanted {wanted:?}, saw {seen:?} even after {DEADLINE:?}");
        std::thread::sleep(PACE);
    }
}
