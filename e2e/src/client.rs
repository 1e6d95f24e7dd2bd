//! Asks the proxy of the namespace that this thread is in.

use crate::http1::{Answer, Request};
use crate::tls::Pair;
use crate::{http2, tls};
use serde_json::Value;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// Where the controller answers.
pub const ADMIN_PORT: u16 = 10254;

/// A connection to a port of the loopback.
///
/// # Errors
/// When nobody listens there.
pub fn connect(port: u16) -> io::Result<TcpStream> {
    connect_at(Ipv4Addr::LOCALHOST.into(), port)
}

/// A connection to a port of an address.
///
/// # Errors
/// When nobody listens there.
pub fn connect_at(address: IpAddr, port: u16) -> io::Result<TcpStream> {
    const PATIENCE: Duration = Duration::from_secs(30);
    let stream = TcpStream::connect_timeout(&SocketAddr::from((address, port)), PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// One request on a connection of its own, over HTTP.
///
/// # Errors
/// When it gets no whole answer.
pub fn send(request: &Request) -> io::Result<Answer> {
    request.send(&mut connect(80)?, true)
}

/// The same with these bytes.
///
/// # Errors
/// When it gets no whole answer.
pub fn raw(bytes: &str) -> io::Result<Answer> {
    let mut stream = connect(80)?;
    stream.write_all(bytes.as_bytes())?;
    Answer::read(&mut stream, false)
}

/// The same over HTTPS, with the server name `name`.
///
/// # Errors
/// When it gets no whole answer.
pub fn send_over_tls(name: Option<&str>, request: &Request) -> io::Result<Answer> {
    request.send(&mut tls::connect(connect(443)?, name, &[])?, true)
}

/// The same by a client that has a certificate of its own.
///
/// # Errors
/// When it gets no whole answer.
pub fn send_over_tls_as(own: &Pair, name: &str, request: &Request) -> io::Result<Answer> {
    request.send(&mut tls::connect_as(connect(443)?, Some(name), &[], Some(own))?, true)
}

/// `GET` over HTTP.
///
/// # Errors
/// When it gets no whole answer.
pub fn get(host: &str, target: &str) -> io::Result<Answer> {
    send(&Request::get(host, target))
}

/// `GET` over HTTPS.
///
/// # Errors
/// When it gets no whole answer.
pub fn get_over_tls(host: &str, target: &str) -> io::Result<Answer> {
    send_over_tls(Some(host), &Request::get(host, target))
}

/// `GET` over HTTP/2 and TLS.
///
/// # Errors
/// When it gets no whole answer.
pub fn get_over_http2(host: &str, target: &str) -> io::Result<Answer> {
    http2::get_over_tls(connect(443)?, host, target)
}

/// The certificate that is shown for a server name.
///
/// # Errors
/// When the handshake fails.
pub fn certificate(name: Option<&str>) -> io::Result<Vec<u8>> {
    Ok(tls::shown(&tls::connect(connect(443)?, name, &[])?))
}

/// The certificate that is shown for a server name as it is sent to the byte, in TLS 1.2; clients leave out a last dot.
///
/// # Errors
/// When none is shown.
pub fn certificate_for_bytes(name: &str) -> io::Result<Vec<u8>> {
    crate::hello::certificate(connect(443)?, name, &crate::hello::CIPHERS)
}

/// The same for a client that knows no ciphers but those with DHE.
///
/// # Errors
/// When none is shown.
pub fn certificate_by_dhe(name: &str) -> io::Result<Vec<u8>> {
    crate::hello::certificate(connect(443)?, name, &crate::hello::OLDER)
}

/// What the controller answers at its admin port.
///
/// # Errors
/// When it gives no whole answer.
pub fn admin(target: &str) -> io::Result<Answer> {
    Request::get("localhost", target).send(&mut connect(ADMIN_PORT)?, true)
}

/// The same as JSON; `Null` while it does not answer.
#[must_use]
pub fn admin_json(target: &str) -> Value {
    admin(target).map(|answer| answer.echo()).unwrap_or_default()
}
