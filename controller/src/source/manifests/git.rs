//! The files of a git revision, through the git program: nothing is checked out, and no file of the work tree is read.

use super::helm;
use super::read::{Chosen, MAX_FILE_BYTES};
use super::walk::is_manifest;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What `git:REV[:PATH]` names: a file or folder, by its path from the root of the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Revision {
    /// As git understands it: a branch, a tag, a hash, `HEAD~3`.
    pub(crate) revision: String,
    /// Empty: the whole repository.
    pub(crate) path: String,
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
    /// The repository has no such revision.
    #[error("git:{0} cannot be read: the repository has no such revision; fetch it, or name another")]
    NoRevision(String),
    /// The revision has no such path.
    #[error("git:{revision}:{path} cannot be read: the revision has no such path (paths count from the root of the repository)")]
    NoPath {
        /// The revision.
        revision: String,
        /// The path.
        path: String,
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

    /// Every manifest of the revision below the path, by name, each content of a link's target once.
    ///
    /// # Errors
    /// When git, the repository, the revision or the path is not there.
    pub(super) fn read(&self) -> Result<Vec<(PathBuf, Vec<u8>, Chosen)>, GitError> {
        let tree = self.tree()?;
        let entries = self.entries(&tree)?;
        let regular: HashSet<&str> = entries.iter().filter(|entry| !entry.is_link).map(|entry| entry.hash.as_str()).collect();
        let read = contents(&entries.iter().map(|entry| entry.question(&tree)).collect::<Vec<_>>());
        let read = read.map_err(|error| self.broken(format!("git cat-file broke off: {error}")))?;
        let there: HashSet<&Path> = entries.iter().map(|entry| &*entry.path).collect();
        let mut seen_through_links = HashSet::new();
        let mut files = Vec::new();
        for (entry, blob) in entries.iter().zip(read) {
            let Some(Blob { hash, bytes }) = blob else { continue };
            if entry.is_link && (regular.contains(hash.as_str()) || !seen_through_links.insert(hash)) {
                continue;
            }
            let chosen = match helm::chart_of(&entry.path, |path| there.contains(path)) {
                _ if entry.path == Path::new(&self.path) => Chosen::ByName,
                Some(_) => Chosen::InChart,
                None => Chosen::InFolder,
            };
            files.push((self.name_of(&entry.path), bytes, chosen));
        }
        Ok(files)
    }

    fn tree(&self) -> Result<String, GitError> {
        let wanted = format!("{}^{{tree}}", self.revision);
        let out = git(&["rev-parse", "--verify", "--end-of-options", &wanted]).output().map_err(GitError::Start)?;
        if out.status.success() && !self.revision.is_empty() {
            return Ok(String::from_utf8_lossy(&out.stdout).trim().to_owned());
        }
        let said = String::from_utf8_lossy(&out.stderr);
        Err(match first_line(&said) {
            line if line.contains("not a git repository") => GitError::NoRepository(self.revision.clone()),
            line if line.contains("dubious ownership") => self.broken(line),
            _ => GitError::NoRevision(self.revision.clone()),
        })
    }

    fn entries(&self, tree: &str) -> Result<Vec<Entry>, GitError> {
        let mut command = git(&["ls-tree", "-r", "-z", "--full-tree", tree]);
        if !self.path.is_empty() {
            command.arg("--").arg(&self.path);
        }
        let out = command.output().map_err(GitError::Start)?;
        if !out.status.success() {
            return Err(self.broken(first_line(&String::from_utf8_lossy(&out.stderr))));
        }
        let all: Vec<Entry> = out.stdout.split(|&b| b == 0).filter_map(Entry::parse).collect();
        if all.is_empty() && !self.path.is_empty() {
            return Err(GitError::NoPath { revision: self.revision.clone(), path: self.path.clone() });
        }
        let is_wanted = |entry: &Entry| {
            let below = entry.path.strip_prefix(&self.path).unwrap_or(&entry.path);
            let hidden = below.iter().any(|part| part.as_encoded_bytes().starts_with(b"."));
            entry.path == Path::new(&self.path) || (is_manifest(&entry.path) && !hidden)
        };
        Ok(all.into_iter().filter(is_wanted).collect())
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

    fn broken(&self, message: String) -> GitError {
        GitError::Broken { revision: self.revision.clone(), message }
    }
}

/// A file or link of a tree.
struct Entry {
    hash: String,
    is_link: bool,
    path: PathBuf,
}

impl Entry {
    /// Reads `mode type hash TAB path`; `None` for what is neither file nor link, such as a submodule.
    fn parse(line: &[u8]) -> Option<Self> {
        let tab = line.iter().position(|&b| b == b'\t')?;
        let mut words = std::str::from_utf8(&line[..tab]).ok()?.split(' ');
        let (mode, kind, hash) = (words.next()?, words.next()?, words.next()?);
        let path = PathBuf::from(OsStr::from_bytes(&line[tab + 1..]));
        (kind == "blob").then(|| Self { hash: hash.to_owned(), is_link: mode == "120000", path })
    }

    /// What `cat-file` is asked: links by their path, so that it follows them inside the tree.
    fn question(&self, tree: &str) -> Vec<u8> {
        let path = self.path.as_os_str().as_bytes();
        if !self.is_link || path.contains(&b'\n') {
            return self.hash.clone().into_bytes();
        }
        [tree.as_bytes(), b":", path].concat()
    }
}

struct Blob {
    hash: String,
    bytes: Vec<u8>,
}

/// Asks for many contents at once; `None` for what is not there or is no file.
fn contents(questions: &[Vec<u8>]) -> io::Result<Vec<Option<Blob>>> {
    let mut command = git(&["cat-file", "--batch", "--follow-symlinks"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else { return Err(io::ErrorKind::BrokenPipe.into()) };
    let answers = std::thread::scope(|scope| {
        // Questions and answers overlap, so that neither pipe fills up. A git that has gone shows in its answers.
        scope.spawn(move || {
            let mut stdin = BufWriter::new(stdin);
            let _ = questions.iter().try_for_each(|question| stdin.write_all(question).and_then(|()| stdin.write_all(b"\n")));
        });
        let mut stdout = BufReader::new(stdout);
        questions.iter().map(|_| answer(&mut stdout)).collect()
    });
    child.wait()?;
    answers
}

/// Reads `hash blob size`, the content and a line end; or one of the ways of saying that there is none.
fn answer(out: &mut impl BufRead) -> io::Result<Option<Blob>> {
    let mut head = Vec::new();
    if out.read_until(b'\n', &mut head)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let head = String::from_utf8_lossy(head.trim_ascii_end());
    let mut words = head.rsplitn(3, ' ');
    let (last, kind, first) = (words.next().unwrap_or_default(), words.next().unwrap_or_default(), words.next());
    let Ok(size) = last.parse::<u64>() else { return Ok(None) };
    let kept = size.min(MAX_FILE_BYTES as u64 + 1);
    let mut bytes = Vec::new();
    out.by_ref().take(kept).read_to_end(&mut bytes)?;
    io::copy(&mut out.by_ref().take(size - kept + 1), &mut io::sink())?;
    Ok((kind == "blob").then(|| Blob { hash: first.unwrap_or_default().to_owned(), bytes }))
}

fn git(arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.args(arguments).stdin(Stdio::null()).env("LC_ALL", "C").env("GIT_OPTIONAL_LOCKS", "0").env("GIT_TERMINAL_PROMPT", "0");
    command
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim_start_matches("fatal: ").to_owned()
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

    #[test]
    fn every_answer_of_git_is_read_to_its_end() {
        let text = b"aa blob 3\nx\ny\ndangling 4\nnone\ncc:dd missing\nee tree 2\nab\nbb blob 0\n\n";
        let mut out = &text[..];
        let read: Vec<_> = std::iter::from_fn(|| answer(&mut out).ok()).map(|blob| blob.map(|blob| (blob.hash, blob.bytes))).collect();
        let blob = |hash: &str, bytes: &[u8]| Some((hash.to_owned(), bytes.to_vec()));
        assert_eq!(read, [blob("aa", b"x\ny"), None, None, None, blob("bb", b"")]);
    }
}
