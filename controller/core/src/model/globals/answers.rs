//! What answers are like: errors, compression, speed.

use crate::names::{TextRegex, VariableText};

/// Error answers that the default backend writes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CustomErrors {
    /// Status codes, 300 to 599, sorted.
    pub statuses: Vec<u16>,
    /// Errors that a backend answers itself are replaced too.
    pub intercept_upstream: bool,
}

/// A media type such as `text/html`: a type and a subtype of letters, digits, `.`, `+`, `-` and `_`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MediaType(String);

impl MediaType {
    /// Checks and keeps a media type; `None` for what is none.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let token = |text: &str| (1..=100).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".+-_".contains(&b));
        let (kind, subtype) = text.split_once('/')?;
        (token(kind) && token(subtype)).then(|| Self(text.to_owned()))
    }

    /// The media type.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for MediaType {
    fn default() -> Self {
        Self("text/html".to_owned())
    }
}

/// How responses are compressed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Compression {
    /// 1, the fastest, to 9, the smallest.
    pub level: u64,
    /// Shorter answers are sent as they are, in bytes.
    pub min_bytes: u64,
    /// Types that are compressed beside `text/html`, sorted; empty: every type.
    pub types: Vec<MediaType>,
    /// Clients whose `User-Agent` is like this get answers as they are.
    pub excepted_agents: Option<TextRegex>,
}

impl Default for Compression {
    fn default() -> Self {
        const TYPES: &[&str] = &[
            "application/atom+xml",
            "application/javascript",
            "application/json",
            "application/rss+xml",
            "application/vnd.ms-fontobject",
            "application/x-font-ttf",
            "application/x-javascript",
            "application/x-web-app-manifest+json",
            "application/xhtml+xml",
            "application/xml",
            "font/opentype",
            "image/svg+xml",
            "image/x-icon",
            "text/css",
            "text/javascript",
            "text/plain",
            "text/x-component",
        ];
        let types = TYPES.iter().filter_map(|text| MediaType::new(text)).collect();
        Self { level: 1, min_bytes: 256, types, excepted_agents: None }
    }
}

/// What the limits of routes answer, and how fast answers are sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Status of requests above a limit of requests: 400 to 599.
    pub request_status: u16,
    /// Status of requests above a limit of connections: 400 to 599.
    pub connection_status: u16,
    /// Kilobytes per second that an answer is sent with; 0: as fast as it goes.
    pub rate_kib: u64,
    /// Kilobytes that are sent as fast as it goes before.
    pub rate_after_kib: u64,
    /// What clients are told apart by; `None`, and where it is empty: their addresses. It has no variables about the Ingress, for
    /// each has its own counters anyway, and none that is known only with the answer.
    pub key: Option<VariableText>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { request_status: 503, connection_status: 503, rate_kib: 0, rate_after_kib: 0, key: None }
    }
}
