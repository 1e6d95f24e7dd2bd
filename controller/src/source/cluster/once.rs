//! What a cluster holds at one moment, for the commands that look once and are done.

use super::gather::{namespaced, whole};
use super::watched::{Watched, WatchedKind};
use crate::args::ClusterConfig;
use crate::connection::{ConnectError, Connection};
use gatewright_core::diagnostic::{Code, Diagnostic, Severity};
use gatewright_core::names::{Kind, ObjectName, ObjectRef};
use gatewright_core::settings::Settings;
use gatewright_core::state::{ConfigMap, EndpointSlice, Event, GatewrightParameters, Ingress, IngressClass, Namespace, Secret, Service};
use gatewright_core::translate::Wanted;
use kube::api::ListParams;
use kube::{Api, Client};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::runtime::Runtime;

/// How long one answer of the API server may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// The cluster cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClusterReaderError {
    /// The configuration does not lead to a cluster.
    #[error(transparent)]
    Connect(ConnectError),
    /// No configuration was given, and none was found.
    #[error("no cluster is configured; give --kubeconfig, or set KUBECONFIG")]
    Nowhere,
    /// The API server refuses, or something on the way to it.
    #[error("the API server {server} does not list {kind}")]
    List {
        /// Its host and port.
        server: String,
        /// What was asked for.
        kind: Kind,
        /// Why.
        source: Box<kube::Error>,
    },
    /// There is no answer.
    #[error("the API server {server} has not answered within {} s when asked for {kind}", PATIENCE.as_secs())]
    Silent {
        /// Its host and port.
        server: String,
        /// What was asked for.
        kind: Kind,
    },
    /// The system gives no threads or sockets.
    #[error("could not start the client")]
    Start(#[from] std::io::Error),
}

/// A cluster that is asked, and what was left out because it may not be read.
pub(crate) struct ClusterReader {
    runtime: Runtime,
    client: Client,
    server: String,
    namespace: Option<String>,
    namespaces: bool,
    secrets: bool,
    asked: BTreeSet<ObjectRef>,
}

/// What was heard.
#[derive(Debug, Default)]
pub(crate) struct ClusterObjects {
    pub(crate) events: Vec<Event>,
    pub(crate) problems: Vec<Diagnostic>,
    /// Objects that may be there, and may not be read.
    pub(crate) forbidden: Vec<ObjectRef>,
    /// The Ingresses may not be read.
    pub(crate) lacks_ingresses: bool,
}

impl ClusterReader {
    /// Makes a client; nothing is asked yet. Without `secrets` nobody ever asks for one.
    pub(crate) fn connect(config: ClusterConfig, settings: &Settings, secrets: bool) -> Result<Self, ClusterReaderError> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let made = runtime.block_on(async { Connection::new(config).client_and_server().await });
        let (client, server) = made.map_err(|error| match error {
            ConnectError::Nowhere(_) => ClusterReaderError::Nowhere,
            error => ClusterReaderError::Connect(error),
        })?;
        Ok(Self {
            runtime,
            client,
            server,
            namespace: settings.watch_namespace.clone(),
            namespaces: settings.namespace_selector.is_some(),
            secrets,
            asked: BTreeSet::new(),
        })
    }

    /// Lists everything that is always watched.
    ///
    /// # Errors
    /// When the API server cannot be asked; a kind that may not be listed is left out, and said.
    pub(crate) fn everything(&self) -> Result<ClusterObjects, ClusterReaderError> {
        let mut objects = ClusterObjects::default();
        self.runtime.block_on(async {
            self.list::<Ingress>(namespaced, None, &mut objects).await?;
            self.list::<IngressClass>(whole, None, &mut objects).await?;
            self.list::<Service>(namespaced, None, &mut objects).await?;
            self.list::<EndpointSlice>(namespaced, None, &mut objects).await?;
            if self.secrets {
                self.list::<Secret>(namespaced, Some("type=kubernetes.io/tls"), &mut objects).await?;
            }
            if self.namespaces {
                self.list::<Namespace>(whole, None, &mut objects).await?;
            }
            Ok(objects)
        })
    }

    /// Gets the Secrets, ConfigMaps and parameters that are referred to, each at most once.
    ///
    /// # Errors
    /// When the API server cannot be asked.
    pub(crate) fn wanted(&mut self, wanted: &Wanted) -> Result<ClusterObjects, ClusterReaderError> {
        let of = |kind, names: &BTreeSet<ObjectName>| names.iter().map(|name| ObjectRef::new(kind, name.clone())).collect::<Vec<_>>();
        let parameters = of(Kind::GatewrightParameters, &wanted.parameters);
        let secrets = if self.secrets { of(Kind::Secret, &wanted.secrets) } else { Vec::new() };
        let all = [secrets, of(Kind::ConfigMap, &wanted.config_maps), parameters].concat();
        let new: Vec<_> = all.into_iter().filter(|object| self.asked.insert(object.clone())).collect();
        let mut objects = ClusterObjects::default();
        self.runtime.block_on(async {
            for object in new {
                match object.kind {
                    Kind::Secret => self.get::<Secret>(&object, &mut objects).await?,
                    Kind::GatewrightParameters => self.get::<GatewrightParameters>(&object, &mut objects).await?,
                    _ => self.get::<ConfigMap>(&object, &mut objects).await?,
                }
            }
            Ok(objects)
        })
    }

    async fn list<T: WatchedKind>(
        &self,
        api: fn(Client, Option<&str>) -> Api<Watched<T>>,
        fields: Option<&str>,
        objects: &mut ClusterObjects,
    ) -> Result<(), ClusterReaderError> {
        const PAGE: u32 = 1000;
        let api = api(self.client.clone(), self.namespace.as_deref());
        let mut params = ListParams::default().limit(PAGE);
        params.field_selector = fields.map(str::to_owned);
        loop {
            let answer = tokio::time::timeout(PATIENCE, api.list(&params)).await.map_err(|_| self.silent(T::KIND))?;
            let page = match answer {
                Ok(page) => page,
                Err(error) => return self.left_out(T::KIND, None, error, objects),
            };
            page.items.into_iter().for_each(|item| take(item, objects));
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params = params.continue_token(&token),
                None => return Ok(()),
            }
        }
    }

    async fn get<T: WatchedKind<Scope = k8s_openapi::NamespaceResourceScope>>(
        &self,
        object: &ObjectRef,
        objects: &mut ClusterObjects,
    ) -> Result<(), ClusterReaderError> {
        let api: Api<Watched<T>> = Api::namespaced(self.client.clone(), object.name.namespace());
        let answer = tokio::time::timeout(PATIENCE, api.get_opt(object.name.name())).await;
        match answer.map_err(|_| self.silent(T::KIND))? {
            Ok(found) => found.into_iter().for_each(|item| take(item, objects)),
            Err(error) => self.left_out(T::KIND, Some(object), error, objects)?,
        }
        Ok(())
    }

    fn silent(&self, kind: Kind) -> ClusterReaderError {
        ClusterReaderError::Silent { server: self.server.clone(), kind }
    }

    /// What is forbidden is said; everything else ends the reading.
    fn left_out(
        &self,
        kind: Kind,
        object: Option<&ObjectRef>,
        error: kube::Error,
        objects: &mut ClusterObjects,
    ) -> Result<(), ClusterReaderError> {
        const FORBIDDEN: u16 = 403;
        match error {
            kube::Error::Api(status) if status.code == FORBIDDEN => {
                let place = self.namespace.as_deref().map_or_else(|| "all namespaces".to_owned(), |name| format!("namespace {name}"));
                let what = object.map_or_else(|| format!("{kind} of {place}"), ToString::to_string);
                let mut finding = Diagnostic::of_input(Code::Forbidden, format!("{what} may not be read, so it is left out"));
                finding.object = object.cloned();
                objects.forbidden.extend(object.cloned());
                if object.is_none() && kind == Kind::Ingress {
                    finding.severity = Severity::Error;
                    objects.lacks_ingresses = true;
                }
                objects.problems.push(finding.help("use credentials that may list it, or give the missing objects as files"));
                Ok(())
            }
            error => Err(ClusterReaderError::List { server: self.server.clone(), kind, source: Box::new(error) }),
        }
    }
}

fn take<T: WatchedKind>(item: Watched<T>, objects: &mut ClusterObjects) {
    let Some(name) = item.name() else { return };
    match item.applied() {
        Ok(event) => objects.events.push(event),
        Err((error, rest)) => {
            objects.events.extend(rest);
            let finding = Diagnostic::new(Code::BadObject, ObjectRef::new(T::KIND, name), error.field, error.message);
            objects.problems.push(finding.help(error.help));
        }
    }
}
