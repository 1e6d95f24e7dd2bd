//! Gathers the pieces of a group in files, and remembers both by content hash.

use super::engine::{Engine, TemplateError};
use super::renderer::{RenderError, line_of};
use crate::dialect::{Dialect, Gather, Group, Piece};
use std::collections::HashMap;
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
    files: Vec<Shard>,
    /// All of them, if nothing changed since they were asked for.
    joined: Option<Arc<[u8]>>,
}

/// One file.
#[derive(Debug, Default, Clone)]
pub(super) struct Shard {
    /// Relative path, with a hash of the bytes in the name, or the group's name for a part of a file; empty without pieces.
    pub(super) path: String,
    /// What is in it.
    pub(super) bytes: Arc<[u8]>,
    /// Hash of the digests of its pieces, in order.
    digest: u128,
    pieces: HashMap<u128, Arc<str>>,
}

impl Shards {
    /// Brings the files in line with a group. Only what changed is rendered.
    pub(super) fn update(&mut self, group: &Group<'_>, engine: &Engine, dialect: &Dialect) -> Result<(), RenderError> {
        let count = file_count(group.pieces.len());
        if self.shared != group.shared || self.files.len() != count {
            *self = Self { shared: group.shared, files: vec![Shard::default(); count], joined: None };
        }
        for (number, members) in members(&group.pieces, count).into_iter().enumerate() {
            let digest = digest_of_members(&group.pieces, &members);
            if self.files[number].digest != digest {
                let shard = self.files[number].next(number, digest, &members, group, engine)?;
                check(&shard, group, dialect)?;
                self.files[number] = shard;
                self.joined = None;
            }
        }
        Ok(())
    }

    /// The files that have something in them.
    pub(super) fn files(&self) -> impl Iterator<Item = &Shard> {
        self.files.iter().filter(|shard| !shard.path.is_empty())
    }

    /// All pieces.
    pub(super) fn joined(&mut self) -> Arc<[u8]> {
        let files = &self.files;
        let join = || files.iter().map(|shard| &*shard.bytes).collect::<Vec<_>>().concat().into();
        Arc::clone(self.joined.get_or_insert_with(join))
    }
}

impl Shard {
    /// The same file with other members; pieces it already has are taken over.
    fn next(&self, number: usize, digest: u128, members: &[usize], group: &Group<'_>, engine: &Engine) -> Result<Self, TemplateError> {
        if members.is_empty() {
            return Ok(Self { digest, ..Self::default() });
        }
        let mut pieces = HashMap::with_capacity(members.len());
        let mut bytes = Vec::new();
        for &member in members {
            let digest = group.pieces[member].digest;
            let text: Arc<str> = match self.pieces.get(&digest) {
                Some(text) => text.clone(),
                None => engine.render(group.template, &(group.view)(member))?.into(),
            };
            bytes.extend_from_slice(text.as_bytes());
            pieces.insert(digest, text);
        }
        let path = match group.gather {
            Gather::Included => format!("{}/{number:02x}-{:032x}.conf", group.folder, xxh3_128(&bytes)),
            Gather::Main | Gather::Whole(_) => group.folder.to_owned(),
        };
        Ok(Self { path, bytes: bytes.into(), digest, pieces })
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

/// A power of two, so that most pieces stay where they are when it changes.
fn file_count(pieces: usize) -> usize {
    if pieces <= PIECES_OF_A_SINGLE_FILE { 1 } else { pieces.div_ceil(PIECES_PER_FILE).next_power_of_two().min(MAX_FILES) }
}

/// For each file the numbers of its pieces, in order.
fn members(pieces: &[Piece<'_>], count: usize) -> Vec<Vec<usize>> {
    let mask = count as u64 - 1;
    let mut members = vec![Vec::new(); count];
    for (number, piece) in pieces.iter().enumerate() {
        let file = usize::try_from(xxh3_64(piece.key.as_bytes()) & mask).expect("a file number is below 256");
        members[file].push(number);
    }
    members
}

fn digest_of_members(pieces: &[Piece<'_>], members: &[usize]) -> u128 {
    let mut hasher = Xxh3::new();
    for &member in members {
        hasher.update(&pieces[member].digest.to_le_bytes());
    }
    hasher.digest128()
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
