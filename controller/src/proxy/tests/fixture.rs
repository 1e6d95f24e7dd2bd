//! A dialect small enough for these tests, file sets for it, and a way to ask the proxy.

use crate::proxy::tests::ports::free_port;
use crate::proxy::{Live, Mode, Outcome, Proxy, ProxyConfig};
use gatewright_core::dialect::nginx::NGINX;
use gatewright_core::dialect::{Dialect, Launch, Refusal, Signal, Version};
use gatewright_core::names::PathLimits;
use gatewright_core::render::{File, FileSet};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

pub(crate) static TEST_NGINX: Dialect = Dialect {
    name: "nginx",
    title: "NGINX",
    program: "nginx",
    main_file: "nginx.conf",
    version_args: &["-v"],
    version: |text| {
        let mut parts = text.split("nginx/").nth(1)?.split_whitespace().next()?.split('.').map(|part| part.parse().ok());
        Some(Version(parts.next()??, parts.next()??, parts.next()??))
    },
    streams: None,
    exporter: None,
    start_args: |launch| arguments(launch, &["-p", &launch.run_dir.to_string_lossy()]),
    check_args: |launch| arguments(launch, &["-t", "-q", "-p", &launch.run_dir.join("check").to_string_lossy()]),
    reload: Signal::Hup,
    reload_socket: None,
    drain: Signal::Quit,
    refusal: |text| {
        let line = text.lines().find(|line| line.contains("[emerg]")).unwrap_or("no reason given");
        let (message, at) = line.rsplit_once(" in ").unwrap_or((line, ""));
        let at = at.rsplit_once(':').and_then(|(file, line)| Some((file.rsplit('/').next()?.to_owned(), line.parse().ok()?)));
        Refusal { message: message.to_owned(), at }
    },
    // Nothing here is rendered.
    templates: NGINX.templates,
    main_template: NGINX.main_template,
    print_word: NGINX.print_word,
    filters: NGINX.filters,
    groups: NGINX.groups,
    main: NGINX.main,
    certificate_path: NGINX.certificate_path,
    credential_files: NGINX.credential_files,
    certificates_read_live: NGINX.certificates_read_live,
    launch_files: &[],
    published_link: NGINX.published_link,
    agent_socket: None,
    oldest: NGINX.oldest,
    newest: NGINX.newest,
    check_grammar: NGINX.check_grammar,
    origin_at: NGINX.origin_at,
    runtime: None,
    unknown_hashes: &[],
    time_for_hashes: None,
    slow_file: None,
    path_limits: |_| PathLimits::default(),
    passes_behind_headers: true,
    unknown_variables: Vec::new,
    unknown_directives: |_| &[],
    lacks: NGINX.lacks,
    approximates: &[],
    opens_stdout: true,
};

fn arguments(launch: &Launch<'_>, first: &[&str]) -> Vec<String> {
    let user = launch.worker_user.map(|user| format!("user {user};")).unwrap_or_default();
    let globals = format!("daemon off; pid {}; {user}", launch.pid_file.display());
    let main = launch.main_file.to_string_lossy().into_owned();
    first.iter().map(ToString::to_string).chain(["-c".into(), main, "-e".into(), "stderr".into(), "-g".into(), globals]).collect()
}

/// One state folder with its ports.
pub(super) struct World {
    pub(super) dir: tempfile::TempDir,
    pub(super) status_port: u16,
    pub(super) port: u16,
    pub(super) tls_port: u16,
}

impl World {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        // Workers of another user have to reach what lies below it.
        std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        Self { dir, status_port: free_port(), port: free_port(), tls_port: free_port() }
    }

    pub(super) fn state(&self) -> std::path::PathBuf {
        self.dir.path().join("state")
    }

    pub(super) fn config(&self) -> ProxyConfig {
        ProxyConfig {
            dialect: &TEST_NGINX,
            state_dir: self.state(),
            mode: Mode::Child { program: vec!["nginx".into()], run_dir: None },
            status_port: self.status_port,
            ports: Vec::new(),
            revisions_kept: 3,
        }
    }

    pub(super) async fn open(&self) -> Proxy {
        Proxy::open(self.config()).await.unwrap()
    }

    /// A proxy that answers `body` on the public port; `extra` is put into the server block as it is.
    pub(super) fn files(&self, body: &str, extra: &str) -> Arc<FileSet> {
        self.files_with(body, extra, BTreeMap::new())
    }

    /// The same with more files; those read while serving leave the token as it is.
    pub(super) fn files_with(&self, body: &str, extra: &str, more: BTreeMap<String, File>) -> Arc<FileSet> {
        let server = format!("server {{ listen 127.0.0.1:{}; {extra}\nlocation / {{ return 200 \"{body}\"; }} }}\n", self.port);
        let hash = xxhash_rust::xxh3::xxh3_128(server.as_bytes());
        let included = format!("hosts/{hash:032x}.conf");
        let main = format!(
            "events {{}}\nhttp {{ access_log off; include {included};\nserver {{ listen 127.0.0.1:{}; \
             location = /gatewright/revision {{ return 200 \"{hash:032x}\"; }} }} }}\n",
            self.status_port
        );
        let mut files = more;
        files.insert(included, file(&server));
        files.insert("nginx.conf".to_owned(), file(&main));
        Arc::new(FileSet::new("nginx.conf", files, hash))
    }

    /// What the public port answers to one new connection: status and body.
    pub(super) async fn get(&self, path: &str) -> Option<(u16, String)> {
        let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.ok()?;
        stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
    }

    pub(super) async fn body(&self) -> String {
        self.get("/").await.map(|(_, body)| body).unwrap_or_default()
    }
}

/// A test that fails leaves its proxy behind, which would keep the output of all tests open.
impl Drop for World {
    fn drop(&mut self) {
        let pid_file = self.state().join("run/proxy.pid");
        let pid = std::fs::read_to_string(pid_file).ok().and_then(|text| text.trim().parse().ok());
        if let Some(pid) = pid.filter(|_| std::thread::panicking()) {
            let _ = nix::sys::signal::killpg(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL);
        }
    }
}

pub(super) fn file(text: &str) -> File {
    File { bytes: text.as_bytes().into(), secret: false, read_live: false }
}

/// Applies at once, and asks the public port all the while; each request has its answer.
pub(super) async fn apply_while_asked(world: &World, proxy: &mut Proxy, files: &Arc<FileSet>) -> Live {
    proxy.throttle = crate::proxy::reload::ReloadThrottle::default();
    let applied = proxy.apply(files, "test");
    tokio::pin!(applied);
    loop {
        tokio::select! {
            outcome = &mut applied => return live(outcome),
            answer = world.get("/") => assert!(answer.is_some_and(|(status, _)| status == 200), "a request was lost"),
        }
    }
}

/// The revision that went live.
pub(super) fn live(outcome: Outcome) -> Live {
    match outcome {
        Outcome::Live(live) => live,
        other => panic!("not live: {}", serde_json::to_string(&other).unwrap()),
    }
}

/// Waits for a condition, and says which one did not come.
pub(crate) async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !condition().await {
        assert!(begun.elapsed() < Duration::from_secs(20), "timed out: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Every file below a folder, relative and sorted.
pub(super) fn tree(folder: &Path) -> Vec<String> {
    fn walk(folder: &Path, prefix: &str, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.file_type().unwrap().is_dir() { walk(&entry.path(), &format!("{path}/"), found) } else { found.push(path) }
        }
    }
    let mut found = Vec::new();
    walk(folder, "", &mut found);
    found.sort();
    found
}

/// The paths of a file set, sorted.
pub(super) fn paths(files: &FileSet) -> Vec<String> {
    files.iter().map(|(path, _)| path.to_owned()).collect()
}
