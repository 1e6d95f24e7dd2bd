//! Rare features of hosts and backends, on which more than their own part of the files depends.

/// Something that a dialect or a check looks for in hosts and backends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature {
    /// A host has further names.
    Aliases,
    /// A host matches paths by expressions.
    Expressions,
    /// A proxy may not know whether one of its expressions matches.
    UnsureExpressions,
    /// A host sends some requests elsewhere.
    Canary,
    /// A host limits clients.
    Limits,
    /// A host has a service decide about requests.
    ExternalAuth,
    /// A host sends requests a second time.
    Mirror,
    /// A host has what snippets ask for.
    Snippets,
    /// A host has headers of answers of its own.
    ResponseHeaders,
    /// A host has error pages of its own.
    ErrorPages,
    /// A host has to do with certificates of clients.
    ClientAuth,
    /// A host has ciphers of its own, or their order.
    HostTls,
    /// Something is asked for a backend.
    BackendPolicy,
    /// A backend has no endpoints.
    Vacant,
}

impl Feature {
    /// How many features there are.
    pub const ALL: usize = Self::Vacant as usize + 1;
}

/// A set of [`Feature`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Features(u16);

impl Features {
    /// The set with `feature` added if `is_there`.
    #[must_use]
    pub const fn with(self, feature: Feature, is_there: bool) -> Self {
        Self(self.0 | (is_there as u16) << feature as u16)
    }

    /// Whether a feature is in the set.
    #[must_use]
    pub const fn has(self, feature: Feature) -> bool {
        self.number(feature as usize) == 1
    }

    /// 1 if the feature at this place is in the set, else 0.
    pub(super) const fn number(self, feature: usize) -> usize {
        (self.0 >> feature & 1) as usize
    }
}
