//! Starts the watches, waits for their first lists, and merges what they say.

mod told;

use super::Scope;
use super::follow::{Out, Said, WatchId, follow};
use super::watched::{Watched, WatchedKind};
use crate::connection::Connection;
use crate::source::{Input, Located};
use gatewright_core::diagnostic::Diagnostic;
use gatewright_core::names::{Kind, ObjectName, ObjectRef};
use gatewright_core::state::{
    ConfigMap, DecodeError, EndpointSlice, Event, GatewrightParameters, Ingress, IngressClass, Namespace, Secret, Service,
};
use gatewright_core::translate::Wanted;
use kube::runtime::watcher::Config;
use kube::{Api, Client};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;

/// Objects that are watched one by one at most; more than that is a sign of something else.
const SINGLE_WATCHES: usize = 1000;

/// Runs until the receiver of the inputs is gone.
pub(super) async fn run(connection: Arc<Connection>, scope: Scope, mut wanted: watch::Receiver<Wanted>, out: mpsc::Sender<Input>) {
    const QUEUE: usize = 4096;
    let (sender, mut said) = mpsc::channel(QUEUE);
    let mut gather = Gather::new(connection, scope, sender);
    gather.start();
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            message = said.recv() => {
                let Some((id, first)) = message else { return };
                gather.take(id, first, &mut batch);
                while let Ok((id, more)) = said.try_recv() {
                    gather.take(id, more, &mut batch);
                }
            }
            changed = wanted.changed() => {
                if changed.is_err() {
                    return;
                }
                let wanted = wanted.borrow_and_update().clone();
                gather.want(wanted, &mut batch);
            }
        }
        if gather.tell(&mut batch, &out).await.is_err() {
            return;
        }
    }
}

/// How a watch is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Health {
    /// Nothing was heard yet.
    Begun,
    /// Its list has been complete at least once.
    Complete,
    /// It may not be made.
    Forbidden,
    /// Its first list has not succeeded yet, for this reason.
    Failing(String),
}

#[derive(Debug)]
struct Running {
    health: Health,
    /// Its list has been complete, whatever its health is now.
    was_complete: bool,
    task: AbortHandle,
}

struct Gather {
    connection: Arc<Connection>,
    scope: Scope,
    out: Out,
    running: BTreeMap<WatchId, Running>,
    unreadable: BTreeMap<ObjectRef, DecodeError>,
    /// Secrets that the watch of key pairs delivers.
    tls_secrets: HashSet<ObjectName>,
    wanted: Wanted,
    /// Everything in `wanted` was looked up and said.
    answered: bool,
    /// So were its settings.
    settings_are_told: bool,
    /// Namespaces that hold Ingresses: where kinds that may not be read everywhere are tried.
    namespaces: BTreeSet<String>,
    /// All namespaces, as far as they may be read.
    known_namespaces: BTreeSet<String>,
    complete: bool,
    /// As it was told last: whether the main ConfigMap may not be read and never was.
    lacks_main: bool,
    /// As it was told last.
    classes_are_readable: bool,
    /// As they were told last: objects with settings that may not be read.
    forbidden: BTreeSet<ObjectRef>,
    problems: Vec<Diagnostic>,
}

impl Gather {
    fn new(connection: Arc<Connection>, scope: Scope, out: Out) -> Self {
        let namespaces = BTreeSet::from([scope.own_namespace.clone()]);
        Self {
            connection,
            scope,
            out,
            running: BTreeMap::new(),
            unreadable: BTreeMap::new(),
            tls_secrets: HashSet::new(),
            wanted: Wanted::default(),
            answered: true,
            settings_are_told: true,
            namespaces,
            known_namespaces: BTreeSet::new(),
            complete: false,
            lacks_main: false,
            classes_are_readable: true,
            forbidden: BTreeSet::new(),
            problems: Vec::new(),
        }
    }

    fn start(&mut self) {
        let namespace = self.scope.namespace.clone();
        let everywhere = |kind| WatchId { kind, namespace: namespace.clone(), name: None };
        let backs: &[_] = if self.scope.backs { &[Kind::EndpointSlice] } else { &[] };
        for kind in [Kind::Ingress, Kind::Service].iter().chain(backs) {
            self.watch(everywhere(*kind));
        }
        if self.scope.backs && self.scope.secrets {
            self.watch(everywhere(Kind::Secret));
        }
        self.watch(WatchId { kind: Kind::IngressClass, namespace: None, name: None });
        if self.scope.namespaces {
            self.watch(WatchId { kind: Kind::Namespace, namespace: None, name: None });
        }
    }

    fn watch(&mut self, id: WatchId) {
        if self.running.contains_key(&id) {
            return;
        }
        let task = match id.kind {
            Kind::Ingress => self.spawn::<Ingress>(&id, Config::default(), namespaced),
            Kind::IngressClass => self.spawn::<IngressClass>(&id, Config::default(), whole),
            Kind::Service => self.spawn::<Service>(&id, Config::default(), namespaced),
            Kind::EndpointSlice | Kind::Endpoints => self.spawn::<EndpointSlice>(&id, Config::default(), namespaced),
            Kind::Secret if id.name.is_none() => self.spawn::<Secret>(&id, Config::default().fields("type=kubernetes.io/tls"), namespaced),
            Kind::Secret => self.spawn::<Secret>(&id, by_name(&id), namespaced),
            Kind::ConfigMap => self.spawn::<ConfigMap>(&id, by_name(&id), namespaced),
            Kind::Namespace => self.spawn::<Namespace>(&id, Config::default(), whole),
            Kind::GatewrightParameters => self.spawn::<GatewrightParameters>(&id, by_name(&id), namespaced),
        };
        self.running.insert(id, Running { health: Health::Begun, was_complete: false, task });
    }

    fn spawn<T: WatchedKind>(&self, id: &WatchId, config: Config, api: fn(Client, Option<&str>) -> Api<Watched<T>>) -> AbortHandle {
        tokio::spawn(follow::<T>(Arc::clone(&self.connection), id.clone(), config, api, self.out.clone())).abort_handle()
    }

    fn take(&mut self, id: WatchId, said: Said, batch: &mut Vec<Event>) {
        // What a watch says that was ended in the meantime no longer counts.
        if !self.running.contains_key(&id) {
            return;
        }
        match said {
            Said::Happened(event) => {
                self.note(&id, &event);
                batch.push(event);
            }
            Said::Unreadable(name, error) => {
                self.unreadable.insert(ObjectRef::new(id.kind, name), error);
            }
            Said::Complete => {
                tracing::debug!(watch = %id, "list is complete");
                self.set(&id, Health::Complete);
                self.everywhere_again(&id);
            }
            Said::Forbidden => {
                if self.set(&id, Health::Forbidden) {
                    tracing::warn!(watch = %id, "the API server does not permit this watch");
                }
                self.each_namespace(&id);
                self.look_for_ingresses();
            }
            Said::Failing(why) => {
                tracing::warn!(watch = %id, reason = %why, "the API server cannot be watched; trying again");
                // An API server that is away takes nothing back: what was forbidden is not read, and not missing. Before all is known
                // that is, it is waited for.
                let health = self.running.get(&id).map(|running| &running.health);
                let stays = health.is_none_or(|health| *health == Health::Complete || (*health == Health::Forbidden && self.complete));
                if !stays {
                    self.set(&id, Health::Failing(why));
                }
            }
        }
    }

    fn note(&mut self, id: &WatchId, event: &Event) {
        let reference = match event {
            Event::Applied(object) => object.reference(),
            Event::Deleted(reference) => reference.clone(),
            Event::Resolved(..) => return,
        };
        self.unreadable.remove(&reference);
        let applied = matches!(event, Event::Applied(_));
        match reference.kind {
            Kind::Secret if id.name.is_none() && applied => {
                self.tls_secrets.insert(reference.name);
            }
            Kind::Secret if id.name.is_none() => {
                self.tls_secrets.remove(&reference.name);
            }
            Kind::Ingress if applied && self.namespaces.insert(reference.name.namespace().to_owned()) => {
                let forbidden = self.running.iter().filter(|(id, running)| id.namespace.is_none() && running.health == Health::Forbidden);
                let forbidden: Vec<_> = forbidden.map(|(id, _)| id.clone()).collect();
                forbidden.iter().for_each(|id| self.each_namespace(id));
            }
            Kind::Namespace => self.note_namespace(reference.name.name(), applied),
            _ => {}
        }
    }

    /// Changes the health of a watch; whether it is another one than before.
    fn set(&mut self, id: &WatchId, health: Health) -> bool {
        let Some(running) = self.running.get_mut(id) else { return false };
        running.was_complete |= health == Health::Complete;
        std::mem::replace(&mut running.health, health.clone()) != health
    }

    /// A kind that may not be read everywhere is tried where Ingresses are, and where the controller is.
    fn each_namespace(&mut self, id: &WatchId) {
        let namespaced = !matches!(id.kind, Kind::IngressClass | Kind::Namespace);
        if id.namespace.is_none() && namespaced {
            for namespace in self.namespaces.clone() {
                self.watch(WatchId { namespace: Some(namespace), ..id.clone() });
            }
        }
    }

    /// Names of namespaces matter only where Ingresses have to be looked for in each of them.
    fn note_namespace(&mut self, name: &str, exists: bool) {
        if !exists {
            self.known_namespaces.remove(name);
            self.end(&WatchId { kind: Kind::Ingress, namespace: Some(name.to_owned()), name: None });
        } else if self.known_namespaces.insert(name.to_owned()) {
            self.look_for_ingresses();
        }
    }

    /// Where Ingresses may not be read everywhere, they are tried in every namespace there is.
    fn look_for_ingresses(&mut self) {
        let everywhere = WatchId { kind: Kind::Ingress, namespace: None, name: None };
        if self.running.get(&everywhere).is_none_or(|running| running.health != Health::Forbidden) {
            return;
        }
        for namespace in self.known_namespaces.iter().take(SINGLE_WATCHES).cloned().collect::<Vec<_>>() {
            self.watch(WatchId { namespace: Some(namespace), ..everywhere.clone() });
        }
        self.watch(WatchId { kind: Kind::Namespace, namespace: None, name: None });
    }

    /// A kind that may be read everywhere after all is no longer read by namespace.
    fn everywhere_again(&mut self, id: &WatchId) {
        if id.namespace.is_none() {
            let parts: Vec<_> = self
                .running
                .keys()
                .filter(|part| part.kind == id.kind && part.namespace.is_some() && part.name.is_none())
                .cloned()
                .collect();
            for part in parts {
                self.end(&part);
            }
        }
    }

    fn end(&mut self, id: &WatchId) {
        if let Some(running) = self.running.remove(id) {
            running.task.abort();
        }
    }

    /// Watches the Secrets, ConfigMaps and parameters that are referred to, and no longer those that are not.
    fn want(&mut self, wanted: Wanted, batch: &mut Vec<Event>) {
        let are_same = (&self.wanted.settings, &self.wanted.parameters) == (&wanted.settings, &wanted.parameters);
        self.settings_are_told &= are_same;
        self.wanted = wanted;
        self.answered = false;
        let single =
            |kind, name: &ObjectName| WatchId { kind, namespace: Some(name.namespace().to_owned()), name: Some(name.name().to_owned()) };
        let secrets = self.wanted.secrets.iter().filter(|name| self.scope.secrets && !self.tls_secrets.contains(*name));
        let secrets = secrets.map(|name| single(Kind::Secret, name));
        let config_maps = self.wanted.config_maps.iter().map(|name| single(Kind::ConfigMap, name));
        let parameters = self.wanted.parameters.iter().map(|name| single(Kind::GatewrightParameters, name));
        let settings = self.wanted.settings.iter().map(|name| single(Kind::ConfigMap, name));
        let needed: BTreeSet<WatchId> =
            settings.chain(parameters).chain(in_turn(config_maps.chain(secrets))).take(SINGLE_WATCHES).collect();
        let surplus: Vec<_> = self.running.keys().filter(|id| id.name.is_some() && !needed.contains(*id)).cloned().collect();
        for id in surplus {
            self.end(&id);
            let name = ObjectName::new(id.namespace.as_deref().unwrap_or_default(), id.name.as_deref().unwrap_or_default());
            // One that the watch of key pairs delivers too is still there.
            if let Some(name) = name.ok().filter(|name| id.kind != Kind::Secret || !self.tls_secrets.contains(name)) {
                batch.push(Event::Deleted(ObjectRef::new(id.kind, name)));
            }
        }
        needed.into_iter().for_each(|id| self.watch(id));
    }

    /// Says what happened, unless first lists are still awaited.
    async fn tell(&mut self, batch: &mut Vec<Event>, out: &mpsc::Sender<Input>) -> Result<(), ()> {
        let send = async |input| out.send(input).await.map_err(|_| ());
        let problems = self.problems();
        if problems != self.problems {
            self.problems.clone_from(&problems);
            send(Input::Problems(problems.into_iter().map(|diagnostic| Located { diagnostic, place: None }).collect())).await?;
        }
        if !self.complete {
            let waiting = self.waiting();
            if !waiting.is_empty() {
                return send(Input::Waiting(waiting)).await;
            }
        }
        if !batch.is_empty() {
            send(Input::Changed(std::mem::take(batch))).await?;
        }
        let readable = !self.classes_are_forbidden();
        if std::mem::replace(&mut self.classes_are_readable, readable) != readable {
            send(Input::Classes(readable)).await?;
        }
        let forbidden = self.forbidden_settings();
        if forbidden != self.forbidden {
            self.forbidden.clone_from(&forbidden);
            send(Input::Forbidden(forbidden)).await?;
        }
        if !std::mem::replace(&mut self.complete, true) {
            send(Input::Complete).await?;
        }
        let waiting = self.lacks_main().map(|id| format!("the right to read {id}, which is that of --configmap"));
        if std::mem::replace(&mut self.lacks_main, waiting.is_some()) != waiting.is_some() {
            send(Input::Waiting(waiting.into_iter().collect())).await?;
        }
        if !self.answered && self.knows_single_ones() {
            self.answered = true;
            send(Input::Answered(self.wanted.clone())).await?;
        } else if !self.answered && self.knows_settings() && !std::mem::replace(&mut self.settings_are_told, true) {
            let Wanted { settings, parameters, .. } = self.wanted.clone();
            send(Input::Answered(Wanted { config_maps: settings.clone(), settings, parameters, ..Wanted::default() })).await?;
        }
        Ok(())
    }
}

/// One of each namespace after the other, so that none takes the place of the others by naming many.
fn in_turn(ids: impl Iterator<Item = WatchId>) -> impl Iterator<Item = WatchId> {
    let mut counts: BTreeMap<Option<String>, usize> = BTreeMap::new();
    let mut ranked: Vec<_> = ids
        .map(|id| {
            let count = counts.entry(id.namespace.clone()).or_default();
            *count += 1;
            (*count, id)
        })
        .collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, id)| id)
}

fn by_name(id: &WatchId) -> Config {
    Config::default().fields(&format!("metadata.name={}", id.name.as_deref().unwrap_or_default()))
}

pub(super) fn namespaced<T: WatchedKind<Scope = k8s_openapi::NamespaceResourceScope>>(
    client: Client,
    namespace: Option<&str>,
) -> Api<Watched<T>> {
    match namespace {
        Some(namespace) => Api::namespaced(client, namespace),
        None => Api::all(client),
    }
}

pub(super) fn whole<T: WatchedKind>(client: Client, _: Option<&str>) -> Api<Watched<T>> {
    Api::all(client)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_may_not_be_read_stays_so_while_the_api_server_is_away() {
        let scope = Scope::of(&gatewright_core::settings::Settings::default(), "gw", true);
        let mut gather = Gather::new(Arc::new(Connection::new(crate::args::ClusterConfig::default())), scope, mpsc::channel(1).0);
        let named = |kind, name: &str| WatchId { kind, namespace: Some("gw".to_owned()), name: Some(name.to_owned()) };
        let (parameters, other) = (named(Kind::GatewrightParameters, "p"), named(Kind::ConfigMap, "headers"));
        let classes = WatchId { kind: Kind::IngressClass, namespace: None, name: None };
        for id in [&parameters, &other, &classes] {
            let task = tokio::spawn(async {}).abort_handle();
            gather.running.insert(id.clone(), Running { health: Health::Begun, was_complete: false, task });
        }
        assert!(gather.forbidden_settings().is_empty() && !gather.classes_are_forbidden());
        let expected = [ObjectRef::new(Kind::GatewrightParameters, ObjectName::new("gw", "p").unwrap())];
        for said in [Said::Forbidden, Said::Failing("connection refused".to_owned())] {
            gather.take(classes.clone(), said, &mut Vec::new());
        }
        assert!(!gather.classes_are_forbidden() && !gather.waiting().is_empty(), "at the start nobody believes what may pass");
        gather.complete = true;
        for said in [|| Said::Forbidden, || Said::Failing("connection refused".to_owned()), || Said::Forbidden] {
            [&parameters, &other, &classes].into_iter().for_each(|id| gather.take(id.clone(), said(), &mut Vec::new()));
            assert!(gather.forbidden_settings().iter().eq(&expected) && gather.classes_are_forbidden(), "{:?}", said());
        }
        [&parameters, &classes].into_iter().for_each(|id| gather.take(id.clone(), Said::Complete, &mut Vec::new()));
        assert!(gather.forbidden_settings().is_empty() && !gather.classes_are_forbidden());
    }

    #[test]
    fn whoever_names_many_objects_leaves_their_place_to_the_others() {
        let id = |namespace: &str, name: &str| WatchId {
            kind: Kind::ConfigMap,
            namespace: Some(namespace.to_owned()),
            name: Some(name.to_owned()),
        };
        let many = (0..5).map(|n| id("a", &n.to_string()));
        let turns: Vec<_> = in_turn(many.chain([id("b", "x"), id("c", "y"), id("c", "z")])).map(|id| id.to_string()).collect();
        assert_eq!(turns[..5], ["a/0", "b/x", "c/y", "a/1", "c/z"].map(|name| format!("ConfigMap {name}")));
        assert_eq!(turns.len(), 8);
    }
}
