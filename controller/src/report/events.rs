//! Sends Events. Through a bounded queue: while the API server is slow or away, events are dropped and nothing else waits.

use super::Identity;
use super::plan::{PlannedEvent, Subject};
use crate::causes::chain;
use crate::connection::{CallError, Connection, objects};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Events that wait at most.
const QUEUE: usize = 2000;
/// Events that are counted up when they happen again, at most; then all are new ones again.
const REMEMBERED: usize = 10_000;
/// How long one call may take.
const CALL_LIMIT: Duration = Duration::from_secs(10);
/// A namespace that takes no events is left alone for so long.
const FORBIDDEN_FOR: Duration = Duration::from_secs(60);
/// Longest message, in bytes, that the API takes.
const MESSAGE_BYTES: usize = 1024;
const COMPONENT: &str = "gatewright";

/// The end of the queue where events go in.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    sender: mpsc::Sender<PlannedEvent>,
    dropped: Arc<AtomicU64>,
}

impl Queue {
    /// Starts to send.
    pub(super) fn start(connection: Arc<Connection>, identity: &Identity) -> Self {
        let (sender, told) = mpsc::channel(QUEUE);
        let dropped = Arc::new(AtomicU64::new(0));
        let sending = Sending {
            connection,
            instance: identity.holder.clone(),
            started: Timestamp::now().as_nanosecond(),
            sent: HashMap::new(),
            forbidden: HashMap::new(),
            failing: false,
        };
        tokio::spawn(sending.run(told, Arc::clone(&dropped)));
        Self { sender, dropped }
    }

    /// Puts an event into the queue; drops it when that is full.
    pub(super) fn tell(&self, told: PlannedEvent) {
        if self.sender.try_send(told).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

struct Sending {
    connection: Arc<Connection>,
    instance: String,
    /// Makes the names of the events of this process its own.
    started: i128,
    /// How often each event was sent.
    sent: HashMap<u128, Sent>,
    /// Namespaces that take no events from us, and since when.
    forbidden: HashMap<String, Instant>,
    failing: bool,
}

#[derive(Debug, Clone, Copy)]
struct Sent {
    count: i32,
}

impl Sending {
    async fn run(mut self, mut told: mpsc::Receiver<PlannedEvent>, dropped: Arc<AtomicU64>) {
        while let Some(one) = told.recv().await {
            self.send(&one).await;
            let lost = dropped.swap(0, Ordering::Relaxed);
            if lost > 0 {
                tracing::warn!(lost, "there were more events than could be sent");
            }
        }
    }

    async fn send(&mut self, told: &PlannedEvent) {
        let namespace = told.subject.event_namespace();
        if self.forbidden.get(namespace).is_some_and(|since| since.elapsed() < FORBIDDEN_FOR) {
            return;
        }
        match self.create_or_count_up(told).await {
            Ok(()) => self.failing = false,
            Err(error @ CallError::Forbidden(_)) => {
                tracing::warn!(namespace, reason = chain(&error), "events cannot be written in a namespace; they are left out there");
                self.forbidden.insert(namespace.to_owned(), Instant::now());
            }
            // The namespace is being deleted, or is gone.
            Err(error @ CallError::Missing) => tracing::debug!(namespace, reason = chain(&error), "an event was not written"),
            Err(error) if std::mem::replace(&mut self.failing, true) => tracing::debug!(reason = chain(&error), "an event was not written"),
            Err(error) => tracing::warn!(reason = chain(&error), "events cannot be written"),
        }
    }

    async fn create_or_count_up(&mut self, told: &PlannedEvent) -> Result<(), CallError> {
        let key = key(told);
        if self.sent.len() >= REMEMBERED && !self.sent.contains_key(&key) {
            self.sent.clear();
            // Names of events that are forgotten may not be used again.
            self.started = Timestamp::now().as_nanosecond();
        }
        let name = self.name(told, key);
        let namespace = told.subject.event_namespace();
        if let Some(Sent { count }) = self.sent.get(&key).copied() {
            let patch = json!({"count": count.saturating_add(1), "lastTimestamp": Time(Timestamp::now()), "message": message(told)});
            let count_up = async |client| {
                let api = objects::<Event>(client, namespace);
                api.patch(&name, &PatchParams::default(), &Patch::Merge(&patch)).await
            };
            match self.connection.call(CALL_LIMIT, count_up).await {
                // Events end after an hour.
                Err(CallError::Missing) => {}
                result => {
                    result?;
                    self.sent.insert(key, Sent { count: count.saturating_add(1) });
                    return Ok(());
                }
            }
        }
        let event = self.event(told, name);
        let create = async |client| objects::<Event>(client, namespace).create(&PostParams::default(), &event).await;
        match self.connection.call(CALL_LIMIT, create).await {
            Ok(_) | Err(CallError::Conflict) => {
                self.sent.insert(key, Sent { count: 1 });
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Unique per process and event; the object's name comes first, as people expect.
    fn name(&self, told: &PlannedEvent, key: u128) -> String {
        const NAME_BYTES: usize = 200;
        let object = told.subject.name.name();
        let object = object[..object.floor_char_boundary(NAME_BYTES)].trim_end_matches(['.', '-']);
        let unique = xxhash_rust::xxh3::xxh3_64(format!("{key:x} {} {}", self.started, self.instance).as_bytes());
        format!("{object}.{unique:016x}")
    }

    fn event(&self, told: &PlannedEvent, name: String) -> Event {
        let now = Time(Timestamp::now());
        let Subject { api_version, kind, name: object, uid } = &told.subject;
        Event {
            metadata: ObjectMeta { name: Some(name), namespace: Some(told.subject.event_namespace().to_owned()), ..ObjectMeta::default() },
            involved_object: ObjectReference {
                api_version: Some((*api_version).to_owned()),
                kind: Some((*kind).to_owned()),
                name: Some(object.name().to_owned()),
                namespace: Some(object.namespace().to_owned()).filter(|namespace| !namespace.is_empty()),
                uid: Some(uid.to_string()).filter(|uid| !uid.is_empty()),
                ..ObjectReference::default()
            },
            type_: Some(if told.warning { "Warning" } else { "Normal" }.to_owned()),
            reason: Some(told.reason.clone()),
            message: Some(message(told).to_owned()),
            count: Some(1),
            first_timestamp: Some(now.clone()),
            last_timestamp: Some(now),
            source: Some(EventSource { component: Some(COMPONENT.to_owned()), host: None }),
            reporting_component: Some(COMPONENT.to_owned()),
            reporting_instance: Some(self.instance.clone()),
            ..Event::default()
        }
    }
}

fn message(told: &PlannedEvent) -> &str {
    &told.message[..told.message.floor_char_boundary(MESSAGE_BYTES)]
}

/// What makes two events the same one, happening again.
fn key(told: &PlannedEvent) -> u128 {
    let message = if told.same_again { "" } else { &told.message };
    let Subject { kind, name, uid, .. } = &told.subject;
    xxhash_rust::xxh3::xxh3_128(format!("{kind}\0{name}\0{uid}\0{}\0{message}", told.reason).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use gatewright_core::names::{Kind, ObjectName, ObjectRef};

    fn told(name: &str, message: &str, same_again: bool) -> PlannedEvent {
        let object = ObjectRef::new(Kind::Ingress, ObjectName::new("shop", name).unwrap());
        let subject = Subject::of(&object, "uid").unwrap();
        PlannedEvent { subject, warning: false, reason: "Sync".to_owned(), message: message.to_owned(), same_again }
    }

    fn sending() -> Sending {
        Sending {
            connection: Arc::new(Connection::new(crate::args::ClusterConfig::default())),
            instance: "pod".to_owned(),
            started: 1,
            sent: HashMap::new(),
            forbidden: HashMap::new(),
            failing: false,
        }
    }

    #[test]
    fn going_live_again_is_the_same_event_and_another_mistake_is_not() {
        assert_eq!(key(&told("a", "live in revision 1", true)), key(&told("a", "live in revision 2", true)));
        assert_ne!(key(&told("a", "one mistake", false)), key(&told("a", "another", false)));
        assert_ne!(key(&told("a", "x", true)), key(&told("b", "x", true)));
    }

    #[test]
    fn names_of_events_are_names_however_long_the_object_is_called() {
        let long = format!("{}.{}", "a".repeat(199), "b".repeat(50));
        let one = told(&long, "x", true);
        let name = sending().name(&one, key(&one));
        assert!(gatewright_core::names::is_dns_subdomain(&name), "{name}");
    }

    #[test]
    fn messages_are_cut_where_the_api_would_refuse_them() {
        let one = told("a", &"ä".repeat(2000), false);
        let event = sending().event(&one, "n".to_owned());
        assert!(event.message.unwrap().len() <= MESSAGE_BYTES);
    }

    #[tokio::test]
    async fn a_full_queue_drops_and_never_waits() {
        let (sender, _kept) = mpsc::channel(1);
        let queue = Queue { sender, dropped: Arc::default() };
        queue.tell(told("a", "x", true));
        queue.tell(told("b", "x", true));
        assert_eq!(queue.dropped.load(Ordering::Relaxed), 1);
    }
}
