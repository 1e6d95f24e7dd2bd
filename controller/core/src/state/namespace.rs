//! Namespaces, of which only the labels are used.

use super::meta::{Meta, RawMeta};
use crate::model::digest_of;
use crate::names::BadText;
use serde::Deserialize;

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
struct RawNamespace {
    metadata: RawMeta,
}

impl TryFrom<RawNamespace> for Namespace {
    type Error = BadText;

    fn try_from(raw: RawNamespace) -> Result<Self, BadText> {
        let meta = raw.metadata.cluster_scoped()?;
        let digest = digest_of(&meta.labels);
        Ok(Self { meta, digest })
    }
}
