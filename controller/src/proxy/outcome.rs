//! What became of a file set, in words that reports and `/api/v1/revision` can use.

use super::error::ApplyError;
use super::state_dir::RevisionName;
use gatewright_core::dialect::Refusal;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// What became of a [`super::Candidate`].
#[derive(Debug, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub(crate) enum Outcome {
    /// The proxy answers the new revision.
    Live(Live),
    /// These very files are live already.
    Unchanged(Live),
    /// The proxy's own check says no; what was live goes on.
    Refused(Refused),
    /// A newer one has taken its place before it was settled.
    Overtaken,
    /// The world refuses (disk, process, socket); what was live goes on, and another try may do.
    Failed {
        /// Why.
        #[serde(serialize_with = "as_text")]
        error: ApplyError,
    },
}

/// A revision that the proxy serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Live {
    /// Its number; counts up over the life of a state folder.
    pub(crate) revision: u64,
    /// Hash of all its files, 32 hexadecimal digits.
    pub(crate) digest: String,
    /// What the proxy answers on the private port once it has loaded it; equal tokens need no reload.
    pub(crate) token: String,
    /// Why it was made.
    pub(crate) cause: String,
    /// When it was published, RFC 3339.
    pub(crate) published_at: String,
    /// When the proxy was last seen to answer it, RFC 3339; `None` before that.
    pub(crate) checked_at: Option<String>,
    /// How long its steps took.
    #[serde(default)]
    pub(crate) took: Took,
    /// Whether the proxy had to load it.
    pub(crate) reloaded: bool,
    /// The proxy's main file.
    pub(crate) main: PathBuf,
}

/// How long the steps towards a live revision took, in milliseconds; `None` for a step that was not taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Took {
    /// Writing the files.
    pub(crate) stage_ms: Option<u64>,
    /// The proxy's own check.
    pub(crate) check_ms: Option<u64>,
    /// From the reload signal to the first new answer.
    pub(crate) load_ms: Option<u64>,
}

impl Took {
    pub(super) fn new(stage: Option<Duration>, check: Option<Duration>, load: Option<Duration>) -> Self {
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self { stage_ms: stage.map(ms), check_ms: check.map(ms), load_ms: load.map(ms) }
    }
}

impl Live {
    /// A revision on disk of which nothing but the name is known.
    pub(super) fn unknown(name: RevisionName) -> Self {
        Self {
            revision: name.number,
            digest: format!("{:032x}", name.digest),
            token: String::new(),
            cause: String::new(),
            published_at: String::new(),
            checked_at: None,
            took: Took::default(),
            reloaded: true,
            main: PathBuf::new(),
        }
    }

    /// The name of its folder.
    pub(super) fn name(&self) -> Option<RevisionName> {
        Some(RevisionName { number: self.revision, digest: u128::from_str_radix(&self.digest, 16).ok()? })
    }
}

/// A candidate that the proxy's own check refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Refused {
    /// The number it would have had.
    pub(crate) revision: u64,
    /// The proxy's own words: one line.
    pub(crate) message: String,
    /// Relative path of the file it names, if it does.
    pub(crate) file: Option<String>,
    /// Line in that file.
    pub(crate) line: Option<u32>,
}

impl Refused {
    /// What a proxy says about a revision on disk. It names files where it sees them; here they are relative.
    pub(super) fn new(revision: RevisionName, refusal: Refusal) -> Self {
        let (file, line) = refusal.at.unzip();
        let folder = format!("/{revision}/");
        let relative = |path: &str| path.rsplit_once(&folder).map_or_else(|| path.to_owned(), |(_, relative)| relative.to_owned());
        let message = match file.as_deref().zip(file.as_deref().map(relative)) {
            Some((path, short)) => refusal.message.replace(path, &short),
            None => refusal.message,
        };
        Self { revision: revision.number, message, file: file.as_deref().map(relative), line }
    }

    /// The message, and the place if the message does not name it itself.
    pub(crate) fn reason(&self) -> String {
        let place = self.file.as_deref().map(|file| format!("{file}:{}", self.line.unwrap_or(0)));
        match place.filter(|place| !self.message.contains(place)) {
            Some(place) => format!("{} in {place}", self.message),
            None => self.message.clone(),
        }
    }
}

fn as_text<S: serde::Serializer>(error: &ApplyError, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&crate::causes::chain(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_names_its_place_once() {
        let reason = |message: &str, at: Option<(&str, u32)>| {
            let refusal = Refusal { message: message.to_owned(), at: at.map(|(file, line)| (file.to_owned(), line)) };
            Refused::new(RevisionName { number: 4, digest: 1 }, refusal).reason()
        };
        let folder = format!("/s/revisions/{}", RevisionName { number: 4, digest: 1 });
        let file = format!("{folder}/nginx.conf");
        assert_eq!(reason(&format!("no \"x\" in {file}:276"), Some((&file, 276))), "no \"x\" in nginx.conf:276");
        assert_eq!(reason("no \"x\"", Some((&file, 276))), "no \"x\" in nginx.conf:276");
        assert_eq!(reason("killed", None), "killed");
    }
}
