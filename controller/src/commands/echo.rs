//! `gatewright echo`: backends for trials. Each answers every request with what it has received, as JSON.

use super::error::CommandError;
use crate::args::{EchoBackend, EchoConfig};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Answers on every address until one of them fails or the process is told to stop.
///
/// # Errors
/// When an address cannot be listened on.
pub(crate) async fn main(config: EchoConfig) -> Result<(), CommandError> {
    let mut backends = JoinSet::new();
    // All addresses before the first request: a trial with half of its backends would only puzzle.
    let mut listening = Vec::new();
    for EchoBackend { name, address } in config.backends {
        let listener = TcpListener::bind(address).await.map_err(|source| CommandError::Listen { address, source })?;
        tracing::info!(name, %address, "echoing");
        listening.push((name, listener));
    }
    for (name, listener) in listening {
        backends.spawn(async move { axum::serve(listener, router(name)).await });
    }
    let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).map_err(CommandError::Signals)?;
    tokio::select! {
        Some(ended) = backends.join_next() => ended.map_err(Into::into).flatten().map_err(CommandError::Stopped),
        _ = term.recv() => Ok(()),
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}

fn router(name: String) -> Router {
    Router::new().fallback(echo).with_state(Arc::from(name))
}

/// `name`, `method`, `host`, `path`, `query`, `headers` (a list where one comes several times) and `body_bytes`.
async fn echo(State(name): State<Arc<str>>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let host = headers.get(header::HOST).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let answer = json!({
        "name": &*name,
        "method": method.as_str(),
        "host": host,
        "path": uri.path(),
        "query": uri.query(),
        "headers": listed(&headers),
        "body_bytes": body.len(),
    });
    ([(header::CONTENT_TYPE, "application/json")], format!("{answer:#}\n")).into_response()
}

fn listed(headers: &HeaderMap) -> Map<String, Value> {
    let values = |name| {
        let mut values: Vec<Value> = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into()).collect();
        if values.len() == 1 { values.remove(0) } else { values.into() }
    };
    headers.keys().map(|name| (name.to_string(), values(name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn a_request_comes_back_as_json() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move { axum::serve(listener, router("shop".to_owned())).await });
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request =
            "PUT /a/b?c=d HTTP/1.1\r\nHost: x.example\r\nX-Two: 1\r\nX-Two: 2\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        server.abort();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("content-type: application/json"), "{head}");
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!((&body["name"], &body["method"], &body["host"]), (&"shop".into(), &"PUT".into(), &"x.example".into()));
        assert_eq!((&body["path"], &body["query"], &body["body_bytes"]), (&"/a/b".into(), &"c=d".into(), &3.into()));
        assert_eq!(body["headers"]["x-two"], json!(["1", "2"]));
    }
}
