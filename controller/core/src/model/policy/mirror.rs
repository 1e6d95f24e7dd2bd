//! A second server that gets the requests of a route, too.

use crate::model::{BackendId, BackendPolicy, UpstreamKeepalive};
use crate::names::{ServiceUrl, VariableText};

/// Where requests are sent a second time; what comes back is dropped.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Mirror {
    /// Where; the host is a name or an address.
    pub url: ServiceUrl,
    /// `Host` of these requests.
    pub host: VariableText,
    /// Whether copies have the bodies of the requests, too.
    pub with_body: bool,
}

impl Mirror {
    /// Texts that may look at the request.
    pub fn texts(&self) -> impl Iterator<Item = &VariableText> {
        [&self.url.path, &self.host].into_iter().chain(&self.url.query)
    }

    /// How the backend of the server is talked to.
    #[must_use]
    pub fn backend_policy() -> BackendPolicy {
        BackendPolicy { keepalive: Some(UpstreamKeepalive::none()), ..BackendPolicy::default() }
    }

    /// The backend of the server.
    #[must_use]
    pub fn backend_id(&self) -> BackendId {
        BackendId::of_server(&self.url.host.to_string(), self.url.port, &Self::backend_policy())
    }
}
