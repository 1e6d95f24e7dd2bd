//! `affinity` and the `session-cookie-*` annotations: clients that stay with one endpoint.

use super::{Class, Feature, Given, Key, Policies, Risk, Scope, Tier, Value};
use crate::model::{Affinity, AffinityMode, SameSite, SessionCookie};
use crate::names::shown;

/// Name of the cookie unless another one is given.
const COOKIE: &str = "INGRESSCOOKIE";
/// Of names and domains of cookies, in bytes.
const LONGEST_NAME: usize = 255;
/// Of their paths.
const LONGEST_PATH: usize = 1024;

const fn key(name: &'static str, value: Value, scope: Scope, tier: Tier, risk: Risk, doc: &'static str) -> Key {
    Key::new(name, value, scope, doc).ranked(tier, risk)
}

pub(super) const FEATURE: Feature = Feature {
    name: "Session affinity",
    keys: &[
        key(
            "affinity",
            Value::Word(&["cookie"]),
            Scope::Backend,
            Tier::A,
            Risk::Low,
            "Keeps a client at the endpoint that it was given first, by a cookie that the paths of this Ingress set.",
        ),
        key(
            "affinity-mode",
            Value::Word(&["balanced", "persistent"]),
            Scope::Backend,
            Tier::A,
            Risk::Medium,
            "`balanced` moves a few clients when there are more endpoints, `persistent` none while their endpoint is there.",
        )
        .default("balanced"),
        key("session-cookie-name", Value::Text(Class::Basic), Scope::Backend, Tier::A, Risk::Medium, "Name of the cookie.").default(COOKIE),
        key("session-cookie-path", Value::Text(Class::Url), Scope::Route, Tier::A, Risk::Medium, "`Path` of the cookie.")
            .default("the path of the rule"),
        key("session-cookie-domain", Value::Text(Class::Basic), Scope::Route, Tier::B, Risk::Medium, "`Domain` of the cookie."),
        key(
            "session-cookie-expires",
            Value::Integer,
            Scope::Route,
            Tier::A,
            Risk::Medium,
            "When the cookie expires, in seconds from when it is set. nginx cannot compute a date and says it as `Max-Age`.",
        ),
        key("session-cookie-max-age", Value::Integer, Scope::Route, Tier::A, Risk::Medium, "`Max-Age` of the cookie, in seconds."),
        key(
            "session-cookie-secure",
            Value::Bool,
            Scope::Route,
            Tier::B,
            Risk::Low,
            "Marks the cookie as `Secure` on plain connections as well; on TLS connections it always is.",
        )
        .default("false"),
        key(
            "session-cookie-samesite",
            Value::Word(&["None", "Lax", "Strict"]),
            Scope::Route,
            Tier::A,
            Risk::Low,
            "`SameSite` of the cookie.",
        ),
        key(
            "session-cookie-conditional-samesite-none",
            Value::Bool,
            Scope::Route,
            Tier::B,
            Risk::Low,
            "Leaves `SameSite=None` out for browsers that take it for `Strict`.",
        )
        .default("false"),
        key(
            "session-cookie-change-on-failure",
            Value::Bool,
            Scope::Backend,
            Tier::B,
            Risk::Low,
            "Gives a client another endpoint and cookie when its own endpoint fails.",
        )
        .default("false"),
    ],
    apply,
};

fn apply(given: &mut Given<'_>, policies: &mut Policies) {
    let wanted = given.word("affinity", &[("cookie", ())]).is_some();
    let mode = given.word("affinity-mode", &[("balanced", AffinityMode::Balanced), ("persistent", AffinityMode::Persistent)]);
    let affinity = Affinity {
        cookie: given.short_of_class("session-cookie-name", Class::Basic, LONGEST_NAME).unwrap_or(COOKIE).to_owned(),
        mode: mode.unwrap_or_default(),
        moves_on_failure: given.bool("session-cookie-change-on-failure").unwrap_or(false),
    };
    let cookie = SessionCookie {
        expires_s: given.integer("session-cookie-expires"),
        max_age_s: given.integer("session-cookie-max-age"),
        domain: given.short_of_class("session-cookie-domain", Class::Basic, LONGEST_NAME).map(str::to_owned),
        path: given.short_of_class("session-cookie-path", Class::Url, LONGEST_PATH).map(str::to_owned),
        always_secure: given.bool("session-cookie-secure").unwrap_or(false),
        same_site: same_site(given),
        spares_old_clients: given.bool("session-cookie-conditional-samesite-none").unwrap_or(false),
    };
    if wanted {
        policies.backend().affinity = Some(affinity);
        policies.route().session_cookie = Some(cookie);
    }
}

fn same_site(given: &mut Given<'_>) -> Option<SameSite> {
    let text = given.words("session-cookie-samesite")?;
    let all = [SameSite::None, SameSite::Lax, SameSite::Strict];
    let found = all.into_iter().find(|word| word.as_str().eq_ignore_ascii_case(text));
    if found.is_none() {
        given.refuse("session-cookie-samesite", format_args!("{} is not known", shown(text)), "use None, Lax or Strict");
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::testing::{problems, read};
    use super::*;

    #[test]
    fn the_cookie_is_put_together() {
        let policies = read(&[
            ("affinity", "cookie"),
            ("affinity-mode", "persistent"),
            ("session-cookie-name", "route"),
            ("session-cookie-path", "/a"),
            ("session-cookie-max-age", "60"),
            ("session-cookie-samesite", "lax"),
            ("session-cookie-change-on-failure", "true"),
        ]);
        let affinity = policies.backend.affinity.clone().unwrap();
        assert_eq!(affinity, Affinity { cookie: "route".to_owned(), mode: AffinityMode::Persistent, moves_on_failure: true });
        let cookie = policies.route.session_cookie.clone().unwrap();
        assert_eq!((cookie.path.as_deref(), cookie.max_age_s, cookie.same_site), (Some("/a"), Some(60), Some(SameSite::Lax)));
        assert_eq!(read(&[("affinity", "cookie")]).backend.affinity.as_ref().unwrap().cookie, COOKIE);
    }

    #[test]
    fn without_affinity_there_is_no_cookie() {
        let policies = read(&[("session-cookie-name", "route"), ("affinity", "")]);
        assert!(policies.backend.affinity.is_none() && policies.route.session_cookie.is_none());
    }

    #[test]
    fn bad_values_leave_the_default() {
        for (name, value) in [
            ("affinity", "Cookie"),
            ("affinity-mode", "sticky"),
            ("session-cookie-name", "a;b"),
            ("session-cookie-path", "/a; HttpOnly"),
            ("session-cookie-expires", "0abc"),
            ("session-cookie-max-age", "1.5"),
            ("session-cookie-domain", "a b"),
            ("session-cookie-secure", "yes"),
            ("session-cookie-samesite", "Loose"),
            ("session-cookie-name", &"n".repeat(256)),
            ("session-cookie-path", &"/p".repeat(513)),
            ("session-cookie-domain", &"d".repeat(256)),
        ] {
            assert_eq!(problems(&[(name, value)]).len(), 1, "{name}");
        }
        assert_eq!(read(&[("affinity", "cookie"), ("session-cookie-name", "a b")]).backend.affinity.as_ref().unwrap().cookie, COOKIE);
    }
}
