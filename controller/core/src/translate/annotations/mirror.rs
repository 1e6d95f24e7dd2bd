//! `mirror-target` and its kin: requests go to a second server as well.

use super::{Class, Feature, Given, Key, Policies, Risk, Scope, Tier, Value};
use crate::model::Mirror;
use crate::names::variable::{ESCAPED_TARGET, is_url_variable};
use crate::names::{ServiceUrl, UrlHost, VariableText};
use std::sync::Arc;

const TARGET: &str = "mirror-target";

pub(super) const FEATURE: Feature = Feature {
    name: "Mirroring",
    keys: &[
        Key::new(
            TARGET,
            Value::Text(Class::Regex),
            Scope::Route,
            "A URL that every request is sent to as well, such as `https://mirror.example$request_uri`; its answer is dropped.",
        )
        .ranked(Tier::C, Risk::High),
        Key::new("mirror-host", Value::Text(Class::Regex), Scope::Route, "The header `Host` of these requests.")
            .ranked(Tier::C, Risk::High)
            .default("the host of mirror-target"),
        Key::new("mirror-request-body", Value::Word(&["on", "off"]), Scope::Route, "They have the bodies of the requests, too.")
            .ranked(Tier::C, Risk::Low)
            .default("on"),
    ],
    apply,
};

fn apply(given: &mut Given<'_>, policies: &mut Policies) {
    let with_body = given.on_off("mirror-request-body").unwrap_or(true);
    let host = given.of_class("mirror-host", Class::Regex);
    let host = host.and_then(|text| given.read("mirror-host", text, |text| VariableText::parse_with(text, is_url_variable)));
    let Some(url) = given.parsed(TARGET, ServiceUrl::parse) else { return };
    if url.host == UrlHost::OfRequest {
        return given.refuse(TARGET, "the host of the request would be sent its own requests", "name the host of the mirror");
    }
    let mut texts = std::iter::once(&url.path).chain(&url.query).chain(&host);
    if texts.any(|text| text.uses(&[ESCAPED_TARGET])) {
        return given.refuse(TARGET, format_args!("${ESCAPED_TARGET} cannot be used here"), "use $request_uri");
    }
    let own = || VariableText::parse(&url.host.to_string()).unwrap_or_default();
    let host = host.unwrap_or_else(own);
    policies.route().mirror = Some(Arc::new(Mirror { url, host, with_body }));
}

#[cfg(test)]
mod tests {
    use super::super::testing::{problems, read};

    #[test]
    fn a_mirror_has_a_url_a_host_and_perhaps_bodies() {
        let mirror = read(&[("mirror-target", "https://m.test:8443$request_uri")]).route.mirror.clone().unwrap();
        assert_eq!((mirror.host.literal(), mirror.url.port, mirror.with_body), (Some("m.test"), 8443, true));
        let pairs = [("mirror-target", "http://10.0.0.1/x"), ("mirror-host", "m.test"), ("mirror-request-body", "off")];
        let mirror = read(&pairs).route.mirror.clone().unwrap();
        assert_eq!((mirror.host.literal(), mirror.with_body), (Some("m.test"), false));
        assert!(read(&[("mirror-host", "m.test")]).route.mirror.is_none());
    }

    #[test]
    fn what_is_no_url_is_left_out() {
        for (name, value) in [
            ("mirror-target", "m.test"),
            ("mirror-target", "http://$host/"),
            ("mirror-host", "a.test; return 418"),
            ("mirror-host", "a\"b"),
            ("mirror-host", "$nosuch"),
            ("mirror-request-body", "yes"),
        ] {
            assert_eq!(problems(&[(name, value)]).len(), 1, "{name}: {value}");
        }
    }
}
