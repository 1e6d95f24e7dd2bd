//! Processes as Linux shows them: who is who, who belongs to whom, and signals that cannot hit a stranger.

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// One process; a later one with the same number has another start time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Identity {
    pub(super) pid: i32,
    /// Clock ticks since boot.
    pub(super) started: u64,
}

/// What `/proc/PID/stat` says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stat {
    pub(super) identity: Identity,
    pub(super) parent: i32,
    pub(super) group: i32,
    /// It has ended and only waits to be reaped.
    pub(super) zombie: bool,
}

/// Reads a process; `None` when there is none.
pub(super) fn stat(pid: i32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command stands in brackets and may hold anything, brackets included; numbers follow the last one.
    let mut fields = text.rsplit_once(')')?.1.split_ascii_whitespace();
    let zombie = matches!(fields.next()?, "Z" | "X");
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    let started = fields.nth(16)?.parse().ok()?;
    Some(Stat { identity: Identity { pid, started }, parent, group, zombie })
}

/// The command line, arguments separated by blanks; empty for what has none.
pub(super) fn command_line(pid: i32) -> String {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', " ").trim_end().to_owned()
}

/// Every living process that `wanted` takes.
pub(super) fn living(wanted: impl Fn(&Stat) -> bool) -> BTreeSet<Identity> {
    all().filter(|stat| !stat.zombie && wanted(stat)).map(|stat| stat.identity).collect()
}

/// The ended children of a process that nobody has reaped.
pub(super) fn zombies_of(parent: i32) -> Vec<i32> {
    all().filter(|stat| stat.zombie && stat.parent == parent).map(|stat| stat.identity.pid).collect()
}

fn all() -> impl Iterator<Item = Stat> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter_map(stat)
}

/// The living children of a process.
pub(super) fn children(pid: i32) -> BTreeSet<Identity> {
    living(|stat| stat.parent == pid)
}

impl Identity {
    /// Whether this very process is still running.
    pub(super) fn is_alive(self) -> bool {
        stat(self.pid).is_some_and(|stat| stat.identity == self && !stat.zombie)
    }
}

/// A hold on one process: signals through it reach that one or nobody.
#[derive(Debug)]
pub(super) struct Handle {
    identity: Identity,
    descriptor: AsyncFd<OwnedFd>,
}

impl Handle {
    /// Takes hold of a process; `NotFound` when it is gone, or another one has its number.
    pub(super) fn open(identity: Identity) -> io::Result<Self> {
        let pid = Pid::from_raw(identity.pid).ok_or(io::ErrorKind::NotFound)?;
        let descriptor = pidfd_open(pid, PidfdFlags::empty())?;
        // Only now the number is pinned; whether it was the right one is to be asked after that.
        if !identity.is_alive() {
            return Err(io::ErrorKind::NotFound.into());
        }
        #[expect(deprecated, reason = "its replacement is unsafe, for types whose descriptor can change; an OwnedFd's cannot")]
        let descriptor = AsyncFd::with_interest(descriptor, Interest::READABLE)?;
        Ok(Self { identity, descriptor })
    }

    /// Which process it is.
    pub(super) const fn identity(&self) -> Identity {
        self.identity
    }

    /// Sends a signal.
    pub(super) fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(pidfd_send_signal(&self.descriptor, signal)?)
    }

    /// Waits for its end.
    pub(super) async fn ended(&self) {
        // An error can only mean that there is nothing left to wait for.
        let _ = self.descriptor.readable().await;
    }
}

/// Sends a signal to each of them that is still there.
pub(super) fn signal_all(processes: &BTreeSet<Identity>, signal: Signal) {
    for identity in processes {
        let _ = Handle::open(*identity).and_then(|handle| handle.signal(signal));
    }
}

/// The signal that a dialect names.
pub(super) const fn named(signal: gatewright_core::dialect::Signal) -> Signal {
    use gatewright_core::dialect::Signal as Named;
    match signal {
        Named::Hup => Signal::HUP,
        Named::Quit => Signal::QUIT,
        Named::Usr1 => Signal::USR1,
        Named::Usr2 => Signal::USR2,
    }
}

/// Workers whose master was killed keep the ports and go on accepting; they are told to finish, so that the next
/// master can have the ports. They are found by the process group that the master led.
pub(super) fn dismiss_workers_of(dead: Identity, drain: Signal) {
    let left = workers_of(dead);
    if !left.is_empty() {
        tracing::warn!(workers = left.len(), "workers outlived their master; draining them");
        signal_all(&left, drain);
    }
}

/// The workers that outlived this master; none when its number belongs to somebody else by now, and so does the group.
pub(super) fn workers_of(dead: Identity) -> BTreeSet<Identity> {
    if stat(dead.pid).is_some_and(|now| now.identity != dead) {
        return BTreeSet::new();
    }
    living(|stat| stat.group == dead.pid && stat.identity.pid != dead.pid && stat.identity.started >= dead.started)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[tokio::test]
    async fn a_process_with_the_same_number_but_another_start_is_not_signalled() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let identity = stat(i32::try_from(child.id()).unwrap()).unwrap().identity;
        let later = Identity { started: identity.started + 1, ..identity };
        assert_eq!(Handle::open(later).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(identity.is_alive() && !later.is_alive());
        let handle = Handle::open(identity).unwrap();
        handle.signal(Signal::TERM).unwrap();
        handle.ended().await;
        assert!(!identity.is_alive(), "a zombie is not alive");
        child.wait().unwrap();
        assert!(Handle::open(identity).is_err());
    }

    #[test]
    fn children_and_command_line_are_read_from_proc() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let own = i32::try_from(std::process::id()).unwrap();
        assert!(children(own).iter().any(|identity| identity.pid == pid));
        assert!(["sleep 60", ""].contains(&command_line(pid).as_str()) || command_line(pid).contains("proxy"));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
