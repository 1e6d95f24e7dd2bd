//! The side of the endpoints.

use super::readers::{is_http_1_0, memory, memory_if_any, object_if_any, redirect_part};
use super::{AUTOMATIC, DEAD, Fence, Guard, NoEffect, Read, Rule, config, draft, set};
use crate::model::{Balance, RetryCauses};
use crate::names::shown;
use crate::settings::values::{
    CLIENT_GONE, Mistake, bytes, cookie_rewrite, flag, items, network, networks, number, number_within, on_off, partly_sorted,
    retry_causes, seconds,
};

pub(super) const KEYS: &[(&str, Rule)] = &[
    ("proxy-body-size", set!(body_limits.request_bytes, bytes)),
    ("proxy-connect-timeout", set!(upstream_timeouts.connect_s, number)),
    ("proxy-read-timeout", set!(upstream_timeouts.read_s, number)),
    ("proxy-send-timeout", set!(upstream_timeouts.send_s, number)),
    ("proxy-buffering", set!(buffers.buffer_responses, on_off)),
    ("proxy-buffer-size", set!(buffers.upstream_bytes, memory)),
    ("proxy-buffers-number", set!(buffers.upstream_buffers, |text| number_within(text, 1..=1024, "use a number from 1 to 1024"))),
    ("proxy-busy-buffers-size", set!(buffers.busy_upstream_bytes, memory_if_any)),
    ("proxy-max-temp-file-size", set!(buffers.temp_file_bytes, bytes)),
    ("proxy-request-buffering", set!(buffers.buffer_requests, on_off)),
    ("proxy-http-version", set!(upstream_http_1_0, is_http_1_0)),
    (
        "proxy-cookie-domain",
        Read(|draft, text| {
            draft.config.route.cookie_domain = cookie_rewrite(text)?;
            Ok(())
        }),
    ),
    (
        "proxy-cookie-path",
        Read(|draft, text| {
            draft.config.route.cookie_path = cookie_rewrite(text)?;
            Ok(())
        }),
    ),
    ("proxy-redirect-from", draft!(redirect_from, redirect_part)),
    ("proxy-redirect-to", draft!(redirect_to, redirect_part)),
    (
        "proxy-next-upstream",
        Read(|draft, text| {
            let RetryCauses { causes, non_idempotent } = retry_causes(text)?;
            let retries = &mut draft.globals().retries;
            retries.causes = causes;
            retries.non_idempotent |= non_idempotent;
            Ok(())
        }),
    ),
    ("proxy-next-upstream-timeout", set!(retries.timeout_s, number)),
    ("proxy-next-upstream-tries", set!(retries.tries, number)),
    (
        "retry-non-idempotent",
        Read(|draft, text| {
            let on = flag(text)?;
            draft.globals().retries.non_idempotent |= on;
            Ok(())
        }),
    ),
    ("proxy-set-headers", config!(request_headers_from, object_if_any)),
    ("add-headers", config!(response_headers_from, object_if_any)),
    ("proxy-headers-hash-max-size", NoEffect(AUTOMATIC)),
    ("proxy-headers-hash-bucket-size", NoEffect(AUTOMATIC)),
    (
        "load-balance",
        Read(|draft, text| {
            draft.globals().balance = match text {
                "" | "round_robin" => Balance::RoundRobin,
                "ewma" => Balance::RandomTwo,
                _ => return Err(Mistake::new(format!("{} is not an algorithm", shown(text)), "use round_robin or ewma")),
            };
            Ok(())
        }),
    ),
    ("service-upstream", config!(service_upstream, flag)),
    (
        "upstream-keepalive-connections",
        set!(upstream_keepalive.connections, |text| number_within(
            text,
            0..=10_000,
            "use a number of at most 10000; each endpoint has its own"
        )),
    ),
    ("upstream-keepalive-timeout", set!(upstream_keepalive.timeout_s, number)),
    ("upstream-keepalive-requests", set!(upstream_keepalive.requests, number)),
    ("upstream-keepalive-time", set!(upstream_keepalive.time_s, seconds)),
    ("upstream-hash-by", NoEffect(DEAD)),
    ("upstream-hash-by-subset", NoEffect(DEAD)),
    ("upstream-hash-by-subset-size", NoEffect(DEAD)),
    ("app-root", NoEffect(DEAD)),
    ("limit-rate", set!(limits.rate_kib, number)),
    ("limit-rate-after", set!(limits.rate_after_kib, number)),
    (
        "whitelist-source-range",
        Fence(
            |draft, text| {
                let (ranges, bad) = partly_sorted(text, network)?;
                draft.config.sources.get_or_insert_default().allowed = ranges;
                Ok(bad)
            },
            |config| &mut config.lost.allowed,
        ),
    ),
    (
        "denylist-source-range",
        Guard(
            |draft, text| {
                draft.config.sources.get_or_insert_default().denied = networks(text)?;
                Ok(())
            },
            |config| &mut config.lost.denied,
        ),
    ),
    (
        "custom-http-errors",
        Read(|draft, text| {
            let is_error = |status: &u16| (300..=599).contains(status) && *status != CLIENT_GONE;
            let status = |item: &str| item.parse::<u16>().ok().filter(is_error);
            draft.statuses = items(text).filter_map(status).collect();
            draft.statuses.sort_unstable();
            draft.statuses.dedup();
            let others: Vec<String> = items(text).filter(|item| status(item).is_none()).map(|item| shown(item).to_string()).collect();
            let told = match others.as_slice() {
                [] => return Ok(()),
                [other] => format!("{other} is not the status of an error"),
                others => format!("{} are not statuses of errors", others.join(", ")),
            };
            Err(Mistake::new(told, "use numbers from 300 to 599 but 499"))
        }),
    ),
    (
        "disable-proxy-intercept-errors",
        Read(|draft, text| {
            draft.intercept_upstream = !flag(text)?;
            Ok(())
        }),
    ),
    ("grpc-buffer-size-kb", set!(grpc_buffer_kib, |text| number_within(text, 0..=1 << 20, "use a number of at most 1048576, which is 1g"))),
];
