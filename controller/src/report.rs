//! Tells people: health, metrics, the API, status of Ingresses, events.

mod board;
mod http;
mod metrics;

pub(crate) use board::{Board, RevisionView};
pub(crate) use http::{BindError, serve};
pub(crate) use metrics::Metrics;
