//! The admission webhook: the API server asks whether an Ingress may be stored, `ingress-semantics` 22.
//!
//! What is said is decided by the core, from what is known of the cluster at that moment. No proxy takes part, and no
//! text of a question reaches a file.

mod review;
mod tls;

use crate::args::AdmissionConfig;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use gatewright_core::names::ObjectName;
use gatewright_core::state::Ingress;
use gatewright_core::translate::Input;
use gatewright_core::translate::admission::{self as verdicts, Verdict};
use review::Asked;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

/// A question to the loop.
#[derive(Debug)]
pub(crate) struct Question {
    /// The Ingress as it shall be stored.
    pub(crate) candidate: Arc<Ingress>,
    /// Where the answer goes.
    pub(crate) answer: oneshot::Sender<Verdict>,
}

impl Question {
    /// Answers it from what is known of the cluster. The core is pure, so a bug in it costs this answer and nothing else.
    ///
    /// Gives the name of the Ingress, and whether it is refused.
    pub(crate) fn answer(self, input: Input<'_>) -> Option<(ObjectName, bool)> {
        let Self { candidate, answer } = self;
        let judged = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| verdicts::review(&candidate, input)));
        let verdict = judged.ok()?;
        let (refusals, warnings) = (verdict.refusals.len(), verdict.warnings.len());
        tracing::info!(object = %candidate.meta.name, refusals, warnings, "judged an Ingress");
        // Nobody waits any more if this fails.
        let _ = answer.send(verdict);
        Some((candidate.meta.name.clone(), refusals > 0))
    }
}

/// The webhook cannot be served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    /// The port.
    #[error("could not listen on {address}; give another place by --validating-webhook")]
    Bind {
        /// As the flag says it.
        address: String,
        /// Why.
        source: std::io::Error,
    },
    /// The certificate.
    #[error(transparent)]
    Tls(#[from] tls::TlsError),
}

/// Longest question that is read, in bytes: of 9 MiB none is. An Ingress can be stored with a third of that.
const MAX_BODY_BYTES: usize = (9 << 20) - 1;
/// So many questions are answered at a time; the API server asks again where there are more.
const AT_A_TIME: usize = 32;
/// Whoever connects has so long to ask, and waits so long for the answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Begins to answer; returns once the port is bound. Questions are put to whoever holds the other end, once the cluster
/// is `known`.
///
/// # Errors
/// When the port is taken, or the certificate cannot be used.
pub(crate) async fn serve(
    config: &AdmissionConfig,
    questions: mpsc::Sender<Question>,
    known: watch::Receiver<bool>,
) -> Result<(), ServeError> {
    let (address, port) = config.address;
    let bound = crate::bind::tcp(address, port).await.and_then(tokio::net::TcpListener::into_std);
    let shown = || format!("{}:{port}", address.map(|address| address.to_string()).unwrap_or_default());
    let listener = bound.map_err(|source| ServeError::Bind { address: shown(), source })?;
    let tls = tls::follow(config).await?;
    let server = axum_server::from_tcp_rustls(listener, tls).map_err(|source| ServeError::Bind { address: shown(), source })?;
    let server = server.http1_only().first_request_timeout(PATIENCE);
    let ends = Ends { questions, known, places: Arc::new(Semaphore::new(AT_A_TIME)) };
    tokio::spawn(async move {
        if let Err(error) = server.serve(router(ends).into_make_service()).await {
            tracing::error!(%error, "the admission webhook has ended");
        }
    });
    Ok(())
}

#[derive(Clone)]
struct Ends {
    questions: mpsc::Sender<Question>,
    known: watch::Receiver<bool>,
    places: Arc<Semaphore>,
}

/// Any path will do, as with ingress-nginx; a GET tells whether questions are answered yet.
fn router(ends: Ends) -> Router {
    Router::new().fallback_service(get(ready).post(admit).with_state(ends)).layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
}

async fn ready(State(ends): State<Ends>) -> Response {
    if *ends.known.borrow() { "ok".into_response() } else { unknown() }
}

fn unknown() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, "the cluster is not known yet").into_response()
}

async fn admit(State(ends): State<Ends>, body: Bytes) -> Response {
    let Ok(_place) = ends.places.try_acquire() else {
        return (StatusCode::TOO_MANY_REQUESTS, "too many questions at a time").into_response();
    };
    if !*ends.known.borrow() {
        return unknown();
    }
    match review::read(&body) {
        Ok(Asked { head, candidate: Some(candidate) }) => match tokio::time::timeout(PATIENCE, ask(&ends, candidate)).await {
            Ok(Some(verdict)) => Json(head.answer(&verdict)).into_response(),
            Ok(None) | Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "stopping, or too busy").into_response(),
        },
        Ok(Asked { head, candidate: None }) => Json(head.answer(&Verdict::default())).into_response(),
        Err(review::Unusable::Denied(head, why)) => {
            Json(head.answer(&Verdict { refusals: vec![why], warnings: Vec::new() })).into_response()
        }
        Err(review::Unusable::NoReview(why)) => (StatusCode::BAD_REQUEST, why).into_response(),
        Err(review::Unusable::OtherKind(kind)) => {
            (StatusCode::INTERNAL_SERVER_ERROR, format!("{kind} was asked about; only Ingresses of networking.k8s.io/v1 are known here"))
                .into_response()
        }
    }
}

async fn ask(ends: &Ends, candidate: Arc<Ingress>) -> Option<Verdict> {
    let (answer, verdict) = oneshot::channel();
    ends.questions.send(Question { candidate, answer }).await.ok()?;
    verdict.await.ok()
}

#[cfg(test)]
mod tests;
