//! The settings of the last revision that the proxy has taken, kept in the state folder: what protects is then what it was
//! at the next start, too, if it cannot be read by then.

use super::maker::SettingsByObject;
use gatewright_core::names::{Kind, ObjectName, ObjectRef};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Keys whose values are nobody's business but the proxy's.
const SECRET: &[&str] = &["ssl-session-ticket-key"];

/// Kinds of objects with settings.
const KINDS: [Kind; 2] = [Kind::ConfigMap, Kind::GatewrightParameters];

/// What one object has said.
#[derive(Serialize, Deserialize)]
struct Kept {
    kind: String,
    namespace: String,
    name: String,
    settings: BTreeMap<String, String>,
}

/// Where they are kept.
pub(super) struct LastSettings {
    file: PathBuf,
    /// Whether they are in the file.
    are_kept: bool,
}

impl LastSettings {
    pub(super) const fn at(file: PathBuf) -> Self {
        Self { file, are_kept: false }
    }

    /// Those of the time before; none where they cannot be read.
    pub(super) fn read(&mut self) -> SettingsByObject {
        let read = std::fs::read(&self.file).and_then(|bytes| Ok(serde_json::from_slice::<Vec<Kept>>(&bytes)?));
        let unread = read.as_ref().err().filter(|error| error.kind() != io::ErrorKind::NotFound);
        self.are_kept = unread.is_none();
        if let Some(error) = unread {
            tracing::warn!(%error, file = %self.file.display(), "could not read the settings of the last run; protections start anew");
        }
        let kept = read.unwrap_or_default();
        let one = |kept: Kept| {
            let kind = KINDS.into_iter().find(|kind| kind.as_str() == kept.kind)?;
            Some((ObjectRef::new(kind, ObjectName::new(&kept.namespace, &kept.name).ok()?), kept.settings))
        };
        kept.into_iter().filter_map(one).collect()
    }

    /// Whether those that were read or were to be kept last are in the file.
    pub(super) const fn are_kept(&self) -> bool {
        self.are_kept
    }

    /// Keeps these. Where they cannot be written, the file stays that is there. It may lack what protects since; but without it
    /// nothing would be known at all, and whatever is gone or cannot be read by the next start would be without the protections
    /// that it holds, which are nearly always those of now. These are what a disk that is full for a moment must not cost.
    pub(super) fn keep(&mut self, settings: &SettingsByObject) {
        let written = write(&self.file, settings);
        self.are_kept = written.is_ok();
        if let Err(error) = written {
            let file = self.file.display();
            tracing::warn!(%error, %file, "could not keep the settings for the next start; those that were kept before stay there");
        }
    }
}

fn write(path: &Path, settings: &SettingsByObject) -> io::Result<()> {
    let one = |(object, settings): (&ObjectRef, &BTreeMap<String, String>)| Kept {
        kind: object.kind.to_string(),
        namespace: object.name.namespace().to_owned(),
        name: object.name.name().to_owned(),
        settings: settings
            .iter()
            .filter(|(key, _)| !SECRET.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
    };
    let temporary = path.with_extension("new");
    // It may be there from a start that was cut short, with other rights.
    match std::fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    file.write_all(&serde_json::to_vec_pretty(&settings.iter().map(one).collect::<Vec<_>>())?)?;
    file.sync_all()?;
    std::fs::rename(temporary, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_read_as_they_were_kept_without_what_is_secret() {
        let folder = tempfile::tempdir().unwrap();
        let mut last = LastSettings::at(folder.path().join("settings.json"));
        assert!(last.read().is_empty());
        let object = |kind, name| ObjectRef::new(kind, ObjectName::new("edge", name).unwrap());
        let data = |pairs: &[(&str, &str)]| pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let [main, class] = [object(Kind::ConfigMap, "main"), object(Kind::GatewrightParameters, "class")];
        let said = [("block-cidrs", "10.0.0.0/8"), ("ssl-session-ticket-key", "c2VjcmV0")];
        last.keep(&SettingsByObject::from([(main.clone(), data(&said)), (class.clone(), data(&[]))]));
        assert_eq!(last.read(), SettingsByObject::from([(main, data(&said[..1])), (class, data(&[]))]));
        std::fs::write(&last.file, "{").unwrap();
        assert!(last.read().is_empty() && !last.are_kept(), "they are to be written again");
    }

    #[test]
    fn what_cannot_be_kept_leaves_what_was_kept_before() {
        let folder = tempfile::tempdir().unwrap();
        let mut last = LastSettings::at(folder.path().join("settings.json"));
        let object = ObjectRef::new(Kind::ConfigMap, ObjectName::new("edge", "main").unwrap());
        let said = |list: &str| {
            let data = BTreeMap::from([("whitelist-source-range".to_owned(), list.to_owned())]);
            SettingsByObject::from([(object.clone(), data)])
        };
        last.keep(&said("10.0.0.0/8"));
        let in_the_way = folder.path().join("settings.new");
        std::fs::create_dir(&in_the_way).unwrap();
        last.keep(&said("192.0.2.0/24"));
        assert!(!last.are_kept(), "they are to be written again");
        let mut next = LastSettings::at(last.file.clone());
        assert_eq!(next.read(), said("10.0.0.0/8"), "the next start knows of a list");
        std::fs::remove_dir(&in_the_way).unwrap();
        last.keep(&said("192.0.2.0/24"));
        assert!(last.are_kept() && next.read() == said("192.0.2.0/24"));
    }
}
