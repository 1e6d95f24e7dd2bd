//! Writes the status of Ingresses: only as leader, only what is live, only where it differs.

use super::addresses::{self, CALL_LIMIT, Source};
use super::plan::{self, News};
use super::{Identity, IngressQueries, IngressQuery};
use crate::args::StatusConfig;
use crate::causes::chain;
use crate::connection::{CallError, Connection};
use futures::StreamExt;
use gatewright_core::names::ObjectName;
use gatewright_core::state::{Ingress, LoadBalancerAddress};
use k8s_openapi::api::networking::v1 as networking;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, PostParams};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};

/// Statuses that are written at the same time.
const AT_ONCE: usize = 10;
/// When something could not be written, or an address is awaited.
const SOON: Duration = Duration::from_secs(5);
/// How long the statuses may take at the end.
const END_LIMIT: Duration = Duration::from_secs(30);

/// Writes.
pub(super) struct Writer {
    connection: Arc<Connection>,
    identity: Identity,
    config: StatusConfig,
    source: Source,
    queries: IngressQueries,
    news: watch::Receiver<News>,
    leads: watch::Receiver<bool>,
    /// The addresses that were found last, and when.
    addresses: Option<(Vec<LoadBalancerAddress>, Instant)>,
    /// Ingresses that were live once and may still hold what we wrote.
    known: HashSet<ObjectName>,
    said: String,
}

impl Writer {
    pub(super) fn new(
        connection: Arc<Connection>,
        identity: Identity,
        config: StatusConfig,
        queries: IngressQueries,
        news: watch::Receiver<News>,
        leads: watch::Receiver<bool>,
    ) -> Self {
        let source = Source::of(&config);
        Self { connection, identity, source, config, queries, news, leads, addresses: None, known: HashSet::new(), said: String::new() }
    }

    /// Keeps the statuses right until `stop`; then empties them if nobody else will serve.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            let pause = if self.round().await { self.config.interval } else { SOON };
            tokio::select! {
                changed = self.news.changed() => if changed.is_err() { return },
                changed = self.leads.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(pause) => {}
                _ = stop.wait_for(|stop| *stop) => break,
            }
        }
        if self.config.clear_on_shutdown && tokio::time::timeout(END_LIMIT, self.end()).await.is_err() {
            tracing::warn!(limit_s = END_LIMIT.as_secs(), "the statuses could not all be emptied in time");
        }
    }

    /// Brings every status to what it should be; whether that worked.
    async fn round(&mut self) -> bool {
        let live = self.news.borrow_and_update().revision > 0;
        if !*self.leads.borrow_and_update() || !live {
            return true;
        }
        let Some(addresses) = self.current_addresses().await else { return false };
        let Some((served, left)) = self.look().await else { return true };
        let plan = plan::statuses(&served, &left, &addresses);
        let written = self.write(plan).await;
        if written {
            self.known = served.iter().map(|ingress| ingress.meta.name.clone()).collect();
        } else {
            self.known.extend(served.iter().map(|ingress| ingress.meta.name.clone()));
        }
        written && !addresses.is_empty()
    }

    /// The served Ingresses and those that were served before, all as they are now.
    async fn look(&self) -> Option<(Vec<Arc<Ingress>>, Vec<Arc<Ingress>>)> {
        let served: HashSet<_> = self.news.borrow().served.iter().map(|ingress| ingress.meta.name.clone()).collect();
        let (answer, answered) = oneshot::channel();
        let names = served.union(&self.known).cloned().collect();
        self.queries.send(IngressQuery { names, answer }).await.ok()?;
        Some(answered.await.ok()?.into_iter().partition(|ingress| served.contains(&ingress.meta.name)))
    }

    async fn current_addresses(&mut self) -> Option<Vec<LoadBalancerAddress>> {
        let fresh = |(addresses, at): &&(Vec<_>, Instant)| at.elapsed() < if addresses.is_empty() { SOON } else { self.config.interval };
        if let Some((addresses, _)) = self.addresses.as_ref().filter(fresh) {
            return Some(addresses.clone());
        }
        match self.source.addresses(&self.connection, &self.identity).await {
            Ok(addresses) => {
                self.said.clear();
                self.addresses = Some((addresses.clone(), Instant::now()));
                Some(addresses)
            }
            Err(error) => {
                self.complain(chain(&error));
                None
            }
        }
    }

    async fn write(&mut self, plan: Vec<(Arc<Ingress>, Vec<LoadBalancerAddress>)>) -> bool {
        if plan.is_empty() {
            return true;
        }
        let count = plan.len();
        let connection = &self.connection;
        let results: Vec<_> = futures::stream::iter(plan)
            .map(|(ingress, addresses)| async move { write(connection, &ingress, &addresses).await.map_err(|error| (ingress, error)) })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let failed: Vec<_> = results.into_iter().filter_map(Result::err).collect();
        tracing::info!(written = count - failed.len(), failed = failed.len(), "statuses of Ingresses written");
        if let Some((ingress, error)) = failed.first() {
            self.complain(format!("status of Ingress {}: {}", ingress.meta.name, chain(error)));
        }
        failed.is_empty()
    }

    /// Empties the statuses, unless another replica serves on or the addresses are others' too.
    async fn end(&mut self) {
        if self.news.borrow().revision == 0 {
            return;
        }
        let alone = match addresses::has_peers(&self.connection, &self.identity).await {
            Ok(others) => !others,
            Err(addresses::AddressError::Nowhere) => *self.leads.borrow(),
            Err(error) => {
                tracing::warn!(reason = chain(&error), "could not find out whether another replica runs, so the status of Ingresses stays");
                false
            }
        };
        let one_address = self.current_addresses().await.is_some_and(|addresses| addresses.len() <= 1);
        if !alone || !one_address {
            return;
        }
        if let Some((served, _)) = self.look().await {
            self.write(plan::emptied(&served)).await;
        }
    }

    fn complain(&mut self, text: String) {
        if std::mem::replace(&mut self.said, text.clone()) != text {
            tracing::warn!(reason = text, "the status of Ingresses cannot be written; trying again");
        }
    }
}

/// Writes one status: what is there is read first, so that nothing else of the object is lost.
async fn write(connection: &Connection, ingress: &Ingress, addresses: &[LoadBalancerAddress]) -> Result<(), CallError> {
    let name = &ingress.meta.name;
    let resource = ApiResource::erase::<networking::Ingress>(&());
    let replace = async |client| {
        let api = Api::<DynamicObject>::namespaced_with(client, name.namespace(), &resource);
        let mut object = api.get(name.name()).await?;
        if object.metadata.uid.as_deref() != Some(&ingress.meta.uid) {
            return Ok(());
        }
        object.data["status"]["loadBalancer"] = json!({"ingress": addresses.iter().map(item).collect::<Vec<_>>()});
        api.replace_status(name.name(), &PostParams::default(), &object).await.map(drop)
    };
    match connection.call(CALL_LIMIT, replace).await {
        // It is gone, and its status with it.
        Err(CallError::Missing) => Ok(()),
        result => result,
    }
}

fn item(address: &LoadBalancerAddress) -> Value {
    let mut item = json!({});
    for (key, value) in [("ip", &address.ip), ("hostname", &address.hostname)] {
        if !value.is_empty() {
            item[key] = (**value).into();
        }
    }
    item
}
