//! A running proxy, backends that echo, and a client. Which proxy it is, is said by the tests' main file.

use crate::ports::free_port;
use crate::{DIALECT, OTHER_PROGRAMS};
use gatewright_core::dialect::{Launch, Version};
use gatewright_core::model::{Globals, Model};
use gatewright_core::render::{FileSet, Renderer};
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const DEADLINE: Duration = Duration::from_secs(30);

/// The programs to test with, and their versions; the one in `PATH` is always there.
pub fn programs() -> Vec<(PathBuf, Version)> {
    let others = OTHER_PROGRAMS.iter().filter_map(std::env::var_os);
    std::iter::once(PathBuf::from(DIALECT.program)).chain(others.map(PathBuf::from)).map(|p| (p.clone(), version_of(&p))).collect()
}

fn version_of(program: &Path) -> Version {
    let out = Command::new(program).args(DIALECT.version_args).output().expect("the proxy is installed");
    (DIALECT.version)(&String::from_utf8_lossy(&[out.stdout, out.stderr].concat())).expect("the proxy prints its version")
}

pub fn files_of(model: &Model, version: Version) -> FileSet {
    Renderer::new(DIALECT, version, BTreeMap::new()).unwrap().render(model).unwrap()
}

/// Globals with ports of their own on the loopback.
pub fn globals() -> Globals {
    let mut globals = Globals::default();
    let ports = [free_port(), free_port(), free_port()];
    globals.listeners.addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
    globals.listeners.reuse_port = false;
    (globals.listeners.http_port, globals.listeners.https_port, globals.listeners.status_port) = (ports[0], ports[1], ports[2]);
    globals.workers.processes = Some(1);
    globals.workers.connections = 256;
    globals
}

/// Files in a folder.
pub struct Staged {
    pub dir: TempDir,
    program: PathBuf,
    main: String,
}

impl Staged {
    pub fn new(files: &FileSet, program: &Path) -> Self {
        let dir = TempDir::new().unwrap();
        fs::create_dir(dir.path().join("run")).unwrap();
        let staged = Self { dir, program: program.to_owned(), main: files.main().to_owned() };
        staged.write(files);
        staged
    }

    pub fn write(&self, files: &FileSet) {
        for (path, file) in files.iter() {
            let path = self.dir.path().join("files").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file.bytes.whole()).unwrap();
        }
    }

    pub fn args(&self, args: fn(&Launch<'_>) -> Vec<String>) -> Vec<String> {
        let (main_file, run_dir) = (self.dir.path().join("files").join(&self.main), self.dir.path().join("run"));
        let root = fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0);
        let worker_user = root.then_some("root");
        let launch = Launch { main_file: &main_file, run_dir: &run_dir, pid_file: &run_dir.join("pid"), worker_user, stream_module: None };
        for file in DIALECT.launch_files {
            fs::write(run_dir.join(file.name), (file.text)(&launch, None)).unwrap();
        }
        if let Some(name) = DIALECT.published_link {
            let _ = std::os::unix::fs::symlink(self.dir.path().join("files"), run_dir.join(name));
        }
        args(&launch)
    }

    /// What the proxy's own check prints when it refuses, or nothing.
    pub fn check(&self) -> Result<(), String> {
        let out = Command::new(&self.program)
            .current_dir(self.dir.path().join("run"))
            .args(self.args(DIALECT.check_args))
            .stdout(Stdio::null())
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&out.stderr).into_owned();
        if out.status.success() { Ok(()) } else { Err(printed) }
    }

    fn log(&self, name: &str) -> fs::File {
        fs::File::create(self.dir.path().join(name)).unwrap()
    }
}

/// What asks services for the proxy; stopped when it goes out of scope.
struct Agent(Option<tokio::runtime::Runtime>);

impl Agent {
    fn start(dir: &Path) -> Option<Self> {
        let socket = dir.join("run").join(DIALECT.agent_socket?);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let user = fs::metadata("/proc/self").map(|found| std::os::unix::fs::MetadataExt::uid(&found)).unwrap();
        let listener = runtime.block_on(async { gatewright_agent::listen(&socket).unwrap() });
        runtime.spawn(gatewright_agent::serve(listener, move |peer| peer == user));
        Some(Self(Some(runtime)))
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.0.take().into_iter().for_each(tokio::runtime::Runtime::shutdown_background);
    }
}

/// A running proxy; stopped when it goes out of scope.
pub struct Proxy {
    pub staged: Staged,
    globals: Globals,
    child: Child,
    agent: Option<Agent>,
}

impl Proxy {
    /// Starts a model and waits until it answers the token of its files.
    pub fn start(model: &Model, program: &Path, version: Version) -> Self {
        Self::start_changed(model, program, version, |main| main)
    }

    /// The same after a change of the main file, which nobody checks but the proxy.
    pub fn start_changed(model: &Model, program: &Path, version: Version, change: impl FnOnce(String) -> String) -> Self {
        let files = files_of(model, version);
        let staged = Staged::new(&files, program);
        let main = staged.dir.path().join("files").join(files.main());
        fs::write(&main, change(fs::read_to_string(&main).unwrap())).unwrap();
        staged.check().unwrap();
        let agent = Agent::start(staged.dir.path());
        let child = Command::new(program)
            .current_dir(staged.dir.path().join("run"))
            .args(staged.args(DIALECT.start_args))
            .stdout(staged.log("access.log"))
            .stderr(staged.log("error.log"))
            .spawn()
            .unwrap();
        let proxy = Self { staged, globals: (*model.globals).clone(), child, agent };
        until("the token is answered", || proxy.token().is_some_and(|token| token == files.token()));
        proxy
    }

    /// Takes away what asks services for the proxy, if it has that, and waits until the proxy knows.
    pub fn lose_agent(&mut self) -> bool {
        let had_one = self.agent.take().is_some();
        // The sixth word is the state; 0: nobody is there.
        let is_missed = || self.runtime("show servers state agent\n").lines().any(|line| line.split(' ').nth(5) == Some("0"));
        if had_one {
            until("the agent is missed", is_missed);
        }
        had_one
    }

    /// What the runtime socket answers.
    fn runtime(&self, command: &str) -> String {
        let mut socket = UnixStream::connect(self.staged.dir.path().join("run/runtime.sock")).unwrap();
        socket.write_all(command.as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Which files answer.
    pub fn token(&self) -> Option<String> {
        self.private("/gatewright/revision")
    }

    /// The answer of the private port.
    pub fn private(&self, path: &str) -> Option<String> {
        let address = SocketAddr::from(([127, 0, 0, 1], self.globals.listeners.status_port));
        let answer = exchange(address, &format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).ok()?;
        Some(Answer::parse(&answer).body)
    }

    pub fn http(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.globals.listeners.http_port))
    }

    pub fn https(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.globals.listeners.https_port))
    }

    /// A GET with a `Host`, and further header lines.
    pub fn get(&self, host: &str, target: &str, headers: &[&str]) -> Answer {
        let mut request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
        for header in headers {
            request.push_str(header);
            request.push_str("\r\n");
        }
        self.send(&format!("{request}\r\n"))
    }

    /// These very bytes.
    pub fn send(&self, request: &str) -> Answer {
        Answer::parse(&exchange(self.http(), request).unwrap())
    }

    /// Gives the proxy a new key pair, in its way: a file that it reads while it serves, or its runtime socket.
    pub fn renew(&self, certificate: &gatewright_core::model::Certificate) {
        let path = (DIALECT.certificate_path)(&certificate.id);
        if DIALECT.certificates_read_live {
            return fs::write(self.staged.dir.path().join("files").join(path), &certificate.pem).unwrap();
        }
        let pem = String::from_utf8_lossy(&certificate.pem).replace("\n\n", "\n");
        for command in [format!("set ssl cert {path} <<\n{pem}\n"), format!("commit ssl cert {path}\n")] {
            let answer = self.runtime(&command);
            assert!(answer.contains("Transaction created") || answer.contains("Success!"), "{answer}");
        }
    }

    pub fn log(&self, name: &str) -> String {
        fs::read_to_string(self.staged.dir.path().join(name)).unwrap()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // SIGTERM to the master ends the workers, too; a plain kill would leave them.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("error log of the proxy:\n{}", self.log("error.log"));
        }
    }
}

fn exchange(address: SocketAddr, request: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, DEADLINE)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// An answer, read without mercy.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Header lines as they came.
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
        Self { status, head: head.to_owned(), body: body.to_owned() }
    }

    /// Every value of a header.
    pub fn headers(&self, name: &str) -> Vec<&str> {
        header_lines(&self.head, name)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).first().copied()
    }

    /// What the backend was sent: every value of a request header. Backends echo it as their body.
    pub fn sent(&self, name: &str) -> Vec<&str> {
        header_lines(&self.body, name)
    }

    /// Name of the backend that answered.
    pub fn backend(&self) -> Option<&str> {
        self.header("X-Backend")
    }

    /// First line of what the backend was sent.
    pub fn request_line(&self) -> &str {
        self.body.lines().next().unwrap_or_default()
    }
}

fn header_lines<'a>(head: &'a str, name: &str) -> Vec<&'a str> {
    let lines = head.lines().skip(1).filter_map(|line| line.split_once(": "));
    lines.filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim_end()).collect()
}

/// A backend that answers every request with what it was sent; `/status/404` asks for a status.
pub fn echo(name: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream, name));
        }
    });
    address
}

/// A backend that answers what a function of the request's head says.
pub fn backend(answer: impl Fn(&str) -> String + Send + Clone + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let answer = answer.clone();
            std::thread::spawn(move || read_head(&mut stream).map(|head| stream.write_all(answer(&head).as_bytes())));
        }
    });
    address
}

fn answer(mut stream: TcpStream, name: &str) {
    let Some(head) = read_head(&mut stream) else { return };
    let status = head.lines().next().unwrap_or_default().split_once("/status/").map_or("200", |(_, rest)| &rest[..3]);
    let extra = "Server: echo\r\nX-Accel-Redirect: /inside\r\nStrict-Transport-Security: max-age=1\r\nX-Powered-By: echo\r\n";
    let answer =
        format!("HTTP/1.1 {status} OK\r\nX-Backend: {name}\r\n{extra}Content-Length: {}\r\nConnection: close\r\n\r\n{head}", head.len());
    let _ = stream.write_all(answer.as_bytes());
}

/// What a client sends up to the empty line; `None` when it goes before.
fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    while !head.windows(4).any(|w| w == b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(n) if n > 0 => head.extend_from_slice(&buffer[..n]),
            _ => return None,
        }
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}

/// Waits for a condition.
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < DEADLINE, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
