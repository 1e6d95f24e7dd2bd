//! `backend-protocol`, `proxy-next-upstream` and others: how requests are forwarded.

use super::{Class, Feature, Given, Key, OnBadValue, Policies, Risk, Scope, Tier, Value};
use crate::model::{ConnectionHeader, LocationRewrite, Protocol, Retries, RetryCauses};
use crate::names::shown;
use crate::settings::values::{self, Mistake};

const PROTOCOLS: &[&str] = &["HTTP", "HTTPS", "AUTO_HTTP", "GRPC", "GRPCS", "FCGI"];

pub(super) const FEATURE: Feature = Feature {
    name: "Forwarding",
    keys: &[
        Key::new(
            "backend-protocol",
            Value::Word(PROTOCOLS),
            Scope::Backend,
            "What the endpoints speak. `AUTO_HTTP` is HTTPS when the client's connection is; certificates are not verified.",
        )
        .default("HTTP"),
        Key::new("proxy-next-upstream", Value::Words(values::RETRY_CAUSES), Scope::Route, "When a request is tried on another endpoint.")
            .ranked(Tier::B, Risk::Medium)
            .configured("proxy-next-upstream", "error timeout"),
        Key::new(
            "proxy-next-upstream-tries",
            Value::Integer,
            Scope::Route,
            "On how many endpoints a request is tried in all; 0 for all of them.",
        )
        .ranked(Tier::B, Risk::Low)
        .configured("proxy-next-upstream-tries", "3"),
        Key::new(
            "proxy-next-upstream-timeout",
            Value::Integer,
            Scope::Route,
            "For how many seconds a request is tried in all; 0 for as long as it takes.",
        )
        .ranked(Tier::C, Risk::Low)
        .configured("proxy-next-upstream-timeout", "0"),
        Key::new("proxy-http-version", Value::Word(&["1.0", "1.1"]), Scope::Route, "The version of HTTP that endpoints are spoken to in.")
            .ranked(Tier::B, Risk::Low)
            .configured("proxy-http-version", "1.1"),
        Key::new(
            "connection-proxy-header",
            Value::Word(&["close", "keep-alive"]),
            Scope::Route,
            "The header `Connection` that endpoints are sent. With it no connection can be upgraded.",
        )
        .refused_when_bad()
        .ranked(Tier::C, Risk::Low)
        .on_bad_value(OnBadValue::SkipIngress),
        Key::new(
            "proxy-redirect-from",
            Value::Text(Class::Url),
            Scope::Route,
            "Beginning of the header `Location` of endpoints that is replaced by `proxy-redirect-to`; `off` and `default` replace nothing.",
        )
        .ranked(Tier::B, Risk::Medium)
        .configured("proxy-redirect-from", "off"),
        Key::new("proxy-redirect-to", Value::Text(Class::Url), Scope::Route, "What it is replaced by.")
            .ranked(Tier::B, Risk::Medium)
            .configured("proxy-redirect-to", "off"),
    ],
    apply,
};

fn apply(given: &mut Given<'_>, policies: &mut Policies) {
    if let Some(protocol) = protocol(given) {
        policies.backend().protocol = protocol;
    }
    let whole = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok());
    let retries = Retries {
        causes: causes(given),
        tries: whole(given.integer_in("proxy-next-upstream-tries", 0, 1 << 20)),
        timeout_s: whole(given.integer_in("proxy-next-upstream-timeout", 0, 1 << 30)),
    };
    let http_1_0 = given.word("proxy-http-version", &[("1.0", true), ("1.1", false)]);
    let connection =
        given.word("connection-proxy-header", &[("close", ConnectionHeader::Close), ("keep-alive", ConnectionHeader::KeepAlive)]);
    let rewrite = rewrite(given);
    let route = policies.route();
    if retries != Retries::default() {
        route.retries = Some(retries.before(route.retries.take().unwrap_or_default()));
    }
    route.http_1_0 = http_1_0.or(route.http_1_0);
    route.connection = connection;
    route.location_rewrite = rewrite.or(route.location_rewrite.take());
}

/// `Some(None)`: plain HTTP.
fn protocol(given: &mut Given<'_>) -> Option<Option<Protocol>> {
    let text = given.words("backend-protocol")?;
    Some(match text.to_ascii_uppercase().as_str() {
        "HTTP" => None,
        "HTTPS" => Some(Protocol::Https),
        "AUTO_HTTP" => Some(Protocol::AutoHttp),
        "GRPC" => Some(Protocol::Grpc),
        "GRPCS" => Some(Protocol::Grpcs),
        "FCGI" => Some(Protocol::FastCgi),
        _ => {
            given.refuse("backend-protocol", format_args!("{} is not known", shown(text)), format!("use one of {}", PROTOCOLS.join(", ")));
            return None;
        }
    })
}

fn causes(given: &mut Given<'_>) -> Option<RetryCauses> {
    let text = given.words("proxy-next-upstream")?;
    match values::retry_causes(text) {
        Ok(causes) => Some(causes),
        Err(Mistake { message, help }) => {
            given.refuse("proxy-next-upstream", message, help);
            None
        }
    }
}

fn rewrite(given: &mut Given<'_>) -> Option<LocationRewrite> {
    let from = given.of_class("proxy-redirect-from", Class::Url);
    let to = given.of_class("proxy-redirect-to", Class::Url);
    match values::location_rewrite(from?, to.unwrap_or("off")) {
        Ok(rewrite) => Some(rewrite),
        Err(Mistake { message, help }) => {
            given.refuse("proxy-redirect-from", message, help);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{problems, read, read_with};
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn protocols_are_read_in_any_case() {
        let protocol = |value| read(&[("backend-protocol", value)]).backend.protocol;
        assert_eq!((protocol("HTTPS"), protocol(" grpc "), protocol("http")), (Some(Protocol::Https), Some(Protocol::Grpc), None));
        assert_eq!((protocol("GOPHER"), problems(&[("backend-protocol", "GOPHER")]).len()), (None, 1));
    }

    #[test]
    fn retries_are_read_each_by_itself() {
        let retries = |pairs: &[(&str, &str)]| read(pairs).route.retries.clone();
        let all = retries(&[("proxy-next-upstream", "timeout http_503 non_idempotent"), ("proxy-next-upstream-tries", "2")]).unwrap();
        assert_eq!(all.causes, Some(RetryCauses { causes: vec!["http_503".to_owned(), "timeout".to_owned()], non_idempotent: true }));
        assert_eq!((all.tries, all.timeout_s), (Some(2), None));
        assert_eq!(retries(&[("proxy-next-upstream", "off")]).unwrap().causes, Some(RetryCauses { causes: vec![], non_idempotent: false }));
        assert_eq!(retries(&[("proxy-next-upstream", "error;")]), None);
    }

    #[test]
    fn a_rewrite_needs_both_texts() {
        let rewrite = |pairs: &[(&str, &str)]| read(pairs).route.location_rewrite.clone();
        let both = [("proxy-redirect-from", "http://a/"), ("proxy-redirect-to", "http://b/")];
        assert_eq!(rewrite(&both), Some(LocationRewrite::Replace("http://a/".to_owned(), "http://b/".to_owned())));
        assert_eq!(rewrite(&both[..1]), Some(LocationRewrite::Off));
        assert_eq!(rewrite(&both[1..]), None);
        assert_eq!(rewrite(&[("proxy-redirect-from", "default"), both[1]]), Some(LocationRewrite::Off));
    }

    #[test]
    fn bad_values_are_said() {
        for (name, value) in [
            ("proxy-next-upstream", "http_418"),
            ("proxy-next-upstream-tries", "-1"),
            ("proxy-next-upstream-timeout", "1s"),
            ("proxy-http-version", "2"),
            ("proxy-redirect-from", "~^x"),
            ("proxy-redirect-from", "a;b"),
            ("proxy-redirect-to", "$host"),
        ] {
            let beside =
                [("proxy-redirect-from", "http://a/"), ("proxy-redirect-to", "/x")].into_iter().filter(|(other, _)| *other != name);
            assert_eq!(problems(&beside.chain([(name, value)]).collect::<Vec<_>>()).len(), 1, "{name}");
        }
        assert!(read_with(&Settings::default(), &[("connection-proxy-header", "upgrade")]).0.is_none());
        let long = problems(&[("proxy-redirect-from", "http://a/"), ("proxy-redirect-to", &"x".repeat(2001))]);
        assert!(long.len() == 1 && long[0].starts_with("proxy-redirect-to: "), "{long:?}");
    }
}
