//! Metrics of the proxy's processes: what nginx says of its connections, and what the system says of the processes.

use crate::proxy::{ProxyHealth, page};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use std::fmt;
use std::fs;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// For one look. What is not there by then is left out.
const PATIENCE: Duration = Duration::from_secs(2);

/// The unit of times in `/proc`, the same on all that Linux calls USER_HZ.
const TICKS_PER_SECOND: f64 = 100.0;

/// Looks at the processes whenever somebody asks for metrics.
#[derive(Debug)]
pub(crate) struct Processes {
    health: ProxyHealth,
    status_port: u16,
    /// What the processes are called.
    program: &'static str,
    seen: Mutex<(Option<Connections>, Option<Usage>)>,
}

/// What nginx says of all its workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Connections {
    active: u64,
    accepted: u64,
    handled: u64,
    requests: u64,
    reading: u64,
    writing: u64,
    waiting: u64,
}

/// What the system says, summed up over the processes.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Usage {
    processes: u64,
    cpu_s: f64,
    /// Read and written; `None`: they may not be seen.
    io_bytes: Option<(u64, u64)>,
    resident_bytes: u64,
    virtual_bytes: u64,
    oldest_start_s: f64,
}

impl Processes {
    pub(crate) fn new(health: ProxyHealth, status_port: u16, program: &'static str) -> Self {
        Self { health, status_port, program, seen: Mutex::default() }
    }

    /// Looks again.
    pub(super) async fn look(&self) {
        let look = async {
            let connections = page(self.status_port, "/gatewright/status").await.and_then(|text| Connections::read(&text));
            let pid = self.health.status().await.ok().and_then(|status| status.pid);
            (connections, pid.and_then(|pid| Usage::of_master(pid.into(), self.program)))
        };
        *self.seen() = tokio::time::timeout(PATIENCE, look).await.unwrap_or_default();
    }

    fn seen(&self) -> MutexGuard<'_, (Option<Connections>, Option<Usage>)> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connections {
    /// Reads the page of `stub_status`.
    fn read(text: &str) -> Option<Self> {
        let numbers: Vec<u64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        let [active, accepted, handled, requests, reading, writing, waiting] = numbers.try_into().ok()?;
        Some(Self { active, accepted, handled, requests, reading, writing, waiting })
    }
}

impl Usage {
    /// Of a master and its workers. `None`: there is no process of that number and name here; it runs where other numbers
    /// count.
    fn of_master(master: i64, program: &str) -> Option<Self> {
        let booted = fs::read_to_string("/proc/stat").ok()?;
        let booted_s: f64 = booted.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
        let mut sum = Self::of_process(master, program, booted_s)?;
        let children = fs::read_to_string(format!("/proc/{master}/task/{master}/children")).unwrap_or_default();
        for other in children.split_whitespace().filter_map(|pid| Self::of_process(pid.parse().ok()?, program, booted_s)) {
            sum = sum.and(&other);
        }
        Some(sum)
    }

    fn of_process(pid: i64, program: &str, booted_s: f64) -> Option<Self> {
        let read = |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).ok();
        let stat = read("stat")?;
        let (cpu_s, start_s) = times(&stat, program)?;
        let status = read("status")?;
        let kib = |key| Some(field(&status, key)?.saturating_mul(1024));
        let io = read("io");
        let io_bytes = io.and_then(|io| Some((field(&io, "read_bytes:")?, field(&io, "write_bytes:")?)));
        Some(Self {
            processes: 1,
            cpu_s,
            io_bytes,
            resident_bytes: kib("VmRSS:")?,
            virtual_bytes: kib("VmSize:")?,
            oldest_start_s: booted_s + start_s,
        })
    }

    fn and(&self, other: &Self) -> Self {
        Self {
            processes: self.processes + other.processes,
            cpu_s: self.cpu_s + other.cpu_s,
            io_bytes: self.io_bytes.zip(other.io_bytes).map(|(own, others)| (own.0 + others.0, own.1 + others.1)),
            resident_bytes: self.resident_bytes + other.resident_bytes,
            virtual_bytes: self.virtual_bytes + other.virtual_bytes,
            oldest_start_s: self.oldest_start_s.min(other.oldest_start_s),
        }
    }
}

/// Time on a processor, and start since boot, in seconds, out of `/proc/PID/stat` of a process that is called so.
fn times(stat: &str, program: &str) -> Option<(f64, f64)> {
    const USER: usize = 11;
    const SYSTEM: usize = 12;
    const START: usize = 19;
    let (head, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let seconds = |n: usize| Some(fields.get(n)?.parse::<f64>().ok()? / TICKS_PER_SECOND);
    let is_it = head.split_once('(')?.1.starts_with(program);
    if is_it { Some((seconds(USER)? + seconds(SYSTEM)?, seconds(START)?)) } else { None }
}

/// The number behind a key.
fn field(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(key))?.split_whitespace().next()?.parse().ok()
}

/// Shows what [`Processes`] saw.
#[derive(Debug)]
pub(super) struct ProcessCollector(pub(super) Arc<OnceLock<Processes>>);

impl Collector for ProcessCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(processes) = self.0.get() else { return Ok(()) };
        let (connections, usage) = *processes.seen();
        connections.map_or(Ok(()), |connections| connections.encode(&mut encoder))?;
        usage.map_or(Ok(()), |usage| usage.encode(&mut encoder))
    }
}

/// The full name; counters get their `_total` from the encoder.
fn full(name: &str) -> String {
    format!("nginx_ingress_controller_nginx_process_{name}")
}

impl Connections {
    fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let now = [("active", self.active), ("reading", self.reading), ("writing", self.writing), ("waiting", self.waiting)];
        by_state(encoder, "connections", "Connections of clients", &now)?;
        // A gauge, for the name of a counter would be that of the gauge above.
        let all = [("accepted", self.accepted), ("handled", self.handled)];
        by_state(encoder, "connections_total", "Connections of clients since the start", &all)?;
        counter(encoder, "requests", "Requests since the start", &ConstCounter::new(self.requests))
    }
}

impl Usage {
    fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        gauge(encoder, "num_procs", "Processes of the proxy", &ConstGauge::new(self.processes))?;
        counter(encoder, "cpu_seconds", "Time on a processor", &ConstCounter::new(self.cpu_s))?;
        if let Some((read, written)) = self.io_bytes {
            counter(encoder, "read_bytes", "Bytes read from disks", &ConstCounter::new(read))?;
            counter(encoder, "write_bytes", "Bytes written to disks", &ConstCounter::new(written))?;
        }
        gauge(encoder, "resident_memory_bytes", "Memory in use", &ConstGauge::new(self.resident_bytes))?;
        gauge(encoder, "virtual_memory_bytes", "Memory that is mapped", &ConstGauge::new(self.virtual_bytes))?;
        let help = "Start of the oldest process, in seconds since 1970";
        gauge(encoder, "oldest_start_time_seconds", help, &ConstGauge::new(self.oldest_start_s))
    }
}

fn by_state(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, states: &[(&str, u64)]) -> fmt::Result {
    let name = full(name);
    let mut metric = encoder.encode_descriptor(&name, help, None, MetricType::Gauge)?;
    for (state, value) in states {
        ConstGauge::new(*value).encode(metric.encode_family(&[("state", *state)])?)?;
    }
    Ok(())
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: &impl EncodeMetric) -> fmt::Result {
    value.encode(encoder.encode_descriptor(&full(name), help, None, MetricType::Gauge)?)
}

fn counter(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: &impl EncodeMetric) -> fmt::Result {
    value.encode(encoder.encode_descriptor(&full(name), help, None, MetricType::Counter)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_nginx_is_read() {
        let text = "Active connections: 3 \nserver accepts handled requests\n 16 15 31 \nReading: 0 Writing: 1 Waiting: 2 \n";
        let expected = Connections { active: 3, accepted: 16, handled: 15, requests: 31, reading: 0, writing: 1, waiting: 2 };
        assert_eq!(Connections::read(text), Some(expected));
        assert_eq!(Connections::read("Active connections: 3"), None);
    }

    #[test]
    fn times_are_those_of_nginx_and_of_nobody_else() {
        let stat = |name| format!("42 ({name}) S 1 42 42 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 1 0 1000 2 3 4");
        assert_eq!(times(&stat("nginx"), "nginx"), Some((2.0, 10.0)));
        assert_eq!(times(&stat("sleep) (nginx"), "nginx"), None);
        assert_eq!(times("42 (nginx) S 1", "nginx"), None);
    }

    #[test]
    fn a_process_that_is_not_nginx_is_not_counted() {
        assert_eq!(Usage::of_master(std::process::id().into(), "nginx"), None);
    }
}
