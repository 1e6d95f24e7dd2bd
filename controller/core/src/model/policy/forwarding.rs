//! How requests of a route are forwarded.

use crate::model::RetryPolicy;

/// When a request is tried on another endpoint; `None`: as the globals say.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Retries {
    /// Causes as [`RetryPolicy::causes`] has them, and whether requests with methods such as POST are tried again.
    pub causes: Option<(Vec<String>, bool)>,
    /// Endpoints tried in all; 0: no bound.
    pub tries: Option<u64>,
    /// Seconds in all; 0: no bound.
    pub timeout_s: Option<u64>,
}

impl Retries {
    /// These settings, with those of `other` where they say nothing.
    #[must_use]
    pub fn before(self, other: Self) -> Self {
        Self { causes: self.causes.or(other.causes), tries: self.tries.or(other.tries), timeout_s: self.timeout_s.or(other.timeout_s) }
    }

    /// What holds for a route, over what holds for all.
    #[must_use]
    pub fn over(&self, globals: &RetryPolicy) -> RetryPolicy {
        let (causes, non_idempotent) = self.causes.clone().unwrap_or_else(|| (globals.causes.clone(), false));
        RetryPolicy {
            causes,
            non_idempotent: non_idempotent || globals.non_idempotent,
            tries: self.tries.unwrap_or(globals.tries),
            timeout_s: self.timeout_s.unwrap_or(globals.timeout_s),
        }
    }
}

/// What becomes of `Location` in the answers of endpoints.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum LocationRewrite {
    /// Nothing.
    #[default]
    Off,
    /// One that begins with the first text begins with the second one instead: letters, digits, `-._~/:,?&=`.
    Replace(String, String),
}

/// What an endpoint is told about its connection, whatever the client wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ConnectionHeader {
    /// `close`.
    Close,
    /// `keep-alive`.
    KeepAlive,
}

impl ConnectionHeader {
    /// The value of the header.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Close => "close",
            Self::KeepAlive => "keep-alive",
        }
    }
}

/// What endpoints are spoken to in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protocol {
    /// HTTP over TLS.
    Https,
    /// HTTP, over TLS if the client's connection is.
    AutoHttp,
    /// gRPC.
    Grpc,
    /// gRPC over TLS.
    Grpcs,
    /// FastCGI.
    FastCgi,
}
