//! Objects from a cluster: one watch for each kind and scope, merged into one stream of inputs.
//!
//! ```text
//! watches ──Message──▶ gather ──Input──▶ the loop ──Wanted──▶ gather (which Secrets and ConfigMaps)
//! ```
//!
//! Nothing is said before every first list is complete. Afterwards a watch that fails goes on trying for ever, and
//! what it said last stays true meanwhile.

mod follow;
mod gather;
mod needed;
mod once;
mod watched;
mod zone;

pub(crate) use needed::missing;
pub(crate) use once::{ClusterReader, ClusterReaderError};
pub(crate) use zone::PodLocation;

use super::Input;
use crate::connection::Connection;
use gatewright_core::names::ObjectName;
use gatewright_core::settings::Settings;
use gatewright_core::translate::Wanted;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// What is watched.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    /// `--watch-namespace`.
    pub(crate) namespace: Option<String>,
    /// Namespaces are needed for their labels.
    pub(crate) namespaces: bool,
    /// Secrets are to be read; otherwise nobody asks for any.
    pub(crate) secrets: bool,
    /// The namespace of the controller itself; tried where nothing else is permitted.
    pub(crate) own_namespace: String,
    /// What is behind Ingresses is needed: endpoints and Secrets.
    pub(crate) backs: bool,
    /// `--configmap`: nothing is told as a whole until it was read.
    pub(crate) main: Option<ObjectName>,
}

impl Scope {
    /// The scope that the settings ask for.
    pub(crate) fn of(settings: &Settings, own_namespace: &str, secrets: bool) -> Self {
        Self {
            namespace: settings.watch_namespace.clone(),
            namespaces: settings.namespace_selector.is_some(),
            secrets,
            own_namespace: own_namespace.to_owned(),
            backs: true,
            main: settings.config_map.clone(),
        }
    }

    /// The same without what is behind Ingresses.
    pub(crate) fn of_ingresses(self) -> Self {
        Self { backs: false, ..self }
    }
}

/// Watches until the receiver is gone. Where it is asked for, the zone of this place comes first.
pub(crate) async fn run(
    connection: Arc<Connection>,
    scope: Scope,
    place: Option<PodLocation>,
    wanted: watch::Receiver<Wanted>,
    out: mpsc::Sender<Input>,
) {
    if let Some(place) = place {
        let _ = out.send(Input::Waiting(vec!["the zone of this Node".to_owned()])).await;
        if let Some(zone) = zone::find(&connection, &place).await {
            let _ = out.send(Input::Zone(zone)).await;
        }
    }
    gather::run(connection, scope, wanted, out).await;
}
