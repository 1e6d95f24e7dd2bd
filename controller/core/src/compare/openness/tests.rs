//! Names, their values, and what that means.

use super::*;
use crate::settings::known_keys;
use crate::translate::annotations::{OnBadValue, names};
use Effect::{Closes, Opens, Unclear};
use Place::{Annotation, Setting};

type Row = (&'static str, &'static str, &'static str, Option<Effect>);

/// What the others need is there.
const OWN: [(&str, &str); 5] =
    [("auth-type", "basic"), ("auth-url", "http://a"), ("auth-tls-secret", "a/b"), ("limit-rps", "5"), ("enable-cors", "true")];

fn check(place: Place, table: &[Row]) {
    let (own, settings) = (Texts::from(OWN), Texts::from([("global-auth-url", "http://a")]));
    let beside = Beside { own: [&own, &own], settings: [&settings, &settings], by_address: true };
    for &(name, from, to, expected) in table {
        // What the settings say in place of an annotation is another table's.
        let beside = if name == "auth-url" { alone() } else { beside };
        assert_eq!(effect(place, (name, from, to), &beside), expected, "{name}: {from:?} → {to:?}");
    }
}

fn alone() -> Beside<'static> {
    static NONE: Texts<'static> = Texts::new();
    Beside { own: [&NONE, &NONE], settings: [&NONE, &NONE], by_address: false }
}

#[test]
fn it_is_told_who_gets_in_and_who_no_longer_does() {
    check(
        Annotation,
        &[
            ("auth-url", "", "http://a/", Some(Closes)),
            ("auth-url", "http://a/", "", Some(Opens)),
            ("auth-url", "http://a/", "http://b/", Some(Unclear)),
            ("allowlist-source-range", "10.0.0.0/8", "10.0.0.0/8, 192.168.0.0/16", Some(Opens)),
            ("whitelist-source-range", "10.0.0.0/8", "10.1.0.0/16,10.2.0.1", Some(Closes)),
            ("allowlist-source-range", "10.0.0.0/8", "192.168.0.0/16", Some(Unclear)),
            ("allowlist-source-range", "10.0.0.0/8,10.1.0.0/16", "10.0.0.0/8", None),
            ("allowlist-source-range", "", "10.0.0.0/8", Some(Closes)),
            ("denylist-source-range", "", "10.0.0.0/8", Some(Closes)),
            ("denylist-source-range", "10.1.0.0/16", "10.0.0.0/8", Some(Closes)),
            ("denylist-source-range", "10.1.0.0/16", "", Some(Opens)),
            ("ssl-passthrough", "", "true", Some(Opens)),
            ("ssl-passthrough", "true", "false", Some(Closes)),
            // The routes themselves tell whether they are redirected.
            ("ssl-redirect", "true", "false", None),
            ("enable-modsecurity", "true", "", Some(Opens)),
            ("enable-modsecurity", "", "false", None),
            ("proxy-read-timeout", "1", "2", None),
            ("permanent-redirect", "https://a.test", "https://b.test", Some(Unclear)),
            ("permanent-redirect", "https://a.test", "", Some(Opens)),
            ("temporal-redirect", "", "https://b.test", Some(Unclear)),
            ("server-alias", "", "b.test", None),
            ("server-alias", "", "~b.*", Some(Unclear)),
            ("proxy-body-size", "", "8m", Some(Opens)),
            ("proxy-body-size", "8m", "0", Some(Opens)),
            ("proxy-body-size", "8m", "", Some(Closes)),
            ("proxy-body-size", "", "1024k", None),
            ("auth-realm", "", "shop", None),
            ("auth-realm", "shop", "other", None),
            ("configuration-snippet", "deny all;", "", Some(Opens)),
            ("configuration-snippet", "", "deny all;", Some(Closes)),
            ("configuration-snippet", "", "add_header A b;", None),
            ("configuration-snippet", "", "satisfy any;", Some(Unclear)),
            ("server-snippet", "deny all;", "deny 10.0.0.1;", Some(Unclear)),
            ("proxy-ssl-verify", "", "off", None),
            ("proxy-ssl-verify", "on", "off", Some(Opens)),
            ("proxy-ssl-verify", "", "on", Some(Closes)),
        ],
    );
}

#[test]
fn what_belongs_to_a_protection_is_not_taken_for_one() {
    check(
        Annotation,
        &[
            ("auth-secret", "", "cred", Some(Opens)),
            ("auth-secret", "cred", "", Some(Closes)),
            ("auth-secret", "cred", "other", Some(Unclear)),
            ("satisfy", "", "any", Some(Opens)),
            ("satisfy", "any", "", Some(Closes)),
            ("satisfy", "any", "all", Some(Closes)),
            ("satisfy", "", "all", None),
            ("auth-tls-secret", "", "a/b", Some(Closes)),
            ("auth-tls-verify-client", "", "off", Some(Opens)),
            ("auth-tls-verify-client", "", "optional", Some(Opens)),
            ("auth-tls-verify-client", "", "optional_no_ca", Some(Opens)),
            ("auth-tls-verify-client", "", "on", None),
            ("auth-tls-verify-client", "off", "", Some(Closes)),
            ("auth-tls-verify-client", "optional", "optional_no_ca", Some(Opens)),
            ("auth-tls-verify-client", "optional_no_ca", "on", Some(Closes)),
            ("auth-tls-verify-client", "on", "of", Some(Unclear)),
            ("auth-tls-verify-depth", "", "3", Some(Unclear)),
            ("auth-tls-error-page", "", "/no", None),
            ("auth-tls-match-cn", "", "CN=a", Some(Closes)),
            ("auth-cache-key", "", "$remote_user", Some(Unclear)),
            ("auth-cache-duration", "200 5m", "", Some(Unclear)),
            ("auth-method", "", "POST", Some(Unclear)),
            ("auth-signin", "", "https://a.test", None),
            ("auth-signin", "https://a.test", "", None),
            ("auth-keepalive", "", "5", None),
            ("enable-global-auth", "", "false", Some(Opens)),
            ("enable-global-auth", "false", "", Some(Closes)),
            ("enable-global-auth", "false", "true", Some(Closes)),
            ("enable-global-auth", "", "true", None),
        ],
    );
}

#[test]
fn limits_and_other_origins_count() {
    check(
        Annotation,
        &[
            ("limit-rps", "10", "20", Some(Opens)),
            ("limit-rps", "20", "10", Some(Closes)),
            ("limit-rps", "20", "", Some(Opens)),
            ("limit-rps", "0", "", None),
            ("limit-rate", "20", "10", None),
            ("limit-allowlist", "", "10.0.0.0/8", Some(Opens)),
            ("limit-allowlist", "10.0.0.0/8", "", Some(Closes)),
            ("limit-whitelist", "10.0.0.0/8", "10.1.0.0/16", Some(Closes)),
            ("limit-burst-multiplier", "", "50", Some(Opens)),
            ("limit-burst-multiplier", "50", "", Some(Closes)),
            ("limit-burst-multiplier", "", "5", None),
            ("enable-cors", "", "true", Some(Opens)),
            ("enable-cors", "true", "false", Some(Closes)),
            ("cors-allow-origin", "https://a.test", "*", Some(Opens)),
            ("cors-allow-origin", "https://a.test", "", Some(Opens)),
            ("cors-allow-origin", "*", "https://a.test", Some(Closes)),
            ("cors-allow-origin", "https://a.test", "https://b.test", Some(Unclear)),
            ("cors-allow-origin", "https://a.test", "https://a.test,https://b.test", Some(Opens)),
            ("cors-allow-credentials", "false", "true", Some(Opens)),
            ("cors-allow-credentials", "", "false", Some(Closes)),
            ("cors-allow-credentials", "", "true", None),
        ],
    );
}

#[test]
fn settings_open_and_close() {
    check(
        Setting,
        &[
            ("global-auth-url", "http://a/", "", Some(Opens)),
            ("global-auth-cache-key", "", "$remote_user", Some(Unclear)),
            ("no-auth-locations", "", "/", Some(Opens)),
            ("no-auth-locations", "/a,/b", "/a", Some(Closes)),
            ("no-auth-locations", "/a", "/b", Some(Unclear)),
            ("no-auth-locations", "", "/.well-known/acme-challenge", None),
            ("use-forwarded-headers", "", "true", Some(Opens)),
            ("use-forwarded-headers", "true", "false", Some(Unclear)),
            ("allow-snippet-annotations", "", "true", Some(Opens)),
            ("allow-snippet-annotations", "true", "", Some(Closes)),
            ("annotations-risk-level", "", "Critical", Some(Opens)),
            ("annotations-risk-level", "Critical", "Medium", Some(Closes)),
            ("annotations-risk-level", "", "High", None),
            ("allow-cross-namespace-resources", "false", "true", Some(Opens)),
            ("block-cidrs", "", "10.0.0.0/8", Some(Closes)),
            ("block-user-agents", "a,b", "a", Some(Opens)),
            ("nginx-status-ipv4-whitelist", "", "10.0.0.0/8,127.0.0.1", Some(Opens)),
            ("whitelist-source-range", "10.0.0.0/8", "", Some(Opens)),
            ("http-snippet", "deny all;", "", Some(Opens)),
            ("limit-rate", "", "5", None),
            ("strict-validate-path-type", "", "false", Some(Opens)),
            ("global-allowed-response-headers", "X-A", "x-a, X-B", Some(Opens)),
            ("global-allowed-response-headers", "X-A", "", Some(Closes)),
            ("ssl-protocols", "", "TLSv1.3", Some(Closes)),
            ("ssl-protocols", "", "TLSv1.1 TLSv1.2 TLSv1.3", Some(Opens)),
            ("ssl-protocols", "", "TLSv1.3 TLSv1.2", None),
            ("proxy-body-size", "", "0", Some(Opens)),
        ],
    );
    assert_eq!(effect(Setting, ("use-forwarded-headers", "", "true"), &alone()), Some(Unclear), "nobody is kept out by address");
}

#[test]
fn names_that_do_nothing_mean_nothing() {
    for (place, name) in [
        (Annotation, "auth-typ"),
        (Annotation, "limit-rsp"),
        (Annotation, "global-auth-url"),
        (Annotation, "block-cidrs"),
        (Setting, "whitelist-source-rnage"),
        (Setting, "auth-url"),
        (Setting, "limit-rps"),
    ] {
        check(place, &[(name, "", "10.0.0.0/8", None), (name, "true", "", None)]);
    }
    for name in ["auth-secret", "auth-tls-verify-client", "limit-burst-multiplier", "cors-allow-origin", "enable-global-auth"] {
        assert_eq!(effect(Annotation, (name, "", "off"), &alone()), None, "{name} needs what is not there");
    }
}

#[test]
fn where_one_protection_suffices_one_more_opens() {
    type Own = &'static [(&'static str, &'static str)];
    const PASSWORD: (&str, &str) = ("auth-type", "basic");
    const LIST: (&str, &str) = ("whitelist-source-range", "10.0.0.0/8");
    const ANY: (&str, &str) = ("satisfy", "any");
    let table: [(&str, Own, Own, Option<Effect>); 12] = [
        ("whitelist-source-range", &[PASSWORD, ANY], &[PASSWORD, ANY, LIST], Some(Opens)),
        ("whitelist-source-range", &[PASSWORD, ANY, LIST], &[PASSWORD, ANY], Some(Closes)),
        ("auth-type", &[LIST, ANY], &[PASSWORD, ANY, LIST], Some(Opens)),
        ("auth-url", &[LIST, ANY, ("auth-url", "http://a")], &[LIST, ANY], Some(Closes)),
        ("whitelist-source-range", &[ANY], &[ANY, LIST], Some(Closes)),
        ("whitelist-source-range", &[PASSWORD, LIST], &[PASSWORD], Some(Opens)),
        // A longer list lets more in, in any case.
        ("whitelist-source-range", &[PASSWORD, ANY, ("whitelist-source-range", "10.1.0.0/16")], &[PASSWORD, ANY, LIST], Some(Opens)),
        ("denylist-source-range", &[PASSWORD, ANY], &[PASSWORD, ANY, ("denylist-source-range", "10.0.0.0/8")], Some(Unclear)),
        // Both at once: who has an address of the list needs no password any more.
        ("whitelist-source-range", &[PASSWORD], &[PASSWORD, ANY, LIST], Some(Opens)),
        ("satisfy", &[PASSWORD], &[PASSWORD, ANY, LIST], Some(Opens)),
        // One alone has to be satisfied.
        ("satisfy", &[PASSWORD], &[PASSWORD, ANY], None),
        (
            "satisfy",
            &[PASSWORD, ("configuration-snippet", "deny all;")],
            &[PASSWORD, ANY, ("configuration-snippet", "deny all;")],
            Some(Opens),
        ),
    ];
    let none = Texts::new();
    for (name, old, new, expected) in table {
        let own = [old, new].map(|own| own.iter().copied().collect::<Texts<'_>>());
        let value = |side: usize| own[side].get(name).copied().unwrap_or_default();
        let beside = Beside { own: [&own[0], &own[1]], settings: [&none, &none], by_address: true };
        assert_eq!(effect(Annotation, (name, value(0), value(1)), &beside), expected, "{name}: {old:?} → {new:?}");
    }
    let (old, new) = (Texts::from([ANY]), Texts::from([ANY, LIST]));
    let settings = Texts::from([("global-auth-url", "http://a")]);
    let beside = Beside { own: [&old, &new], settings: [&settings, &settings], by_address: true };
    assert_eq!(effect(Annotation, (LIST.0, "", LIST.1), &beside), Some(Opens), "the service of the settings is a protection, too");
}

#[test]
fn a_secret_that_nobody_is_checked_with_keeps_nobody_out() {
    let off = Texts::from([("auth-tls-secret", "a/b"), ("auth-tls-verify-client", "off")]);
    let (on, none) = (Texts::from([("auth-tls-secret", "a/b")]), Texts::new());
    for (old, new, expected) in [(&off, &none, None), (&none, &off, None), (&on, &none, Some(Opens)), (&none, &on, Some(Closes))] {
        let value = |own: &Texts<'static>| own.get("auth-tls-secret").copied().unwrap_or_default();
        let beside = Beside { own: [old, new], ..alone() };
        assert_eq!(effect(Annotation, ("auth-tls-secret", value(old), value(new)), &beside), expected, "{old:?} → {new:?}");
    }
}

#[test]
fn what_holds_in_place_of_an_annotation_counts() {
    let (own, none) = (Texts::from([("allowlist-source-range", "10.0.0.0/8")]), Texts::new());
    let settings = Texts::from([("whitelist-source-range", "10.0.0.0/8")]);
    let renamed = Beside { own: [&none, &own], ..alone() };
    assert_eq!(effect(Annotation, ("whitelist-source-range", "10.0.0.0/8", ""), &renamed), None);
    let configured = Beside { settings: [&settings, &settings], ..alone() };
    assert_eq!(effect(Annotation, ("whitelist-source-range", "10.1.0.0/16", ""), &configured), Some(Opens));
    assert_eq!(effect(Annotation, ("whitelist-source-range", "", "0.0.0.0/0"), &configured), Some(Opens));
}

#[test]
fn every_name_in_the_tables_is_known_and_every_protection_is_in_them() {
    // They belong to protections, and change nothing of who gets in.
    const TOLD: [&str; 12] = [
        "auth-realm",
        "auth-signin",
        "auth-signin-redirect-param",
        "auth-tls-error-page",
        "auth-always-set-cookie",
        "auth-keepalive",
        "auth-keepalive-requests",
        "auth-keepalive-timeout",
        // What endpoints are told, and what they are shown.
        "custom-headers",
        "fastcgi-params-configmap",
        "proxy-ssl-secret",
        "proxy-ssl-protocols",
    ];
    let known: Vec<&str> = names().collect();
    assert!(ANNOTATIONS.iter().all(|entry| known.contains(&entry.name)), "{ANNOTATIONS:?}");
    let keys: Vec<&str> = known_keys().map(|(name, _)| name).chain([crate::settings::POLICY_KEY]).collect();
    let unknown: Vec<_> = SETTINGS.iter().filter(|entry| !keys.contains(&entry.name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    for feature in FEATURES.iter().filter(|feature| feature.keys.iter().any(|key| key.on_bad_value == OnBadValue::CloseRoute)) {
        for key in feature.keys.iter().filter(|key| key.on_bad_value == OnBadValue::CloseRoute) {
            assert!(concerns(key.name) || TOLD.contains(&key.name), "{} of {} is in no table", key.name, feature.name);
        }
    }
    for key in keys.iter().filter(|key| crate::settings::protects(key)) {
        assert!(SETTINGS.iter().any(|entry| entry.name == *key), "{key} is in no table");
    }
}
