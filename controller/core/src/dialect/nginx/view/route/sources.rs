//! Which addresses may ask.

use crate::model::SourceRanges;
use serde::Serialize;

/// What `route/sources.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct SourcesView {
    denied: Vec<String>,
    allowed: Vec<String>,
}

impl SourcesView {
    pub(super) fn new(sources: &SourceRanges) -> Self {
        let texts = |ranges: &[ipnet::IpNet]| ranges.iter().map(|range| range.trunc().to_string()).collect();
        Self { denied: texts(&sources.denied), allowed: texts(&sources.allowed) }
    }
}
