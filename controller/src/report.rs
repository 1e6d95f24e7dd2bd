//! Tells people: health, metrics, the API, status of Ingresses, events.
//!
//! ```text
//! the loop ──News──▶ plan (pure) ──▶ status, events ──▶ API server      written by the leader only
//!    └─────Board, Metrics──────────▶ admin port
//! ```

mod addresses;
mod board;
mod bounded_listener;
mod cluster;
mod events;
mod http;
mod leader;
mod metrics;
mod plan;
mod status;

pub(crate) use board::{Board, RevisionView, Written, WrittenAt};
pub(crate) use cluster::{Identity, Reports};
pub(crate) use http::{BindError, serve};
pub(crate) use metrics::{
    KnownRoutes, ListenError, Metrics, Objects, Processes, Requests, RouteId, RouteLabels, ServedCertificate, ServedIngress, listen,
};
pub(crate) use plan::{Finding, News, Subject};

use gatewright_core::names::ObjectName;
use gatewright_core::state::Ingress;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// A question to the loop: how do these Ingresses look now, status included?
#[derive(Debug)]
pub(crate) struct IngressQuery {
    /// Their names.
    pub(crate) names: Vec<ObjectName>,
    /// Those of them that are there, in any order.
    pub(crate) answer: oneshot::Sender<Vec<Arc<Ingress>>>,
}

/// Where such questions go.
pub(crate) type IngressQueries = mpsc::Sender<IngressQuery>;
