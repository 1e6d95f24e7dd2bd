//! ConfigMaps: keys and texts; values that are no text are not read.

use super::fit::Fault;
use super::meta::{Meta, RawMeta};
use crate::model::digest_of;
use crate::names::BadText;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

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

#[derive(Deserialize)]
struct RawConfigMap {
    metadata: RawMeta,
    #[serde(default)]
    data: Option<BTreeMap<String, String>>,
    #[serde(default, rename = "binaryData")]
    binary_data: Value,
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
