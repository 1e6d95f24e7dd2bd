//! A gRPC server and one unary call: HTTP/2 with its trailers and framed messages, and nothing of Protocol Buffers.

use crate::http2::{block_on, tokio_stream};
use crate::tls;
use crate::tls_pod::Terms;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// What a call was answered with.
#[derive(Debug)]
pub struct Reply {
    /// `content-type` of the answer.
    pub content_type: String,
    /// `grpc-status`, from the trailers.
    pub status: String,
    /// The message, without its frame: what the server was told, as `AUTHORITY PATH MESSAGE`.
    pub message: String,
}

/// Begins to answer calls at an address of the namespace that this thread is in, until the end of the tests.
///
/// # Panics
/// When the address is taken.
pub fn serve(address: SocketAddr) {
    on_each(address, |tcp| drop(block_on(async { attend(tokio_stream(tcp)?).await })));
}

/// The same over TLS.
///
/// # Panics
/// When the address is taken, or the certificates are none.
pub fn serve_over_tls(address: SocketAddr, terms: &Terms<'_>) {
    let mut config = terms.config();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    on_each(address, move |tcp| drop(block_on(async { attend(acceptor.accept(tokio_stream(tcp)?).await?).await })));
}

/// Whoever asks has its own way to tell that there is no answer.
fn on_each(address: SocketAddr, attend: impl Fn(TcpStream) + Clone + Send + 'static) {
    let listener = TcpListener::bind(address).expect("nobody else listens there");
    std::thread::spawn(move || {
        for tcp in listener.incoming().flatten() {
            let attend = attend.clone();
            std::thread::spawn(move || attend(tcp));
        }
    });
}

async fn attend(stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    let mut connection = h2::server::handshake(stream).await.map_err(io::Error::other)?;
    while let Some(call) = connection.accept().await {
        let (request, mut respond) = call.map_err(io::Error::other)?;
        tokio::spawn(async move {
            let (head, mut stream) = request.into_parts();
            let mut body = Vec::new();
            while let Some(Ok(part)) = stream.data().await {
                let _ = stream.flow_control().release_capacity(part.len());
                body.extend_from_slice(&part);
            }
            // RFC 9113, 8.3.1: what comes by way of HTTP/1 words may say Host in its place, as nginx does; servers of gRPC
            // take the one for the other.
            let host = head.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
            let authority = head.uri.authority().map_or(host, |authority| authority.as_str());
            let text = format!("{authority} {} {}", head.uri.path(), unframed(&body));
            let response = http::Response::builder().header("content-type", "application/grpc").body(()).ok()?;
            let mut answer = respond.send_response(response, false).ok()?;
            answer.send_data(framed(&text).into(), false).ok()?;
            let mut trailers = http::HeaderMap::new();
            trailers.insert("grpc-status", http::HeaderValue::from_static("0"));
            answer.send_trailers(trailers).ok()
        });
    }
    Ok(())
}

/// Calls a method over TLS.
///
/// # Errors
/// When there is no whole answer.
pub fn call(tcp: TcpStream, host: &str, method: &str, message: &str) -> io::Result<Reply> {
    block_on(async {
        let tcp = tokio_stream(tcp)?;
        let stream = TlsConnector::from(tls::config(&["h2"])).connect(tls::server_name(Some(host)), tcp).await?;
        let (mut sender, connection) = h2::client::handshake(stream).await.map_err(io::Error::other)?;
        tokio::spawn(connection);
        let request =
            http::Request::post(format!("https://{host}{method}")).header("content-type", "application/grpc").header("te", "trailers");
        let request = request.body(()).map_err(io::Error::other)?;
        let (response, mut body) = sender.send_request(request, false).map_err(io::Error::other)?;
        body.send_data(framed(message).into(), true).map_err(io::Error::other)?;
        let (head, mut stream) = response.await.map_err(io::Error::other)?.into_parts();
        let mut bytes = Vec::new();
        while let Some(part) = stream.data().await {
            let part = part.map_err(io::Error::other)?;
            stream.flow_control().release_capacity(part.len()).map_err(io::Error::other)?;
            bytes.extend_from_slice(&part);
        }
        let trailers = stream.trailers().await.map_err(io::Error::other)?.unwrap_or_default();
        let text = |headers: &http::HeaderMap, name: &str| {
            headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default()
        };
        Ok(Reply { content_type: text(&head.headers, "content-type"), status: text(&trailers, "grpc-status"), message: unframed(&bytes) })
    })
}

/// A message with its frame: not compressed, its length, itself.
fn framed(message: &str) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("a short message");
    [&[0], &length.to_be_bytes()[..], message.as_bytes()].concat()
}

fn unframed(bytes: &[u8]) -> String {
    const FRAME: usize = 5;
    String::from_utf8_lossy(bytes.get(FRAME..).unwrap_or_default()).into_owned()
}
