//! `custom-http-errors` and `default-backend`: who answers when something went wrong.

use super::{Feature, Given, Key, OnBadValue, Policies, Risk, Scope, Tier, Value};
use crate::names::{Kind, ObjectName, is_dns_label, shown};
use crate::settings::values::CLIENT_GONE;

pub(super) const FEATURE: Feature = Feature {
    name: "Errors and the default backend",
    keys: &[
        Key::new(
            "custom-http-errors",
            Value::Statuses,
            Scope::Route,
            "Error answers with these statuses, 400 to 599, are written by the default backend, which is told the status in `X-Code`.",
        )
        .refused_when_bad()
        .configured("custom-http-errors", "")
        .on_bad_value(OnBadValue::SkipIngress),
        Key::new(
            "disable-proxy-intercept-errors",
            Value::Bool,
            Scope::Route,
            "Leaves error answers of endpoints as they are; only those of the proxy are replaced.",
        )
        .ranked(Tier::B, Risk::Low)
        .default("false"),
        Key::new(
            "default-backend",
            Value::Object(Kind::Service),
            Scope::Route,
            "The Service, at its first port, that answers where the route's own has no endpoints, and that writes error answers.",
        )
        .refused_when_bad()
        .on_bad_value(OnBadValue::SkipIngress),
    ],
    apply,
};

fn apply(given: &mut Given<'_>, policies: &mut Policies) {
    policies.error_statuses = statuses(given);
    policies.intercept_errors = !given.bool("disable-proxy-intercept-errors").unwrap_or(false);
    let Some(text) = given.text("default-backend") else { return };
    let name =
        ObjectName::new(given.namespace(), text).ok().filter(|_| is_dns_label(text) && text.starts_with(|c: char| c.is_ascii_lowercase()));
    let Some(name) = name else {
        return given.refuse(
            "default-backend",
            format_args!("{} is not the name of a Service", shown(text)),
            "name one of the own namespace",
        );
    };
    let Some(service) = given.objects.service(&name) else {
        return given.miss_as(OnBadValue::KeepDefault, "default-backend", Kind::Service, &name);
    };
    match service.ports.first().map(|port| port.port) {
        Some(port) => policies.default_backend = Some((name, port)),
        None => {
            let message = format!("Service {name} has no port");
            given.refuse_as(OnBadValue::KeepDefault, "default-backend", message, "give it one, or name another");
        }
    }
}

fn statuses(given: &mut Given<'_>) -> Option<Vec<u16>> {
    const NAME: &str = "custom-http-errors";
    let mut statuses = given.statuses(NAME, 400, 599)?;
    if statuses.contains(&CLIENT_GONE) {
        given.note(NAME, format_args!("{CLIENT_GONE} stands for clients that are gone, so nobody gets a page for it"), "leave it out");
        statuses.retain(|status| *status != CLIENT_GONE);
    }
    Some(statuses)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{read, read_in, read_with, snapshot};
    use crate::settings::Settings;
    use serde_json::json;

    #[test]
    fn statuses_and_service_reach_the_route() {
        assert_eq!(read(&[("custom-http-errors", "503, 404")]).error_statuses, Some(vec![404, 503]));
        let (policies, found) = read_with(&Settings::default(), &[("custom-http-errors", "404,499")]);
        assert_eq!((policies.and_then(|policies| policies.error_statuses), found.len()), (Some(vec![404]), 1));
        assert!(!read(&[("disable-proxy-intercept-errors", "true")]).intercept_errors);
        let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "errors", "namespace": "shop"}, "spec": {"ports": [{"port": 8080}, {"port": 81}]}});
        let (policies, found) = read_in(&Settings::default(), &snapshot(&[service]), &[("default-backend", "errors")]);
        assert_eq!((policies.and_then(|p| p.default_backend).map(|(_, port)| port), found.len()), (Some(8080), 0));
    }

    #[test]
    fn an_unknown_service_is_said_and_other_texts_leave_the_ingress_out() {
        let (policies, found) = read_with(&Settings::default(), &[("default-backend", "nosuch")]);
        assert!(policies.is_some_and(|policies| policies.default_backend.is_none()) && found.len() == 1);
        for pair in
            [("custom-http-errors", "404503"), ("custom-http-errors", "200"), ("default-backend", "other/errors"), ("default-backend", "A")]
        {
            assert!(read_with(&Settings::default(), &[pair]).0.is_none(), "{pair:?}");
        }
    }
}
