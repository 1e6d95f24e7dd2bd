//! Files that this program and kubectl do not take alike, for their names.
//!
//! `kubectl apply -f FOLDER` takes what ends in `.yaml`, `.yml` or `.json`, in lower case, also where it is hidden. Hidden
//! files are none of ours: programs that write beside a manifest write such, half of them copies of it, and a mounted
//! ConfigMap has all that it holds a second time in a hidden folder. Whoever reviews a folder has to know of them all the
//! same, because nobody else looks at them before they are applied.

use super::read::{Contents, MAX_FILE_BYTES};
use crate::source::stamp;
use gatewright_core::diagnostic::{Code, Diagnostic, Outcome, Severity};
use gatewright_core::names::shown;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// So many files and folders are looked at in hidden folders.
const MOST: usize = 20_000;

/// Whether kubectl takes a file of a folder.
pub(super) fn is_taken_by_kubectl(path: &Path) -> bool {
    path.extension().is_some_and(|end| ["yaml", "yml", "json"].iter().any(|known| end == *known)) || is_only_an_ending(path)
}

/// For kubectl the whole name of such a file is its ending.
fn is_only_an_ending(path: &Path) -> bool {
    path.file_name().is_some_and(|name| [".yaml", ".yml", ".json"].iter().any(|known| name == *known))
}

/// Whether a folder is one of git, or of a mounted volume, which nobody writes manifests into.
pub(super) fn is_of_others(folder: &Path) -> bool {
    folder.file_name().is_some_and(|name| name == ".git" || name.as_encoded_bytes().starts_with(b".."))
}

/// Whether somebody may mean objects by it.
pub(super) fn may_hold_objects(text: &[u8]) -> bool {
    let has = |word: &[u8]| text.windows(word.len()).any(|part| part == word);
    has(b"apiVersion") && has(b"kind")
}

/// The files among hidden ones, and in hidden folders, that kubectl takes and that seem to hold objects. Links to folders
/// are not followed, as they are not by kubectl.
pub(super) fn manifests(mut waiting: Vec<PathBuf>) -> Vec<PathBuf> {
    let (mut found, mut left) = (Vec::new(), MOST);
    while let Some(path) = waiting.pop().filter(|_| left > 0) {
        left -= 1;
        if fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_dir()) {
            let entries = fs::read_dir(&path).ok().filter(|_| !is_of_others(&path));
            waiting.extend(entries.into_iter().flatten().flatten().map(|entry| entry.path()));
        } else if is_taken_by_kubectl(&path) && path.is_file() && read(&path).is_some_and(|text| may_hold_objects(&text)) {
            found.push(path);
        }
    }
    found.sort_unstable();
    found
}

fn read(path: &Path) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    stamp::open(path).ok()?.take(MAX_FILE_BYTES as u64).read_to_end(&mut text).ok()?;
    Some(text)
}

/// What is said of a hidden manifest.
pub(super) fn finding(file: &Arc<Path>) -> Contents {
    let name = shown(&file.file_name().unwrap_or_default().to_string_lossy());
    let message = format!("{} is hidden, and is not read; kubectl apply takes it with its folder", name.trim_matches('"'));
    let mut contents = Contents::of_unread(file, Code::UnlikeKubectl, message, "give it another name, or remove it");
    // Nothing that is read is missing.
    contents.is_whole = true;
    contents
}

/// What is said of a manifest that kubectl does not take.
pub(super) fn not_taken() -> Diagnostic {
    let finding =
        Diagnostic::of_input(Code::UnlikeKubectl, "kubectl does not take the file with its folder: it knows endings in lower case");
    let finding = Diagnostic { severity: Severity::Note, ..finding.help("write .yaml, .yml or .json") };
    finding.outcome(Outcome::Served)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_manifests_are_those_that_kubectl_takes() {
        let folder = tempfile::tempdir().unwrap();
        let object = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n";
        for (name, text) in [
            (".evil.yaml", object),
            ("..evil.json", object),
            (".yaml", object),
            (".more/deep/a.yml", object),
            (".UP.YAML", object),
            (".a.yaml.swp", object),
            (".settings.json", "{}"),
            (".git/a.yaml", object),
            ("..2026/a.yaml", object),
        ] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        std::os::unix::fs::symlink("nowhere", folder.path().join(".#lock.yaml")).unwrap();
        let entries = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        let found: Vec<_> = manifests(entries).iter().map(|path| path.strip_prefix(folder.path()).unwrap().display().to_string()).collect();
        assert_eq!(found, ["..evil.json", ".evil.yaml", ".more/deep/a.yml", ".yaml"]);
    }
}
