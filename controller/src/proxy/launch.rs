//! Command lines of the proxy: to start it, to check a candidate, to ask for its version.

use super::output::Copying;
use super::owner::{CheckError, OwnerError};
use super::state_dir::{RevisionName, StateDir, StateDirError, make_dir, remove_tree};
use gatewright_core::dialect::{Dialect, Launch, Streams, Version};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

/// How much of what a check prints is kept, in bytes.
const MAX_OUTPUT: u64 = 64 * 1024;

/// The program may take this long to print its version.
const VERSION_LIMIT: Duration = Duration::from_secs(10);

/// All of the environment that the proxy gets: whatever else is in ours is none of its business.
const ENVIRONMENT: &[&str] = &["PATH", "TZ", "LANG", "LD_LIBRARY_PATH", "OPENSSL_CONF"];

/// The user that a root master gives its workers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Worker {
    pub(super) name: String,
    pub(super) user: u32,
    pub(super) group: u32,
}

/// Everything needed to run the proxy's program.
#[derive(Debug)]
pub(super) struct Launcher {
    pub(super) dialect: &'static Dialect,
    pub(super) state: StateDir,
    pub(super) run_dir: PathBuf,
    pub(super) worker: Option<Worker>,
    program: Vec<String>,
    streams: Streams,
    exporter: bool,
    started: Children,
    /// Content hash of the [slow file](Dialect::slow_file) that was taken last.
    taken: Mutex<Option<u128>>,
}

/// Processes that we wait for ourselves; a reaper of orphans has to leave them alone.
#[derive(Debug, Clone, Default)]
pub(super) struct Children(Arc<Mutex<BTreeSet<u32>>>);

impl Children {
    /// Runs `look` while nothing is started: what it sees is either in the set or not ours.
    pub(super) fn with<T>(&self, look: impl FnOnce(&mut BTreeSet<u32>) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn spawn(&self, command: &mut Command) -> std::io::Result<Child> {
        self.with(|ours| {
            let child = command.spawn()?;
            ours.extend(child.id());
            Ok(child)
        })
    }
}

impl Launcher {
    /// `program` is the program and arguments that come before those of the dialect.
    ///
    /// # Errors
    /// When the folder to run in cannot be made.
    pub(super) fn new(dialect: &'static Dialect, state: StateDir, run_dir: &Path, program: Vec<String>) -> Result<Self, StateDirError> {
        make_dir(run_dir)?;
        make_dir(&run_dir.join("check"))?;
        let run_dir = std::fs::canonicalize(run_dir).map_err(|source| StateDirError::Io { path: run_dir.to_owned(), source })?;
        sockets_fit(dialect, &run_dir, state.root())?;
        let (worker, streams) = (worker_user(), Streams::Never);
        let mut launcher = Self {
            dialect,
            state,
            run_dir,
            worker,
            program,
            streams,
            exporter: false,
            started: Children::default(),
            taken: Mutex::default(),
        };
        let printed = about(&launcher);
        launcher.streams = streams_of(&launcher, printed.as_deref());
        launcher.exporter = dialect.exporter.zip(printed).is_some_and(|(exporter, printed)| (exporter.is_built_in)(&printed));
        launcher.write_launch_files()?;
        launcher.link_published(&launcher.run_dir).map_err(|source| StateDirError::Io { path: launcher.run_dir.clone(), source })?;
        Ok(launcher)
    }

    /// Writes what belongs to the place and cannot go on the command line, for those dialects that have such files.
    fn write_launch_files(&self) -> Result<(), StateDirError> {
        for file in self.dialect.launch_files {
            let path = self.run_dir.join(file.name);
            let text = (file.text)(&self.launch(&self.main_file(), &self.pid_file()), self.worker.as_ref().map(|worker| worker.group));
            write_whole(&path, &text).map_err(|source| StateDirError::Io { path, source })?;
        }
        Ok(())
    }

    /// Makes the link to what is published, for those dialects whose files follow it.
    fn link_published(&self, folder: &Path) -> std::io::Result<()> {
        let Some(name) = self.dialect.published_link else { return Ok(()) };
        let (link, fresh) = (folder.join(name), folder.join(name).with_extension("new"));
        make_dir(folder).map_err(std::io::Error::other)?;
        remove_tree(&fresh);
        std::os::unix::fs::symlink(self.state.current(), &fresh)?;
        std::fs::rename(fresh, link)
    }

    /// Puts the same files beside a PID file, for whoever starts the proxy there; what is there stays, but for a link.
    pub(super) fn lay_out(&self, pid_file: &Path) {
        let Some(folder) = pid_file.parent() else { return };
        let main_file = self.main_file();
        let launch = Launch { run_dir: folder, ..self.launch(&main_file, pid_file) };
        for file in self.dialect.launch_files {
            let text = (file.text)(&launch, self.worker.as_ref().map(|worker| worker.group));
            let written = make_dir(folder).map_err(std::io::Error::other).and_then(|()| write_new(&folder.join(file.name), &text));
            if let Err(error) = written {
                tracing::warn!(%error, file = file.name, "what the proxy has to be started with cannot be put beside its PID file");
            }
        }
        if let Err(error) = self.link_published(folder) {
            tracing::warn!(%error, "what is published cannot be linked beside the PID file; a renewed certificate may cost a handshake");
        }
    }

    /// Has the next generation of the proxy bind its runtime socket anew, because the one there is does not serve us: its
    /// file is gone, somebody else has it, or nobody answers. Generations hand a socket on as long as its path is spelled the
    /// same, so it is spelled in another way.
    pub(super) fn renew_socket(&self, folder: &Path) {
        let Some(lane) = self.dialect.runtime else { return };
        for file in self.dialect.launch_files {
            let path = folder.join(file.name);
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            let written = write_whole(&path, &respelled(&text, folder, lane.socket));
            if let Err(error) = written {
                tracing::warn!(%error, file = file.name, "the proxy cannot be told to bind its runtime socket anew");
            }
        }
    }

    /// The file in which the running proxy writes its process id.
    pub(super) fn pid_file(&self) -> PathBuf {
        self.run_dir.join("proxy.pid")
    }

    /// The main file of whatever is published.
    pub(super) fn main_file(&self) -> PathBuf {
        self.state.current().join(self.dialect.main_file)
    }

    /// Whether the program can forward TCP.
    pub(super) fn streams(&self) -> bool {
        self.streams != Streams::Never
    }

    /// The same without loading anything, for a program that somebody else starts.
    pub(super) fn streams_by_itself(&self) -> bool {
        self.streams == Streams::BuiltIn
    }

    /// Whether the program tells metrics of its own.
    pub(super) const fn exporter(&self) -> bool {
        self.exporter
    }

    /// The program as given.
    pub(super) fn program(&self) -> &str {
        self.program.first().map_or(self.dialect.program, String::as_str)
    }

    /// The processes that are waited for.
    pub(super) fn children(&self) -> Children {
        self.started.clone()
    }

    /// Starts the proxy in the foreground, with what is published; what it writes may have to be copied on.
    ///
    /// It leads a process group of its own: Ctrl-C at a terminal is for us, and its workers can be told by the group
    /// even when their master is gone.
    pub(super) fn start(&self) -> Result<(Child, Option<Copying>), OwnerError> {
        let (main_file, pid_file) = (self.main_file(), self.pid_file());
        let mut command = self.command(&(self.dialect.start_args)(&self.launch(&main_file, &pid_file)));
        command.process_group(0);
        let copying = Copying::for_proxy(self.dialect).map_err(|source| self.cannot_run(source))?.map(|(copying, output)| {
            command.stdout(output);
            copying
        });
        Ok((self.started.spawn(&mut command).map_err(|source| self.cannot_run(source))?, copying))
    }

    /// Checks a revision that is on disk.
    pub(super) async fn check(&self, name: RevisionName, limit: Duration) -> Result<(), CheckError> {
        let folder = self.state.revision(name);
        let (main_file, pid_file) = (folder.join(self.dialect.main_file), self.run_dir.join("check").join("proxy.pid"));
        let slow = self.dialect.slow_file.map(|file| (file, hash_of(&folder.join(file.name))));
        let quick = slow.filter(|(_, hash)| hash.is_some() && *hash == *self.taken()).and_then(|(file, _)| {
            let names = names_in(&folder).ok()?;
            Some((file.check_args)(&folder, &names))
        });
        let arguments = quick.unwrap_or_else(|| (self.dialect.check_args)(&self.launch(&main_file, &pid_file)));
        let (status, printed) = self.run(&arguments, limit).await?;
        if !status.success() {
            return Err(CheckError::Refused((self.dialect.refusal)(&printed)));
        }
        if let Some((_, hash)) = slow {
            *self.taken() = hash;
        }
        Ok(())
    }

    fn taken(&self) -> MutexGuard<'_, Option<u128>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the program for its version.
    pub(super) async fn version(&self) -> Result<Option<Version>, OwnerError> {
        Ok(self.asked_for_version().await?.0)
    }

    /// The version that the program tells, and how it ended then.
    pub(super) async fn asked_for_version(&self) -> Result<(Option<Version>, ExitStatus), OwnerError> {
        let arguments: Vec<String> = self.dialect.version_args.iter().map(ToString::to_string).collect();
        let (status, printed) = self.run(&arguments, VERSION_LIMIT).await?;
        Ok(((self.dialect.version)(&printed), status))
    }

    fn launch<'a>(&'a self, main_file: &'a Path, pid_file: &'a Path) -> Launch<'a> {
        let stream_module = if let Streams::Module(path) = &self.streams { Some(path.as_path()) } else { None };
        let worker_user = self.worker.as_ref().map(|worker| worker.name.as_str());
        Launch { main_file, run_dir: &self.run_dir, pid_file, worker_user, stream_module }
    }

    fn command(&self, arguments: &[String]) -> Command {
        let mut command = Command::new(self.program());
        command.args(self.program.iter().skip(1)).args(arguments).current_dir(&self.run_dir).stdin(Stdio::null()).env_clear();
        command.envs(ENVIRONMENT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command
    }

    /// Runs the program to its end; what it prints is kept up to a bound.
    async fn run(&self, arguments: &[String], limit: Duration) -> Result<(ExitStatus, String), OwnerError> {
        let mut command = self.command(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = self.started.spawn(&mut command).map_err(|source| self.cannot_run(source))?;
        let pid = child.id();
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let all = async { tokio::join!(child.wait(), read_bounded(out), read_bounded(err)) };
        let ended = tokio::time::timeout(limit, all).await;
        if ended.is_err() {
            // Killed and reaped here, so that it is gone when its candidate is removed.
            let _ = child.kill().await;
        }
        self.started.with(|ours| pid.map(|pid| ours.remove(&pid)));
        let (status, out, err) = ended.map_err(|_| OwnerError::Slow { program: self.program().to_owned(), limit })?;
        Ok((status.map_err(|source| self.cannot_run(source))?, out + &err))
    }

    fn cannot_run(&self, source: std::io::Error) -> OwnerError {
        // The system says the same of a program that is not there.
        if source.kind() == std::io::ErrorKind::NotFound && !self.run_dir.is_dir() {
            return OwnerError::NoFolder(self.run_dir.clone());
        }
        OwnerError::Run { program: self.program().to_owned(), source }
    }
}

/// `None`: it is empty, or cannot be read.
fn hash_of(path: &Path) -> Option<u128> {
    std::fs::read(path).ok().filter(|bytes| !bytes.is_empty()).map(|bytes| xxhash_rust::xxh3::xxh3_128(&bytes))
}

fn names_in(folder: &Path) -> std::io::Result<Vec<String>> {
    let names = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    names.collect()
}

/// Writes a file that a proxy may be reading.
fn write_whole(path: &Path, text: &str) -> std::io::Result<()> {
    let fresh = path.with_extension("new");
    std::fs::write(&fresh, text)?;
    std::fs::rename(&fresh, path)
}

/// HAProxy takes no longer path for a socket, in bytes.
const LONGEST_SOCKET: usize = 97;

/// Whether the proxy can have its sockets in a folder: it takes `$` in their paths for a variable, and what follows a comma for an option.
fn sockets_fit(dialect: &Dialect, run_dir: &Path, state: &Path) -> Result<(), StateDirError> {
    let names = dialect.runtime.iter().flat_map(|lane| [lane.socket, lane.old_workers.socket]);
    let Some(longest) = names.max_by_key(|name| name.len()) else { return Ok(()) };
    let path = run_dir.join(longest);
    let text = path.as_os_str().as_encoded_bytes();
    if text.len() <= LONGEST_SOCKET && !text.iter().any(|byte| b"$,".contains(byte) || byte.is_ascii_control()) {
        return Ok(());
    }
    let behind = text.len() - state.as_os_str().len().min(text.len());
    Err(StateDirError::NoSocket { most: LONGEST_SOCKET.saturating_sub(behind), proxy: dialect.title, path })
}

/// The same text, in which the path of a socket in this folder is spelled in the other one of two ways.
fn respelled(text: &str, folder: &Path, socket: &str) -> String {
    let [short, long] = ["", "./"].map(|dot| format!("{}/{dot}{socket}", folder.display()));
    match () {
        () if text.contains(&long) => text.replace(&long, &short),
        () if long.len() <= LONGEST_SOCKET => text.replace(&short, &long),
        () => text.to_owned(),
    }
}

/// Writes a file unless there is one.
fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    match std::fs::File::create_new(path) {
        Ok(mut file) => std::io::Write::write_all(&mut file, text.as_bytes()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// What the program prints about its version, where it is asked for more than that.
fn about(launcher: &Launcher) -> Option<String> {
    let dialect = launcher.dialect;
    let is_asked = dialect.streams.is_some() || dialect.exporter.is_some();
    is_asked.then(|| ask(launcher, dialect.version_args.iter().map(ToString::to_string).collect()))?.map(|(_, printed)| printed)
}

/// Whether the program can forward TCP, by what it printed: the proxy may have to be started before anything else is
/// known. A module may be there and be another version's, so it is loaded once.
fn streams_of(launcher: &Launcher, printed: Option<&str>) -> Streams {
    let Some(probe) = launcher.dialect.streams else { return Streams::BuiltIn };
    let streams = printed.map_or(Streams::Never, probe.read);
    let Streams::Module(path) = &streams else { return streams };
    let folder = launcher.run_dir.join("check");
    let main_file = folder.join("smallest");
    if !path.is_file() || std::fs::write(&main_file, probe.smallest_file).is_err() {
        return Streams::Never;
    }
    let pid_file = folder.join("proxy.pid");
    let launch = Launch { stream_module: Some(path), ..launcher.launch(&main_file, &pid_file) };
    let loads = ask(launcher, (launcher.dialect.check_args)(&launch)).is_some_and(|(status, _)| status.success());
    let _ = std::fs::remove_file(&main_file);
    if loads { streams } else { Streams::Never }
}

/// Runs the program to its end; `None`: it cannot be run, or takes too long. Nobody reaps orphans yet.
fn ask(launcher: &Launcher, arguments: Vec<String>) -> Option<(ExitStatus, String)> {
    let mut command = std::process::Command::new(launcher.program());
    command.args(launcher.program.iter().skip(1)).args(arguments).current_dir(&launcher.run_dir).stdin(Stdio::null());
    let (told, printed) = std::sync::mpsc::channel();
    std::thread::spawn(move || told.send(command.output()));
    let output = printed.recv_timeout(VERSION_LIMIT).ok()?.ok()?;
    Some((output.status, String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()))
}

/// Reads to the end, so that the writer never blocks, and keeps the beginning.
async fn read_bounded(pipe: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut pipe) = pipe else { return String::new() };
    let mut kept = Vec::new();
    let _ = (&mut pipe).take(MAX_OUTPUT).read_to_end(&mut kept).await;
    let _ = tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&kept).into_owned()
}

/// The first of the users that packages of proxies make; only root can change to one.
fn worker_user() -> Option<Worker> {
    if !nix::unistd::geteuid().is_root() {
        return None;
    }
    ["www-data", "nginx", "nobody"].into_iter().find_map(|name| nix::unistd::User::from_name(name).ok().flatten()).map(|user| Worker {
        user: user.uid.as_raw(),
        group: user.gid.as_raw(),
        name: user.name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_socket_is_spelled_in_two_ways_in_turn() {
        let text = "global\n    stats socket '/run/my gw/runtime.sock' mode 600\n";
        let other = respelled(text, Path::new("/run/my gw"), "runtime.sock");
        assert_eq!(other, text.replace("gw/run", "gw/./run"));
        assert_eq!(respelled(&other, Path::new("/run/my gw"), "runtime.sock"), text);
        let folder = format!("/run/{}", "x".repeat(80));
        let long = format!("stats socket '{folder}/runtime.sock'");
        assert_eq!(respelled(&long, Path::new(&folder), "runtime.sock"), long, "one that would be too long stays");
    }
}
