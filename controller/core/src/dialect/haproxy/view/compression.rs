//! How answers are compressed.

use crate::dialect::Version;
use crate::dialect::haproxy::lacks::COMPRESSES_BY_LENGTH;
use crate::model::{Compression, MediaType};
use crate::names::TextRegex;
use serde::Serialize;
use std::borrow::Cow;

/// How answers are compressed.
#[derive(Debug, Serialize)]
pub(super) struct GzipView<'m> {
    /// Shorter answers are sent as they are; `None`: this version does not look at that.
    min_bytes: Option<u64>,
    /// In lines of a bounded number; none: all.
    types: Vec<Vec<&'m str>>,
    /// Clients that get answers as they are.
    excepted_agents: Option<Cow<'m, str>>,
}

impl<'m> GzipView<'m> {
    pub(super) fn new(compression: &'m Compression, version: Version) -> Self {
        Self {
            min_bytes: shortest(compression.min_bytes, version),
            types: type_lines(&compression.types),
            excepted_agents: compression.excepted_agents.as_ref().map(TextRegex::bounded),
        }
    }
}

/// The shortest answer that is compressed; `None`: this version does not look at that.
pub(super) fn shortest(bytes: u64, version: Version) -> Option<u64> {
    Some(bytes.min(1 << 30)).filter(|_| version >= COMPRESSES_BY_LENGTH)
}

/// Types of answers that are compressed, with `text/html`; none: all.
pub(super) fn type_lines(types: &[MediaType]) -> Vec<Vec<&str>> {
    const TYPES: usize = 50;
    let html = "text/html";
    let others = types.iter().map(MediaType::as_str).filter(|&kind| kind != html);
    let types: Vec<&str> = if types.is_empty() { Vec::new() } else { std::iter::once(html).chain(others).collect() };
    types.chunks(TYPES).map(<[_]>::to_vec).collect()
}
