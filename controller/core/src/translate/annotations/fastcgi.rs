//! `fastcgi-index` and `fastcgi-params-configmap`: what FastCGI endpoints are told.

use super::{Class, Feature, Given, Key, OnBadValue, Policies, Risk, Scope, Tier, Value};
use crate::model::FastCgi;
use crate::names::{Kind, ObjectName, VariableText, shown};

pub(super) const FEATURE: Feature = Feature {
    name: "FastCGI",
    keys: &[
        Key::new(
            "fastcgi-index",
            Value::Other("letters, digits and .-_"),
            Scope::Route,
            "Name of the script for paths that end in a slash, where `backend-protocol` is `FCGI`.",
        )
        .refused_when_bad()
        .ranked(Tier::C, Risk::Medium)
        .on_bad_value(OnBadValue::SkipIngress),
        Key::new(
            "fastcgi-params-configmap",
            Value::Object(Kind::ConfigMap),
            Scope::Route,
            "ConfigMap with further FastCGI parameters; their values may have variables.",
        )
        .refused_when_bad()
        .ranked(Tier::C, Risk::Medium)
        .on_bad_value(OnBadValue::CloseRoute),
    ],
    apply,
};

fn apply(given: &mut Given<'_>, policies: &mut Policies) {
    let index = given.text("fastcgi-index").map(str::to_owned);
    if let Some(text) = index.as_ref().filter(|text| !is_name(text)) {
        given.refuse("fastcgi-index", format_args!("{} is not a file name", shown(text)), "use letters, digits and .-_");
    }
    let parameters = parameters(given).unwrap_or_default();
    let fastcgi = FastCgi { index: index.filter(|text| is_name(text)), parameters };
    policies.route().fastcgi = (fastcgi != FastCgi::default()).then_some(fastcgi);
}

fn parameters(given: &mut Given<'_>) -> Option<Vec<(String, VariableText)>> {
    const NAME: &str = "fastcgi-params-configmap";
    let name = map_name(given, NAME)?;
    let Some(map) = given.objects.config_map(&name) else {
        given.miss(NAME, Kind::ConfigMap, &name);
        return None;
    };
    let mut parameters = Vec::new();
    for (key, value) in &map.data {
        let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_${}/.".contains(&b));
        if !is_name(key) || !plain(value) {
            let message = format_args!("{} of ConfigMap {name} is not a parameter", shown(key));
            given.refuse_as(OnBadValue::SkipIngress, NAME, message, "use letters, digits and .-_, and in its value ${}/ too");
            return None;
        }
        match VariableText::parse(value) {
            Ok(value) => parameters.push((key.clone(), value)),
            Err(bad) => {
                given.refuse(NAME, format_args!("{} of ConfigMap {name}: {bad}", shown(key)), "use text and variables of stock nginx");
                return None;
            }
        }
    }
    Some(parameters)
}

/// A text that cannot be a name leaves the Ingress out.
fn map_name(given: &mut Given<'_>, name: &'static str) -> Option<ObjectName> {
    let text = given.text(name)?;
    if text.chars().any(|c| c != ' ' && !Class::Basic.holds(c)) {
        let help = "use the name of a ConfigMap of the same namespace";
        given.refuse_as(OnBadValue::SkipIngress, name, format_args!("{} is not a name", shown(text)), help);
        return None;
    }
    given.object(name)
}

fn is_name(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{problems, read, read_in, snapshot};
    use crate::settings::Settings;
    use serde_json::json;

    #[test]
    fn parameters_come_from_a_config_map() {
        let map = |value: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m", "namespace": "shop"}, "data": {"SCRIPT_FILENAME": value}});
        let read = |value| read_in(&Settings::default(), &snapshot(&[map(value)]), &[("fastcgi-params-configmap", "m")]);
        let (policies, said) = read("/app$fastcgi_script_name");
        let fastcgi = policies.unwrap().route.fastcgi.clone().unwrap();
        assert_eq!((fastcgi.parameters[0].0.as_str(), said.len()), ("SCRIPT_FILENAME", 0));
        let (policies, said) = read("$nosuch");
        assert!(policies.unwrap().closed && said.len() == 1, "{said:?}");
        for bad in ["a\nb", "a;b", "a b", "\"a\""] {
            let (policies, said) = read(bad);
            assert!(policies.is_none() && said.len() == 1, "{bad:?}: {said:?}");
        }
    }

    #[test]
    fn a_config_map_is_of_the_same_namespace() {
        let read = |value| read_in(&Settings::default(), &snapshot(&[]), &[("fastcgi-params-configmap", value)]);
        for closing in ["gone", "shop/a b", "other/m"] {
            assert!(read(closing).0.unwrap().closed, "{closing:?}");
        }
        for bad in ["m;", "$m", "\"m\"", "m\nn", "{m}"] {
            assert!(read(bad).0.is_none(), "{bad:?}");
        }
    }

    #[test]
    fn an_index_is_a_file_name() {
        assert_eq!(read(&[("fastcgi-index", "index.php")]).route.fastcgi.as_ref().unwrap().index.as_deref(), Some("index.php"));
        assert_eq!(problems(&[("fastcgi-index", "a/b")]).len(), 1);
        assert_eq!(problems(&[("fastcgi-params-configmap", "gone")]).len(), 1);
    }
}
