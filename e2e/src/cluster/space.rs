//! A network namespace, and a thread that lives in it and starts what has to live there too.

use nix::sched::{CloneFlags, setns, unshare};
use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

type Job = Box<dyn FnOnce() + Send>;

/// The namespace; it ends with the last process in it.
#[derive(Debug)]
pub struct Space {
    file: File,
    jobs: mpsc::Sender<Job>,
}

impl Space {
    /// Makes a namespace whose loopback holds 10.244.0.0/16: the API server takes no loopback addresses for pods.
    ///
    /// # Panics
    /// When that is not permitted: it needs root, or `unshare -Urm`.
    #[must_use]
    pub fn new() -> Self {
        let (made, file) = mpsc::channel();
        let (jobs, inbox) = mpsc::channel::<Job>();
        std::thread::spawn(move || {
            unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace needs root, or a user namespace: unshare -Urm");
            for arguments in [&["link", "set", "lo", "up"][..], &["route", "add", "local", "10.244.0.0/16", "dev", "lo"]] {
                let status = Command::new("ip").args(arguments).status().expect("iproute2 is installed");
                assert!(status.success(), "ip {arguments:?}");
            }
            let file = File::open("/proc/thread-self/ns/net").expect("/proc is mounted");
            made.send(file).expect("the maker waits");
            // Children are told to end when the thread that started them ends, so this one stays.
            while let Ok(job) = inbox.recv() {
                job();
            }
        });
        Self { file: file.recv().expect("the namespace was made"), jobs }
    }

    /// Moves the calling thread into the namespace.
    ///
    /// # Panics
    /// When that is not permitted.
    pub fn enter(&self) {
        setns(&self.file, CloneFlags::CLONE_NEWNET).expect("whoever made the namespace may enter it");
    }

    /// Calls a function on the thread of the namespace.
    ///
    /// # Panics
    /// When the function does.
    pub fn call<T: Send + 'static>(&self, function: impl FnOnce() -> T + Send + 'static) -> T {
        let (send, result) = mpsc::channel();
        self.jobs.send(Box::new(move || drop(send.send(function())))).expect("the thread lives as long as the space");
        result.recv().expect("the function answers")
    }

    /// Starts a program in the namespace; it ends with this process, however that ends. Output goes to the file.
    ///
    /// # Panics
    /// When the program cannot be started.
    #[must_use]
    pub fn spawn(&self, program: &str, arguments: &[String], environment: &[(&str, String)], log: &std::path::Path) -> Child {
        let file = File::options().create(true).append(true).open(log).expect("the log can be written");
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--", program]).args(arguments);
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(file.try_clone().expect("a file can be shared")).stderr(file);
        let program = program.to_owned();
        self.call(move || command.spawn().unwrap_or_else(|error| panic!("{program}: {error}")))
    }
}

impl Default for Space {
    fn default() -> Self {
        Self::new()
    }
}
