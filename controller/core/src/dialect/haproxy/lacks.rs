//! What HAProxy cannot do, by annotation and by key of the main ConfigMap.

use super::expression::can_say;
use super::log;
use crate::dialect::Version;
use crate::dialect::common::LACKS_TRACING;
use crate::model::{Approximation, BackendPolicy, HostPolicy, Lack, LackingWay, RoutePolicy};
use crate::names::VariableText;
use crate::names::variable::LABELS;

/// The first version that tries again after 429.
pub(super) const RETRIES_429: Version = Version(3, 1, 0);

/// The first version that does not compress answers below a length.
pub(super) const COMPRESSES_BY_LENGTH: Version = Version(3, 2, 0);

/// The first version whose sections can have filters beside that of FastCGI; in others it is never found to be declared.
pub(super) const FILTERS_BESIDE_FASTCGI: Version = Version(3, 2, 0);

/// What a version lacks; annotations first.
pub(super) fn lacks(version: Version) -> Vec<Lack> {
    let granted = |lack: &&Lack| match lack.key {
        "proxy-next-upstream" => version >= RETRIES_429,
        "limit-rate" => super::view::has_bandwidth(version),
        "backend-protocol" => version >= FILTERS_BESIDE_FASTCGI,
        "gzip-min-length" => version >= COMPRESSES_BY_LENGTH,
        _ => false,
    };
    LACKS.iter().chain(&LACKS_TRACING).chain(SETTINGS).filter(|lack| !granted(lack)).copied().collect()
}

/// Directives of snippets that a version cannot follow: bodies are not looked into, and are compressed in one way.
pub(super) fn unknown_directives(version: Version) -> &'static [&'static str] {
    const ALL: &[&str] = &[
        "limit_rate",
        "gzip_min_length",
        "gzip_comp_level",
        "gzip_proxied",
        "gzip_vary",
        "client_body_timeout",
        "limit_rate_after",
        "proxy_http_version",
        "proxy_pass_header",
        "raw",
        "send_timeout",
        "sub_filter",
    ];
    let [_, by_speed @ ..] = ALL else { return ALL };
    let [_, by_length @ ..] = by_speed else { return by_speed };
    match (super::view::has_bandwidth(version), version >= COMPRESSES_BY_LENGTH) {
        (false, _) => ALL,
        (true, false) => by_speed,
        (true, true) => by_length,
    }
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
    "fastcgi",
    "http_1_0",
    "limits",
    "location_rewrite",
    "logging",
    "mirror",
    "port_in_redirects",
    "relative_redirects",
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
const BACKEND_WISHES: &[&str] = &["affinity", "balance", "hash", "keepalive", "protocol", "service_address", "tls"];

/// Whether all that is asked for a route, its host and its backend is known here. A route with a wish that nobody has
/// thought of is closed, for it may be a protection.
pub(super) fn knows(route: &RoutePolicy, host: &HostPolicy, backend: Option<&BackendPolicy>) -> bool {
    let known = |names: Vec<&'static str>, list: &[&str]| names.iter().all(|name| list.contains(name));
    let texts = route.upstream_host.iter().chain(route.rewrite.iter().flat_map(|r| std::iter::once(&r.target).chain(&r.forwarded_prefix)));
    known(route.names(), ROUTE_WISHES)
        && texts.into_iter().all(can_say)
        && route.external_auth.as_ref().is_none_or(|auth| auth.texts().all(can_say))
        && known(host.names(), HOST_WISHES)
        && backend.is_none_or(knows_backend)
}

/// Whether all that is asked for a backend is known here.
pub(super) fn knows_backend(backend: &BackendPolicy) -> bool {
    backend.names().iter().all(|name| BACKEND_WISHES.contains(name))
}

/// A wish that is told and not granted.
const fn told(key: &'static str, fine: &'static [&'static str], effect: &'static str) -> Lack {
    Lack { key, is_setting: false, fine, also_fine: |_| false, of_some_values: false, culprits: None, way: LackingWay::Told, effect }
}

impl Lack {
    /// The same, where some values are fine.
    const fn unless(self, also_fine: fn(&str) -> bool) -> Self {
        Self { also_fine, of_some_values: true, ..self }
    }
}

/// Whether all variables of a text have a word in HAProxy. One that is no such text is told elsewhere, and texts stand in
/// place of those about the Ingress.
fn says(text: &str) -> bool {
    let filled = |text: VariableText| text.filled(|name| LABELS.contains(&name).then_some("label"));
    VariableText::parse_with_groups(text).map_or(true, |text| can_say(&filled(text)))
}

/// The same for a text of a backend, which knows nothing of the Ingress.
fn hashes(text: &str) -> bool {
    VariableText::parse(text).map_or(true, |text| can_say(&text))
}

/// A protection that is not granted.
const fn closes(key: &'static str, fine: &'static [&'static str], effect: &'static str) -> Lack {
    Lack { key, is_setting: false, fine, also_fine: |_| false, of_some_values: false, culprits: None, way: LackingWay::Closes, effect }
}

/// A key of the main ConfigMap that is not granted.
const fn setting(key: &'static str, fine: &'static [&'static str], effect: &'static str) -> Lack {
    Lack { is_setting: true, ..told(key, fine, effect) }
}

/// The same, where it is granted in another way.
const fn nearly(key: &'static str, fine: &'static [&'static str], effect: &'static str) -> Lack {
    Lack { way: LackingWay::Nearly, ..setting(key, fine, effect) }
}

/// A log format, of which some variables have no word.
const fn nameless(key: &'static str, culprits: fn(&str) -> Vec<String>) -> Lack {
    let lack = nearly(key, &[], "HAProxy has no word for these variables, which have no value in its lines");
    Lack { culprits: Some(culprits), of_some_values: true, ..lack }
}

const STREAMED: &str = "HAProxy sends bodies on as they come";

/// Sorted.
const SETTINGS: &[Lack] = &[
    setting("client-body-buffer-size", &[], STREAMED),
    setting("client-header-buffer-size", &[], "HAProxy has one buffer for all headers, as large as large-client-header-buffers says"),
    setting("debug-connections", &[], "HAProxy logs all connections alike"),
    setting("default-type", &["text/html"], "answers have the type that endpoints give them"),
    setting("error-log-level", &["notice"], "HAProxy says all troubles of its own"),
    setting("grpc-buffer-size-kb", &["0"], STREAMED),
    setting("gzip-min-length", &["0"], "HAProxy before 3.2 compresses answers of every length"),
    setting("ignore-invalid-headers", &["true"], "HAProxy refuses requests with header lines that are none"),
    setting("keep-alive-requests", &[], "connections to HAProxy have no largest number of requests"),
    nearly(
        "large-client-header-buffers",
        &[],
        "path and query of a request have a third of all buffers at most: of three buffers or more that is what nginx gives them",
    )
    .unless(|buffers| buffers.split_ascii_whitespace().next().and_then(|count| count.parse::<u64>().ok()).is_none_or(|count| count >= 3)),
    setting("limit-rate", &["0"], "HAProxy sends answers as fast as it goes before version 2.7"),
    setting("limit-rate-after", &["0"], "the speed of an answer is limited from its first byte on"),
    nameless("log-format-stream", log::unknown_of_streams),
    nameless("log-format-upstream", log::unknown),
    nearly("max-worker-open-files", &["0"], "HAProxy has one process, which may open as many files as all workers together"),
    setting("proxy-buffer-size", &[], STREAMED),
    setting("proxy-buffering", &["off"], STREAMED),
    setting("proxy-buffers-number", &[], STREAMED),
    setting("proxy-busy-buffers-size", &[], STREAMED),
    setting("proxy-http-version", &["1.1"], "HAProxy speaks HTTP/1.1 to endpoints"),
    setting("proxy-max-temp-file-size", &[], STREAMED),
    setting("proxy-next-upstream", &[], "HAProxy before 3.1 does not try again after 429").unless(|causes| !causes.contains("429")),
    setting("proxy-next-upstream-timeout", &["0"], "HAProxy bounds how often a request is tried, and how long each time"),
    setting("proxy-request-buffering", &["off"], STREAMED),
    setting("proxy-send-timeout", &[], "HAProxy has one timeout for both directions; that is the one of proxy-read-timeout"),
    setting(
        "proxy-stream-next-upstream-timeout",
        &["600s", "10m"],
        "HAProxy bounds how often a connection is tried, and how long each time",
    ),
    setting("proxy-stream-responses", &["1"], "HAProxy forwards no datagrams"),
    setting("reuse-port", &["true"], "HAProxy's threads always share their sockets"),
    setting("server-tokens", &["false"], "HAProxy never tells its version"),
    nearly("ssl-early-data", &["false"], "endpoints are told of a request that came early by a header Early-Data"),
    nearly("upstream-keepalive-requests", &["10000"], "HAProxy counts requests in connections of HTTP/2 only"),
    setting("upstream-keepalive-time", &[], "connections to endpoints have no largest age"),
    setting("worker-cpu-affinity", &[], "the system picks the processors of HAProxy's threads"),
    setting("worker-processes", &[], "HAProxy runs with 64 threads at most").unless(|count| count.parse::<u64>().map_or(true, |n| n <= 64)),
];

/// Sorted.
const LACKS: &[Lack] = &[
    told("auth-tls-verify-depth", &[], "HAProxy takes certificates whatever stands between them and the authority"),
    Lack {
        way: LackingWay::Nearly,
        ..told(
            "backend-protocol",
            &[],
            "a route that asks FastCGI asks nobody else in HAProxy before 3.2: with auth-url it answers 503, and mirror-target, \
             custom-http-errors and limit-rate do nothing on it",
        )
        .unless(|protocol| !protocol.eq_ignore_ascii_case("fcgi"))
    },
    told("connection-proxy-header", &["close"], "HAProxy keeps connections anyway, and never says so in a header"),
    Lack {
        way: LackingWay::Nearly,
        ..told(
            "custom-http-errors",
            &[],
            "error answers of endpoints, and 503 where there are none, are replaced by pages of at most half of \
             large-client-header-buffers, which keep their Content-Type, Location, Cache-Control and Retry-After and no other header, \
             such as Set-Cookie; 401, 403, 413, 429, 502 and 504 of HAProxy itself keep its own page",
        )
    },
    told("enable-rewrite-log", &["false"], "HAProxy does not log how it rewrites"),
    told("fastcgi-params-configmap", &[""], "parameters with a variable that HAProxy does not know are left out"),
    told("limit-rate", &["0"], "HAProxy sends answers as fast as it goes before version 2.7"),
    told("limit-rate-after", &["0"], "the speed of an answer is limited from its first byte on"),
    Lack {
        way: LackingWay::Nearly,
        ..told(
            "mirror-target",
            &[],
            "no copy is made of a request that does not fit into half of large-client-header-buffers, or where HAProxy does not know a variable",
        )
    },
    told("proxy-http-version", &["1.1"], "HAProxy speaks HTTP/1.1 to endpoints"),
    told("proxy-next-upstream", &[], "HAProxy before 3.1 does not try again after 429").unless(|causes| !causes.contains("429")),
    told("proxy-next-upstream-timeout", &["0"], "requests are tried again as for all routes"),
    told("proxy-send-timeout", &[], "HAProxy has one timeout for both directions; that is the one of proxy-read-timeout"),
    told("proxy-ssl-verify-depth", &[], "HAProxy takes certificates whatever stands between them and the authority"),
    closes("rewrite-target", &[], "HAProxy does not know a variable in it").unless(says),
    told("ssl-prefer-server-ciphers", &["true", "True", "TRUE", "t", "T", "1"], "HAProxy has one order for all hosts, and that is its own"),
    told("udp-services-configmap", &[], "HAProxy forwards no datagrams"),
    told("upstream-hash-by", &[], "HAProxy does not know a variable in it; the client's address is the key").unless(hashes),
    closes("upstream-vhost", &[], "HAProxy does not know a variable in it").unless(says),
    closes("x-forwarded-prefix", &[], "HAProxy does not know a variable in it").unless(says),
];

const STREAMS_BODIES: &str = "bodies and answers are streamed, so settings of buffers mean nothing";
const FORGETS_CLIENTS: &str = "what clients have used of their limits is forgotten at a reload, and some requests may be counted as one";
const PICKS_OTHERS: &str = "keys pick other endpoints than with nginx";
const READS_SNIPPETS: &str = "directives that are read have their meaning; with others the Ingress is left out; a path that is written anew \
                               and cannot be told from another one then is answered with 400, and one that an expression takes too long \
                               for with 500";

/// What is done in another way. Sorted. What lacks something, too, tells that.
pub(super) const APPROXIMATES: &[Approximation] = &[
    Approximation::told(
        "affinity",
        "one client's session is found by the cookie alone, and none is moved away from an endpoint that refuses it",
        &[],
    ),
    Approximation::new(
        "auth-cache-key",
        "the agent keeps 10 000 answers in its memory, and forgets all of them when there are more, or when it starts anew; one with a key \
         of more than 16 KiB is not kept",
    ),
    Approximation::new(
        "auth-secret",
        "users with hashes that crypt(3) does not know cannot log in, nor those of a Secret whose hashes take longer than 6 s in all: \
         HAProxy computes each at every load",
    ),
    Approximation::told("client-body-buffer-size", STREAMS_BODIES, &[]),
    Approximation::new("configuration-snippet", READS_SNIPPETS),
    Approximation::new(
        "custom-http-errors",
        "401, 403, 413, 429, 502 and 504 of HAProxy itself keep its own page; pages are small, and keep their Content-Type, Location, \
         Cache-Control and Retry-After and no other header, such as Set-Cookie",
    ),
    Approximation::new("fastcgi-params-configmap", "parameters with a variable that HAProxy does not know are left out"),
    Approximation::told("limit-connections", FORGETS_CLIENTS, &["0"]),
    Approximation::new("limit-rate-after", "the speed of an answer is limited from its first byte on"),
    Approximation::told("limit-rpm", FORGETS_CLIENTS, &["0"]),
    Approximation::told("limit-rps", FORGETS_CLIENTS, &["0"]),
    Approximation::told(
        "load-balance",
        "ewma is the least busy one of four endpoints at random",
        &["round_robin", "chash", "chashsubset", "sticky_balanced", "sticky_persistent"],
    ),
    Approximation::told("proxy-body-size", "bodies without a length are not limited", &["0"]),
    Approximation::told("proxy-buffer-size", STREAMS_BODIES, &[]),
    Approximation::told("proxy-buffering", STREAMS_BODIES, &["off"]),
    Approximation::told("proxy-buffers-number", STREAMS_BODIES, &[]),
    Approximation::told("proxy-busy-buffers-size", STREAMS_BODIES, &[]),
    Approximation::told("proxy-max-temp-file-size", STREAMS_BODIES, &[]),
    Approximation::told(
        "proxy-next-upstream-tries",
        "0 tries as many endpoints as there are, and then a change of their number is a reload; one that is the only one is tried again",
        &[],
    ),
    Approximation::told(
        "proxy-read-timeout",
        "an endpoint that is the only one is asked again where another one would be, so clients wait for it as often",
        &[],
    ),
    Approximation::told("proxy-request-buffering", STREAMS_BODIES, &["off"]),
    Approximation::new("proxy-send-timeout", "there is one timeout for both directions, that of proxy-read-timeout"),
    Approximation::told(
        "rewrite-target",
        "paths with an encoded control character, `?` or `#`, or with a blank at their end, are rewritten as they are encoded, \
         and answered with 400 where they have empty or dot segments, too, or the path of the rule does not match that; \
         a target with a variable that HAProxy does not know is not served",
        &[],
    ),
    Approximation::new("server-snippet", READS_SNIPPETS),
    Approximation::told("upstream-hash-by", PICKS_OTHERS, &[]),
    Approximation::told("upstream-hash-by-subset", PICKS_OTHERS, &["false"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted() {
        assert!([LACKS, SETTINGS].iter().all(|list| list.windows(2).all(|pair| pair[0].key < pair[1].key)));
        assert!(LACKS.iter().all(|lack| !lack.is_setting) && SETTINGS.iter().all(|lack| lack.is_setting));
    }

    #[test]
    fn what_is_only_told_does_not_close() {
        let route = RoutePolicy { http_1_0: Some(true), ..RoutePolicy::default() };
        let backend = BackendPolicy { service_address: Some(true), ..BackendPolicy::default() };
        assert!(knows(&route, &HostPolicy::default(), Some(&backend)));
    }

    #[test]
    fn few_large_buffers_are_told() {
        let lack = SETTINGS.iter().find(|lack| lack.key == "large-client-header-buffers").unwrap();
        assert_eq!(["4 8k", "3 8k", "2 8k", "1 64k", "many"].map(|value| lack.is_fine(value)), [true, true, false, false, true]);
    }

    #[test]
    fn a_wish_that_is_not_known_closes() {
        let text = "$request_length";
        let route = RoutePolicy { upstream_host: VariableText::parse(text).ok(), ..RoutePolicy::default() };
        assert!(!knows(&route, &HostPolicy::default(), None));
        let lacking =
            |key: &str, value: &str, version| lacks(version).iter().any(|lack| !lack.is_setting && lack.key == key && !lack.is_fine(value));
        assert!(lacking("upstream-vhost", text, Version(2, 6, 0)) && !lacking("upstream-vhost", "$host", Version(2, 6, 0)));
        let causes = "error http_429";
        assert!(lacking("proxy-next-upstream", causes, Version(3, 0, 0)) && !lacking("proxy-next-upstream", causes, RETRIES_429));
    }
}
