//! Ingress in the shapes of `extensions/v1beta1` and `networking.k8s.io/v1beta1`, turned into that of v1.
//!
//! No API server has served them since Kubernetes 1.22, but files still hold them. Each value of the old shape is
//! moved to where v1 has it, and the v1 reader does the rest, so that both forms mean the same.

use serde_json::{Map, Value};

/// Turns the old shape into that of v1, in place. A value of an unexpected type is left where the v1 reader will
/// complain about it.
pub(super) fn ingress_to_v1(object: &mut Value) {
    let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) else { return };
    if let Some(backend) = spec.remove("backend") {
        spec.insert("defaultBackend".to_owned(), backend_to_v1(backend));
    }
    let rules = spec.get_mut("rules").and_then(Value::as_array_mut).into_iter().flatten();
    let paths = rules.filter_map(|rule| rule.get_mut("http")?.get_mut("paths")?.as_array_mut()).flatten();
    for path in paths.filter_map(Value::as_object_mut) {
        if let Some(backend) = path.remove("backend") {
            path.insert("backend".to_owned(), backend_to_v1(backend));
        }
        path.entry("pathType").or_insert_with(|| "ImplementationSpecific".into());
    }
}

fn backend_to_v1(backend: Value) -> Value {
    let Value::Object(mut old) = backend else { return backend };
    let name = old.remove("serviceName");
    let port = old.remove("servicePort");
    if name.is_none() && port.is_none() {
        return Value::Object(old);
    }
    let mut service = Map::new();
    service.extend(name.map(|name| ("name".to_owned(), name)));
    // A quoted number is a name here, as it was for the API server.
    let key = if matches!(port, Some(Value::String(_))) { "name" } else { "number" };
    service.extend(port.map(|port| ("port".to_owned(), Value::Object(Map::from_iter([(key.to_owned(), port)])))));
    old.insert("service".to_owned(), Value::Object(service));
    Value::Object(old)
}

#[cfg(test)]
mod tests {
    use crate::state::{Ingress, Object, PortRef, decode};
    use serde_json::{Value, json};
    use std::sync::Arc;

    fn read(mut object: Value, api_version: &str) -> Arc<Ingress> {
        object["apiVersion"] = api_version.into();
        object["kind"] = "Ingress".into();
        object["metadata"] = json!({"name": "a"});
        match decode(object).unwrap() {
            Some(Object::Ingress(ingress)) => ingress,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn leg_1_and_2_ports_by_number_and_by_name() {
        let paths = json!([
            {"path": "/a", "backend": {"serviceName": "s", "servicePort": 80}},
            {"path": "/b", "pathType": "Exact", "backend": {"serviceName": "s", "servicePort": "http"}},
        ]);
        for version in ["extensions/v1beta1", "networking.k8s.io/v1beta1"] {
            let ingress = read(json!({"spec": {"rules": [{"http": {"paths": paths}}]}}), version);
            let paths = ingress.rules[0].as_ref().unwrap().paths.as_ref().unwrap();
            let paths: Vec<_> = paths.iter().flatten().collect();
            assert_eq!(paths[0].path_type.as_deref(), Some("ImplementationSpecific"));
            assert_eq!(paths[0].backend.service.as_ref().unwrap().port, PortRef::Number(80));
            assert_eq!(paths[1].path_type.as_deref(), Some("Exact"));
            assert_eq!(paths[1].backend.service.as_ref().unwrap().port, PortRef::Name("http".into()));
        }
    }

    #[test]
    fn leg_3_backend_of_the_spec_is_the_default_backend() {
        let ingress = read(json!({"spec": {"backend": {"serviceName": "testsvc", "servicePort": 80}}}), "extensions/v1beta1");
        assert_eq!(&*ingress.default_backend.as_ref().unwrap().service.as_ref().unwrap().name, "testsvc");
        assert!(ingress.rules.is_empty());
    }
}
