//! Tracing. No proxy here has a module for it: what asks for it is told by the lists of what proxies lack, and what a client
//! sends of a trace reaches the endpoints as it came.

use super::{Feature, Given, Key, OnBadValue, Policies, Risk, Scope, Tier, Value};
use crate::names::shown;

pub(super) const FEATURE: Feature = Feature {
    name: "Tracing",
    keys: &[
        Key::new("enable-opentelemetry", Value::Bool, Scope::Route, "Traces requests.").ranked(Tier::C, Risk::Low).default("false"),
        Key::new(
            "opentelemetry-operation-name",
            Value::Other("letters, digits, - and _"),
            Scope::Route,
            "Name of the spans, with `enable-opentelemetry`.",
        )
        .refused_when_bad()
        .ranked(Tier::C, Risk::Medium)
        .on_bad_value(OnBadValue::SkipIngress),
        Key::new(
            "opentelemetry-trust-incoming-span",
            Value::Bool,
            Scope::Route,
            "Goes on with the trace of a client, with `enable-opentelemetry`.",
        )
        .ranked(Tier::C, Risk::Low)
        .default("true"),
    ],
    apply,
};

fn apply(given: &mut Given<'_>, _: &mut Policies) {
    if !given.bool("enable-opentelemetry").unwrap_or(false) {
        return;
    }
    given.bool("opentelemetry-trust-incoming-span");
    let name = "opentelemetry-operation-name";
    let is_plain = |text: &&str| text.chars().all(|c| c.is_ascii_alphanumeric() || "-_ ".contains(c));
    if let Some(text) = given.text(name).filter(|text| !is_plain(text)) {
        given.refuse(name, format_args!("{} is not a name of letters, digits, - and _", shown(text)), "use one such as checkout_page");
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::read_with;
    use crate::dialect::haproxy::HAPROXY;
    use crate::dialect::nginx::NGINX;
    use crate::settings::Settings;

    #[test]
    fn it_is_told_on_every_proxy_and_costs_nothing() {
        for dialect in [&NGINX, &HAPROXY] {
            let settings = Settings { lacks: (dialect.lacks)(dialect.oldest), ..Settings::default() };
            let told = |pairs: &[(&str, &str)]| {
                let (policies, said) = read_with(&settings, pairs);
                (policies.is_some_and(|policies| !policies.closed), said.len())
            };
            assert_eq!(told(&[("enable-opentelemetry", "false")]), (true, 0), "{}", dialect.name);
            assert_eq!(told(&[("enable-opentelemetry", "true"), ("opentelemetry-operation-name", "ok_name")]), (true, 2));
            assert_eq!(told(&[("opentelemetry-operation-name", "a;b")]), (true, 1), "it is not asked for");
            assert!(!told(&[("enable-opentelemetry", "true"), ("opentelemetry-operation-name", "a;b")]).0);
        }
    }
}
