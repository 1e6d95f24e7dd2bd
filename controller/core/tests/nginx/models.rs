//! Small models by hand.

use gatewright_core::model::*;
use gatewright_core::names::{HostPattern, Kind, ObjectName, ObjectRef, UriPath};
use std::net::SocketAddr;
use std::sync::Arc;

/// Builds a model; the catch-all and the default certificate are added.
#[derive(Default)]
pub struct Draft {
    pub globals: Globals,
    pub hosts: Vec<Host>,
    pub backends: Vec<Backend>,
    pub certificates: Vec<Certificate>,
    pub credentials: Credentials,
}

impl Draft {
    pub fn host(mut self, pattern: &str, routes: Vec<Route>) -> Self {
        self.hosts.push(host(pattern, HostCertificate::Unclaimed, routes));
        self
    }

    /// A host with a certificate of its own, named after it.
    pub fn tls_host(mut self, pattern: &str, id: &CertificateId, routes: Vec<Route>) -> Self {
        self.hosts.push(host(pattern, HostCertificate::Own(id.clone()), routes));
        self
    }

    /// A backend called `name`.
    pub fn backend(mut self, name: &str, endpoints: &[SocketAddr]) -> Self {
        self.backends.push(Backend::new(id(name), endpoints.to_vec(), Balance::RoundRobin));
        self
    }

    pub fn model(mut self) -> Model {
        if !self.hosts.iter().any(|h| h.pattern == HostPattern::CatchAll) {
            self.hosts.push(Host::new(HostPattern::CatchAll, None, HostCertificate::Unclaimed, vec![fallback()]));
        }
        let default = certificate(CertificateId::self_signed(), &["default.invalid"]);
        let default_certificate = default.id.clone();
        self.certificates.push(default);
        Model {
            globals: Arc::new(self.globals),
            hosts: self.hosts.into_iter().map(|h| (h.pattern.clone(), Arc::new(h))).collect(),
            backends: self.backends.into_iter().map(|b| (b.id.clone(), Arc::new(b))).collect(),
            certificates: self.certificates.into_iter().map(|c| (c.id.clone(), Arc::new(c))).collect(),
            streams: Default::default(),
            passthrough: Default::default(),
            credentials: self.credentials,
            default_certificate,
        }
    }
}

pub fn host(pattern: &str, certificate: HostCertificate, mut routes: Vec<Route>) -> Host {
    let root = PathMatch::Under(path("/"));
    // A host of expressions has nothing else.
    let is_complete = |m: &PathMatch| *m == root || matches!(m, PathMatch::Regex(path) if path.as_str() == "/");
    if !routes.iter().flat_map(|route| &route.matches).any(is_complete) {
        routes.push(fallback());
    }
    Host::new(HostPattern::parse(pattern).unwrap(), Some(ingress()), certificate, routes)
}

pub fn ingress() -> ObjectRef {
    ObjectRef::new(Kind::Ingress, ObjectName::new("shop", "front").unwrap())
}

pub fn fallback() -> Route {
    Route {
        matches: vec![PathMatch::Under(path("/"))],
        rule_path: path("/").into(),
        origin: None,
        service: None,
        https_redirect: None,
        policy: Arc::default(),
        action: Action::Respond(404),
        canary: None,
    }
}

/// `Prefix` as the translator writes it: the path itself and all below.
pub fn prefix(rule: &str, backend: &str) -> Route {
    let (bare, below) = (path(rule).without_trailing_slash(), path(rule).with_trailing_slash());
    let mut matches = vec![PathMatch::Exact(bare), PathMatch::Under(below)];
    if rule == "/" {
        matches.remove(0);
    }
    route(rule, matches, Action::Forward(id(backend)))
}

pub fn exact(rule: &str, backend: &str) -> Route {
    route(rule, vec![PathMatch::Exact(path(rule))], Action::Forward(id(backend)))
}

pub fn respond(rule: &str, status: u16) -> Route {
    Route { action: Action::Respond(status), ..prefix(rule, "none") }
}

pub fn redirected(route: Route) -> Route {
    Route { https_redirect: Some(HttpsRedirect { keep_trailing_slash: false }), ..route }
}

fn route(rule: &str, matches: Vec<PathMatch>, action: Action) -> Route {
    let service = ServiceRef { namespace: "shop".into(), service: "cart".into(), port: "http".into() };
    Route {
        matches,
        rule_path: path(rule).into(),
        origin: Some(ingress()),
        service: Some(service),
        https_redirect: None,
        policy: Arc::default(),
        action,
        canary: None,
    }
}

pub fn id(name: &str) -> BackendId {
    BackendId::new("shop", name, 80)
}

pub fn path(text: &str) -> UriPath {
    UriPath::new(text).unwrap()
}

/// A self-signed key pair.
pub fn certificate(id: CertificateId, names: &[&str]) -> Certificate {
    let names: Vec<String> = names.iter().map(|&n| n.to_owned()).collect();
    let pair = rcgen::generate_simple_self_signed(names).unwrap();
    let pem = format!("{}{}", pair.cert.pem(), pair.signing_key.serialize_pem());
    let digest = digest_of(&pem);
    Certificate { id, origin: "test".to_owned(), pem: pem.into_bytes().into(), digest }
}
