//! The rendered files, before anybody writes them.

use super::Bytes;
use crate::model::digest_of;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

/// One file of a [`FileSet`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The bytes of the file; shared with the file sets before and after that have the same file.
    pub bytes: Bytes,
    /// Holds a private key: readable by owner and group only, and never printed unless asked.
    pub secret: bool,
    /// The proxy reads it while it serves, so a change takes effect without a reload.
    pub read_live: bool,
}

/// A file and the hash of its bytes, or that of the hashes of their parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) file: File,
    pub(super) digest: u128,
}

/// Some files of a set by path, and what is hashed of them; shared with the sets before and after that have the same ones.
#[derive(Debug, PartialEq, Eq, Default)]
pub(super) struct Part {
    files: BTreeMap<String, Known>,
    /// Hash of all paths and bytes.
    digest: u128,
    /// The same of what the proxy reads only when it loads.
    loaded: u128,
}

impl From<BTreeMap<String, Known>> for Part {
    fn from(files: BTreeMap<String, Known>) -> Self {
        let (mut all, mut loaded) = (Xxh3::new(), Xxh3::new());
        for (path, known) in &files {
            let hash = |hasher: &mut Xxh3| {
                hasher.update(path.as_bytes());
                hasher.update(&[0]);
                hasher.update(&known.digest.to_le_bytes());
            };
            hash(&mut all);
            if !known.file.read_live {
                hash(&mut loaded);
            }
        }
        Self { files, digest: all.digest128(), loaded: loaded.digest128() }
    }
}

impl Part {
    /// Hash of what the proxy reads only when it loads.
    pub(super) const fn loaded(&self) -> u128 {
        self.loaded
    }

    fn iter(&self) -> impl Iterator<Item = (&str, &File)> {
        self.files.iter().map(|(path, known)| (path.as_str(), &known.file))
    }
}

/// Everything that is published as one revision: relative path → file, sorted.
///
/// The files are a function of the model alone. They name each other by relative paths (relative to the folder of
/// [`FileSet::main`]), and every included file has a hash of its bytes in its name, so that a folder link switched
/// while a proxy loads can never mix two revisions: the name is either there with these very bytes, or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileSet {
    /// Certificates: they are many, and seldom others than before.
    certificates: Arc<Part>,
    others: Arc<Part>,
    main: String,
    digest: u128,
    reload_digest: u128,
}

/// A path, and the file that stands there before and afterwards.
#[derive(Debug, Clone, Copy)]
pub struct Beside<'f> {
    /// The path, relative.
    pub path: &'f str,
    /// `None`: it comes.
    pub before: Option<&'f File>,
    /// `None`: it goes. One of the two is always there.
    pub after: Option<&'f File>,
}

impl FileSet {
    /// Puts a set together.
    ///
    /// `reload_digest` is the hash of everything the proxy reads only when it loads; the main file answers it on the
    /// private port as the proof of a reload.
    #[must_use]
    pub fn new(main: &str, files: BTreeMap<String, File>, reload_digest: u128) -> Self {
        let known = |file: File| Known { digest: xxh3_128(&file.bytes.whole()), file };
        let files: BTreeMap<_, _> = files.into_iter().map(|(path, file)| (path, known(file))).collect();
        Self::of_parts(main, (Arc::default(), Arc::new(files.into())), reload_digest)
    }

    /// The same, of files whose hashes are known: certificates and others.
    pub(super) fn of_parts(main: &str, (certificates, others): (Arc<Part>, Arc<Part>), reload_digest: u128) -> Self {
        let digest = digest_of(&(certificates.digest, others.digest));
        Self { certificates, others, main: main.to_owned(), digest, reload_digest }
    }

    /// Path and file, sorted by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &File)> {
        let both = side_by_side(self.certificates.iter(), self.others.iter());
        both.filter_map(|Beside { path, before: certificate, after: other }| Some((path, certificate.or(other)?)))
    }

    /// The file at a relative path.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&File> {
        let known = self.others.files.get(path).or_else(|| self.certificates.files.get(path));
        known.map(|known| &known.file)
    }

    /// Each path of an earlier set and of this one, sorted.
    pub fn beside<'f>(&'f self, before: &'f Self) -> impl Iterator<Item = Beside<'f>> {
        side_by_side(before.iter(), self.iter())
    }

    /// The same, without many that are known to be the same in both.
    #[must_use]
    pub fn changes<'f>(&'f self, before: &'f Self) -> Box<dyn Iterator<Item = Beside<'f>> + 'f> {
        if Arc::ptr_eq(&self.certificates, &before.certificates) {
            Box::new(side_by_side(before.others.iter(), self.others.iter()))
        } else {
            Box::new(self.beside(before))
        }
    }

    /// Relative path of the file that the proxy is started with.
    #[must_use]
    pub fn main(&self) -> &str {
        &self.main
    }

    /// Hash of all paths and bytes: equal digests, equal files.
    #[must_use]
    pub const fn digest(&self) -> u128 {
        self.digest
    }

    /// Hash of all that needs a reload to take effect; 32 hexadecimal digits in [`FileSet::token`].
    #[must_use]
    pub const fn reload_digest(&self) -> u128 {
        self.reload_digest
    }

    /// What the private port of a proxy that has loaded these files answers.
    #[must_use]
    pub fn token(&self) -> String {
        format!("{:032x}", self.reload_digest)
    }
}

/// What stands at each path on one side and on the other; both are sorted by path.
fn side_by_side<'f>(
    old: impl Iterator<Item = (&'f str, &'f File)>,
    new: impl Iterator<Item = (&'f str, &'f File)>,
) -> impl Iterator<Item = Beside<'f>> {
    let (mut old, mut new) = (old.peekable(), new.peekable());
    std::iter::from_fn(move || {
        let order = match (old.peek(), new.peek()) {
            (Some((one, _)), Some((other, _))) => one.cmp(other),
            (Some(_), None) => Ordering::Less,
            (None, _) => Ordering::Greater,
        };
        let before = old.next_if(|_| order.is_le());
        let after = new.next_if(|_| order.is_ge());
        let path = before.or(after)?.0;
        Some(Beside { path, before: before.map(|(_, file)| file), after: after.map(|(_, file)| file) })
    })
}
