//! The admin port: `/healthz`, `/readyz`, `/metrics`, `/api/v1`. Only reads; no secrets, of users' data only names.

use super::board::{Board, RevisionView, State, Written};
use super::bounded_listener::BoundedListener;
use super::metrics::Metrics;
use axum::Router;
use axum::extract::{RawQuery, State as Shared};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use gatewright_core::diagnostic::grouped;
use serde::Serialize;
use std::net::IpAddr;
use std::sync::Arc;

/// The port cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("could not listen on port {port}; give another one by --healthz-port")]
pub(crate) struct BindError {
    port: u16,
    source: std::io::Error,
}

/// Begins to serve; returns once the port is bound. Without an address, every address is listened on.
///
/// # Errors
/// When the port is taken.
pub(crate) async fn serve(
    admin: (Option<IpAddr>, u16),
    health_path: &str,
    board: Arc<Board>,
    metrics: Arc<Metrics>,
) -> Result<(), BindError> {
    let (address, port) = admin;
    let listener = crate::bind::tcp(address, port).await.map_err(|source| BindError { port, source })?;
    let router = router(health_path, board, metrics);
    tokio::spawn(async move {
        if let Err(error) = axum::serve(BoundedListener::of(listener), router).await {
            tracing::error!(%error, "the admin port has ended");
        }
    });
    Ok(())
}

type Context = (Arc<Board>, Arc<Metrics>);

fn router(health_path: &str, board: Arc<Board>, metrics: Arc<Metrics>) -> Router {
    let mut router = Router::new()
        .route("/healthz", get(healthz))
        .route("/healthz/ping", get(|| async { "ok" }))
        .route("/healthz/nginx-ingress-controller", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(exposition))
        .route("/api/v1/revision", get(revision))
        .route("/api/v1/diagnostics", get(diagnostics));
    let own = ["/healthz", "/healthz/ping", "/healthz/nginx-ingress-controller", "/readyz", "/metrics"];
    if !own.contains(&health_path) && !health_path.contains(['{', '}', '*', ':']) {
        router = router.route(health_path, get(healthz));
    }
    router.with_state((board, metrics))
}

/// 200 unless stopping, without a proxy, or without a first revision: `ingress-semantics` 24.1.
///
/// `?verbose` lists the parts, which `/healthz/…` tell one by one.
async fn healthz(Shared((board, _)): Shared<Context>, RawQuery(query): RawQuery) -> Response {
    let trouble = unhealthy(&board.read());
    let (status, mark, end) = match &trouble {
        None => (StatusCode::OK, "[+]", "passed"),
        Some(_) => (StatusCode::INTERNAL_SERVER_ERROR, "[-]", "failed"),
    };
    let word = trouble.as_deref().unwrap_or("ok");
    if query.is_some_and(|query| query.split('&').any(|part| part == "verbose" || part.starts_with("verbose="))) {
        return (status, format!("[+]ping ok\n{mark}nginx-ingress-controller {word}\nhealthz check {end}\n")).into_response();
    }
    (status, word.to_owned()).into_response()
}

fn unhealthy(state: &State) -> Option<String> {
    match state {
        State { shutting_down: true, .. } => Some("stopping".to_owned()),
        State { ports, .. } if !ports.is_empty() => Some(format!("the proxy cannot listen: {ports}")),
        State { proxy_alive: false, .. } => Some("the proxy does not run".to_owned()),
        State { revision: None, .. } => Some("no revision is live yet".to_owned()),
        _ => None,
    }
}

/// 200 once a revision made from complete lists is live, else 503 and what is waited for.
async fn readyz(Shared((board, _)): Shared<Context>) -> Response {
    let state = board.read();
    if state.own && unhealthy(&state).is_none() {
        return "ok".into_response();
    }
    let mut reasons = state.waiting.clone();
    reasons.extend(unhealthy(&state));
    if !state.trouble.is_empty() {
        reasons.push(state.trouble);
    }
    let text = format!("waiting for: {}\n", reasons.join("; "));
    (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
}

async fn exposition(Shared((board, metrics)): Shared<Context>) -> Response {
    metrics.look().await;
    let text = metrics.text(&board.read().findings);
    ([(header::CONTENT_TYPE, Metrics::CONTENT_TYPE)], text).into_response()
}

#[derive(Serialize)]
struct RevisionAnswer {
    state: &'static str,
    settled: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    trouble: String,
    #[serde(flatten)]
    view: Option<RevisionView>,
}

async fn revision(Shared((board, _)): Shared<Context>) -> Json<RevisionAnswer> {
    let state = board.read();
    let word = match &state {
        State { revision: None, .. } => "waiting",
        State { trouble, .. } if !trouble.is_empty() => "refused",
        State { settled: false, .. } => "changing",
        _ => "live",
    };
    Json(RevisionAnswer { state: word, settled: state.settled && state.revision.is_some(), trouble: state.trouble, view: state.revision })
}

#[derive(Serialize)]
struct Group<'f> {
    #[serde(flatten)]
    finding: &'f Written,
    /// How many more there are of this code on this object.
    #[serde(skip_serializing_if = "is_none")]
    more: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_none(count: &usize) -> bool {
    *count == 0
}

/// Of many findings of a kind on one object a few, unless `?all` asks for each of them.
async fn diagnostics(Shared((board, _)): Shared<Context>, RawQuery(query): RawQuery) -> Response {
    let findings = board.read().findings;
    let wants_all = query.is_some_and(|query| query.split('&').any(|word| word == "all" || word == "all=true"));
    if wants_all {
        return Json(&*findings).into_response();
    }
    let groups = grouped(&findings, |finding| &finding.diagnostic).into_iter();
    Json(groups.map(|(finding, more)| Group { finding, more }).collect::<Vec<_>>()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::Took;
    use crate::report::WrittenAt;
    use gatewright_core::diagnostic::{Code, Diagnostic};
    use gatewright_core::names::{Kind, ObjectName, ObjectRef};
    use tokio::net::TcpListener;

    fn view(revision: u64) -> RevisionView {
        RevisionView {
            revision,
            digest: "ab".to_owned(),
            main: "/s/current/nginx.conf".into(),
            cause: "start".to_owned(),
            published_at: "2026-01-01T00:00:00Z".to_owned(),
            checked_at: None,
            took: Took { load_ms: Some(7), ..Took::default() },
        }
    }

    /// Serves on a free port and asks over real sockets.
    async fn ask(board: &Arc<Board>, path: &str) -> (u16, String) {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(
            axum::serve(listener, router("/own-health", Arc::clone(board), Arc::new(Metrics::new("c", "n", "p", "e")))).into_future(),
        );
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        server.abort();
        let status = text.split(' ').nth(1).unwrap().parse().unwrap();
        (status, text.split_once("\r\n\r\n").unwrap().1.to_owned())
    }

    #[tokio::test]
    async fn readiness_says_what_it_waits_for() {
        let board = Arc::new(Board::default());
        let (status, text) = ask(&board, "/readyz").await;
        assert_eq!(status, 503);
        assert!(text.contains("the first lists") && text.contains("the proxy does not run"), "{text}");
        board.waiting_for(Vec::new());
        board.proxy_alive(true);
        board.live(view(1), false);
        assert_eq!(ask(&board, "/readyz").await.0, 503, "a revision of an earlier process is not enough");
        assert_eq!(ask(&board, "/healthz").await, (200, "ok".to_owned()), "but it is served");
        board.live(view(2), true);
        assert_eq!(ask(&board, "/readyz").await.0, 200);
        assert_eq!(ask(&board, "/own-health").await.0, 200);
        let parts = "[+]ping ok\n[+]nginx-ingress-controller ok\nhealthz check passed\n";
        assert_eq!(ask(&board, "/healthz?verbose").await, (200, parts.to_owned()));
        assert_eq!(ask(&board, "/healthz/nginx-ingress-controller").await, (200, "ok".to_owned()));
        board.shutting_down();
        assert_eq!(ask(&board, "/healthz").await, (500, "stopping".to_owned()));
    }

    #[tokio::test]
    async fn the_api_shows_revision_and_diagnostics() {
        let board = Arc::new(Board::default());
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&ask(&board, "/api/v1/revision").await.1)["settled"], false);
        board.live(view(42), true);
        board.settled(true);
        let answer = value(&ask(&board, "/api/v1/revision").await.1);
        assert_eq!((&answer["revision"], &answer["state"], &answer["settled"]), (&42.into(), &"live".into(), &true.into()));
        assert_eq!(answer["main"], "/s/current/nginx.conf");
        let object = ObjectRef::new(Kind::Ingress, ObjectName::new("shop", "front").unwrap());
        let finding = |n: u32| Written {
            diagnostic: Diagnostic::new(Code::BadHost, object.clone(), format!("spec.rules[{n}].host"), "no"),
            place: Some(WrittenAt { file: "/m/a.yaml".to_owned(), line: n + 1, column: 7 }),
        };
        board.findings((0..500).map(finding).collect());
        let list = value(&ask(&board, "/api/v1/diagnostics").await.1);
        assert_eq!((list.as_array().unwrap().len(), &list[8]["more"], &list[9]["more"]), (10, &serde_json::Value::Null, &490.into()));
        assert_eq!(list[1]["place"], serde_json::json!({"file": "/m/a.yaml", "line": 2, "column": 7}));
        assert_eq!(value(&ask(&board, "/api/v1/diagnostics?all").await.1).as_array().unwrap().len(), 500);
        assert_eq!(list[0]["object"], serde_json::json!({"kind": "Ingress", "namespace": "shop", "name": "front"}));
        assert_eq!(
            (&list[0]["code"], &list[0]["severity"], &list[0]["outcome"]),
            (&"GW0201".into(), &"error".into(), &"skipped-host".into())
        );
        let metrics = ask(&board, "/metrics").await.1;
        assert!(
            metrics.contains(
                r#"gatewright_diagnostics{controller_class="c",controller_namespace="n",controller_pod="p",severity="error"} 500"#
            ),
            "{metrics}"
        );
    }
}
