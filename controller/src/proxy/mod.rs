//! `FileSet → Outcome`: brings rendered files in front of the running proxy, and keeps the last good ones there.
//!
//! ```text
//! stage ──▶ validate ──▶ publish ──▶ reload ──▶ verify          supervisor: the proxy's process and its owner
//! write     the proxy's  switch      signal     ask on new      in here (child), in a process of its own
//! a folder  own check    the link               connections     (supervise), or elsewhere (signal)
//! ```
//!
//! Each step takes what only the step before can make, so that nothing unchecked can be published. Whatever fails,
//! what was live before goes on, on disk and in the proxy.
//!
//! The state folder:
//!
//! | path | what it is | who writes |
//! |---|---|---|
//! | `lock` | held by the one controller that uses the folder | controller |
//! | `current` | link to `revisions/<number>-<digest>`, switched by a rename | controller |
//! | `revisions/<number>-<digest>/` | one revision; at rest exactly the files of its `FileSet` | controller |
//! | `revisions/.tmp-*` | what is being written or removed; cleared at start | controller |
//! | `history.json` | cause and time of each revision, for people and for the next start | controller |
//! | `run/` (`--run-dir`) | the proxy's own: temporary files, `proxy.pid` | supervisor, proxy |
//! | `run/proxy.json` | which process the supervisor started | supervisor |
//! | `run/supervise.sock` | where `gatewright supervise` listens | supervisor |
//! | `checks/` | temporary files of checks, where only signals reach the proxy | controller |
//!
//! So a supervisor needs nothing but read access to the state folder and a `run` of its own. Nothing in here knows
//! one proxy from another: what differs is data of its [`Dialect`].

mod error;
mod history;
mod launch;
mod outcome;
mod owner;
mod process;
mod publish;
mod reload;
mod remote;
mod signal;
mod stage;
mod state_dir;
mod supervise;
mod supervisor;
#[cfg(test)]
mod tests;
mod validate;
mod verify;
mod wire;

pub(crate) use error::{ApplyError, OpenError};
pub(crate) use outcome::{Live, Outcome, Refused};
pub(crate) use owner::{OwnerError, Status};
pub(crate) use publish::PublishError;
pub(crate) use stage::StageError;
pub(crate) use state_dir::StateDirError;
pub(crate) use supervise::{SuperviseConfig, SuperviseError, supervise};
pub(crate) use verify::NotTaken;

use gatewright_core::dialect::{Dialect, Version};
use gatewright_core::render::FileSet;
use history::History;
use launch::Launcher;
use owner::Owner;
use publish::{Published, point, prune};
use reload::Pace;
use remote::Remote;
use signal::PidFile;
use stage::{Base, Staged, seed, stage};
use state_dir::{Lock, RevisionName, StateDir, check_socket_path, claim};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use supervisor::Supervisor;
use tokio::task::{JoinHandle, spawn_blocking};
use validate::NotValid;
use verify::Probe;

/// A proxy that ends this often while a revision is waited for will not come up with it.
const HOPELESS_DEATHS: u32 = 3;

/// What a [`Proxy`] has to know.
#[derive(Debug, Clone)]
pub(crate) struct ProxyConfig {
    /// Which proxy it is.
    pub(crate) dialect: &'static Dialect,
    /// The state folder; made if need be.
    pub(crate) state_dir: PathBuf,
    /// Who owns the proxy's process.
    pub(crate) mode: Mode,
    /// Port on 127.0.0.1 where every configuration answers its token.
    pub(crate) status_port: u16,
    /// How many revisions stay on disk, the live one included.
    pub(crate) revisions_kept: usize,
}

/// The three ways to run the proxy.
#[derive(Debug, Clone)]
pub(crate) enum Mode {
    /// As a child of this process.
    Child {
        /// The program, and arguments to put before those of the dialect.
        program: Vec<String>,
        /// Where the proxy may write; `run` in the state folder if `None`.
        run_dir: Option<PathBuf>,
    },
    /// Under `gatewright supervise`, in a process of its own.
    Supervise {
        /// Its socket; `run/supervise.sock` in the state folder if `None`.
        socket: Option<PathBuf>,
    },
    /// Under somebody else's care; told by signals.
    Signal {
        /// Where the proxy writes its process id; `run/proxy.pid` in the state folder if `None`.
        pid_file: Option<PathBuf>,
        /// The program, to check candidates with if it is there.
        program: Vec<String>,
    },
}

impl Mode {
    fn owner(self, dialect: &'static Dialect, state: &StateDir) -> Result<Arc<dyn Owner>, StateDirError> {
        let launcher = |run_dir: PathBuf, program| Launcher::new(dialect, state.clone(), &run_dir, program);
        Ok(match self {
            Self::Child { program, run_dir } => {
                Arc::new(Supervisor::start(launcher(run_dir.unwrap_or_else(|| state.default_run_dir()), program)?))
            }
            Self::Supervise { socket } => {
                let socket = socket.unwrap_or_else(|| state.default_run_dir().join("supervise.sock"));
                check_socket_path(&socket)?;
                Arc::new(Remote { socket })
            }
            Self::Signal { pid_file, program } => {
                let pid_file = pid_file.unwrap_or_else(|| state.default_run_dir().join("proxy.pid"));
                Arc::new(PidFile::new(pid_file, launcher(state.root().join("checks"), program)?))
            }
        })
    }
}

/// The running proxy and its files.
#[derive(Debug)]
pub(crate) struct Proxy {
    state: StateDir,
    _lock: Lock,
    dialect: &'static Dialect,
    owner: Arc<dyn Owner>,
    probe: Probe,
    revisions_kept: usize,
    history: History,
    pace: Pace,
    last_check: Duration,
    /// Shortest time that a load is waited for.
    patience: Duration,
    next_number: u64,
    /// What `current` points to; `None` before the first revision.
    live: Option<Live>,
    /// The files of `live`, once they are known in memory.
    base: Option<Arc<Base>>,
    /// Makes the next candidate's folder while nothing else is to do.
    seed: Option<JoinHandle<Option<PathBuf>>>,
}

/// Tells whether the proxy is well; may be asked while a revision is on its way.
#[derive(Debug, Clone)]
pub(crate) struct Pulse(Arc<dyn Owner>);

impl Pulse {
    /// How the proxy's process is.
    ///
    /// # Errors
    /// When its owner does not answer.
    pub(crate) async fn status(&self) -> Result<Status, OwnerError> {
        self.0.status().await
    }
}

impl Proxy {
    /// Takes the state folder, and lets the proxy run with the last good revision if there is one.
    ///
    /// # Errors
    /// [`OpenError`] when the folder cannot be used, or another controller uses it.
    pub(crate) async fn open(config: ProxyConfig) -> Result<Self, OpenError> {
        let ProxyConfig { dialect, state_dir, mode, status_port, revisions_kept } = config;
        let (state, lock) = spawn_blocking(move || claim(&state_dir)).await.expect("claim does not panic")?;
        let history = History::read(&state);
        let live = state.published().map(|name| found(&state, dialect, &history, name));
        let newest = state.all().last().map_or(0, |name| name.number);
        let noted = history.notes().iter().map(|note| note.revision).max().unwrap_or(0);
        let owner = mode.owner(dialect, &state)?;
        Ok(Self {
            state,
            _lock: lock,
            dialect,
            owner,
            probe: Probe { port: status_port },
            revisions_kept,
            history,
            pace: Pace::default(),
            last_check: Duration::ZERO,
            patience: reload::PATIENCE,
            next_number: newest.max(noted) + 1,
            live,
            base: None,
            seed: None,
        })
    }

    /// What is published. Its `checked_at` says whether the proxy has been seen to serve it in this run.
    #[must_use]
    pub(crate) const fn live(&self) -> Option<&Live> {
        self.live.as_ref()
    }

    /// Notes on the revisions that are kept, oldest first.
    #[must_use]
    pub(crate) fn revisions(&self) -> &[Live] {
        self.history.notes()
    }

    /// A way to ask for the proxy's health from elsewhere.
    #[must_use]
    pub(crate) fn pulse(&self) -> Pulse {
        Pulse(Arc::clone(&self.owner))
    }

    /// The version of the proxy's program; `None` when it says nothing that the dialect understands.
    ///
    /// # Errors
    /// When there is nobody to ask.
    pub(crate) async fn version(&self) -> Result<Option<Version>, OwnerError> {
        Ok(self.owner.status().await?.version())
    }

    /// How long [`Proxy::apply`] would wait before a reload. Time in which more changes can gather.
    pub(crate) async fn pause(&self) -> Duration {
        let draining = self.owner.status().await.map_or(0, |status| status.draining_generations());
        self.pace.pause(Instant::now(), draining)
    }

    /// Brings the files live, or says why not; `cause` is for people.
    pub(crate) async fn apply(&mut self, files: &Arc<FileSet>, cause: &str) -> Outcome {
        let digest = format!("{:032x}", files.digest());
        let applied = match self.live.clone().filter(|live| live.digest == digest) {
            Some(live) => self.confirm(live).await,
            None => self.renew(files, cause).await,
        };
        applied.unwrap_or_else(|error| Outcome::Failed { error })
    }

    /// Asks the proxy whether it would take the files; nothing of them stays.
    ///
    /// # Errors
    /// When nobody can say.
    pub(crate) async fn check_only(&mut self, files: &Arc<FileSet>) -> Result<Option<Refused>, ApplyError> {
        let staged = self.stage(files).await?;
        match staged.validate(&*self.owner, self.last_check).await {
            Ok((validated, took)) => {
                self.last_check = took;
                validated.discard();
                Ok(None)
            }
            Err(NotValid::Refused(refused)) => Ok(Some(refused)),
            Err(NotValid::Unchecked(error)) => Err(error.into()),
        }
    }

    /// Ends the proxy once its requests are answered, or after `limit`.
    ///
    /// Dropping the [`Proxy`] instead leaves it running; the next [`Proxy::open`] takes it over.
    pub(crate) async fn drain(self, limit: Duration) {
        if let Err(error) = self.owner.quit(limit).await {
            tracing::warn!(error = outcome::chain(&error), "could not drain the proxy");
        }
    }

    /// The files on disk are the ones wanted; has the proxy loaded them?
    async fn confirm(&mut self, mut live: Live) -> Result<Outcome, ApplyError> {
        if live.checked_at.is_some() {
            return Ok(Outcome::Unchanged(live));
        }
        let begun = Instant::now();
        let answer = self.probe.answer().await;
        let reload = answer.as_ref().is_some_and(|answer| *answer != live.token);
        if reload {
            self.owner.reload().await?;
        }
        let load = self.verify(&live.token, begun).await?;
        live.checked_at = Some(now());
        if reload {
            self.pace.loaded(Instant::now(), load);
        }
        self.live = Some(live.clone());
        self.prepare_next().await;
        Ok(if reload { Outcome::Live(live) } else { Outcome::Unchanged(live) })
    }

    async fn renew(&mut self, files: &Arc<FileSet>, cause: &str) -> Result<Outcome, ApplyError> {
        let staged = self.stage(files).await?;
        self.next_number += 1;
        let validated = match staged.validate(&*self.owner, self.last_check).await {
            Ok((validated, took)) => {
                self.last_check = took;
                validated
            }
            Err(NotValid::Refused(refused)) => return Ok(Outcome::Refused(refused)),
            Err(NotValid::Unchecked(error)) => return Err(error.into()),
        };
        let served = self.live.as_ref().is_some_and(|live| live.checked_at.is_some() && live.token == files.token());
        if !served {
            tokio::time::sleep(self.pause().await).await;
        }
        let before = self.base.take().unwrap_or_default();
        let published = match validated.publish(&self.state, &before) {
            Ok(published) => published,
            Err(error) => {
                self.base = Some(before);
                return Err(error.into());
            }
        };
        let load = if served { Ok(None) } else { self.load(&published).await.map(Some) };
        match load {
            Ok(load) => Ok(Outcome::Live(self.settle(published, cause, load).await)),
            Err(error) => {
                self.roll_back(published, before, cause).await;
                Err(error)
            }
        }
    }

    /// Writes the candidate, beginning with what the last revision left.
    async fn stage(&mut self, files: &Arc<FileSet>) -> Result<Staged, ApplyError> {
        let group = self.owner.status().await?.worker_group;
        let prepared = match self.seed.take() {
            Some(task) => task.await.ok().flatten(),
            None => None,
        };
        let base = match self.base.take() {
            Some(base) => base,
            None => Arc::new(self.read_base().await),
        };
        let (state, files, number) = (self.state.clone(), Arc::clone(files), self.next_number);
        let (base, staged) = spawn_blocking(move || {
            let ready = prepared.map_or_else(|| seed(&state, &base), Ok);
            let staged = ready.and_then(|seed| stage(&state, &seed, &base.content, files, number, group));
            (base, staged)
        })
        .await
        .expect("staging does not panic");
        self.base = Some(base);
        Ok(staged?)
    }

    /// What an earlier run published. If it cannot be read, everything is written anew.
    async fn read_base(&self) -> Base {
        let Some(folder) = self.state.published().map(|name| self.state.revision(name)) else { return Base::default() };
        let read = spawn_blocking(move || Base::read(&folder)).await.expect("reading does not panic");
        read.unwrap_or_else(|error| {
            tracing::warn!(%error, "could not read the last revision; writing all files anew");
            Base::default()
        })
    }

    async fn load(&mut self, published: &Published) -> Result<Duration, ApplyError> {
        let begun = Instant::now();
        self.owner.reload().await?;
        let load = self.verify(&published.files.token(), begun).await?;
        self.pace.loaded(Instant::now(), load);
        Ok(load)
    }

    async fn verify(&self, token: &str, since: Instant) -> Result<Duration, NotTaken> {
        let deaths = self.owner.status().await.map_or(0, |status| status.deaths);
        let hopeless = async || {
            let ended = self.owner.status().await.ok()?.deaths.saturating_sub(deaths);
            (ended >= HOPELESS_DEATHS).then(|| format!("its process ended {ended} times"))
        };
        self.probe.verify(token, since, self.pace.deadline(self.last_check, self.patience), hopeless).await
    }

    async fn settle(&mut self, mut published: Published, cause: &str, load: Option<Duration>) -> Live {
        published.settle();
        let mut live = self.described(&published, cause);
        live.checked_at = Some(now());
        live.load_ms = load.map(|load| u64::try_from(load.as_millis()).unwrap_or(u64::MAX));
        live.reloaded = load.is_some();
        self.base = Some(Arc::new(Base::of(&published.folder, &published.files)));
        self.live = Some(live.clone());
        self.history.note(&self.state, live.clone());
        self.prepare_next().await;
        live
    }

    /// The proxy did not take it, although its check was fine: so the disk goes back to what the proxy last took.
    ///
    /// A load may still be on its way; the signal after the switch makes it load the old files again after that. Until
    /// that is seen, nothing counts as checked. Without an older revision this one stays, as better than nothing.
    async fn roll_back(&mut self, mut published: Published, before: Arc<Base>, cause: &str) {
        let older = self.live.as_ref().and_then(|live| name_of(live)).filter(|_| before.folder.is_some());
        match older.map(|older| point(&self.state, older)) {
            Some(Ok(())) => {
                let _ = self.owner.reload().await;
                state_dir::remove_tree(&published.folder);
                self.base = Some(before);
            }
            outcome => {
                if let Some(Err(error)) = outcome {
                    tracing::error!(%error, "could not switch back to the last good revision");
                }
                published.settle();
                self.live = Some(self.described(&published, cause));
                self.base = Some(Arc::new(Base::of(&published.folder, &published.files)));
            }
        }
        if let Some(live) = &mut self.live {
            live.checked_at = None;
        }
    }

    fn described(&self, published: &Published, cause: &str) -> Live {
        Live {
            revision: published.name.number,
            digest: format!("{:032x}", published.name.digest),
            token: published.files.token(),
            cause: cause.to_owned(),
            published_at: now(),
            checked_at: None,
            load_ms: None,
            reloaded: true,
            main: self.state.current().join(self.dialect.main_file),
        }
    }

    /// Tidies up and makes the next seed, in the background.
    async fn prepare_next(&mut self) {
        if let Some(running) = self.seed.take() {
            let _ = running.await;
        }
        let (state, base, kept) = (self.state.clone(), self.base.clone(), self.revisions_kept);
        self.seed = Some(spawn_blocking(move || {
            // Without one, the next candidate makes its own and reports what is wrong.
            let made = base.and_then(|base| seed(&state, &base).ok());
            prune(&state, kept);
            made
        }));
    }
}

/// A revision that an earlier run published.
fn found(state: &StateDir, dialect: &Dialect, history: &History, name: RevisionName) -> Live {
    let note = history.find(name).cloned();
    let mut live = note.unwrap_or_else(|| Live {
        revision: name.number,
        digest: format!("{:032x}", name.digest),
        token: String::new(),
        cause: String::new(),
        published_at: String::new(),
        checked_at: None,
        load_ms: None,
        reloaded: true,
        main: PathBuf::new(),
    });
    live.checked_at = None;
    live.main = state.current().join(dialect.main_file);
    live
}

fn name_of(live: &Live) -> Option<RevisionName> {
    format!("{}-{}", live.revision, live.digest).parse().ok()
}

fn now() -> String {
    jiff::Timestamp::now().to_string()
}
