//! What is in a file.

use std::borrow::Cow;
use std::sync::Arc;

/// The bytes of a file, in parts that stand one behind the other: of a large file that changes in one place, all other
/// parts are shared with the file before. Equal bytes are equal, whatever their parts.
#[derive(Debug, Clone)]
pub struct Bytes(Parts);

#[derive(Debug, Clone)]
enum Parts {
    One(Arc<[u8]>),
    Several(Arc<[Arc<[u8]>]>),
}

impl Bytes {
    /// The parts, in their order.
    #[must_use]
    pub fn parts(&self) -> &[Arc<[u8]>] {
        match &self.0 {
            Parts::One(part) => std::slice::from_ref(part),
            Parts::Several(parts) => parts,
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parts().iter().map(|part| part.len()).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts().iter().all(|part| part.is_empty())
    }

    /// All bytes in one piece.
    #[must_use]
    pub fn whole(&self) -> Cow<'_, [u8]> {
        match self.parts() {
            [part] => Cow::Borrowed(part),
            parts => Cow::Owned(parts.concat()),
        }
    }
}

impl Default for Bytes {
    fn default() -> Self {
        Self(Parts::Several(Arc::default()))
    }
}

impl From<Arc<[u8]>> for Bytes {
    fn from(part: Arc<[u8]>) -> Self {
        Self(Parts::One(part))
    }
}

impl From<&[u8]> for Bytes {
    fn from(part: &[u8]) -> Self {
        Self(Parts::One(part.into()))
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(part: Vec<u8>) -> Self {
        Self(Parts::One(part.into()))
    }
}

impl FromIterator<Arc<[u8]>> for Bytes {
    fn from_iter<I: IntoIterator<Item = Arc<[u8]>>>(parts: I) -> Self {
        Self(Parts::Several(parts.into_iter().collect()))
    }
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Self) -> bool {
        let (mut own, mut others) = (self.parts().iter(), other.parts().iter());
        let (mut left, mut right): (&[u8], &[u8]) = (&[], &[]);
        while let (Some(a), Some(b)) = (next_of(left, &mut own), next_of(right, &mut others)) {
            let (a, a_rest) = a.split_at(a.len().min(b.len()));
            let (b, b_rest) = b.split_at(a.len());
            // What is shared needs no look.
            if !std::ptr::eq(a, b) && a != b {
                return false;
            }
            (left, right) = (a_rest, b_rest);
        }
        self.len() == other.len()
    }
}

impl Eq for Bytes {}

/// What is left of a part, or the next one that has something in it.
fn next_of<'a>(left: &'a [u8], parts: &mut impl Iterator<Item = &'a Arc<[u8]>>) -> Option<&'a [u8]> {
    if left.is_empty() { parts.map(|part| &**part).find(|part| !part.is_empty()) } else { Some(left) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(parts: &[&str]) -> Bytes {
        parts.iter().map(|part| Arc::from(part.as_bytes())).collect()
    }

    #[test]
    fn equal_bytes_are_equal_whatever_their_parts() {
        let whole = Bytes::from(&b"abcd"[..]);
        for parts in [&["abcd"][..], &["ab", "cd"], &["a", "", "bcd"], &["abc", "d", ""]] {
            assert_eq!((bytes(parts), &*bytes(parts).whole(), bytes(parts).len()), (whole.clone(), &b"abcd"[..], 4));
        }
        for others in [&["abc"][..], &["ab", "ce"], &["abcd", "e"], &[]] {
            assert_ne!(bytes(others), whole);
        }
        assert!(bytes(&[]).is_empty() && bytes(&["", ""]) == Bytes::default() && !whole.is_empty());
    }
}
