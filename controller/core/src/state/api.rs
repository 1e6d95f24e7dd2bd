//! From the JSON of the API to the types of this room.

use super::endpoints::RawEndpoints;
use super::snapshot::Object;
use super::{EndpointSlice, legacy};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Why an object cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DecodeError {
    /// The field, such as `spec.rules[0].http.paths[1].backend.service.port.number`; may be empty.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

/// Reads one object of any API version that is known; `None` for kinds that are not used.
///
/// # Errors
/// When a field has a type that the API server would not accept either, or the name is no name.
pub fn decode(mut object: Value) -> Result<Option<Object>, DecodeError> {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (version, kind) = (text("apiVersion"), text("kind"));
    Ok(Some(match (version.as_str(), kind.as_str()) {
        ("networking.k8s.io/v1", "Ingress") => Object::Ingress(read(object)?),
        ("networking.k8s.io/v1beta1" | "extensions/v1beta1", "Ingress") => {
            legacy::ingress_to_v1(&mut object);
            Object::Ingress(read(object)?)
        }
        ("networking.k8s.io/v1" | "networking.k8s.io/v1beta1", "IngressClass") => Object::IngressClass(read(object)?),
        ("v1", "Service") => Object::Service(read(object)?),
        ("discovery.k8s.io/v1" | "discovery.k8s.io/v1beta1", "EndpointSlice") => Object::EndpointSlice(read(object)?),
        ("v1", "Endpoints") => {
            let raw: RawEndpoints = read(object)?;
            Object::EndpointSlice(
                EndpointSlice::try_from(raw).map_err(|bad| DecodeError { field: "metadata.name".to_owned(), message: bad.0 })?,
            )
        }
        ("v1", "Secret") => Object::Secret(read(object)?),
        ("v1", "ConfigMap") => Object::ConfigMap(read(object)?),
        ("v1", "Namespace") => Object::Namespace(read(object)?),
        ("gatewright.dev/v1alpha1", "GatewrightParameters") => Object::GatewrightParameters(read(object)?),
        _ => return Ok(None),
    }))
}

fn read<T: DeserializeOwned>(object: Value) -> Result<T, DecodeError> {
    serde_path_to_error::deserialize(object).map_err(|error| {
        let field = error.path().to_string();
        DecodeError { field: if field == "." { String::new() } else { field }, message: error.into_inner().to_string() }
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
}
