//! Work that is spread over several threads. The result does not depend on how many there are.

use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{Builder, scope};

/// How many cores may be used; one unless somebody says more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cores(NonZeroUsize);

impl Default for Cores {
    fn default() -> Self {
        Self(NonZeroUsize::MIN)
    }
}

impl From<NonZeroUsize> for Cores {
    fn from(cores: NonZeroUsize) -> Self {
        Self(cores)
    }
}

impl Cores {
    /// What becomes of each item, in the order of the items. All threads have ended when this returns.
    ///
    /// A panic goes on in the thread of the caller. Where the system has no threads left, fewer do the work.
    pub(crate) fn map<T: Sync, R: Send>(self, items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
        let threads = self.0.get().min(items.len());
        if threads <= 1 {
            return items.iter().map(work).collect();
        }
        let next = AtomicUsize::new(0);
        let take = || {
            let mut done = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(item) = items.get(number) else { return done };
                done.push((number, work(item)));
            }
        };
        let mut done = scope(|scope| {
            let others: Vec<_> = (1..threads).map_while(|_| Builder::new().spawn_scoped(scope, take).ok()).collect();
            let mut done = take();
            others.into_iter().for_each(|other| done.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic))));
            done
        });
        done.sort_unstable_by_key(|(number, _)| *number);
        done.into_iter().map(|(_, result)| result).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cores(number: usize) -> Cores {
        NonZeroUsize::new(number).unwrap().into()
    }

    #[test]
    fn results_stand_in_the_order_of_the_items() {
        let items: Vec<usize> = (0..1000).collect();
        let squares: Vec<usize> = items.iter().map(|item| item * item).collect();
        for number in [1, 2, 7, 2000] {
            assert_eq!(cores(number).map(&items, |item| item * item), squares, "{number} cores");
        }
        assert!(cores(4).map(&[] as &[usize], |item| *item).is_empty());
    }

    #[test]
    fn a_panic_reaches_the_caller_with_its_words() {
        let work = |item: &usize| assert!(*item != 70, "item {item}");
        let panic = std::panic::catch_unwind(|| cores(3).map(&(0..100).collect::<Vec<_>>(), work)).unwrap_err();
        assert_eq!(panic.downcast_ref::<String>().unwrap(), "item 70");
    }
}
