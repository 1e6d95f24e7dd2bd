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
//! | `lock` | held by the one controller that uses the folder; says which that is | controller |
//! | `current` | link to `revisions/<number>-<digest>`, switched by a rename | controller |
//! | `revisions/<number>-<digest>/` | one revision; at rest exactly the files of its `FileSet` | controller |
//! | `revisions/.tmp-*` | what is being written or removed; cleared at start | controller |
//! | `history.json` | cause and time of each revision, for people and for the next start | controller |
//! | `run/` (`--run-dir`) | the proxy's own: temporary files, `proxy.pid` | supervisor, proxy |
//! | `run/published` | link to `current`, for proxies that follow it while they serve | supervisor |
//! | `run/proxy.json` | which process the supervisor started, and whether what that writes is copied on | supervisor |
//! | `run/supervise.lock` | held by the one process that runs the proxy; says which that is | supervisor |
//! | `run/supervise.sock` | where `gatewright supervise` listens | supervisor |
//! | `checks/` | temporary files of checks, where only signals reach the proxy | controller |
//!
//! So a supervisor needs nothing but read access to the state folder and a `run` of its own. Nothing in here knows
//! one proxy from another: what differs is data of its [`Dialect`].

mod agent;
mod apply;
mod bring;
mod differing;
mod error;
mod history;
mod launch;
mod lines;
mod lock;
mod memory;
mod outcome;
mod output;
mod owner;
mod ports;
mod process;
mod program;
mod publish;
mod reload;
mod remote;
mod retirement;
mod runtime;
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

pub(crate) use bring::Candidate;
pub(crate) use error::OpenError;
pub(crate) use outcome::{Live, Outcome, Refused, Took};
pub(crate) use owner::{OwnerError, Status};
pub(crate) use ports::{Port, is_in_use};
pub(crate) use program::{ProgramError, find_usable as find_program, version_of};
pub(crate) use state_dir::{StateDir, StateDirError};
pub(crate) use supervise::{SuperviseConfig, SuperviseError, supervise};
pub(crate) use verify::page;

use gatewright_core::dialect::{Dialect, Version};
use gatewright_core::render::FileSet;
use history::History;
use launch::Launcher;
use lock::Lock;
use memory::Memory;
use owner::Owner;
use publish::point;
use reload::ReloadThrottle;
use remote::Remote;
use signal::PidFile;
use stage::{Base, Seed};
use state_dir::{check_socket_path, claim, claim_run_dir, make_dir, remove_tree};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use supervisor::Supervisor;
use tokio::task::{JoinHandle, spawn_blocking};
use verify::Probe;

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
    /// The ports that have to be free before the proxy is started first.
    pub(crate) ports: Vec<Port>,
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
    /// The owner, and the lock of the folder that it runs the proxy in if it does so here.
    async fn owner(self, dialect: &'static Dialect, state: &StateDir, ports: &[Port]) -> Result<(Arc<dyn Owner>, Option<Lock>), OpenError> {
        let launcher = |run_dir: PathBuf, program| Launcher::new(dialect, state.clone(), &run_dir, program);
        let owner: Arc<dyn Owner> = match self {
            Self::Child { program, run_dir } => {
                let run_dir = run_dir.unwrap_or_else(|| state.default_run_dir());
                make_dir(&run_dir)?;
                let lock = claim_run_dir(&run_dir)?;
                return Ok((Arc::new(Supervisor::start(launcher(run_dir, program)?, ports).await?), Some(lock)));
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
        };
        Ok((owner, None))
    }
}

/// What is known of the proxy's program.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Program {
    /// Its version.
    pub(crate) version: Version,
    /// It can forward TCP.
    pub(crate) streams: bool,
    /// It tells metrics of its own.
    pub(crate) exporter: bool,
}

/// The running proxy and its files.
#[derive(Debug)]
pub(crate) struct Proxy {
    state: StateDir,
    lock: Lock,
    _run_lock: Option<Lock>,
    dialect: &'static Dialect,
    owner: Arc<dyn Owner>,
    probe: Probe,
    revisions_kept: usize,
    history: History,
    throttle: ReloadThrottle,
    urgent: Arc<tokio::sync::watch::Sender<bool>>,
    last_check: Duration,
    /// Shortest time that a load is waited for.
    patience: Duration,
    next_number: u64,
    /// The group that secrets were given to last.
    group: Option<u32>,
    /// What `current` points to; `None` before the first revision.
    live: Option<Live>,
    /// The files of `live`, once they are known in memory.
    base: Option<Arc<Base>>,
    /// Makes the next candidate's folder while nothing else is to do.
    seed: Option<JoinHandle<Option<Seed>>>,
    /// Removes old revisions.
    pruning: Option<JoinHandle<()>>,
}

/// How long to gather changes before the next candidate.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct BatchDelays {
    /// If some of them are urgent.
    pub(crate) urgent: Duration,
    /// If none is.
    pub(crate) usual: Duration,
}

/// Tells whether the proxy is well; may be asked while a revision is on its way.
#[derive(Debug, Clone)]
pub(crate) struct ProxyHealth(Arc<dyn Owner>);

impl ProxyHealth {
    /// How the proxy's process is.
    ///
    /// # Errors
    /// When its owner does not answer.
    pub(crate) async fn status(&self) -> Result<Status, OwnerError> {
        self.0.status().await
    }

    /// What keeps the proxy from listening on these ports, where it runs; empty while it does run.
    ///
    /// # Errors
    /// When its owner does not answer.
    pub(crate) async fn ports(&self, ports: &[Port]) -> Result<Vec<String>, OwnerError> {
        self.0.ports(ports.to_vec()).await
    }
}

/// A state folder that nobody else uses, before anything is made of it.
#[derive(Debug)]
pub(crate) struct Claimed {
    state: StateDir,
    lock: Lock,
    config: ProxyConfig,
}

impl Claimed {
    /// Takes the state folder.
    ///
    /// # Errors
    /// [`StateDirError`] when it cannot be used, or another controller uses it.
    pub(crate) async fn of(config: ProxyConfig) -> Result<Self, StateDirError> {
        let path = config.state_dir.clone();
        let (state, lock) = spawn_blocking(move || claim(&path)).await.expect("claim does not panic")?;
        Ok(Self { state, lock, config })
    }

    /// Lets the proxy run with the last good revision if there is one.
    ///
    /// # Errors
    /// [`OpenError`] when the run folder cannot be used, or another process runs a proxy there; or when no proxy runs yet
    /// and one could not listen.
    pub(crate) async fn open(self) -> Result<Proxy, OpenError> {
        let Self { state, lock, config: ProxyConfig { dialect, mode, status_port, ports, revisions_kept, .. } } = self;
        let history = History::read(&state);
        let newest = state.all().last().map_or(0, |name| name.number);
        let (live, stepped_back) = last_good(&state, dialect, &history);
        let (owner, run_lock) = mode.owner(dialect, &state, &ports).await?;
        if stepped_back {
            let owner = Arc::clone(&owner);
            tokio::spawn(async move { owner.reload().await });
        }
        Ok(Proxy {
            state,
            lock,
            _run_lock: run_lock,
            dialect,
            owner,
            probe: Probe { port: status_port },
            revisions_kept,
            throttle: ReloadThrottle::default(),
            urgent: Arc::new(tokio::sync::watch::Sender::new(false)),
            last_check: Duration::ZERO,
            patience: reload::PATIENCE,
            next_number: newest.max(history.newest()) + 1,
            history,
            group: None,
            live,
            base: None,
            seed: None,
            pruning: None,
        })
    }
}

impl Proxy {
    /// Takes the state folder, and lets the proxy run with the last good revision if there is one.
    ///
    /// # Errors
    /// Those of [`Claimed::of`] and of [`Claimed::open`].
    #[cfg(test)]
    pub(crate) async fn open(config: ProxyConfig) -> Result<Self, OpenError> {
        Claimed::of(config).await?.open().await
    }

    /// What is published. Its `checked_at` says whether the proxy has been seen to serve it in this run.
    #[must_use]
    pub(crate) const fn live(&self) -> Option<&Live> {
        self.live.as_ref()
    }

    /// Notes on the revisions that are kept, oldest first.
    #[cfg(test)]
    #[must_use]
    pub(crate) fn revisions(&self) -> &[Live] {
        self.history.notes()
    }

    /// A way to ask for the proxy's health from elsewhere.
    #[must_use]
    pub(crate) fn health(&self) -> ProxyHealth {
        ProxyHealth(Arc::clone(&self.owner))
    }

    /// The proxy's program; `None` when it says nothing that the dialect understands.
    ///
    /// # Errors
    /// When there is nobody to ask.
    pub(crate) async fn program(&self) -> Result<Option<Program>, OwnerError> {
        let status = self.owner.status().await?;
        Ok(status.version.map(|version| Program { version, streams: status.streams, exporter: status.exporter }))
    }

    /// Says whether what is to be brought live, or follows, is urgent; heard also while a reload is waited for.
    #[must_use]
    pub(crate) fn urgency(&self) -> Arc<tokio::sync::watch::Sender<bool>> {
        Arc::clone(&self.urgent)
    }

    /// Waits until there may be a reload.
    pub(crate) async fn wait_for_turn(&self) {
        let mut urgency = self.urgent.subscribe();
        loop {
            let urgent = *urgency.borrow_and_update();
            let pause = self.pause(urgent).await;
            tokio::select! {
                () = tokio::time::sleep(pause) => return,
                // Somebody can say it as long as this is there.
                _ = urgency.changed() => {}
            }
        }
    }

    /// How long [`Proxy::bring`] would wait before a reload. Time in which more changes can gather.
    pub(crate) async fn pause(&self, urgent: bool) -> Duration {
        let status = self.owner.status().await.unwrap_or_default();
        let borne = if urgent { self.affordable_generations(&status) } else { reload::FREE };
        self.throttle.pause(Instant::now(), status.draining_generations(), borne)
    }

    /// How many generations of old workers there is memory for.
    fn affordable_generations(&self, status: &Status) -> u32 {
        let bytes = |files: &FileSet| files.iter().map(|(_, file)| u64::try_from(file.bytes.len()).unwrap_or(u64::MAX)).sum();
        let configuration = || self.base.as_ref().map_or(0, |base| bytes(&base.files));
        match status.memory {
            Some(memory) if memory.generation > 0 => memory.affordable_generations(0, reload::FREE),
            known => known.unwrap_or_else(Memory::unseen).affordable_generations(configuration(), reload::FREE),
        }
    }

    /// How long to gather changes before the next [`Proxy::bring`]: not at all where some changes need no reload.
    pub(crate) async fn batch_delays(&self) -> BatchDelays {
        if self.dialect.runtime.is_some() {
            return BatchDelays::default();
        }
        BatchDelays { urgent: self.pause(true).await, usual: self.pause(false).await }
    }

    /// Ends the proxy once its requests are answered, or after `limit`. Called again meanwhile, it leaves them less time.
    ///
    /// Dropping the [`Proxy`] instead leaves it running; the next [`Claimed::open`] takes it over.
    pub(crate) async fn drain(&self, limit: Duration) {
        if let Err(error) = self.owner.quit(limit).await {
            tracing::warn!(error = crate::causes::chain(&error), "could not drain the proxy");
        }
    }
}

/// What the last run left to serve, and whether `current` had to be changed for that.
///
/// Only what a proxy has been seen to serve is noted. A revision that was published in the moment of a crash may be
/// one that no proxy can start with, so the link goes back to the last noted one. Everything else is removed.
fn last_good(state: &StateDir, dialect: &Dialect, history: &History) -> (Option<Live>, bool) {
    let published = state.published();
    let noted = |name: &state_dir::RevisionName| history.find(*name).is_some();
    let good = published.filter(noted).or_else(|| state.all().into_iter().rev().find(noted)).or(published);
    let stepped_back = good != published;
    if let (true, Some(good)) = (stepped_back, good) {
        tracing::warn!(revision = good.number, "the published revision was never seen live; going back to the last one that was");
        if let Err(error) = point(state, good) {
            tracing::error!(%error, "could not switch back to the last good revision");
        }
    }
    for name in state.all().into_iter().filter(|name| Some(*name) != good && !noted(name)) {
        remove_tree(&state.revision(name));
    }
    let live = good.map(|name| {
        let note = history.find(name).cloned().unwrap_or_else(|| Live::unknown(name));
        Live { checked_at: None, main: state.current().join(dialect.main_file), ..note }
    });
    (live, stepped_back)
}
