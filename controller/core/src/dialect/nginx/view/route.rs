//! `location` blocks: one file for each thing that a route may ask for.

mod asked;
mod auth;
mod buffering;
mod cookies;
pub(super) mod cors;
pub(super) mod errors;
mod external_auth;
mod extra;
mod forwarding;
mod headers;
mod labels;
pub(super) mod limits;
mod mirror;
mod pass;
mod redirect;
mod rewrite;
mod sources;
mod timeouts;
mod tls;

pub(super) use external_auth::escapes_targets;

use super::headers::HeadersView;
use super::host::{HostContext, name_of};
use super::maps::MapsView;
use super::{canary, sticky};
use crate::dialect::nginx::expression::Expression;
use crate::model::{Action, ExternalAuth, PathMatch, Protocol, Route};
use crate::names::HostPattern;
use serde::Serialize;
use std::borrow::Cow;

pub(super) use forwarding::redirect;

/// What `route.tera` sees, once for each match.
#[derive(Debug, Default, Serialize)]
pub(super) struct RouteView<'m> {
    matches: Vec<MatchView<'m>>,
    origin: Option<String>,
    https_redirect: Option<HttpsRedirectView>,
    pass: Option<pass::PassView>,
    canary: Option<pass::CanaryView<'m>>,
    status: u16,
    unlogged: bool,
    labels: Option<labels::LabelsView<'m>>,
    counted: Option<labels::CountedView>,
    redirect: Option<redirect::RedirectView>,
    rewrite: Option<rewrite::RewriteView>,
    /// Those that are not the ones of its host.
    headers: Option<HeadersView>,
    forwarding: Option<forwarding::ForwardingView>,
    grpc: Option<forwarding::GrpcView>,
    fastcgi: Option<forwarding::FastCgiView>,
    /// What the path holds comes into a header, so that it may hold no line break.
    refuses_breaks: bool,
    port_in_redirects: bool,
    relative_redirects: bool,
    /// Conditions that headers look at.
    chosen: Vec<extra::ChosenView>,
    /// How long answers are fresh, where that depends on the request.
    expires: Option<extra::ExpiresView>,
    answers: Vec<extra::AnswerView>,
    /// Other paths for endpoints.
    paths: Vec<extra::PathView>,
    /// What an Ingress says to nginx as it is.
    raw: Vec<extra::RawLineView>,
    /// What becomes of answers.
    answered: Option<extra::AnsweredView>,
    mirror: Option<mirror::MirrorView>,
    tls: Option<tls::UpstreamTlsView>,
    timeouts: Option<timeouts::TimeoutsView>,
    client_timeouts: timeouts::ClientTimeoutsView,
    buffering: Option<buffering::BufferingView>,
    cookies: Option<cookies::CookiesView<'m>>,
    cors: Option<cors::PreflightView>,
    errors: Option<errors::ErrorPagesView>,
    sources: Option<sources::SourcesView>,
    log_rewriting: bool,
    auth: Option<auth::AuthView>,
    auth_location: Option<external_auth::AuthLocationView>,
    sign_in: Option<external_auth::SignInView>,
    /// The status is answered after the checks of who may pass.
    checked_first: bool,
    limits: Option<limits::LimitsView>,
    bandwidth: Option<limits::BandwidthView>,
}

#[derive(Debug, Serialize)]
struct MatchView<'m> {
    exact: bool,
    regex: bool,
    text: Cow<'m, str>,
}

#[derive(Debug, Serialize)]
struct HttpsRedirectView {
    status: u16,
    keep_trailing_slash: bool,
    /// `:8443`; `None`: it is not named.
    port: Option<String>,
}

impl<'m> RouteView<'m> {
    /// `extra`: exact paths that the route takes beside its own; `slow`: how many expressions of the host have a limit; `maps`: where blocks go that it needs before its host;
    /// `common`: the headers of all routes of the host.
    pub(super) fn new(
        route: &'m Route,
        (extra, slow): (Vec<&'m str>, usize),
        host: &'m HostPattern,
        maps: &mut MapsView,
        (context, common): (&HostContext<'m>, &HeadersView),
    ) -> Self {
        let (forwards, status) = answer(&route.action);
        let policy = &*route.policy;
        let more = extras(route, host, maps, context);
        let canary = pass::CanaryView::of(route, more.canary.as_ref(), context);
        let Said { headers, grpc, fastcgi } = Said::of(route, more, maps, (context, common));
        policy.extra.iter().for_each(|extra| extra::define(extra, maps));
        let has_labels = context.says_labels || context.counts_requests || context.has_errors() || policy.errors.is_some();
        let is_nobodys = *host == HostPattern::CatchAll && route.origin.is_none();
        Self {
            matches: matches(route, extra, slow),
            origin: route.origin.as_ref().map(name_of),
            https_redirect: route.https_redirect.map(|redirect| HttpsRedirectView {
                status: context.redirect_status,
                keep_trailing_slash: redirect.keep_trailing_slash,
                port: (policy.port_in_redirects == Some(true)).then(|| format!(":{}", context.https_port)),
            }),
            chosen: extra::chosen(route),
            expires: policy.extra.as_deref().and_then(extra::ExpiresView::of),
            answers: extra::answers(route, common, maps),
            paths: policy.extra.as_deref().map(extra::paths).unwrap_or_default(),
            raw: policy.extra.as_deref().map(extra::raw).unwrap_or_default(),
            answered: policy.extra.as_deref().and_then(extra::AnsweredView::of),
            mirror: policy.mirror.as_deref().filter(|_| forwards).map(|mirror| mirror::MirrorView::new(route, mirror, common)),
            pass: pass::PassView::of(route, context),
            canary,
            status,
            unlogged: (is_nobodys && !context.log_unknown_hosts) || policy.logging.unwrap_or_default().access == Some(false),
            labels: has_labels.then(|| labels::LabelsView::new(route)),
            counted: context.counts_requests.then(|| labels::CountedView::new(host)),
            headers,
            forwarding: forwarding::ForwardingView::of(route, context),
            grpc,
            fastcgi,
            tls: tls::UpstreamTlsView::of(route, context),
            ..Self::guarded(route, (forwards, status), common, Self::wishes(route, context))
        }
    }

    /// What the policy of a route says by itself.
    fn wishes(route: &'m Route, context: &HostContext<'m>) -> Self {
        let policy = &*route.policy;
        Self {
            port_in_redirects: policy.port_in_redirects == Some(true),
            relative_redirects: policy.relative_redirects == Some(true),
            redirect: policy.redirect.as_ref().map(|redirect| redirect::RedirectView::new(redirect, context)),
            rewrite: rewrite::RewriteView::new(route),
            refuses_breaks: rewrite::tells_path(route),
            limits: limits::LimitsView::new(route, context.has_limit_key),
            bandwidth: policy.bandwidth.as_ref().map(limits::BandwidthView::new),
            timeouts: policy.timeouts.as_ref().map(timeouts::TimeoutsView::new),
            client_timeouts: policy.extra.as_deref().map(timeouts::ClientTimeoutsView::new).unwrap_or_default(),
            buffering: policy.buffering.as_ref().map(|wish| buffering::BufferingView::new(wish, context.buffers)),
            cookies: cookies::CookiesView::new(policy),
            cors: policy.cors.as_ref().map(cors::PreflightView::new),
            errors: policy.errors.as_ref().map(|pages| errors::ErrorPagesView::new(pages, route, context)),
            sources: policy.sources.as_ref().map(sources::SourcesView::new),
            log_rewriting: policy.logging.unwrap_or_default().rewriting == Some(true),
            ..Self::default()
        }
    }

    /// `rest` with those who decide who may pass; where nothing is forwarded, only before an answer that says so.
    fn guarded(route: &'m Route, (forwards, status): (bool, u16), common: &HeadersView, rest: Self) -> Self {
        let checked_first = is_checked_first(route, (forwards, status));
        let guards = forwards || checked_first;
        let external = asked(route);
        let sign_in = external.and_then(|auth| Some((auth, auth.sign_in.as_ref()?)));
        Self {
            auth: auth::AuthView::new(route).filter(|_| guards),
            auth_location: external.map(|auth| external_auth::AuthLocationView::new(route, auth, common)),
            sign_in: sign_in.map(|(auth, sign_in)| external_auth::SignInView::new(route, auth, sign_in, common)),
            checked_first,
            ..rest
        }
    }
}

/// Whether an answer that nobody is asked for comes after the checks of who may pass.
fn is_checked_first(route: &Route, (forwards, status): (bool, u16)) -> bool {
    !forwards && status == 404 && route.policy.turns_away()
}

/// The service that decides, where it is asked: elsewhere its variables are not known.
fn asked(route: &Route) -> Option<&ExternalAuth> {
    let (forwards, status) = answer(&route.action);
    route.policy.external_auth.as_deref().filter(|_| forwards || is_checked_first(route, (forwards, status)))
}

/// Whether endpoints answer, and the status if not.
const fn answer(action: &Action) -> (bool, u16) {
    match action {
        Action::Forward(_) => (true, 0),
        Action::Respond(status) => (false, *status),
        Action::Vacant(_) => (false, 503),
    }
}

/// What endpoints and clients are told, by the protocol of the endpoints: headers beside those of the host, or what gRPC
/// and FastCGI have in their place.
#[derive(Default)]
struct Said {
    headers: Option<HeadersView>,
    grpc: Option<forwarding::GrpcView>,
    fastcgi: Option<forwarding::FastCgiView>,
}

impl Said {
    fn of(route: &Route, more: Extras, maps: &mut MapsView, (context, common): (&HostContext<'_>, &HeadersView)) -> Self {
        if route.policy.is_empty() && more.protocol.is_none() {
            return Self::default();
        }
        let mut all = headers::of(route, more.cookie, common);
        all.define(maps);
        let grpc = forwarding::GrpcView::of(route, more.protocol, &all, context);
        let fastcgi = forwarding::FastCgiView::of(route, more.protocol, &all, context);
        Self { headers: all.against(common), grpc, fastcgi }
    }
}

/// Variables that are defined before the host, and what the endpoints speak.
struct Extras {
    canary: Option<Expression>,
    cookie: Option<Expression>,
    protocol: Option<Protocol>,
}

fn extras(route: &Route, host: &HostPattern, maps: &mut MapsView, context: &HostContext<'_>) -> Extras {
    let primary = if let Action::Forward(id) = &route.action { context.backend(id) } else { None };
    let canary = primary.zip(route.canary.as_deref()).map(|(primary, canary)| canary::flag(host, primary, canary, maps));
    let cookie = sticky::route_cookie(host, route, context.backends(), canary.as_ref(), maps);
    Extras { canary, cookie, protocol: primary.and_then(|backend| backend.policy.protocol) }
}

fn matches<'m>(route: &'m Route, extra: Vec<&'m str>, slow: usize) -> Vec<MatchView<'m>> {
    let exact = |text: &'m str| MatchView { exact: true, regex: false, text: text.into() };
    let given = route.matches.iter().map(|path_match| match path_match {
        PathMatch::Exact(path) => exact(path.as_str()),
        PathMatch::Under(path) => MatchView { exact: false, regex: false, text: path.as_str().into() },
        PathMatch::Regex(path) => MatchView { exact: false, regex: true, text: rewrite::location(path, route, slow).into() },
    });
    given.chain(extra.into_iter().map(exact)).collect()
}
