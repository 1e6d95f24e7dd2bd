//! Annotations: one file per feature, and the one list of them, [`FEATURES`].
//!
//! # How to add a feature
//!
//! 1. **Its file here**, such as `app_root.rs`: a `FEATURE` with its keys (value, scope, rank, default, what a bad value
//!    does) and an `apply` that reads them through [`Given`] and writes what they mean into [`Policies`]. Readers answer
//!    `None` and note what is wrong, so `apply` has no error to return. Its tests stand below it: values → policies, and
//!    the message for each kind of bad value (`testing` helps). One line in [`FEATURES`], and its names go from
//!    `unsupported.rs`; a test keeps that each of the 138 names has one owner.
//! 2. **What it means**, in words of no proxy: a struct of its own in `model/policy/NAME.rs` and a field of one of the
//!    three sets of wishes there. [`RoutePolicy`] goes to every route of the Ingress. [`BackendPolicy`] goes to its
//!    backends, whose names it changes: one backend per Service port and policy. [`HostPolicy`] concerns whole hosts;
//!    how several Ingresses come together is one rule per field in `translate/host_policy.rs`.
//!    Texts are types that were checked on creation; `None` is "as the globals say".
//! 3. **Objects** that a value names are looked up through [`Given::objects`]. That is all: the Ingress is read again
//!    when one of them changes, and sources that give only what is wanted give it.
//! 4. **nginx**: a template of its own, `templates/nginx/route/NAME.tera`, included at its place in `route.tera` (or
//!    `server/NAME.tera` in `host.tera`; the order of sections is explained there), listed in `dialect/nginx.rs`; what it
//!    prints is decided in `dialect/nginx/view/route/NAME.rs`; directives that are new go into
//!    `dialect/nginx/vocabulary.rs`. Headers are never written by a template alone, for one in a location switches off
//!    all that are inherited: add a line to the lists of `dialect/nginx/view/route/headers.rs`.
//! 5. **HAProxy** in the same way. What one of the proxies cannot do is a line in its dialect's `lacks`.
//! 6. **A golden case** in `controller/tests/golden/`, one idea each, and `ANNOTATIONS.md` written anew.
//!
//! Protection fails closed: its keys say [`OnBadValue::CloseRoute`], and an object that it needs and does not get means
//! `policies.closed = true`, with [`Given::refuse`].

mod affinity;
mod amounts;
mod app_root;
mod balance;
mod basic_auth;
mod buffering;
mod canary;
mod client_auth;
mod cookies;
mod cors;
mod custom_errors;
mod custom_headers;
pub(super) mod directives;
mod external_auth;
mod fastcgi;
mod forwarding;
mod given;
mod host_tls;
#[cfg(test)]
mod hostile;
mod http2_push;
mod idle;
mod key;
mod lacks;
mod limits;
mod logging;
mod mirror;
mod objects;
mod opentelemetry;
mod policies;
mod port_in_redirects;
mod protection;
mod proxy_ssl;
mod proxy_timeouts;
mod redirect;
mod reference;
mod rewrite;
mod server_alias;
mod snippets;
mod source_ranges;
mod ssl_passthrough;
mod ssl_redirect;
#[cfg(test)]
pub(super) mod testing;
mod unknown;
mod unset;
mod unsupported;
mod upstream_vhost;
mod value;
mod verdict;
mod www_redirect;

pub(super) use given::ASK;
pub use given::{BadValue, Given};
pub use key::{Key, OnBadValue, Risk, Scope, Tier};
pub use objects::Objects;
pub use policies::Policies;
pub use protection::{snippet_concerns_protections, snippet_keeps_out};
pub use reference::{markdown, totals};
pub use unknown::help as help_on_unknown;
pub use value::{Class, Value};
pub use verdict::{ProxyFacts, Verdict, names, tier};

pub(super) use amounts::{exceeds, most};
pub(super) use basic_auth::named;
pub(super) use lacks::{difference, note_differences};
pub(super) use objects::LookedUp;
pub(super) use protection::{guards, keeps_out, protect_alike, protects, shut, wants_certificates};
pub(super) use snippets::{REMARKED, done_without, lacking, stricter, without_effect, without_unsaid};

#[expect(unused_imports, reason = "named in the documentation above")]
use crate::model::{BackendPolicy, HostPolicy, RoutePolicy};

use crate::diagnostic::{Code, Diagnostic, Outcome, tells_what_would_do};
use crate::names::{ObjectRef, shown};
use crate::settings::{Config, Pattern, RiskLevel, Settings};
use std::sync::Arc;

/// Stands among the directives that a proxy cannot follow: it can follow none as they are written.
const RAW: &str = "raw";

/// One feature: its annotations, and what they do.
#[derive(Debug)]
pub struct Feature {
    /// Title of its part of the reference.
    pub name: &'static str,
    /// Its annotations.
    pub keys: &'static [Key],
    /// Reads them; called only for an Ingress that has at least one of them.
    apply: fn(&mut Given<'_>, &mut Policies),
}

/// Every feature there is, by the name of its file.
#[rustfmt::skip]
pub const FEATURES: &[Feature] = &[
    affinity::FEATURE,
    app_root::FEATURE,
    balance::FEATURE,
    basic_auth::FEATURE,
    basic_auth::SATISFY,
    canary::FEATURE,
    client_auth::FEATURE,
    external_auth::FEATURE,
    buffering::FEATURE,
    cookies::FEATURE,
    cors::FEATURE,
    custom_errors::FEATURE,
    custom_headers::FEATURE,
    fastcgi::FEATURE,
    forwarding::FEATURE,
    proxy_ssl::FEATURE,
    host_tls::FEATURE,
    http2_push::FEATURE,
    port_in_redirects::FEATURE,
    limits::FEATURE,
    logging::FEATURE,
    mirror::FEATURE,
    opentelemetry::FEATURE,
    proxy_timeouts::FEATURE,
    redirect::FEATURE,
    rewrite::FEATURE,
    server_alias::FEATURE,
    source_ranges::FEATURE,
    ssl_passthrough::FEATURE,
    ssl_redirect::FEATURE,
    upstream_vhost::FEATURE,
    www_redirect::FEATURE,
    snippets::FEATURE,
];

/// What reading the annotations of an Ingress gives.
#[derive(Debug)]
pub(super) struct Read {
    /// What they say; `None`: the whole Ingress is left out. Ingresses that say nothing share what holds then.
    pub(super) policies: Option<Arc<Policies>>,
    /// They do not let it be served; policies are those that close its hosts then.
    pub(super) is_refused: bool,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Other objects that this depends on.
    pub(super) looked_up: Vec<LookedUp>,
}

/// Reads all annotations of an Ingress; `plain` is what holds without any, of the same settings.
pub(super) fn read<'a>(
    mut given: Given<'a>,
    (config, plain): (&'a Config, &Arc<Policies>),
    settings: &'a Settings,
    object: &ObjectRef,
) -> Read {
    given.unknown_variables = &settings.unknown_variables;
    given.unknown_directives = settings.unknown_directives;
    given.looser_switches = directives::looser_switches(&config.globals);
    given.limit_zones = Arc::clone(&config.limit_zones);
    given.policies = &config.policies;
    given.shares_objects = config.shares_objects;
    let named = settings.raw_snippet_namespaces.iter().any(|namespace| namespace == given.namespace());
    given.raw_snippets = named && !settings.unknown_directives.contains(&RAW);
    let mut policies = Arc::clone(plain);
    let mut diagnostics = Vec::new();
    let mut refused = false;
    if let Some(finding) = too_risky(&given, config, object) {
        return Read { policies: None, is_refused: true, diagnostics: vec![finding], looked_up: given.objects.into_looked_up() };
    }
    if !given.is_empty() {
        let policies = Arc::make_mut(&mut policies);
        for feature in FEATURES {
            if feature.keys.iter().any(|key| given.has(key.name)) {
                refused |= apply(feature, &mut given, policies, object, &mut diagnostics);
            }
        }
        lacks::tell(&given, settings, policies, object, &mut diagnostics);
        unsupported::read(&given, policies, object, &mut diagnostics);
        idle::tell(&given, object, &mut diagnostics);
        refused |= has_blocked_word(&given, config, object, &mut diagnostics);
    }
    let policies = if refused { snippets::in_place_of_refused(&given, plain).map(Arc::new) } else { Some(policies) };
    Read { policies, is_refused: refused, diagnostics, looked_up: given.objects.into_looked_up() }
}

/// Tells of what an Ingress is refused for that its hosts are closed instead.
pub(super) fn tell_closed(diagnostics: &mut [Diagnostic]) {
    for finding in diagnostics.iter_mut().filter(|finding| finding.outcome == Outcome::SkippedObject) {
        finding.close("; every route of its hosts answers 503, for server-snippet may keep somebody out");
    }
}

/// `annotations-risk-level`: an Ingress with an annotation that is riskier is left out.
fn too_risky(given: &Given<'_>, config: &Config, object: &ObjectRef) -> Option<Diagnostic> {
    let level = |risk: Risk| match risk {
        Risk::Low => RiskLevel::Low,
        Risk::Medium => RiskLevel::Medium,
        Risk::High => RiskLevel::High,
        Risk::Critical => RiskLevel::Critical,
    };
    if given.is_empty() {
        return None;
    }
    let keys = FEATURES.iter().flat_map(|feature| feature.keys).map(|key| (key.name, key.risk)).chain(unsupported::risky());
    let (name, risk) = keys.into_iter().find(|(name, risk)| level(*risk) > config.risk_level && given.says(name))?;
    let message = format!("{name} is of risk {risk:?}; annotations-risk-level allows {:?}", config.risk_level);
    let finding = Diagnostic::new(Code::RefusedAnnotation, object.clone(), given.field(name), message);
    Some(finding.help("use annotations that say the same, and remove it"))
}

/// Applies one feature; whether the Ingress is left out because of it.
fn apply(feature: &Feature, given: &mut Given<'_>, policies: &mut Policies, object: &ObjectRef, diagnostics: &mut Vec<Diagnostic>) -> bool {
    let before = policies.clone();
    feature.keys.iter().for_each(|key| given.refuse_too_long(key.name));
    (feature.apply)(given, policies);
    let mut worst = OnBadValue::KeepDefault;
    for bad in given.take_bad() {
        let key = feature.keys.iter().find(|key| key.name == bad.name);
        let usual = key.map_or(OnBadValue::KeepDefault, |key| key.on_bad_value);
        let answer = bad.answer.unwrap_or(usual);
        worst = worst.max(answer);
        let outcome = match answer {
            OnBadValue::KeepDefault | OnBadValue::DropFeature => Outcome::KeptDefault,
            OnBadValue::CloseRoute if client_auth::denies(bad.name, policies) => Outcome::DeniedHost,
            OnBadValue::CloseRoute => Outcome::ClosedRoute,
            OnBadValue::SkipIngress => Outcome::SkippedObject,
        };
        let finding = Diagnostic::new(bad.code, object.clone(), given.field(bad.name), bad.message);
        // Some messages of values say what would do themselves.
        let help = match key {
            Some(key) if bad.help.is_empty() && !tells_what_would_do(&finding.message) => {
                format!("use {}", key.value.to_string().replace('`', "'"))
            }
            _ => bad.help,
        };
        diagnostics.push(finding.help(help).outcome(outcome));
    }
    for noted in given.take_noted() {
        let finding = Diagnostic::new(noted.code, object.clone(), given.field(noted.name), noted.message);
        let finding = finding.help(noted.help);
        diagnostics.push(if noted.code == Code::AgainstPolicy { finding.only_reported() } else { finding });
    }
    match worst {
        OnBadValue::KeepDefault => {}
        OnBadValue::DropFeature => *policies = before,
        OnBadValue::CloseRoute => policies.closed = true,
        OnBadValue::SkipIngress => return true,
    }
    false
}

/// The annotation of that name, without prefix, if a feature reads it.
pub(super) fn key(name: &str) -> Option<&'static Key> {
    FEATURES.iter().flat_map(|feature| feature.keys).find(|key| key.name == name)
}

/// The other name of an annotation that has two.
pub(super) fn other_name(name: &str) -> Option<&'static str> {
    Some(match name {
        "allowlist-source-range" => "whitelist-source-range",
        "whitelist-source-range" => "allowlist-source-range",
        "limit-allowlist" => "limit-whitelist",
        "limit-whitelist" => "limit-allowlist",
        _ => return None,
    })
}

/// The group that an annotation belongs to: the title of its feature in lower case, with `-` for blanks.
pub(super) fn group_of(name: &str) -> Option<String> {
    let feature = FEATURES.iter().find(|feature| feature.keys.iter().any(|key| key.name == name))?;
    Some(feature.name.to_lowercase().replace(' ', "-"))
}

/// Whether one of these patterns has the annotation: by its name, by its other name, or by its group.
pub(super) fn is_among(patterns: &[Pattern], name: &str) -> bool {
    let group = group_of(name);
    let names = [Some(name), other_name(name), group.as_deref()];
    names.iter().flatten().any(|name| patterns.iter().any(|pattern| pattern.matches(name)))
}

/// `annotation-value-word-blocklist`: an Ingress with a listed word in one of our annotations is left out.
fn has_blocked_word(given: &Given<'_>, config: &Config, object: &ObjectRef, diagnostics: &mut Vec<Diagnostic>) -> bool {
    let hit = given.iter().find_map(|(name, value)| Some((name, config.word_blocklist.iter().find(|word| value.contains(word.as_str()))?)));
    let Some((name, word)) = hit else { return false };
    let message = format!("the value contains {}, a word of annotation-value-word-blocklist", shown(word));
    let finding = Diagnostic::new(Code::RefusedAnnotation, object.clone(), given.field(printable(name)), message);
    diagnostics.push(finding.help("write it without that word, or remove the annotation"));
    true
}

/// A name for field paths: one that is not printable shows as a placeholder.
fn printable(name: &str) -> &str {
    if name.len() <= 63 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) { name } else { "…" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_annotation_has_one_owner() {
        let mut names: Vec<_> = FEATURES.iter().flat_map(|feature| feature.keys).map(|key| key.name).chain(unsupported::names()).collect();
        let count = names.len();
        names.sort_unstable();
        assert!(names.iter().all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')));
        names.dedup();
        assert_eq!(names.len(), count, "an annotation is listed twice");
        assert_eq!(count, 138, "ingress-nginx 1.15.1 has 138 annotations");
    }

    #[test]
    fn every_default_of_the_config_map_is_a_key_of_it() {
        let known: Vec<_> = crate::settings::known_keys().map(|(name, _)| name).collect();
        for key in FEATURES.iter().flat_map(|feature| feature.keys).filter(|key| !key.config_key.is_empty()) {
            assert!(known.contains(&key.config_key), "{}", key.name);
        }
    }

    /// ingress-nginx looks at texts as they are written, and trims what it has taken.
    #[test]
    fn texts_stand_in_one_line() {
        let read = |name: &str, value: &str| {
            let (policies, said) = testing::read_with(&Settings::default(), &[(name, value)]);
            let is_open = policies.is_some_and(|policies| !policies.closed);
            (is_open, said.iter().filter(|text| !text.ends_with("(served)")).count())
        };
        for (name, value) in [
            ("app-root", "/a"),
            ("custom-http-errors", "404"),
            ("proxy-body-size", "8m"),
            ("proxy-buffer-size", "8k"),
            ("proxy-cookie-path", "/a /b"),
            ("proxy-redirect-from", "http://a.test/"),
            ("permanent-redirect", "https://a.test/"),
            ("rewrite-target", "/a"),
            ("server-alias", "a.test"),
            ("ssl-ciphers", "HIGH"),
            ("temporal-redirect", "https://a.test/"),
            ("upstream-hash-by", "$request_uri"),
            ("upstream-vhost", "a.test"),
        ] {
            assert_eq!(read(name, value), (true, 0), "{name}");
            // Of some the blanks, too.
            let is_whole = ["app-root", "permanent-redirect", "rewrite-target"].contains(&name);
            assert_eq!(read(name, &format!(" {value} ")).1, usize::from(is_whole), "{name}");
            for bad in [format!("{value}\n"), format!("\n{value}"), format!("{value}\r\n")] {
                assert_eq!(read(name, &bad).1, 1, "{name}: {bad:?}");
            }
        }
        for (name, value) in [("auth-url", "http://a.test/"), ("auth-tls-secret", "shop/a"), ("proxy-ssl-secret", "shop/a")] {
            assert!(!read(name, &format!("{value}\n")).0, "{name}");
        }
        for (name, value) in [
            ("allowlist-source-range", "10.0.0.0/8\n"),
            ("backend-protocol", " https\n"),
            ("denylist-source-range", "10.0.0.0/8,\n11.0.0.0/8\n"),
            ("proxy-buffering", "on\n"),
            ("proxy-next-upstream", "error timeout\n"),
        ] {
            assert_eq!(read(name, value), (true, 0), "{name}");
        }
    }

    #[test]
    fn hostile_values_of_every_key_do_no_harm() {
        const PROTECTIONS: [&str; 7] = ["auth-", "allowlist-", "whitelist-", "denylist-", "limit-", "proxy-ssl-", "satisfy"];
        let long = "x".repeat(1 << 20);
        let hostile = [
            "",
            " ",
            "\n",
            "\0",
            "a\r\nb",
            "\"",
            "'",
            "{",
            "}",
            ";",
            "$",
            "%",
            "$request_uri",
            "%[src]",
            "\u{202e}",
            "\u{e000}",
            "../..",
            "-1",
            "\\",
            &long,
        ];
        for key in FEATURES.iter().flat_map(|feature| feature.keys) {
            for value in hostile {
                let (policies, found) = testing::read_with(&Settings::default(), &[(key.name, value)]);
                assert!(found.len() <= 1 && found.iter().all(|text| text.len() < 1200), "{}: {value:.20?}: {found:?}", key.name);
                let is_refused = found.iter().any(|text| !text.ends_with("(served)"));
                let closes = matches!(key.on_bad_value, OnBadValue::CloseRoute | OnBadValue::SkipIngress);
                if is_refused && closes && PROTECTIONS.iter().any(|begins| key.name.starts_with(begins)) {
                    assert!(policies.is_none_or(|policies| policies.closed), "{}: {value:.20?} lets everybody in: {found:?}", key.name);
                }
            }
        }
    }
}
