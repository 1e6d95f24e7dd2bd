//! Virtual hosts and their routes.

use super::{BackendId, Canary, CertificateId, Feature, Features, HostPolicy, RoutePolicy, ServiceRef};
use crate::names::{HostPattern, ObjectRef, RouteRegex, RulePath, UriPath};
use std::sync::Arc;

/// One virtual host.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Host {
    /// Which request hosts it serves; unique in the model.
    pub pattern: HostPattern,
    /// The object that made the host; `None` for a catch-all that nobody asked for.
    pub origin: Option<ObjectRef>,
    /// What the handshakes for its name are answered with.
    pub certificate: HostCertificate,
    /// Longest path first; at equal length exact before prefix, then by path. Every pair of match and path occurs
    /// once, and one route matches every path ([`PathMatch::Under`] the root), so that no request is without an answer.
    ///
    /// In a host of regular expressions every route matches by one [`PathMatch::Regex`], the last one every path; the first
    /// one that matches counts. They are sorted by falling length and then by falling text of the expression.
    pub routes: Vec<Route>,
    /// What is asked for the host as a whole.
    pub policy: HostPolicy,
    /// What of the above is seldom there.
    pub features: Features,
    /// Content hash of the above.
    pub digest: u128,
}

impl Host {
    /// Puts a host together: sorts the routes and computes the digest.
    #[must_use]
    pub fn new(pattern: HostPattern, origin: Option<ObjectRef>, certificate: HostCertificate, mut routes: Vec<Route>) -> Self {
        routes.sort_by(Route::order);
        // There are many, and they stay.
        routes.shrink_to_fit();
        routes.iter_mut().for_each(|route| route.matches.shrink_to_fit());
        let policy = HostPolicy::default();
        let features = Features::default();
        Self { pattern, origin, certificate, routes, policy, features, digest: 0 }.summed_up()
    }

    /// The host with another policy.
    #[must_use]
    pub fn with_policy(mut self, policy: HostPolicy) -> Self {
        self.policy = policy;
        self.summed_up()
    }

    /// The expressions of its paths, in the order in which they are looked at.
    pub fn expressions(&self) -> impl Iterator<Item = &RouteRegex> {
        self.routes.iter().flat_map(|route| &route.matches).filter_map(PathMatch::regex)
    }

    /// How many of them have a limit, which they share.
    #[must_use]
    pub fn slow_expressions(&self) -> usize {
        if self.features.has(Feature::UnsureExpressions) { self.expressions().filter(|path| path.is_slow()).count() } else { 0 }
    }

    fn summed_up(mut self) -> Self {
        let HostPolicy { app_root: _, aliases, client_auth, tls } = &self.policy;
        let of_host = Features::default()
            .with(Feature::Aliases, aliases.is_some())
            .with(Feature::ClientAuth, client_auth.is_some())
            .with(Feature::HostTls, tls.is_some());
        self.features = self.routes.iter().fold(of_host, |features, route| route.features_with(features));
        self.digest = super::digest_of(&(&self.pattern, &self.origin, &self.certificate, &self.routes, &self.policy));
        self
    }
}

/// The certificate of a host's own name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum HostCertificate {
    /// No TLS section names the host: the certificate of its wildcard sibling if there is one, else the default one.
    Unclaimed,
    /// A TLS section names the host, but has no usable certificate for it.
    Default,
    /// This one.
    Own(CertificateId),
}

/// Path match → what happens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Route {
    /// The request paths it takes; one, or two for a prefix (the path itself, and all below it). Sorted as declared by
    /// [`PathMatch`].
    pub matches: Vec<PathMatch>,
    /// The path as the rule writes it; `/` for the fallback.
    pub rule_path: RulePath,
    /// The Ingress that asked for it; `None` for the built-in fallback.
    pub origin: Option<ObjectRef>,
    /// The Service port it names, if any.
    pub service: Option<ServiceRef>,
    /// Plain-HTTP requests are sent to HTTPS first.
    pub https_redirect: Option<HttpsRedirect>,
    /// What else is asked for its requests.
    pub policy: Arc<RoutePolicy>,
    /// What happens then.
    pub action: Action,
    /// Of the requests that are forwarded, some go elsewhere.
    pub canary: Option<Arc<Canary>>,
}

impl Route {
    /// These features of its host, and its own.
    fn features_with(&self, features: Features) -> Features {
        let policy = &self.policy;
        let expressions = || self.matches.iter().filter_map(PathMatch::regex);
        features
            .with(Feature::Expressions, expressions().next().is_some())
            .with(Feature::UnsureExpressions, expressions().any(RouteRegex::is_unsure))
            .with(Feature::Canary, self.canary.is_some())
            .with(Feature::Limits, policy.limits.is_some())
            .with(Feature::ExternalAuth, policy.external_auth.is_some())
            .with(Feature::Mirror, policy.mirror.is_some())
            .with(Feature::Snippets, policy.extra.is_some())
            .with(Feature::ResponseHeaders, policy.response_headers.is_some())
            .with(Feature::ErrorPages, policy.errors.is_some())
    }

    /// A route for each of the matches.
    pub(crate) fn apart(mut self) -> impl Iterator<Item = Self> {
        let matches = std::mem::take(&mut self.matches);
        matches.into_iter().map(move |one| Self { matches: vec![one], ..self.clone() })
    }

    /// Longest path first, exact before prefix, then by path; expressions by falling text.
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        if let ([PathMatch::Regex(own)], [PathMatch::Regex(others)]) = (&*self.matches, &*other.matches) {
            let (own, others) = (own.written(), others.written());
            return others.len().cmp(&own.len()).then_with(|| others.cmp(own));
        }
        let (own, others) = (self.rule_path.as_str(), other.rule_path.as_str());
        others.len().cmp(&own.len()).then_with(|| self.matches.cmp(&other.matches))
    }
}

/// Redirect of plain-HTTP requests to the `https` URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HttpsRedirect {
    /// Keeps one trailing slash of the target, which is otherwise removed.
    pub keep_trailing_slash: bool,
}

/// Which request paths are meant. They are compared with the decoded, normalised path; with case, but for expressions.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PathMatch {
    /// This path and no other.
    Exact(UriPath),
    /// Every path that begins with this one, which ends in a slash. The root is `/`.
    Under(UriPath),
    /// Every path whose beginning matches this expression, without case.
    Regex(RouteRegex),
}

impl PathMatch {
    /// The expression, if it is one.
    #[must_use]
    pub const fn regex(&self) -> Option<&RouteRegex> {
        if let Self::Regex(expression) = self { Some(expression) } else { None }
    }

    /// The path or expression, whatever the kind of match.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Exact(path) | Self::Under(path) => path.as_str(),
            Self::Regex(expression) => expression.as_str(),
        }
    }
}

/// What is done with a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Action {
    /// It is forwarded to a backend of the model.
    Forward(BackendId),
    /// The proxy answers with this status, 404 or 503, and its own page.
    Respond(u16),
    /// The proxy answers 503 until this backend of the model, which is empty, has endpoints.
    Vacant(BackendId),
}
