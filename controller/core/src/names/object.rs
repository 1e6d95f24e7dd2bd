//! Which Kubernetes object is meant.

use super::BadText;
use serde::Serialize;
use std::fmt;
use std::sync::Arc;

/// The kinds of objects that Gatewright reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum Kind {
    /// `networking.k8s.io` and the old `extensions` Ingress.
    Ingress,
    /// `networking.k8s.io` IngressClass.
    IngressClass,
    /// `v1` Service.
    Service,
    /// `discovery.k8s.io` EndpointSlice.
    EndpointSlice,
    /// `v1` Endpoints, for folders without EndpointSlices.
    Endpoints,
    /// `v1` Secret.
    Secret,
    /// `v1` ConfigMap.
    ConfigMap,
    /// `v1` Namespace.
    Namespace,
    /// `gatewright.dev` GatewrightParameters.
    GatewrightParameters,
}

impl Kind {
    /// The `kind` as the API spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingress => "Ingress",
            Self::IngressClass => "IngressClass",
            Self::Service => "Service",
            Self::EndpointSlice => "EndpointSlice",
            Self::Endpoints => "Endpoints",
            Self::Secret => "Secret",
            Self::ConfigMap => "ConfigMap",
            Self::Namespace => "Namespace",
            Self::GatewrightParameters => "GatewrightParameters",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Namespace and name of an object; the namespace is empty for cluster-scoped kinds. Cheap to clone.
///
/// Both parts are checked DNS names (RFC 1123 as the API server checks them), so a name is safe in
/// comments and messages.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectName {
    namespace: Arc<str>,
    name: Arc<str>,
}

impl ObjectName {
    /// Checks and keeps both parts; `namespace` may be empty.
    ///
    /// # Errors
    /// When a part is not a name that the API server would have accepted.
    pub fn new(namespace: &str, name: &str) -> Result<Self, BadText> {
        if !(namespace.is_empty() || is_dns_label(namespace)) {
            return Err(BadText(format!(
                "{} is not a namespace name; use at most 63 lower-case letters, digits and '-'",
                super::shown(namespace)
            )));
        }
        if !is_dns_subdomain(name) {
            return Err(BadText(format!(
                "{} is not an object name; use at most 253 lower-case letters, digits, '-' and '.'",
                super::shown(name)
            )));
        }
        Ok(Self { namespace: namespace.into(), name: name.into() })
    }

    /// Reads `namespace/name`, the form of flags and annotations.
    ///
    /// # Errors
    /// When there is not exactly one slash, or a part is not a name.
    pub fn parse(text: &str) -> Result<Self, BadText> {
        match text.split_once('/') {
            Some((namespace, name)) if !namespace.is_empty() => Self::new(namespace, name),
            _ => Err(BadText(format!("{} is not of the form namespace/name", super::shown(text)))),
        }
    }

    /// Another object of the same namespace.
    ///
    /// # Errors
    /// As [`ObjectName::new`].
    pub fn beside(&self, name: &str) -> Result<Self, BadText> {
        let Self { name, .. } = Self::new("", name)?;
        Ok(Self { namespace: Arc::clone(&self.namespace), name })
    }

    /// Namespace and name, to be kept elsewhere.
    #[must_use]
    pub fn parts(&self) -> (Arc<str>, Arc<str>) {
        (Arc::clone(&self.namespace), Arc::clone(&self.name))
    }

    /// The namespace; empty for cluster-scoped kinds.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() { f.write_str(&self.name) } else { write!(f, "{}/{}", self.namespace, self.name) }
    }
}

/// One object: kind, namespace and name. Displays as `Ingress shop/front`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectRef {
    /// The kind of the object.
    pub kind: Kind,
    /// Namespace and name of the object.
    pub name: ObjectName,
}

impl ObjectRef {
    /// Names an object of `kind`.
    #[must_use]
    pub const fn new(kind: Kind, name: ObjectName) -> Self {
        Self { kind, name }
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

impl Serialize for ObjectRef {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut out = serializer.serialize_struct("ObjectRef", 3)?;
        out.serialize_field("kind", self.kind.as_str())?;
        out.serialize_field("namespace", self.name.namespace())?;
        out.serialize_field("name", self.name.name())?;
        out.end()
    }
}

/// RFC 1123 label: at most 63 lower-case letters, digits and `-`, starting and ending with a letter or digit.
#[must_use]
pub fn is_dns_label(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=63).contains(&text.len()) && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

/// RFC 1123 subdomain: labels of at most 63 characters joined by dots, at most 253 characters in all.
///
/// The API server bounds the whole name only; names of Secrets and Services with longer labels do exist,
/// so the label length is not checked here.
#[must_use]
pub fn is_dns_subdomain(text: &str) -> bool {
    (1..=253).contains(&text.len())
        && text.split('.').all(|label| {
            !label.is_empty()
                && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_the_api_server_refuses_are_refused() {
        for (namespace, name) in
            [("a", "../b"), ("A", "b"), ("a", ""), ("a", "b\n"), ("-a", "b"), ("a.b", "c"), ("a", "b_c"), ("a", "b..c")]
        {
            assert!(ObjectName::new(namespace, name).is_err(), "{namespace:?}/{name:?}");
        }
        assert_eq!(ObjectName::parse("shop/front").unwrap().to_string(), "shop/front");
        assert!(ObjectName::parse("front").is_err() && ObjectName::parse("/front").is_err());
        assert!(ObjectName::parse("a/b/c").is_err());
    }
}
