//! Processes of the proxy.

use ipnet::IpNet;

/// Processes, connections, drain time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Workers {
    /// Number of workers; `None`: one for each processor.
    pub processes: Option<u32>,
    /// Connections of one worker.
    pub connections: u64,
    /// How long requests in flight may take after a reload or stop, in seconds.
    pub drain_timeout_s: u64,
    /// Open files of one worker; `None`: as the system has it.
    pub open_files: Option<u64>,
    /// A worker takes all waiting connections at once.
    pub multi_accept: bool,
    /// Which processor a worker runs on.
    pub cpu_affinity: CpuAffinity,
    /// Connections of these clients are logged in detail; sorted.
    pub debugged_clients: Vec<IpNet>,
}

impl Default for Workers {
    fn default() -> Self {
        Self {
            processes: None,
            connections: 16_384,
            drain_timeout_s: 240,
            open_files: None,
            multi_accept: true,
            cpu_affinity: CpuAffinity::Any,
            debugged_clients: Vec::new(),
        }
    }
}

/// Which processor a worker runs on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum CpuAffinity {
    /// Whichever the system picks.
    #[default]
    Any,
    /// One of its own, as far as there are enough.
    Spread,
    /// Those of its mask: `0` and `1`, the first processor last; one mask for each worker.
    Masks(Vec<String>),
}
