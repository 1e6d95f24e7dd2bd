//! What a snippet asks for, by the annotations that say the same: policies keep namespaces from these in whatever words.

use super::Meaning;
use crate::model::{Bandwidth, EarlyAnswer, Period};

/// An annotation that says the same as some directives.
pub(in crate::translate) struct Denial {
    pub(in crate::translate) annotation: &'static str,
    pub(in crate::translate) directives: &'static [&'static str],
    /// It keeps somebody out, so that nobody comes in where it may not be said.
    pub(in crate::translate) protects: bool,
    is_said: fn(&Meaning) -> bool,
    drop: fn(&mut Meaning),
}

/// Whether a policy denies an annotation that says the same.
type Denied<'d> = &'d dyn Fn(&str) -> bool;

const fn plain(
    annotation: &'static str,
    directives: &'static [&'static str],
    is_said: fn(&Meaning) -> bool,
    drop: fn(&mut Meaning),
) -> Denial {
    Denial { annotation, directives, protects: false, is_said, drop }
}

const fn protecting(
    annotation: &'static str,
    directives: &'static [&'static str],
    is_said: fn(&Meaning) -> bool,
    drop: fn(&mut Meaning),
) -> Denial {
    Denial { annotation, directives, protects: true, is_said, drop }
}

/// Whether a redirect is for every request, with one of these statuses.
fn redirects(answer: &EarlyAnswer, statuses: &[u16]) -> bool {
    answer.when.is_none() && answer.path.is_none() && statuses.contains(&answer.status)
}

const PERMANENT: &[u16] = &[301, 308];
const TEMPORARY: &[u16] = &[302, 303, 307];

fn has_rate(meaning: &Meaning, period: Period) -> bool {
    meaning.limits.iter().flat_map(|limits| &limits.rates).any(|rate| rate.period == period)
}

fn drop_rate(meaning: &mut Meaning, period: Period) {
    meaning.limits.iter_mut().for_each(|limits| limits.rates.retain(|rate| rate.period != period));
}

fn bandwidth(meaning: &Meaning, of: fn(&Bandwidth) -> Option<u64>) -> bool {
    meaning.bandwidth.as_ref().and_then(of).is_some()
}

const SAID: &[Denial] = &[
    protecting(
        "allowlist-source-range",
        &["allow", "deny"],
        |m| m.sources.as_ref().is_some_and(|all| !all.allowed.is_empty()),
        |m| m.sources = None,
    ),
    plain("auth-signin", &["error_page"], |m| m.sign_in.is_some(), |m| m.sign_in = None),
    plain(
        "client-body-buffer-size",
        &["client_body_buffer_size"],
        |m| m.buffering.client_body_bytes.is_some(),
        |m| m.buffering.client_body_bytes = None,
    ),
    protecting("denylist-source-range", &["deny"], |m| m.sources.as_ref().is_some_and(|all| !all.denied.is_empty()), |m| m.sources = None),
    plain("enable-access-log", &["access_log"], |m| m.unlogged, |m| m.unlogged = false),
    protecting(
        "limit-connections",
        &["limit_conn"],
        |m| m.limits.as_ref().is_some_and(|limits| limits.connections.is_some()),
        |m| {
            m.limits.iter_mut().for_each(|limits| limits.connections = None);
        },
    ),
    plain(
        "limit-rate",
        &["limit_rate"],
        |m| bandwidth(m, |all| all.rate_kib),
        |m| m.bandwidth.iter_mut().for_each(|all| all.rate_kib = None),
    ),
    plain(
        "limit-rate-after",
        &["limit_rate_after"],
        |m| bandwidth(m, |all| all.after_kib),
        |m| {
            m.bandwidth.iter_mut().for_each(|all| all.after_kib = None);
        },
    ),
    protecting("limit-rpm", &["limit_req"], |m| has_rate(m, Period::Minute), |m| drop_rate(m, Period::Minute)),
    protecting("limit-rps", &["limit_req"], |m| has_rate(m, Period::Second), |m| drop_rate(m, Period::Second)),
    plain(
        "permanent-redirect",
        &["return"],
        |m| m.extra.answers.iter().any(|own| redirects(own, PERMANENT)),
        |m| {
            m.extra.answers.retain(|own| !redirects(own, PERMANENT));
        },
    ),
    plain(
        "proxy-body-size",
        &["client_max_body_size"],
        |m| m.buffering.body_limit_bytes.is_some(),
        |m| m.buffering.body_limit_bytes = None,
    ),
    plain(
        "proxy-buffer-size",
        &["proxy_buffer_size", "proxy_buffers"],
        |m| m.buffering.upstream_bytes.is_some(),
        |m| m.buffering.upstream_bytes = None,
    ),
    plain("proxy-buffering", &["proxy_buffering"], |m| m.buffering.buffer_responses.is_some(), |m| m.buffering.buffer_responses = None),
    plain("proxy-buffers-number", &["proxy_buffers"], |m| m.buffering.upstream_buffers.is_some(), |m| m.buffering.upstream_buffers = None),
    plain(
        "proxy-busy-buffers-size",
        &["proxy_busy_buffers_size"],
        |m| m.buffering.busy_upstream_bytes.is_some(),
        |m| {
            m.buffering.busy_upstream_bytes = None;
        },
    ),
    plain(
        "proxy-connect-timeout",
        &["proxy_connect_timeout", "grpc_connect_timeout"],
        |m| m.timeouts.connect_s.is_some(),
        |m| m.timeouts.connect_s = None,
    ),
    plain("proxy-cookie-domain", &["proxy_cookie_domain"], |m| m.cookie_domain.is_some(), |m| m.cookie_domain = None),
    plain("proxy-cookie-path", &["proxy_cookie_path"], |m| m.cookie_path.is_some(), |m| m.cookie_path = None),
    plain("proxy-http-version", &["proxy_http_version"], |m| m.http_1_0.is_some(), |m| m.http_1_0 = None),
    plain(
        "proxy-max-temp-file-size",
        &["proxy_max_temp_file_size"],
        |m| m.buffering.temp_file_bytes.is_some(),
        |m| m.buffering.temp_file_bytes = None,
    ),
    plain(
        "proxy-next-upstream",
        &["proxy_next_upstream", "grpc_next_upstream"],
        |m| m.retries.causes.is_some(),
        |m| m.retries.causes = None,
    ),
    plain(
        "proxy-next-upstream-timeout",
        &["proxy_next_upstream_timeout"],
        |m| m.retries.timeout_s.is_some(),
        |m| m.retries.timeout_s = None,
    ),
    plain("proxy-next-upstream-tries", &["proxy_next_upstream_tries"], |m| m.retries.tries.is_some(), |m| m.retries.tries = None),
    plain(
        "proxy-read-timeout",
        &["proxy_read_timeout", "grpc_read_timeout"],
        |m| m.timeouts.read_s.is_some(),
        |m| m.timeouts.read_s = None,
    ),
    plain("proxy-redirect-from", &["proxy_redirect"], |m| m.location_rewrite.is_some(), |m| m.location_rewrite = None),
    plain(
        "proxy-request-buffering",
        &["proxy_request_buffering"],
        |m| m.buffering.buffer_requests.is_some(),
        |m| m.buffering.buffer_requests = None,
    ),
    plain(
        "proxy-send-timeout",
        &["proxy_send_timeout", "grpc_send_timeout"],
        |m| m.timeouts.send_s.is_some(),
        |m| m.timeouts.send_s = None,
    ),
    plain(
        "rewrite-target",
        &["rewrite"],
        |m| !m.extra.rewrites.is_empty(),
        |m| {
            m.extra.rewrites.clear();
            m.searches.clear();
        },
    ),
    plain("satisfy", &["satisfy"], |m| m.satisfy.is_some(), |m| m.satisfy = None),
    plain(
        "temporal-redirect",
        &["return"],
        |m| m.extra.answers.iter().any(|own| redirects(own, TEMPORARY)),
        |m| {
            m.extra.answers.retain(|own| !redirects(own, TEMPORARY));
        },
    ),
    plain(
        "upstream-vhost",
        &["proxy_set_header", "grpc_set_header", "more_set_input_headers"],
        |m| m.extra.request_headers.iter().any(|own| own.name.lower_case() == "host"),
        |m| {
            m.extra.request_headers.retain(|own| own.name.lower_case() != "host");
        },
    ),
    plain("use-port-in-redirects", &["port_in_redirect"], |m| m.port_in_redirects.is_some(), |m| m.port_in_redirects = None),
];

impl Meaning {
    /// What it asks for of that which is denied.
    pub(in crate::translate) fn denied(&self, is_denied: Denied<'_>) -> Vec<&'static Denial> {
        SAID.iter().filter(|own| (own.is_said)(self) && is_denied(own.annotation)).collect()
    }

    /// Does not ask for it any more.
    pub(in crate::translate) fn without_denied(&mut self, denial: &Denial) {
        (denial.drop)(self);
        if self.limits.as_ref().is_some_and(|limits| limits.rates.is_empty() && limits.connections.is_none()) {
            self.limits = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::LimitZones;
    use crate::translate::annotations::key;

    #[test]
    fn whatever_a_policy_can_deny_is_found_in_the_directives_that_say_it() {
        let zones = "limit_req_zone $remote_addr zone=s:1m rate=5r/s; limit_req_zone $remote_addr zone=m:1m rate=5r/m; \
                     limit_conn_zone $remote_addr zone=c:1m;";
        let zones = super::super::read_key(crate::settings::SnippetKey::Http, zones, &LimitZones::new()).unwrap().zones();
        let text = "deny 10.0.0.0/8; allow 11.0.0.0/8; deny all; satisfy any; client_body_buffer_size 1k; access_log off; limit_conn c 1; \
                    limit_rate 1k; limit_rate_after 1k; limit_req zone=s; limit_req zone=m; client_max_body_size 1k; proxy_buffers 4 8k; \
                    proxy_buffering off; proxy_busy_buffers_size 8k; proxy_connect_timeout 1; proxy_cookie_domain a.test b.test; \
                    proxy_cookie_path /a /b; proxy_http_version 1.0; proxy_max_temp_file_size 0; proxy_next_upstream error; \
                    proxy_next_upstream_timeout 1; proxy_next_upstream_tries 1; proxy_read_timeout 1; proxy_redirect off; \
                    proxy_request_buffering off; proxy_send_timeout 1; proxy_set_header Host a.test; port_in_redirect on; \
                    error_page 401 =302 https://a.test/; \
                    if ($arg_a) { return 301 /b; } ";
        let asked = |rest: &str, is_denied: Denied<'_>| {
            let mut meaning = super::super::read_key(crate::settings::SnippetKey::Location, &format!("{text}{rest}"), &zones).unwrap();
            let denied = meaning.denied(is_denied);
            denied.iter().for_each(|denial| meaning.without_denied(denial));
            assert!(meaning.denied(is_denied).is_empty(), "{rest}");
            (denied.iter().map(|denial| denial.annotation).collect::<Vec<_>>(), meaning)
        };
        let mut all: Vec<&str> =
            ["return 301 /a;", "return 302 /a;", "rewrite ^/a /b break;"].iter().flat_map(|rest| asked(rest, &|_| true).0).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all, SAID.iter().map(|denial| denial.annotation).collect::<Vec<_>>());
        assert!(all.iter().all(|name| key(name).is_some()));
        let (denied, rest) = asked("", &|name| name == "proxy-body-size");
        assert_eq!((denied.as_slice(), rest.buffering.body_limit_bytes, rest.timeouts.read_s), (&["proxy-body-size"][..], None, Some(1)));
        assert_eq!(asked("", &|name| name == "permanent-redirect").0, [""; 0], "who is redirected under a condition may be kept out so");
    }
}
