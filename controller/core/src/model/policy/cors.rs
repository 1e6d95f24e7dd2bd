//! What pages of other origins may do.

use crate::names::{HeaderValue, Origin};

/// Cross-origin resource sharing. To allowed origins every answer has these headers, in place of the endpoint's, and an
/// `OPTIONS` request of theirs is answered with 204.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cors {
    /// The origins that are allowed.
    pub origins: Origins,
    /// `Access-Control-Allow-Methods`.
    pub methods: HeaderValue,
    /// `Access-Control-Allow-Headers`.
    pub headers: HeaderValue,
    /// `Access-Control-Expose-Headers`, if it is sent.
    pub exposed: Option<HeaderValue>,
    /// `Access-Control-Allow-Credentials: true` is sent.
    pub credentials: bool,
    /// `Access-Control-Max-Age` in seconds; a negative one forbids that answers are kept.
    pub max_age_s: i64,
}

/// Origins that are allowed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Origins {
    /// Every one, and requests without an origin; the answer says `*`.
    Any,
    /// These; sorted, not empty. The answer repeats the origin.
    These(Vec<Origin>),
}
