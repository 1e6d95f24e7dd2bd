//! `enable-cors` and its kin: what pages of other origins may do.

use super::{Class, Feature, Given, Key, OnBadValue, Policies, Risk, Scope, Tier, Value};
use crate::model::{Cors, Origins};
use crate::names::{HeaderValue, Origin, shown};

const METHODS: &str = "GET, PUT, POST, DELETE, PATCH, OPTIONS";
const HEADERS: &str = "DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization";

pub(super) const FEATURE: Feature = Feature {
    name: "Cross-origin resource sharing",
    keys: &[
        Key::new(
            "enable-cors",
            Value::Bool,
            Scope::Route,
            "Sends the headers of CORS to allowed origins, in place of the endpoint's, and answers their `OPTIONS` requests with 204.",
        )
        .default("false"),
        Key::new(
            "cors-allow-origin",
            Value::Other("origins such as `https://a.example:8443` or `https://*.a.example`, separated by commas, or `*`"),
            Scope::Route,
            "Which origins are allowed; `*.` stands for one label. With a value that cannot be used none is, other than in ingress-nginx.",
        )
        .ranked(Tier::A, Risk::Medium)
        .default("*")
        .on_bad_value(OnBadValue::DropFeature),
        Key::new("cors-allow-methods", Value::Other("methods, separated by commas"), Scope::Route, "`Access-Control-Allow-Methods`.")
            .ranked(Tier::A, Risk::Medium)
            .default(METHODS),
        Key::new("cors-allow-headers", Value::Text(Class::Headers), Scope::Route, "`Access-Control-Allow-Headers`.")
            .ranked(Tier::A, Risk::Medium)
            .default(HEADERS),
        Key::new("cors-expose-headers", Value::Text(Class::Headers), Scope::Route, "`Access-Control-Expose-Headers`; may be `*`.")
            .ranked(Tier::A, Risk::Medium),
        Key::new("cors-allow-credentials", Value::Bool, Scope::Route, "Sends `Access-Control-Allow-Credentials: true`.").default("true"),
        Key::new(
            "cors-max-age",
            Value::Integer,
            Scope::Route,
            "`Access-Control-Max-Age`, in seconds; with -1 no answer to `OPTIONS` is kept.",
        )
        .default("1728000"),
    ],
    apply,
};

fn apply(given: &mut Given<'_>, policies: &mut Policies) {
    if given.bool("enable-cors") != Some(true) {
        return;
    }
    let methods = methods(given);
    let headers = header(given, "cors-allow-headers", |c| Class::Headers.holds(c));
    let exposed = header(given, "cors-expose-headers", |c| c == '*' || Class::Headers.holds(c));
    let credentials = given.bool("cors-allow-credentials").unwrap_or(true);
    let max_age_s = given.integer("cors-max-age").unwrap_or(1_728_000);
    let Some(origins) = origins(given) else { return };
    let value = |given: Option<HeaderValue>, usual: &str| given.unwrap_or_else(|| HeaderValue::new(usual).expect("a plain text"));
    let (methods, headers) = (value(methods, METHODS), value(headers, HEADERS));
    policies.route().cors = Some(Cors { origins, methods, headers, exposed, credentials, max_age_s });
}

/// Words of letters; between two of them a comma, a blank, or both.
fn methods(given: &mut Given<'_>) -> Option<HeaderValue> {
    const NAME: &str = "cors-allow-methods";
    let methods = header(given, NAME, |c| c.is_ascii_alphabetic() || matches!(c, ',' | ' '))?;
    let text = methods.as_str();
    let lacks_word = text.split([',', ' ']).next().is_none_or(str::is_empty) || [",,", "  ", " ,"].iter().any(|twice| text.contains(twice));
    if lacks_word {
        given.refuse(NAME, format_args!("{} has a place without a method", shown(text)), "use methods such as GET, POST");
    }
    (!lacks_word).then_some(methods)
}

fn header(given: &mut Given<'_>, name: &'static str, holds: impl Fn(char) -> bool) -> Option<HeaderValue> {
    let text = given.text(name)?;
    if let Some(c) = text.chars().find(|c| !holds(*c)) {
        let message = format!("{} has the character {}", shown(text), shown(c.encode_utf8(&mut [0; 4])));
        given.refuse(name, message, "use names, separated by commas");
        return None;
    }
    given.parsed(name, HeaderValue::new)
}

/// `None`: none is allowed.
fn origins(given: &mut Given<'_>) -> Option<Origins> {
    const NAME: &str = "cors-allow-origin";
    let Some(text) = given.text(NAME) else { return Some(Origins::Any) };
    let bare: String = text.chars().filter(|c| *c != ' ').collect();
    let items: Vec<_> = bare.split(',').filter(|item| !item.is_empty()).collect();
    if items.contains(&"*") || items.is_empty() {
        return Some(Origins::Any);
    }
    let (mut origins, mut bare_hosts) = (Vec::new(), Vec::new());
    for item in items {
        match Origin::parse(item) {
            Ok(origin) => origins.push(origin),
            // As in ingress-nginx, a host without scheme is no origin and no mistake either.
            Err(_) if !item.contains("://") && item.bytes().all(|b| b.is_ascii_alphanumeric() || b".-*:".contains(&b)) => {
                bare_hosts.push(item);
            }
            Err(bad) => {
                given.refuse(NAME, bad, "");
                return None;
            }
        }
    }
    if let Some((first, others)) = bare_hosts.split_first() {
        let others = if others.is_empty() { String::new() } else { format!(", as {} more,", others.len()) };
        given.note(NAME, format_args!("{}{others} has no scheme, and allows nothing", shown(first)), "write https:// before it");
    }
    origins.sort_unstable();
    origins.dedup();
    (!origins.is_empty()).then_some(Origins::These(origins))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{problems, read};
    use super::*;

    fn cors(pairs: &[(&str, &str)]) -> Option<Cors> {
        read(&[&[("enable-cors", "true")], pairs].concat()).route.cors.clone()
    }

    fn allowed(value: &str) -> Option<Vec<String>> {
        match cors(&[("cors-allow-origin", value)])?.origins {
            Origins::Any => Some(vec!["*".to_owned()]),
            Origins::These(origins) => Some(origins.iter().map(ToString::to_string).collect()),
        }
    }

    #[test]
    fn defaults_are_those_of_ingress_nginx() {
        let cors = cors(&[]).unwrap();
        assert_eq!((cors.methods.as_str(), cors.headers.as_str(), cors.exposed), (METHODS, HEADERS, None));
        assert_eq!((cors.credentials, cors.max_age_s, cors.origins), (true, 1_728_000, Origins::Any));
        assert!(read(&[("cors-max-age", "5")]).route.cors.is_none());
    }

    #[test]
    fn origins_are_lists_with_blanks_and_stars() {
        assert_eq!(allowed("https://b.com, http://a.com:8080,,"), Some(vec!["http://a.com:8080".to_owned(), "https://b.com".to_owned()]));
        assert_eq!(allowed("https://b.com,*"), Some(vec!["*".to_owned()]));
        assert_eq!(allowed("b.com"), None);
        assert_eq!(allowed(""), Some(vec!["*".to_owned()]));
    }

    #[test]
    fn hosts_without_scheme_are_told_together() {
        let told = |value| problems(&[("enable-cors", "true"), ("cors-allow-origin", value)]);
        assert_eq!(told("a.com"), [r#"cors-allow-origin: "a.com" has no scheme, and allows nothing (served)"#]);
        assert_eq!(
            told("a.com, https://b.com, c.com, d.com"),
            [r#"cors-allow-origin: "a.com", as 2 more, has no scheme, and allows nothing (served)"#]
        );
    }

    #[test]
    fn an_origin_that_is_none_allows_nobody() {
        for value in ["chrome-extension://x", "https://a.com/path", "https://a.com%0d", "http://a.com:8080:1", "\"", "$http_origin"] {
            assert_eq!(allowed(value), None, "{value}");
            assert_eq!(problems(&[("enable-cors", "true"), ("cors-allow-origin", value)]).len(), 1, "{value}");
        }
    }

    #[test]
    fn other_bad_values_leave_the_default() {
        for pair in [
            ("cors-allow-methods", "*"),
            ("cors-allow-methods", "GET  POST"),
            ("cors-allow-methods", ",GET"),
            ("cors-allow-methods", "GET ,POST"),
            ("cors-allow-headers", "*"),
            ("cors-max-age", "600s"),
            ("cors-max-age", "99999999999999999999"),
            ("cors-allow-credentials", "yes"),
        ] {
            assert_eq!(cors(&[pair]), cors(&[]), "{pair:?}");
            assert_eq!(problems(&[("enable-cors", "true"), pair]).len(), 1, "{pair:?}");
        }
        assert_eq!(cors(&[("cors-expose-headers", "X-A, X-B")]).unwrap().exposed.unwrap().as_str(), "X-A, X-B");
    }

    #[test]
    fn methods_and_the_age_are_sent_as_they_are_written() {
        for text in ["POST, GET", "POST GET", "post,GET,", "OPTIONS"] {
            assert_eq!(cors(&[("cors-allow-methods", text)]).unwrap().methods.as_str(), text);
        }
        for age in [-1, 0, 600] {
            assert_eq!(cors(&[("cors-max-age", &age.to_string())]).unwrap().max_age_s, age, "a browser keeps nothing with -1");
        }
    }
}
