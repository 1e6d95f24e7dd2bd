//! Requests that are refused whatever they ask for.

use crate::model::Blocking;
use crate::names::TextPattern;
use serde::Serialize;

/// What `request.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct BlockingView {
    addresses: Vec<String>,
    /// Keys of maps.
    user_agents: Vec<String>,
    referers: Vec<String>,
    /// nginx may not know whether one of them matches, and then takes none of them.
    unsure: bool,
}

impl BlockingView {
    /// `None`: nothing is refused.
    pub(super) fn new(blocking: &Blocking) -> Option<Self> {
        (!blocking.is_empty()).then(|| Self {
            addresses: blocking.addresses.iter().map(ToString::to_string).collect(),
            user_agents: blocking.user_agents.iter().map(map_key).collect(),
            referers: blocking.referers.iter().map(map_key).collect(),
            unsure: blocking.user_agents.iter().chain(&blocking.referers).any(TextPattern::is_slow),
        })
    }
}

/// The key of a map from texts. Behind a backslash no text is a keyword.
pub(super) fn map_key(pattern: &TextPattern) -> String {
    match pattern {
        TextPattern::Exact(text) => format!("\\{text}"),
        TextPattern::Regex(regex) => format!("~{}", regex.bounded()),
        TextPattern::RegexIgnoringCase(regex) => format!("~*{}", regex.bounded()),
    }
}
