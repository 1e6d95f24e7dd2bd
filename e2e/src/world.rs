//! A world: a network namespace with `gatewright run`, a real proxy, and pods.

mod builder;

pub use builder::Builder;

use crate::client;
use crate::http1::Answer;
use crate::manifest::{IngressWords, ingress, text};
use crate::net::Namespace;
use crate::proxies::Proxy;
use crate::wait::{until, until_eq, until_some};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

/// Prepares the mounts of a process, and becomes it, with signals as in a terminal, however the tests were started. `$1`: its
/// hosts file, `$2`: size of the state folder or nothing, `$3`: the state folder.
const LAUNCH: &str = r#"
mount --bind "$1" /etc/hosts || exit
[ -z "$2" ] || mount -t tmpfs -o "size=$2,mode=755" tmpfs "$3" || exit
shift 3
exec env --default-signal=HUP,INT -- "$@"
"#;

/// A running controller and its proxy, on the ports 80, 443 and 10254 of a network namespace.
#[derive(Debug)]
pub struct World {
    /// The proxy.
    pub proxy: Proxy,
    arguments: Vec<String>,
    state_size: &'static str,
    program: PathBuf,
    folder: PathBuf,
    /// Where it all happens.
    pub net: Namespace,
    controller: Mutex<Option<Child>>,
    /// Manifests that nobody needs any more.
    left: Mutex<Vec<PathBuf>>,
}

impl World {
    /// A world that belongs to one test.
    #[must_use]
    pub const fn of(proxy: Proxy) -> Builder {
        Builder::new(proxy)
    }

    /// The world that tests with hosts of their own share; this thread enters it.
    #[must_use]
    pub fn shared(proxy: Proxy) -> &'static Self {
        static WORLDS: LazyLock<Mutex<HashMap<Proxy, &'static World>>> = LazyLock::new(Mutex::default);
        let mut worlds = WORLDS.lock().unwrap_or_else(PoisonError::into_inner);
        let world = *worlds.entry(proxy).or_insert_with(|| Box::leak(Box::new(Self::of(proxy).start())));
        world.net.enter();
        world
    }

    /// The watched folder.
    #[must_use]
    pub fn manifests(&self) -> PathBuf {
        self.folder.join("manifests")
    }

    /// A folder on the same file system that nobody watches.
    #[must_use]
    pub fn outside(&self) -> PathBuf {
        self.folder.join("outside")
    }

    /// The state folder.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    /// Puts a manifest into the folder, whole at once.
    ///
    /// # Panics
    /// When the disk refuses.
    pub fn write(&self, name: &str, content: &str) {
        let beside = self.outside().join(name);
        fs::write(&beside, content).expect("the folder is ours");
        fs::rename(&beside, self.manifests().join(name)).expect("the folder is ours");
    }

    /// Takes a manifest away.
    ///
    /// # Panics
    /// When it is not there.
    pub fn remove(&self, name: &str) {
        fs::remove_file(self.manifests().join(name)).expect("it is there");
    }

    /// A test has no more need of its manifests. They go with what the next test writes: a change of their own would be one more
    /// that others wait for.
    pub(crate) fn leave(&self, names: impl IntoIterator<Item = String>) {
        let paths = names.into_iter().map(|name| self.manifests().join(name));
        self.left.lock().unwrap_or_else(PoisonError::into_inner).extend(paths);
    }

    /// Removes what was left.
    pub(crate) fn clear(&self) {
        let left = std::mem::take(&mut *self.left.lock().unwrap_or_else(PoisonError::into_inner));
        // A test may have moved its own.
        left.iter().for_each(|path| drop(fs::remove_file(path)));
    }

    /// Puts a manifest into the folder and waits until it is live.
    #[track_caller]
    pub fn apply(&self, name: &str, objects: &[Value]) {
        self.write(name, &text(objects));
        self.sync("probe.yaml");
    }

    /// Puts a manifest into the folder and waits until the proxy has loaded it; something in it has to be
    /// [`to_be_loaded`](IngressWords::to_be_loaded).
    #[track_caller]
    pub fn load(&self, name: &str, objects: &[Value]) {
        let before = self.loads();
        self.write(name, &text(objects));
        until("the proxy has loaded it", || self.loads() > before);
    }

    /// How often the proxy has loaded a revision since the controller started, by its metrics.
    #[track_caller]
    #[must_use]
    pub fn loads(&self) -> u64 {
        until_some("the controller counts loads", || {
            let metrics = String::from_utf8(client::admin("/metrics").ok()?.body).ok()?;
            let series = metrics.lines().find(|line| line.starts_with("gatewright_load_seconds_count"))?;
            series.rsplit(' ').next()?.parse().ok()
        })
    }

    /// The same of all controllers that this world has had, by the log.
    #[must_use]
    pub fn loads_logged(&self) -> usize {
        self.log().lines().filter(|line| line.contains(r#""message":"published""#) && line.contains(r#""load_ms":"#)).count()
    }

    /// Waits until none of these workers is left: those of an older generation have had their last request.
    #[track_caller]
    pub fn until_gone(&self, workers: &[u32]) {
        until_eq("workers from before have ended", &Vec::new(), || {
            workers_of(self.proxy_pid()).into_iter().filter(|worker| workers.contains(worker)).collect::<Vec<_>>()
        });
    }

    /// Waits until all that was written before this call is live: a route that is written after it answers, and the
    /// controller has seen its revision answer for long enough. `file` is where that route is written.
    #[track_caller]
    pub fn sync(&self, file: &str) {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let host = format!("p{}.probe.test", COUNT.fetch_add(1, Ordering::Relaxed));
        let before = self.published();
        self.write(file, &text(&[ingress(file.trim_end_matches(".yaml")).within("probe").prefix(&host, "/", "probe")]));
        until("the probe is routed", || client::get(&host, "/").is_ok_and(|answer| answer.word() == "probe"));
        // Where a change needs no reload, it is told to the proxy before it is published.
        let published = until_some("the probe is published", || self.published().filter(|number| Some(*number) > before));
        until("the revision is verified", || client::admin_json("/api/v1/revision")["revision"].as_u64() >= Some(published));
    }

    /// Number of the published revision.
    #[must_use]
    pub fn published(&self) -> Option<u64> {
        let target = fs::read_link(self.state().join("current")).ok()?;
        target.file_name()?.to_str()?.split('-').next()?.parse().ok()
    }

    /// Waits until the controller says that everything it knows is live.
    #[track_caller]
    pub fn until_ready(&self) {
        until("the controller is ready", || client::admin("/readyz").is_ok_and(|answer| answer.status == 200));
        until("everything is settled", || client::admin_json("/api/v1/revision")["settled"] == true);
    }

    /// Number of the live revision, by the admin port.
    #[must_use]
    pub fn revision(&self) -> u64 {
        client::admin_json("/api/v1/revision")["revision"].as_u64().unwrap_or(0)
    }

    /// The findings, each as `CODE object: message`.
    #[must_use]
    pub fn diagnostics(&self) -> Vec<String> {
        let list = client::admin_json("/api/v1/diagnostics");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let object = |value: &Value| format!("{} {}/{}", text(&value["kind"]), text(&value["namespace"]), text(&value["name"]));
        let line = |value: &Value| format!("{} {}: {}", text(&value["code"]), object(&value["object"]), text(&value["message"]));
        list.as_array().into_iter().flatten().map(line).collect()
    }

    /// Starts the controller.
    pub fn start_controller(&self) {
        *self.child() = Some(self.spawn("run", &["--manifests", &path(&self.manifests())]));
    }

    /// Starts the controller with these words before it, such as those of `setpriv`, and with another standard output.
    pub fn start_controller_by(&self, before: &[&str], output: Stdio) {
        let words = self.words("run", &["--manifests", &path(&self.manifests())]);
        let words: Vec<String> = before.iter().map(ToString::to_string).chain(words).collect();
        *self.child() = Some(self.launch_with_output(&words, Some(output)));
    }

    /// Starts the program with the arguments of this world and more, in the namespace and with its log in the folder.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn spawn(&self, command: &str, arguments: &[&str]) -> Child {
        self.launch(&self.words(command, arguments))
    }

    fn words(&self, command: &str, arguments: &[&str]) -> Vec<String> {
        let mut words = vec![path(&gatewright()), command.to_owned()];
        words.extend(arguments.iter().map(ToString::to_string));
        words.extend(["--proxy".to_owned(), self.proxy.kind.to_owned(), "--proxy-binary".to_owned(), path(&self.program)]);
        words.extend(["--state-dir".to_owned(), path(&self.state())]);
        words.extend(self.arguments.clone());
        words
    }

    /// Starts any program in the namespace.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn launch(&self, words: &[String]) -> Child {
        self.launch_with_output(words, None)
    }

    /// The same; its standard output goes elsewhere if told.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn launch_with_output(&self, words: &[String], output: Option<Stdio>) -> Child {
        let log = fs::File::options().create(true).append(true).open(self.folder.join("log")).expect("the folder is ours");
        // Proxies open their standard output by name, also those of another user.
        log.set_permissions(fs::Permissions::from_mode(0o666)).expect("it is ours");
        Command::new("unshare")
            .args(["--mount", "--", "sh", "-c", LAUNCH, "launch"])
            .args([&path(&self.folder.join("hosts")), self.state_size, &path(&self.state())])
            .args(words)
            .stdin(Stdio::null())
            .stdout(output.unwrap_or_else(|| log.try_clone().expect("descriptors are left").into()))
            .stderr(log)
            .spawn()
            .expect("util-linux is installed")
    }

    /// Runs the program to its end.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn output(&self, arguments: &[&str]) -> Output {
        Command::new(gatewright()).args(arguments).output().expect("the program is built")
    }

    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        self.controller.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Process id of the controller.
    ///
    /// # Panics
    /// When none was started.
    #[must_use]
    pub fn controller_pid(&self) -> u32 {
        self.child().as_ref().expect("a controller was started").id()
    }

    /// Process id of the proxy's master, by the note of who started it.
    #[track_caller]
    #[must_use]
    pub fn proxy_pid(&self) -> u32 {
        until_some("the proxy is noted", || {
            let note: Value = serde_json::from_slice(&fs::read(self.state().join("run/proxy.json")).ok()?).ok()?;
            note["pid"].as_u64().and_then(|pid| pid.try_into().ok())
        })
    }

    /// Sends the controller a signal and waits for its end; its exit code, if it had one.
    ///
    /// # Panics
    /// When none was started.
    pub fn end_controller(&self, signal: Signal) -> Option<i32> {
        let mut child = self.child().take().expect("a controller was started");
        send(child.id(), signal);
        child.wait().expect("it is our child").code()
    }

    /// The log up to now.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.folder.join("log")).unwrap_or_default()).into_owned()
    }

    /// Says names of the outside world, as a hosts file does; the controller sees them at its next lookup.
    ///
    /// # Panics
    /// When the disk refuses.
    pub fn hosts(&self, lines: &str) {
        // In place: the file is mounted.
        fs::write(self.folder.join("hosts"), format!("127.0.0.1 localhost\n{lines}\n")).expect("the folder is ours");
    }

    /// What a failed test wants to see.
    pub fn explain(&self) {
        const LINES: usize = 60;
        let log = self.log();
        let lines: Vec<_> =
            log.lines().filter(|line| line.starts_with('{') || line.contains("[emerg]") || line.contains("[alert]")).collect();
        eprintln!("--- the end of the log of {}", self.proxy.variable);
        lines.iter().skip(lines.len().saturating_sub(LINES)).for_each(|line| eprintln!("{line}"));
        eprintln!("--- {}", client::admin_json("/api/v1/revision"));
        self.diagnostics().iter().for_each(|line| eprintln!("    {line}"));
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.explain();
        }
        if let Some(mut child) = self.child().take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The program under test.
#[must_use]
pub fn gatewright() -> PathBuf {
    std::env::var_os("GATEWRIGHT").map_or_else(
        || {
            let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
            target.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target")).join("debug/gatewright")
        },
        PathBuf::from,
    )
}

/// Signals a process that the test has started, or that its controller has.
///
/// # Panics
/// When the number is none.
pub fn send(pid: u32, signal: Signal) {
    // One that has just ended is no mistake.
    let _ = kill(Pid::from_raw(pid.try_into().expect("a process id")), signal);
}

/// Process ids of the workers of a proxy's master, of all generations; sorted.
#[must_use]
pub fn workers_of(master: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{master}/task/{master}/children")).unwrap_or_default();
    let mut workers: Vec<u32> = children.split_whitespace().filter_map(|pid| pid.parse().ok()).collect();
    workers.sort_unstable();
    workers
}

/// A path as text.
#[must_use]
pub fn path(path: &Path) -> String {
    path.display().to_string()
}

/// In one word, who answers: a Service, a status, or `nobody`.
#[must_use]
pub fn who(host: &str, target: &str) -> String {
    client::get(host, target).as_ref().map_or_else(|_| "nobody".to_owned(), Answer::word)
}

/// The same over HTTPS.
#[must_use]
pub fn who_over_tls(host: &str, target: &str) -> String {
    client::get_over_tls(host, target).as_ref().map_or_else(|_| "nobody".to_owned(), Answer::word)
}
