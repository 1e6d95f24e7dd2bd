//! Hears that a folder changes, waits for a quiet moment, has it looked at, and tells the loop.

mod work_tree;

use super::{Input, Located};
use gatewright_core::state::Event;
use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};
use notify::{Config, RecommendedWatcher, RecursiveMode, Watcher};
use std::cell::Cell;
use std::collections::{BTreeSet, HashMap};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, mpsc};
use tracing::{debug, info, warn};

/// How long what looks half written may be just that.
pub(super) const DOUBT: Duration = Duration::from_secs(1);

/// How long a file is waited for that is open for writing: a writer may pause at a place where the file looks whole.
pub(super) const LONGEST_WRITE: Duration = Duration::from_secs(30);

/// The circumstances of a look.
pub(super) struct Circumstances<'a> {
    /// When it is.
    pub(super) now: Instant,
    /// Nothing has been heard of the folder for a moment; otherwise it has been changing for too long to wait more.
    pub(super) is_quiet: bool,
    /// Since when a file is being written.
    pub(super) written_since: &'a dyn Fn(&Path) -> Option<Instant>,
    /// Whether somebody is in the middle of a change of many files.
    pub(super) is_changing: &'a dyn Fn() -> bool,
}

/// What a look has changed.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// What happened to objects.
    pub(super) events: Vec<Event>,
    /// All that is wrong, if that has changed.
    pub(super) problems: Option<Vec<Located>>,
    /// The folder has been read at least once.
    pub(super) is_read: bool,
    /// Everything held still.
    pub(super) is_settled: bool,
    /// Something that was seen is not believed yet.
    pub(super) is_pending: bool,
    /// Somebody is in the middle of a change of many files: however long that takes, it is no restlessness.
    pub(super) is_changing: bool,
    /// Changes may happen where nothing is heard of them.
    pub(super) leads_out: bool,
    /// Something is to be looked at again after this time, whether or not anything is heard of it.
    pub(super) again: Option<Duration>,
}

/// A folder that is looked at whenever it may have changed.
pub(super) trait Followed: Send + 'static {
    /// Looks at the folder. What it is not sure of yet, it looks at again.
    fn look(&mut self, at: &Circumstances<'_>) -> Seen;
}

/// Without news for so long, a change is taken to be complete.
const QUIET: Duration = Duration::from_millis(100);
/// Under constant change the folder is looked at all the same after this time.
const LONGEST: Duration = Duration::from_secs(1);
/// Everything is looked at again after this time, whatever is heard.
const SAFETY: Duration = Duration::from_secs(60);
/// The same where changes happen unheard.
const UNHEARD: Duration = Duration::from_secs(2);

/// Follows a folder until nobody listens to `out` any more.
///
/// The first look gives all objects and [`Input::Complete`], later ones what has changed.
pub(super) async fn run(path: PathBuf, folder: impl Followed, out: mpsc::Sender<Input>) {
    let waiting = Input::Waiting(vec![format!("the folder {}", path.display())]);
    let news = Arc::new(News::default());
    let mut watched = Watched { folder, watcher: FolderWatcher::new(path, Arc::clone(&news)), waits_for_git: Cell::new(false) };
    let (mut is_complete, mut is_quiet, mut busy_since) = (false, true, None::<Instant>);
    if out.send(waiting).await.is_err() {
        return;
    }
    loop {
        let (back, seen, is_heard) = watched.look(is_quiet).await;
        watched = back;
        if seen.is_settled || seen.is_changing {
            busy_since = None;
        }
        let pause = seen.again.unwrap_or(if is_heard && !seen.leads_out { SAFETY } else { UNHEARD });
        let (is_read, is_pending) = (seen.is_read, seen.is_pending);
        if tell(&out, seen, is_read && !is_complete).await.is_err() || out.send(Input::Untold(is_pending)).await.is_err() {
            return;
        }
        is_complete |= is_read;
        tokio::select! {
            () = out.closed() => return,
            heard = tokio::time::timeout(pause, news.something.notified()) => {
                if heard.is_ok() && out.send(Input::Untold(true)).await.is_err() {
                    return;
                }
            }
        }
        is_quiet = news.quiet_since(*busy_since.get_or_insert_with(Instant::now)).await;
    }
}

/// Sends what a look has changed; `Err`: nobody listens.
async fn tell(out: &mpsc::Sender<Input>, seen: Seen, is_first: bool) -> Result<(), mpsc::error::SendError<Input>> {
    if !seen.events.is_empty() || is_first {
        debug!(changes = seen.events.len(), "folder read");
        out.send(Input::Changed(seen.events)).await?;
    }
    if let Some(problems) = seen.problems {
        out.send(Input::Problems(problems)).await?;
    }
    if is_first { out.send(Input::Complete).await } else { Ok(()) }
}

struct Watched<F> {
    folder: F,
    watcher: FolderWatcher,
    /// Git was seen in the middle of a change, and nothing was seen since.
    waits_for_git: Cell<bool>,
}

impl<F: Followed> Watched<F> {
    /// Looks at the folder, away from the threads of the runtime; listens before, so that nothing falls in between.
    async fn look(mut self, is_quiet: bool) -> (Self, Seen, bool) {
        let look = move || {
            let is_heard = self.watcher.listen();
            let now = Instant::now();
            let written_since = |path: &Path| self.watcher.news.written_since(path);
            let is_changing = || {
                let is_changing = work_tree::is_changing(&self.watcher.path);
                if is_changing && !self.waits_for_git.replace(is_changing) {
                    info!(folder = %self.watcher.path.display(), "git holds its lock on the folder; changes wait until it lets go, at most 20 s");
                }
                self.waits_for_git.set(is_changing);
                is_changing
            };
            let seen = self.folder.look(&Circumstances { now, is_quiet, written_since: &written_since, is_changing: &is_changing });
            (self, seen, is_heard)
        };
        match tokio::task::spawn_blocking(look).await {
            Ok(done) => done,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

/// What was heard and not yet looked at.
#[derive(Debug, Default)]
struct News {
    something: Notify,
    heard: Mutex<PendingChanges>,
}

#[derive(Debug, Default)]
struct PendingChanges {
    last: Option<Instant>,
    /// Files that were written to and not closed, and when they were first written to.
    open: HashMap<PathBuf, Instant>,
    /// The folder itself went or came: what listened to it may have lost it, even if it is there again.
    is_moved: bool,
}

impl PendingChanges {
    /// Follows which files are open for writing. False: nothing has changed.
    fn follow(&mut self, event: &notify::Event, now: Instant) -> bool {
        if event.need_rescan() {
            // Not all was heard, so nobody knows what has been closed.
            self.open.clear();
        }
        match event.kind {
            EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Any) => {
                event.paths.iter().for_each(|path| {
                    self.open.entry(path.clone()).or_insert(now);
                });
            }
            EventKind::Access(AccessKind::Close(AccessMode::Write)) | EventKind::Create(_) => {
                event.paths.iter().for_each(|path| {
                    self.open.remove(path);
                });
            }
            // Of a folder, with all that is in it.
            EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)) => {
                self.open.retain(|open, _| !event.paths.iter().any(|path| open.starts_with(path)));
            }
            EventKind::Access(_) => return false,
            _ => {}
        }
        true
    }
}

impl News {
    fn heard(&self) -> MutexGuard<'_, PendingChanges> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs on the thread of the watcher.
    fn hear(&self, event: notify::Result<notify::Event>, names: &Names) {
        let now = Instant::now();
        if let Ok(event) = &event {
            if !event.need_rescan() && !names.are_meant(event) {
                return;
            }
            if !self.heard().follow(event, now) {
                return;
            }
        }
        let mut heard = self.heard();
        heard.last = Some(now);
        heard.is_moved |= event.is_ok_and(|event| names.are_moved(&event));
        drop(heard);
        self.something.notify_one();
    }

    /// When it was first written to, if it is still open. What is heard has absolute names free of links.
    fn written_since(&self, path: &Path) -> Option<Instant> {
        self.heard().open.get(&real(path)).copied()
    }

    /// Waits until nothing has been heard for a moment. False: it has been restless for too long to wait more.
    async fn quiet_since(&self, busy_since: Instant) -> bool {
        while busy_since.elapsed() < LONGEST {
            let last = self.heard().last;
            let Some(left) = last.and_then(|last| (last + QUIET).checked_duration_since(Instant::now())) else { return true };
            tokio::time::sleep(left).await;
        }
        false
    }
}

/// The absolute name of a file, free of links while it is there.
fn real(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| absolute(path))
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// What a folder is called.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Names {
    /// As it was given, made absolute.
    given: PathBuf,
    /// Where it is, free of links: a watcher does not follow one to its folder.
    real: PathBuf,
}

impl Names {
    fn of(given: &Path) -> Self {
        Self { given: absolute(given), real: real(given) }
    }

    /// Whether an event is about the folder. The folders above are listened to as well: a link there may come to lead
    /// elsewhere, itself or by way of another one beside it.
    fn are_meant(&self, event: &notify::Event) -> bool {
        let is_link_moved = |heard: &Path| moves(event) && self.given != self.real && heard.parent() == self.given.parent();
        event.paths.iter().any(|heard| heard.starts_with(&self.given) || heard.starts_with(&self.real) || is_link_moved(heard))
    }

    /// Whether the folder itself, or the link to it, went or came.
    fn are_moved(&self, event: &notify::Event) -> bool {
        moves(event) && event.paths.iter().any(|heard| *heard == self.given || *heard == self.real)
    }
}

/// Whether something went or came.
const fn moves(event: &notify::Event) -> bool {
    matches!(event.kind, EventKind::Create(_) | EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)))
}

/// A folder that is listened to.
struct Listening {
    /// Ends it when it goes out of scope.
    _watcher: RecommendedWatcher,
    /// Device and inode of the folder; nothing while it is not there.
    identity: Option<(u64, u64)>,
    /// What it was called then.
    names: Names,
}

/// Listens to a folder, and to its coming and going.
struct FolderWatcher {
    path: PathBuf,
    news: Arc<News>,
    listening: Option<Listening>,
    has_complained: bool,
}

impl FolderWatcher {
    const fn new(path: PathBuf, news: Arc<News>) -> Self {
        Self { path, news, listening: None, has_complained: false }
    }

    /// Listens to the folder that has the name now. False: changes are not heard.
    fn listen(&mut self) -> bool {
        let identity = std::fs::metadata(&self.path).ok().map(|metadata| (metadata.dev(), metadata.ino()));
        let (names, is_moved) = (Names::of(&self.path), std::mem::take(&mut self.news.heard().is_moved));
        let is_same = |listening: &Listening| listening.identity == identity && listening.names == names;
        if !is_moved && self.listening.as_ref().is_some_and(is_same) {
            return identity.is_some();
        }
        self.listening = None;
        self.news.heard().open.clear();
        match self.start(names.clone(), identity.is_some()) {
            Ok(watcher) => self.listening = Some(Listening { _watcher: watcher, identity, names }),
            Err(error) if self.has_complained => debug!(%error, "folder is not watched"),
            Err(error) => {
                self.has_complained = true;
                warn!(folder = %self.path.display(), %error, "folder cannot be watched, so it is read every few seconds");
            }
        }
        self.listening.is_some() && identity.is_some()
    }

    fn start(&self, names: Names, is_there: bool) -> notify::Result<RecommendedWatcher> {
        let news = Arc::clone(&self.news);
        let Names { given, real } = names.clone();
        // A link in it may lead anywhere; what changes behind one is found by looking.
        let config = Config::default().with_follow_symlinks(false);
        let mut watcher = RecommendedWatcher::new(move |event| news.hear(event, &names), config)?;
        for above in [&given, &real].into_iter().filter_map(|name| name.parent()).collect::<BTreeSet<_>>() {
            // Only to hear sooner that the folder comes, goes or is replaced.
            if let Err(error) = watcher.watch(above, RecursiveMode::NonRecursive) {
                debug!(%error, "folder above is not watched");
            }
        }
        if is_there {
            watcher.watch(&real, RecursiveMode::Recursive)?;
        }
        Ok(watcher)
    }
}

#[cfg(test)]
mod tests;
