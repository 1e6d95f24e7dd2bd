//! The kinds of which little is used: IngressClass, ConfigMap, Namespace.

use super::fit::Fault;
use super::meta::{Meta, RawMeta};
use super::parameters::ClassParameters;
use crate::model::digest_of;
use crate::names::BadText;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// An IngressClass.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawIngressClass")]
pub struct IngressClass {
    /// Name and the rest.
    pub meta: Meta,
    /// `spec.controller`.
    pub controller: Box<str>,
    /// `spec.parameters`.
    pub parameters: Option<ClassParameters>,
    /// The field that cannot be read, and with it what the class asks of its Ingresses.
    pub cut_at: Option<Box<str>>,
    /// Content hash.
    pub digest: u128,
}

/// A ConfigMap.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawConfigMap")]
pub struct ConfigMap {
    /// Name and the rest.
    pub meta: Meta,
    /// `data`.
    pub data: BTreeMap<String, String>,
    /// The keys of `binaryData`, whose values are not read.
    pub binary_keys: Box<[Box<str>]>,
    /// The field that cannot be read, of the two that hold data.
    pub cut_at: Option<Box<str>>,
    /// Content hash.
    pub digest: u128,
}

/// A Namespace; its labels are in `meta`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawNamespace")]
pub struct Namespace {
    /// Name, labels and the rest.
    pub meta: Meta,
    /// Content hash of the labels.
    pub digest: u128,
}

#[derive(Deserialize)]
struct RawIngressClass {
    metadata: RawMeta,
    #[serde(default)]
    spec: Option<RawClassSpec>,
}

#[derive(Deserialize, Default)]
struct RawClassSpec {
    #[serde(default)]
    controller: Box<str>,
    #[serde(default)]
    parameters: Option<ClassParameters>,
}

#[derive(Deserialize)]
struct RawConfigMap {
    metadata: RawMeta,
    #[serde(default)]
    data: Option<BTreeMap<String, String>>,
    #[serde(default, rename = "binaryData")]
    binary_data: Value,
}

#[derive(Deserialize)]
struct RawNamespace {
    metadata: RawMeta,
}

impl TryFrom<RawIngressClass> for IngressClass {
    type Error = BadText;

    fn try_from(raw: RawIngressClass) -> Result<Self, BadText> {
        let spec = raw.spec.unwrap_or_default();
        let meta = raw.metadata.cluster_scoped()?;
        let digest = digest_of(&(&meta.name, &spec.controller, &spec.parameters));
        Ok(Self { meta, controller: spec.controller, parameters: spec.parameters, cut_at: None, digest })
    }
}

impl IngressClass {
    /// The same, of which these parts could not be read.
    pub(super) fn without(mut self, faults: &[Fault]) -> Self {
        self.cut_at = vital_part(faults);
        self.digest = digest_of(&(self.digest, &self.cut_at));
        self
    }
}

/// The first of the parts that say what an object is for.
pub(super) fn vital_part(faults: &[Fault]) -> Option<Box<str>> {
    faults.iter().find(|fault| fault.is_vital).map(|fault| fault.field.as_str().into())
}

impl TryFrom<RawConfigMap> for ConfigMap {
    type Error = BadText;

    fn try_from(raw: RawConfigMap) -> Result<Self, BadText> {
        let meta = raw.metadata.namespaced()?;
        let data = raw.data.unwrap_or_default();
        let binary_keys: Box<[Box<str>]> =
            raw.binary_data.as_object().into_iter().flat_map(Map::keys).map(|key| key.as_str().into()).collect();
        let digest = digest_of(&(&data, &binary_keys));
        Ok(Self { meta, data, binary_keys, cut_at: None, digest })
    }
}

impl ConfigMap {
    /// The same, of which these parts could not be read.
    pub(super) fn without(mut self, faults: &[Fault]) -> Self {
        let cut = faults.iter().find(|fault| ["data", "binaryData"].contains(&&*fault.field));
        self.cut_at = cut.map(|fault| fault.field.as_str().into());
        self.digest = digest_of(&(self.digest, &self.cut_at));
        self
    }
}

impl TryFrom<RawNamespace> for Namespace {
    type Error = BadText;

    fn try_from(raw: RawNamespace) -> Result<Self, BadText> {
        let meta = raw.metadata.cluster_scoped()?;
        let digest = digest_of(&meta.labels);
        Ok(Self { meta, digest })
    }
}
