//! What the annotations of one Ingress, over the ConfigMap, ask for.

use super::directives::{Meaning, Search};
use crate::model::{Accounts, Authority, BackendPolicy, CanaryRules, HostPolicy, Identity, RoutePolicy};
use crate::names::{HeaderName, HostAlias, HostName, ObjectName};
use crate::settings::{Config, Lost};
use std::sync::Arc;

/// The wishes of one Ingress.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Policies {
    /// Redirect plain HTTP where the host has a certificate.
    pub ssl_redirect: bool,
    /// Redirect plain HTTP everywhere.
    pub force_ssl_redirect: bool,
    /// The redirect keeps a trailing slash.
    pub preserve_trailing_slash: bool,
    /// The routes answer 503: a protection was asked for that cannot be given.
    pub closed: bool,
    /// Protections for all routes that cannot be read, and that it has none of its own of.
    pub lost: Lost,
    /// The users that its routes are for.
    pub accounts: Option<Arc<Accounts>>,
    /// Who signs the certificates of its clients.
    pub authority: Option<Arc<Authority>>,
    /// Who signs the certificates of its endpoints.
    pub upstream_authority: Option<Arc<Authority>>,
    /// The client certificate that endpoints are shown.
    pub identity: Option<Arc<Identity>>,
    /// Snippets mean something.
    pub reads_snippets: bool,
    /// Whether they do cannot be read.
    pub snippets_unknown: bool,
    /// What a snippet asks of all routes of its hosts.
    pub(in crate::translate) server_snippet: Option<Meaning>,
    /// Other paths of a snippet by which its routes are looked for again.
    pub(in crate::translate) searches: Vec<Search>,
    /// The name that its endpoints with TLS are told in handshakes, and those of no other Ingress.
    pub told_name: Option<HostName>,
    /// Paths are regular expressions.
    pub use_regex: bool,
    /// The target of rewriting as it is written: a path that is just this is not rewritten.
    pub rewrite_target: Option<Box<str>>,
    /// Further names of its hosts, sorted.
    pub aliases: Vec<HostAlias>,
    /// Redirect between its hosts and the same with, or without, `www.`.
    pub www_redirect: bool,
    /// TLS connections of its hosts are passed on as they are.
    pub passthrough: bool,
    /// Statuses of error answers that another backend writes; sorted.
    pub error_statuses: Option<Vec<u16>>,
    /// Error answers of endpoints are among them.
    pub intercept_errors: bool,
    /// Service and port that answer when something went wrong.
    pub default_backend: Option<(ObjectName, u16)>,
    /// The headers that a ConfigMap may set on answers.
    pub allowed_response_headers: Vec<HeaderName>,
    /// For each of its routes.
    pub route: Arc<RoutePolicy>,
    /// For the hosts that it has rules for.
    pub host: HostPolicy,
    /// For the backends of its rules.
    pub backend: Arc<BackendPolicy>,
    /// The Ingress is a canary: it takes requests of others, and has no routes of its own.
    pub canary: Option<Arc<CanaryRules>>,
}

impl Policies {
    /// What holds without annotations.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let route = RoutePolicy {
            external_auth: config.global_auth.clone(),
            sources: config.sources.clone().or_else(|| config.route.sources.clone()),
            port_in_redirects: config.port_in_redirects.then_some(true),
            ..config.route.clone()
        };
        Self {
            ssl_redirect: config.ssl_redirect,
            force_ssl_redirect: config.force_ssl_redirect,
            preserve_trailing_slash: config.preserve_trailing_slash,
            closed: config.closed,
            lost: config.lost,
            accounts: None,
            authority: None,
            upstream_authority: None,
            identity: None,
            reads_snippets: config.reads_snippets,
            snippets_unknown: config.snippets_unknown,
            server_snippet: None,
            searches: Vec::new(),
            told_name: None,
            use_regex: false,
            rewrite_target: None,
            aliases: Vec::new(),
            www_redirect: false,
            passthrough: false,
            error_statuses: None,
            intercept_errors: true,
            default_backend: None,
            allowed_response_headers: config.allowed_response_headers.clone(),
            route: Arc::new(route),
            host: HostPolicy::default(),
            backend: Arc::new(BackendPolicy { service_address: config.service_upstream.then_some(true), ..BackendPolicy::default() }),
            canary: None,
        }
    }

    /// The wishes for routes, to be changed.
    pub fn route(&mut self) -> &mut RoutePolicy {
        Arc::make_mut(&mut self.route)
    }

    /// The wishes for backends, to be changed.
    pub fn backend(&mut self) -> &mut BackendPolicy {
        Arc::make_mut(&mut self.backend)
    }
}
