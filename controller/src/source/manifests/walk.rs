//! Which files a folder holds, and how to tell that one has changed. Nothing is read here but folders.

use crate::causes::{UNREADABLE, of_path};
use crate::source::stamp::Stamp;
use nix::errno::Errno;
use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// So many files and folders are looked at behind a link that leads out of the folder: a link to `/` leads to all of a
/// machine, and some of that never holds still.
const MOST_BEHIND_A_LINK: usize = if cfg!(test) { 200 } else { 20_000 };

/// For so long.
const LONGEST_BEHIND_A_LINK: Duration = Duration::from_secs(10);

/// What a folder holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Listing {
    /// Which folder it is, whatever its name.
    pub(super) identity: (u64, u64),
    /// Manifests by name, each target once.
    pub(super) files: Vec<(PathBuf, Stamp)>,
    /// Folders and files that are there but cannot be looked at.
    pub(super) unreadable: Vec<(PathBuf, SkipReason)>,
    /// Links that lead nowhere, and what is no file under the name of one, by name.
    pub(super) dangling: Vec<PathBuf>,
    /// A symbolic link leads out of the folder, where changes happen unseen.
    pub(super) leads_out: bool,
}

/// Why something in a folder is not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SkipReason {
    /// The system says no.
    Io(Errno),
    /// It is a link, and too much is behind it.
    TooMuch,
    /// It is a link, and what is behind it takes too long.
    TooSlow,
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(errno) => f.write_str(&of_path(&(*errno).into())),
            Self::TooMuch => write!(f, "the link leads to more than {MOST_BEHIND_A_LINK} files and folders"),
            Self::TooSlow => write!(f, "the link leads to more than can be listed in {} s", LONGEST_BEHIND_A_LINK.as_secs()),
        }
    }
}

impl SkipReason {
    /// What would do.
    pub(super) const fn help(self) -> &'static str {
        match self {
            Self::Io(_) => UNREADABLE,
            Self::TooMuch | Self::TooSlow => "have the link lead to less",
        }
    }
}

impl From<SkipReason> for io::Error {
    fn from(reason: SkipReason) -> Self {
        match reason {
            SkipReason::Io(errno) => errno.into(),
            behind_a_link => Self::other(behind_a_link.to_string()),
        }
    }
}

impl From<io::Error> for SkipReason {
    fn from(error: io::Error) -> Self {
        Self::Io(error.raw_os_error().map_or(Errno::UnknownErrno, Errno::from_raw))
    }
}

/// Lists the manifests of a folder and the folders in it: `*.yaml`, `*.yml` and `*.json`, but nothing hidden.
///
/// Links are followed. So of a mounted ConfigMap the visible names are read, and not a second time what `..data` holds.
///
/// # Errors
/// When the folder itself cannot be listed.
pub(super) fn list(folder: &Path) -> io::Result<Listing> {
    list_with_hidden(folder).map(|(listing, _)| listing)
}

/// The same, and what is hidden in these folders.
///
/// # Errors
/// When the folder itself cannot be listed.
pub(super) fn list_with_hidden(folder: &Path) -> io::Result<(Listing, Vec<PathBuf>)> {
    let root = fs::canonicalize(folder)?;
    let identity = Stamp::of(&fs::metadata(folder)?).identity();
    let listing = Listing { identity, ..Listing::default() };
    let mut walk = Walk { root, listing, folders: HashSet::from([identity]), links: Vec::new(), behind: None, hidden: Vec::new() };
    let folders = walk.look_into(folder)?;
    // Nothing but what is behind links has bounds.
    let _ = walk.look_into_all(folders);
    let mut links = std::mem::take(&mut walk.links);
    links.sort_unstable();
    links.into_iter().for_each(|link| walk.follow(link));
    let Listing { files, unreadable, dangling, .. } = &mut walk.listing;
    dangling.sort_unstable();
    files.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    unreadable.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    let mut seen = HashSet::with_capacity(files.len());
    files.retain(|(_, stamp)| seen.insert(stamp.identity()));
    Ok((walk.listing, walk.hidden))
}

struct Walk {
    root: PathBuf,
    listing: Listing,
    /// Folders that were entered; a link back up is not followed again.
    folders: HashSet<(u64, u64)>,
    /// Links to folders elsewhere, for later.
    links: Vec<PathBuf>,
    /// What was met behind the one that is followed.
    behind: Option<Behind>,
    /// Hidden files and folders, but none behind links to elsewhere.
    hidden: Vec<PathBuf>,
}

struct Behind {
    begun: Instant,
    entries: usize,
    entered: Vec<(u64, u64)>,
}

impl Behind {
    fn count_entry(&mut self) -> Result<(), SkipReason> {
        self.entries += 1;
        match () {
            () if self.entries > MOST_BEHIND_A_LINK => Err(SkipReason::TooMuch),
            () if self.begun.elapsed() > LONGEST_BEHIND_A_LINK => Err(SkipReason::TooSlow),
            () => Ok(()),
        }
    }
}

impl Walk {
    /// Takes the files of all that is behind a link, or nothing of it.
    fn follow(&mut self, link: PathBuf) {
        let Ok(metadata) = fs::metadata(&link) else { return };
        if !self.folders.insert(Stamp::of(&metadata).identity()) {
            return;
        }
        let Listing { files, unreadable, dangling, .. } = &self.listing;
        let (files, unreadable, dangling) = (files.len(), unreadable.len(), dangling.len());
        self.behind = Some(Behind { begun: Instant::now(), entries: 0, entered: Vec::new() });
        let followed = self.look_into_all(vec![link.clone()]);
        let behind = self.behind.take();
        if let Err(reason) = followed {
            self.listing.files.truncate(files);
            self.listing.unreadable.truncate(unreadable);
            self.listing.dangling.truncate(dangling);
            self.listing.unreadable.push((link, reason));
            // Another link may lead to a part of it.
            behind.into_iter().flat_map(|behind| behind.entered).for_each(|entered| {
                self.folders.remove(&entered);
            });
        }
    }

    /// The same of folders, and of all that are in them.
    ///
    /// # Errors
    /// When there is more of it than is looked at behind a link.
    fn look_into_all(&mut self, mut waiting: Vec<PathBuf>) -> Result<(), SkipReason> {
        while let Some(folder) = waiting.pop() {
            match self.look_into(&folder) {
                Ok(more) => waiting.extend(more),
                // Gone since it was listed.
                Err(SkipReason::Io(Errno::ENOENT)) => {}
                Err(reason @ SkipReason::Io(_)) => self.listing.unreadable.push((folder, reason)),
                Err(reason) => return Err(reason),
            }
        }
        Ok(())
    }

    /// Takes the files of one folder and returns the folders in it.
    fn look_into(&mut self, folder: &Path) -> Result<Vec<PathBuf>, SkipReason> {
        let mut folders = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            self.behind.as_mut().map_or(Ok(()), Behind::count_entry)?;
            let path = entry.path();
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                self.hidden.extend(self.behind.is_none().then_some(path));
                continue;
            }
            let metadata = match fs::metadata(&path) {
                Ok(metadata) => metadata,
                // A link to nothing, or to itself, or a file that is gone by now.
                Err(error) if leads_nowhere(&error) => {
                    if entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
                        self.listing.dangling.push(path);
                    }
                    continue;
                }
                Err(error) => {
                    self.listing.unreadable.push((path, error.into()));
                    continue;
                }
            };
            if !(metadata.is_dir() || metadata.is_file() && is_manifest(&path)) {
                if !metadata.is_file() && is_manifest(&path) {
                    self.listing.dangling.push(path);
                }
                continue;
            }
            let leads_out = entry.file_type()?.is_symlink() && fs::canonicalize(&path).is_ok_and(|target| !target.starts_with(&self.root));
            self.listing.leads_out |= leads_out;
            let stamp = Stamp::of(&metadata);
            if metadata.is_file() {
                self.listing.files.push((path, stamp));
            } else if leads_out && self.behind.is_none() {
                self.links.push(path);
            } else if self.folders.insert(stamp.identity()) {
                self.behind.iter_mut().for_each(|behind| behind.entered.push(stamp.identity()));
                folders.push(path);
            }
        }
        Ok(folders)
    }
}

/// Whether there is nothing at the end of a path, by what the system says of it.
fn leads_nowhere(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(Errno::ELOOP as i32)
}

/// Whether a link that leads nowhere seems to be meant for a manifest, or a folder.
pub(super) fn may_lead_to_manifests(link: &Path) -> bool {
    is_manifest(link) || link.extension().is_none()
}

/// Whether a file counts as a manifest by its name.
pub(super) fn is_manifest(path: &Path) -> bool {
    path.extension().is_some_and(|end| ["yaml", "yml", "json"].iter().any(|known| end.eq_ignore_ascii_case(known)))
}
