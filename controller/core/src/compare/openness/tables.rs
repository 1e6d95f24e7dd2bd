//! The annotations and settings that decide who may reach what. Those that are in neither table keep nobody out: what is
//! told to clients, how endpoints are spoken to, how fast answers go.

use super::rules::Rule;
use crate::settings::POLICY_KEY;
use Needs::{Nothing, Own, Setting};
use Rule::{
    Admits, Allowed, Denied, Exempt, Granted, Guard, Leads, Levels, Look, Names, Number, Opens, Origins, Protects, Rate, Refused, Size,
    Snippet, Trust, Unprotected,
};

/// What a name does nothing without.
#[derive(Debug, Clone, Copy)]
pub(super) enum Needs {
    /// It stands for itself.
    Nothing,
    /// One of these annotations of the same Ingress.
    Own(&'static [&'static str]),
    /// A setting.
    Setting(&'static str),
}

/// A name and what its values mean.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: &'static str,
    pub(super) rule: Rule,
    pub(super) needs: Needs,
    /// Another name of the same, which counts where this one says nothing; empty: there is none.
    pub(super) twin: &'static str,
}

const fn entry(name: &'static str, rule: Rule) -> Entry {
    Entry { name, rule, needs: Nothing, twin: "" }
}

const fn with(needs: Needs, name: &'static str, rule: Rule) -> Entry {
    Entry { name, rule, needs, twin: "" }
}

const fn twin(other: &'static str, entry: Entry) -> Entry {
    Entry { twin: other, ..entry }
}

const CORS: Needs = Own(&["enable-cors"]);
const BASIC: Needs = Own(&["auth-type"]);
const SERVICE: Needs = Own(&["auth-url"]);
const CLIENT_CERTIFICATES: Needs = Own(&["auth-tls-secret"]);
const RATES: Needs = Own(&["limit-rps", "limit-rpm"]);
const LIMITS: Needs = Own(&["limit-rps", "limit-rpm", "limit-connections"]);
const GLOBAL_SERVICE: Needs = Setting("global-auth-url");

/// Whether somebody needs a certificate: always, if at all a good one, or not.
const VERIFY: Rule = Levels(&[&["", "on"], &["optional"], &["optional_no_ca", "off"]]);

/// Of Ingresses.
pub(super) const ANNOTATIONS: &[Entry] = &[
    entry("auth-type", Guard),
    with(BASIC, "auth-secret", Admits),
    with(BASIC, "auth-secret-type", Look),
    entry("satisfy", Levels(&[&["", "all"], &["any"]])),
    entry("auth-url", Guard),
    with(SERVICE, "auth-method", Look),
    with(SERVICE, "auth-response-headers", Look),
    with(SERVICE, "auth-request-redirect", Look),
    with(SERVICE, "auth-proxy-set-headers", Look),
    with(SERVICE, "auth-cache-key", Look),
    with(SERVICE, "auth-cache-duration", Look),
    with(SERVICE, "auth-snippet", Look),
    with(GLOBAL_SERVICE, "enable-global-auth", Protects(true)),
    entry("auth-tls-secret", Guard),
    with(CLIENT_CERTIFICATES, "auth-tls-verify-client", VERIFY),
    with(CLIENT_CERTIFICATES, "auth-tls-verify-depth", Look),
    with(CLIENT_CERTIFICATES, "auth-tls-match-cn", Guard),
    with(CLIENT_CERTIFICATES, "auth-tls-pass-certificate-to-upstream", Look),
    twin("whitelist-source-range", entry("allowlist-source-range", Allowed(""))),
    twin("allowlist-source-range", entry("whitelist-source-range", Allowed(""))),
    entry("denylist-source-range", Denied),
    entry("limit-rps", Rate),
    entry("limit-rpm", Rate),
    entry("limit-connections", Rate),
    with(RATES, "limit-burst-multiplier", Number(5)),
    twin("limit-whitelist", with(LIMITS, "limit-allowlist", Exempt)),
    twin("limit-allowlist", with(LIMITS, "limit-whitelist", Exempt)),
    // Other origins, or all of them, may read what is answered.
    entry("enable-cors", Opens(false)),
    with(CORS, "cors-allow-origin", Origins),
    with(CORS, "cors-allow-credentials", Opens(true)),
    with(CORS, "cors-allow-methods", Look),
    with(CORS, "cors-allow-headers", Look),
    with(CORS, "cors-expose-headers", Look),
    // Whoever is passed on meets no protection of the proxy.
    entry("ssl-passthrough", Opens(false)),
    twin("temporal-redirect", entry("permanent-redirect", Leads)),
    twin("permanent-redirect", entry("temporal-redirect", Leads)),
    entry("server-alias", Names),
    // Other paths of the endpoints are reached, another site of theirs, or somebody else reads what clients send.
    entry("rewrite-target", Look),
    entry("upstream-vhost", Look),
    entry("mirror-target", Look),
    entry("proxy-body-size", Size("1m")),
    entry("ssl-ciphers", Look),
    entry("proxy-ssl-verify", Levels(&[&["on"], &["", "off"]])),
    entry("proxy-ssl-verify-depth", Look),
    entry("enable-modsecurity", Protects(false)),
    entry("modsecurity-snippet", Look),
    entry("configuration-snippet", Snippet),
    entry("server-snippet", Snippet),
];

/// Of the main ConfigMap and the parameters of classes.
pub(super) const SETTINGS: &[Entry] = &[
    entry(POLICY_KEY, Guard),
    entry("global-auth-url", Guard),
    with(GLOBAL_SERVICE, "global-auth-method", Look),
    with(GLOBAL_SERVICE, "global-auth-response-headers", Look),
    with(GLOBAL_SERVICE, "global-auth-request-redirect", Look),
    with(GLOBAL_SERVICE, "global-auth-snippet", Look),
    with(GLOBAL_SERVICE, "global-auth-cache-key", Look),
    with(GLOBAL_SERVICE, "global-auth-cache-duration", Look),
    entry("no-auth-locations", Unprotected("/.well-known/acme-challenge")),
    entry("whitelist-source-range", Allowed("")),
    entry("denylist-source-range", Denied),
    entry("block-cidrs", Denied),
    entry("block-user-agents", Refused),
    entry("block-referers", Refused),
    entry("nginx-status-ipv4-whitelist", Allowed("127.0.0.1")),
    entry("nginx-status-ipv6-whitelist", Allowed("::1")),
    entry("use-forwarded-headers", Trust),
    entry("enable-real-ip", Trust),
    entry("use-proxy-protocol", Look),
    entry("forwarded-for-header", Look),
    entry("proxy-real-ip-cidr", Look),
    // What those who write Ingresses may do.
    entry("allow-snippet-annotations", Opens(false)),
    entry("annotations-risk-level", Levels(&[&["Low"], &["Medium"], &["", "High"], &["Critical"]])),
    entry("allow-cross-namespace-resources", Opens(false)),
    entry("annotation-value-word-blocklist", Refused),
    entry("strict-validate-path-type", Protects(true)),
    entry("global-allowed-response-headers", Granted("")),
    entry("ssl-reject-handshake", Protects(false)),
    entry("ssl-protocols", Granted("TLSv1.2 TLSv1.3")),
    entry("ssl-ciphers", Look),
    entry("proxy-body-size", Size("1m")),
    entry("enable-modsecurity", Protects(false)),
    entry("http-snippet", Snippet),
    entry("server-snippet", Snippet),
    entry("location-snippet", Snippet),
];
