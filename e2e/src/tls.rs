//! TLS: certificates for Secrets, and a client that takes any certificate and tells which one it was shown.

use gatewright_agent::AnyCertificate;
use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use std::io;
use std::net::TcpStream;
use std::sync::Arc;

/// A self-signed certificate and its key.
#[derive(Debug, Clone)]
pub struct Pair {
    /// `tls.crt`.
    pub certificate: String,
    /// `tls.key`.
    pub key: String,
    /// The certificate as it is shown in a handshake.
    pub der: Vec<u8>,
}

impl Pair {
    /// For these DNS names.
    ///
    /// # Panics
    /// When they are none.
    #[must_use]
    pub fn new(names: &[&str]) -> Self {
        Self::with(names, |_| {})
    }

    /// For a subject's common name alone, without any alternative name.
    #[must_use]
    pub fn for_common_name(name: &str) -> Self {
        Self::with(&[], |params| params.distinguished_name.push(DnType::CommonName, name))
    }

    /// Valid only long ago.
    #[must_use]
    pub fn expired(names: &[&str]) -> Self {
        Self::with(names, |params| {
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        })
    }

    fn with(names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Self {
        let key = KeyPair::generate().expect("there is randomness");
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).expect("DNS names");
        params.distinguished_name = rcgen::DistinguishedName::new();
        change(&mut params);
        let certificate = params.self_signed(&key).expect("it can be signed");
        Self { certificate: certificate.pem(), key: key.serialize_pem(), der: certificate.der().to_vec() }
    }
}

/// A connection over TLS.
pub type Stream = StreamOwned<ClientConnection, TcpStream>;

/// Shakes hands over a connection. `name`: the server name; `None` sends none.
///
/// # Errors
/// When the other side refuses.
///
/// # Panics
/// When the name is no DNS name.
pub fn connect(tcp: TcpStream, name: Option<&str>, protocols: &[&str]) -> io::Result<Stream> {
    let mut stream = StreamOwned::new(ClientConnection::new(config(protocols), server_name(name)).map_err(io::Error::other)?, tcp);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(stream)
}

/// The certificate that was shown.
#[must_use]
pub fn shown(stream: &Stream) -> Vec<u8> {
    stream.conn.peer_certificates().and_then(<[_]>::first).map(|certificate| certificate.to_vec()).unwrap_or_default()
}

pub(crate) fn config(protocols: &[&str]) -> Arc<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().expect("ring has them");
    let mut config = builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyCertificate(provider))).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    // A resumed session would show no certificate.
    config.resumption = rustls::client::Resumption::disabled();
    Arc::new(config)
}

pub(crate) fn server_name(name: Option<&str>) -> ServerName<'static> {
    // An address is never sent as a server name.
    ServerName::try_from(name.unwrap_or("192.0.2.1").to_owned()).expect("a DNS name")
}
