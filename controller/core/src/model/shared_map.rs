//! A map that models share while it stays the same, and how many of its values have what.

use super::{Backend, Certificate, Feature, Features, Host};
use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::collections::btree_map::Iter;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::{Arc, Weak};

/// Something that is counted by its features.
pub trait Featured {
    /// Which ones it has.
    fn features(&self) -> Features;
}

impl Featured for Host {
    fn features(&self) -> Features {
        self.features
    }
}

impl Featured for Backend {
    fn features(&self) -> Features {
        Features::default().with(Feature::BackendPolicy, !self.policy.is_empty()).with(Feature::Vacant, self.endpoints.is_empty())
    }
}

impl Featured for Certificate {
    fn features(&self) -> Features {
        Features::default()
    }
}

/// Values by key, sorted. A clone is the same allocation until one of the two is changed, so whoever has seen a map knows
/// one that is the same without looking into it.
pub struct SharedMap<K, V> {
    map: Arc<BTreeMap<K, Arc<V>>>,
    /// How many values have each feature.
    counts: [usize; Feature::ALL],
}

impl<K: Ord + Clone, V: Featured> SharedMap<K, V> {
    /// Puts a value in; the one that was there.
    pub fn insert(&mut self, key: K, value: Arc<V>) -> Option<Arc<V>> {
        self.count(value.features(), usize::wrapping_add);
        let before = Arc::make_mut(&mut self.map).insert(key, value);
        self.forget(before)
    }

    /// Takes a value out.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<Arc<V>>
    where
        K: Borrow<Q>,
    {
        let before = self.map.contains_key(key).then(|| Arc::make_mut(&mut self.map).remove(key)).flatten();
        self.forget(before)
    }

    /// Takes out what is not wanted.
    pub fn retain(&mut self, mut is_wanted: impl FnMut(&K, &Arc<V>) -> bool) {
        let left = self.map.iter().filter(|(key, value)| is_wanted(key, value));
        *self = left.map(|(key, value)| (key.clone(), Arc::clone(value))).collect();
    }

    /// The values that have a feature.
    pub fn having(&self, feature: Feature) -> impl Iterator<Item = &Arc<V>> {
        self.map.values().filter(move |value| value.features().has(feature)).take(self.counts[feature as usize])
    }

    fn forget(&mut self, before: Option<Arc<V>>) -> Option<Arc<V>> {
        before.inspect(|before| self.count(before.features(), usize::wrapping_sub))
    }

    fn count(&mut self, features: Features, change: impl Fn(usize, usize) -> usize) {
        for (feature, count) in self.counts.iter_mut().enumerate() {
            *count = change(*count, features.number(feature));
        }
    }
}

impl<K, V> SharedMap<K, V> {
    /// How many values have a feature.
    #[must_use]
    pub const fn count_of(&self, feature: Feature) -> usize {
        self.counts[feature as usize]
    }

    /// What this is known by, without keeping it.
    #[must_use]
    pub fn token(&self) -> MapToken<K, V> {
        MapToken(Arc::downgrade(&self.map))
    }
}

/// What a map is known by.
pub struct MapToken<K, V>(Weak<BTreeMap<K, Arc<V>>>);

impl<K, V> MapToken<K, V> {
    /// Whether it was taken of `map`, and nothing in that has changed since.
    #[must_use]
    pub fn is_of(&self, map: &SharedMap<K, V>) -> bool {
        // A map that is changed in place has another allocation from then on, since somebody may look for it here.
        self.0.as_ptr() == Arc::as_ptr(&map.map) && self.0.strong_count() > 0
    }
}

impl<K, V> fmt::Debug for MapToken<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MapToken").finish_non_exhaustive()
    }
}

impl<K, V> Default for MapToken<K, V> {
    fn default() -> Self {
        Self(Weak::new())
    }
}

impl<K, V> Default for SharedMap<K, V> {
    fn default() -> Self {
        Self { map: Arc::default(), counts: [0; Feature::ALL] }
    }
}

impl<K, V> Clone for SharedMap<K, V> {
    fn clone(&self) -> Self {
        Self { map: Arc::clone(&self.map), counts: self.counts }
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for SharedMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.map.fmt(f)
    }
}

impl<K: PartialEq, V: PartialEq> PartialEq for SharedMap<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.map == other.map
    }
}

impl<K: Eq, V: Eq> Eq for SharedMap<K, V> {}

impl<K: Hash, V: Hash> Hash for SharedMap<K, V> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.map.hash(state);
    }
}

impl<K, V> Deref for SharedMap<K, V> {
    type Target = BTreeMap<K, Arc<V>>;

    fn deref(&self) -> &Self::Target {
        &self.map
    }
}

impl<K: Ord + Clone, V: Featured> From<BTreeMap<K, Arc<V>>> for SharedMap<K, V> {
    fn from(map: BTreeMap<K, Arc<V>>) -> Self {
        let mut shared = Self { map: Arc::default(), counts: [0; Feature::ALL] };
        map.values().for_each(|value| shared.count(value.features(), usize::wrapping_add));
        Self { map: Arc::new(map), ..shared }
    }
}

impl<K: Ord + Clone, V: Featured, const N: usize> From<[(K, Arc<V>); N]> for SharedMap<K, V> {
    fn from(all: [(K, Arc<V>); N]) -> Self {
        all.into_iter().collect()
    }
}

impl<K: Ord + Clone, V: Featured> FromIterator<(K, Arc<V>)> for SharedMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, Arc<V>)>>(all: I) -> Self {
        all.into_iter().collect::<BTreeMap<_, _>>().into()
    }
}

impl<'a, K, V> IntoIterator for &'a SharedMap<K, V> {
    type Item = (&'a K, &'a Arc<V>);
    type IntoIter = Iter<'a, K, Arc<V>>;

    fn into_iter(self) -> Self::IntoIter {
        self.map.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{BackendId, BackendPolicy, Balance, Protocol};

    fn backend(service: &str, protocol: Option<Protocol>) -> (BackendId, Arc<Backend>) {
        let id = BackendId::new("shop", service, 80);
        let policy = Arc::new(BackendPolicy { protocol, ..BackendPolicy::default() });
        (id.clone(), Arc::new(Backend::with_policy(id, Vec::new(), Balance::RoundRobin, policy)))
    }

    #[test]
    fn features_are_counted_whatever_happens_to_the_map() {
        let (plain, other) = (backend("a", None), backend("b", Some(Protocol::Https)));
        let (changed, id) = (backend("a", Some(Protocol::Https)).1, plain.0.clone());
        let mut map: SharedMap<_, _> = [plain.clone(), other.clone()].into_iter().collect();
        let count = |map: &SharedMap<_, _>| (map.count_of(Feature::BackendPolicy), map.having(Feature::BackendPolicy).count());
        assert_eq!(count(&map), (1, 1));
        map.insert(id.clone(), changed);
        assert_eq!(count(&map), (2, 2));
        map.remove(&other.0);
        assert_eq!((count(&map), map.remove(&other.0)), ((1, 1), None));
        map.insert(id.clone(), plain.1);
        assert_eq!(count(&map), (0, 0));
        map.insert(other.0, other.1);
        map.retain(|key, _| *key == id);
        assert_eq!((count(&map), map.len()), ((0, 0), 1));
    }

    #[test]
    fn a_map_is_known_until_it_is_changed() {
        let (one, other) = (backend("a", None), backend("b", None));
        let mut map: SharedMap<_, _> = [one].into_iter().collect();
        let copy = map.clone();
        let token = map.token();
        assert!(token.is_of(&map) && token.is_of(&copy) && !MapToken::default().is_of(&map));
        map.remove(&other.0);
        assert!(token.is_of(&map), "nothing was taken out");
        map.insert(other.0.clone(), other.1);
        assert!(!token.is_of(&map) && token.is_of(&copy));
        drop(copy);
        let token = map.token();
        map.remove(&other.0);
        assert!(!token.is_of(&map), "nor when nobody else has it");
    }
}
