//! What HAProxy cannot do, by annotation.

use super::expression::can_say;
use crate::dialect::Version;
use crate::model::{BackendPolicy, HostPolicy, Lack, LackingWay, RoutePolicy};

/// What a version lacks; sorted by annotation.
pub(super) fn lacks(_: Version) -> Vec<Lack> {
    LACKS.to_vec()
}

/// Wishes for routes that `view/route.rs` grants, or that are told above and may be left out.
const ROUTE_WISHES: &[&str] = &[
    "bandwidth",
    "buffering",
    "cookie_domain",
    "cookie_path",
    "cors",
    "errors",
    "logging",
    "redirect",
    "response_headers",
    "rewrite",
    "satisfy",
    "sources",
    "stands_in",
    "timeouts",
    "upstream_host",
];
/// The same for hosts.
const HOST_WISHES: &[&str] = &["aliases", "app_root"];
/// The same for backends.
const BACKEND_WISHES: &[&str] = &["balance"];

/// Whether all that is asked for a route, its host and its backend is known here. A route with a wish that nobody has
/// thought of is closed, for it may be a protection.
pub(super) fn knows(route: &RoutePolicy, host: &HostPolicy, backend: Option<&BackendPolicy>) -> bool {
    let known = |names: Vec<&'static str>, list: &[&str]| names.iter().all(|name| list.contains(name));
    let texts = route.upstream_host.iter().chain(route.rewrite.iter().flat_map(|r| std::iter::once(&r.target).chain(&r.forwarded_prefix)));
    known(route.names(), ROUTE_WISHES)
        && texts.into_iter().all(can_say)
        && known(host.names(), HOST_WISHES)
        && backend.is_none_or(|backend| known(backend.names(), BACKEND_WISHES))
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
    closes("auth-type", &[], "HAProxy is not told to ask for passwords yet"),
    closes("auth-url", &[], "HAProxy cannot ask a service who may pass"),
    told("custom-http-errors", &[], "HAProxy cannot ask another backend for an error answer; it stays as it is"),
    told("enable-rewrite-log", &["false"], "HAProxy does not log how it rewrites"),
    closes("limit-connections", &["0"], "HAProxy is not told to count the requests of a client yet"),
    told("limit-rate", &["0"], "answers are sent as fast as it goes"),
    told("limit-rate-after", &["0"], "answers are sent as fast as it goes"),
    closes("limit-rpm", &["0"], "HAProxy is not told to count the requests of a client yet"),
    closes("limit-rps", &["0"], "HAProxy is not told to count the requests of a client yet"),
    told("proxy-send-timeout", &[], "HAProxy has one timeout for both directions; that is the one of proxy-read-timeout"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted() {
        assert!(LACKS.windows(2).all(|pair| pair[0].key < pair[1].key));
    }
}
