//! One request over HTTP/2, on TLS or with prior knowledge.

use crate::http1::Answer;
use crate::tls;
use std::io;
use std::net::TcpStream;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

/// `GET` over TLS, agreed on by ALPN.
///
/// # Errors
/// When the connection fails, or the other side does not agree on HTTP/2.
pub fn get_over_tls(tcp: TcpStream, host: &str, target: &str) -> io::Result<Answer> {
    block_on(async {
        let tcp = tokio_stream(tcp)?;
        let stream = TlsConnector::from(tls::config(&["h2"])).connect(tls::server_name(Some(host)), tcp).await?;
        if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
            return Err(io::Error::other("the other side does not speak HTTP/2"));
        }
        get(stream, "https", host, target).await
    })
}

/// `GET` in clear, with prior knowledge.
///
/// # Errors
/// When the connection fails, or the other side does not speak HTTP/2.
pub fn get_in_clear(tcp: TcpStream, host: &str, target: &str) -> io::Result<Answer> {
    block_on(async { get(tokio_stream(tcp)?, "http", host, target).await })
}

async fn get(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, scheme: &str, host: &str, target: &str) -> io::Result<Answer> {
    let (mut sender, connection) = h2::client::handshake(stream).await.map_err(io::Error::other)?;
    tokio::spawn(connection);
    let request = http::Request::get(format!("{scheme}://{host}{target}")).body(()).map_err(io::Error::other)?;
    let (response, _) = sender.send_request(request, true).map_err(io::Error::other)?;
    let (head, mut stream) = response.await.map_err(io::Error::other)?.into_parts();
    let mut body = Vec::new();
    while let Some(part) = stream.data().await {
        let part = part.map_err(io::Error::other)?;
        stream.flow_control().release_capacity(part.len()).map_err(io::Error::other)?;
        body.extend_from_slice(&part);
    }
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    Ok(Answer { version: "HTTP/2".to_owned(), status: head.status.as_u16(), headers, body })
}

pub(crate) fn tokio_stream(tcp: TcpStream) -> io::Result<tokio::net::TcpStream> {
    tcp.set_nonblocking(true)?;
    tokio::net::TcpStream::from_std(tcp)
}

/// On this very thread, which is in the right namespace.
pub(crate) fn block_on<T>(future: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { tokio::time::timeout(PATIENCE, future).await.map_err(io::Error::other)? })
}
