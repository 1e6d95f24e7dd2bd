//! What users ask for beyond hosts, paths and backends: one small file for each family of wishes.
//!
//! Three sets of wishes, by what carries them: a [`Route`](super::Route), a [`Host`](super::Host), a
//! [`Backend`](super::Backend). In each of them `None` means that nothing of the kind was asked for, and that what the
//! [`Globals`](super::Globals) say holds.

mod affinity;
mod basic_auth;
mod buffering;
mod canary;
mod client_auth;
mod cookies;
mod cors;
mod errors;
mod external_auth;
mod extra;
mod fastcgi;
mod forwarding;
mod hashing;
mod limits;
mod logging;
mod mirror;
mod redirect;
mod rewrite;
mod sources;
mod timeouts;
mod tls;

pub use affinity::{Affinity, AffinityMode, SameSite, SessionCookie};
pub use basic_auth::{BasicAuth, Satisfy};
pub use buffering::Buffering;
pub use canary::{Canary, CanaryHeader, CanaryHeaderTest, CanaryRules};
pub use client_auth::{ClientAuth, ClientCertificates, ClientErrorPage, VerifyClient};
pub use cookies::{CookieFlags, CookieRewrite};
pub use cors::{Cors, Origins};
pub use errors::{ErrorPages, StandsIn};
pub use external_auth::{AuthCache, AuthMethod, CacheTime, ExternalAuth, SignIn, Statuses};
pub use extra::{
    AnswerHeader, Charset, Condition, EarlyAnswer, Expires, ExpiresWhen, Extra, Gzip, PathRewrite, Query, RawDirective, RequestHeader,
    Substitutions, Test,
};
pub use fastcgi::FastCgi;
pub use forwarding::{ConnectionHeader, LocationRewrite, Protocol, Retries, RetryCauses};
pub use hashing::Hashing;
pub use limits::{Bandwidth, ClientLimits, Period, RequestRate};
pub use logging::Logging;
pub use mirror::Mirror;
pub use redirect::{Redirect, RedirectStatus, RedirectTarget};
pub use rewrite::Rewrite;
pub use sources::SourceRanges;
pub use timeouts::Timeouts;
pub use tls::{HostTls, TlsVersions, UpstreamTls, Verify};

use super::Balance;
use crate::names::{HeaderName, HeaderValue, HostAlias, UriPath, VariableText};

/// Defines a set of wishes. Its digest covers those that are there, by name, so that a wish that nobody has changes no
/// digest.
macro_rules! wishes {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $of:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
        pub struct $name { $($(#[$field_doc])* pub $field: Option<$of>,)* }

        impl $name {
            /// Whether nothing is asked for.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                *self == Self::default()
            }

            /// Names of the wishes that are there, in the order of the fields.
            #[must_use]
            pub fn names(&self) -> Vec<&'static str> {
                let mut there = Vec::new();
                $(if self.$field.is_some() { there.push(stringify!($field)); })*
                there
            }

            /// Content hash; 0 when nothing is asked for.
            #[must_use]
            pub fn digest(&self) -> u128 {
                let mut there: Vec<(&str, u128)> = Vec::new();
                $(if let Some(wish) = &self.$field {
                    there.push((stringify!($field), super::digest_of(wish)));
                })*
                if there.is_empty() { 0 } else { super::digest_of(&there) }
            }
        }
    };
}

wishes! {
    /// What is asked for the requests of a route.
    RoutePolicy {
        /// Answered in place of everything but a closed route's 503.
        redirect: Redirect,
        /// Another path for the endpoints.
        rewrite: Rewrite,
        /// How long the endpoints may take.
        timeouts: Timeouts,
        /// Names and passwords.
        basic_auth: BasicAuth,
        /// A service that decides.
        external_auth: std::sync::Arc<ExternalAuth>,
        /// How protections are joined; `None` is [`Satisfy::All`].
        satisfy: Satisfy,
        /// How much one client may ask for.
        limits: ClientLimits,
        /// How fast an answer is sent.
        bandwidth: Bandwidth,
        /// How much of requests and answers is held.
        buffering: Buffering,
        /// Domains of cookies of answers.
        cookie_domain: CookieRewrite,
        /// Paths of cookies of answers.
        cookie_path: CookieRewrite,
        /// What pages of other origins may do.
        cors: Cors,
        /// Error answers that another backend writes.
        errors: ErrorPages,
        /// What snippets ask for beside all that.
        extra: std::sync::Arc<Extra>,
        /// A second server that gets the requests, too.
        mirror: std::sync::Arc<Mirror>,
        /// What is logged.
        logging: Logging,
        /// Headers of every answer, in place of the endpoints'; not empty.
        response_headers: Vec<(HeaderName, HeaderValue)>,
        /// Which addresses may ask.
        sources: SourceRanges,
        /// The backend stands in for one without endpoints.
        stands_in: StandsIn,
        /// `Host` for the endpoints.
        upstream_host: VariableText,
        /// When a request is tried on another endpoint.
        retries: Retries,
        /// Endpoints are spoken to in HTTP/1.0.
        http_1_0: bool,
        /// What an endpoint is told about its connection.
        connection: ConnectionHeader,
        /// What becomes of `Location` in the answers of endpoints.
        location_rewrite: LocationRewrite,
        /// What FastCGI endpoints are told.
        fastcgi: FastCgi,
        /// Redirects of the proxy name the port.
        port_in_redirects: bool,
        /// Where an answer of an endpoint leads to a path of the host, it is told as a path.
        relative_redirects: bool,
        /// What a client is told that is given an endpoint, if the backend has [`Affinity`].
        session_cookie: SessionCookie,
    }
}

wishes! {
    /// What is asked for a whole host, put together from all Ingresses that have a say.
    HostPolicy {
        /// Further names; not empty, sorted by name.
        aliases: Vec<Alias>,
        /// Where requests for `/` are sent.
        app_root: UriPath,
        /// Certificates of clients.
        client_auth: ClientAuth,
        /// How handshakes differ from those for all hosts.
        tls: HostTls,
    }
}

wishes! {
    /// How a backend is talked to. Two uses of a Service port that differ in it are two backends.
    BackendPolicy {
        /// How requests are spread.
        balance: Balance,
        /// Idle connections.
        keepalive: super::UpstreamKeepalive,
        /// What picks the endpoint of a request; it goes before `balance`.
        hash: Hashing,
        /// How clients are known again; it goes before `hash`.
        affinity: Affinity,
        /// What endpoints speak; `None` is HTTP.
        protocol: Protocol,
        /// How endpoints are spoken to over TLS, if they are.
        tls: std::sync::Arc<UpstreamTls>,
        /// The address of the Service is the one endpoint.
        service_address: bool,
    }
}

impl RoutePolicy {
    /// Whether somebody has to be let in: a request that is not gets an answer of the protection.
    #[must_use]
    pub const fn is_guarded(&self) -> bool {
        self.basic_auth.is_some() || self.external_auth.is_some() || self.sources.is_some()
    }

    /// Headers of the service that decides which endpoints or clients are told, each once: those that replace the request's,
    /// then those that texts of headers have, and the URL to sign in. Empty when no service decides.
    #[must_use]
    pub fn told_answers(&self) -> Vec<&HeaderName> {
        let Some(auth) = &self.external_auth else { return Vec::new() };
        let mut told: Vec<&HeaderName> = auth.response_headers.iter().collect();
        let in_url = auth.sign_in.iter().flat_map(|sign_in| sign_in.url.answered());
        for header in self.extra.iter().flat_map(|extra| extra.answered()).chain(in_url) {
            if !told.iter().any(|known| known.is_same(header)) {
                told.push(header);
            }
        }
        told
    }

    /// Texts that may look at the request.
    pub fn texts(&self) -> impl Iterator<Item = &VariableText> {
        let paths = self.rewrite.iter().flat_map(|rewrite| std::iter::once(&rewrite.target).chain(&rewrite.forwarded_prefix));
        let servers = self.external_auth.iter().flat_map(|auth| auth.texts()).chain(self.mirror.iter().flat_map(|mirror| mirror.texts()));
        let parameters = self.fastcgi.iter().flat_map(|fastcgi| &fastcgi.parameters).map(|(_, value)| value);
        let further = self.extra.iter().flat_map(|extra| extra.texts());
        self.upstream_host.iter().chain(paths).chain(servers).chain(parameters).chain(further)
    }

    /// Whether requests may be turned away before they get their answer: the route is guarded, or clients have limits.
    #[must_use]
    pub const fn turns_away(&self) -> bool {
        self.is_guarded() || self.limits.is_some()
    }
}

/// A further name of a host.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Alias {
    /// The name; no host of the model.
    pub name: HostAlias,
    /// Handshakes for it are answered with the host's own certificate.
    pub certified: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_asked_for_counts() {
        assert!(BackendPolicy::default().is_empty() && BackendPolicy::default().digest() == 0);
        let one = BackendPolicy { balance: Some(Balance::RandomTwo), ..BackendPolicy::default() };
        assert_ne!(one.digest(), BackendPolicy { balance: Some(Balance::RoundRobin), ..BackendPolicy::default() }.digest());
        assert!(!one.is_empty() && one.digest() != 0);
    }
}
