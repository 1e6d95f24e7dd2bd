//! `proxy-cookie-domain` and `proxy-cookie-path`: what is changed in the cookies of answers.

use super::{Class, Feature, Given, Key, Policies, Risk, Scope, Tier, Value};
use crate::model::CookieRewrite;
use crate::names::{UrlText, shown};

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
    let domain = pair(given, "proxy-cookie-domain", Class::Basic);
    let path = pair(given, "proxy-cookie-path", Class::Url);
    let route = policies.route();
    (route.cookie_domain, route.cookie_path) = (domain, path);
}

fn pair(given: &mut Given<'_>, name: &'static str, class: Class) -> Option<CookieRewrite> {
    let text = given.text(name).filter(|text| *text != "off")?;
    let good = |word: &&str| word.chars().all(|c| class.holds(c)) && !word.starts_with('~') && *word != "off";
    let words: Vec<&str> = text.split_whitespace().collect();
    let both = match words.as_slice() {
        [from, to] if good(from) && good(to) && !text.contains(['\n', '\r']) => UrlText::new(from).ok().zip(UrlText::new(to).ok()),
        _ => None,
    };
    if both.is_none() {
        given.refuse(name, format_args!("{} is not a pair of plain texts", shown(text)), "use two texts such as /one/ /, or off");
    }
    both.map(|(from, to)| CookieRewrite { from, to })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{problems, read};

    #[test]
    fn pairs_reach_the_route() {
        let route = read(&[("proxy-cookie-domain", "localhost example.org"), ("proxy-cookie-path", "/one/ /")]).route;
        let texts = |rewrite: &Option<crate::model::CookieRewrite>| rewrite.as_ref().map(|r| format!("{} {}", r.from, r.to));
        assert_eq!(texts(&route.cookie_domain).as_deref(), Some("localhost example.org"));
        assert_eq!(texts(&route.cookie_path).as_deref(), Some("/one/ /"));
        assert!(read(&[("proxy-cookie-path", "off")]).route.cookie_path.is_none());
    }

    #[test]
    fn what_nginx_would_take_for_something_else_is_refused() {
        for value in ["a", "a b c", "~( b", "a b;c", "off b", "/a /b;\nx", "$host b"] {
            assert_eq!(problems(&[("proxy-cookie-path", value)]).len(), 1, "{value:?}");
        }
    }
}
