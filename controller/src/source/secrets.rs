//! Secrets out of files: `NAMESPACE/NAME/KEY` in a folder, as volumes of Secrets are mounted, for those who let nobody read
//! Secrets through the API.
//!
//! A Secret is taken when all of it holds still. What is half written, or cannot be read, leaves the last version in use.

mod tree;

#[cfg(test)]
mod tests;

use super::stamp::{self, Stamp};
use super::watch::{self, Circumstances, DOUBT, Followed, LONGEST_WRITE, Seen};
use super::{Input, Located};
use crate::causes::of_path;
use gatewright_core::diagnostic::Outcome;
use gatewright_core::names::{Kind, ObjectName, ObjectRef};
use gatewright_core::state::{Event, Object, Secret};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tree::{BadPath, Files, Tree};

/// Follows a folder of Secrets until nobody listens to `out` any more.
pub(crate) async fn run(path: PathBuf, out: mpsc::Sender<Input>) {
    watch::run(path.clone(), Mounts::new(path), out).await;
}

/// The Secrets of a folder, and what is wrong there.
///
/// # Errors
/// When the folder itself cannot be read.
pub(crate) fn load(path: &Path) -> Result<(Vec<Secret>, Vec<Located>), SecretsError> {
    /// A folder that changes at each of so many looks is taken as it is.
    const LOOKS: usize = 5;
    let failed = |source| SecretsError { path: path.to_owned(), source };
    tree::list(path).map_err(failed)?;
    let mut mounts = Mounts::new(path.to_owned());
    let mut problems = Vec::new();
    for look in 1..=LOOKS {
        let is_quiet = look < LOOKS;
        let seen = mounts.look(&Circumstances { now: Instant::now(), is_quiet, written_since: &|_| None, is_changing: &|| false });
        problems = seen.problems.unwrap_or(problems);
        if seen.is_settled {
            break;
        }
    }
    Ok((mounts.mounted.into_values().filter_map(|mounted| Some(mounted.used?.secret)).collect(), problems))
}

/// A folder of Secrets cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("could not read {}", path.display())]
pub(crate) struct SecretsError {
    path: PathBuf,
    source: io::Error,
}

/// A folder of Secrets.
#[derive(Debug)]
struct Mounts {
    path: PathBuf,
    mounted: BTreeMap<ObjectName, Mounted>,
    /// Digests of the Secrets that were told of.
    told: BTreeMap<ObjectName, u128>,
    problems: Vec<Located>,
    /// Which folder was read last.
    identity: Option<(u64, u64)>,
}

/// One Secret.
#[derive(Debug, Default)]
struct Mounted {
    /// What it was when it was last believed.
    used: Option<Version>,
    /// What it seems to be now.
    fresh: Option<Version>,
}

#[derive(Debug)]
struct Version {
    files: Files,
    secret: Secret,
    since: Instant,
}

impl Followed for Mounts {
    /// When the folder is gone, or an empty one stands in its place, the last state stays.
    fn look(&mut self, at: &Circumstances<'_>) -> Seen {
        let before = match tree::list(&self.path) {
            Ok(tree) => tree,
            Err(error) => return self.keep(&format!("cannot be read: {}", of_path(&error))),
        };
        let is_other = self.identity.is_some_and(|identity| identity != before.identity);
        if is_other && before.secrets.is_empty() && !self.told.is_empty() {
            return self.keep("was replaced by one without Secrets");
        }
        let unread = self.read_changed(&before, at.now);
        let after = tree::list(&self.path).unwrap_or_default();
        let is_settled = unread.is_empty() && before == after;
        if at.is_quiet && !is_settled {
            return Seen { again: Some(DOUBT / 10), is_read: self.identity.is_some(), is_pending: true, ..Seen::default() };
        }
        let again = self.accept(&before, &after, at);
        self.identity = Some(before.identity);
        let problems = self.told_of(&before.troubles);
        let (leads_out, is_pending) = (before.leads_out, !is_settled || again.is_some());
        Seen { events: self.tell(), problems, is_read: true, is_settled, is_pending, leads_out, again, ..Seen::default() }
    }
}

impl Mounts {
    const fn new(path: PathBuf) -> Self {
        Self { path, mounted: BTreeMap::new(), told: BTreeMap::new(), problems: Vec::new(), identity: None }
    }

    /// Reads the Secrets that are not as they were; answers which changed under our hands.
    fn read_changed(&mut self, tree: &Tree, now: Instant) -> Vec<ObjectName> {
        let mut unread = Vec::new();
        for (name, files) in &tree.secrets {
            let mounted = self.mounted.entry(name.clone()).or_default();
            let is_known = |version: &Option<Version>| version.as_ref().is_some_and(|version| version.files == *files);
            if is_known(&mounted.used) {
                mounted.fresh = None;
            } else if !is_known(&mounted.fresh) {
                match read(files) {
                    Ok(Some(data)) => {
                        let secret = Secret::of_data(name.clone(), data);
                        mounted.fresh = Some(Version { files: files.clone(), secret, since: now });
                    }
                    // It could be opened when it was listed.
                    Ok(None) | Err(_) => unread.push(name.clone()),
                }
            }
        }
        unread
    }

    /// Believes what held still; returns when to look again at the rest.
    fn accept(&mut self, before: &Tree, after: &Tree, at: &Circumstances<'_>) -> Option<Duration> {
        let mut again = None::<Duration>;
        self.mounted.retain(|name, mounted| {
            let (Some(listed), Some(still)) = (before.secrets.get(name), after.secrets.get(name)) else {
                let is_there = before.hides(name) || before.secrets.contains_key(name) || after.secrets.contains_key(name);
                return is_there;
            };
            let Some(fresh) = mounted.fresh.as_ref().filter(|fresh| listed == still && fresh.files == *listed) else { return true };
            let rest = |since: Instant, limit: Duration| limit.saturating_sub(at.now.saturating_duration_since(since));
            let doubt = if mounted.looks_half_written() { rest(fresh.since, DOUBT) } else { Duration::ZERO };
            let written = fresh.files.values().filter_map(|(path, _)| (at.written_since)(path)).map(|since| rest(since, LONGEST_WRITE));
            let left = written.fold(doubt, Duration::max);
            if left.is_zero() {
                mounted.used = mounted.fresh.take();
            } else {
                again = Some(again.map_or(left, |again| again.min(left)));
            }
            true
        });
        again
    }

    /// Compares with what was told before.
    fn tell(&mut self) -> Vec<Event> {
        let used = self.mounted.iter().filter_map(|(name, mounted)| Some((name, &mounted.used.as_ref()?.secret)));
        let used: BTreeMap<&ObjectName, &Secret> = used.collect();
        let gone = self.told.keys().filter(|name| !used.contains_key(name));
        let mut events: Vec<_> = gone.map(|name| Event::Deleted(ObjectRef::new(Kind::Secret, name.clone()))).collect();
        let changed = used.iter().filter(|(name, secret)| self.told.get(**name) != Some(&secret.digest));
        events.extend(changed.map(|(_, secret)| Event::Applied(Object::Secret(Arc::new((*secret).clone())))));
        self.told = used.into_iter().map(|(name, secret)| (name.clone(), secret.digest)).collect();
        events
    }

    /// Nothing is taken from the folder this time.
    fn keep(&mut self, why: &str) -> Seen {
        let kept = if self.identity.is_some() { "; its last state is kept" } else { "" };
        let trouble = BadPath::unreadable(&self.path, format!("the folder {why}{kept}"));
        let problems = self.told_of(&[trouble]);
        Seen { problems, is_read: self.identity.is_some(), is_settled: true, again: Some(DOUBT / 2), ..Seen::default() }
    }

    /// All that is wrong, if that has changed.
    fn told_of(&mut self, troubles: &[BadPath]) -> Option<Vec<Located>> {
        let is_kept = |name: &ObjectName| self.mounted.get(name).is_some_and(|mounted| mounted.used.is_some());
        let problems = troubles.iter().map(|trouble| {
            let mut located = trouble.located();
            if trouble.secret.as_ref().is_some_and(is_kept) || (trouble.path == self.path && self.identity.is_some()) {
                located.diagnostic.outcome = Outcome::Quarantined;
            }
            located
        });
        let problems: Vec<_> = problems.collect();
        if problems == self.problems {
            return None;
        }
        self.problems.clone_from(&problems);
        Some(problems)
    }
}

impl Mounted {
    /// Somebody may be in the middle of it: one file is written after the other.
    fn looks_half_written(&self) -> bool {
        let (Some(used), Some(fresh)) = (&self.used, &self.fresh) else { return false };
        let is_lost =
            |(key, (_, stamp)): (&String, &(PathBuf, Stamp))| fresh.files.get(key).is_none_or(|(_, now)| now.size == 0 && stamp.size > 0);
        let is_worse = used.secret.key_pair.is_ok() && fresh.secret.key_pair.is_err();
        is_worse || used.files.iter().any(is_lost)
    }
}

/// `None`: these are not the files that were listed any more.
fn read(files: &Files) -> io::Result<Option<BTreeMap<String, Vec<u8>>>> {
    let mut data = BTreeMap::new();
    for (key, (path, listed)) in files {
        let file = stamp::open(path)?;
        let is_listed = |file: &File| file.metadata().map(|metadata| Stamp::of(&metadata) == *listed);
        let mut bytes = Vec::new();
        (&file).take(listed.size + 1).read_to_end(&mut bytes)?;
        if !is_listed(&file)? {
            return Ok(None);
        }
        data.insert(key.clone(), bytes);
    }
    Ok(Some(data))
}
