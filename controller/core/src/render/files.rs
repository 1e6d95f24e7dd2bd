//! The rendered files, before anybody writes them.

use super::Bytes;
use std::collections::BTreeMap;
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

/// One file of a [`FileSet`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its bytes; shared with the file sets before and after that have the same file.
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

/// Everything that is published as one revision: relative path → file, sorted.
///
/// The files are a function of the model alone. They name each other by relative paths (relative to the folder of
/// [`FileSet::main`]), and every included file has a hash of its bytes in its name, so that a folder link switched
/// while a proxy loads can never mix two revisions: the name is either there with these very bytes, or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileSet {
    files: BTreeMap<String, Known>,
    main: String,
    digest: u128,
    reload_digest: u128,
}

impl FileSet {
    /// Puts a set together.
    ///
    /// `reload_digest` is the hash of everything the proxy reads only when it loads; the main file answers it on the
    /// private port as the proof of a reload.
    #[must_use]
    pub fn new(main: &str, files: BTreeMap<String, File>, reload_digest: u128) -> Self {
        let known = |file: File| Known { digest: xxh3_128(&file.bytes.whole()), file };
        Self::of_known(main, files.into_iter().map(|(path, file)| (path, known(file))).collect(), reload_digest)
    }

    /// The same, of files whose hashes are known.
    pub(super) fn of_known(main: &str, files: BTreeMap<String, Known>, reload_digest: u128) -> Self {
        let mut hasher = Xxh3::new();
        for (path, known) in &files {
            hasher.update(path.as_bytes());
            hasher.update(&[0]);
            hasher.update(&known.digest.to_le_bytes());
        }
        Self { files, main: main.to_owned(), digest: hasher.digest128(), reload_digest }
    }

    /// Path and file, sorted by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &File)> {
        self.files.iter().map(|(path, known)| (path.as_str(), &known.file))
    }

    /// The file at a relative path.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&File> {
        self.files.get(path).map(|known| &known.file)
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
