//! The files of a git revision, through the git program: nothing is checked out, and no file of the work tree is read.
//!
//! What is read is what a checkout of the revision would hold: links are followed as long as they stay inside it.

mod ask;
mod entries;

use super::helm;
use super::hidden::may_hold_objects;
use super::read::Chosen;
use ask::{Answer, contents, first_line, git};
use gatewright_core::diagnostic::{Code, Diagnostic};
use gatewright_core::names::shown;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What `git:REV[:PATH]` names: a file or folder, by its path from the root of the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Revision {
    /// As git understands it: a branch, a tag, a hash, `HEAD~3`.
    pub(crate) revision: String,
    /// Empty: the whole repository.
    pub(crate) path: String,
}

/// What a revision holds.
pub(super) struct Listed {
    /// Manifests.
    pub(super) files: Vec<Manifest>,
    /// What would be in a checkout, or beside it, and is not read.
    pub(super) notes: Vec<Diagnostic>,
    /// Links that lead nowhere, by the names that files have.
    pub(super) dangling: Vec<PathBuf>,
    /// Hidden files that seem to hold objects, and that kubectl would take from a checkout.
    pub(super) hidden: Vec<PathBuf>,
}

/// A manifest of a revision.
pub(super) struct Manifest {
    pub(super) name: PathBuf,
    pub(super) bytes: Vec<u8>,
    /// How it came to be read.
    pub(super) chosen: Chosen,
}

/// Why a revision cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GitError {
    /// The program cannot be started.
    #[error("could not run git")]
    Start(#[source] io::Error),
    /// There is no repository here.
    #[error("git:{0} cannot be read: this folder is not in a git repository")]
    NoRepository(String),
    /// None is named, as where a variable is empty.
    #[error("git:{0} names no revision; write one behind git:, such as git:HEAD{0}")]
    Unnamed(String),
    /// The repository has no such revision.
    #[error("git:{0} cannot be read: the repository has no such revision; fetch it, or name another")]
    NoRevision(String),
    /// It is a file.
    #[error("git:{0} cannot be read: it names a file, and not the revision that it is in; give git:REV:PATH")]
    NotARevision(String),
    /// The revision has no such path.
    #[error("git:{revision}:{path} cannot be read: the revision has no such path (paths count from the root of the repository)")]
    NoPath {
        /// The revision.
        revision: String,
        /// The path.
        path: String,
    },
    /// What the path names is not in the repository.
    #[error("git:{revision}:{path} cannot be read: it {why}; give what it stands for")]
    Elsewhere {
        /// The revision.
        revision: String,
        /// The path.
        path: String,
        /// What it is.
        why: &'static str,
    },
    /// Git answers something else than it should.
    #[error("git:{revision} cannot be read: {message}")]
    Broken {
        /// The revision.
        revision: String,
        /// One line.
        message: String,
    },
}

impl Revision {
    /// Reads what follows `git:`.
    pub(crate) fn parse(text: &str) -> Self {
        let (revision, path) = text.split_once(':').unwrap_or((text, ""));
        let path = path.trim_start_matches("./").trim_matches('/');
        Self { revision: revision.to_owned(), path: if path == "." { String::new() } else { path.to_owned() } }
    }

    /// Every manifest of the revision below the path, each content behind links once.
    ///
    /// # Errors
    /// When git, the repository, the revision or the path is not there.
    pub(super) fn read(&self) -> Result<Listed, GitError> {
        let tree = self.tree()?;
        let entries::Entries { files: entries, elsewhere, dangling, hidden } = self.entries(&tree)?;
        let read = |entries: &[entries::Entry]| {
            let read = contents(&entries.iter().map(|entry| entry.question(&tree)).collect::<Vec<_>>());
            read.map_err(|error| self.broken_off(&error))
        };
        let may_hold_objects = |answer: &Answer| matches!(answer, Answer::File { bytes, .. } if may_hold_objects(bytes));
        let hidden: Vec<_> = hidden.iter().zip(read(&hidden)?).filter(|(_, answer)| may_hold_objects(answer)).collect();
        let hidden = hidden.iter().map(|(entry, _)| self.name_of(&entry.path)).collect();
        let read = read(&entries)?;
        let there: HashSet<&Path> = entries.iter().map(|entry| &*entry.path).collect();
        let mut seen: HashSet<String> = entries.iter().filter(|entry| !entry.is_link()).map(|entry| entry.hash.clone()).collect();
        let mut files = Vec::new();
        for (entry, answer) in entries.iter().zip(read) {
            let Answer::File { hash, bytes } = answer else { continue };
            if entry.is_link() && !seen.insert(hash) {
                continue;
            }
            let chosen = match helm::chart_of(&entry.path, |path| there.contains(path)) {
                _ if entry.path == Path::new(&self.path) => Chosen::ByName,
                Some(_) => Chosen::InChart,
                None => Chosen::InFolder,
            };
            files.push(Manifest { name: self.name_of(&entry.path), bytes, chosen });
        }
        let notes = elsewhere.iter().map(|(path, why)| self.note(path, why)).collect();
        Ok(Listed { files, notes, dangling: dangling.iter().map(|link| self.name_of(link)).collect(), hidden })
    }

    fn tree(&self) -> Result<String, GitError> {
        if self.revision.is_empty() {
            let path = if self.path.is_empty() { String::new() } else { format!(":{}", self.path) };
            return Err(GitError::Unnamed(path));
        }
        let wanted = format!("{}^{{tree}}", self.revision);
        let out = git(&["rev-parse", "--verify", "--end-of-options", &wanted]).output().map_err(GitError::Start)?;
        if out.status.success() {
            return Ok(String::from_utf8_lossy(&out.stdout).trim().to_owned());
        }
        let said = String::from_utf8_lossy(&out.stderr);
        Err(match first_line(&said) {
            line if line.contains("not a git repository") => GitError::NoRepository(self.revision.clone()),
            line if line.contains("dubious ownership") => self.broken(line),
            _ if self.is_file() => GitError::NotARevision(self.revision.clone()),
            _ => GitError::NoRevision(self.revision.clone()),
        })
    }

    /// Whether it is the id of a file, or a tag of one.
    fn is_file(&self) -> bool {
        let wanted = format!("{}^{{blob}}", self.revision);
        let out = git(&["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted]).output();
        !self.revision.is_empty() && out.is_ok_and(|out| out.status.success())
    }

    fn note(&self, path: &Path, why: &str) -> Diagnostic {
        let path = self.name_of(path);
        Diagnostic::of_input(Code::NotFollowed, format!("{} {why}, and is not read", shown(&path.to_string_lossy()).trim_matches('"')))
            .help("give what it stands for as a further input, if it holds manifests")
    }

    fn name_of(&self, path: &Path) -> PathBuf {
        // Ids are told as short as people tell them.
        const SHOWN: usize = 12;
        let is_id = self.revision.len() == 40 && self.revision.bytes().all(|b| b.is_ascii_hexdigit());
        let shown = if is_id { &self.revision[..SHOWN] } else { &self.revision };
        let mut name = format!("git:{shown}:").into_bytes();
        name.extend_from_slice(path.as_os_str().as_bytes());
        OsStr::from_bytes(&name).into()
    }

    fn broken_off(&self, error: &io::Error) -> GitError {
        self.broken(format!("git cat-file broke off: {error}"))
    }

    fn broken(&self, message: String) -> GitError {
        GitError::Broken { revision: self.revision.clone(), message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_named_with_or_without_a_path() {
        let parsed = |text| {
            let Revision { revision, path } = Revision::parse(text);
            (revision, path)
        };
        let named = |revision: &str, path: &str| (revision.to_owned(), path.to_owned());
        assert_eq!(parsed("main"), named("main", ""));
        assert_eq!(parsed("HEAD~3:deploy/"), named("HEAD~3", "deploy"));
        assert_eq!(parsed("v1:./a:b.yaml"), named("v1", "a:b.yaml"));
        assert_eq!(parsed("v1:."), named("v1", ""));
    }
}
