//! What is forwarded as it is: ports, and TLS connections for some hosts.

use super::services::Services;
use super::texts::bare;
use super::{Change, Effect, Kind, Subject, kind_of};
use crate::model::{Model, Passthrough, Stream, Transport};
use crate::names::{HostName, HostPattern, ObjectRef};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

type Streams = BTreeMap<(Transport, u16), Arc<Stream>>;

/// TCP and UDP ports.
pub(super) fn streams(old: &Streams, new: &Streams, services: &Services) -> Vec<Change> {
    let keys: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let change = |key: &&(Transport, u16)| {
        let (before, after) = (old.get(*key), new.get(*key));
        let owner = after.or(before)?;
        let (from, to) = different(before.map(|stream| stream_text(stream, services)), after.map(|stream| stream_text(stream, services)))?;
        let name = format!("{} port {}", key.0.as_str(), key.1);
        Some(told(Subject::Stream, Vec::new(), name, (from, to), &owner.origin))
    };
    keys.iter().filter_map(change).collect()
}

/// What a stream is, without and with its endpoints.
fn stream_text(stream: &Stream, services: &Services) -> (String, String) {
    // Which port is told by its name; who asks for it is told beside.
    let Stream { transport: _, port: _, name, origin: _, endpoints, reads_proxy_header, sends_proxy_header } = stream;
    let reads = if *reads_proxy_header { ", PROXY headers read" } else { "" };
    let sends = if *sends_proxy_header { ", PROXY headers sent" } else { "" };
    (format!("{name}{reads}{sends}"), services.endpoints(name, endpoints))
}

/// Hosts whose TLS connections are passed on; and where that is new, from which paths they are taken.
pub(super) fn passthrough(before: &Model, model: &Model, services: &Services) -> Vec<Change> {
    let (old, new) = (&before.passthrough, &model.passthrough);
    let hosts: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let text = |passed: &Passthrough| {
        let Passthrough { origin: _, name, endpoints } = passed;
        (name.clone(), services.endpoints(name, endpoints))
    };
    let change = |host: &&HostName| {
        let (before, after) = (old.get(*host), new.get(*host));
        let owner = after.or(before)?;
        let mut texts = different(before.map(text), after.map(text))?;
        if texts.0.is_empty() {
            texts.1.push_str(&taken(model, host));
        }
        Some(told(Subject::Passthrough, vec![host.to_string()], host.to_string(), texts, &owner.origin))
    };
    hosts.iter().filter_map(change).collect()
}

/// The paths of a host that others than its Service of `/` would get the requests of, and `/`; empty: there are no others.
fn taken(model: &Model, host: &HostName) -> String {
    const SHOWN: usize = 8;
    let Some(host) = model.hosts.get(&HostPattern::Exact(host.clone())) else { return String::new() };
    let of_rules = host.routes.iter().filter(|route| route.service.is_some());
    let paths: BTreeSet<&str> = of_rules.map(|route| route.rule_path.as_str()).collect();
    if paths.iter().all(|path| *path == "/") {
        return String::new();
    }
    let mut out: Vec<String> = paths.iter().take(SHOWN).map(|path| bare(path)).collect();
    if let Some(more @ 1..) = paths.len().checked_sub(SHOWN) {
        out.push(format!("{more} more"));
    }
    format!(" in place of {}", out.join(", "))
}

/// What to tell of two things, each a name and its endpoints: the latter only where the former are the same.
fn different(before: Option<(String, String)>, after: Option<(String, String)>) -> Option<(String, String)> {
    if before == after {
        return None;
    }
    let same_name = before.as_ref().zip(after.as_ref()).is_some_and(|(before, after)| before.0 == after.0);
    let text =
        |of: Option<(String, String)>| of.map(|(name, at)| if same_name { format!("{name} at {at}") } else { name }).unwrap_or_default();
    Some((text(before), text(after)))
}

fn told(subject: Subject, hosts: Vec<String>, name: String, (from, to): (String, String), by: &ObjectRef) -> Change {
    let kind = kind_of(&from, &to);
    let effect = match kind {
        Kind::Added => Some(Effect::Opens),
        Kind::Removed => Some(Effect::Closes),
        Kind::Changed => None,
    };
    Change { subject, hosts, name, kind, from, to, by: Some(by.clone()), effect }
}
