//! A service decides whether a request may pass.

use crate::model::{BackendId, BackendPolicy, UpstreamKeepalive};
use crate::names::{HeaderName, HostName, HostPattern, ServiceUrl, UrlHost, VariableText};

/// Every request is shown to a service first, without its body. It passes with any 2xx; 401 and 403 go to the client;
/// anything else, and no answer, is 500.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ExternalAuth {
    /// Where the service is. In a model the host is a name or an address.
    pub url: ServiceUrl,
    /// Method of the request to the service; `None`: GET.
    pub method: Option<AuthMethod>,
    /// Where clients are sent in place of 401.
    pub sign_in: Option<SignIn>,
    /// Headers of its answer that replace those of the request.
    pub response_headers: Vec<HeaderName>,
    /// Further headers for the service.
    pub request_headers: Vec<(HeaderName, VariableText)>,
    /// What the service is told as the target to come back to; `None`: that of the request.
    pub redirect_target: Option<String>,
    /// How long answers are kept.
    pub cache: Option<AuthCache>,
    /// A cookie of the service goes to the client whatever the status of the answer; otherwise only with success and
    /// redirects.
    pub always_set_cookie: bool,
    /// Idle connections to the service.
    pub keepalive: UpstreamKeepalive,
}

impl ExternalAuth {
    /// The settings for one host, with its name in place of `$host`. `None`: the host has no single name.
    #[must_use]
    pub fn for_host(&self, pattern: &HostPattern) -> Option<Self> {
        match (&self.url.host, pattern) {
            (UrlHost::OfRequest, HostPattern::Exact(name)) => Some(self.at(name)),
            (UrlHost::OfRequest, _) => None,
            _ => Some(self.clone()),
        }
    }

    fn at(&self, name: &HostName) -> Self {
        Self { url: ServiceUrl { host: UrlHost::Name(name.clone()), ..self.url.clone() }, ..self.clone() }
    }

    /// Texts that may look at the request.
    pub fn texts(&self) -> impl Iterator<Item = &VariableText> {
        let url = std::iter::once(&self.url.path).chain(&self.url.query).chain(self.sign_in.as_ref().map(|sign_in| &sign_in.url));
        url.chain(self.request_headers.iter().map(|(_, value)| value)).chain(self.cache.as_ref().map(|cache| &cache.key))
    }

    /// How the backend of the service is talked to.
    #[must_use]
    pub fn backend_policy(&self) -> BackendPolicy {
        BackendPolicy { keepalive: Some(self.keepalive.clone()), ..BackendPolicy::default() }
    }

    /// The backend of the service.
    #[must_use]
    pub fn backend_id(&self) -> BackendId {
        BackendId::of_server(&self.url.host.to_string(), self.url.port, &self.backend_policy())
    }
}

/// How the service is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AuthMethod(&'static str);

impl AuthMethod {
    /// The methods of HTTP that are taken, in upper case, sorted.
    pub const NAMES: &[&str] = &["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];

    /// The method of this name.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|known| **known == name).map(|known| Self(known))
    }

    /// Name of the method, in upper case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

/// Where clients are sent to sign in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SignIn {
    /// An absolute URL or path.
    pub url: VariableText,
    /// Characters of URLs that stand between the URL and that of the request, such as `?rd=`; `None`: the URL is complete.
    pub joint: Option<String>,
}

/// How long answers of the service are kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AuthCache {
    /// Requests with the same value, credentials and route have the same answer.
    pub key: VariableText,
    /// Which answers, and how long.
    pub times: Vec<CacheTime>,
}

/// How long answers of some statuses are kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CacheTime {
    /// Empty: 200, 301 and 302.
    pub statuses: Statuses,
    /// How long answers are kept, in seconds; 0: not at all.
    pub seconds: u64,
}

/// Status codes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Statuses {
    /// All of them.
    Any,
    /// These, 100 to 599.
    These(Vec<u16>),
}
