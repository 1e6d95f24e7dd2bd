//! What an IngressClass names as its parameters, and our own kind of them.

use super::fit::{Fault, vital_part};
use super::meta::{Meta, RawMeta};
use crate::model::digest_of;
use crate::names::BadText;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// `spec.parameters` of an IngressClass.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct ClassParameters {
    /// Empty for the kinds of `v1`.
    pub api_group: Option<Box<str>>,
    /// Kind of the object.
    pub kind: Box<str>,
    /// Name of the object.
    pub name: Box<str>,
    /// Where it is.
    pub scope: ParametersScope,
    /// Namespace of the object; counts with [`ParametersScope::Namespace`] only.
    pub namespace: Option<Box<str>>,
}

/// Where the parameters of a class are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Default)]
pub enum ParametersScope {
    /// They are the operator's; both kinds that we know live in namespaces, so this is the controller's own.
    #[default]
    Cluster,
    /// In the namespace that the class names.
    Namespace,
}

/// Settings and rules of a class.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawGatewrightParameters")]
pub struct GatewrightParameters {
    /// Name and the rest.
    pub meta: Meta,
    /// `spec.settings`: the keys of the main ConfigMap.
    pub settings: BTreeMap<String, String>,
    /// `spec.policy`, as it is written.
    pub policy: Option<Value>,
    /// The field that cannot be read, and with it settings.
    pub cut_at: Option<Box<str>>,
    /// Content hash.
    pub digest: u128,
}

#[derive(Deserialize)]
struct RawGatewrightParameters {
    metadata: RawMeta,
    #[serde(default)]
    spec: Option<RawSpec>,
}

#[derive(Deserialize, Default)]
struct RawSpec {
    #[serde(default)]
    settings: Option<BTreeMap<String, String>>,
    #[serde(default)]
    policy: Option<Value>,
}

impl TryFrom<RawGatewrightParameters> for GatewrightParameters {
    type Error = BadText;

    fn try_from(raw: RawGatewrightParameters) -> Result<Self, BadText> {
        let meta = raw.metadata.namespaced()?;
        let RawSpec { settings, policy } = raw.spec.unwrap_or_default();
        let settings = settings.unwrap_or_default();
        let digest = digest_of(&(&settings, &policy));
        Ok(Self { meta, settings, policy, cut_at: None, digest })
    }
}

impl GatewrightParameters {
    /// The same, of which these parts could not be read.
    pub(super) fn without(mut self, faults: &[Fault]) -> Self {
        self.cut_at = vital_part(faults);
        self.digest = digest_of(&(self.digest, &self.cut_at));
        self
    }
}
