//! The sets of templates: the one in use, the last one that the proxy has taken, and one that cannot be used.
//!
//! The set that the proxy has taken is kept in the state folder beside the revision that it made. So a broken one costs
//! nothing at a restart either. Where none was ever taken nothing is rendered until one can be used: built-in templates in
//! the place of somebody's own would serve without what those say, such as whom they keep out.

use crate::causes::chain;
use crate::templates::{self, ReadError};
use gatewright_core::dialect::{Dialect, Version};
use gatewright_core::render::{Renderer, TemplateError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Templates in the place of built-in ones, by name.
pub(super) type Overrides = BTreeMap<String, String>;

/// What became of a set that cannot be used.
const STAYS: &str = "the templates cannot be used; the set before stays";
const WAITS: &str = "the templates cannot be used; there is no set before, so nothing is rendered until they can";

/// All of them.
pub(super) struct Sets {
    dialect: &'static Dialect,
    version: Version,
    used: Arc<Overrides>,
    /// What renders those in use; why nothing does, if no set can be used.
    renderer: Result<Renderer, String>,
    /// Those of the last revision that the proxy has taken, also before a restart.
    proven: Option<Arc<Overrides>>,
    /// Those that were refused last, so that they are refused once.
    rejected: Option<Overrides>,
    /// Where the proven ones are kept.
    file: PathBuf,
}

impl Sets {
    /// Begins with what was read. If that cannot be used, with the set that was taken last, if one was.
    pub(super) fn new(dialect: &'static Dialect, version: Version, read: Result<Overrides, ReadError>, file: PathBuf) -> Self {
        let proven = kept(&file, dialect).map(Arc::new);
        let renderer = Err(String::new());
        let mut sets = Self { dialect, version, used: Arc::default(), renderer, proven, rejected: None, file };
        if let Err(why) = sets.take(read) {
            sets.fall_back(&why);
        }
        sets
    }

    /// Those in use.
    pub(super) const fn used(&self) -> &Arc<Overrides> {
        &self.used
    }

    /// What renders them.
    ///
    /// # Errors
    /// With what is wrong with them, if no set can be used.
    pub(super) const fn renderer(&mut self) -> Result<&mut Renderer, &String> {
        match &mut self.renderer {
            Ok(renderer) => Ok(renderer),
            Err(why) => Err(why),
        }
    }

    /// Takes other templates; whether they are others. Those before stay if these cannot be used.
    fn change(&mut self, overrides: Overrides) -> Result<bool, TemplateError> {
        let are_used = self.renderer.is_ok() && overrides == *self.used;
        if are_used || self.rejected.as_ref() == Some(&overrides) {
            return Ok(false);
        }
        match templates::renderer(self.dialect, self.version, overrides.clone()) {
            Ok(renderer) => {
                (self.renderer, self.used, self.rejected) = (Ok(renderer), Arc::new(overrides), None);
                Ok(true)
            }
            Err(error) => {
                self.rejected = Some(overrides);
                Err(error)
            }
        }
    }

    /// Takes what was read; whether other templates are used, or why these cannot be.
    fn take(&mut self, read: Result<Overrides, ReadError>) -> Result<bool, String> {
        let overrides = read.map_err(|error| chain(&error))?;
        self.change(overrides).map_err(|error| error.to_string())
    }

    /// Takes what was read now, and tells what is wrong with it; whether something is to be rendered anew.
    pub(super) fn follow(&mut self, read: Result<Overrides, ReadError>) -> bool {
        match self.take(read) {
            Ok(changed) => changed,
            Err(why) if self.renderer.is_ok() => {
                tracing::error!(error = why, "{STAYS}");
                false
            }
            Err(why) => {
                self.wait(&why);
                true
            }
        }
    }

    fn fall_back(&mut self, why: &str) {
        let proven = self.proven.clone();
        let renderer = proven.as_ref().and_then(|proven| templates::renderer(self.dialect, self.version, Overrides::clone(proven)).ok());
        match proven.zip(renderer) {
            Some((proven, renderer)) => {
                tracing::error!(error = why, "{STAYS}");
                (self.renderer, self.used) = (Ok(renderer), proven);
            }
            None => self.wait(why),
        }
    }

    fn wait(&mut self, why: &str) {
        tracing::error!(error = why, "{WAITS}");
        self.renderer = Err(format!("the templates cannot be used: {why}"));
    }

    /// Goes back to the templates that the proxy has taken, if those in use are others; `false`: they are not to blame.
    ///
    /// `line` is the rendered line that was refused for this `reason`.
    pub(super) fn take_back(&mut self, line: &str, reason: &str) -> bool {
        let Some(proven) = self.proven.clone().filter(|proven| *proven != self.used) else { return false };
        let Ok(renderer) = templates::renderer(self.dialect, self.version, Overrides::clone(&proven)) else { return false };
        let refused = std::mem::replace(&mut self.used, Arc::clone(&proven));
        let changed = refused.iter().filter(|(name, text)| proven.get(*name) != Some(*text));
        let template = templates::place_of(changed, line);
        tracing::error!(template, reason, "{STAYS}");
        self.renderer = Ok(renderer);
        self.rejected = Some(Arc::unwrap_or_clone(refused));
        true
    }

    /// Uses no set any more, as this one is to blame and there is none before it.
    pub(super) fn give_up(&mut self, line: &str, reason: &str) {
        let template = templates::place_of(self.used.iter(), line);
        // A template that stops names itself.
        let named = if reason.starts_with(&template) { reason.to_owned() } else { format!("{template}: {reason}") };
        tracing::error!(template, reason, "{WAITS}");
        self.renderer = Err(format!("the templates cannot be used: {named}"));
        self.rejected = Some(Arc::unwrap_or_clone(std::mem::take(&mut self.used)));
    }

    /// A renderer of the built-in templates, if others are in use and none was ever taken: it tells whether those are to blame.
    pub(super) fn without_unproven(&self) -> Option<Renderer> {
        let are_unproven = self.proven.is_none() && self.renderer.is_ok() && !self.used.is_empty();
        are_unproven.then(|| templates::renderer(self.dialect, self.version, Overrides::new()).ok()).flatten()
    }

    /// The proxy has taken what these have made.
    pub(super) fn accept(&mut self, taken: &Arc<Overrides>) {
        if self.proven.as_ref() == Some(taken) {
            return;
        }
        self.proven = Some(Arc::clone(taken));
        if let Err(error) = keep(&self.file, self.dialect, taken) {
            tracing::warn!(%error, file = %self.file.display(), "could not keep the templates for the next start");
        }
    }
}

/// A set as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    proxy: String,
    templates: Overrides,
}

/// The set in a file; none where it cannot be read, or was made for another proxy.
fn kept(file: &Path, dialect: &Dialect) -> Option<Overrides> {
    let Kept { proxy, templates } = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
    (proxy == dialect.name).then_some(templates)
}

fn keep(path: &Path, dialect: &Dialect, set: &Overrides) -> io::Result<()> {
    let temporary = path.with_extension("new");
    let mut file = std::fs::File::create(&temporary)?;
    file.write_all(&serde_json::to_vec_pretty(&Kept { proxy: dialect.name.to_owned(), templates: set.clone() })?)?;
    file.sync_all()?;
    std::fs::rename(temporary, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gatewright_core::dialect::nginx::NGINX;

    fn sets(file: &Path, text: &str) -> Sets {
        let read = Ok(Overrides::from([("log.tera".to_owned(), text.to_owned())]));
        Sets::new(&NGINX, NGINX.oldest, read, file.to_owned())
    }

    fn used(sets: &mut Sets) -> Result<String, String> {
        let is_used = sets.renderer().map(drop).map_err(|why| why.clone());
        is_used.map(|()| sets.used()["log.tera"].clone())
    }

    #[test]
    fn a_broken_set_at_a_start_leaves_the_one_that_was_taken_before() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("templates.json");
        let mut first = sets(&file, "one");
        assert_eq!(used(&mut first), Ok("one".to_owned()));
        assert_eq!(used(&mut sets(&file, "{{")).unwrap_err().split(": ").nth(1), Some("log.tera:1:3"), "nothing was taken yet");
        first.accept(&Arc::clone(first.used()));
        assert_eq!(used(&mut sets(&file, "{{")), Ok("one".to_owned()));
        assert_eq!(used(&mut sets(&file, "two")), Ok("two".to_owned()));
        std::fs::write(&file, "no set").unwrap();
        assert!(used(&mut sets(&file, "{{")).is_err());
    }

    #[test]
    fn a_set_that_is_to_blame_waits_for_another_one_and_is_refused_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut sets = sets(&folder.path().join("templates.json"), "one\n  bad;\n");
        assert!(sets.without_unproven().is_some() && !sets.take_back("bad;", "no such thing"));
        sets.give_up("bad;", "no such thing");
        assert_eq!(used(&mut sets), Err("the templates cannot be used: log.tera:2:3: no such thing".to_owned()));
        assert!(!sets.follow(Ok(Overrides::from([("log.tera".to_owned(), "one\n  bad;\n".to_owned())]))));
        assert!(sets.follow(Ok(Overrides::new())) && sets.renderer().is_ok());
    }
}
