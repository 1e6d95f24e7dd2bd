//! `custom-headers`: headers of answers, from a ConfigMap.

use super::{Class, Feature, Given, Key, OnBadValue, Policies, Risk, Scope, Tier, Value};
use crate::names::{HeaderName, HeaderValue, Kind, ObjectName, shown};
use crate::state::ConfigMap;

pub(super) const FEATURE: Feature = Feature {
    name: "Headers of answers",
    keys: &[Key::new(
        "custom-headers",
        Value::Other("`namespace/name` of a ConfigMap"),
        Scope::Route,
        "Sets the headers in the data of a ConfigMap on every answer; each has to be in `global-allowed-response-headers` of the main \
         ConfigMap. One of another namespace needs `allow-cross-namespace-resources`.",
    )
    .ranked(Tier::B, Risk::Medium)
    .on_bad_value(OnBadValue::CloseRoute)],
    apply,
};

const NAME: &str = "custom-headers";

fn apply(given: &mut Given<'_>, policies: &mut Policies) {
    let Some(text) = given.text(NAME) else { return };
    let Ok(name) = ObjectName::parse(text) else {
        // What could be a name is one that nothing has; all else was never read.
        let answer = if text.chars().all(|c| Class::Basic.holds(c)) { OnBadValue::CloseRoute } else { OnBadValue::KeepDefault };
        let message = format!("{} is not of the form namespace/name, so there is no such ConfigMap", shown(text));
        return given.refuse_as(answer, NAME, message, "name a ConfigMap such as shop/headers");
    };
    if !given.may_name(NAME, &name) {
        return;
    }
    let Some(map) = given.objects.config_map(&name) else {
        return given.miss(NAME, Kind::ConfigMap, &name);
    };
    let headers = headers(given, map, &policies.allowed_response_headers);
    if !headers.is_empty() {
        policies.route().response_headers = Some(headers);
    }
}

fn headers(given: &mut Given<'_>, map: &ConfigMap, allowed: &[HeaderName]) -> Vec<(HeaderName, HeaderValue)> {
    let mut headers = Vec::new();
    for (name, value) in &map.data {
        let checked = HeaderName::new(name).and_then(|name| Ok((name, HeaderValue::new(value)?)));
        match checked {
            Err(bad) => given.refuse(NAME, bad, "mend the ConfigMap"),
            Ok(_) if !value.is_ascii() => {
                given.refuse(NAME, format_args!("{} has a character beyond ASCII", shown(value)), "write it in ASCII");
            }
            Ok((name, _)) if !allowed.contains(&name) => {
                let message = format!("the header {name} is not in global-allowed-response-headers");
                given.refuse(NAME, message, "ask the operator to allow it");
            }
            Ok((name, _)) if name.is_the_proxys() => {
                given.note(NAME, format_args!("the header {name} is the proxy's own, and stays as it is"), "remove it");
            }
            Ok(header) => headers.push(header),
        }
        if given.is_bad(NAME) {
            break;
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::super::testing::{read_configured, snapshot};
    use crate::settings::Settings;
    use serde_json::json;

    #[test]
    fn a_header_that_the_operator_does_not_allow_closes_the_routes() {
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "h", "namespace": "shop"}, "data": {"X-A": "a"}});
        let read = |allowed: &[(&str, &str)]| {
            let (policies, said) =
                read_configured(&Settings::default(), allowed, &snapshot(std::slice::from_ref(&map)), &[("custom-headers", "shop/h")]);
            (policies.is_some_and(|policies| policies.closed), said)
        };
        let (closed, said) = read(&[("global-allowed-response-headers", "X-B")]);
        assert!(closed && said[0].contains("the header X-A is not in global-allowed-response-headers"), "{said:?}");
        assert!(read(&[]).0, "none is allowed unless the operator says so");
        assert_eq!(read(&[("global-allowed-response-headers", "X-B,X-A")]), (false, vec![]));
    }

    #[test]
    fn a_config_map_of_another_namespace_is_nobody_elses() {
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "h", "namespace": "other"}, "data": {"X-A": "a"}});
        let read = |shared: &str| {
            let config = [("global-allowed-response-headers", "X-A"), ("allow-cross-namespace-resources", shared)];
            let world = snapshot(std::slice::from_ref(&map));
            let (policies, said) = read_configured(&Settings::default(), &config, &world, &[("custom-headers", "other/h")]);
            (policies.is_some_and(|policies| policies.closed), said)
        };
        let (closed, said) = read("false");
        assert!(closed && said.len() == 1 && said[0].contains("is of another namespace"), "{said:?}");
        assert_eq!(read("true"), (false, vec![]));
    }

    #[test]
    fn a_name_without_a_namespace_names_no_config_map() {
        let read = |name| {
            let (policies, said) = read_configured(&Settings::default(), &[], &snapshot(&[]), &[("custom-headers", name)]);
            (policies.is_some_and(|policies| policies.closed), said.len())
        };
        assert_eq!([read("h1"), read("shop/h"), read("a b;")], [(true, 1), (true, 1), (false, 1)]);
    }

    #[test]
    fn a_value_beyond_ascii_closes_the_routes() {
        let read = |value: &str| {
            let map =
                json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "h", "namespace": "shop"}, "data": {"X-A": value}});
            let allowed = [("global-allowed-response-headers", "X-A")];
            let (policies, said) = read_configured(&Settings::default(), &allowed, &snapshot(&[map]), &[("custom-headers", "shop/h")]);
            (policies.is_some_and(|policies| policies.closed), said.len())
        };
        assert_eq!([read("plain $host"), read("\u{e4}"), read("a\nb")], [(false, 0), (true, 1), (true, 1)]);
    }
}
