//! Inputs that are read once: files, folders, git revisions and the standard input, for the offline commands.

use super::git::{GitError, Revision};
use super::helm;
use super::hidden;
use super::merge::merge;
use super::places::Places;
use super::read::{Chosen, Contents, MAX_FILE_BYTES, Purpose, read};
use super::unnamed::Unnamed;
use super::walk::{self, Listing};
use crate::causes::{UNREADABLE, of_path};
use crate::source::Located;
use crate::source::stamp::Stamp;
use gatewright_core::diagnostic::{Code, Diagnostic};
use gatewright_core::names::{is_printable, shown};
use gatewright_core::state::Object;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum InputPath {
    /// The standard input, written `-`.
    Stdin,
    /// A file, or a folder and all folders in it.
    Path(PathBuf),
    /// Files of a git revision, written `git:REV[:PATH]`.
    Git(Revision),
}

impl From<&str> for InputPath {
    fn from(text: &str) -> Self {
        match text.strip_prefix("git:") {
            Some(revision) => Self::Git(Revision::parse(revision)),
            None if text == "-" => Self::Stdin,
            None => Self::Path(text.into()),
        }
    }
}

/// What the inputs hold.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    /// Every object once, sorted by kind, namespace and name.
    pub(crate) objects: Vec<Object>,
    /// Where they were written.
    pub(crate) places: Places,
    /// What is wrong with the input itself, in the order of the input.
    pub(crate) problems: Vec<Located>,
    /// The bytes of every file that was read, for excerpts.
    pub(crate) texts: Texts,
    /// Ingresses that are left out for their names; of [`Purpose::Lint`] alone.
    pub(crate) unnamed: Unnamed,
}

/// Bytes of files, by the name they go by in a [`crate::source::Place`].
pub(crate) type Texts = HashMap<Arc<Path>, Arc<[u8]>>;

/// Why inputs could not be read at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    /// A path that is not there, or may not be read.
    #[error("could not read {}", said(path))]
    Read {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The standard input broke off, or was asked for twice.
    #[error("could not read the standard input")]
    Stdin(#[source] io::Error),
    /// A git revision.
    #[error(transparent)]
    Git(#[from] GitError),
}

/// A path for people: in quotes where a terminal could take it for something else, or there is nothing to see.
fn said(path: &Path) -> String {
    let text = path.to_string_lossy();
    if !text.is_empty() && text.chars().all(is_printable) { text.into_owned() } else { shown(&text) }
}

impl LoadError {
    /// Whether an input is not there, and nothing else is wrong with it.
    pub(crate) fn is_absence(&self) -> bool {
        match self {
            Self::Git(error) => matches!(error, GitError::NoPath { .. }),
            Self::Read { source, .. } => source.kind() == io::ErrorKind::NotFound,
            Self::Stdin(_) => false,
        }
    }
}

/// Reads inputs, later ones after earlier ones; a file that is named twice, in whatever way, is read once.
///
/// # Errors
/// When nothing of one of them can be read; what is wrong inside of a file, or with one of a folder, is in
/// [`Loaded::problems`].
pub(crate) fn load(inputs: &[InputPath], purpose: Purpose) -> Result<Loaded, LoadError> {
    let mut loading = Loading { purpose, contents: Vec::new(), texts: Texts::new() };
    let (mut seen, mut stdin_read) = (HashSet::new(), false);
    for input in inputs {
        match input {
            InputPath::Stdin if stdin_read => {}
            InputPath::Stdin => {
                stdin_read = true;
                loading.take(Path::new("-"), bounded(io::stdin().lock(), 0).map_err(LoadError::Stdin)?, Chosen::ByName);
            }
            InputPath::Path(path) => {
                let Files { listing, hidden, chosen } = files_of(path)?;
                loading.note_dangling(&listing.dangling);
                loading.note_hidden(&hidden::manifests(hidden));
                loading.take_files(path, listing, chosen, &mut seen)?;
            }
            InputPath::Git(revision) => {
                let listed = revision.read()?;
                listed.files.into_iter().for_each(|file| loading.take(&file.name, file.bytes, file.chosen));
                loading.note(listed.notes);
                loading.note_hidden(&listed.hidden);
                loading.note_dangling(&listed.dangling);
            }
        }
    }
    Ok(loading.finish())
}

struct Loading {
    purpose: Purpose,
    contents: Vec<Contents>,
    texts: Texts,
}

impl Loading {
    fn take(&mut self, name: &Path, bytes: Vec<u8>, chosen: Chosen) {
        let name = short(name);
        self.contents.push(read(&name, &bytes, self.purpose, chosen));
        self.texts.insert(name, bytes.into());
    }

    /// Takes the files of a path. In a folder one that cannot be read costs itself, as long as another one can be.
    fn take_files(&mut self, path: &Path, listing: Listing, chosen: Chosen, seen: &mut HashSet<(u64, u64)>) -> Result<(), LoadError> {
        let (mut unread, mut is_any_read) = (Vec::new(), false);
        for (file, _) in listing.files {
            let bytes = match read_once(&file, seen) {
                Ok(bytes) => bytes,
                Err(source) => {
                    unread.push((file, source, UNREADABLE));
                    continue;
                }
            };
            is_any_read = true;
            let Some(bytes) = bytes else { continue };
            let is_in_chart = || helm::chart_of(&file, |path| path.is_file()).is_some();
            let chosen = if chosen == Chosen::InFolder && is_in_chart() { Chosen::InChart } else { chosen };
            self.take(&file, bytes, chosen);
            if chosen != Chosen::ByName && leads_out(path, &file) {
                self.hide(&file);
            }
        }
        unread.extend(listing.unreadable.into_iter().map(|(path, reason)| (path, reason.into(), reason.help())));
        if !(is_any_read || unread.is_empty()) {
            let (path, source, _) = unread.swap_remove(0);
            return Err(LoadError::Read { path, source });
        }
        let of_unread = |(path, error, help): (PathBuf, io::Error, &str)| {
            Contents::of_unread(&short(&path), Code::BadDocument, format!("cannot be read: {}", of_path(&error)), help)
        };
        self.contents.extend(unread.into_iter().map(of_unread));
        Ok(())
    }

    /// Says what is in no file.
    fn note(&mut self, notes: Vec<Diagnostic>) {
        let problems = notes.into_iter().map(|diagnostic| Located { diagnostic, place: None }).collect();
        self.contents.push(Contents { problems, ..Contents::default() });
    }

    fn note_dangling(&mut self, links: &[PathBuf]) {
        let meant = links.iter().filter(|link| walk::may_lead_to_manifests(link));
        self.contents.extend(meant.map(|link| Contents::of_dangling(&short(link))));
    }

    fn note_hidden(&mut self, manifests: &[PathBuf]) {
        self.contents.extend(manifests.iter().map(|path| hidden::finding(&short(path))));
    }

    /// Keeps a file out of excerpts. Whoever puts a link into a folder, such as that of a pull request, could have any file
    /// of the machine shown by it, and what is shown stands in logs that others read.
    fn hide(&mut self, name: &Path) {
        if let Some(text) = self.texts.get_mut(name.strip_prefix(".").unwrap_or(name)) {
            *text = Arc::from([]);
        }
    }

    fn finish(self) -> Loaded {
        let merged = merge(&self.contents);
        let mut found: Vec<_> = merged.objects.into_iter().collect();
        found.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let unnamed = self.contents.iter().flat_map(|contents| contents.unnamed.iter().cloned()).collect();
        Loaded {
            unnamed: Unnamed(unnamed),
            objects: found.iter().map(|(_, found)| found.object.clone()).collect(),
            places: Places::new(Arc::new(found.into_iter().map(|(reference, found)| (reference, found.clone())).collect())),
            problems: merged.problems,
            texts: self.texts,
        }
    }
}

/// The files of an input.
struct Files {
    listing: Listing,
    hidden: Vec<PathBuf>,
    chosen: Chosen,
}

fn files_of(path: &Path) -> Result<Files, LoadError> {
    let failed = |path: &Path, source| LoadError::Read { path: path.to_owned(), source };
    let metadata = path.metadata().map_err(|error| failed(path, error))?;
    if !metadata.is_dir() {
        let files = vec![(path.to_owned(), Stamp::of(&metadata))];
        return Ok(Files { listing: Listing { files, ..Listing::default() }, hidden: Vec::new(), chosen: Chosen::ByName });
    }
    let (listing, hidden) = walk::list_with_hidden(path).map_err(|error| failed(path, error))?;
    Ok(Files { listing, hidden, chosen: Chosen::InFolder })
}

/// `./a` and `a` are the same, and others who read our findings know files by the shorter name.
fn short(path: &Path) -> Arc<Path> {
    path.strip_prefix(".").unwrap_or(path).into()
}

/// Whether a file of a folder is somewhere else, behind a link.
fn leads_out(folder: &Path, file: &Path) -> bool {
    let (root, target) = (folder.canonicalize(), file.canonicalize());
    !root.is_ok_and(|root| target.is_ok_and(|target| target.starts_with(root)))
}

/// `None`: it was read before.
fn read_once(path: &Path, seen: &mut HashSet<(u64, u64)>) -> io::Result<Option<Vec<u8>>> {
    let file = File::open(path)?;
    let stamp = Stamp::of(&file.metadata()?);
    if !seen.insert(stamp.identity()) {
        return Ok(None);
    }
    bounded(file, stamp.size).map(Some)
}

/// Everything, or one byte more than is ever read of a file; `size` is how much that will be, if it is known.
pub(super) fn bounded(from: impl Read, size: u64) -> io::Result<Vec<u8>> {
    const MOST: u64 = MAX_FILE_BYTES as u64 + 1;
    let mut bytes = Vec::with_capacity(usize::try_from(size.min(MOST)).unwrap_or_default());
    from.take(MOST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads texts that a test holds.
#[cfg(test)]
pub(super) fn from_texts<'a>(texts: impl IntoIterator<Item = (&'a Path, &'a [u8])>) -> Loaded {
    let mut loading = Loading { purpose: Purpose::Once, contents: Vec::new(), texts: Texts::new() };
    texts.into_iter().for_each(|(name, bytes)| loading.take(name, bytes.to_vec(), Chosen::ByName));
    loading.finish()
}
