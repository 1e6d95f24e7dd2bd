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
    "buffering",
    "cookie_domain",
    "cookie_path",
    "cors",
    "errors",
    "logging",
    "redirect",
    "response_headers",
    "rewrite",
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

/// Sorted.
const LACKS: &[Lack] = &[
    told("custom-http-errors", &[], "HAProxy cannot ask another backend for an error answer; it stays as it is"),
    told("enable-rewrite-log", &["false"], "HAProxy does not log how it rewrites"),
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
