//! Gathers the pieces of a group in files, and remembers both by content hash.

use super::engine::{Engine, TemplateError};
use super::files::Known;
use super::renderer::{RenderError, line_of};
use super::{Bytes, File};
use crate::cores::Cores;
use crate::dialect::{Dialect, Gather, Group, Parts, Piece};
use foldhash::HashMap;
use std::sync::Arc;
use xxhash_rust::xxh3::{Xxh3, xxh3_64, xxh3_128};

/// Up to so many pieces stand in one file.
const PIECES_OF_A_SINGLE_FILE: usize = 64;
/// So many pieces, on average, stand in one of several files.
const PIECES_PER_FILE: usize = 32;
/// At most so many files hold the pieces of a group.
const MAX_FILES: usize = 256;

/// The pieces of one group as they were rendered last, in files or parts of one file.
#[derive(Debug, Default)]
pub(super) struct Shards {
    shared: u128,
    /// Each piece of the last time and its file: equal digests, equal keys.
    places: Vec<(u128, usize)>,
    files: Vec<Shard>,
}

/// One file.
#[derive(Debug, Default, Clone)]
pub(super) struct Shard {
    /// Relative path, with a hash of the bytes in the name, or the group's name for a part of a file; empty without pieces.
    pub(super) path: String,
    /// What is in it.
    pub(super) bytes: Arc<[u8]>,
    /// Hash of the bytes.
    pub(super) digest: u128,
    /// The digest of each piece and where it ends in the bytes, in order.
    pieces: Vec<(u128, usize)>,
}

impl Shards {
    /// Brings the files in line with a group. Only what changed is rendered.
    pub(super) fn update(&mut self, group: &Group<'_>, engine: &Engine, dialect: &Dialect, cores: Cores) -> Result<(), RenderError> {
        if group.is_same && self.shared == group.shared && !self.files.is_empty() {
            return Ok(());
        }
        let parts: &Parts<'_> = &group.parts;
        let count = file_count(parts.pieces.len());
        if self.shared != group.shared || self.files.len() != count {
            *self = Self { shared: group.shared, files: vec![Shard::default(); count], ..Self::default() };
        }
        self.places = places(&parts.pieces, count, &self.places);
        let changed = self.changed();
        let next = |(number, members): &(usize, Vec<usize>)| {
            let shard = self.files[*number].next(*number, members, group, engine)?;
            check(&shard, group, dialect)?;
            Ok::<_, RenderError>(shard)
        };
        let shards = cores.map(&changed, next);
        for ((number, _), shard) in changed.iter().zip(shards) {
            self.files[*number] = shard?;
        }
        Ok(())
    }

    /// The files whose pieces are not those that they hold, and the numbers of the pieces that they are to hold.
    fn changed(&self) -> Vec<(usize, Vec<usize>)> {
        let mut seen = vec![0; self.files.len()];
        let mut is_changed = vec![false; self.files.len()];
        for (digest, number) in &self.places {
            is_changed[*number] |= self.files[*number].pieces.get(seen[*number]).is_none_or(|(held, _)| held != digest);
            seen[*number] += 1;
        }
        let is_changed = |number: &usize| is_changed[*number] || seen[*number] != self.files[*number].pieces.len();
        let mut changed: Vec<_> =
            (0..self.files.len()).filter(is_changed).map(|number| (number, Vec::with_capacity(seen[number]))).collect();
        for (piece, (_, number)) in self.places.iter().enumerate() {
            if let Ok(at) = changed.binary_search_by_key(number, |(number, _)| *number) {
                changed[at].1.push(piece);
            }
        }
        changed
    }

    /// The files that have something in them.
    pub(super) fn files(&self) -> impl Iterator<Item = &Shard> {
        self.files.iter().filter(|shard| !shard.path.is_empty())
    }

    /// All pieces as one file, and its hash.
    pub(super) fn whole(&self) -> (Bytes, u128) {
        (self.parts().map(|(part, _)| part).collect(), self.digest())
    }

    /// What is in the files and its hash, in their order.
    pub(super) fn parts(&self) -> impl Iterator<Item = (Arc<[u8]>, u128)> {
        self.files().map(|shard| (Arc::clone(&shard.bytes), shard.digest))
    }

    /// Hash of what is in all files.
    pub(super) fn digest(&self) -> u128 {
        if let [Shard { path, digest, .. }] = &*self.files
            && !path.is_empty()
        {
            return *digest;
        }
        joined_digest(self.files().map(|shard| shard.digest))
    }
}

impl Shard {
    /// The same file with other members; pieces it already has are taken over.
    fn next(&self, number: usize, members: &[usize], group: &Group<'_>, engine: &Engine) -> Result<Self, TemplateError> {
        if members.is_empty() {
            return Ok(Self::default());
        }
        let known = self.texts();
        let mut pieces = Vec::with_capacity(members.len());
        let mut bytes = Vec::with_capacity(self.bytes.len());
        for &member in members {
            let digest = group.parts.pieces[member].digest;
            match known.get(&digest) {
                Some(text) => bytes.extend_from_slice(text),
                None => bytes.extend_from_slice(engine.render(group.template, &(group.parts.view)(member))?.as_bytes()),
            }
            pieces.push((digest, bytes.len()));
        }
        let digest = xxh3_128(&bytes);
        let path = match group.gather {
            Gather::Included => format!("{}/{number:02x}-{digest:032x}.conf", group.folder),
            Gather::Beside(name) => format!("{name}-{number:02x}.cfg"),
            Gather::Main | Gather::Whole(_) => group.folder.to_owned(),
        };
        Ok(Self { path, bytes: bytes.into(), digest, pieces })
    }

    /// As a file of its own.
    pub(super) fn known(&self) -> (String, Known) {
        let file = File { bytes: Arc::clone(&self.bytes).into(), secret: false, read_live: false };
        (self.path.clone(), Known { file, digest: self.digest })
    }

    /// The text of each piece.
    fn texts(&self) -> HashMap<u128, &[u8]> {
        let starts = std::iter::once(0).chain(self.pieces.iter().map(|(_, end)| *end));
        self.pieces.iter().zip(starts).map(|((digest, end), start)| (*digest, &self.bytes[start..*end])).collect()
    }
}

fn check(shard: &Shard, group: &Group<'_>, dialect: &Dialect) -> Result<(), RenderError> {
    (dialect.check_grammar)(&shard.bytes, group.place).map_err(|error| RenderError::Grammar {
        file: shard.path.clone(),
        line: error.line,
        message: error.message,
        text: line_of(&shard.bytes, error.line),
        origin: (dialect.origin_at)(&shard.bytes, error.line),
    })
}

/// Hash of what is in files that stand one behind the other.
pub(super) fn joined_digest(digests: impl Iterator<Item = u128>) -> u128 {
    let mut hasher = Xxh3::new();
    digests.for_each(|digest| hasher.update(&digest.to_le_bytes()));
    hasher.digest128()
}

/// A power of two, so that most pieces stay where they are when it changes.
fn file_count(pieces: usize) -> usize {
    if pieces <= PIECES_OF_A_SINGLE_FILE { 1 } else { pieces.div_ceil(PIECES_PER_FILE).next_power_of_two().min(MAX_FILES) }
}

/// The digest and the file of each piece. The file follows from the key, which is hashed where the piece does not stand
/// near its place of the time before.
fn places(pieces: &[Piece<'_>], count: usize, before: &[(u128, usize)]) -> Vec<(u128, usize)> {
    let mask = count as u64 - 1;
    let mut next: usize = 0;
    let mut place = |piece: &Piece<'_>| {
        let is_same = |at: &usize| before.get(*at).is_some_and(|(digest, _)| *digest == piece.digest);
        let near = [next, next + 1, next.saturating_sub(1)].into_iter().find(is_same);
        next = near.unwrap_or(next) + 1;
        let of_key = || usize::try_from(xxh3_64(piece.key.as_bytes()) & mask).expect("a file number is below 256");
        (piece.digest, near.map_or_else(of_key, |at| before[at].1))
    };
    pieces.iter().map(&mut place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_files_grows_by_powers_of_two() {
        let counts: Vec<_> = [0, 1, 64, 65, 1000, 8000, 100_000].map(file_count).to_vec();
        assert_eq!(counts, [1, 1, 1, 4, 32, 256, 256]);
    }
}
