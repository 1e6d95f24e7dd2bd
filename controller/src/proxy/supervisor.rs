//! The owner of the proxy's process: starts it, starts it again when it dies, takes it over when it outlived us.
//!
//! Runs inside the controller (`child`) or in a process of its own (`supervise`). When it goes away without being told
//! to quit, the proxy goes on, and the next one finds it by the notes in the run folder.

use super::agent;
use super::launch::Launcher;
use super::output::Copying;
use super::owner::{CheckError, Owner, OwnerError, Status, Transition};
use super::ports::{self, Port, Taken};
use super::process::{Handle, Identity, children, command_line, dismiss_workers_of, living, named, signal_all, stat, workers_of};
use super::retirement::{self, Retirement};
use super::runtime::{Done, PendingCommands};
use super::state_dir::RevisionName;
use futures::future::{BoxFuture, FutureExt};
use gatewright_core::dialect::Version;
use rustix::process::Signal;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::process::Child;
use tokio::sync::{OnceCell, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until, timeout};

/// How often to look whether there is something to serve by now.
const IDLE: Duration = Duration::from_millis(250);

/// Pauses between starts of a proxy that dies at once.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// A proxy that lived this long is started again at once.
const LONG_LIFE: Duration = Duration::from_secs(10);

/// A first load may take this long before signals are safe.
const FIRST_LOAD: Duration = Duration::from_secs(120);

/// What SIGTERM gets before SIGKILL.
const LAST_WORDS: Duration = Duration::from_secs(3);

enum Command {
    Reload(oneshot::Sender<Result<(), OwnerError>>),
    Quit(Duration, oneshot::Sender<()>),
}

/// What everybody may know about the process.
#[derive(Debug, Default)]
struct ProcessState {
    process: Option<Identity>,
    /// The workers there were when the last reload was asked for.
    older: BTreeSet<Identity>,
    deaths: u32,
}

/// Handle to the task that owns the process. Dropping it ends the task and leaves the proxy running.
#[derive(Debug)]
pub(super) struct Supervisor {
    launcher: Arc<Launcher>,
    state: Arc<Mutex<ProcessState>>,
    commands: mpsc::Sender<Command>,
    late: PendingCommands,
    retirement: Retirement,
    version: OnceCell<Option<Version>>,
    /// Asks services for the proxy, where that cannot do so itself. Ends with this handle.
    _agent: JoinSet<()>,
}

impl Supervisor {
    /// Takes over a proxy that runs already, or starts one as soon as something is published.
    ///
    /// # Errors
    /// [`Taken`] when none of ours runs, and one could not listen on `ports`.
    pub(super) async fn start(launcher: Launcher, ports: &[Port]) -> Result<Self, Taken> {
        let launcher = Arc::new(launcher);
        let state = Arc::new(Mutex::new(ProcessState::default()));
        let (commands, receiver) = mpsc::channel(8);
        let mut task =
            SupervisorTask { launcher: Arc::clone(&launcher), state: Arc::clone(&state), pause: Duration::ZERO, version: OnceCell::new() };
        let running = task.adopt();
        if running.is_none() && task.recorded().is_none_or(|dead| workers_of(dead).is_empty()) {
            ports::check(ports).await?;
        }
        let agent = agent::of_ours(&launcher);
        tokio::spawn(task.keep(running, receiver));
        Ok(Self {
            launcher,
            state,
            commands,
            late: PendingCommands::default(),
            retirement: Retirement::default(),
            version: OnceCell::new(),
            _agent: agent,
        })
    }

    async fn known(&self) -> Result<Status, OwnerError> {
        let version = *self.version.get_or_try_init(|| self.launcher.version()).await?;
        let (process, older, deaths) = {
            let state = lock(&self.state);
            (state.process, state.older.clone(), state.deaths)
        };
        let pid = process.filter(|process| process.is_alive()).map(|process| process.pid);
        // Where they have no user of their own, they have ours.
        let worker_group = self.launcher.worker.as_ref().map_or_else(|| nix::unistd::getegid().as_raw(), |worker| worker.group);
        let (streams, exporter) = (self.launcher.streams(), self.launcher.exporter());
        Ok(Status { version, streams, exporter, worker_group: Some(worker_group), deaths, ..Status::counted(pid, &older) })
    }
}

impl Owner for Supervisor {
    fn ports(&self, ports: Vec<Port>) -> BoxFuture<'_, Result<Vec<String>, OwnerError>> {
        async move {
            let runs = || lock(&self.state).process.is_some_and(|process| process.is_alive());
            if runs() {
                return Ok(Vec::new());
            }
            let taken = ports::check(&ports).await.err().map_or_else(Vec::new, |taken| taken.0);
            // One that has started meanwhile may have taken them itself.
            Ok(if runs() { Vec::new() } else { taken })
        }
        .boxed()
    }

    fn check(&self, name: RevisionName, limit: Duration) -> BoxFuture<'_, Result<(), CheckError>> {
        self.launcher.check(name, limit).boxed()
    }

    fn reload(&self) -> BoxFuture<'_, Result<(), OwnerError>> {
        async {
            self.late.clear();
            let (reply, answer) = oneshot::channel();
            self.commands.send(Command::Reload(reply)).await.map_err(|_| OwnerError::Stopped)?;
            answer.await.map_err(|_| OwnerError::Stopped)?
        }
        .boxed()
    }

    fn amend(&self, transition: Transition) -> BoxFuture<'_, Result<bool, OwnerError>> {
        async move {
            let Some(lane) = self.launcher.dialect.runtime else { return Ok(false) };
            let places = (&self.launcher.state, &*self.launcher.run_dir);
            let amended = super::runtime::amend(lane, places, &self.late, transition).await;
            if let Ok(Done::All { removed: true }) = amended {
                let state = Arc::clone(&self.state);
                let older = move || lock(&state).older.clone();
                self.retirement.begin(lane.old_workers, &self.launcher.run_dir, older);
            }
            amended.map(|done| done != Done::Nothing).map_err(|surprise| {
                self.launcher.renew_socket(&self.launcher.run_dir);
                OwnerError::Declined(crate::causes::chain(&surprise))
            })
        }
        .boxed()
    }

    fn status(&self) -> BoxFuture<'_, Result<Status, OwnerError>> {
        self.known().boxed()
    }

    fn quit(&self, limit: Duration) -> BoxFuture<'_, Result<(), OwnerError>> {
        async move {
            let (reply, answer) = oneshot::channel();
            self.commands.send(Command::Quit(limit, reply)).await.map_err(|_| OwnerError::Stopped)?;
            answer.await.map_err(|_| OwnerError::Stopped)
        }
        .boxed()
    }
}

/// The proxy's process: our child, or one that an earlier run started.
struct Running {
    handle: Handle,
    child: Option<Child>,
    since: Instant,
    /// What it writes is copied on.
    copying: Option<Copying>,
}

/// What is noted of a process for later starts.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
struct Record {
    #[serde(flatten)]
    process: Identity,
    /// It writes to a pipe of whoever started it.
    #[serde(default)]
    is_copied: bool,
}

impl Running {
    async fn ended(&mut self) -> Option<ExitStatus> {
        match &mut self.child {
            Some(child) => child.wait().await.ok(),
            None => {
                self.handle.ended().await;
                None
            }
        }
    }
}

/// The task behind a [`Supervisor`].
struct SupervisorTask {
    launcher: Arc<Launcher>,
    state: Arc<Mutex<ProcessState>>,
    pause: Duration,
    version: OnceCell<Option<Version>>,
}

impl SupervisorTask {
    async fn keep(mut self, mut running: Option<Running>, mut commands: mpsc::Receiver<Command>) {
        loop {
            let Some(process) = &mut running else {
                let idle = !self.launcher.main_file().exists();
                let command = tokio::select! {
                    command = commands.recv() => command,
                    () = sleep(if idle { IDLE } else { self.pause }) => {
                        running = if idle { None } else { self.start().await.ok() };
                        continue;
                    }
                };
                match command {
                    Some(Command::Reload(reply)) => {
                        let _ = reply.send(self.start().await.map(|started| running = Some(started)));
                        continue;
                    }
                    Some(Command::Quit(_, reply)) => {
                        let _ = reply.send(());
                        return;
                    }
                    None => return,
                }
            };
            tokio::select! {
                status = process.ended() => {
                    self.note_death(process, status);
                    running = None;
                }
                command = commands.recv() => match command {
                    Some(Command::Reload(reply)) => drop(reply.send(self.reload(process).await)),
                    Some(Command::Quit(limit, reply)) => {
                        let further = self.quit(process, limit, &mut commands).await;
                        for reply in std::iter::once(reply).chain(further) {
                            let _ = reply.send(());
                        }
                        return;
                    }
                    None => return,
                },
            }
        }
    }

    /// A proxy that still serves from this very state folder.
    fn adopt(&mut self) -> Option<Running> {
        // Some are started with the main file, others with its folder.
        let main = self.launcher.main_file();
        let folder = main.parent().unwrap_or(&main).to_string_lossy();
        let ours = |process: &Identity| process.is_alive() && command_line(process.pid).contains(&*folder);
        let process = [self.recorded(), self.in_pid_file()].into_iter().flatten().find(ours)?;
        let handle = Handle::open(process).ok()?;
        tracing::info!(pid = process.pid, "took over the running proxy");
        lock(&self.state).process = Some(process);
        let is_copied = self.record().is_some_and(|record| record.process == process && record.is_copied);
        self.note(Record { process, is_copied });
        let copying = if is_copied { Copying::of_running(process.pid) } else { None };
        Some(Running { handle, child: None, since: Instant::now(), copying })
    }

    async fn start(&mut self) -> Result<Running, OwnerError> {
        let started = match self.adopt() {
            Some(running) => Ok(running),
            None => self.launch().await,
        };
        if let Err(error) = &started {
            self.pause = (self.pause * 2).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
            let cause = crate::causes::chain(error);
            tracing::warn!(error = cause, retry_ms = self.pause.as_millis(), "the proxy does not start");
        }
        started
    }

    async fn launch(&mut self) -> Result<Running, OwnerError> {
        if let Some(dead) = self.recorded() {
            dismiss_workers_of(dead, named(self.launcher.dialect.drain));
        }
        // Its return is the sign that the new one takes signals.
        let _ = std::fs::remove_file(self.launcher.pid_file());
        let (mut child, copying) = self.launcher.start()?;
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
        let opened = pid.and_then(stat).and_then(|stat| Handle::open(stat.identity).ok());
        let Some(handle) = opened else {
            let status = child.wait().await.map_or_else(|error| error.to_string(), |status| status.to_string());
            return Err(OwnerError::Declined(format!("the proxy ended at once: {status}")));
        };
        self.note(Record { process: handle.identity(), is_copied: copying.is_some() });
        let mut state = lock(&self.state);
        state.process = Some(handle.identity());
        state.older.clear();
        tracing::info!(pid, "started the proxy");
        Ok(Running { handle, child: Some(child), since: Instant::now(), copying })
    }

    async fn reload(&self, process: &mut Running) -> Result<(), OwnerError> {
        self.wait_for_signals(process).await?;
        let pid = process.handle.identity().pid;
        lock(&self.state).older = children(pid);
        if let Some(answer) = self.ask_to_reload().await {
            return answer;
        }
        let sent = process.handle.signal(named(self.launcher.dialect.reload));
        sent.map_err(|error| OwnerError::NoProxy(format!("process {pid}: {error}")))
    }

    /// Has the proxy reload in a way that it answers; `None`: it has none, or nobody listens.
    async fn ask_to_reload(&self) -> Option<Result<(), OwnerError>> {
        let way = self.launcher.dialect.reload_socket?;
        let version = self.version.get_or_init(|| async { self.launcher.version().await.ok().flatten() }).await;
        version.filter(|version| *version >= way.since)?;
        let answer = super::runtime::ask(&self.launcher.run_dir.join(way.socket), way.command, FIRST_LOAD).await.ok()?;
        let taken = (way.read)(&answer)?;
        Some(taken.map_err(|refusal| OwnerError::Declined(format!("the proxy says: {}", refusal.message))))
    }

    /// A signal before the program has set up its own reaction would end it. It writes its PID file after that.
    async fn wait_for_signals(&self, process: &mut Running) -> Result<(), OwnerError> {
        let begun = Instant::now();
        while self.in_pid_file() != Some(process.handle.identity()) {
            tokio::select! {
                status = process.ended() => return Err(OwnerError::NoProxy(format!("it ended while loading ({})", shown(status)))),
                () = sleep(Duration::from_millis(10)) => {}
            }
            if begun.elapsed() > FIRST_LOAD {
                return Err(OwnerError::NoProxy(format!("it has not finished loading after {FIRST_LOAD:?}")));
            }
        }
        Ok(())
    }

    /// Gives those who have asked for it again meanwhile, and wait for an answer.
    async fn quit(&self, process: &mut Running, limit: Duration, commands: &mut mpsc::Receiver<Command>) -> Vec<oneshot::Sender<()>> {
        let mut further = Vec::new();
        let begun = Instant::now();
        let group = process.handle.identity().pid;
        let _ = process.handle.signal(named(self.launcher.dialect.drain));
        if !self.is_drained(&process.handle, begun + limit, commands, &mut further).await {
            let waited_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            tracing::warn!(waited_ms, "requests are still running; ending the proxy");
            signal_all(&living(|stat| stat.group == group), Signal::TERM);
            if timeout(LAST_WORDS, process.ended()).await.is_err() {
                signal_all(&living(|stat| stat.group == group), Signal::KILL);
            }
        }
        process.ended().await;
        if let Some(copying) = process.copying.take() {
            copying.finish().await;
        }
        lock(&self.state).process = None;
        let _ = std::fs::remove_file(self.record_file());
        further
    }

    /// Whether all its requests are answered in time. Who asks for its end again may leave it less.
    async fn is_drained(
        &self,
        process: &Handle,
        mut end: Instant,
        commands: &mut mpsc::Receiver<Command>,
        further: &mut Vec<oneshot::Sender<()>>,
    ) -> bool {
        let mut drained = pin!(retirement::drain(self.launcher.dialect, &self.launcher.run_dir, process));
        loop {
            tokio::select! {
                () = &mut drained => return true,
                () = sleep_until(end.into()) => return false,
                Some(command) = commands.recv() => if let Command::Quit(limit, reply) = command {
                    end = end.min(Instant::now() + limit);
                    further.push(reply);
                },
            }
        }
    }

    fn note_death(&mut self, process: &Running, status: Option<ExitStatus>) {
        let pid = process.handle.identity().pid;
        self.launcher.children().with(|ours| ours.remove(&pid.unsigned_abs()));
        let lived = process.since.elapsed();
        tracing::warn!(
            pid,
            status = shown(status),
            lived_ms = u64::try_from(lived.as_millis()).unwrap_or(u64::MAX),
            "the proxy ended; starting it again"
        );
        if !self.launcher.main_file().exists() {
            let folder = self.launcher.state.root().display();
            tracing::error!(%folder, "the state folder has nothing to serve any more, so the proxy cannot be started; restart gatewright");
        }
        let mut state = lock(&self.state);
        state.process = None;
        state.deaths = state.deaths.saturating_add(1);
        drop(state);
        self.pause = if lived >= LONG_LIFE { Duration::ZERO } else { (self.pause * 2).clamp(SHORTEST_PAUSE, LONGEST_PAUSE) };
    }

    fn record_file(&self) -> PathBuf {
        self.launcher.run_dir.join("proxy.json")
    }

    fn note(&self, record: Record) {
        let written = serde_json::to_vec(&record).map_err(Into::into).and_then(|bytes| std::fs::write(self.record_file(), bytes));
        if let Err(error) = written {
            tracing::warn!(%error, "could not note the process of the proxy; a later start may not find it");
        }
    }

    fn recorded(&self) -> Option<Identity> {
        self.record().map(|record| record.process)
    }

    fn record(&self) -> Option<Record> {
        serde_json::from_slice(&std::fs::read(self.record_file()).ok()?).ok()
    }

    fn in_pid_file(&self) -> Option<Identity> {
        let pid = std::fs::read_to_string(self.launcher.pid_file()).ok()?.trim().parse().ok()?;
        Some(stat(pid)?.identity)
    }
}

fn shown(status: Option<ExitStatus>) -> String {
    status.map_or_else(|| "unknown status".to_owned(), |status| status.to_string())
}

fn lock(state: &Mutex<ProcessState>) -> MutexGuard<'_, ProcessState> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
