//! How requests of a route are forwarded.

use crate::model::RetryPolicy;

/// When a request is tried on another endpoint; `None`: as the globals say.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Retries {
    /// Why another endpoint is tried.
    pub causes: Option<RetryCauses>,
    /// Endpoints tried in all; 0: no bound.
    pub tries: Option<u64>,
    /// Seconds in all; 0: no bound.
    pub timeout_s: Option<u64>,
}

/// Why a request is tried on another endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RetryCauses {
    /// As [`RetryPolicy::causes`].
    pub causes: Vec<String>,
    /// Requests with methods such as POST are tried again as well.
    pub non_idempotent: bool,
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
        let own = self.causes.as_ref();
        RetryPolicy {
            causes: own.map_or(&globals.causes, |own| &own.causes).clone(),
            non_idempotent: globals.non_idempotent || own.is_some_and(|own| own.non_idempotent),
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
