//! From the JSON of the API to the types of this room.

use super::endpoints::RawEndpoints;
use super::fit::{Fault, fit};
use super::{EndpointSlice, Object, legacy, shapes};
use crate::names::{Kind, ObjectName};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;

/// Why an object cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DecodeError {
    /// The field, such as `spec.rules[0].http.paths[1].backend.service.port.number`; may be empty.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
    /// What would do; may be empty.
    pub help: String,
}

impl From<Fault> for DecodeError {
    fn from(fault: Fault) -> Self {
        Self { field: fault.field, message: fault.message, help: fault.help }
    }
}

/// Reads one object of any API version that is known; `None` for kinds that are not used.
///
/// # Errors
/// When a field has a type that the API server would not accept either, or the name is no name.
pub fn decode(mut object: Value) -> Result<Option<Object>, DecodeError> {
    kind_of(&object).map(|kind| decode_as(kind, to_newest_version(&mut object))).transpose()
}

/// Reads one object that no API server has looked at: what has the wrong type is left out of it as far as it can be,
/// and told.
///
/// # Errors
/// When nothing of the object can be used: all that is wrong with it, and first why.
pub fn decode_written(mut object: Value) -> Result<Option<(Object, Vec<Fault>)>, Vec<DecodeError>> {
    let Some(kind) = kind_of(&object) else { return Ok(None) };
    let mut object = to_newest_version(&mut object);
    let faults = fit(&mut object, shapes::of(kind)).map_err(|faults| faults.into_iter().map(DecodeError::from).collect::<Vec<_>>())?;
    check_name(kind, &object).map_err(|error| vec![error])?;
    let object = match decode_as(kind, object).map_err(|error| vec![error])? {
        Object::Service(service) => Object::Service(Arc::new(Arc::unwrap_or_clone(service).without(&faults))),
        Object::ConfigMap(map) => Object::ConfigMap(Arc::new(Arc::unwrap_or_clone(map).without(&faults))),
        Object::IngressClass(class) => Object::IngressClass(Arc::new(Arc::unwrap_or_clone(class).without(&faults))),
        Object::GatewrightParameters(own) => Object::GatewrightParameters(Arc::new(Arc::unwrap_or_clone(own).without(&faults))),
        other => other,
    };
    Ok(Some((object, faults)))
}

fn kind_of(object: &Value) -> Option<Kind> {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    Some(match (text("apiVersion"), text("kind")) {
        ("networking.k8s.io/v1" | "networking.k8s.io/v1beta1" | "extensions/v1beta1", "Ingress") => Kind::Ingress,
        ("networking.k8s.io/v1" | "networking.k8s.io/v1beta1", "IngressClass") => Kind::IngressClass,
        ("v1", "Service") => Kind::Service,
        ("discovery.k8s.io/v1" | "discovery.k8s.io/v1beta1", "EndpointSlice") => Kind::EndpointSlice,
        ("v1", "Endpoints") => Kind::Endpoints,
        ("v1", "Secret") => Kind::Secret,
        ("v1", "ConfigMap") => Kind::ConfigMap,
        ("v1", "Namespace") => Kind::Namespace,
        ("gatewright.dev/v1alpha1", "GatewrightParameters") => Kind::GatewrightParameters,
        _ => return None,
    })
}

/// The object in the shape of its newest API version.
fn to_newest_version(object: &mut Value) -> Value {
    if object["kind"] == "Ingress" && object["apiVersion"] != "networking.k8s.io/v1" {
        legacy::ingress_to_v1(object);
    }
    object.take()
}

fn decode_as(kind: Kind, object: Value) -> Result<Object, DecodeError> {
    Ok(match kind {
        Kind::Ingress => Object::Ingress(Arc::new(read(object)?)),
        Kind::IngressClass => Object::IngressClass(Arc::new(read(object)?)),
        Kind::Service => Object::Service(Arc::new(read(object)?)),
        Kind::EndpointSlice => Object::EndpointSlice(Arc::new(read(object)?)),
        Kind::Endpoints => {
            let raw: RawEndpoints = read(object)?;
            let slice = EndpointSlice::try_from(raw);
            let slice = slice.map_err(|bad| DecodeError { field: NAME.to_owned(), message: bad.0, help: String::new() })?;
            Object::EndpointSlice(Arc::new(slice))
        }
        Kind::Secret => Object::Secret(Arc::new(read(object)?)),
        Kind::ConfigMap => Object::ConfigMap(Arc::new(read(object)?)),
        Kind::Namespace => Object::Namespace(Arc::new(read(object)?)),
        Kind::GatewrightParameters => Object::GatewrightParameters(Arc::new(read(object)?)),
    })
}

const NAME: &str = "metadata.name";

/// Every object has a name; what may stand in it is for the types to say.
fn check_name(kind: Kind, object: &Value) -> Result<(), DecodeError> {
    let text = |key: &str| object["metadata"][key].as_str();
    let fault = |field: &str, message: String| Err(DecodeError { field: field.to_owned(), message, help: String::new() });
    let Some(name) = text("name") else {
        let field = if object["metadata"].is_object() { "metadata" } else { "" };
        let help = "add metadata.name, of lower-case letters, digits, '-' and '.'".to_owned();
        return Err(DecodeError { field: field.to_owned(), message: format!("the {kind} has no name"), help });
    };
    match (ObjectName::new("", name), ObjectName::new(text("namespace").unwrap_or_default(), "a")) {
        (Err(bad), _) => fault(NAME, bad.0),
        (_, Err(bad)) if !matches!(kind, Kind::IngressClass | Kind::Namespace) => fault("metadata.namespace", bad.0),
        _ => Ok(()),
    }
}

fn read<T: DeserializeOwned>(object: Value) -> Result<T, DecodeError> {
    serde_path_to_error::deserialize(object).map_err(|error| {
        let field = error.path().to_string();
        let field = if field == "." { String::new() } else { field };
        DecodeError { field, message: error.into_inner().to_string(), help: String::new() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_wrong_type_names_its_field() {
        let ingress =
            |spec: Value| decode(json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "a"}, "spec": spec}));
        let error = ingress(json!({"rules": [{"http": {"paths": [{"path": 7}]}}]})).unwrap_err();
        assert_eq!(error.field, "spec.rules[0].http.paths[0].path");
        assert_eq!(ingress(json!({"rules": "x"})).unwrap_err().field, "spec.rules");
    }

    #[test]
    fn names_that_are_none_and_odd_documents_are_errors_or_nothing() {
        let object = |name: Value| decode(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}}));
        assert!(object(json!("../x")).is_err() && object(json!(3)).is_err() && object(Value::Null).is_err());
        assert!(object(json!("x")).unwrap().is_some());
        for other in [json!(null), json!([]), json!("x"), json!({"kind": "Ingress"}), json!({"kind": 3, "apiVersion": {}})] {
            assert_eq!(decode(other), Ok(None));
        }
    }

    #[test]
    fn annotations_that_are_not_strings_are_refused_as_by_the_api_server() {
        let meta = json!({"name": "a", "annotations": {"nginx.ingress.kubernetes.io/ssl-redirect": true}});
        let error = decode(json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": meta})).unwrap_err();
        assert_eq!(error.field, "metadata.annotations.nginx.ingress.kubernetes.io/ssl-redirect");
    }

    #[test]
    fn what_no_api_server_has_looked_at_is_read_as_far_as_it_goes() {
        let path = |port: Value| json!({"path": "/", "backend": {"service": {"name": "s", "port": port}}});
        let object = |spec: Value| {
            json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "a",
            "annotations": {"p/limit-rps": 5, "p/x": null}}, "spec": spec})
        };
        let rules =
            json!([{"host": "a.test", "http": {"paths": [path(json!({"number": "80"})), path(json!({"number": 80}))]}}, ["b.test"]]);
        let (read, faults) = decode_written(object(json!({"rules": rules, "tls": [[]], "defaultBackend": 3}))).unwrap().unwrap();
        let Object::Ingress(ingress) = read else { panic!("{read:?}") };
        let paths = ingress.rules[0].as_ref().unwrap().paths.as_ref().unwrap();
        assert_eq!(
            (paths[0].is_none(), paths[1].is_some(), ingress.rules[1].is_none(), ingress.tls[0].is_none()),
            (true, true, true, true)
        );
        assert_eq!((&*ingress.meta.annotations["p/limit-rps"], &ingress.default_backend), ("5", &None));
        let fields: Vec<_> = faults.iter().map(|fault| &*fault.field).collect();
        assert_eq!(
            fields,
            [
                "metadata.annotations[p/limit-rps]",
                "spec.defaultBackend",
                "spec.rules[0].http.paths[0].backend.service.port.number",
                "spec.rules[1]",
                "spec.tls[0]"
            ]
        );
        let whole = |spec: Value| decode_written(object(spec)).unwrap_err().remove(0);
        assert_eq!(whole(json!({"rules": "x", "defaultBackend": {}})).field, "spec.rules");
        assert_eq!(whole(json!([])).message, "a list stands where a mapping belongs");
    }

    #[test]
    fn a_missing_or_bad_name_is_told_with_its_field() {
        let told = |meta: Value| {
            let error = decode_written(json!({"apiVersion": "v1", "kind": "Service", "metadata": meta})).unwrap_err().remove(0);
            format!("{}: {}", error.field, error.message)
        };
        assert_eq!(told(json!({})), "metadata: the Service has no name");
        assert_eq!(told(Value::Null), ": the Service has no name");
        assert!(told(json!({"name": "A"})).starts_with("metadata.name: \"A\" is not an object name"));
        assert!(told(json!({"name": "a", "namespace": "a.b"})).starts_with("metadata.namespace: \"a.b\" is not a namespace name"));
    }
}
