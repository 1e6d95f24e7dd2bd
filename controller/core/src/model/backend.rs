//! Named sets of endpoints.

use super::BackendPolicy;
use serde::Serialize;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

/// Name of a backend in the proxy's files: eight hexadecimal digits of a hash, `_`, and a readable tail
/// (`a1b2c3d4_shop-cart-80`). The hash comes first because nginx compares names one by one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct BackendId(Arc<str>);

impl BackendId {
    /// The plain backend of a Service port; different Service ports never share an id, whatever their names.
    #[must_use]
    pub fn new(namespace: &str, service: &str, port: u16) -> Self {
        Self::named(namespace, service, port, &format!("{namespace}/{service}/{port}"))
    }

    /// The backend of a Service port for this policy; the plain one if it asks for nothing.
    #[must_use]
    pub fn with_policy(namespace: &str, service: &str, port: u16, policy: &BackendPolicy) -> Self {
        match policy.digest() {
            0 => Self::new(namespace, service, port),
            digest => Self::named(namespace, service, port, &format!("{namespace}/{service}/{port}/{digest:032x}")),
        }
    }

    /// The backend of a server that is named by a URL; `host` is a name or address.
    #[must_use]
    pub fn of_server(host: &str, port: u16, policy: &BackendPolicy) -> Self {
        let readable: String = host.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect();
        Self::named("server", &readable, port, &format!("{host} {port} {:032x}", policy.digest()))
    }

    fn named(namespace: &str, service: &str, port: u16, hashed: &str) -> Self {
        let hash = xxhash_rust::xxh3::xxh3_64(hashed.as_bytes()) >> 32;
        Self(format!("{hash:08x}_{namespace}-{service}-{port}").into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The readable tail: `namespace-service-port`, the same for all policies.
    #[must_use]
    pub fn service_port(&self) -> &str {
        self.0.split_once('_').map_or(&*self.0, |(_, tail)| tail)
    }
}

impl fmt::Display for BackendId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The Service port that a rule names, for logs, metrics and error pages.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServiceRef {
    /// Namespace of the rule and the Service.
    pub namespace: Arc<str>,
    /// Name of the Service; a DNS name.
    pub service: Arc<str>,
    /// The port as the rule writes it: a number, or a port name of letters, digits and `-`.
    pub port: Arc<str>,
}

/// How requests are spread over the endpoints of a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Balance {
    /// One after the other.
    #[default]
    RoundRobin,
    /// The less loaded of two picked at random; the nearest that stock proxies have to ewma.
    RandomTwo,
}

/// A named set of endpoints and how to talk to them. Where it is empty, the routes to it are
/// [`Action::Vacant`](super::Action::Vacant).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Backend {
    /// Name of the backend; unique in the model.
    pub id: BackendId,
    /// Sorted, without duplicates, never loopback or link-local.
    pub endpoints: Vec<SocketAddr>,
    /// How requests are spread.
    pub balance: Balance,
    /// What else is asked for; equal in all backends of the same id.
    pub policy: Arc<BackendPolicy>,
    /// Content hash of the above.
    pub digest: u128,
}

impl Backend {
    /// Puts a plain backend together: sorts the endpoints, drops duplicates, computes the digest.
    #[must_use]
    pub fn new(id: BackendId, endpoints: Vec<SocketAddr>, balance: Balance) -> Self {
        Self::with_policy(id, endpoints, balance, Arc::default())
    }

    /// As [`Backend::new`], with a policy.
    #[must_use]
    pub fn with_policy(id: BackendId, mut endpoints: Vec<SocketAddr>, balance: Balance, policy: Arc<BackendPolicy>) -> Self {
        endpoints.sort_unstable();
        endpoints.dedup();
        let digest = super::digest_of(&(&id, &endpoints, balance, policy.digest()));
        Self { id, endpoints, balance, policy, digest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_services_whose_joined_names_are_equal_differ() {
        assert_ne!(BackendId::new("a-b", "c", 80), BackendId::new("a", "b-c", 80));
    }
}
