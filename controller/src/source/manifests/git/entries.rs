//! Which files of a revision are read: those that a checkout would have, and those behind its links.

use super::ask::{Answer, first_line, git, kinds};
use super::{GitError, Revision};
use crate::source::manifests::hidden::{is_of_others, is_taken_by_kubectl};
use crate::source::manifests::walk::{is_manifest, may_lead_to_manifests};
use gatewright_core::names::shown;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// So many files and folders are looked at behind links to folders.
const MOST_BEHIND_LINKS: usize = 20_000;

/// What of a revision is read, and what is not.
#[derive(Default)]
pub(super) struct Entries {
    /// Manifests, and links with the name of one, by name.
    pub(super) files: Vec<Entry>,
    /// What is in another repository or no repository at all, and why.
    pub(super) elsewhere: Vec<(PathBuf, &'static str)>,
    /// Links that lead nowhere, where a manifest or a folder may be meant.
    pub(super) dangling: Vec<PathBuf>,
    /// Hidden files that kubectl would take.
    pub(super) hidden: Vec<Entry>,
}

/// Something in a tree.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) hash: String,
    kind: Kind,
    /// As a checkout would name it: through the links that lead there.
    pub(super) path: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    /// The same, behind a link to a folder.
    FileBehindLink,
    Link,
    Submodule,
}

impl Entry {
    /// Reads `mode type hash TAB path`; `None` for what is neither file nor link nor submodule.
    fn parse(line: &[u8]) -> Option<Self> {
        let tab = line.iter().position(|&b| b == b'\t')?;
        let mut words = std::str::from_utf8(&line[..tab]).ok()?.split(' ');
        let (mode, kind, hash) = (words.next()?, words.next()?, words.next()?);
        let kind = match (kind, mode) {
            ("blob", "120000") => Kind::Link,
            ("blob", _) => Kind::File,
            ("commit", _) => Kind::Submodule,
            _ => return None,
        };
        Some(Self { hash: hash.to_owned(), kind, path: PathBuf::from(OsStr::from_bytes(&line[tab + 1..])) })
    }

    /// The same, seen through a link to the folder that it is in.
    fn behind(self, link: &Path) -> Self {
        let kind = if self.kind == Kind::File { Kind::FileBehindLink } else { self.kind };
        Self { kind, path: link.join(&self.path), ..self }
    }

    /// Whether its content may be known by another name.
    pub(super) fn is_link(&self) -> bool {
        self.kind != Kind::File
    }

    /// What git is asked: links by their path, so that it follows them inside the tree.
    pub(super) fn question(&self, tree: &str) -> Vec<u8> {
        match self.kind {
            Kind::Link => [tree.as_bytes(), b":", self.path.as_os_str().as_bytes()].concat(),
            _ => self.hash.clone().into_bytes(),
        }
    }
}

impl Revision {
    /// Lists a tree.
    pub(super) fn entries(&self, tree: &str) -> Result<Entries, GitError> {
        let own = Path::new(&self.path);
        let mut all = self.list(tree, &self.path)?;
        if all.is_empty() && !self.path.is_empty() {
            // The way to it may lead through a link.
            all.push(Entry { hash: String::new(), kind: Kind::Link, path: own.to_owned() });
        }
        let Entries { mut elsewhere, dangling, .. } = self.follow(tree, &mut all)?;
        let submodules = all.iter().filter(|entry| entry.kind == Kind::Submodule && self.is_visible(&entry.path));
        elsewhere.extend(submodules.map(|entry| (entry.path.clone(), "is a submodule")));
        if let Some((_, why)) = elsewhere.iter().find(|(path, _)| path == own) {
            return Err(GitError::Elsewhere { revision: self.revision.clone(), path: self.path.clone(), why });
        }
        let hidden = all.iter().filter(|entry| entry.kind == Kind::File && self.is_hidden_manifest(&entry.path)).cloned().collect();
        all.retain(|entry| entry.kind != Kind::Submodule && (entry.path == own || self.is_manifest(&entry.path)));
        let mut seen: HashSet<String> = all.iter().filter(|entry| !entry.is_link()).map(|entry| entry.hash.clone()).collect();
        all.retain(|entry| entry.kind != Kind::FileBehindLink || seen.insert(entry.hash.clone()));
        all.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Entries { files: all, elsewhere, dangling, hidden })
    }

    fn list(&self, tree: &str, below: &str) -> Result<Vec<Entry>, GitError> {
        let mut command = git(&["ls-tree", "-r", "-z", "--full-tree", tree]);
        if !below.is_empty() {
            command.arg("--").arg(below);
        }
        let out = command.output().map_err(GitError::Start)?;
        if !out.status.success() {
            return Err(self.broken(first_line(&String::from_utf8_lossy(&out.stderr))));
        }
        // Git is asked for links line by line.
        let can_be_asked = |entry: &Entry| entry.kind != Kind::Link || !entry.path.as_os_str().as_bytes().contains(&b'\n');
        Ok(out.stdout.split(|&b| b == 0).filter_map(Entry::parse).filter(can_be_asked).collect())
    }

    /// Adds what is behind links to folders; links that lead elsewhere.
    fn follow(&self, tree: &str, all: &mut Vec<Entry>) -> Result<Entries, GitError> {
        let (mut out, mut entered, before) = (Entries::default(), HashSet::new(), all.len());
        let mut links: Vec<Entry> = self.links(all).cloned().collect();
        while !links.is_empty() {
            let mut behind = Vec::new();
            let questions: Vec<_> = links.iter().map(|link| link.question(tree)).collect();
            for (link, answer) in links.iter().zip(kinds(&questions).map_err(|error| self.broken_off(&error))?) {
                let is_named = link.path == Path::new(&self.path);
                match answer {
                    Answer::Nothing if is_named => return Err(self.missing(tree)?),
                    Answer::Nothing if may_lead_to_manifests(&link.path) => out.dangling.push(link.path.clone()),
                    Answer::Folder(hash) if entered.insert(hash.clone()) => {
                        behind.extend(self.list(&hash, "")?.into_iter().map(|entry| entry.behind(&link.path)));
                    }
                    Answer::Outside if is_named || self.is_manifest(&link.path) => {
                        out.elsewhere.push((link.path.clone(), "is a link that leads out of the revision"));
                    }
                    _ => {}
                }
                if all.len() + behind.len() > before + MOST_BEHIND_LINKS {
                    let path = shown(&link.path.to_string_lossy());
                    return Err(self.broken(format!("links to folders, such as {path}, lead to more than {MOST_BEHIND_LINKS} files")));
                }
            }
            links = self.links(&behind).cloned().collect();
            all.extend(behind);
        }
        Ok(out)
    }

    /// Why there is nothing at the path.
    fn missing(&self, tree: &str) -> Result<GitError, GitError> {
        let (revision, path) = (self.revision.clone(), self.path.clone());
        for parent in Path::new(&self.path).ancestors().skip(1).filter_map(Path::to_str).filter(|parent| !parent.is_empty()) {
            if self.list(tree, parent)?.iter().any(|entry| entry.kind == Kind::Submodule && entry.path == Path::new(parent)) {
                return Ok(GitError::Elsewhere { revision, path, why: "is in a submodule" });
            }
        }
        Ok(GitError::NoPath { revision, path })
    }

    fn links<'e>(&self, entries: &'e [Entry]) -> impl Iterator<Item = &'e Entry> {
        entries.iter().filter(|entry| entry.kind == Kind::Link && self.is_visible(&entry.path))
    }

    fn is_manifest(&self, path: &Path) -> bool {
        is_manifest(path) && self.is_visible(path)
    }

    fn is_hidden_manifest(&self, path: &Path) -> bool {
        let mut folders = path.ancestors().skip(1);
        !self.is_visible(path) && is_taken_by_kubectl(path) && !folders.any(is_of_others)
    }

    /// Whether nothing on the way from what was named is hidden.
    fn is_visible(&self, path: &Path) -> bool {
        let below = path.strip_prefix(&self.path).unwrap_or(path);
        !below.iter().any(|part| part.as_encoded_bytes().starts_with(b"."))
    }
}
