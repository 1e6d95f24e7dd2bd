//! `gatewright supervise`: the supervisor as a process of its own, PID 1 of the proxy's container.
//!
//! It holds no credentials and writes nowhere but into its run folder. It answers only peers whose user it was told,
//! as the kernel names them.

use super::launch::{Children, Launcher};
use super::owner::{CheckError, Owner, OwnerError, Transition};
use super::ports::Taken;
use super::process::zombies_of;
use super::program::{ProgramError, find};
use super::state_dir::{RevisionName, StateDir, StateDirError, check_socket_path, claim_run_dir, make_dir};
use super::supervisor::Supervisor;
use super::wire::{Answer, Ask, line, receive, say};
use crate::causes::chain;
use crate::stop_signals::StopSignals;
use gatewright_core::dialect::Dialect;
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{UnixListener, UnixStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// So many questions are worked on at a time; further ones wait.
const MAX_PEERS: usize = 16;

/// A question has to arrive within this time.
const PATIENCE: Duration = Duration::from_secs(5);

/// No check is given longer than this.
const LONGEST_CHECK: Duration = Duration::from_secs(600);

/// The process that inherits every orphan of a container.
const INIT: u32 = 1;

/// The bit of a folder's mode by which its group becomes that of all that is made in it.
const SET_GROUP: u32 = 0o2000;

/// How long the state folder may take to appear: another container makes it.
const FOLDER_PACE: Duration = Duration::from_millis(250);

/// What `gatewright supervise` is told.
#[derive(Debug, Clone)]
pub(crate) struct SuperviseConfig {
    /// Which proxy it is.
    pub(crate) dialect: &'static Dialect,
    /// The state folder, written by the controller; waited for.
    pub(crate) state_dir: PathBuf,
    /// Where supervisor and proxy may write; `run` in the state folder if `None`.
    pub(crate) run_dir: Option<PathBuf>,
    /// Where to listen; `supervise.sock` in the run folder if `None`.
    pub(crate) socket: Option<PathBuf>,
    /// Users that may ask; root and this process's own user if empty.
    pub(crate) allowed_users: Vec<u32>,
    /// The program and arguments before those of the dialect.
    pub(crate) program: Vec<String>,
    /// How long the proxy goes on as before after SIGTERM or SIGQUIT, while load balancers learn of it.
    pub(crate) grace: Duration,
    /// How long requests may then take to finish.
    pub(crate) drain_timeout: Duration,
}

/// Why there is no supervisor.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SuperviseError {
    /// The folders.
    #[error(transparent)]
    StateDir(#[from] StateDirError),
    /// The program.
    #[error("the proxy's program cannot be used")]
    Program(#[from] ProgramError),
    /// No files are made for its version.
    #[error("the proxy's program cannot be used: {0}")]
    TooOld(String),
    /// The ports.
    #[error(transparent)]
    Ports(#[from] Taken),
    /// Nobody could end it in order.
    #[error("could not listen for signals")]
    Signals(#[source] io::Error),
    /// The socket, or another file of the run folder.
    #[error("could not use {}", path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Runs until a signal or a peer's wish; the proxy has ended then.
///
/// # Errors
/// [`SuperviseError`] when it cannot begin.
pub(crate) async fn supervise(config: SuperviseConfig) -> Result<(), SuperviseError> {
    let mut signals = StopSignals::new().map_err(SuperviseError::Signals)?;
    find(Path::new(config.program.first().map_or(config.dialect.program, String::as_str)))?;
    let Some(state) = signals.unless(folder(&config.state_dir)).await else { return Ok(()) };
    let run_dir = config.run_dir.clone().unwrap_or_else(|| state.default_run_dir());
    make_dir(&run_dir)?;
    let _lock = claim_run_dir(&run_dir)?;
    let listener = listen(&config.socket.clone().unwrap_or_else(|| run_dir.join("supervise.sock")))?;
    let launcher = Launcher::new(config.dialect, state.clone(), &run_dir, config.program.clone())?;
    check_version(&launcher).await?;
    // Ends with this function, however it ends.
    let mut tasks = JoinSet::new();
    if std::process::id() == INIT {
        tasks.spawn(reap(launcher.children()));
    }
    if !launcher.main_file().exists() {
        tracing::info!(state_dir = %config.state_dir.display(), "waiting for the controller to publish a first revision");
    }
    // Which flags of the controller set the ports is for the controller to say.
    let supervisor = Arc::new(Supervisor::start(launcher, &[]).await?);
    let (quit, mut wishes) = mpsc::channel(1);
    let server = Server { supervisor: Arc::clone(&supervisor), state, users: allowed(&config), quit };
    tasks.spawn(serve(listener, server));
    let limit = tokio::select! {
        () = signals.come() => {
            tracing::info!(grace_ms = config.grace.as_millis(), "stopping: draining the proxy");
            tokio::select! { () = sleep(config.grace) => {}, () = signals.come() => {}, _ = wishes.recv() => {} }
            Some(config.drain_timeout)
        }
        // The peer's question has ended the proxy already.
        _ = wishes.recv() => None,
    };
    if let Some(limit) = limit {
        tokio::select! {
            _ = supervisor.quit(limit) => {}
            () = signals.interrupt() => {
                tracing::info!("interrupted once more: ending the proxy at once");
                let _ = supervisor.quit(Duration::ZERO).await;
            }
        }
    }
    Ok(())
}

/// A program that cannot be asked now may be usable later. It is told at once, for it may be long until it is started.
async fn check_version(launcher: &Launcher) -> Result<(), SuperviseError> {
    let program = launcher.program();
    match launcher.asked_for_version().await {
        Ok((Some(version), _)) => launcher.dialect.too_old(version).map_or(Ok(()), |why| Err(SuperviseError::TooOld(why))),
        Ok((None, status)) => {
            let wanted = launcher.dialect.name;
            tracing::warn!(program, %status, wanted, "the program ended without telling a version; it may not be the proxy");
            Ok(())
        }
        Err(error) => {
            tracing::warn!(error = chain(&error), "the proxy's program could not be asked for its version");
            Ok(())
        }
    }
}

async fn folder(path: &Path) -> StateDir {
    let mut told = false;
    loop {
        match StateDir::at(path) {
            Ok(state) => return state,
            Err(error) if !std::mem::replace(&mut told, true) => {
                tracing::info!(reason = chain(&error), "waiting for the controller to make the state folder");
            }
            Err(_) => {}
        }
        sleep(FOLDER_PACE).await;
    }
}

/// Who is answered is decided by the peer's user, not by file modes that a volume may change. Where the folder gives its
/// group to what is in it, as a volume for several containers does, nobody else has to connect; elsewhere anybody may.
fn listen(socket: &Path) -> Result<UnixListener, SuperviseError> {
    check_socket_path(socket)?;
    let failed = |source| SuperviseError::Io { path: socket.to_owned(), source };
    match fs::remove_file(socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let listener = UnixListener::bind(socket).map_err(failed)?;
    let folder = socket.parent().and_then(|folder| fs::metadata(folder).ok());
    let is_shared = folder.is_some_and(|folder| folder.permissions().mode() & SET_GROUP != 0);
    let mode = if is_shared { 0o660 } else { 0o666 };
    fs::set_permissions(socket, fs::Permissions::from_mode(mode)).map_err(failed)?;
    Ok(listener)
}

fn allowed(config: &SuperviseConfig) -> Vec<u32> {
    if config.allowed_users.is_empty() { vec![0, nix::unistd::geteuid().as_raw()] } else { config.allowed_users.clone() }
}

/// All that is needed to answer.
#[derive(Debug, Clone)]
struct Server {
    supervisor: Arc<Supervisor>,
    state: StateDir,
    users: Vec<u32>,
    quit: mpsc::Sender<()>,
}

async fn serve(listener: UnixListener, server: Server) {
    let places = Arc::new(Semaphore::new(MAX_PEERS));
    let mut refused = BTreeSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let Ok(user) = stream.peer_cred().map(|peer| peer.uid()) else { continue };
                if !server.users.contains(&user) {
                    refuse(stream, user, refused.insert(user));
                    continue;
                }
                let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
                let server = server.clone();
                tokio::spawn(async move {
                    server.serve_peer(stream).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection");
                sleep(FOLDER_PACE).await;
            }
        }
    }
}

/// Says why at once and hangs up: a stranger takes no place and no time from those who may ask, and fills no log.
fn refuse(stream: UnixStream, user: u32, is_first: bool) {
    if is_first {
        tracing::warn!(user, "refused a connection of a user that may not connect; further ones are not logged");
    }
    let answer = line(&Answer::error(format!("user {user} may not ask; --allow-uid {user} lets it")));
    // It does not block, and so short a line fits into the socket.
    let _ = stream.into_std().and_then(|mut stream| stream.write_all(&answer?));
}

impl Server {
    async fn serve_peer(&self, mut stream: UnixStream) {
        let Ok(heard) = timeout(PATIENCE, receive::<Ask>(&mut stream)).await else { return };
        let answer = match heard {
            Ok(ask) => self.answer(ask).await,
            Err(error) => Answer::error(error.to_string()),
        };
        let _ = timeout(PATIENCE, say(&mut stream, &answer)).await;
    }

    async fn answer(&self, ask: Ask) -> Answer {
        let done = match ask {
            Ask::Check { revision, limit_ms } => return self.check(&revision, Duration::from_millis(limit_ms)).await,
            Ask::Reload => self.supervisor.reload().await,
            Ask::Amend { from, to, differing } => return self.amend(&from, &to, differing).await,
            Ask::Status => return self.supervisor.status().await.map_or_else(|error| told(&error), Answer::Status),
            Ask::Ports { ports } => {
                return self.supervisor.ports(ports).await.map_or_else(|error| told(&error), |troubles| Answer::Ports { troubles });
            }
            Ask::Quit { limit_ms } => {
                let done = self.supervisor.quit(Duration::from_millis(limit_ms)).await;
                let _ = self.quit.try_send(());
                done
            }
        };
        done.map_or_else(|error| told(&error), |()| Answer::Done)
    }

    /// A revision on disk. A name cannot lead elsewhere, but what lies under it could be a link.
    fn revision(&self, name: &str) -> Result<RevisionName, Answer> {
        let Ok(name) = name.parse() else { return Err(Answer::error("not the name of a revision")) };
        let real = fs::symlink_metadata(self.state.revision(name)).is_ok_and(|found| found.is_dir());
        if real { Ok(name) } else { Err(Answer::error("there is no such revision")) }
    }

    async fn amend(&self, from: &str, to: &str, differing: Vec<String>) -> Answer {
        let (from, to) = match (self.revision(from), self.revision(to)) {
            (Ok(from), Ok(to)) => (from, to),
            (Err(answer), _) | (_, Err(answer)) => return answer,
        };
        let transition = Transition { from, to, differing };
        self.supervisor.amend(transition).await.map_or_else(|error| told(&error), |done| Answer::Amended { done })
    }

    async fn check(&self, revision: &str, limit: Duration) -> Answer {
        let name = match self.revision(revision) {
            Ok(name) => name,
            Err(answer) => return answer,
        };
        match self.supervisor.check(name, limit.min(LONGEST_CHECK)).await {
            Ok(()) => Answer::Done,
            Err(CheckError::Refused(refusal)) => Answer::refused(refusal),
            Err(CheckError::NotDone(error)) => told(&error),
        }
    }
}

fn told(error: &OwnerError) -> Answer {
    Answer::error(chain(error))
}

/// Workers of a master that died become children of PID 1, and nobody else would reap them.
async fn reap(ours: Children) {
    let Ok(mut ended) = signal(SignalKind::child()) else { return };
    let own = INIT.cast_signed();
    while ended.recv().await.is_some() {
        ours.with(|ours| {
            for orphan in zombies_of(own).into_iter().filter(|pid| !ours.contains(&pid.cast_unsigned())) {
                let flags = nix::sys::wait::WaitPidFlag::WNOHANG;
                let _ = nix::sys::wait::waitpid(nix::unistd::Pid::from_raw(orphan), Some(flags));
            }
        });
    }
}
