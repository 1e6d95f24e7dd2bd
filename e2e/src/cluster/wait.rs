//! Waiting for a condition, with a deadline that a busy machine meets too.

use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_secs(90);
const BETWEEN: Duration = Duration::from_millis(40);

/// Waits until the function answers `Ok`; what it says is wrong meanwhile is shown when the time is over.
///
/// # Panics
/// After a minute and a half.
pub fn eventually<T>(what: &str, mut function: impl FnMut() -> Result<T, String>) -> T {
    let begun = Instant::now();
    loop {
        match function() {
            Ok(value) => return value,
            Err(error) if begun.elapsed() > DEADLINE => panic!("{what}: not within {DEADLINE:?}; {error}"),
            Err(_) => std::thread::sleep(BETWEEN),
        }
    }
}

/// Looks again and again for so long, and fails at once when the function does not answer `Ok`.
///
/// # Panics
/// When the condition does not hold.
pub fn holds_for(time: Duration, what: &str, mut function: impl FnMut() -> Result<(), String>) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        if let Err(error) = function() {
            panic!("{what}: {error}, after {:?}", begun.elapsed());
        }
        std::thread::sleep(BETWEEN);
    }
}
