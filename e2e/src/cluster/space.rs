//! A thread that lives in a network namespace, and starts what has to live there too.

use crate::net::Namespace;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

type Job = Box<dyn FnOnce() + Send>;

/// The namespace, with its thread.
#[derive(Debug)]
pub(super) struct Space {
    namespace: Namespace,
    jobs: mpsc::Sender<Job>,
}

impl Space {
    /// Makes one; the folder is removed at its end.
    ///
    /// # Panics
    /// When that is not permitted.
    #[must_use]
    pub(super) fn new(folder: &Path) -> Self {
        let (made, namespace) = mpsc::channel();
        let (jobs, inbox) = mpsc::channel::<Job>();
        let folder = folder.to_owned();
        std::thread::spawn(move || {
            made.send(Namespace::make(Some(&folder))).expect("the maker waits");
            // Children are told to end when the thread that started them ends, so this one stays.
            while let Ok(job) = inbox.recv() {
                job();
            }
        });
        Self { namespace: namespace.recv().expect("the namespace was made"), jobs }
    }

    /// Moves the calling thread into the namespace.
    pub(super) fn enter(&self) {
        self.namespace.enter();
    }

    /// Calls a function on the thread of the namespace.
    ///
    /// # Panics
    /// When the function does.
    pub(super) fn call<T: Send + 'static>(&self, function: impl FnOnce() -> T + Send + 'static) -> T {
        let (send, result) = mpsc::channel();
        self.jobs.send(Box::new(move || drop(send.send(function())))).expect("the thread lives as long as the space");
        result.recv().expect("the function answers")
    }

    /// Starts a program in the namespace; it ends with this process, however that ends. Output goes to the file.
    ///
    /// # Panics
    /// When the program cannot be started.
    #[must_use]
    pub(super) fn spawn(&self, program: &str, arguments: &[String], environment: &[(&str, String)], log: &Path) -> Child {
        let file = File::options().create(true).append(true).open(log).expect("the log can be written");
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--", program]).args(arguments);
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(file.try_clone().expect("a file can be shared")).stderr(file);
        let program = program.to_owned();
        self.call(move || command.spawn().unwrap_or_else(|error| panic!("{program}: {error}")))
    }
}
