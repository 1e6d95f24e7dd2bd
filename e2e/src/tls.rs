//! TLS: certificates for Secrets, and a client that takes any certificate and tells which one it was shown.

use base64::Engine;
use gatewright_agent::AnyCertificate;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer, KeyIdMethod, KeyPair, RevokedCertParams,
    SerialNumber, date_time_ymd,
};
use rustls::CipherSuite;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, ServerConfig, ServerConnection, SignatureScheme, StreamOwned};
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
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
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        })
    }

    /// For `*.curves.test`, of a kind that is not made here, by its file: with a key that is `p521`, `secp256k1`, `ed448`, `rsa` or
    /// `rsa-pss`; or a certificate of `version-1`, or with an extension that is critical and known to nobody.
    ///
    /// # Panics
    /// When there is none of that kind.
    #[must_use]
    pub fn of_kind(kind: &str) -> Self {
        let pem = key_file(&format!("{kind}.pem"));
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).expect("it begins with a certificate").to_vec();
        Self { certificate: pem.clone(), key: pem, der }
    }

    /// For these DNS names, with a further certificate whose key is no point of its curve. Leaf and key are fine, so it takes a
    /// library that computes with the point to find out.
    ///
    /// # Panics
    /// When they are none.
    #[must_use]
    pub fn with_a_broken_link(names: &[&str]) -> Self {
        const KEY: &[u8] = &[0x03, 0x42, 0x00, 0x04];
        const LAST: usize = KEY.len() + 63;
        let leaf = Self::new(names);
        let mut link = Authority::new("link").own.der;
        let at = link.windows(KEY.len()).position(|bytes| bytes == KEY).expect("it has a key of 256 bits");
        link[at + LAST] ^= 1;
        let link = base64::engine::general_purpose::STANDARD.encode(link);
        let link = format!("-----BEGIN CERTIFICATE-----\n{link}\n-----END CERTIFICATE-----\n");
        Self { certificate: leaf.certificate.clone() + &link, ..leaf }
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

/// A file of keys that are not made here.
///
/// # Panics
/// When there is no such file.
#[must_use]
pub fn key_file(name: &str) -> String {
    let path = format!("{}/../controller/core/tests/keys/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Takes any certificate, also one with a key that the library here does not know; of those that it knows, the handshake
/// has to prove that the server has the key.
#[derive(Debug)]
struct AnyKind(AnyCertificate);

impl AnyKind {
    const UNKNOWN: [SignatureScheme; 4] = [
        SignatureScheme::ECDSA_NISTP521_SHA512,
        SignatureScheme::ED448,
        SignatureScheme::Unknown(0x0809), // rsa_pss_pss_sha256
        SignatureScheme::Unknown(0x080a), // rsa_pss_pss_sha384
    ];
}

impl ServerCertVerifier for AnyKind {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.0.verify_server_cert(certificate, chain, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        if Self::UNKNOWN.contains(&signed.scheme) {
            return Ok(HandshakeSignatureValid::assertion());
        }
        self.0.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        [self.0.supported_verify_schemes(), Self::UNKNOWN.to_vec()].concat()
    }
}

/// Who signs certificates.
#[derive(Debug)]
pub struct Authority {
    /// Its own certificate: `ca.crt`.
    pub own: Pair,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// One of this name.
    ///
    /// # Panics
    /// Never: any name can be signed.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("there is randomness");
        let certificate = params.self_signed(&key).expect("it can be signed");
        let own = Pair { certificate: certificate.pem(), key: key.serialize_pem(), der: certificate.der().to_vec() };
        Self { own, issuer: Issuer::new(params, key) }
    }

    /// One that this one has signed.
    ///
    /// # Panics
    /// Never: any name can be signed.
    #[must_use]
    pub fn below(&self, name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("there is randomness");
        let certificate = params.signed_by(&key, &self.issuer).expect("it can be signed");
        let own = Pair { certificate: certificate.pem(), key: key.serialize_pem(), der: certificate.der().to_vec() };
        Self { own, issuer: Issuer::new(params, key) }
    }

    /// A certificate for these DNS names.
    ///
    /// # Panics
    /// When they are none.
    #[must_use]
    pub fn sign(&self, names: &[&str]) -> Pair {
        self.sign_with(names, |_| {})
    }

    /// A certificate for a client of this common name. `number`: which one of this authority it is.
    #[must_use]
    pub fn sign_client(&self, name: &str, number: u64) -> Pair {
        self.sign_with(&[], |params| {
            params.distinguished_name.push(DnType::CommonName, name);
            params.serial_number = Some(SerialNumber::from(number));
        })
    }

    /// The same, valid only long ago.
    #[must_use]
    pub fn sign_expired_client(&self, name: &str) -> Pair {
        self.sign_with(&[], |params| {
            params.distinguished_name.push(DnType::CommonName, name);
            (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
        })
    }

    fn sign_with(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Pair {
        let key = KeyPair::generate().expect("there is randomness");
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).expect("DNS names");
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).expect("it can be signed");
        Pair { certificate: certificate.pem(), key: key.serialize_pem(), der: certificate.der().to_vec() }
    }

    /// What the authority has revoked, by number: `ca.crl`.
    ///
    /// # Panics
    /// Never: any list can be signed.
    #[must_use]
    pub fn revoke(&self, numbers: &[u64]) -> String {
        let revoked = |number: &u64| RevokedCertParams {
            serial_number: SerialNumber::from(*number),
            revocation_time: date_time_ymd(2026, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2026, 1, 1),
            next_update: date_time_ymd(2099, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: numbers.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).and_then(|list| list.pem()).expect("it can be signed")
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
    connect_as(tcp, name, protocols, None)
}

/// The same, with a certificate of its own that the client shows when it is asked for one.
///
/// # Errors
/// When the other side refuses.
///
/// # Panics
/// When the name is no DNS name.
pub fn connect_as(tcp: TcpStream, name: Option<&str>, protocols: &[&str], own: Option<&Pair>) -> io::Result<Stream> {
    let connection = ClientConnection::new(config_of(protocols, own), server_name(name)).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(connection, tcp);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(stream)
}

/// Shakes hands in TLS 1.2, with these ciphers in this order; the one that was agreed upon.
///
/// # Errors
/// When the other side refuses.
///
/// # Panics
/// When ring knows none of them.
pub fn agreed(tcp: TcpStream, name: &str, ciphers: &[CipherSuite]) -> io::Result<CipherSuite> {
    let mut provider = ring::default_provider();
    let known = std::mem::take(&mut provider.cipher_suites);
    provider.cipher_suites = ciphers.iter().flat_map(|cipher| known.iter().find(|suite| suite.suite() == *cipher).copied()).collect();
    let provider = Arc::new(provider);
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(&[&rustls::version::TLS12]);
    let builder = builder.expect("ring knows them").dangerous();
    let builder = builder.with_custom_certificate_verifier(Arc::new(AnyKind(AnyCertificate(provider))));
    let mut config = builder.with_no_client_auth();
    config.resumption = rustls::client::Resumption::disabled();
    let mut connection = ClientConnection::new(Arc::new(config), server_name(Some(name))).map_err(io::Error::other)?;
    let mut tcp = tcp;
    while connection.is_handshaking() {
        connection.complete_io(&mut tcp)?;
    }
    Ok(connection.negotiated_cipher_suite().expect("hands are shaken").suite())
}

/// Starts pods that speak TLS themselves, on this port of all addresses of the namespace that this thread is in. Whatever they
/// are asked over TLS, they name their Service; other connections they close.
///
/// # Panics
/// When the port is taken.
pub fn start_pods(service: &str, port: u16, pair: &Pair) {
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).expect("the key is PEM");
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider())).with_safe_default_protocol_versions();
    let builder = builder.expect("ring has them").with_no_client_auth();
    let config = Arc::new(builder.with_single_cert(vec![pair.der.clone().into()], key).expect("they belong together"));
    let body = format!("{{\"service\":\"{service}\"}}");
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
    let listener = TcpListener::bind(("0.0.0.0", port)).expect("the port is free");
    std::thread::spawn(move || {
        for tcp in listener.incoming().flatten() {
            let (config, answer) = (Arc::clone(&config), answer.clone());
            std::thread::spawn(move || attend(tcp, config, &answer));
        }
    });
}

fn attend(tcp: TcpStream, config: Arc<ServerConfig>, answer: &str) -> io::Result<()> {
    let mut stream = StreamOwned::new(ServerConnection::new(config).map_err(io::Error::other)?, tcp);
    crate::http1::read_head(&mut stream)?;
    stream.write_all(answer.as_bytes())?;
    stream.conn.send_close_notify();
    stream.flush()
}

/// The certificate that was shown.
#[must_use]
pub fn shown(stream: &Stream) -> Vec<u8> {
    stream.conn.peer_certificates().and_then(<[_]>::first).map(|certificate| certificate.to_vec()).unwrap_or_default()
}

pub(crate) fn config(protocols: &[&str]) -> Arc<ClientConfig> {
    config_of(protocols, None)
}

fn config_of(protocols: &[&str], own: Option<&Pair>) -> Arc<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().expect("ring has them");
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyKind(AnyCertificate(provider))));
    let mut config = match own {
        Some(own) => {
            let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).expect("the key is PEM");
            builder.with_client_auth_cert(vec![own.der.clone().into()], key).expect("they belong together")
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    // A resumed session would show no certificate.
    config.resumption = rustls::client::Resumption::disabled();
    Arc::new(config)
}

pub(crate) fn server_name(name: Option<&str>) -> ServerName<'static> {
    // An address is never sent as a server name.
    ServerName::try_from(name.unwrap_or("192.0.2.1").to_owned()).expect("a DNS name")
}
