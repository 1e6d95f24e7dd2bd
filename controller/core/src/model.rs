//! What the proxy shall do, in terms of neither a particular proxy nor Kubernetes; plain data.
//!
//! A [`Model`] holds hosts, backends and certificates behind `Arc`s: an unchanged one is the same allocation as in
//! the model before, so that rendering can tell by its digest, or by the pointer, that nothing has to be done.

mod accounts;
mod authority;
mod backend;
mod certificate;
mod digest;
mod feature;
mod globals;
mod host;
mod identity;
mod lack;
mod md5;
mod password_cost;
mod policy;
mod shared_map;
mod stream;
mod tls_files;

pub use accounts::{Account, Accounts, AccountsId, HashKind, NoLogin, PasswordHash};
pub use authority::{Authority, AuthorityId};
pub use backend::{Backend, BackendId, Balance, ServiceRef};
pub use certificate::{Certificate, CertificateId};
pub(crate) use digest::Digester;
pub use digest::digest_of;
pub use feature::{Feature, Features};
pub use globals::{
    AccessLog, Blocking, BodyLimits, Buffers, ClientTimeouts, Compression, CpuAffinity, CustomErrors, ErrorLevel, ErrorLog, Forwarding,
    Globals, Hsts, HttpsRedirectStatus, Limits, Listeners, LogEscape, MediaType, RequestIds, RetryPolicy, Tls, TrustedAddressSource,
    UpstreamKeepalive, UpstreamTimeouts, Workers,
};
pub use host::{Action, Host, HostCertificate, HttpsRedirect, PathMatch, Route};
pub use identity::{Identity, IdentityId};
pub use lack::{Approximation, Lack, LackingWay};
pub(crate) use password_cost::check as check_cost;
pub use policy::{
    Affinity, AffinityMode, Alias, AnswerHeader, AuthCache, AuthMethod, BackendPolicy, Bandwidth, BasicAuth, Buffering, CacheTime, Canary,
    CanaryHeader, CanaryHeaderTest, CanaryRules, Charset, ClientAuth, ClientCertificates, ClientErrorPage, ClientLimits, Condition,
    ConnectionHeader, CookieFlags, CookieRewrite, Cors, EarlyAnswer, ErrorPages, Expires, ExpiresWhen, ExternalAuth, Extra, FastCgi, Gzip,
    Hashing, HostPolicy, HostTls, LocationRewrite, Logging, Mirror, Origins, PathRewrite, Period, Protocol, Query, RawDirective, Redirect,
    RedirectStatus, RedirectTarget, RequestHeader, RequestRate, Retries, RetryCauses, Rewrite, RoutePolicy, SameSite, Satisfy,
    SessionCookie, SignIn, SourceRanges, StandsIn, Statuses, Substitutions, Test, Timeouts, TlsVersions, UpstreamTls, Verify, VerifyClient,
};

pub use shared_map::{Featured, MapToken, SharedMap};
pub use stream::{Passthrough, Stream, StreamSettings, Transport};
pub use tls_files::{DhParams, TicketKey};

use crate::names::{HostName, HostPattern};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Everything the proxy shall do.
#[derive(Debug, Clone)]
pub struct Model {
    /// What holds for all hosts.
    pub globals: Arc<Globals>,
    /// The virtual hosts. [`HostPattern::CatchAll`] is always there.
    pub hosts: SharedMap<HostPattern, Host>,
    /// Every backend that a route or the globals name, and no other.
    pub backends: SharedMap<BackendId, Backend>,
    /// Every certificate that a host names, and the default one.
    pub certificates: SharedMap<CertificateId, Certificate>,
    /// Ports that are forwarded as they are.
    pub streams: BTreeMap<(Transport, u16), Arc<Stream>>,
    /// Hosts whose TLS connections are passed on as they are; none without [`Listeners::passthrough_port`].
    pub passthrough: BTreeMap<HostName, Passthrough>,
    /// What clients and endpoints are checked with.
    pub credentials: Credentials,
    /// The certificate for handshakes that no host claims; a key of `certificates`.
    pub default_certificate: CertificateId,
}

/// What clients and endpoints are checked with, and what the latter are shown: everything that a host, route or backend names.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    /// Lists of users.
    pub accounts: BTreeMap<AccountsId, Arc<Accounts>>,
    /// Authorities of the certificates of clients and endpoints.
    pub authorities: BTreeMap<AuthorityId, Arc<Authority>>,
    /// What endpoints are shown.
    pub identities: BTreeMap<IdentityId, Arc<Identity>>,
}
