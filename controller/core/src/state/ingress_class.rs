//! IngressClasses: whose Ingresses they are, and with which parameters.

use super::fit::{Fault, vital_part};
use super::meta::{Meta, RawMeta};
use super::parameters::ClassParameters;
use crate::model::digest_of;
use crate::names::BadText;
use serde::Deserialize;

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
