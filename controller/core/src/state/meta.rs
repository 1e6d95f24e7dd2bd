//! The metadata that is kept of every object.

use crate::names::ObjectName;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The part of `metadata` that matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// Namespace and name.
    pub name: ObjectName,
    /// `uid`; empty in folders.
    pub uid: Box<str>,
    /// `resourceVersion`; empty in folders.
    pub resource_version: Box<str>,
    /// `creationTimestamp` in seconds since 1970; 0 where a folder does not say.
    pub created_s: i64,
    /// All annotations but the one in which kubectl keeps a copy of the object.
    pub annotations: BTreeMap<Box<str>, Box<str>>,
    /// All labels.
    pub labels: BTreeMap<Box<str>, Box<str>>,
}

impl Meta {
    /// That of an object of which nothing else is known.
    pub(super) fn of_name(name: ObjectName) -> Self {
        let (annotations, labels) = (BTreeMap::new(), BTreeMap::new());
        Self { name, uid: "".into(), resource_version: "".into(), created_s: 0, annotations, labels }
    }
}

/// `metadata` as the API writes it; a missing namespace stays empty until the kind is known.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawMeta {
    name: String,
    #[serde(default)]
    namespace: Option<String>,
    #[serde(default)]
    uid: Option<Box<str>>,
    #[serde(default)]
    resource_version: Option<Box<str>>,
    #[serde(default)]
    creation_timestamp: Option<jiff::Timestamp>,
    #[serde(default)]
    annotations: Option<BTreeMap<Box<str>, Box<str>>>,
    #[serde(default)]
    labels: Option<BTreeMap<Box<str>, Box<str>>>,
}

impl RawMeta {
    /// Metadata of a namespaced object; without a namespace it is in `default`, as for kubectl.
    pub(super) fn namespaced(self) -> Result<Meta, crate::names::BadText> {
        let namespace = self.namespace.clone().filter(|n| !n.is_empty()).unwrap_or_else(|| "default".to_owned());
        self.in_namespace(&namespace)
    }

    /// Metadata of a cluster-scoped object; a namespace is ignored, as the API server does.
    pub(super) fn cluster_scoped(self) -> Result<Meta, crate::names::BadText> {
        self.in_namespace("")
    }

    fn in_namespace(self, namespace: &str) -> Result<Meta, crate::names::BadText> {
        let mut annotations = self.annotations.unwrap_or_default();
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        Ok(Meta {
            name: ObjectName::new(namespace, &self.name)?,
            uid: self.uid.unwrap_or_default(),
            resource_version: self.resource_version.unwrap_or_default(),
            created_s: self.creation_timestamp.map_or(0, jiff::Timestamp::as_second),
            annotations,
            labels: self.labels.unwrap_or_default(),
        })
    }
}
