//! Change tokens: whether anything in a part of the cluster has changed since it was read.

use crate::names::ObjectName;
use std::collections::BTreeSet;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// So many parts there are.
const PARTS: usize = 256;

/// The tokens of objects by name, whatever their kind. Each name belongs to a part, and each change of a part gives it a
/// new token. Whole kinds have tokens of their own.
#[derive(Debug, Clone)]
pub struct Epochs {
    /// Behind those of the names stand those of the kinds.
    parts: Vec<Arc<()>>,
}

/// Some parts of the names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NameParts([u64; PARTS / 64]);

impl NameParts {
    const fn add(&mut self, part: usize) {
        self.0[part / 64] |= 1 << (part % 64);
    }

    fn iter(self) -> impl Iterator<Item = usize> {
        (0..PARTS).filter(move |part| self.0[part / 64] & (1 << (part % 64)) != 0)
    }
}

/// Values by the parts of the names that they use: a change of a few names is found without looking at all values.
#[derive(Debug)]
pub struct UsersOfNames<T>(Box<[BTreeSet<T>]>);

impl<T> Default for UsersOfNames<T> {
    fn default() -> Self {
        Self((0..PARTS).map(|_| BTreeSet::new()).collect())
    }
}

impl<T: Ord + Clone> UsersOfNames<T> {
    /// A value uses names of these parts now, and has used names of those before.
    pub fn change(&mut self, value: &T, before: NameParts, now: NameParts) {
        if before == now {
            return;
        }
        before.iter().for_each(|part| _ = self.0[part].remove(value));
        now.iter().for_each(|part| _ = self.0[part].insert(value.clone()));
    }

    /// Those that use names of some of these parts; each may come several times.
    pub fn of(&self, parts: NameParts) -> impl Iterator<Item = &T> {
        parts.iter().flat_map(|part| &self.0[part])
    }
}

/// The parts of the names that these are tokens of.
impl<'a> FromIterator<&'a Epoch> for NameParts {
    fn from_iter<T: IntoIterator<Item = &'a Epoch>>(epochs: T) -> Self {
        let mut parts = Self::default();
        epochs.into_iter().filter(|epoch| epoch.part < PARTS).for_each(|epoch| parts.add(epoch.part));
        parts
    }
}

/// Objects of one kind, or of several that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kinds {
    /// Secrets.
    Secrets,
    /// Services, and their EndpointSlices.
    Services,
    /// Namespaces.
    Namespaces,
    /// Cluster IPs of Services.
    ClusterIps,
}

impl Kinds {
    /// How many there are.
    const ALL: usize = 4;

    const fn part(self) -> usize {
        PARTS + self as usize
    }
}

/// A token of one moment. It is held as long as somebody compares with it, so no later one can be the same.
#[derive(Debug, Clone)]
pub struct Epoch {
    part: usize,
    token: Arc<()>,
}

impl Default for Epochs {
    fn default() -> Self {
        Self { parts: (0..PARTS + Kinds::ALL).map(|_| Arc::new(())).collect() }
    }
}

impl Epochs {
    /// Something of this name has changed.
    pub(super) fn begin(&mut self, kinds: Kinds, name: &ObjectName) {
        self.parts[part_of(name)] = Arc::new(());
        self.begin_all(kinds);
    }

    /// Something of these kinds has changed.
    pub(super) fn begin_all(&mut self, kinds: Kinds) {
        self.parts[kinds.part()] = Arc::new(());
    }

    /// The token of a name, of something that is there or not.
    #[must_use]
    pub fn of(&self, name: &ObjectName) -> Epoch {
        let part = part_of(name);
        Epoch { part, token: Arc::clone(&self.parts[part]) }
    }

    /// The token of all objects of these kinds.
    #[must_use]
    pub fn of_all(&self, kinds: Kinds) -> Epoch {
        Epoch { part: kinds.part(), token: Arc::clone(&self.parts[kinds.part()]) }
    }

    /// The parts in which some name has changed since these.
    #[must_use]
    pub fn changed_since(&self, before: &Self) -> NameParts {
        let mut parts = NameParts::default();
        (0..PARTS).filter(|part| !Arc::ptr_eq(&self.parts[*part], &before.parts[*part])).for_each(|part| parts.add(part));
        parts
    }

    /// Whether nothing of that name, or those kinds, has changed since the token was given, here or in the snapshot that this is a copy of.
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
        epochs.begin(Kinds::Services, &name);
        assert!(!epochs.is_current(&before) && copy.is_current(&before));
        let other = ObjectName::new("shop", "till").unwrap();
        let [of_name, of_other]: [NameParts; 2] = [[&before], [&epochs.of(&other)]].map(|epochs| epochs.into_iter().collect());
        let changed = epochs.changed_since(&copy);
        assert!(changed == of_name && changed != of_other && copy.changed_since(&copy.clone()) == NameParts::default());
        let mut users = UsersOfNames::default();
        users.change(&"a", NameParts::default(), of_name);
        users.change(&"b", NameParts::default(), of_other);
        assert!(users.of(changed).eq(&["a"]));
        users.change(&"a", of_name, of_other);
        assert!(users.of(changed).next().is_none() && users.of(of_other).eq(&["a", "b"]));
        let between = epochs.of(&name);
        epochs.begin(Kinds::Services, &name);
        let (services, secrets) = (epochs.of_all(Kinds::Services), epochs.of_all(Kinds::Secrets));
        epochs.begin(Kinds::Secrets, &name);
        assert!(epochs.is_current(&services) && !epochs.is_current(&secrets));
        assert!(!epochs.is_current(&between) && !epochs.is_current(&before) && !copy.is_current(&between));
    }
}
