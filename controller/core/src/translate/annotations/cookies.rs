//! `proxy-cookie-domain` and `proxy-cookie-path`: what is changed in the cookies of answers.

use super::{Class, Feature, Given, Key, Policies, Risk, Scope, Tier, Value};
use crate::model::CookieRewrite;
use crate::names::shown;
use crate::settings::values::{Mistake, cookie_rewrite};

pub(super) const FEATURE: Feature = Feature {
    name: "Cookies of answers",
    keys: &[
        Key::new(
            "proxy-cookie-domain",
            Value::Other("two domains, separated by a blank, or `off`"),
            Scope::Route,
            "Replaces the first domain by the second one in cookies of answers.",
        )
        .ranked(Tier::B, Risk::Medium)
        .configured("proxy-cookie-domain", "off"),
        Key::new(
            "proxy-cookie-path",
            Value::Other("two paths, separated by a blank, or `off`"),
            Scope::Route,
            "Replaces the first path by the second one at the beginning of the paths of cookies of answers.",
        )
        .ranked(Tier::B, Risk::Medium)
        .configured("proxy-cookie-path", "off"),
    ],
    apply,
};

fn apply(given: &mut Given<'_>, policies: &mut Policies) {
    if let Some(domain) = rewrite(given, "proxy-cookie-domain", Class::Basic) {
        policies.route().cookie_domain = domain;
    }
    if let Some(path) = rewrite(given, "proxy-cookie-path", Class::Url) {
        policies.route().cookie_path = path;
    }
}

fn rewrite(given: &mut Given<'_>, name: &'static str, class: Class) -> Option<Option<CookieRewrite>> {
    let text = given.text(name)?;
    match cookie_rewrite(text) {
        Ok(rewrite) if text.chars().all(|c| c == ' ' || class.holds(c)) => Some(rewrite),
        Ok(_) => {
            given.refuse(name, format_args!("{} is not a pair of plain texts", shown(text)), "use letters, digits and -._~/:, or off");
            None
        }
        Err(Mistake { message, help }) => {
            given.refuse(name, message, help);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{problems, read, read_configured, snapshot};
    use crate::settings::Settings;

    #[test]
    fn pairs_reach_the_route() {
        let route = read(&[("proxy-cookie-domain", "localhost example.org"), ("proxy-cookie-path", "/one/ /")]).route;
        let texts = |rewrite: &Option<crate::model::CookieRewrite>| rewrite.as_ref().map(|r| format!("{} {}", r.from, r.to));
        assert_eq!(texts(&route.cookie_domain).as_deref(), Some("localhost example.org"));
        assert_eq!(texts(&route.cookie_path).as_deref(), Some("/one/ /"));
        assert!(read(&[("proxy-cookie-path", "off")]).route.cookie_path.is_none());
    }

    #[test]
    fn the_config_map_decides_unless_the_ingress_does() {
        let path = |pairs: &[(&str, &str)]| {
            let config = [("proxy-cookie-path", "/a /b"), ("proxy-cookie-domain", "a b")];
            let route = read_configured(&Settings::default(), &config, &snapshot(&[]), pairs).0.unwrap().route;
            (route.cookie_path.as_ref().map(|r| r.from.to_string()), route.cookie_domain.is_some())
        };
        let a = Some("/a".to_owned());
        assert_eq!(path(&[]), (a.clone(), true));
        assert_eq!(path(&[("proxy-cookie-domain", "off")]), (a.clone(), false));
        assert_eq!(path(&[("proxy-cookie-path", "/c /d")]), (Some("/c".to_owned()), true));
        assert_eq!(path(&[("proxy-cookie-path", "nonsense")]), (a, true));
    }

    #[test]
    fn what_nginx_would_take_for_something_else_is_refused() {
        for value in ["a", "a b c", "~( b", "a b;c", "off b", "/a /b;\nx", "$host b"] {
            assert_eq!(problems(&[("proxy-cookie-path", value)]).len(), 1, "{value:?}");
        }
    }
}
