//! Which files a folder holds, and how to tell that one has changed. Nothing is read here but folders.

use crate::source::stamp::Stamp;
use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What a folder holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Listing {
    /// Which folder it is, whatever its name.
    pub(super) identity: (u64, u64),
    /// Manifests by name, each target once.
    pub(super) files: Vec<(PathBuf, Stamp)>,
    /// Folders and files that are there but cannot be looked at.
    pub(super) unreadable: Vec<(PathBuf, io::ErrorKind)>,
    /// A symbolic link leads out of the folder, where changes happen unseen.
    pub(super) leads_out: bool,
}

/// Lists the manifests of a folder and the folders in it: `*.yaml`, `*.yml` and `*.json`, but nothing hidden.
///
/// Links are followed. So of a mounted ConfigMap the visible names are read, and not a second time what `..data` holds.
///
/// # Errors
/// When the folder itself cannot be listed.
pub(super) fn list(folder: &Path) -> io::Result<Listing> {
    let root = fs::canonicalize(folder)?;
    let identity = Stamp::of(&fs::metadata(folder)?).identity();
    let mut walk = Walk { root, listing: Listing { identity, ..Listing::default() }, folders: HashSet::from([identity]) };
    let mut waiting = walk.look_into(folder)?;
    while let Some(folder) = waiting.pop() {
        match walk.look_into(&folder) {
            Ok(more) => waiting.extend(more),
            // Gone since it was listed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => walk.listing.unreadable.push((folder, error.kind())),
        }
    }
    let Listing { files, unreadable, .. } = &mut walk.listing;
    files.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    unreadable.sort_unstable();
    let mut seen = HashSet::with_capacity(files.len());
    files.retain(|(_, stamp)| seen.insert(stamp.identity()));
    Ok(walk.listing)
}

struct Walk {
    root: PathBuf,
    listing: Listing,
    /// Folders that were entered; a link back up is not followed again.
    folders: HashSet<(u64, u64)>,
}

impl Walk {
    /// Takes the files of one folder and returns the folders in it.
    fn look_into(&mut self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        let mut folders = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let path = entry.path();
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let metadata = match fs::metadata(&path) {
                Ok(metadata) => metadata,
                // A link to nothing, or a file that is gone by now.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => {
                    self.listing.unreadable.push((path, error.kind()));
                    continue;
                }
            };
            if !(metadata.is_dir() || metadata.is_file() && is_manifest(&path)) {
                continue;
            }
            if entry.file_type()?.is_symlink() {
                self.listing.leads_out |= fs::canonicalize(&path).is_ok_and(|target| !target.starts_with(&self.root));
            }
            if metadata.is_file() {
                self.listing.files.push((path, Stamp::of(&metadata)));
            } else if self.folders.insert(Stamp::of(&metadata).identity()) {
                folders.push(path);
            }
        }
        Ok(folders)
    }
}

/// Whether a file counts as a manifest by its name.
pub(super) fn is_manifest(path: &Path) -> bool {
    path.extension().is_some_and(|end| ["yaml", "yml", "json"].iter().any(|known| end.eq_ignore_ascii_case(known)))
}
