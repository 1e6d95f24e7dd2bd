//! TLS towards clients, redirects to it, HSTS.

use super::readers::{object_if_any, texts, ticket_key};
use super::{Read, Rest, Rule, Switch, config, draft, set};
use crate::names::shown;
use crate::settings::values::{Mistake, bytes_within, ciphers, curves, flag, number, seconds};

pub(super) const KEYS: &[(&str, Rule)] = &[
    (
        "ssl-protocols",
        Rest(|draft, text| {
            const HELP: &str = "use TLSv1.2, TLSv1.3 or both";
            let bad = |word: &str| Mistake::new(format!("{} is not a protocol that is offered", shown(word)), HELP);
            // Those before TLS 1.2: the libraries of stock proxies refuse them, whatever they are told.
            let (old, words): (Vec<&str>, Vec<&str>) =
                text.split_ascii_whitespace().partition(|word| ["SSLv2", "SSLv3", "TLSv1", "TLSv1.1"].contains(word));
            if let Some(word) = words.iter().find(|word| !["TLSv1.2", "TLSv1.3"].contains(word)) {
                return Err(bad(word));
            }
            if words.is_empty() {
                return Err(bad(old.first().unwrap_or(&text)));
            }
            let tls = &mut draft.globals().tls;
            (tls.tls12, tls.tls13) = (words.contains(&"TLSv1.2"), words.contains(&"TLSv1.3"));
            let verb = if old.len() > 1 { "are no longer" } else { "is no longer" };
            Ok((!old.is_empty()).then(|| Mistake::new(format!("{} {verb} offered", old.join(", ")), HELP)))
        }),
    ),
    ("ssl-ciphers", set!(tls.ciphers, ciphers)),
    ("ssl-ecdh-curve", set!(tls.curves, curves)),
    ("ssl-dh-param", config!(dh_params_from, object_if_any)),
    ("ssl-session-cache", draft!(session_cache, flag)),
    (
        "ssl-session-cache-size",
        set!(tls.session_cache_bytes, |text| bytes_within(text, 64 << 10..=1 << 30, "use a size from 64k to 1g, such as 10m")),
    ),
    ("ssl-session-timeout", set!(tls.session_timeout_s, seconds)),
    ("ssl-session-tickets", set!(tls.session_tickets, flag)),
    ("ssl-session-ticket-key", set!(tls.ticket_key, ticket_key)),
    ("ssl-buffer-size", set!(tls.buffer_bytes, |text| bytes_within(text, 1 << 10..=1 << 20, "use a size from 1k to 1m, such as 4k"))),
    ("ssl-early-data", set!(tls.early_data, flag)),
    ("ssl-reject-handshake", set!(tls.reject_unknown_names, flag)),
    ("enable-ocsp", Switch("certificates are chosen for each handshake, which leaves nginx no answer to staple")),
    ("ssl-redirect", config!(ssl_redirect, flag)),
    ("force-ssl-redirect", config!(force_ssl_redirect, flag)),
    ("no-tls-redirect-locations", config!(no_tls_redirect_locations, texts)),
    ("preserve-trailing-slash", config!(preserve_trailing_slash, flag)),
    ("use-port-in-redirects", config!(port_in_redirects, flag)),
    ("hsts", draft!(hsts_on, flag)),
    ("hsts-max-age", draft!(hsts.max_age_s, number)),
    ("hsts-include-subdomains", draft!(hsts.include_subdomains, flag)),
    ("hsts-preload", draft!(hsts.preload, flag)),
    ("proxy-ssl-location-only", config!(upstream_tls_by_route, flag)),
];
