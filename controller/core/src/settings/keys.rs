//! The table of all keys of the main ConfigMap.

use super::values::{Bad, addresses, bytes, flag, header_name, items, networks, number, on_off, openssl_list, seconds};
use super::{Config, Problem, ProblemKind};
use crate::model::{Balance, CustomErrors, Globals, Hsts, HttpsRedirectStatus, TrustedAddressSource};
use crate::names::shown;

/// A configuration that is being read, with what several keys decide together.
pub(super) struct Draft {
    config: Config,
    hsts: Hsts,
    hsts_on: bool,
    statuses: Vec<u16>,
    intercept_upstream: bool,
    use_real_ip: bool,
    session_cache: bool,
}

impl Draft {
    pub(super) fn new(config: Config) -> Self {
        Self {
            config,
            hsts: Hsts::default(),
            hsts_on: true,
            statuses: Vec::new(),
            intercept_upstream: true,
            use_real_ip: false,
            session_cache: true,
        }
    }

    /// Puts together what several keys decide.
    pub(super) fn finish(self) -> Config {
        let mut config = self.config;
        let globals = &mut config.globals;
        globals.hsts = self.hsts_on.then_some(self.hsts);
        globals.custom_errors =
            (!self.statuses.is_empty()).then_some(CustomErrors { statuses: self.statuses, intercept_upstream: self.intercept_upstream });
        let header = globals.forwarding.trust_headers || self.use_real_ip;
        globals.forwarding.client_address = match (globals.listeners.proxy_protocol, header) {
            (false, false) => TrustedAddressSource::Connection,
            (false, true) => TrustedAddressSource::Header,
            (true, false) => TrustedAddressSource::ProxyProtocol,
            (true, true) => TrustedAddressSource::HeaderBehindProxyProtocol,
        };
        if !self.session_cache {
            globals.tls.session_cache_bytes = 0;
        }
        config
    }

    fn globals(&mut self) -> &mut Globals {
        &mut self.config.globals
    }
}

/// What a key does.
enum Rule {
    /// It is read.
    Read(fn(&mut Draft, &str) -> Result<(), Bad>),
    /// It has no effect, for this reason.
    None(&'static str),
    /// It has no effect, and asks for a protection: every route is closed while it is set.
    Protection,
}

use Rule::{None as NoEffect, Protection, Read};

const NOT_YET: &str = "it is not supported";
const NO_MODULE: &str = "it needs a module that stock proxies do not have";
const SNIPPET: &str = "configuration snippets are not accepted";
const AUTOMATIC: &str = "the size is computed from what is served";
const LOGS: &str = "the log goes to standard output in the default format";
const STREAM: &str = "TCP and UDP services are not forwarded";
const DEAD: &str = "it has no effect in ingress-nginx either";

/// Reads one key; the answer says what is wrong with it.
pub(super) fn read(draft: &mut Draft, key: &str, value: &str) -> Option<Problem> {
    let problem = |kind, message: String, help: &str| Some(Problem { key: key.to_owned(), kind, message, help: help.to_owned() });
    let Some((_, rule)) = KEYS.iter().find(|(name, _)| *name == key) else {
        return problem(ProblemKind::Unknown, format!("{} is not a known key", shown(key)), "remove it, or mend its name");
    };
    match rule {
        Read(read) => {
            read(draft, value).err().and_then(|(message, help)| problem(ProblemKind::BadValue, format!("{key}: {message}"), help))
        }
        NoEffect(reason) => problem(ProblemKind::Unsupported, format!("{key} has no effect: {reason}"), "remove it"),
        Protection if matches!(value, "" | "0" | "f" | "F" | "false" | "FALSE" | "False") => None,
        Protection => {
            draft.config.closed = true;
            let message = format!("{key} asks for a protection that is not supported, so every route answers 503");
            problem(ProblemKind::UnsupportedProtection, message, "remove it to serve without")
        }
    }
}

/// Every key, and why it has no effect.
pub(super) fn known() -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
    KEYS.iter().map(|(name, rule)| {
        let reason = match rule {
            Read(_) => None,
            NoEffect(reason) => Some(*reason),
            Protection => Some("the protection is not supported; every route is closed while it is set"),
        };
        (*name, reason)
    })
}

/// `set!(field.path, reader)`: the value goes into that field of the globals.
macro_rules! set {
    ($($field:ident).+, $reader:expr) => {
        Read(|draft, text| {
            draft.globals().$($field).+ = $reader(text)?;
            Ok(())
        })
    };
}

const KEYS: &[(&str, Rule)] = &[
    // security switches
    ("allow-snippet-annotations", NoEffect(SNIPPET)),
    ("annotations-risk-level", NoEffect("every annotation is parsed into a type, so none is riskier than another")),
    ("allow-cross-namespace-resources", NoEffect("objects of other namespaces are never read for an Ingress")),
    (
        "annotation-value-word-blocklist",
        Read(|draft, text| {
            draft.config.word_blocklist = items(text).map(str::to_owned).collect();
            Ok(())
        }),
    ),
    ("strict-validate-path-type", NoEffect("paths are always checked")),
    ("global-allowed-response-headers", NoEffect(NOT_YET)),
    ("block-cidrs", Protection),
    ("block-user-agents", Protection),
    ("block-referers", Protection),
    ("enable-underscores-in-headers", set!(underscores_in_headers, flag)),
    ("ignore-invalid-headers", NoEffect("invalid headers are always ignored")),
    ("server-tokens", set!(server_tokens, flag)),
    ("allow-backend-server-header", set!(backend_server_header, flag)),
    (
        "hide-headers",
        Read(|draft, text| {
            let mut names = items(text).map(header_name).collect::<Result<Vec<_>, _>>()?;
            names.iter_mut().for_each(|name| name.make_ascii_lowercase());
            names.sort_unstable();
            names.dedup();
            draft.globals().hidden_headers = names;
            Ok(())
        }),
    ),
    // client side
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
    ("proxy-real-ip-cidr", set!(forwarding.trusted_peers, networks)),
    ("use-proxy-protocol", set!(listeners.proxy_protocol, flag)),
    ("proxy-protocol-header-timeout", NoEffect(NOT_YET)),
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
    ("client-header-buffer-size", set!(buffers.client_header_bytes, bytes)),
    (
        "large-client-header-buffers",
        Read(|draft, text| {
            let bad = || (format!("{} is not a number and a size", shown(text)), "use a text such as 4 8k");
            let (count, size) = text.trim().split_once(' ').ok_or_else(bad)?;
            let (count, size) = (number(count)?, bytes(size)?);
            let buffers = &mut draft.globals().buffers;
            (buffers.large_client_headers, buffers.large_client_header_bytes) = (count, size);
            Ok(())
        }),
    ),
    ("client-header-timeout", set!(client_timeouts.header_s, number)),
    ("client-body-buffer-size", set!(buffers.client_body_bytes, bytes)),
    ("client-body-timeout", set!(client_timeouts.body_s, number)),
    ("bind-address", set!(listeners.addresses, addresses)),
    (
        "disable-ipv6",
        Read(|draft, text| {
            if flag(text)? {
                draft.globals().listeners.ipv6 = false;
            }
            Ok(())
        }),
    ),
    ("disable-ipv6-dns", NoEffect("names are looked up by the controller")),
    ("reuse-port", set!(listeners.reuse_port, flag)),
    ("enable-multi-accept", NoEffect(NOT_YET)),
    ("default-type", NoEffect(NOT_YET)),
    ("relative-redirects", NoEffect(NOT_YET)),
    (
        "http-redirect-code",
        Read(|draft, text| {
            let status = number(text).ok().and_then(|n| u16::try_from(n).ok()).filter(|n| [301, 302, 307, 308].contains(n));
            let status = status.ok_or_else(|| (format!("{} is not a redirect status", shown(text)), "use 301, 302, 307 or 308"))?;
            draft.globals().https_redirect_status = HttpsRedirectStatus(status);
            Ok(())
        }),
    ),
    ("limit-req-status-code", NoEffect(NOT_YET)),
    ("limit-conn-status-code", NoEffect(NOT_YET)),
    ("limit-conn-zone-variable", NoEffect(NOT_YET)),
    // TLS and HSTS
    (
        "ssl-protocols",
        Read(|draft, text| {
            let bad = |word: &str| (format!("{} is not a protocol that is offered", shown(word)), "use TLSv1.2, TLSv1.3 or both");
            let words: Vec<_> = text.split_ascii_whitespace().collect();
            if let Some(word) = words.iter().find(|word| !["TLSv1.2", "TLSv1.3"].contains(word)) {
                return Err(bad(word));
            }
            if words.is_empty() {
                return Err(bad(text));
            }
            let tls = &mut draft.globals().tls;
            (tls.tls12, tls.tls13) = (words.contains(&"TLSv1.2"), words.contains(&"TLSv1.3"));
            Ok(())
        }),
    ),
    ("ssl-ciphers", set!(tls.ciphers, openssl_list)),
    ("ssl-ecdh-curve", set!(tls.curves, openssl_list)),
    ("ssl-dh-param", NoEffect(NOT_YET)),
    (
        "ssl-session-cache",
        Read(|draft, text| {
            draft.session_cache = flag(text)?;
            Ok(())
        }),
    ),
    ("ssl-session-cache-size", set!(tls.session_cache_bytes, bytes)),
    ("ssl-session-timeout", set!(tls.session_timeout_s, seconds)),
    ("ssl-session-tickets", set!(tls.session_tickets, flag)),
    ("ssl-session-ticket-key", NoEffect(NOT_YET)),
    ("ssl-buffer-size", set!(tls.buffer_bytes, bytes)),
    ("ssl-early-data", NoEffect("requests that may be replayed are not accepted")),
    ("ssl-reject-handshake", set!(tls.reject_unknown_names, flag)),
    ("enable-ocsp", NoEffect(NOT_YET)),
    (
        "ssl-redirect",
        Read(|draft, text| {
            draft.config.ssl_redirect = flag(text)?;
            Ok(())
        }),
    ),
    (
        "force-ssl-redirect",
        Read(|draft, text| {
            draft.config.force_ssl_redirect = flag(text)?;
            Ok(())
        }),
    ),
    (
        "no-tls-redirect-locations",
        Read(|draft, text| {
            draft.config.no_tls_redirect_locations = items(text).map(str::to_owned).collect();
            Ok(())
        }),
    ),
    (
        "preserve-trailing-slash",
        Read(|draft, text| {
            draft.config.preserve_trailing_slash = flag(text)?;
            Ok(())
        }),
    ),
    ("use-port-in-redirects", NoEffect(NOT_YET)),
    (
        "hsts",
        Read(|draft, text| {
            draft.hsts_on = flag(text)?;
            Ok(())
        }),
    ),
    (
        "hsts-max-age",
        Read(|draft, text| {
            draft.hsts.max_age_s = number(text)?;
            Ok(())
        }),
    ),
    (
        "hsts-include-subdomains",
        Read(|draft, text| {
            draft.hsts.include_subdomains = flag(text)?;
            Ok(())
        }),
    ),
    (
        "hsts-preload",
        Read(|draft, text| {
            draft.hsts.preload = flag(text)?;
            Ok(())
        }),
    ),
    ("proxy-ssl-location-only", NoEffect(NOT_YET)),
    // upstreams
    ("proxy-body-size", set!(body_limits.request_bytes, bytes)),
    ("proxy-connect-timeout", set!(upstream_timeouts.connect_s, number)),
    ("proxy-read-timeout", set!(upstream_timeouts.read_s, number)),
    ("proxy-send-timeout", set!(upstream_timeouts.send_s, number)),
    ("proxy-buffering", set!(buffers.buffer_responses, on_off)),
    ("proxy-buffer-size", set!(buffers.upstream_bytes, bytes)),
    ("proxy-buffers-number", set!(buffers.upstream_buffers, number)),
    ("proxy-busy-buffers-size", NoEffect(NOT_YET)),
    ("proxy-max-temp-file-size", NoEffect(NOT_YET)),
    ("proxy-request-buffering", set!(buffers.buffer_requests, on_off)),
    ("proxy-http-version", NoEffect("upstreams are always talked to in HTTP/1.1")),
    ("proxy-cookie-domain", NoEffect(NOT_YET)),
    ("proxy-cookie-path", NoEffect(NOT_YET)),
    ("proxy-redirect-from", NoEffect(NOT_YET)),
    ("proxy-redirect-to", NoEffect(NOT_YET)),
    (
        "proxy-next-upstream",
        Read(|draft, text| {
            const CAUSES: &[&str] = &[
                "error",
                "timeout",
                "invalid_header",
                "http_500",
                "http_502",
                "http_503",
                "http_504",
                "http_403",
                "http_404",
                "http_429",
                "non_idempotent",
                "off",
            ];
            let mut causes: Vec<String> = text.split_ascii_whitespace().map(str::to_owned).collect();
            if let Some(word) = causes.iter().find(|word| !CAUSES.contains(&word.as_str())) {
                return Err((
                    format!("{} is not a cause to try another endpoint", shown(word)),
                    "use words such as error, timeout and http_502",
                ));
            }
            let retries = &mut draft.config.globals.retries;
            retries.non_idempotent |= causes.iter().any(|word| word == "non_idempotent");
            causes.retain(|word| word != "non_idempotent" && word != "off");
            causes.sort_unstable();
            causes.dedup();
            retries.causes = causes;
            Ok(())
        }),
    ),
    ("proxy-next-upstream-timeout", set!(retries.timeout_s, number)),
    ("proxy-next-upstream-tries", set!(retries.tries, number)),
    ("retry-non-idempotent", set!(retries.non_idempotent, flag)),
    ("proxy-set-headers", NoEffect(NOT_YET)),
    ("add-headers", NoEffect(NOT_YET)),
    ("proxy-headers-hash-max-size", NoEffect(AUTOMATIC)),
    ("proxy-headers-hash-bucket-size", NoEffect(AUTOMATIC)),
    (
        "load-balance",
        Read(|draft, text| {
            draft.globals().balance = match text {
                "" | "round_robin" => Balance::RoundRobin,
                "ewma" => Balance::RandomTwo,
                _ => return Err((format!("{} is not an algorithm", shown(text)), "use round_robin or ewma")),
            };
            Ok(())
        }),
    ),
    ("service-upstream", NoEffect(NOT_YET)),
    ("upstream-keepalive-connections", set!(upstream_keepalive.connections, number)),
    ("upstream-keepalive-timeout", set!(upstream_keepalive.timeout_s, number)),
    ("upstream-keepalive-requests", set!(upstream_keepalive.requests, number)),
    ("upstream-keepalive-time", NoEffect(NOT_YET)),
    ("upstream-hash-by", NoEffect(DEAD)),
    ("upstream-hash-by-subset", NoEffect(DEAD)),
    ("upstream-hash-by-subset-size", NoEffect(DEAD)),
    ("app-root", NoEffect(DEAD)),
    ("limit-rate", NoEffect(NOT_YET)),
    ("limit-rate-after", NoEffect(NOT_YET)),
    ("whitelist-source-range", Protection),
    ("denylist-source-range", Protection),
    (
        "custom-http-errors",
        Read(|draft, text| {
            let status = |item: &str| item.parse::<u16>().ok().filter(|status| (300..=599).contains(status));
            draft.statuses = items(text).filter_map(status).collect();
            draft.statuses.sort_unstable();
            draft.statuses.dedup();
            match items(text).find(|item| status(item).is_none()) {
                Some(item) => Err((format!("{} is not the status of an error", shown(item)), "use numbers from 300 to 599")),
                None => Ok(()),
            }
        }),
    ),
    (
        "disable-proxy-intercept-errors",
        Read(|draft, text| {
            draft.intercept_upstream = !flag(text)?;
            Ok(())
        }),
    ),
    ("grpc-buffer-size-kb", NoEffect(NOT_YET)),
    // external authentication
    ("global-auth-url", Protection),
    ("global-auth-method", NoEffect(NOT_YET)),
    ("global-auth-signin", NoEffect(NOT_YET)),
    ("global-auth-signin-redirect-param", NoEffect(NOT_YET)),
    ("global-auth-response-headers", NoEffect(NOT_YET)),
    ("global-auth-request-redirect", NoEffect(NOT_YET)),
    ("global-auth-snippet", NoEffect(SNIPPET)),
    ("global-auth-cache-key", NoEffect(NOT_YET)),
    ("global-auth-cache-duration", NoEffect(NOT_YET)),
    ("global-auth-always-set-cookie", NoEffect(NOT_YET)),
    ("no-auth-locations", NoEffect(NOT_YET)),
    ("global-external-auth", NoEffect(DEAD)),
    // compression, workers
    ("use-gzip", set!(gzip, flag)),
    ("gzip-level", NoEffect(NOT_YET)),
    ("gzip-min-length", NoEffect(NOT_YET)),
    ("gzip-types", NoEffect(NOT_YET)),
    ("gzip-disable", NoEffect(NOT_YET)),
    ("enable-brotli", NoEffect(NO_MODULE)),
    ("brotli-level", NoEffect(NO_MODULE)),
    ("brotli-min-length", NoEffect(NO_MODULE)),
    ("brotli-types", NoEffect(NO_MODULE)),
    ("enable-aio-write", NoEffect(NOT_YET)),
    (
        "worker-processes",
        Read(|draft, text| {
            draft.globals().workers.processes = match text {
                "" | "auto" => None,
                _ => Some(u32::try_from(number(text)?.clamp(1, 1024)).unwrap_or(1)),
            };
            Ok(())
        }),
    ),
    ("worker-cpu-affinity", NoEffect(NOT_YET)),
    ("worker-shutdown-timeout", set!(workers.drain_timeout_s, seconds)),
    ("enable-serial-reloads", NoEffect("reloads are spaced by the number of workers that still drain")),
    (
        "max-worker-connections",
        Read(|draft, text| {
            let connections = number(text)?;
            if connections > 0 {
                draft.globals().workers.connections = connections;
            }
            Ok(())
        }),
    ),
    ("max-worker-open-files", NoEffect(NOT_YET)),
    ("map-hash-bucket-size", NoEffect(AUTOMATIC)),
    ("server-name-hash-max-size", NoEffect(AUTOMATIC)),
    ("server-name-hash-bucket-size", NoEffect(AUTOMATIC)),
    ("variables-hash-bucket-size", NoEffect(AUTOMATIC)),
    ("variables-hash-max-size", NoEffect(AUTOMATIC)),
    ("debug-connections", NoEffect(NOT_YET)),
    ("lua-shared-dicts", NoEffect("there is no Lua here")),
    // logs
    ("access-log-path", NoEffect(LOGS)),
    ("http-access-log-path", NoEffect(LOGS)),
    ("stream-access-log-path", NoEffect(STREAM)),
    ("access-log-params", NoEffect(LOGS)),
    (
        "disable-access-log",
        Read(|draft, text| {
            draft.globals().access_log.enabled = !flag(text)?;
            Ok(())
        }),
    ),
    (
        "disable-http-access-log",
        Read(|draft, text| {
            draft.globals().access_log.enabled = !flag(text)?;
            Ok(())
        }),
    ),
    ("disable-stream-access-log", NoEffect(STREAM)),
    ("enable-access-log-for-default-backend", set!(access_log.unknown_hosts, flag)),
    ("enable-auth-access-log", NoEffect(NOT_YET)),
    ("skip-access-log-urls", NoEffect(NOT_YET)),
    ("log-format-upstream", NoEffect(LOGS)),
    ("log-format-escape-json", NoEffect(LOGS)),
    ("log-format-escape-none", NoEffect(LOGS)),
    ("log-format-stream", NoEffect(STREAM)),
    ("error-log-path", NoEffect(LOGS)),
    ("error-log-level", NoEffect(NOT_YET)),
    ("enable-syslog", NoEffect(NOT_YET)),
    ("syslog-host", NoEffect(NOT_YET)),
    ("syslog-port", NoEffect(NOT_YET)),
    ("nginx-status-ipv4-whitelist", NoEffect("the status of the proxy is on the loopback only")),
    ("nginx-status-ipv6-whitelist", NoEffect("the status of the proxy is on the loopback only")),
    // snippets
    ("main-snippet", NoEffect(SNIPPET)),
    ("http-snippet", NoEffect(SNIPPET)),
    ("server-snippet", NoEffect(SNIPPET)),
    ("location-snippet", NoEffect(SNIPPET)),
    ("stream-snippet", NoEffect(SNIPPET)),
    // stream
    ("proxy-stream-timeout", NoEffect(STREAM)),
    ("proxy-stream-next-upstream", NoEffect(STREAM)),
    ("proxy-stream-next-upstream-timeout", NoEffect(STREAM)),
    ("proxy-stream-next-upstream-tries", NoEffect(STREAM)),
    ("proxy-stream-responses", NoEffect(STREAM)),
    // modules
    ("use-geoip2", NoEffect(NO_MODULE)),
    ("geoip2-autoreload-in-minutes", NoEffect(NO_MODULE)),
    ("enable-modsecurity", Protection),
    ("enable-owasp-modsecurity-crs", Protection),
    ("modsecurity-snippet", NoEffect(NO_MODULE)),
    ("enable-opentelemetry", NoEffect(NO_MODULE)),
    ("opentelemetry-config", NoEffect(NO_MODULE)),
    ("opentelemetry-operation-name", NoEffect(NO_MODULE)),
    ("opentelemetry-trust-incoming-span", NoEffect(NO_MODULE)),
    ("otlp-collector-host", NoEffect(NO_MODULE)),
    ("otlp-collector-port", NoEffect(NO_MODULE)),
    ("otel-service-name", NoEffect(NO_MODULE)),
    ("otel-sampler", NoEffect(NO_MODULE)),
    ("otel-sampler-ratio", NoEffect(NO_MODULE)),
    ("otel-sampler-parent-based", NoEffect(NO_MODULE)),
    ("otel-max-queuesize", NoEffect(NO_MODULE)),
    ("otel-schedule-delay-millis", NoEffect(NO_MODULE)),
    ("otel-max-export-batch-size", NoEffect(NO_MODULE)),
];
