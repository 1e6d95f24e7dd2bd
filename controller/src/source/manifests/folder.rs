//! What is known of a watched folder, and what one look at it changes. Time is told from outside.
//!
//! A file is taken when it holds still: two lists of the folder, one before and one after it was read, say the same.
//! What looks half written keeps what it held before.

use super::load::bounded;
use super::merge::merge;
use super::places::{Places, SharedPlaces};
use super::read::{Chosen, Contents, Found, Purpose, read};
use super::walk::{self, Listing, SkipReason};
use crate::causes::{UNREADABLE, of_path};
use crate::source::Located;
use crate::source::stamp::{self, Stamp};
use crate::source::watch::{Circumstances, DOUBT, Followed, LONGEST_WRITE, Seen};
use gatewright_core::diagnostic::{Code, Outcome, Severity};
use gatewright_core::names::ObjectRef;
use gatewright_core::state::Event;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A folder of manifests.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    places: SharedPlaces,
    manifests: BTreeMap<PathBuf, Manifest>,
    /// The objects that were told of.
    told: Arc<HashMap<ObjectRef, Found>>,
    problems: Vec<Located>,
    /// Which folder was read last.
    identity: Option<(u64, u64)>,
    /// Folders that could not be listed then.
    unreadable: Vec<(PathBuf, SkipReason)>,
    /// Links that led nowhere then, and what was no file; whether it was a link.
    dangling: Vec<(PathBuf, bool)>,
    /// What was told is not what is known.
    is_stale: bool,
}

/// One file.
#[derive(Debug, Default)]
struct Manifest {
    /// What it held when it was last believed.
    used: Option<Version>,
    /// What it seems to hold now.
    fresh: Option<Version>,
    missing_since: Option<Instant>,
    /// What it holds is used although somebody has not finished writing it.
    is_unfinished: bool,
}

#[derive(Debug)]
struct Version {
    /// `None`: it could not be read, so it is tried again at every look.
    stamp: Option<Stamp>,
    contents: Contents,
    since: Instant,
}

impl Folder {
    pub(super) fn new(path: PathBuf, places: SharedPlaces) -> Self {
        let (manifests, told) = (BTreeMap::new(), Arc::default());
        let (unreadable, dangling) = (Vec::new(), Vec::new());
        Self { path, places, manifests, told, problems: Vec::new(), identity: None, unreadable, dangling, is_stale: true }
    }
}

impl Followed for Folder {
    /// When the folder is gone, or an empty one stands in its place, the last state stays.
    fn look(&mut self, at: &Circumstances<'_>) -> Seen {
        let before = match walk::list(&self.path) {
            Ok(listing) => listing,
            Err(error) => return self.keep(&format!("cannot be read: {}", of_path(&error))),
        };
        if (at.is_changing)() {
            return Seen { is_changing: true, ..self.later() };
        }
        let is_other = self.identity.is_some_and(|identity| identity != before.identity);
        if is_other && before.files.is_empty() && !self.told.is_empty() {
            return self.keep("was replaced by one without manifests");
        }
        let all_read = self.read_changed(&before, at.now);
        let after = walk::list(&self.path).unwrap_or_default();
        let is_settled = all_read && before == after;
        if (at.is_changing)() {
            return Seen { is_changing: true, ..self.later() };
        }
        if at.is_quiet && !is_settled {
            return self.later();
        }
        let again = self.accept(&before, &after, at);
        self.identity = Some(before.identity);
        let is_link: Vec<bool> = before.dangling.iter().map(|path| path.is_symlink()).collect();
        let dangling: Vec<_> = before.dangling.into_iter().zip(is_link).collect();
        if self.unreadable != before.unreadable || self.dangling != dangling {
            (self.unreadable, self.dangling) = (before.unreadable, dangling);
            self.is_stale = true;
        }
        let told = if std::mem::take(&mut self.is_stale) { self.tell() } else { Seen::default() };
        let is_pending = !is_settled || again.is_some();
        Seen { is_settled, is_pending, again, is_read: true, leads_out: before.leads_out, ..told }
    }
}

impl Folder {
    /// Reads the files that are not as they were. False: one changed under our hands.
    fn read_changed(&mut self, listing: &Listing, now: Instant) -> bool {
        let mut all_read = true;
        for (path, stamp) in &listing.files {
            let manifest = self.manifests.entry(path.clone()).or_default();
            let is_known = |version: &Option<Version>| version.as_ref().is_some_and(|version| version.stamp == Some(*stamp));
            if is_known(&manifest.used) {
                manifest.fresh = None;
            } else if !is_known(&manifest.fresh) {
                match read_file(path, stamp) {
                    Ok(Some(contents)) => manifest.fresh = Some(Version { stamp: Some(*stamp), contents, since: now }),
                    Ok(None) => all_read = false,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => all_read = false,
                    Err(error) => {
                        let since = manifest.fresh.as_ref().filter(|fresh| fresh.stamp.is_none()).map_or(now, |fresh| fresh.since);
                        manifest.fresh = Some(unreadable(path, &error, since));
                    }
                }
            }
        }
        all_read
    }

    /// Believes what held still; returns when to look again at the rest.
    fn accept(&mut self, before: &Listing, after: &Listing, at: &Circumstances<'_>) -> Option<Duration> {
        let after: HashMap<&Path, Stamp> = after.files.iter().map(|(path, stamp)| (&**path, *stamp)).collect();
        let still: HashSet<&Path> =
            before.files.iter().filter(|(path, stamp)| after.get(&**path) == Some(stamp)).map(|(path, _)| &**path).collect();
        let (mut again, is_first) = (None::<Duration>, self.identity.is_none());
        let mut wait = |since: Instant, limit: Duration| {
            let left = limit.saturating_sub(at.now.saturating_duration_since(since));
            if !left.is_zero() {
                again = Some(again.map_or(left, |again| again.min(left)));
            }
            left.is_zero()
        };
        self.manifests.retain(|path, manifest| {
            if still.contains(&**path) {
                manifest.missing_since = None;
                let written = (at.written_since)(path);
                let Some(fresh) = &manifest.fresh else {
                    let was_finished = manifest.is_unfinished && written.is_none();
                    manifest.is_unfinished &= !was_finished;
                    self.is_stale |= was_finished;
                    return true;
                };
                let is_doubtful = !is_first && manifest.looks_half_written();
                if written.is_none_or(|since| wait(since, LONGEST_WRITE)) && (!is_doubtful || wait(fresh.since, DOUBT)) {
                    manifest.believe();
                    manifest.is_unfinished = written.is_some();
                    self.is_stale = true;
                }
                return true;
            }
            let unknown = before.unreadable.iter().map(|(hidden, _)| hidden).chain(&before.dangling);
            let is_hidden = unknown.into_iter().any(|hidden| path.starts_with(hidden));
            let is_there = is_hidden || after.contains_key(&**path);
            let since = *manifest.missing_since.get_or_insert(at.now);
            let stays = is_there || !(at.is_quiet || wait(since, DOUBT));
            self.is_stale |= !stays;
            stays
        });
        again
    }

    /// Compares with what was told before.
    fn tell(&mut self) -> Seen {
        let mut merged = merge(self.manifests.values().filter_map(|manifest| Some(&manifest.used.as_ref()?.contents)));
        for (path, reason) in &self.unreadable {
            let message = format!("cannot be read: {reason}");
            merged.problems.extend(Contents::of_unread(&(**path).into(), Code::BadDocument, message, reason.help()).problems);
        }
        merged.problems.extend(self.dangling.iter().flat_map(|(path, _)| self.of_dangling(path)));
        let unfinished = self.manifests.iter().filter(|(_, manifest)| manifest.is_unfinished);
        merged.problems.extend(unfinished.flat_map(|(path, _)| of_unfinished(path)));
        let told = &self.told;
        let mut events: Vec<ObjectRef> = told.keys().filter(|object| !merged.objects.contains_key(object)).cloned().collect();
        events.sort_unstable();
        let mut events: Vec<Event> = events.into_iter().map(Event::Deleted).collect();
        let mut changed: Vec<_> =
            merged.objects.iter().filter(|(name, found)| !told.get(name).is_some_and(|old| old.object == found.object)).collect();
        changed.sort_unstable_by_key(|(name, _)| *name);
        events.extend(changed.into_iter().map(|(_, found)| Event::Applied(found.object.clone())));
        self.told = Arc::new(merged.objects.into_iter().map(|(name, found)| (name, found.clone())).collect());
        self.places.set(Places::new(Arc::clone(&self.told)));
        Seen { events, problems: self.told_of(merged.problems), ..Seen::default() }
    }

    /// A link that leads nowhere takes nothing away: only who removes it does.
    fn of_dangling(&self, link: &Path) -> Vec<Located> {
        let holds = |manifest: &Manifest| manifest.used.as_ref().is_some_and(|used| !used.contents.objects.is_empty());
        let is_kept = self.manifests.iter().any(|(path, manifest)| path.starts_with(link) && holds(manifest));
        if !is_kept && !walk::may_lead_to_manifests(link) {
            return Vec::new();
        }
        let mut problems = Contents::of_dangling(&link.into()).problems;
        if is_kept {
            for Located { diagnostic, .. } in &mut problems {
                (diagnostic.severity, diagnostic.outcome) = (Severity::Error, Outcome::Quarantined);
            }
        }
        problems
    }

    /// Nothing is taken from the folder before it holds still.
    fn later(&self) -> Seen {
        Seen { again: Some(DOUBT / 10), is_read: self.identity.is_some(), is_pending: true, ..Seen::default() }
    }

    /// Nothing is taken from the folder this time.
    fn keep(&mut self, why: &str) -> Seen {
        let kept = if self.identity.is_some() { "; its last state is kept" } else { "" };
        let message = format!("the folder {why}{kept}");
        let mut trouble = Contents::of_unread(&(*self.path).into(), Code::BadDocument, message, UNREADABLE).problems;
        trouble.iter_mut().for_each(|trouble| trouble.diagnostic.outcome = Outcome::Quarantined);
        self.is_stale = true;
        let problems = self.told_of(trouble);
        Seen { problems, is_read: self.identity.is_some(), is_settled: true, again: Some(DOUBT / 2), ..Seen::default() }
    }

    fn told_of(&mut self, problems: Vec<Located>) -> Option<Vec<Located>> {
        if problems == self.problems {
            return None;
        }
        self.problems.clone_from(&problems);
        Some(problems)
    }
}

impl Manifest {
    /// An editor, a copy or a checkout may be in the middle of it.
    fn looks_half_written(&self) -> bool {
        let (Some(used), Some(fresh)) = (&self.used, &self.fresh) else { return false };
        let is_worse = used.contents.is_whole && !fresh.contents.is_whole;
        let is_empty = fresh.stamp.is_some_and(|stamp| stamp.size == 0);
        !used.contents.objects.is_empty() && (is_worse || is_empty)
    }

    /// Takes what is fresh. Where not all of it can be read, the objects that are missing from it, or lack what they had, stay
    /// as they were.
    fn believe(&mut self) {
        let Some(mut fresh) = self.fresh.take() else { return };
        if let (Some(used), false) = (self.used.take(), fresh.contents.is_whole) {
            let Contents { objects, problems, .. } = &mut fresh.contents;
            let whole: HashMap<ObjectRef, bool> = objects.iter().map(|found| (found.object.reference(), !found.is_cut)).collect();
            let is_better = |found: &Found| whole.get(&found.object.reference()).is_none_or(|whole| !(whole | found.is_cut));
            let kept: Vec<_> = used.contents.objects.into_iter().filter(is_better).collect();
            let names: HashSet<ObjectRef> = kept.iter().map(|found| found.object.reference()).collect();
            objects.retain(|found| !names.contains(&found.object.reference()));
            for Located { diagnostic, .. } in problems.iter_mut().filter(|p| p.diagnostic.severity == Severity::Error) {
                if diagnostic.object.as_ref().map_or(!kept.is_empty(), |object| names.contains(object)) {
                    diagnostic.outcome = Outcome::Quarantined;
                }
            }
            objects.splice(0..0, kept);
        }
        self.used = Some(fresh);
    }
}

/// `None`: it is not the file that was listed any more.
fn read_file(path: &Path, listed: &Stamp) -> io::Result<Option<Contents>> {
    let file = stamp::open(path)?;
    let is_listed = |file: &File| file.metadata().map(|metadata| Stamp::of(&metadata) == *listed);
    if !is_listed(&file)? {
        return Ok(None);
    }
    let bytes = bounded(&file, listed.size)?;
    // Half of a file looks like one for another program.
    Ok(if is_listed(&file)? { Some(read(&path.into(), &bytes, Purpose::Follow, Chosen::ByName)) } else { None })
}

fn unreadable(path: &Path, error: &io::Error, since: Instant) -> Version {
    let message = format!("cannot be read: {}", of_path(error));
    let contents = Contents::of_unread(&path.into(), Code::BadDocument, message, UNREADABLE);
    Version { stamp: None, contents, since }
}

/// It is used, but probably not as meant.
fn of_unfinished(path: &Path) -> Vec<Located> {
    let message = format!("the file has been open for writing for {} s; what it holds by now is used", LONGEST_WRITE.as_secs());
    let help = "whoever writes it should close it, or write beside it and rename";
    let mut problems = Contents::of_unread(&path.into(), Code::BadDocument, message, help).problems;
    for Located { diagnostic, .. } in &mut problems {
        (diagnostic.severity, diagnostic.outcome) = (Severity::Warning, Outcome::Served);
    }
    problems
}

#[cfg(test)]
mod tests;
