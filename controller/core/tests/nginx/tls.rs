//! Which certificate a handshake gets while no server but the default one has any.

use crate::DIALECT;
use crate::models::*;
use crate::world::*;
use gatewright_agent::AnyCertificate;
use gatewright_core::model::*;
use gatewright_core::names::HostAlias;
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

/// Leaf certificate and answer of a request over TLS; an address as name sends no SNI.
fn visit(proxy: &Proxy, name: &str, host: &str, version: &'static rustls::SupportedProtocolVersion) -> std::io::Result<(Vec<u8>, Answer)> {
    visit_as(None, proxy, name, host, version)
}

/// The same by a client with a certificate chain and its key, as PEM.
pub fn visit_as(
    client: Option<(&str, &str)>,
    proxy: &Proxy,
    name: &str,
    host: &str,
    version: &'static rustls::SupportedProtocolVersion,
) -> std::io::Result<(Vec<u8>, Answer)> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[version])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)));
    let config = match client {
        None => config.with_no_client_auth(),
        Some((chain, key)) => {
            let chain = CertificateDer::pem_slice_iter(chain.as_bytes()).map(Result::unwrap).collect();
            config.with_client_auth_cert(chain, rustls::pki_types::PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap()).unwrap()
        }
    };
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = StreamOwned::new(client, TcpStream::connect(proxy.https())?);
    write!(stream, "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let leaf = stream.conn.peer_certificates().map(|chain| chain[0].to_vec()).unwrap_or_default();
    Ok((leaf, Answer::parse(&String::from_utf8_lossy(&answer))))
}

fn leaf(certificate: &Certificate) -> Vec<u8> {
    CertificateDer::from_pem_slice(&certificate.pem).unwrap().to_vec()
}

fn draft(globals: Globals) -> (Draft, [Certificate; 2]) {
    let certificates = ["own", "wild"].map(|name| certificate(CertificateId::of_secret("shop", name), &[name]));
    let [own, wild] = certificates.clone();
    let address = echo("b");
    let draft = Draft { globals, certificates: certificates.to_vec(), ..Draft::default() }
        .backend("b", &[address])
        .tls_host("h.test", &own.id, vec![redirected(prefix("/", "b"))])
        .tls_host("*.w.test", &wild.id, vec![prefix("/", "b")])
        .host("plain.w.test", vec![prefix("/", "b")])
        .host("plain.test", vec![prefix("/", "b")]);
    (draft, [own, wild])
}

#[test]
fn tls_every_handshake_gets_the_certificate_of_its_name() {
    for (program, version) in programs() {
        let mut globals = globals();
        globals.hsts = Some(Hsts::default());
        let (mut draft, [own, wild]) = draft(globals);
        draft.hosts.push(host("broken.w.test", HostCertificate::Default, vec![prefix("/", "b")]));
        let model = draft.model();
        let default = &model.certificates[&model.default_certificate];
        let proxy = Proxy::start(&model, &program, version);
        for tls in [&rustls::version::TLS12, &rustls::version::TLS13] {
            for (name, certificate, status) in [
                ("h.test", &own, 200),
                ("H.TEST", &own, 200),
                ("a.w.test", &wild, 200),
                ("A_b.w.test", &wild, 200),
                ("plain.w.test", &wild, 200),
                ("broken.w.test", default, 200),
                ("plain.test", default, 200),
                ("a.b.w.test", default, 404),
                ("w.test", default, 404),
                ("unknown.test", default, 404),
                ("127.0.0.1", default, 404),
            ] {
                let (seen, answer) = visit(&proxy, name, name, tls).unwrap();
                assert_eq!((seen == leaf(certificate), answer.status), (true, status), "{name}");
                assert_eq!(answer.headers("Strict-Transport-Security"), ["max-age=31536000; includeSubDomains"], "{name}");
            }
        }
        let (_, answer) = visit(&proxy, "h.test", "h.test", &rustls::version::TLS13).unwrap();
        assert_eq!((answer.sent("X-Forwarded-Proto"), answer.sent("X-Forwarded-Port")), (vec!["https"], vec!["443"]));
        let (seen, answer) = visit(&proxy, "h.test", "plain.test", &rustls::version::TLS13).unwrap();
        assert!(seen == leaf(&own) && answer.sent("Host") == ["plain.test"], "name and host may differ");
    }
}

#[test]
fn tls_5_a_renewed_certificate_is_served_without_a_reload() {
    for (program, version) in programs() {
        let (draft, [own, _]) = draft(globals());
        let proxy = Proxy::start(&draft.model(), &program, version);
        let renewed = certificate(own.id.clone(), &["renewed"]);
        proxy.renew(&renewed);
        until("the renewed certificate is served", || {
            visit(&proxy, "h.test", "h.test", &rustls::version::TLS13).unwrap().0 == leaf(&renewed)
        });
    }
}

#[test]
fn a_handshake_needs_no_link_to_what_is_published() {
    for (program, version) in programs() {
        let (draft, [own, _]) = draft(globals());
        let proxy = Proxy::start(&draft.model(), &program, version);
        let shown = || visit(&proxy, "h.test", "h.test", &rustls::version::TLS13).unwrap().0;
        assert_eq!(shown(), leaf(&own));
        let Some(name) = DIALECT.published_link else { continue };
        let misses_it = || proxy.log("error.log").contains("realpath() ");
        assert!(!misses_it(), "the link is followed");
        std::fs::remove_file(proxy.staged.dir.path().join("run").join(name)).unwrap();
        assert_eq!(shown(), leaf(&own), "without the link");
        until("it is noted", misses_it);
    }
}

#[test]
fn tls_21_unknown_names_are_refused_on_request() {
    for (program, version) in programs() {
        let mut globals = globals();
        globals.tls.reject_unknown_names = true;
        let (mut draft, [own, wild]) = draft(globals);
        let alias = |name: &str| Alias { name: HostAlias::parse(name).unwrap(), certified: false };
        let aliased = host("aliased.test", HostCertificate::Own(own.id.clone()), vec![prefix("/", "b")]);
        let aliases = Some(vec![alias("other.test"), alias("other.w.test")]);
        draft.hosts.push(aliased.with_policy(HostPolicy { aliases, ..HostPolicy::default() }));
        let model = draft.model();
        let proxy = Proxy::start(&model, &program, version);
        let default = model.certificates[&model.default_certificate].as_ref();
        let known = [("h.test", &own), ("a.w.test", &wild), ("plain.w.test", &wild), ("plain.test", default), ("other.test", default)];
        for (name, certificate) in known.into_iter().chain([("other.w.test", &wild)]) {
            assert_eq!(visit(&proxy, name, name, &rustls::version::TLS13).unwrap().0, leaf(certificate), "{name}");
        }
        for name in ["unknown.test", "127.0.0.1"] {
            assert!(visit(&proxy, name, name, &rustls::version::TLS13).is_err(), "{name}");
        }
    }
}
