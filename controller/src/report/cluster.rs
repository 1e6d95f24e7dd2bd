//! What is told to the cluster: starts the election, the statuses and the events, and ends them in order.

use super::addresses::CALL_LIMIT;
use super::events::Queue;
use super::leader::{self, Election};
use super::plan::{News, PlannedEvent, Reported, Subject};
use super::status::Writer;
use super::{IngressQueries, Metrics};
use crate::args::StatusConfig;
use crate::connection::{Connection, objects};
use gatewright_core::names::ObjectName;
use k8s_openapi::api::core::v1::Pod;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Who this process is in the cluster.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    /// `POD_NAMESPACE`: where the Lease and the Pods of this controller are.
    pub(crate) namespace: String,
    /// `POD_NAME`; `None` outside of a Pod.
    pub(crate) pod: Option<String>,
    /// `NODE_NAME`; `None`: the Pod says it.
    pub(crate) node: Option<String>,
    /// What the Lease is held by: the Pod's name, or one of this process alone.
    pub(crate) holder: String,
}

impl Identity {
    /// Reads the environment.
    pub(crate) fn of_environment() -> Self {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let pod = variable("POD_NAME");
        let process = || format!("{}-{}-{:x}", host_name(), std::process::id(), jiff::Timestamp::now().as_nanosecond());
        Self {
            namespace: variable("POD_NAMESPACE").unwrap_or_else(|| "default".to_owned()),
            holder: pod.clone().unwrap_or_else(process),
            pod,
            node: variable("NODE_NAME"),
        }
    }
}

fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").map_or_else(|_| "localhost".to_owned(), |name| name.trim().to_owned())
}

/// The reports to the cluster, while they run.
#[derive(Debug)]
pub(crate) struct Reports {
    stop_status: watch::Sender<bool>,
    stop_election: watch::Sender<bool>,
    /// Kept where nobody else holds it: without an election, leadership never changes.
    _leads: Option<watch::Sender<bool>>,
    status: Option<JoinHandle<()>>,
    election: Option<JoinHandle<()>>,
}

impl Reports {
    /// Starts whatever the flags ask for. `proxy` is what events call it.
    pub(crate) fn start(
        connection: &Arc<Connection>,
        (identity, proxy): (&Identity, &'static str),
        config: &StatusConfig,
        (news, queries): (watch::Receiver<News>, IngressQueries),
        metrics: Arc<Metrics>,
    ) -> Self {
        let (stop_status, stopping_status) = watch::channel(false);
        let (stop_election, stopping_election) = watch::channel(false);
        // Without an election everybody leads.
        let (leads, leading) = watch::channel(!config.leader_election);
        let (election, leads) = if config.leader_election {
            let election = Election { id: config.election_id.clone(), ttl: config.election_ttl };
            let stand = leader::stand(Arc::clone(connection), identity.clone(), election, leads, stopping_election);
            (Some(tokio::spawn(stand)), None)
        } else {
            (None, Some(leads))
        };
        let status = config.update.then(|| {
            let writer = Writer::new(Arc::clone(connection), identity.clone(), config.clone(), queries, news.clone(), leading.clone());
            tokio::spawn(writer.run(stopping_status))
        });
        let queue = Queue::start(Arc::clone(connection), identity);
        if let Some(pod) = identity.pod.as_deref().and_then(|pod| ObjectName::new(&identity.namespace, pod).ok()) {
            tokio::spawn(tell_of_reloads(Arc::clone(connection), (pod, proxy), news.clone(), queue.clone()));
        }
        tokio::spawn(tell(news, leading.clone(), config.sync_events.then_some(queue)));
        tokio::spawn(show_leadership(leading, metrics));
        Self { stop_status, stop_election, _leads: leads, status, election }
    }

    /// Ends: statuses first, then the Lease, so that nobody else writes meanwhile.
    pub(crate) async fn stop(self) {
        self.stop_status.send_replace(true);
        if let Some(task) = self.status {
            let _ = task.await;
        }
        self.stop_election.send_replace(true);
        if let Some(task) = self.election {
            let _ = task.await;
        }
    }
}

async fn show_leadership(mut leading: watch::Receiver<bool>, metrics: Arc<Metrics>) {
    loop {
        metrics.leader(*leading.borrow_and_update());
        if leading.changed().await.is_err() {
            return;
        }
    }
}

/// Events about objects: those of the leader only, or every replica would say the same.
async fn tell(mut news: watch::Receiver<News>, mut leading: watch::Receiver<bool>, queue: Option<Queue>) {
    let Some(queue) = queue else { return };
    let mut reported = Reported::default();
    let mut told_before = false;
    loop {
        let now = news.borrow_and_update().clone();
        let leads = *leading.borrow_and_update();
        if leads && now.revision > 0 {
            if !std::mem::replace(&mut told_before, true) {
                reported.skip(&now);
                reported.begin(&now);
            }
            reported.news(&now).into_iter().for_each(|told| queue.tell(told));
        } else {
            told_before = false;
            reported.skip(&now);
        }
        tokio::select! {
            changed = news.changed() => if changed.is_err() { return },
            Ok(()) = leading.changed() => {}
        }
    }
}

/// Events about reloads, on the Pod of this replica.
async fn tell_of_reloads(
    connection: Arc<Connection>,
    (pod, proxy): (ObjectName, &'static str),
    mut news: watch::Receiver<News>,
    queue: Queue,
) {
    let mut subject = Subject { api_version: "v1", kind: "Pod", name: pod, uid: "".into() };
    let (mut loads, mut trouble) = (0, Arc::<str>::from(""));
    loop {
        let now = news.borrow_and_update().clone();
        let (warning, message) = if now.loads > loads {
            (false, format!("{proxy} reload triggered due to a change in configuration"))
        } else if !now.trouble.is_empty() && now.trouble != trouble {
            (true, format!("Error reloading {proxy}: {}", now.trouble))
        } else {
            (false, String::new())
        };
        (loads, trouble) = (now.loads, now.trouble);
        if !message.is_empty() {
            if subject.uid.is_empty() {
                let get = async |client| objects::<Pod>(client, subject.name.namespace()).get(subject.name.name()).await;
                let found = connection.call(CALL_LIMIT, get).await.ok().and_then(|pod| pod.metadata.uid);
                subject.uid = found.unwrap_or_default().into();
            }
            queue.tell(PlannedEvent { subject: subject.clone(), warning, reason: "RELOAD".to_owned(), message, same_again: false });
        }
        if news.changed().await.is_err() {
            return;
        }
    }
}
