//! One running controller, with a real proxy as its child.

use super::http::ask;
use super::world::tail;
use super::{Answer, World, eventually, get, get_tls};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};

/// `gatewright run`, and where it listens. Ends when dropped.
#[derive(Debug)]
pub struct Controller<'w> {
    /// Where it runs.
    pub world: &'w World,
    /// Port for HTTP.
    pub http: u16,
    /// Port for HTTPS.
    pub https: u16,
    /// Port for health, metrics and the API.
    pub admin: u16,
    status: u16,
    /// Its folder.
    pub state: PathBuf,
    log: PathBuf,
    child: Child,
    ended: bool,
}

impl<'w> Controller<'w> {
    pub(super) fn start(
        world: &'w World,
        name: &str,
        kubeconfig: &Value,
        flags: &[String],
        environment: &[(&str, String)],
        (state, ports): (Option<&Path>, Option<&Controller<'_>>),
    ) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let folder = world.new_folder(&format!("{name}-{}", COUNT.fetch_add(1, Ordering::Relaxed)));
        let file = folder.join("kubeconfig");
        std::fs::write(&file, kubeconfig.to_string()).expect("there is room for temporary files");
        let [http, https, admin, status] = ports.map_or_else(free_ports, |other| [other.http, other.https, other.admin, other.status]);
        let state = state.map_or_else(|| folder.join("state"), Path::to_owned);
        let mut arguments: Vec<String> = vec![
            "run".to_owned(),
            format!("--kubeconfig={}", file.display()),
            format!("--state-dir={}", state.display()),
            format!("--http-port={http}"),
            format!("--https-port={https}"),
            format!("--healthz-port={admin}"),
            format!("--status-port={status}"),
            "--log-level=debug".to_owned(),
        ];
        arguments.extend(flags.iter().cloned());
        let log = folder.join("log");
        let child = world.space().spawn(&program(), &arguments, environment, &log);
        Self { world, http, https, admin, status, state, log, child, ended: false }
    }

    /// Waits until it is ready and everything seen so far is live.
    pub fn wait_live(&self) -> &Self {
        eventually("the controller is ready", || match get(self.admin, "localhost", "/readyz") {
            Ok(answer) if answer.status == 200 => Ok(()),
            Ok(answer) => Err(format!("{}\n{}", answer.body, tail(&self.log))),
            Err(error) => Err(format!("{error}\n{}", tail(&self.log))),
        });
        eventually("everything is live", || {
            let revision = self.revision();
            if revision["settled"] == true { Ok(()) } else { Err(revision.to_string()) }
        });
        self
    }

    /// Asks the proxy over HTTP; what keeps it from answering is a status of 0.
    #[must_use]
    pub fn get(&self, host: &str, path: &str) -> Answer {
        get(self.http, host, path).unwrap_or_else(nothing)
    }

    /// Asks the proxy over HTTP with any method; what keeps it from answering is a status of 0.
    #[must_use]
    pub fn ask(&self, method: &str, host: &str, path: &str) -> Answer {
        ask(self.http, method, host, path).unwrap_or_else(nothing)
    }

    /// Asks the proxy over HTTPS; what keeps it from answering is a status of 0.
    #[must_use]
    pub fn get_tls(&self, host: &str, path: &str) -> Answer {
        get_tls(self.https, host, path).unwrap_or_else(nothing)
    }

    /// Waits until a host answers with this status.
    pub fn wait_status(&self, host: &str, path: &str, status: u16) {
        eventually(&format!("{host}{path} answers {status}"), || self.expect_status(host, path, status));
    }

    /// Whether a host answers with this status now.
    ///
    /// # Errors
    /// What it answers instead.
    pub fn expect_status(&self, host: &str, path: &str, status: u16) -> Result<(), String> {
        let answer = self.get(host, path);
        if answer.status == status { Ok(()) } else { Err(format!("{} {}", answer.status, answer.body)) }
    }

    /// Waits until a pod of this address answers for a host.
    pub fn wait_pod(&self, host: &str, pod: &str) {
        eventually(&format!("{host} is answered by {pod}"), || {
            let answer = self.get(host, "/");
            if answer.pod() == pod { Ok(()) } else { Err(format!("{} {}", answer.status, answer.body)) }
        });
    }

    /// `/api/v1/revision`; null when it does not answer.
    #[must_use]
    pub fn revision(&self) -> Value {
        self.admin("/api/v1/revision")
    }

    /// `/api/v1/diagnostics`: `CODE OBJECT: MESSAGE` of each.
    #[must_use]
    pub fn diagnostics(&self) -> Vec<String> {
        let text = |d: &Value| {
            let object = &d["object"];
            let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            format!("{} {}/{}: {}", word(&d["code"]), word(&object["namespace"]), word(&object["name"]), word(&d["message"]))
        };
        self.admin("/api/v1/diagnostics").as_array().into_iter().flatten().map(text).collect()
    }

    /// What `/readyz` says: status and text.
    pub fn ready(&self) -> String {
        get(self.admin, "localhost", "/readyz")
            .map_or_else(|error| error.to_string(), |answer| format!("{} {}", answer.status, answer.body))
    }

    fn admin(&self, path: &str) -> Value {
        get(self.admin, "localhost", path).ok().and_then(|answer| serde_json::from_str(&answer.body).ok()).unwrap_or(Value::Null)
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `/metrics`; `None` when it does not answer.
    #[must_use]
    pub fn metrics(&self) -> Option<String> {
        get(self.admin, "localhost", "/metrics").ok().map(|answer| answer.body)
    }

    /// A metric's value, by the beginning of its line; `None` when there is none.
    #[must_use]
    pub fn metric(&self, name: &str) -> Option<f64> {
        let text = self.metrics()?;
        let line = text.lines().find(|line| line.starts_with(name))?;
        line.rsplit(' ').next()?.parse().ok()
    }

    /// Its log so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Tells it to end, and waits until it has.
    ///
    /// # Panics
    /// When it does not end.
    pub fn stop(&mut self) {
        self.signal(Signal::SIGTERM);
        self.wait_end();
    }

    /// Ends it as a crash does; its proxy goes on.
    pub fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        self.wait_end();
    }

    /// Stops its time: it notices nothing until [`Self::thaw`].
    pub fn freeze(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Waits until it has ended by itself; answers its exit code.
    ///
    /// # Panics
    /// When it does not end.
    pub fn wait_end(&mut self) -> Option<i32> {
        let child = &mut self.child;
        let code = eventually("the controller ends", || match child.try_wait() {
            Ok(Some(status)) => Ok(status.code()),
            other => Err(format!("{other:?}")),
        });
        self.ended = true;
        code
    }

    fn signal(&self, signal: Signal) {
        if !self.ended {
            let pid = i32::try_from(self.child.id()).expect("process ids are small");
            // It may have ended by itself.
            let _ = kill(Pid::from_raw(pid), signal);
        }
    }
}

impl Drop for Controller<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- end of {}\n{}", self.log.display(), tail(&self.log));
        }
        self.signal(Signal::SIGTERM);
        if !self.ended && !ends_soon(&mut self.child) {
            self.signal(Signal::SIGKILL);
            let _ = self.child.wait();
        }
    }
}

fn ends_soon(child: &mut Child) -> bool {
    const TRIES: u32 = 200;
    (0..TRIES).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        !matches!(child.try_wait(), Ok(None))
    })
}

fn nothing(error: String) -> Answer {
    Answer { status: 0, head: String::new(), body: error, certificate: Vec::new() }
}

/// A port that nobody listens on.
#[must_use]
pub fn free_port() -> u16 {
    let [port] = free_ports();
    port
}

/// Ports that nobody else in this namespace is given: the system hands out those above 32767 by itself, and each call
/// others below.
fn free_ports<const N: usize>() -> [u16; N] {
    static NEXT: AtomicU16 = AtomicU16::new(20_000);
    [(); N].map(|()| {
        loop {
            let port = NEXT.fetch_add(1, Ordering::Relaxed);
            if TcpListener::bind(("0.0.0.0", port)).is_ok() {
                return port;
            }
        }
    })
}

/// The program that is tested: `GATEWRIGHT`, or what was built beside the tests.
///
/// # Panics
/// When it is not there.
#[must_use]
pub fn program() -> String {
    if let Ok(program) = std::env::var("GATEWRIGHT") {
        let path = std::fs::canonicalize(&program).unwrap_or_else(|error| panic!("GATEWRIGHT={program}: {error}"));
        return path.display().to_string();
    }
    let tests = std::env::current_exe().expect("a process knows its program");
    let beside = tests.ancestors().map(|folder| folder.join("gatewright")).find(|path| path.is_file());
    beside.expect("cargo build -p gatewright has been run, or GATEWRIGHT is set").display().to_string()
}
