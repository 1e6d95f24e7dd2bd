//! A network namespace: ports of its own, 10.244.0.0/16 and fd00:244::/64 on its loopback, and 10.245.0.0/16, where nobody
//! ever answers.
//!
//! The kernel keeps a namespace per thread, so a test enters one with its own thread; threads and processes that it
//! starts are in it too. Whatever process still is in it at the end is killed by a shell that outlives everything: it
//! waits for the end of a pipe that only the tests hold, so it comes into action even when the tests are killed.

use nix::sched::{CloneFlags, setns, unshare};
use std::fs::File;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Kills whoever is in the namespace, and removes a folder. `$1`: the tests themselves, `$2`: the folder, or nothing.
const REAPER: &str = r#"
namespace=$(readlink /proc/self/ns/net | tr -dc 0-9)
echo ready
read -r _
for round in 1 2 3; do
    for path in $(find /proc/[0-9]*/ns/net -maxdepth 0 -lname "net:\[$namespace\]" 2>/dev/null); do
        pid=${path#/proc/} pid=${pid%%/*}
        [ "$pid" = "$$" ] || [ "$pid" = "$1" ] || kill -9 "$pid" 2>/dev/null
    done
done
[ -z "$2" ] || rm -rf "$2"
"#;

/// A network namespace with its reaper.
#[derive(Debug)]
pub struct Namespace {
    handle: File,
    reaper: Child,
}

impl Namespace {
    /// Makes one, and enters it with this thread; `folder` is removed at its end.
    ///
    /// # Panics
    /// When this is not permitted; as another user than root, run the tests under `unshare -Urn`.
    #[must_use]
    pub fn make(folder: Option<&Path>) -> Self {
        unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace can be made; without root, run the tests under `unshare -Urn`");
        const ROUTES: [&str; 4] = [
            "link set lo up",
            "route add local 10.244.0.0/16 dev lo",
            "route add 10.245.0.0/16 dev lo",
            "-6 route add local fd00:244::/64 dev lo",
        ];
        for arguments in ROUTES {
            let done = Command::new("ip").args(arguments.split(' ')).status().expect("iproute2 is installed");
            // A machine without IPv6 is fine; the tests that need it say so.
            assert!(done.success() || arguments.starts_with("-6"), "ip {arguments}");
        }
        let handle = File::open("/proc/thread-self/ns/net").expect("the kernel shows the namespace of a thread");
        let mut reaper = Command::new("sh")
            .args(["-c", REAPER, "reaper", &std::process::id().to_string()])
            .arg(folder.unwrap_or(Path::new("")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Ctrl-C at a terminal is not for it.
            .process_group(0)
            .spawn()
            .expect("there is a shell");
        // It has to be there before anything that it shall end.
        let mut line = [0; 6];
        reaper.stdout.take().expect("it is piped").read_exact(&mut line).expect("the reaper starts");
        Self { handle, reaper }
    }

    /// Enters it with this thread.
    ///
    /// # Panics
    /// When the kernel refuses.
    pub fn enter(&self) {
        setns(&self.handle, CloneFlags::CLONE_NEWNET).expect("the namespace is ours");
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        drop(self.reaper.stdin.take());
        let _ = self.reaper.wait();
    }
}

/// Runs a test on a thread of its own, so that no other test finds itself in its namespace.
///
/// # Panics
/// When the test does.
pub fn on_a_thread_of_its_own(test: impl FnOnce() + Send) {
    let result = std::thread::scope(|scope| scope.spawn(test).join());
    if let Err(panic) = result {
        std::panic::resume_unwind(panic);
    }
}
