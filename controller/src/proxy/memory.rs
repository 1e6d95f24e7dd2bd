//! How much memory a generation of workers holds, and how many old ones can be borne with for that.

use super::process::Identity;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs;

/// Old workers may hold one in so many bytes of what the proxy may use. The serving ones, the check of the next
/// configuration, which loads it once more, and connections have the rest.
const SHARE: u64 = 4;

/// However much memory there is, so many generations are enough: whoever changes something all the time then has fewer,
/// for they live for four minutes unless it is set otherwise.
const MOST: u32 = 10;

/// Workers whose memory cannot be seen are taken to hold this, and so many bytes for each one of their configuration: with
/// thousands of hosts nginx 1.22 holds about 60, HAProxy 2.6 about 85.
const LEAST: u64 = 8 << 20;
const FOR_EACH_BYTE: u64 = 80;

/// What is known of the memory of a proxy, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Memory {
    /// What the serving workers hold, and their master; 0: it cannot be seen.
    pub(crate) generation: u64,
    /// What the proxy may use; 0: nobody knows.
    pub(crate) limit: u64,
}

impl Memory {
    /// That of a master and its serving workers, as far as it may be read, and the limit that holds for this process.
    pub(super) fn of(master: i32, serving: &BTreeSet<Identity>) -> Self {
        let pids = || serving.iter().map(|worker| worker.pid);
        let read = |path: &str| fs::read_to_string(path).ok();
        let all: Option<u64> =
            std::iter::once(master).chain(pids()).map(|pid| share_of(&read(&format!("/proc/{pid}/smaps_rollup"))?)).sum();
        // Workers of one generation share most of what they hold, so that of one stands for that of all.
        let generation = all.or_else(|| pids().filter_map(|pid| bytes(&read(&format!("/proc/{pid}/status"))?, "RssAnon:")).max());
        Self { generation: generation.unwrap_or(0), limit: limit(read) }
    }

    /// The limit that holds for this process, where workers cannot be seen.
    pub(super) fn unseen() -> Self {
        Self { generation: 0, limit: limit(|path| fs::read_to_string(path).ok()) }
    }

    /// How many generations of old workers can be borne with, `least` or more. `configuration`: the bytes of the files that are live.
    pub(super) fn affordable_generations(self, configuration: u64, least: u32) -> u32 {
        let generation = if self.generation > 0 { self.generation } else { LEAST + FOR_EACH_BYTE * configuration };
        if self.limit == 0 {
            return least;
        }
        u32::try_from(self.limit / SHARE / generation).unwrap_or(MOST).clamp(least, MOST.max(least))
    }
}

/// What stays with a process when others leave what they share with it: its part of anonymous memory.
fn share_of(smaps_rollup: &str) -> Option<u64> {
    // Kernels before 5.3 tell only that of all memory, that of files included.
    bytes(smaps_rollup, "Pss_Anon:").or_else(|| bytes(smaps_rollup, "Pss:"))
}

/// What a file of `/proc` says in kilobytes, behind a name at the begin of a line.
fn bytes(text: &str, name: &str) -> Option<u64> {
    let number = text.lines().find_map(|line| line.strip_prefix(name))?.trim().strip_suffix("kB")?;
    number.trim_end().parse::<u64>().ok()?.checked_mul(1 << 10)
}

/// The lowest limit of the cgroups that this process is in, of either version, and the memory of the machine.
fn limit(read: impl Fn(&str) -> Option<String>) -> u64 {
    let groups = read("/proc/self/cgroup").unwrap_or_default();
    let limits = groups.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        let (mount, file) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            _ if controllers.split(',').any(|controller| controller == "memory") => ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
            _ => return None,
        };
        // In a container the path may be one of the machine's, and what is mounted is the end of it.
        let up = std::iter::successors(Some(path.trim_end_matches('/')), |path| path.rsplit_once('/').map(|(parent, _)| parent));
        up.filter_map(|path| read(&format!("{mount}{path}/{file}"))?.trim().parse().ok()).min()
    });
    let machine = read("/proc/meminfo").and_then(|text| bytes(&text, "MemTotal:"));
    limits.chain(machine).min().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn old_workers_may_hold_a_quarter_of_the_memory() {
        let affordable_generations =
            |generation: u64, limit: u64| Memory { generation: generation * MIB, limit: limit * MIB }.affordable_generations(0, 2);
        assert_eq!(
            [8, 12, 13, 30, 40].map(|generation| affordable_generations(generation, 512)),
            [10, 10, 9, 4, 3],
            "ordinary sizes have all of it"
        );
        assert_eq!([64, 65, 4000].map(|generation| affordable_generations(generation, 512)), [2, 2, 2], "never fewer than for others");
        assert_eq!([128, 512, 8 << 10, u64::MAX / MIB].map(|limit| affordable_generations(30, limit)), [2, 4, 10, 10]);
        assert_eq!(affordable_generations(8, 0), 2, "no limit is known");
    }

    #[test]
    fn what_cannot_be_seen_is_reckoned_from_the_configuration() {
        let unseen = Memory { generation: 0, limit: 512 * MIB };
        assert_eq!([0, 50_000, 300_000, MIB].map(|configuration| unseen.affordable_generations(configuration, 2)), [10, 10, 4, 2]);
    }

    #[test]
    fn memory_of_processes_is_read_from_proc() {
        let rollup = "55d0-7ffe ---p 00000000 00:00 0 [rollup]\nRss:  9000 kB\nPss:  7000 kB\nPss_Anon:  5000 kB\nPss_File:  2000 kB\n";
        assert_eq!(share_of(rollup), Some(5000 << 10));
        assert_eq!(share_of("Rss: 9 kB\nPss: 7 kB\n"), Some(7 << 10));
        assert_eq!(["", "Pss: kB", "Pss: 9", "Pss: 99999999999999999999 kB", "Pss: 18446744073709551615 kB"].map(share_of), [None; 5]);
        assert_eq!(bytes("VmRSS:\t   900 kB\nRssAnon:\t   300 kB\n", "RssAnon:"), Some(300 << 10));
        let own = super::super::process::stat(i32::try_from(std::process::id()).unwrap()).unwrap().identity;
        let memory = Memory::of(own.pid, &BTreeSet::from([own]));
        assert!(memory.generation > MIB && memory.generation < memory.limit, "{memory:?}");
        let gone = Memory::of(0, &BTreeSet::from([Identity { pid: 0, started: 0 }]));
        assert_eq!(gone, Memory { generation: 0, ..memory }, "nobody has this number");
        assert_eq!(Memory::unseen(), gone);
    }

    #[test]
    fn the_lowest_limit_holds() {
        let limit_of =
            |files: &[(&str, &str)]| limit(|path| files.iter().find(|(name, _)| *name == path).map(|(_, text)| (*text).to_owned()));
        let machine = ("/proc/meminfo", "MemTotal:       8000 kB\nMemFree: 1 kB\n");
        let groups = |text: &'static str| ("/proc/self/cgroup", text);
        assert_eq!(limit_of(&[]), 0);
        assert_eq!(limit_of(&[machine]), 8000 << 10);
        let in_container = [machine, groups("0::/\n"), ("/sys/fs/cgroup/memory.max", "4096\n")];
        assert_eq!(limit_of(&in_container), 4096);
        assert_eq!(limit_of(&[machine, groups("0::/\n"), ("/sys/fs/cgroup/memory.max", "max\n")]), 8000 << 10);
        let nested = [
            machine,
            groups("0::/pods/one:two/main\n"),
            ("/sys/fs/cgroup/pods/one:two/main/memory.max", "max\n"),
            ("/sys/fs/cgroup/pods/one:two/memory.max", "1024\n"),
            ("/sys/fs/cgroup/pods/memory.max", "2048\n"),
        ];
        assert_eq!(limit_of(&nested), 1024, "of those above, too");
        let first_version =
            [machine, groups("5:cpu,cpuacct:/a\n4:memory:/docker/a\n0::/\n"), ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "4096\n")];
        assert_eq!(limit_of(&first_version), 4096, "what is mounted is the end of the path");
        assert_eq!(
            limit_of(&[machine, groups("4:memory:/\n"), ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")]),
            8000 << 10
        );
        assert_eq!(limit_of(&[machine, groups("nonsense\n0::/../other\n")]), 8000 << 10);
    }
}
