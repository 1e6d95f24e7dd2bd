//! Certificates of clients: who passes, and what endpoints are told.

use crate::COUNTS_AUTHORITIES;
use crate::models::*;
use crate::tls::visit_as;
use crate::world::*;
use gatewright_core::model::*;
use gatewright_core::names::{TextRegex, UriPath, UrlText};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::sync::Arc;

/// An authority that signs certificates.
struct Signer {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

impl Signer {
    fn new(name: &str) -> Self {
        let (params, key) = (authority_params(name), KeyPair::generate().unwrap());
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// Another authority, signed by this one.
    fn below(&self, name: &str) -> Self {
        let (params, key) = (authority_params(name), KeyPair::generate().unwrap());
        let pem = params.signed_by(&key, &self.issuer).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// Chain and key of a client.
    fn client(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let leaf = params(name).signed_by(&key, &self.issuer).unwrap().pem();
        (format!("{leaf}{}", self.pem), key.serialize_pem())
    }

    fn authority(&self) -> Authority {
        Authority::new(self.pem.as_bytes().into(), None)
    }
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn checked(authority: &Authority) -> ClientCertificates {
    ClientCertificates {
        authority: authority.id.clone(),
        has_revocations: false,
        verify: VerifyClient::Required,
        depth: 1,
        error_page: None,
        pass_certificate: false,
        subject: None,
    }
}

/// A host for each policy, and one without.
fn draft(authority: &Authority, hosts: &[(&str, ClientAuth)]) -> Draft {
    let mut draft = Draft { globals: globals(), ..Draft::default() }.backend("b", &[echo("b")]).host("open.test", vec![prefix("/", "b")]);
    for (name, auth) in hosts {
        let policy = HostPolicy { client_auth: Some(auth.clone()), ..HostPolicy::default() };
        draft.hosts.push(host(name, HostCertificate::Unclaimed, vec![prefix("/", "b")]).with_policy(policy));
    }
    draft.credentials.authorities.insert(authority.id.clone(), Arc::new(authority.clone()));
    draft
}

type Client = (String, String);

fn ask(proxy: &Proxy, client: Option<&Client>, host: &str) -> Answer {
    let client = client.map(|(chain, key)| (chain.as_str(), key.as_str()));
    let [first, second] =
        [&rustls::version::TLS12, &rustls::version::TLS13].map(|version| visit_as(client, proxy, host, host, version).unwrap().1);
    assert_eq!(first.status, second.status, "both versions of TLS answer the same");
    second
}

#[test]
fn auth_tls_verify_client_decides_who_needs_a_certificate() {
    let (signer, foreign) = (Signer::new("ca"), Signer::new("foreign"));
    let authority = signer.authority();
    let with = |verify| ClientAuth::Checked(ClientCertificates { verify, ..checked(&authority) });
    let (good, bad) = (signer.client("alice"), foreign.client("mallory"));
    for (program, version) in programs() {
        let hosts = [
            ("on.test", with(VerifyClient::Required)),
            ("optional.test", with(VerifyClient::Optional)),
            ("any.test", with(VerifyClient::OptionalOfAny)),
            ("off.test", with(VerifyClient::Off)),
        ];
        let proxy = Proxy::start(&draft(&authority, &hosts).model(), &program, version);
        for (host, client, status, verified) in [
            ("on.test", None, 400, None),
            ("on.test", Some(&bad), 400, None),
            ("on.test", Some(&good), 200, Some("SUCCESS")),
            ("optional.test", None, 200, Some("NONE")),
            ("optional.test", Some(&bad), 400, None),
            ("optional.test", Some(&good), 200, Some("SUCCESS")),
            ("any.test", None, 200, Some("NONE")),
            ("any.test", Some(&bad), 200, Some("FAILED")),
            ("any.test", Some(&good), 200, Some("SUCCESS")),
            ("off.test", None, 200, Some("NONE")),
            ("off.test", Some(&bad), 200, Some("NONE")),
            ("open.test", Some(&good), 200, None),
        ] {
            let answer = ask(&proxy, client, host);
            let told = answer.sent("ssl-client-verify").first().map(|value| value.split(':').next().unwrap().to_owned());
            assert_eq!((answer.status, told.as_deref()), (status, verified), "{host}");
        }
        let answer = ask(&proxy, Some(&good), "on.test");
        assert_eq!((answer.sent("ssl-client-subject-dn"), answer.sent("ssl-client-issuer-dn")), (vec!["CN=alice"], vec!["CN=ca"]));
        assert!(answer.sent("ssl-client-cert").is_empty());
        for name in ["SSL-Client-Verify: SUCCESS", "ssl-client-subject-dn: CN=alice"] {
            let header = name.split(':').next().unwrap();
            assert!(proxy.get("open.test", "/", &[name]).sent(header).is_empty(), "clients do not say who they are: {name}");
        }
        let other = visit_as(None, &proxy, "open.test", "on.test", &rustls::version::TLS13).unwrap().1;
        assert_eq!(other.status, 421, "a connection for one host is none for another");
    }
}

fn first_certificate(chain: &str) -> &str {
    const END: &str = "-----END CERTIFICATE-----\n";
    &chain[..chain.find(END).unwrap() + END.len()]
}

/// As a component of a URL.
fn percent_encoded(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

#[test]
fn auth_tls_options_act_on_the_host() {
    let signer = Signer::new("ca");
    let below = signer.below("intermediate");
    let deeper = below.below("second intermediate");
    let authority = signer.authority();
    let page = |page| ClientAuth::Checked(ClientCertificates { error_page: Some(page), ..checked(&authority) });
    let named = |text| ClientAuth::Checked(ClientCertificates { subject: Some(TextRegex::new(text).unwrap()), ..checked(&authority) });
    let hosts = [
        ("url.test", page(ClientErrorPage::Url(UrlText::new("http://h.test/error").unwrap()))),
        ("path.test", page(ClientErrorPage::Path(UriPath::new("/status/404").unwrap()))),
        ("pass.test", ClientAuth::Checked(ClientCertificates { pass_certificate: true, ..checked(&authority) })),
        ("deep.test", ClientAuth::Checked(ClientCertificates { depth: 2, ..checked(&authority) })),
        ("named.test", named("CN=(a|alice)$")),
        ("other.test", named("CN=notgonnamatch")),
        ("denied.test", ClientAuth::Denied),
        ("shallow.test", ClientAuth::Checked(checked(&authority))),
    ];
    let (alice, mut nested) = (signer.client("alice"), deeper.client("alice"));
    nested.0.push_str(&below.pem);
    for (program, version) in programs() {
        let proxy = Proxy::start(&draft(&authority, &hosts).model(), &program, version);
        let answer = ask(&proxy, None, "url.test");
        assert_eq!((answer.status, answer.header("Location")), (302, Some("http://h.test/error")));
        assert_eq!(ask(&proxy, None, "path.test").request_line(), "GET /status/404 HTTP/1.1");
        let answer = ask(&proxy, Some(&alice), "pass.test");
        assert_eq!(answer.sent("ssl-client-cert"), [percent_encoded(first_certificate(&alice.0))]);
        let statuses = |client, host| ask(&proxy, client, host).status;
        let shallow = if COUNTS_AUTHORITIES { 400 } else { 200 };
        assert_eq!([statuses(Some(&nested), "shallow.test"), statuses(Some(&nested), "deep.test")], [shallow, 200]);
        assert_eq!([statuses(Some(&alice), "named.test"), statuses(Some(&alice), "other.test")], [200, 403]);
        assert_eq!([statuses(Some(&alice), "denied.test"), proxy.get("denied.test", "/", &[]).status], [403, 403]);
        assert_eq!(proxy.get("named.test", "/", &[]).status, 403, "plain requests have no subject");
        assert_eq!(proxy.get("url.test", "/", &[]).status, 200, "plain requests are not checked");
    }
}
