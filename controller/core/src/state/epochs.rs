//! Tokens that tell that nothing in a part of the cluster has changed since one looked.

use crate::names::ObjectName;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// So many parts there are.
const PARTS: usize = 256;

/// The tokens of objects by name, whatever their kind. Each name belongs to a part, and each change of a part gives it a
/// new token.
#[derive(Debug, Clone)]
pub struct Epochs {
    parts: Vec<Arc<()>>,
}

/// A token of one moment. It is held as long as somebody compares with it, so no later one can be the same.
#[derive(Debug, Clone)]
pub struct Epoch {
    part: usize,
    token: Arc<()>,
}

impl Default for Epochs {
    fn default() -> Self {
        Self { parts: (0..PARTS).map(|_| Arc::new(())).collect() }
    }
}

impl Epochs {
    /// Something of this name has changed.
    pub(super) fn begin(&mut self, name: &ObjectName) {
        self.parts[part_of(name)] = Arc::new(());
    }

    /// The token of a name, of something that is there or not.
    #[must_use]
    pub fn of(&self, name: &ObjectName) -> Epoch {
        let part = part_of(name);
        Epoch { part, token: Arc::clone(&self.parts[part]) }
    }

    /// Whether nothing of that name has changed since the token was given, here or in the snapshot that this is a copy of.
    #[must_use]
    pub fn is_current(&self, epoch: &Epoch) -> bool {
        Arc::ptr_eq(&self.parts[epoch.part], &epoch.token)
    }
}

fn part_of(name: &ObjectName) -> usize {
    let hash = xxh3_64(name.namespace().as_bytes()).rotate_left(1) ^ xxh3_64(name.name().as_bytes());
    usize::try_from(hash % PARTS as u64).expect("the number of a part is small")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_current_until_its_name_changes() {
        let name = ObjectName::new("shop", "cart").unwrap();
        let mut epochs = Epochs::default();
        let before = epochs.of(&name);
        let copy = epochs.clone();
        assert!(epochs.is_current(&before));
        epochs.begin(&name);
        assert!(!epochs.is_current(&before) && copy.is_current(&before));
        let between = epochs.of(&name);
        epochs.begin(&name);
        assert!(!epochs.is_current(&between) && !epochs.is_current(&before) && !copy.is_current(&between));
    }
}
