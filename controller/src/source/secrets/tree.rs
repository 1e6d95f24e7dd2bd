//! What a folder of Secrets holds, by namespace, name and key. Nothing is read here but folders.
//!
//! A kubelet keeps the files of a volume in a hidden folder, which the link `..data` names, and changes them all at once by
//! changing that link. So where there is one, the files are taken from behind it: they belong together.

use super::{Located, Stamp};
use crate::causes::{UNREADABLE, of_path};
use crate::source::{Place, stamp};
use gatewright_core::diagnostic::{Code, Diagnostic};
use gatewright_core::names::{Kind, ObjectName, ObjectRef, is_dns_label, shown};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Largest Secret, as for the API server.
const MAX_SECRET_BYTES: u64 = 1 << 20;

/// The files of a Secret by their keys.
pub(super) type Files = BTreeMap<String, (PathBuf, Stamp)>;

/// What a folder holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tree {
    /// Which folder it is, whatever its name.
    pub(super) identity: (u64, u64),
    /// Those that can be read.
    pub(super) secrets: BTreeMap<ObjectName, Files>,
    /// What is there and cannot be used.
    pub(super) troubles: Vec<BadPath>,
    /// Namespaces that cannot be listed.
    unreadable: Vec<String>,
    /// A symbolic link leads out of the folder, where changes happen unseen.
    pub(super) leads_out: bool,
}

/// A path that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BadPath {
    pub(super) path: PathBuf,
    /// The Secret that it costs.
    pub(super) secret: Option<ObjectName>,
    code: Code,
    message: String,
    help: &'static str,
}

impl BadPath {
    pub(super) fn new(path: &Path, code: Code, message: String) -> Self {
        Self { path: path.to_owned(), secret: None, code, message, help: "" }
    }

    /// Something that the system does not let be read.
    pub(super) fn unreadable(path: &Path, message: String) -> Self {
        Self { help: UNREADABLE, ..Self::new(path, Code::BadDocument, message) }
    }

    fn of_error(path: &Path, error: &io::Error) -> Self {
        Self::unreadable(path, format!("it cannot be read: {}", of_path(error)))
    }

    fn of(mut self, secret: &ObjectName) -> Self {
        self.secret = Some(secret.clone());
        self
    }

    pub(super) fn located(&self) -> Located {
        let mut diagnostic = Diagnostic::of_input(self.code, self.message.clone()).help(self.help);
        diagnostic.object = self.secret.clone().map(|name| ObjectRef::new(Kind::Secret, name));
        Located { diagnostic, place: Some(Place { file: (*self.path).into(), line: 1, column: 1 }) }
    }
}

/// Lists a folder.
///
/// # Errors
/// When the folder itself cannot be listed.
pub(super) fn list(folder: &Path) -> io::Result<Tree> {
    let identity = Stamp::of(&fs::metadata(folder)?).identity();
    let mut walk = Walk { root: fs::canonicalize(folder)?, tree: Tree { identity, ..Tree::default() } };
    for (name, path) in entries(folder)? {
        let namespace = text(&name).filter(|name| is_dns_label(name));
        match (walk.folder(&path), namespace) {
            (Ok(false), _) => {}
            (Ok(true), Some(namespace)) => walk.namespace(&namespace, &path),
            (Ok(true), None) => walk.trouble(misnamed(&path, &name, "a namespace")),
            (Err(trouble), namespace) => {
                walk.tree.unreadable.extend(namespace);
                walk.trouble(trouble);
            }
        }
    }
    Ok(walk.tree)
}

impl Tree {
    /// Whether a Secret is there and cannot be looked at.
    pub(super) fn hides(&self, secret: &ObjectName) -> bool {
        let is_in_the_way = |trouble: &BadPath| trouble.secret.as_ref() == Some(secret);
        self.unreadable.iter().any(|namespace| namespace == secret.namespace()) || self.troubles.iter().any(is_in_the_way)
    }
}

struct Walk {
    root: PathBuf,
    tree: Tree,
}

impl Walk {
    fn namespace(&mut self, namespace: &str, folder: &Path) {
        let found = match entries(folder) {
            Ok(found) => found,
            Err(error) => {
                self.tree.unreadable.push(namespace.to_owned());
                return self.trouble(BadPath::of_error(folder, &error));
            }
        };
        for (name, path) in found {
            let secret = text(&name).and_then(|name| ObjectName::new(namespace, &name).ok());
            match (self.folder(&path), secret) {
                (Ok(false), _) => {}
                (Ok(true), Some(secret)) => self.secret(secret, &path),
                (Ok(true), None) => self.trouble(misnamed(&path, &name, "a Secret")),
                (Err(trouble), Some(secret)) => self.trouble(trouble.of(&secret)),
                (Err(trouble), None) => self.trouble(trouble),
            }
        }
    }

    /// Whether this is a folder; a file has no place here.
    fn folder(&mut self, path: &Path) -> Result<bool, BadPath> {
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => {
                self.follow(path);
                return Ok(true);
            }
            Ok(_) => {
                let message = "a file is in no folder of a Secret; put it into NAMESPACE/NAME".to_owned();
                self.trouble(BadPath::new(path, Code::BadDocument, message));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(BadPath::of_error(path, &error)),
        }
        Ok(false)
    }

    /// Takes a Secret as a whole, or not at all.
    fn secret(&mut self, secret: ObjectName, folder: &Path) {
        match self.files(folder) {
            Ok(files) if files.values().map(|(_, stamp)| stamp.size).sum::<u64>() > MAX_SECRET_BYTES => {
                let message = format!("the Secret is larger than {} MiB", MAX_SECRET_BYTES >> 20);
                self.trouble(BadPath::new(folder, Code::TooLarge, message).of(&secret));
            }
            Ok(files) => _ = self.tree.secrets.insert(secret, files),
            Err(trouble) => self.trouble(trouble.of(&secret)),
        }
    }

    fn files(&mut self, folder: &Path) -> Result<Files, BadPath> {
        let mut files = Files::new();
        for (name, path) in entries(folder).map_err(|error| BadPath::of_error(folder, &error))? {
            // A key that is no text is none that is asked for.
            let Some(key) = text(&name) else { continue };
            match fs::metadata(&path) {
                Ok(found) if found.is_file() => {
                    stamp::open(&path).map_err(|error| BadPath::of_error(&path, &error))?;
                    self.follow(&path);
                    files.insert(key, (path, Stamp::of(&found)));
                }
                Ok(_) => return Err(BadPath::new(&path, Code::BadDocument, "this is not a file; NAMESPACE/NAME/KEY is read".to_owned())),
                // A link to nothing, or a file that is gone by now.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(BadPath::of_error(&path, &error)),
            }
        }
        Ok(files)
    }

    fn follow(&mut self, path: &Path) {
        let is_link = path.symlink_metadata().is_ok_and(|found| found.is_symlink());
        self.tree.leads_out |= is_link && fs::canonicalize(path).is_ok_and(|target| !target.starts_with(&self.root));
    }

    fn trouble(&mut self, trouble: BadPath) {
        self.tree.troubles.push(trouble);
    }
}

/// What is in a folder and not hidden, by name; behind `..data` where that is.
fn entries(folder: &Path) -> io::Result<Vec<(OsString, PathBuf)>> {
    let behind = fs::read_link(folder.join("..data")).map(|target| folder.join(target));
    let mut found = Vec::new();
    for entry in fs::read_dir(behind.as_deref().unwrap_or(folder))? {
        let entry = entry?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            found.push((entry.file_name(), entry.path()));
        }
    }
    found.sort_unstable();
    Ok(found)
}

fn misnamed(path: &Path, name: &OsString, what: &str) -> BadPath {
    let message = format!("{} is not the name of {what}", shown(&name.to_string_lossy()));
    BadPath { help: "rename it, or take it out of the folder", ..BadPath::new(path, Code::BadObject, message) }
}

fn text(name: &OsString) -> Option<String> {
    name.to_str().map(str::to_owned)
}
