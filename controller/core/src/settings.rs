//! What the operator asked for: flags, and the keys of the main ConfigMap, read once into types.
//!
//! Names, meanings and defaults are those of ingress-nginx 1.15.1. [`Settings`] come from the command line and stay;
//! [`Config`] comes from the ConfigMap and may change while running.

pub(crate) mod auth;
mod config;
mod flags;
mod keeping;
mod keys;
mod lacking;
mod policy;
mod unrepeated;
pub(crate) mod values;

pub use config::{Config, LimitZone, LimitZones, Lost, RiskLevel, SnippetKey};
pub use flags::Settings;
pub(crate) use flags::unknown_variable;
pub use keeping::{Kept, kept};
pub use policy::{AnnotationRule, HostRule, Limit, POLICY_HELP, POLICY_KEY, Pattern, Policy};

use crate::names::variable::LABELS;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A key of the ConfigMap that does not do what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key.
    pub key: String,
    /// What kind of problem it is.
    pub kind: ProblemKind,
    /// What is wrong.
    pub message: String,
    /// What would do; may be empty.
    pub help: String,
}

impl Problem {
    /// What is wrong, without what comes of it.
    fn wrong(&self) -> &str {
        self.message.rsplit_once("; ").filter(|_| self.kind != ProblemKind::BadValue).map_or(&*self.message, |(wrong, _)| wrong)
    }
}

/// What is wrong with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemKind {
    /// The value cannot be used; the default holds.
    BadValue,
    /// An entry of a list cannot be used; the others count.
    BadEntry,
    /// The key is known and has no effect.
    Unsupported,
    /// Some of the value cannot be had; the rest counts.
    UnsupportedEntry,
    /// The key has its effect but for what the message says.
    Approximated,
    /// The key asks for a protection that cannot be given; every route is closed.
    UnsupportedProtection,
    /// The value of a protection cannot be used; every route is closed.
    BadProtection,
    /// The value says whom to believe and cannot be used; nobody is believed.
    BadTrust,
    /// Nobody knows the key.
    Unknown,
}

impl ProblemKind {
    /// Whether every route is closed because of it.
    #[must_use]
    pub const fn closes(self) -> bool {
        matches!(self, Self::UnsupportedProtection | Self::BadProtection)
    }
}

/// Reads the data of the main ConfigMap. A value that cannot be used leaves its default, and no other key is affected.
#[must_use]
pub fn read(settings: &Settings, data: &BTreeMap<String, String>) -> (Config, Vec<Problem>) {
    let (mut config, mut problems) = keys::read(Config::new(settings), data.iter().filter(|(key, _)| *key != POLICY_KEY));
    ignore_unused_auth(data, &mut config, &mut problems);
    problems.extend(forget_cache(settings, &mut config));
    problems.extend(forget_limit_key(settings, &mut config));
    if let Some(text) = data.get(POLICY_KEY) {
        problems.extend(config.add_policy(Policy::parse(text)).err());
    }
    let lacking = lacking::problems(&settings.lacks, data, &problems);
    problems.extend(lacking);
    (config, problems)
}

/// How a service is asked that nobody names keeps nobody out.
fn ignore_unused_auth(data: &BTreeMap<String, String>, config: &mut Config, problems: &mut [Problem]) {
    const OF_SERVICE: [&str; 2] = ["global-auth-method", "global-auth-response-headers"];
    if data.get("global-auth-url").is_some_and(|url| !url.is_empty()) {
        return;
    }
    config.lost.auth = false;
    for problem in problems.iter_mut().filter(|problem| OF_SERVICE.contains(&&*problem.key)) {
        problem.message = problem.wrong().to_owned();
        problem.kind = ProblemKind::BadValue;
    }
}

/// Answers of the service that decides are not kept by a text that the proxy has no word for.
fn forget_cache(settings: &Settings, config: &mut Config) -> Option<Problem> {
    let auth = config.global_auth.as_mut()?;
    let key = &auth.cache.as_ref()?.key;
    let filled = key.filled(|name| LABELS.contains(&name).then_some("label"));
    let variable = settings.lacks_variable(&filled)?.to_owned();
    Arc::make_mut(auth).cache = None;
    let message = format!("this proxy has no ${variable}, so no answer is kept");
    Some(Problem { key: "global-auth-cache-key".to_owned(), kind: ProblemKind::BadValue, message, help: "use another variable".to_owned() })
}

/// Clients are not told apart by a text that the proxy has no word for.
fn forget_limit_key(settings: &Settings, config: &mut Config) -> Option<Problem> {
    let variable = settings.lacks_variable(config.globals.limits.key.as_ref()?)?.to_owned();
    config.globals.limits.key = None;
    Some(Problem {
        key: "limit-conn-zone-variable".to_owned(),
        kind: ProblemKind::Unsupported,
        message: format!("limit-conn-zone-variable: this proxy has no ${variable}, so limits go by the address of the client"),
        help: "use another variable".to_owned(),
    })
}

/// Whether a key asks for a protection.
pub fn protects(key: &str) -> bool {
    key == POLICY_KEY || keys::protects(key)
}

/// Every key that is known, with the reason if it has no effect, in the order of the documentation.
pub fn known_keys() -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
    keys::known()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::{TextPart, TextPattern};

    #[test]
    fn answers_are_not_kept_by_what_the_proxy_has_no_word_for() {
        let settings = Settings { unknown_variables: vec!["msec"], ..Settings::default() };
        let pairs =
            |key: &str| [("global-auth-url", "http://a.test/"), ("global-auth-cache-key", key)].map(|(k, v)| (k.to_owned(), v.to_owned()));
        let (config, problems) = read(&settings, &BTreeMap::from(pairs("$host$msec")));
        assert!(config.global_auth.is_some_and(|auth| auth.cache.is_none()) && problems[0].message.contains("$msec"), "{problems:?}");
        assert!(read(&settings, &BTreeMap::from(pairs("$host"))).0.global_auth.is_some_and(|auth| auth.cache.is_some()));
    }

    fn one(key: &str, value: &str) -> (Config, Vec<Problem>) {
        read(&Settings::default(), &BTreeMap::from([(key.to_owned(), value.to_owned())]))
    }

    fn defaults() -> Config {
        read(&Settings::default(), &BTreeMap::new()).0
    }

    #[test]
    fn values_reach_their_fields() {
        assert!(!one("ssl-redirect", "false").0.ssl_redirect && !one("ssl-redirect", "").0.ssl_redirect);
        assert_eq!(one("http-redirect-code", "301").0.globals.https_redirect_status.0, 301);
        assert_eq!(one("proxy-body-size", "8m").0.globals.body_limits.request_bytes, 8 << 20);
        assert_eq!(one("worker-shutdown-timeout", "10s").0.globals.workers.drain_timeout_s, 10);
        assert_eq!(one("ssl-session-timeout", "1d").0.globals.tls.session_timeout_s, 86_400);
        assert_eq!(one("keep-alive", "0x10").0.globals.client_timeouts.keep_alive_s, 16);
        assert_eq!(one("no-tls-redirect-locations", "/a, ,/b").0.no_tls_redirect_locations, ["/a", "/b"]);
        assert_eq!(one("hsts-max-age", "86400").0.globals.hsts.unwrap().max_age_s, 86_400);
        assert_eq!(one("hsts", "false").0.globals.hsts, None);
        assert_eq!(one("custom-http-errors", "503,404,200").0.globals.custom_errors.unwrap().statuses, [404, 503]);
        let tls = one("ssl-protocols", "TLSv1.3").0.globals.tls;
        assert!(tls.tls13 && !tls.tls12);
    }

    #[test]
    fn err_6_codes_that_are_no_errors_are_ignored_with_a_warning() {
        for bad in ["200", "700"] {
            let (config, problems) = one("custom-http-errors", &format!("503,{bad}"));
            assert_eq!(config.globals.custom_errors.unwrap().statuses, [503]);
            assert!(problems[0].message.contains(bad), "{problems:?}");
        }
        let told = one("custom-http-errors", "200,503,700").1.remove(0).message;
        assert!(told.contains("200") && told.contains("700") && !told.contains("503"), "all of them, and no other: {told}");
    }

    #[test]
    fn what_protects_closes_every_route_when_it_cannot_be_read() {
        for (key, value) in [("block-cidrs", "all, any"), ("block-cidrs", "10.0.0.0/8,all"), ("global-auth-url", "x")] {
            let (config, problems) = one(key, value);
            assert_eq!((config.closed || config.lost.auth, problems[0].kind), (true, ProblemKind::BadProtection), "{key}");
        }
        let (config, problems) = one("denylist-source-range", "10.0.0.0/8,all");
        assert!(config.lost.denied && problems[0].kind == ProblemKind::BadProtection, "{problems:?}");
        for (key, value) in [("global-auth-response-headers", "X-A,a b"), ("global-auth-method", "VERIFY")] {
            let data = [("global-auth-url", "http://a.test/"), (key, value)].map(|(key, value)| (key.to_owned(), value.to_owned()));
            let (config, problems) = read(&Settings::default(), &BTreeMap::from(data));
            assert!(config.lost.auth && problems[0].kind == ProblemKind::BadProtection, "{key}");
            let (config, problems) = one(key, value);
            assert!(!config.lost.auth && problems[0].kind == ProblemKind::BadValue, "{key}: nobody is asked");
        }
        assert!(one("block-cidrs", "").1.is_empty() && !one("block-cidrs", "").0.closed);
    }

    #[test]
    fn an_entry_that_cannot_be_used_costs_no_other() {
        for (key, value) in [
            ("whitelist-source-range", "10.0.0.0/8,10.0.0.0/33"),
            ("proxy-real-ip-cidr", "10.0.0.0/8,all"),
            ("hide-headers", "a b,X-A"),
            ("global-allowed-response-headers", "X-A,a b"),
            ("bind-address", "localhost,10.0.0.1"),
            ("debug-connections", "all,10.0.0.1"),
            ("skip-access-log-urls", "~[,/health"),
        ] {
            let (config, problems) = one(key, value);
            assert_eq!((config.closed, problems.len(), problems[0].kind), (false, 1, ProblemKind::BadEntry), "{key}");
            assert!(problems[0].message.ends_with("; the other entries count") && config != defaults(), "{key}: {problems:?}");
        }
        let sources = one("whitelist-source-range", "10.0.0.0/8,all").0.sources.unwrap();
        assert_eq!(sources.allowed.len(), 1, "who is not named is not let in");
    }

    #[test]
    fn an_entry_that_blocks_nobody_is_told_and_the_others_count() {
        for bad in ["~(", "~(a+)+$", "a\nb", "bad; } server { listen 1; }", "a\"b\"", "~*x\" 1; include /etc/passwd"] {
            for key in ["block-user-agents", "block-referers"] {
                let (config, problems) = one(key, &format!("evil, {bad},~spider"));
                let blocking = &config.globals.blocking;
                let all = if key == "block-referers" { &blocking.referers } else { &blocking.user_agents };
                assert_eq!((config.closed, all.len(), problems.len()), (false, 2, 1), "{key}: {bad}");
                assert!(problems[0].kind == ProblemKind::BadEntry && problems[0].message.ends_with("; the other entries count"));
            }
        }
        let quoted = one("block-user-agents", "\"~*a; b\", 'c; \"d'").0.globals.blocking.user_agents;
        assert_eq!(quoted, [TextPattern::Exact("c; \"d".into()), TextPattern::parse("~*a; b").unwrap()]);
    }

    #[test]
    fn each_list_of_those_who_may_see_the_status_is_of_its_family() {
        let clients = |(config, problems): (Config, Vec<Problem>)| {
            let clients: Vec<_> = config.globals.listeners.status_clients.iter().map(ToString::to_string).collect();
            (clients.join(" "), problems.len())
        };
        let [v4, v6] = ["nginx-status-ipv4-whitelist", "nginx-status-ipv6-whitelist"];
        let is = |text: &str, problems| (text.to_owned(), problems);
        assert_eq!(clients(one(v4, "10.0.0.0/8, 192.0.2.1")), is("10.0.0.0/8 192.0.2.1/32 ::1/128", 0));
        assert_eq!(clients(one(v6, "2001:db8::/32")), is("127.0.0.1/32 2001:db8::/32", 0));
        assert_eq!(clients(one(v4, "")), is("::1/128", 0));
        for (key, bad) in [(v4, "all"), (v4, "10.0.0.1,::1"), (v6, "10.0.0.1")] {
            assert_eq!(clients(one(key, bad)), is("127.0.0.1/32 ::1/128", 1), "{key}: {bad}");
        }
    }

    #[test]
    fn log_targets_come_together() {
        let data = [("enable-syslog", "true"), ("syslog-host", "10.0.0.9"), ("syslog-port", "1514")];
        let data = data.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        let globals = read(&Settings::default(), &data).0.globals;
        assert_eq!(globals.access_log.syslog, Some("10.0.0.9:1514".parse().unwrap()));
        assert_eq!(globals.error_log.syslog, globals.access_log.syslog);
        assert_eq!(one("syslog-host", "10.0.0.9").0.globals.access_log.syslog, None);
        assert!(!one("disable-access-log", "true").0.globals.access_log.enabled);
    }

    #[test]
    fn values_that_ask_for_what_is_done_anyway_are_not_worth_a_word() {
        for (key, value) in [
            ("allow-snippet-annotations", "false"),
            ("enable-brotli", "false"),
            ("access-log-path", "/var/log/nginx/access.log"),
            ("proxy-http-version", "1.1"),
            ("limit-conn-zone-variable", "$binary_remote_addr"),
        ] {
            assert!(one(key, value).1.is_empty(), "{key}");
        }
        assert_eq!(one("enable-brotli", "true").1[0].kind, ProblemKind::Unsupported);
    }

    #[test]
    fn clients_are_told_apart_by_what_is_known_of_their_requests() {
        let key = |value: &str| {
            let (config, problems) = one("limit-conn-zone-variable", value);
            (config.globals.limits.key.is_some(), problems.len())
        };
        for value in ["$http_x_client", "${http_x_client}-$host", "$server_name", "$remote_user", "$cookie_session"] {
            assert_eq!(key(value), (true, 0), "{value}");
        }
        for value in ["", "$binary_remote_addr", "$remote_addr"] {
            assert_eq!(key(value), (false, 0), "{value}");
        }
        for value in ["$status", "$upstream_addr", "$sent_http_x", "$service_name", "$geoip2_city", "a\nb"] {
            assert_eq!(key(value), (false, 1), "{value}");
        }
        let settings = Settings { unknown_variables: vec!["msec"], ..Settings::default() };
        let (config, problems) = read(&settings, &BTreeMap::from([("limit-conn-zone-variable".to_owned(), "$msec".to_owned())]));
        assert!(config.globals.limits.key.is_none() && problems[0].message.contains("this proxy has no $msec"), "{problems:?}");
    }

    #[test]
    fn where_ipv6_is_disabled_nobody_listens_on_it() {
        let mut config = defaults();
        config.globals.listeners.ipv6 = true;
        let listens = |value: &str| {
            let data = [("bind-address", "10.0.0.1,[fd00::1]"), ("disable-ipv6", value)];
            let data: BTreeMap<_, _> = data.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
            let listeners = keys::read(config.clone(), data.iter()).0.globals.listeners;
            (listeners.ipv6, listeners.addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
        };
        assert_eq!([listens("true"), listens("false")], [(false, "10.0.0.1".to_owned()), (true, "10.0.0.1 fd00::1".to_owned())]);
    }

    #[test]
    fn hsts_parts_come_together_in_any_order() {
        let data = [("hsts-max-age", "60"), ("hsts-include-subdomains", "false"), ("hsts-preload", "true")];
        let data = data.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        let hsts = read(&Settings::default(), &data).0.globals.hsts.unwrap();
        assert_eq!((hsts.max_age_s, hsts.include_subdomains, hsts.preload), (60, false, true));
    }

    #[test]
    fn bad_values_are_said_and_leave_the_default() {
        for (key, value) in [
            ("ssl-redirect", "yes"),
            ("keep-alive", "75s"),
            ("keep-alive", "-1"),
            ("keep-alive", "99999999999999999999"),
            ("http-redirect-code", "200"),
            ("proxy-body-size", "1m; return 418"),
            ("proxy-body-size", "99999999999999999999g"),
            ("worker-processes", "many"),
            ("worker-processes", "0"),
            ("worker-processes", "1025"),
            ("ssl-ciphers", "A;\nB"),
            ("ssl-protocols", "SSLv3"),
            ("forwarded-for-header", "X Y"),
            ("bind-address", "localhost"),
            ("load-balance", "chash"),
            ("proxy-next-upstream", "error; x"),
            ("large-client-header-buffers", "4"),
            ("hide-headers", "a b"),
            ("ssl-ecdh-curve", "x;y"),
            ("log-format-upstream", "%[env(X)] ${env_x}"),
            ("gzip-types", "text"),
            ("gzip-types", ""),
            ("gzip-level", "10"),
            ("gzip-disable", "("),
            ("error-log-level", "loud"),
            ("syslog-host", "logs.example"),
            ("syslog-port", "0"),
            ("default-type", "text/html; return"),
            ("worker-cpu-affinity", "0; x"),
            ("worker-cpu-affinity", "0001 0010"),
            ("max-worker-open-files", "4096"),
            ("limit-req-status-code", "200"),
            ("skip-access-log-urls", "~["),
            ("debug-connections", "all"),
            ("global-allowed-response-headers", "a b"),
            ("ssl-ciphers", "true"),
            ("ssl-ecdh-curve", "prime256v1:nope"),
            ("ssl-ecdh-curve", "P-256:prime256v1"),
            ("proxy-redirect-to", &"x".repeat(4000)),
            ("large-client-header-buffers", "1000 1g"),
            ("large-client-header-buffers", "32 1m"),
            ("large-client-header-buffers", "4 2m"),
            ("large-client-header-buffers", "0 8k"),
            ("large-client-header-buffers", "4 512"),
            ("client-header-buffer-size", "1g"),
            ("client-body-buffer-size", "2g"),
            ("proxy-buffer-size", "2g"),
            ("proxy-buffer-size", "0"),
            ("proxy-buffers-number", "1000000"),
            ("proxy-busy-buffers-size", "8g"),
            ("ssl-buffer-size", "1g"),
            ("ssl-session-cache-size", "900g"),
            ("grpc-buffer-size-kb", "99999999"),
            ("max-worker-connections", "99999999"),
            ("upstream-keepalive-connections", "100000"),
        ] {
            let (config, problems) = one(key, value);
            assert_eq!(problems.len(), 1, "{key}: {value}");
            assert_eq!((problems[0].kind, problems[0].key.as_str()), (ProblemKind::BadValue, key));
            assert_eq!(config, defaults(), "{key}: {value}");
        }
        let (_, problems) = one("keep-alive", &"9".repeat(1 << 20));
        assert!(problems[0].message.len() < 300);
    }

    #[test]
    fn what_of_a_value_cannot_be_had_is_left_out_and_told() {
        for (value, versions, said) in [
            ("TLSv1 TLSv1.1 TLSv1.2 TLSv1.3", (true, true), "TLSv1, TLSv1.1 are no longer offered; the rest of it counts"),
            ("TLSv1.1 TLSv1.3", (false, true), "TLSv1.1 is no longer offered; the rest of it counts"),
            ("SSLv3 TLSv1.2", (true, false), "SSLv3 is no longer offered; the rest of it counts"),
        ] {
            let (config, problems) = one("ssl-protocols", value);
            assert_eq!((config.globals.tls.tls12, config.globals.tls.tls13), versions, "{value}");
            let [Problem { kind: ProblemKind::UnsupportedEntry, message, .. }] = &problems[..] else { panic!("{problems:?}") };
            assert_eq!(message, &format!("ssl-protocols: {said}"));
        }
        for value in ["TLSv1 TLSv1.1", "TLSv1.3 TLSv9", ""] {
            let (config, problems) = one("ssl-protocols", value);
            assert_eq!((config, problems[0].kind), (defaults(), ProblemKind::BadValue), "{value}: nothing is left, or it is a mistake");
        }
        for (key, format, read, said) in [
            (
                "log-format-upstream",
                "$geoip2_city $status ${Geoip2_City}x $nosuch",
                "- ${status} -x -",
                "\"$geoip2_city\", \"$Geoip2_City\", \"$nosuch\" are not",
            ),
            (
                "log-format-stream",
                "[$nosuch]$status",
                "[-]${status}",
                "\"$nosuch\" is not a variable that can be used here, and - stands in its place",
            ),
        ] {
            let (config, problems) = one(key, format);
            let globals = &config.globals;
            let written = if key == "log-format-stream" { &globals.streams.log_format } else { &globals.access_log.format };
            let parts = written.as_ref().unwrap().parts().iter();
            let text: String = parts
                .map(|part| match part {
                    TextPart::Text(text) => text.clone(),
                    TextPart::Variable(name) => format!("${{{name}}}"),
                    other => panic!("{other:?}"),
                })
                .collect();
            assert_eq!((&*text, problems[0].kind), (read, ProblemKind::UnsupportedEntry), "{problems:?}");
            assert!(problems[0].message.starts_with(&format!("{key}: {said}")) && problems.len() == 1, "{problems:?}");
        }
    }

    #[test]
    fn nobody_is_believed_when_it_cannot_be_read_whom_to_believe() {
        for value in ["all", "192.0.2.0/33", "10.0.0.0/8 192.168.0.0/16"] {
            let (config, problems) = one("proxy-real-ip-cidr", value);
            assert_eq!((config.globals.forwarding.trusted_peers.len(), problems[0].kind), (0, ProblemKind::BadTrust), "{value}");
        }
        assert_eq!(one("proxy-real-ip-cidr", "192.0.2.0/24").0.globals.forwarding.trusted_peers.len(), 1);
    }

    #[test]
    fn curves_and_ciphers_are_those_that_openssl_knows() {
        for (key, value) in
            [("ssl-ecdh-curve", "auto"), ("ssl-ecdh-curve", "X25519:P-256:secp384r1"), ("ssl-ciphers", "HIGH:!aNULL"), ("ssl-ciphers", "")]
        {
            assert!(one(key, value).1.is_empty(), "{key}: {value}");
        }
    }

    #[test]
    fn keys_without_effect_are_said_unless_they_ask_for_nothing() {
        assert_eq!(one("lua-shared-dicts", "a: 1").1[0].kind, ProblemKind::Unsupported);
        assert_eq!(one("no-such-key", "1").1[0].kind, ProblemKind::Unknown);
        assert!(one("enable-modsecurity", "false").1.is_empty() && !one("enable-modsecurity", "false").0.lost.firewall);
    }

    #[test]
    fn protections_that_cannot_be_given_close_every_route() {
        let (config, problems) = one("enable-modsecurity", "true");
        assert!(config.lost.firewall && problems[0].kind == ProblemKind::UnsupportedProtection);
        let (config, problems) = one("whitelist-source-range", "any, all");
        assert!(config.lost.allowed && problems[0].kind == ProblemKind::BadProtection);
        assert!(!one("whitelist-source-range", "").0.closed);
    }

    #[test]
    fn every_key_is_listed_once() {
        let mut names: Vec<_> = known_keys().map(|(name, _)| name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!((names.len(), count), (195, 195), "ingress-nginx 1.15.1 has 195 keys");
    }
}
