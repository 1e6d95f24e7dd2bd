//! The side of the clients: addresses, protocols, limits.

use super::readers::{error_status, media_type, memory};
use super::{List, NoEffect, Read, Rule, Switch, Trust, Unless, each, set};
use crate::model::HttpsRedirectStatus;
use crate::names::variable::{LABELS, is_of_answer, is_variable};
use crate::names::{VariableText, shown};
use crate::settings::values::{Mistake, address, bytes_within, flag, header_name, network, number, number_within};

/// All headers of one request, in bytes.
const MOST_HEADERS: u64 = 16 << 20;

pub(super) const KEYS: &[(&str, Rule)] = &[
    ("use-forwarded-headers", set!(forwarding.trust_headers, flag)),
    (
        "enable-real-ip",
        Read(|draft, text| {
            draft.use_real_ip = flag(text)?;
            Ok(())
        }),
    ),
    ("forwarded-for-header", set!(forwarding.for_header, header_name)),
    ("forwarded-host-header", set!(forwarding.host_header, header_name)),
    ("forwarded-for-proxy-protocol-header", NoEffect("no such header is needed")),
    ("compute-full-forwarded-for", set!(forwarding.append_peer, flag)),
    (
        "proxy-real-ip-cidr",
        Trust(|draft, text| {
            draft.globals().forwarding.trusted_peers.clear();
            each!(config.globals.forwarding.trusted_peers, partly_sorted, network)(draft, text)
        }),
    ),
    ("use-proxy-protocol", set!(listeners.proxy_protocol, flag)),
    ("proxy-protocol-header-timeout", Unless("5s", "the time for the headers of a request covers it")),
    ("proxy-add-original-uri-header", set!(forwarding.original_uri_header, flag)),
    ("generate-request-id", set!(request_ids.generate, flag)),
    ("use-http2", set!(listeners.http2, flag)),
    (
        "http2-max-concurrent-streams",
        Read(|draft, text| {
            draft.globals().listeners.http2_max_streams = u32::try_from(number(text)?.max(1)).unwrap_or(u32::MAX);
            Ok(())
        }),
    ),
    ("http2-max-field-size", NoEffect("nginx has dropped it in 1.19.7")),
    ("http2-max-header-size", NoEffect("nginx has dropped it in 1.19.7")),
    ("http2-max-requests", NoEffect("nginx has dropped it in 1.19.7; use keep-alive-requests")),
    ("keep-alive", set!(client_timeouts.keep_alive_s, number)),
    ("keep-alive-requests", set!(client_timeouts.keep_alive_requests, number)),
    ("client-header-buffer-size", set!(buffers.client_header_bytes, header_bytes)),
    (
        "large-client-header-buffers",
        Read(|draft, text| {
            let bad = || Mistake::new(format!("{} is not a number and a size", shown(text)), "use a text such as 4 8k");
            let (count, size) = text.trim().split_once(' ').ok_or_else(bad)?;
            let (count, size) = (number_within(count, 1..=1024, "use 1 to 1024 buffers, such as 4 8k")?, header_bytes(size.trim())?);
            if count * size > MOST_HEADERS {
                return Err(Mistake::new(format!("{} is more than can be used", shown(text)), "use at most 16m in all, such as 16 1m"));
            }
            let buffers = &mut draft.globals().buffers;
            (buffers.large_client_headers, buffers.large_client_header_bytes) = (count, size);
            Ok(())
        }),
    ),
    ("client-header-timeout", set!(client_timeouts.header_s, number)),
    ("client-body-buffer-size", set!(buffers.client_body_bytes, memory)),
    ("client-body-timeout", set!(client_timeouts.body_s, number)),
    ("bind-address", List(each!(config.globals.listeners.addresses, partly, address))),
    (
        "disable-ipv6",
        Read(|draft, text| {
            draft.ipv6_off = flag(text)?;
            Ok(())
        }),
    ),
    ("disable-ipv6-dns", Switch("names are looked up by the controller")),
    ("reuse-port", set!(listeners.reuse_port, flag)),
    ("enable-multi-accept", set!(workers.multi_accept, flag)),
    ("default-type", set!(default_type, media_type)),
    ("relative-redirects", set!(relative_redirects, flag)),
    (
        "http-redirect-code",
        Read(|draft, text| {
            let status = number(text).ok().and_then(|n| u16::try_from(n).ok()).filter(|n| [301, 302, 307, 308].contains(n));
            let status =
                status.ok_or_else(|| Mistake::new(format!("{} is not a redirect status", shown(text)), "use 301, 302, 307 or 308"))?;
            draft.globals().https_redirect_status = HttpsRedirectStatus(status);
            Ok(())
        }),
    ),
    ("limit-req-status-code", set!(limits.request_status, error_status)),
    ("limit-conn-status-code", set!(limits.connection_status, error_status)),
    ("limit-conn-zone-variable", set!(limits.key, limit_key)),
];

/// What is known of a request when its client is counted.
fn limit_key(text: &str) -> Result<Option<VariableText>, Mistake> {
    const HELP: &str = "use variables of requests, such as $http_x_client";
    let is_known = |name: &str| is_variable(name) && !is_of_answer(name) && !LABELS.contains(&name);
    match text.trim() {
        "" | "$binary_remote_addr" | "$remote_addr" => Ok(None),
        text => VariableText::parse_with(text, is_known).map(Some).map_err(|bad| Mistake::new(bad.0, HELP)),
    }
}

fn header_bytes(text: &str) -> Result<u64, Mistake> {
    bytes_within(text, 1 << 10..=1 << 20, "use a size from 1k to 1m")
}
