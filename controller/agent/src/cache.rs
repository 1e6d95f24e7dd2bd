//! A cache of answers.

use crate::http::Answer;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So many answers are kept; when there are more, those that are over go, and if none is, all.
const MAX_ANSWERS: usize = 10_000;
/// A longer name or body is not worth it.
const MAX_NAME_BYTES: usize = 16 << 10;

/// Answers by name.
#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<HashMap<String, (Instant, Answer)>>);

impl Cache {
    fn all(&self) -> MutexGuard<'_, HashMap<String, (Instant, Answer)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An answer that still holds.
    pub(crate) fn get(&self, name: &str) -> Option<Answer> {
        let all = self.all();
        let (until, answer) = all.get(name)?;
        (*until > Instant::now()).then(|| answer.clone())
    }

    /// Keeps an answer for some time; none is not at all.
    pub(crate) fn keep(&self, name: &str, answer: &Answer, time: Duration) {
        if time.is_zero() || name.len() > MAX_NAME_BYTES {
            return;
        }
        let now = Instant::now();
        let Some(until) = now.checked_add(time) else { return };
        let mut all = self.all();
        if all.len() >= MAX_ANSWERS {
            all.retain(|_, (until, _)| *until > now);
            if all.len() >= MAX_ANSWERS {
                all.clear();
            }
        }
        all.insert(name.to_owned(), (until, answer.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_kept_as_long_as_they_hold() {
        let cache = Cache::default();
        cache.keep("a", &Answer { status: 200, ..Answer::default() }, Duration::from_secs(60));
        cache.keep("b", &Answer::default(), Duration::ZERO);
        cache.keep(&"c".repeat(MAX_NAME_BYTES + 1), &Answer::default(), Duration::from_secs(60));
        assert_eq!(cache.get("a").map(|answer| answer.status), Some(200));
        assert!(cache.get("b").is_none() && cache.all().len() == 1);
        cache.all().insert("old".to_owned(), (Instant::now(), Answer::default()));
        assert!(cache.get("old").is_none());
        (0..=MAX_ANSWERS).for_each(|n| cache.keep(&n.to_string(), &Answer::default(), Duration::from_secs(60)));
        assert!(cache.all().len() <= MAX_ANSWERS);
    }
}
