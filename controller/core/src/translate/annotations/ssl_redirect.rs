//! `ssl-redirect` and its kin: send plain-HTTP visitors to HTTPS.

use super::{BadValue, Feature, Given, Key, OnBadValue, RoutePolicy, Value};

pub(super) const FEATURE: Feature = Feature {
    keys: &[
        Key {
            name: "ssl-redirect",
            value: Value::Bool,
            default: "true",
            doc: "Answers plain-HTTP requests with a redirect to the https URL where the host has a TLS section.",
        },
        Key {
            name: "force-ssl-redirect",
            value: Value::Bool,
            default: "false",
            doc: "Answers plain-HTTP requests with a redirect to the https URL whether or not the host has a TLS section.",
        },
        Key {
            name: "preserve-trailing-slash",
            value: Value::Bool,
            default: "false",
            doc: "Keeps a trailing slash of the URL in that redirect.",
        },
    ],
    on_bad_value: OnBadValue::KeepDefault,
    apply,
};

fn apply(given: &Given<'_>, route: &mut RoutePolicy) -> Result<(), BadValue> {
    // Each is read on its own, so that one bad value does not take the others with it.
    let ssl_redirect = given.bool("ssl-redirect");
    let force = given.bool("force-ssl-redirect");
    let preserve = given.bool("preserve-trailing-slash");
    route.ssl_redirect = ssl_redirect.as_ref().ok().copied().flatten().unwrap_or(route.ssl_redirect);
    route.force_ssl_redirect = force.as_ref().ok().copied().flatten().unwrap_or(route.force_ssl_redirect);
    route.preserve_trailing_slash = preserve.as_ref().ok().copied().flatten().unwrap_or(route.preserve_trailing_slash);
    ssl_redirect.and(force).and(preserve).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn apply_to(pairs: &[(&str, &str)]) -> (RoutePolicy, Result<(), String>) {
        let mut route = RoutePolicy { ssl_redirect: true, force_ssl_redirect: false, preserve_trailing_slash: false, closed: false };
        let all: BTreeMap<Box<str>, Box<str>> = pairs.iter().map(|(k, v)| (format!("p/{k}").into(), (*v).into())).collect();
        let result = apply(&Given::new("p", &all), &mut route).map_err(|bad| bad.message);
        (route, result)
    }

    #[test]
    fn values_reach_the_route() {
        assert!(apply_to(&[]).0.ssl_redirect);
        assert!(!apply_to(&[("ssl-redirect", "false")]).0.ssl_redirect);
        assert!(!apply_to(&[("ssl-redirect", "F")]).0.ssl_redirect);
        assert!(apply_to(&[("force-ssl-redirect", "1")]).0.force_ssl_redirect);
        assert!(apply_to(&[("preserve-trailing-slash", "true")]).0.preserve_trailing_slash);
    }

    #[test]
    fn a_bad_value_is_said_and_leaves_the_others() {
        let (route, result) = apply_to(&[("ssl-redirect", "yes"), ("force-ssl-redirect", "true")]);
        assert!(route.ssl_redirect && route.force_ssl_redirect);
        assert_eq!(result.unwrap_err(), r#"ssl-redirect: "yes" is not a bool"#);
    }
}
