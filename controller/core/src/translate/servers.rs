//! Servers that annotations name by a URL → backends.

use super::Input;
use super::endpoints::machine;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Backend, BackendId, BackendPolicy, Balance, ExternalAuth, Mirror, digest_of};
use crate::names::{ObjectRef, ServiceUrl, UrlHost, shown};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// What would do where the answer about a name is on its way.
pub(super) const AWAITED: &str = "wait for the answer, with which this goes away";

/// The servers of one translation.
#[derive(Debug)]
pub(super) struct Servers<'a> {
    input: Input<'a>,
    /// By the annotation that names them, and by the backend.
    found: BTreeMap<(&'static str, BackendId), Arc<Found>>,
    dns_names: BTreeSet<Box<str>>,
}

/// What is known of a server.
#[derive(Debug)]
pub(super) struct Found {
    backend: Option<Arc<Backend>>,
    problem: Option<Problem>,
    /// Hash of all that a host is made from: whether there is a backend, and what is wrong.
    pub(super) digest: u128,
}

/// Why a server cannot be asked.
#[derive(Debug)]
struct Problem {
    code: Code,
    message: String,
    help: &'static str,
}

impl Found {
    /// Whether the server can be asked.
    pub(super) const fn is_there(&self) -> bool {
        self.backend.is_some()
    }

    /// What is wrong, said on the Ingress that names the server.
    pub(super) fn finding(&self, origin: &ObjectRef, field: String) -> Option<Diagnostic> {
        let Problem { code, message, help } = self.problem.as_ref()?;
        Some(Diagnostic::new(*code, origin.clone(), field, message.clone()).help(*help))
    }
}

impl<'a> Servers<'a> {
    /// Starts a translation.
    pub(super) const fn new(input: Input<'a>) -> Self {
        Self { input, found: BTreeMap::new(), dns_names: BTreeSet::new() }
    }

    /// The service of external authentication; its host is a name or an address.
    pub(super) fn of(&mut self, auth: &ExternalAuth) -> Arc<Found> {
        self.server("auth-url", &auth.url, auth.backend_id(), auth.backend_policy())
    }

    /// The server that requests are sent to a second time; its host is a name or an address.
    pub(super) fn of_mirror(&mut self, mirror: &Mirror) -> Arc<Found> {
        self.server("mirror-target", &mirror.url, mirror.backend_id(), Mirror::backend_policy())
    }

    fn server(&mut self, key: &'static str, url: &ServiceUrl, id: BackendId, policy: BackendPolicy) -> Arc<Found> {
        if let Some(found) = self.found.get(&(key, id.clone())) {
            return Arc::clone(found);
        }
        let (backend, problem) = match self.addresses(key, &url.host, url.port) {
            Ok(addresses) => {
                let endpoints = addresses.into_iter().map(|address| SocketAddr::new(address, url.port)).collect();
                let policy = Arc::new(policy);
                (Some(Arc::new(Backend::with_policy(id.clone(), endpoints, Balance::RoundRobin, policy))), None)
            }
            Err(problem) => (None, Some(problem)),
        };
        let digest = digest_of(&(backend.is_some(), problem.as_ref().map(|problem| (problem.code, &problem.message))));
        let found = Arc::new(Found { backend, problem, digest });
        self.found.insert((key, id), Arc::clone(&found));
        found
    }

    fn addresses(&mut self, key: &str, host: &UrlHost, port: u16) -> Result<Vec<IpAddr>, Problem> {
        let name = host.to_string();
        let refused = |message, help| Problem { code: Code::RefusedServer, message, help };
        let unresolved = |message, help| Problem { code: Code::UnresolvedServer, message, help };
        let all = match host {
            UrlHost::Address(address) => vec![*address],
            UrlHost::Name(known) => {
                self.dns_names.insert(known.as_str().into());
                let looked_up = self.input.snapshot.addresses_of(known.as_str());
                looked_up.ok_or_else(|| unresolved(format!("{key}: host {} is being looked up", shown(&name)), AWAITED))?.to_vec()
            }
            UrlHost::OfRequest => {
                let message = format!("{key}: $host stands for one name only where the host of the rule is one");
                return Err(refused(message, "write the host of the service, or give rules hosts without wildcard"));
            }
        };
        let rejection = |address: &IpAddr| machine(SocketAddr::new(*address, port), self.input.settings);
        let allowed: Vec<_> = all.iter().copied().filter(|address| rejection(address).is_none()).collect();
        match (allowed.is_empty(), all.first()) {
            (false, _) => Ok(allowed),
            (true, Some(address)) => Err(refused(
                format!(
                    "{key}: host {} is {address}{}",
                    shown(&name),
                    rejection(address).map_or_else(String::new, |why| format!(", which {why}"))
                ),
                "name a service elsewhere",
            )),
            (true, None) => {
                Err(unresolved(format!("{key}: host {} does not resolve", shown(&name)), "use a full name that the cluster's DNS knows"))
            }
        }
    }

    /// The backends of all servers, and the DNS names that have to be looked up.
    pub(super) fn finish(self) -> (impl Iterator<Item = Arc<Backend>>, BTreeSet<Box<str>>) {
        (self.found.into_values().filter_map(|found| found.backend.clone()), self.dns_names)
    }
}
