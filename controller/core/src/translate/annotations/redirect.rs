//! `permanent-redirect` and `temporal-redirect`: answer with a redirect in place of the backend.

use super::{Class, Feature, Given, Key, OnBadValue, Policies, Risk, Scope, Tier, Value};
use crate::model::{Redirect, RedirectStatus, RedirectTarget};
use crate::names::{BadText, UrlText, shown};

pub(super) const FEATURE: Feature = Feature {
    name: "Redirects",
    keys: &[
        Key::new(
            "permanent-redirect",
            Value::Text(Class::Url),
            Scope::Route,
            "Answers every request with a redirect to this URL, or path, and forwards none.",
        )
        .refused_when_bad()
        .ranked(Tier::A, Risk::Medium)
        .on_bad_value(OnBadValue::SkipIngress),
        Key::new(
            "permanent-redirect-code",
            Value::Integer,
            Scope::Route,
            "Status of that redirect, 300 to 308; for any other number the default holds. 300 and 304 to 306 have the URL as their text.",
        )
        .refused_when_bad()
        .ranked(Tier::B, Risk::Low)
        .default("301")
        .on_bad_value(OnBadValue::SkipIngress),
        Key::new(
            "temporal-redirect",
            Value::Text(Class::Url),
            Scope::Route,
            "Answers every request with a redirect to this http or https URL; it comes before `permanent-redirect`.",
        )
        .refused_when_bad()
        .ranked(Tier::A, Risk::Medium)
        .on_bad_value(OnBadValue::SkipIngress),
        Key::new(
            "temporal-redirect-code",
            Value::Integer,
            Scope::Route,
            "Status of that redirect, 300 to 307; for any other number the default holds.",
        )
        .refused_when_bad()
        .ranked(Tier::C, Risk::Low)
        .default("302")
        .on_bad_value(OnBadValue::SkipIngress),
        Key::new(
            "relative-redirects",
            Value::Bool,
            Scope::Route,
            "Leaves the target of such a redirect as it is, in place of putting scheme and host before a path; so it does with \
             what `proxy-redirect-to` makes a path of.",
        )
        .refused_when_bad()
        .ranked(Tier::C, Risk::Low)
        .configured("relative-redirects", "false")
        .on_bad_value(OnBadValue::SkipIngress),
    ],
    apply,
};

fn apply(given: &mut Given<'_>, policies: &mut Policies) {
    let permanent = given.whole("permanent-redirect").and_then(|text| given.read("permanent-redirect", text, place));
    let permanent_status = status(given, "permanent-redirect-code", 301, 308);
    let temporal = given.parsed("temporal-redirect", UrlText::new);
    let temporal_status = status(given, "temporal-redirect-code", 302, 307);
    let keep_relative = given.bool("relative-redirects").unwrap_or(false);
    if let Some(url) = temporal.as_ref().filter(|url| !is_of_web(url.as_str())) {
        let message = format!("{} is no http URL", shown(url.as_str()));
        given.refuse_as(OnBadValue::DropFeature, "temporal-redirect", message, "use a URL such as https://a.example/");
    }
    let redirect = |url, status| Redirect { status: RedirectStatus::Is(status), target: RedirectTarget::Url(url), keep_relative };
    let route = policies.route();
    route.redirect = temporal.map(|url| redirect(url, temporal_status)).or_else(|| permanent.map(|url| redirect(url, permanent_status)));
    route.relative_redirects = (keep_relative && route.redirect.is_none()).then_some(true);
}

/// Where browsers may be led: with http or https, or within the host. A text that begins with another scheme would be run by
/// them, and one that begins with two slashes has another host where the redirect stays relative.
fn place(text: &str) -> Result<UrlText, BadText> {
    let url = UrlText::new(text)?;
    let begin = text.split(['/', '?']).next().unwrap_or_default();
    if text.starts_with("//") || (begin.contains(':') && !is_of_web(text)) {
        return Err(BadText(format!("{} is neither an http or https URL nor a path of the host", shown(text))));
    }
    Ok(url)
}

fn is_of_web(url: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| url.get(..scheme.len()).is_some_and(|own| own.eq_ignore_ascii_case(scheme)))
}

/// A status from 300 to `last`; `usual` for any other number.
fn status(given: &mut Given<'_>, name: &'static str, usual: u16, last: u16) -> u16 {
    let Some(number) = given.integer(name) else { return usual };
    let status = u16::try_from(number).ok().filter(|status| (300..=last).contains(status));
    status.unwrap_or_else(|| {
        let message = format_args!("{number} is not between 300 and {last}");
        given.refuse_as(OnBadValue::KeepDefault, name, message, format!("use a number between them, such as {usual}"));
        usual
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{problems, read, read_with};
    use super::*;
    use crate::settings::Settings;

    fn redirect(pairs: &[(&str, &str)]) -> Option<(u16, String)> {
        let redirect = read(pairs).route.redirect.clone()?;
        match (redirect.status, redirect.target) {
            (RedirectStatus::Is(status), RedirectTarget::Url(url)) => Some((status, url.to_string())),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_temporal_one_comes_first() {
        let permanent = ("permanent-redirect", "http://p.example");
        let temporal = ("temporal-redirect", "https://t.example/x?y=1");
        assert_eq!(redirect(&[permanent]), Some((301, "http://p.example".to_owned())));
        assert_eq!(redirect(&[permanent, temporal]), Some((302, "https://t.example/x?y=1".to_owned())));
        for same in ["/new?a=http://b.example/", "new", "HTTPS://a.example:8443/", "?a:b"] {
            assert_eq!(redirect(&[("permanent-redirect", same)]), Some((301, same.to_owned())));
        }
        assert_eq!(redirect(&[("permanent-redirect", "")]), None);
        let relative = ("relative-redirects", "true");
        assert!(read(&[permanent, relative]).route.redirect.as_ref().is_some_and(|r| r.keep_relative));
        assert_eq!([read(&[permanent, relative]), read(&[relative])].map(|read| read.route.relative_redirects), [None, Some(true)]);
    }

    #[test]
    fn statuses_outside_of_their_range_become_the_usual_one() {
        for (code, status) in [("308", 308), ("300", 300), ("200", 301), ("309", 301), ("-1", 301), ("99999999", 301)] {
            assert_eq!(redirect(&[("permanent-redirect", "/x"), ("permanent-redirect-code", code)]).map(|r| r.0), Some(status), "{code}");
        }
        for (code, status) in [("307", 307), ("308", 302)] {
            assert_eq!(redirect(&[("temporal-redirect", "http://x"), ("temporal-redirect-code", code)]).map(|r| r.0), Some(status));
        }
    }

    #[test]
    fn a_temporal_redirect_to_no_http_url_is_dropped() {
        for text in ["/relative", "httpx:a", "//a.example/"] {
            let given = [("temporal-redirect", text), ("permanent-redirect", "http://p.example")];
            assert_eq!((redirect(&given), problems(&given).len()), (None, 1), "{text}");
        }
    }

    #[test]
    fn what_would_be_another_text_leaves_the_ingress_out() {
        for (name, value) in [
            ("permanent-redirect", "https://a.example$request_uri"),
            ("permanent-redirect", "http://a.example/;x"),
            ("permanent-redirect", " http://a.example/"),
            ("permanent-redirect", "javascript:x"),
            ("permanent-redirect", "//evil.example/"),
            ("permanent-redirect", "ftp://a.example/"),
            ("permanent-redirect-code", "moved"),
            ("temporal-redirect", "http://a b"),
            ("relative-redirects", "yes"),
        ] {
            let (policies, said) = read_with(&Settings::default(), &[(name, value)]);
            assert!(policies.is_none() && said.len() == 1 && said[0].ends_with("(object left out)"), "{name}: {said:?}");
        }
    }
}
