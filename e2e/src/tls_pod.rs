//! Pods that speak TLS, each with a certificate of its own, and tell what they were shown.
//!
//! An answer is JSON: `service`, the name that was told (`sni`), the version of TLS (`tls`), and the certificate that the
//! client has shown (`client`, its bytes as hex; `null` without one).

use crate::echo;
use crate::http1::read_head;
use crate::tls::Pair;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion};
use serde_json::json;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;

/// The port that pods speak TLS on.
pub const PORT: u16 = 8443;

/// How a pod speaks TLS.
#[derive(Debug)]
pub struct Terms<'a> {
    /// What it shows, with all certificates that stand there.
    pub own: &'a Pair,
    /// Clients have to show a certificate that this one has signed.
    pub clients: Option<&'a Pair>,
    /// Versions that it speaks; none: all.
    pub versions: &'a [&'static SupportedProtocolVersion],
}

/// A new pod of a Service, in the namespace that this thread is in, until the end of the tests.
///
/// # Panics
/// When the certificates are none.
#[must_use]
pub fn new_pod(service: &str, terms: &Terms<'_>) -> Ipv4Addr {
    let address = echo::new_pod(service);
    let config = Arc::new(terms.config());
    let listener = TcpListener::bind((address, PORT)).expect("nobody else has the address");
    let service = service.to_owned();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (config, service) = (Arc::clone(&config), service.clone());
            std::thread::spawn(move || attend(stream, config, &service));
        }
    });
    address
}

impl Terms<'_> {
    /// The same in the words of rustls.
    pub(crate) fn config(&self) -> ServerConfig {
        let provider = Arc::new(ring::default_provider());
        let versions = if self.versions.is_empty() { rustls::ALL_VERSIONS } else { self.versions };
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(versions).expect("ring has them");
        let builder = match self.clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(CertificateDer::from(authority.der.clone())).expect("a certificate");
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().expect("there is an authority");
                builder.with_client_cert_verifier(verifier)
            }
        };
        let key = PrivateKeyDer::from_pem_slice(self.own.key.as_bytes()).expect("PEM");
        let chain = CertificateDer::pem_slice_iter(self.own.certificate.as_bytes());
        builder.with_single_cert(chain.collect::<Result<_, _>>().expect("PEM"), key).expect("a pair")
    }
}

/// Answers requests until the connection ends.
fn attend(stream: TcpStream, config: Arc<ServerConfig>, service: &str) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = StreamOwned::new(ServerConnection::new(config).map_err(io::Error::other)?, stream);
    loop {
        // Requests of these tests have no bodies.
        read_head(&mut stream)?;
        let client = stream.conn.peer_certificates().and_then(<[_]>::first).map(|certificate| hex(certificate));
        let version = stream.conn.protocol_version().and_then(|version| version.as_str());
        let body = json!({"service": service, "sni": stream.conn.server_name(), "tls": version, "client": client}).to_string();
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len())?;
        stream.flush()?;
    }
}

/// Bytes as hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
