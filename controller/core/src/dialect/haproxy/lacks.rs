//! What HAProxy cannot do, by annotation.

use super::expression::can_say;
use crate::dialect::Version;
use crate::model::{BackendPolicy, ExternalAuth, HostPolicy, Lack, LackingWay, RoutePolicy};
use crate::names::VariableText;

/// What a version lacks; sorted by annotation.
pub(super) fn lacks(version: Version) -> Vec<Lack> {
    LACKS.iter().filter(|lack| lack.key != "limit-rate" || !super::view::has_bandwidth(version)).copied().collect()
}

/// Wishes for routes that `view/route.rs` grants, or that are told above and may be left out.
const ROUTE_WISHES: &[&str] = &[
    "bandwidth",
    "basic_auth",
    "buffering",
    "connection",
    "cookie_domain",
    "cookie_path",
    "cors",
    "errors",
    "external_auth",
    "extra",
    "http_1_0",
    "limits",
    "location_rewrite",
    "logging",
    "mirror",
    "port_in_redirects",
    "redirect",
    "response_headers",
    "retries",
    "rewrite",
    "satisfy",
    "session_cookie",
    "sources",
    "stands_in",
    "timeouts",
    "upstream_host",
];
/// The same for hosts.
const HOST_WISHES: &[&str] = &["aliases", "app_root", "client_auth", "tls"];
/// The same for backends.
const BACKEND_WISHES: &[&str] = &["affinity", "balance", "hash", "service_address"];

/// Whether all that is asked for a route, its host and its backend is known here. A route with a wish that nobody has
/// thought of is closed, for it may be a protection.
pub(super) fn knows(route: &RoutePolicy, host: &HostPolicy, backend: Option<&BackendPolicy>) -> bool {
    let known = |names: Vec<&'static str>, list: &[&str]| names.iter().all(|name| list.contains(name));
    let texts = route.upstream_host.iter().chain(route.rewrite.iter().flat_map(|r| std::iter::once(&r.target).chain(&r.forwarded_prefix)));
    known(route.names(), ROUTE_WISHES)
        && texts.into_iter().all(can_say)
        && route.external_auth.as_ref().is_none_or(|auth| texts_of(auth).all(can_say))
        && known(host.names(), HOST_WISHES)
        && backend.is_none_or(|backend| known(backend.names(), BACKEND_WISHES))
}

/// The texts of a service, without those that stand for the route.
fn texts_of(auth: &ExternalAuth) -> impl Iterator<Item = &VariableText> {
    let url = std::iter::once(&auth.url.path).chain(&auth.url.query).chain(auth.sign_in.as_ref().map(|sign_in| &sign_in.url));
    url.chain(auth.request_headers.iter().map(|(_, value)| value)).chain(auth.cache.as_ref().map(|cache| &cache.key))
}

/// A wish that is told and not granted.
const fn told(key: &'static str, fine: &'static [&'static str], effect: &'static str) -> Lack {
    Lack { key, fine, way: LackingWay::Told, effect }
}

/// A protection that is not granted.
const fn closes(key: &'static str, fine: &'static [&'static str], effect: &'static str) -> Lack {
    Lack { key, fine, way: LackingWay::Closes, effect }
}

/// Sorted.
const LACKS: &[Lack] = &[
    told("affinity", &[], "clients are spread over the endpoints as if they came for the first time"),
    told("auth-tls-verify-depth", &[], "HAProxy takes certificates whatever stands between them and the authority"),
    closes("backend-protocol", &["HTTP", "http", "Http"], "HAProxy is not told to speak it yet"),
    told("canary", &["false", "False", "FALSE", "f", "F", "0"], "the canary gets no requests; the Ingress that it is of answers them all"),
    told("connection-proxy-header", &[], "endpoints are told what HAProxy tells them"),
    told(
        "custom-http-errors",
        &[],
        "most errors that HAProxy makes itself keep its own page, and pages are small: half of large-client-header-buffers",
    ),
    told("enable-rewrite-log", &["false"], "HAProxy does not log how it rewrites"),
    told("limit-rate", &["0"], "HAProxy sends answers as fast as it goes before version 2.7"),
    told("limit-rate-after", &["0"], "the speed of an answer is limited from its first byte on"),
    told("mirror-target", &[], "HAProxy sends a request to one server only"),
    told("proxy-http-version", &["1.1"], "HAProxy speaks HTTP/1.1 to endpoints"),
    told("proxy-next-upstream", &[], "requests are tried again as for all routes"),
    told("proxy-next-upstream-timeout", &["0"], "requests are tried again as for all routes"),
    told("proxy-next-upstream-tries", &[], "requests are tried again as for all routes"),
    told("proxy-redirect-from", &["off"], "answers keep their Location"),
    told("proxy-send-timeout", &[], "HAProxy has one timeout for both directions; that is the one of proxy-read-timeout"),
    closes("proxy-ssl-secret", &[], "HAProxy is not told about certificates of endpoints yet"),
    told("ssl-prefer-server-ciphers", &["true", "True", "TRUE", "t", "T", "1"], "HAProxy has one order for all hosts, and that is its own"),
    told("udp-services-configmap", &[], "HAProxy forwards no datagrams"),
    told("upstream-hash-by", &[""], "requests are spread over the endpoints whatever their key"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted() {
        assert!(LACKS.windows(2).all(|pair| pair[0].key < pair[1].key));
    }

    #[test]
    fn what_is_only_told_does_not_close() {
        let route = RoutePolicy { http_1_0: Some(true), ..RoutePolicy::default() };
        let backend = BackendPolicy { service_address: Some(true), ..BackendPolicy::default() };
        assert!(knows(&route, &HostPolicy::default(), Some(&backend)));
    }

    #[test]
    fn a_wish_that_is_not_known_closes() {
        let backend = BackendPolicy { protocol: Some(crate::model::Protocol::Https), ..BackendPolicy::default() };
        assert!(!knows(&RoutePolicy::default(), &HostPolicy::default(), Some(&backend)));
    }
}
