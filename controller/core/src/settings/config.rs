//! What the main ConfigMap says; may change while running.

use super::{POLICY_HELP, POLICY_KEY, Policy, Problem, ProblemKind, Settings};
use crate::model::{ExternalAuth, Globals, Period, RoutePolicy, SourceRanges};
use crate::names::{HeaderName, ObjectName};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the main ConfigMap says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Config {
    /// What holds for the proxy as a whole.
    pub globals: Globals,
    /// `ssl-redirect`.
    pub ssl_redirect: bool,
    /// `force-ssl-redirect`.
    pub force_ssl_redirect: bool,
    /// `preserve-trailing-slash`.
    pub preserve_trailing_slash: bool,
    /// `use-port-in-redirects`.
    pub port_in_redirects: bool,
    /// `proxy-ssl-location-only`: how endpoints are spoken to over TLS is said for the routes of one Ingress, and not for the
    /// others of its host.
    pub upstream_tls_by_route: bool,
    /// `proxy-set-headers`: the ConfigMap with headers for endpoints.
    pub request_headers_from: Option<ObjectName>,
    /// `add-headers`: the ConfigMap with headers of answers.
    pub response_headers_from: Option<ObjectName>,
    /// `ssl-dh-param`: the Secret with parameters.
    pub dh_params_from: Option<ObjectName>,
    /// `strict-validate-path-type`: whoever is asked about an Ingress takes plain paths only, save where they may be
    /// expressions. Those that are there already are served as far as they can be.
    pub strict_path_types: bool,
    /// `allow-snippet-annotations`.
    pub reads_snippets: bool,
    /// `allow-snippet-annotations` cannot be read: perhaps snippets were meant to be applied that keep somebody out.
    pub snippets_unknown: bool,
    /// `annotations-risk-level`: annotations that are riskier are refused.
    pub risk_level: RiskLevel,
    /// `allow-cross-namespace-resources`: annotations may name Secrets and ConfigMaps of other namespaces.
    pub shares_objects: bool,
    /// `http-snippet`, `server-snippet`, `location-snippet`, `global-auth-snippet`: directives for every route, the outermost
    /// first.
    pub snippets: BTreeMap<SnippetKey, String>,
    /// The zones that `http-snippet` defines.
    pub limit_zones: Arc<LimitZones>,
    /// What they ask of every route.
    pub route: RoutePolicy,
    /// `no-tls-redirect-locations`: paths of rules that begin with one of these are never redirected.
    pub no_tls_redirect_locations: Vec<String>,
    /// `no-auth-locations`: paths of rules that begin with one of these need neither password nor external authentication.
    pub no_auth_locations: Vec<String>,
    /// `global-auth-url` and its kin: the service that decides about the routes of Ingresses without one of their own.
    pub global_auth: Option<Arc<ExternalAuth>>,
    /// `service-upstream`.
    pub service_upstream: bool,
    /// `annotation-value-word-blocklist`.
    pub word_blocklist: Vec<String>,
    /// `global-allowed-response-headers`: what the headers of an Ingress may be.
    pub allowed_response_headers: Vec<HeaderName>,
    /// `whitelist-source-range` and `denylist-source-range`, unless an Ingress says otherwise.
    pub sources: Option<SourceRanges>,
    /// A key asks for a protection of all routes that cannot be given, so all routes answer 503.
    pub closed: bool,
    /// Keys that ask for a protection which cannot be given, and which Ingresses may replace or switch off.
    pub lost: Lost,
    /// Rules for those who write Ingresses; all of them count.
    pub policies: Vec<Policy>,
}

impl Config {
    pub(super) fn new(settings: &Settings) -> Self {
        let globals = Globals { listeners: settings.listeners.clone(), hsts: Some(crate::model::Hsts::default()), ..Globals::default() };
        Self {
            globals,
            ssl_redirect: true,
            force_ssl_redirect: false,
            preserve_trailing_slash: false,
            port_in_redirects: false,
            strict_path_types: true,
            upstream_tls_by_route: false,
            reads_snippets: false,
            snippets_unknown: false,
            risk_level: RiskLevel::High,
            shares_objects: false,
            snippets: BTreeMap::new(),
            limit_zones: Arc::default(),
            route: RoutePolicy::default(),
            request_headers_from: None,
            response_headers_from: None,
            dh_params_from: None,
            no_tls_redirect_locations: vec!["/.well-known/acme-challenge".to_owned()],
            no_auth_locations: vec!["/.well-known/acme-challenge".to_owned()],
            global_auth: None,
            service_upstream: false,
            word_blocklist: Vec::new(),
            allowed_response_headers: Vec::new(),
            sources: None,
            closed: false,
            lost: Lost::default(),
            policies: Vec::new(),
        }
    }

    /// Takes in a policy; one that cannot be read closes every route.
    pub(crate) fn add_policy(&mut self, read: Result<Policy, String>) -> Result<(), Problem> {
        match read {
            Ok(policy) => self.policies.push(policy),
            Err(message) => {
                self.closed = true;
                let message = format!("the policy cannot be read, so every route answers 503: {message}");
                return Err(Problem {
                    key: POLICY_KEY.to_owned(),
                    kind: ProblemKind::BadProtection,
                    message,
                    help: POLICY_HELP.to_owned(),
                });
            }
        }
        Ok(())
    }
}

/// Which protections for all routes cannot be read. The routes answer 503, save those of Ingresses that say otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Lost {
    /// The service that decides, and what is taken from its answers.
    pub auth: bool,
    /// The list of addresses that may ask.
    pub allowed: bool,
    /// The list of addresses that may not ask.
    pub denied: bool,
    /// The firewall, which no proxy has.
    pub firewall: bool,
}

impl Lost {
    /// Whether there is one that belongs to a route; `exempt`: it needs no proof of who asks.
    #[must_use]
    pub const fn closes(self, exempt: bool) -> bool {
        self.allowed || self.denied || self.firewall || (self.auth && !exempt)
    }
}

/// How much harm an annotation may be able to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the words of ingress-nginx")]
pub enum RiskLevel {
    Low,
    Medium,
    High,
    Critical,
}

/// What `limit_req_zone` and `limit_conn_zone` count, by the name of the zone.
pub type LimitZones = BTreeMap<String, LimitZone>;

/// What is counted of each client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LimitZone {
    /// So many requests in a period.
    Requests(u64, Period),
    /// Requests at once.
    Connections,
}

/// A key of the ConfigMap that holds directives for every route, the outermost first, or for the service that decides about
/// them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SnippetKey {
    /// `http-snippet`.
    Http,
    /// `server-snippet`.
    Server,
    /// `location-snippet`.
    Location,
    /// `global-auth-snippet`.
    Auth,
}

impl SnippetKey {
    /// All keys of snippets.
    pub const ALL: [Self; 4] = [Self::Http, Self::Server, Self::Location, Self::Auth];

    /// The key.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http-snippet",
            Self::Server => "server-snippet",
            Self::Location => "location-snippet",
            Self::Auth => "global-auth-snippet",
        }
    }
}
