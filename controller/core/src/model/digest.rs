//! The content hash by which unchanged things are recognised.

use std::hash::{Hash, Hasher};
use xxhash_rust::xxh3::{Xxh3, xxh3_64, xxh3_128};

/// So many bytes are gathered before they are hashed: most of what is hashed is shorter, and then hashed at once, which is
/// several times as fast as word by word.
const GATHERED: usize = 512;

/// The 128-bit content hash that memoising goes by. Stable within one build of the program only.
#[must_use]
pub fn digest_of(value: &impl Hash) -> u128 {
    let mut digester = Digester::default();
    value.hash(&mut digester);
    digester.digest()
}

/// Makes such a hash of what it is told piece by piece.
pub(crate) struct Digester {
    gathered: [u8; GATHERED],
    len: usize,
    /// Has got all that was there before what is gathered now.
    long: Option<Box<Xxh3>>,
}

impl Default for Digester {
    fn default() -> Self {
        Self { gathered: [0; GATHERED], len: 0, long: None }
    }
}

impl Digester {
    /// The hash of all that was written.
    pub(crate) fn digest(mut self) -> u128 {
        match self.long.take() {
            None => xxh3_128(&self.gathered[..self.len]),
            Some(mut long) => {
                long.update(&self.gathered[..self.len]);
                long.digest128()
            }
        }
    }

    #[cold]
    fn write_long(&mut self, bytes: &[u8]) {
        let long = self.long.get_or_insert_with(Default::default);
        long.update(&self.gathered[..self.len]);
        long.update(bytes);
        self.len = 0;
    }
}

impl Hasher for Digester {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        match self.gathered.get_mut(self.len..self.len + bytes.len()) {
            Some(free) => {
                free.copy_from_slice(bytes);
                self.len += bytes.len();
            }
            None => self.write_long(bytes),
        }
    }

    fn finish(&self) -> u64 {
        match &self.long {
            None => xxh3_64(&self.gathered[..self.len]),
            Some(long) => {
                let mut long = long.clone();
                long.update(&self.gathered[..self.len]);
                long.digest()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_does_not_matter_how_bytes_are_divided() {
        let bytes: Vec<u8> = (0..=255).cycle().take(3 * GATHERED).collect();
        for len in [0, 1, 16, 17, 240, 241, GATHERED - 1, GATHERED, GATHERED + 1, 2 * GATHERED, 3 * GATHERED] {
            for piece in [1, 7, 300, GATHERED, GATHERED + 1] {
                let mut digester = Digester::default();
                bytes[..len].chunks(piece).for_each(|piece| digester.write(piece));
                assert_eq!(digester.finish(), xxh3_64(&bytes[..len]), "{len} bytes by {piece}");
                assert_eq!(digester.digest(), xxh3_128(&bytes[..len]), "{len} bytes by {piece}");
            }
        }
    }
}
