//! Signal only: the proxy runs elsewhere in a shared process namespace, and is known by its PID file.
//!
//! Weaker than a supervisor: the controller needs the right to signal the proxy, nobody restarts it from here, and a
//! check needs the proxy's program beside the controller.

use super::agent;
use super::launch::Launcher;
use super::owner::{CheckError, Owner, OwnerError, Status, Transition};
use super::ports::{self, Port};
use super::process::{Handle, Identity, children, command_line, named, stat};
use super::retirement::{self, Retirement};
use super::runtime::{self, Done, PendingCommands};
use super::state_dir::RevisionName;
use futures::future::{BoxFuture, FutureExt};
use gatewright_core::dialect::{Signal, Version};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::sync::OnceCell;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Clock ticks per second in `/proc`, on every Linux that there is.
const TICKS: u64 = 100;

/// How much later than its PID file was written a process may seem to have started, for rounding.
const SLACK: Duration = Duration::from_secs(2);

/// A proxy that is reached by signals.
#[derive(Debug)]
pub(super) struct PidFile {
    path: PathBuf,
    /// For checks and the version; its program may be missing.
    launcher: Launcher,
    version: OnceCell<Option<Version>>,
    older: Arc<Mutex<BTreeSet<Identity>>>,
    warned: AtomicBool,
    late: PendingCommands,
    retirement: Retirement,
    /// Asks services for the proxy, where that cannot do so itself. Ends with this owner.
    _agent: JoinSet<()>,
}

impl PidFile {
    pub(super) fn new(path: PathBuf, launcher: Launcher) -> Self {
        launcher.lay_out(&path);
        let agent = agent::beside(&launcher, &path);
        let (version, older, warned) = (OnceCell::new(), Arc::default(), AtomicBool::new(false));
        let (late, retirement) = (PendingCommands::default(), Retirement::default());
        Self { path, launcher, version, older, warned, late, retirement, _agent: agent }
    }

    /// The process that the file names, if it can be the one that wrote it.
    fn find(&self) -> Result<Handle, OwnerError> {
        let none = |why: &str| OwnerError::NoProxy(format!("{}: {why}", self.path.display()));
        let text = fs::read_to_string(&self.path).map_err(|error| none(&error.to_string()))?;
        let pid = text.trim().parse().map_err(|_| none("it does not hold a process id"))?;
        let found = stat(pid).filter(|found| !found.zombie).ok_or_else(|| none(&format!("there is no process {pid}")))?;
        let wanted = self.launcher.dialect.program;
        if !command_line(pid).contains(wanted) {
            return Err(none(&format!("process {pid} is not {wanted}; the file is left over from another one")));
        }
        let written = fs::metadata(&self.path).and_then(|metadata| metadata.modified()).ok();
        if let (Some(written), Some(started)) = (written, started_at(found.identity))
            && started > written + SLACK
        {
            return Err(none(&format!("process {pid} is younger than the file, so the number was used again")));
        }
        Handle::open(found.identity).map_err(|error| none(&error.to_string()))
    }

    fn signal(&self, signal: Signal) -> Result<Handle, OwnerError> {
        let handle = self.find()?;
        let pid = handle.identity().pid;
        handle.signal(named(signal)).map_err(|error| OwnerError::NoProxy(format!("process {pid}: {error}")))?;
        Ok(handle)
    }

    async fn version(&self) -> Option<Version> {
        let ask = || async { self.launcher.version().await.ok().flatten() };
        *self.version.get_or_init(ask).await
    }
}

impl Owner for PidFile {
    fn check(&self, name: RevisionName, limit: Duration) -> BoxFuture<'_, Result<(), CheckError>> {
        async move {
            match self.launcher.check(name, limit).await {
                Err(CheckError::NotDone(OwnerError::Run { program, source })) if source.kind() == std::io::ErrorKind::NotFound => {
                    if !self.warned.swap(true, Ordering::Relaxed) {
                        tracing::warn!(program, "candidates are not checked by the proxy, for its program is not here");
                    }
                    Ok(())
                }
                other => other,
            }
        }
        .boxed()
    }

    fn reload(&self) -> BoxFuture<'_, Result<(), OwnerError>> {
        async {
            self.late.clear();
            let before = self.find()?.identity();
            *self.older.lock().unwrap_or_else(PoisonError::into_inner) = children(before.pid);
            self.signal(self.launcher.dialect.reload).map(drop)
        }
        .boxed()
    }

    /// The proxy's socket is beside its PID file, if whoever started it made one.
    fn amend(&self, transition: Transition) -> BoxFuture<'_, Result<bool, OwnerError>> {
        async move {
            let Some(lane) = self.launcher.dialect.runtime else { return Ok(false) };
            let Some(folder) = self.path.parent().filter(|folder| folder.join(lane.socket).exists()) else {
                self.path.parent().inspect(|folder| self.launcher.renew_socket(folder));
                return Ok(false);
            };
            let amended = runtime::amend(lane, (&self.launcher.state, folder), &self.late, transition).await;
            if let Ok(Done::All { removed: true }) = amended {
                let older = Arc::clone(&self.older);
                let older = move || older.lock().unwrap_or_else(PoisonError::into_inner).clone();
                // Whoever started it may have given it no such socket; then nobody can be asked, and nobody is ended.
                self.retirement.begin(lane.old_workers, folder, older);
            }
            amended.map(|done| done != Done::Nothing).map_err(|surprise| {
                self.launcher.renew_socket(folder);
                OwnerError::Declined(crate::causes::chain(&surprise))
            })
        }
        .boxed()
    }

    fn status(&self) -> BoxFuture<'_, Result<Status, OwnerError>> {
        async {
            let pid = self.find().ok().map(|handle| handle.identity().pid);
            let version = self.version().await;
            let older = self.older.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let (streams, exporter) = (self.launcher.streams_by_itself(), self.launcher.exporter());
            Ok(Status { pid, version, streams, exporter, deaths: 0, ..Status::counted(pid, &older) })
        }
        .boxed()
    }

    /// It runs with the same network, since it is found by its process id.
    fn ports(&self, ports: Vec<Port>) -> BoxFuture<'_, Result<Vec<String>, OwnerError>> {
        async move {
            Ok(if self.find().is_ok() { Vec::new() } else { ports::check(&ports).await.err().map_or_else(Vec::new, |taken| taken.0) })
        }
        .boxed()
    }

    fn quit(&self, limit: Duration) -> BoxFuture<'_, Result<(), OwnerError>> {
        async move {
            let handle = self.signal(self.launcher.dialect.drain)?;
            let folder = self.path.parent().unwrap_or(&self.path);
            if timeout(limit, retirement::drain(self.launcher.dialect, folder, &handle)).await.is_err() {
                let _ = handle.signal(rustix::process::Signal::TERM);
            }
            Ok(())
        }
        .boxed()
    }
}

/// Wall-clock time of a start; exact to about a second.
fn started_at(process: Identity) -> Option<SystemTime> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    let boot = text.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    let since_boot = Duration::from_millis(process.started.saturating_mul(1000 / TICKS));
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(boot) + since_boot)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::state_dir::{StateDir, make_dir};
    use crate::proxy::tests::{TEST_NGINX, until};
    use std::process::{Child, Command};

    struct Case {
        dir: tempfile::TempDir,
        owner: PidFile,
    }

    fn case() -> Case {
        let dir = tempfile::tempdir().unwrap();
        make_dir(dir.path()).unwrap();
        let state = StateDir::at(dir.path()).unwrap();
        let launcher = Launcher::new(&TEST_NGINX, state, &dir.path().join("run"), vec!["/no/such/nginx".into()]).unwrap();
        Case { owner: PidFile::new(dir.path().join("pid"), launcher), dir }
    }

    /// A process that looks like the proxy and ends on SIGHUP.
    async fn lookalike(name: &str) -> Child {
        use std::os::unix::process::CommandExt;
        let child = Command::new("sleep").arg0(name).arg("60").spawn().unwrap();
        // The program begins before `/proc` shows its arguments.
        until("its name shows", async || command_line(child.id().cast_signed()).starts_with(name)).await;
        child
    }

    #[tokio::test]
    async fn the_process_of_the_file_gets_the_signal() {
        let case = case();
        let mut nginx = lookalike("nginx: master process").await;
        fs::write(case.dir.path().join("pid"), format!("{}\n", nginx.id())).unwrap();
        assert_eq!(case.owner.status().await.unwrap().pid, Some(nginx.id().cast_signed()));
        case.owner.reload().await.unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&nginx.wait().unwrap()), Some(1));
        assert!(case.owner.reload().await.unwrap_err().to_string().contains("there is no process"));
    }

    #[tokio::test]
    async fn a_stranger_with_the_number_of_the_proxy_gets_no_signal() {
        let case = case();
        let path = case.dir.path().join("pid");
        let mut stranger = lookalike("sleep").await;
        fs::write(&path, stranger.id().to_string()).unwrap();
        assert!(case.owner.reload().await.unwrap_err().to_string().contains("is not nginx"));
        let mut younger = lookalike("nginx: another master").await;
        fs::write(&path, younger.id().to_string()).unwrap();
        let old = SystemTime::now() - Duration::from_secs(3600);
        fs::File::options().write(true).open(&path).unwrap().set_modified(old).unwrap();
        let error = case.owner.reload().await.unwrap_err().to_string();
        assert!(error.contains("younger than the file"), "{error}");
        assert_eq!(case.owner.status().await.unwrap().pid, None);
        for child in [&mut stranger, &mut younger] {
            assert!(child.try_wait().unwrap().is_none(), "nobody was signalled");
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    #[tokio::test]
    async fn without_the_program_nothing_is_checked_and_nothing_refused() {
        let case = case();
        case.owner.check(RevisionName { number: 1, digest: 1 }, Duration::from_secs(1)).await.unwrap();
        assert!(case.owner.warned.load(Ordering::Relaxed));
        assert_eq!(case.owner.status().await.unwrap().version, None);
    }
}
