//! Compression, workers, hash tables.

use super::readers::{cpu_affinity, gzip_level, media_types, number_if_any, regex_if_any};
use super::{AUTOMATIC, List, NO_MODULE, NoEffect, Problem, ProblemKind, Read, Rule, Switch, each, set};
use crate::model::{CpuAffinity, Workers};
use crate::names::shown;
use crate::settings::values::{Mistake, flag, network, number, number_within, seconds};

pub(super) const KEYS: &[(&str, Rule)] = &[
    ("use-gzip", set!(gzip, flag)),
    ("gzip-level", set!(compression.level, gzip_level)),
    ("gzip-min-length", set!(compression.min_bytes, number)),
    ("gzip-types", set!(compression.types, media_types)),
    ("gzip-disable", set!(compression.excepted_agents, regex_if_any)),
    ("enable-brotli", Switch(NO_MODULE)),
    ("brotli-level", NoEffect(NO_MODULE)),
    ("brotli-min-length", NoEffect(NO_MODULE)),
    ("brotli-types", NoEffect(NO_MODULE)),
    ("enable-aio-write", NoEffect("files are written by the workers themselves")),
    (
        "worker-processes",
        Read(|draft, text| {
            draft.globals().workers.processes = match text {
                "" | "auto" => None,
                _ => Some(processes(text)?),
            };
            Ok(())
        }),
    ),
    ("worker-cpu-affinity", set!(workers.cpu_affinity, cpu_affinity)),
    ("worker-shutdown-timeout", set!(workers.drain_timeout_s, seconds)),
    ("enable-serial-reloads", Switch("reloads are spaced by the number of workers that still drain")),
    (
        "max-worker-connections",
        Read(|draft, text| {
            let connections = number_within(text, 0..=1 << 20, "use a number of at most 1048576")?;
            if connections > 0 {
                draft.globals().workers.connections = connections;
            }
            Ok(())
        }),
    ),
    ("max-worker-open-files", set!(workers.open_files, number_if_any)),
    ("map-hash-bucket-size", NoEffect(AUTOMATIC)),
    ("server-name-hash-max-size", NoEffect(AUTOMATIC)),
    ("server-name-hash-bucket-size", NoEffect(AUTOMATIC)),
    ("variables-hash-bucket-size", NoEffect(AUTOMATIC)),
    ("variables-hash-max-size", NoEffect(AUTOMATIC)),
    ("debug-connections", List(each!(config.globals.workers.debugged_clients, partly_sorted, network))),
    ("lua-shared-dicts", NoEffect("there is no Lua here")),
];

/// More are more than any machine has use for.
fn processes(text: &str) -> Result<u32, Mistake> {
    let count = u32::try_from(number(text)?).ok().filter(|count| (1..=1024).contains(count));
    count.ok_or_else(|| Mistake::new(format!("{} is not a number of workers", shown(text)), "use a number from 1 to 1024, or auto"))
}

/// Leaves out what does not go together with another key; the proxy would take it, and complain at every load.
pub(super) fn settle(workers: &mut Workers) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut problem = |key: &str, message: String, help: &str| {
        problems.push(Problem {
            key: key.to_owned(),
            kind: ProblemKind::BadValue,
            message: format!("{key}: {message}"),
            help: help.to_owned(),
        });
    };
    let connections = workers.connections;
    if let Some(files) = workers.open_files.take_if(|files| *files < connections) {
        let message = format!("{files} files are too few for {connections} connections of a worker");
        problem("max-worker-open-files", message, "give more, or set max-worker-connections to fewer");
    }
    if workers.processes.is_none() && matches!(workers.cpu_affinity, CpuAffinity::Masks(_)) {
        workers.cpu_affinity = CpuAffinity::Any;
        let message = "there is a mask for each worker, and worker-processes does not say how many workers there are".to_owned();
        problem("worker-cpu-affinity", message, "set worker-processes to a number, or this to auto");
    }
    problems
}
