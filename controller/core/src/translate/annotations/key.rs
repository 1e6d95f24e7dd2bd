//! What is known of an annotation before anybody reads one: how it is documented, and what a bad value does.

use super::Value;
use std::fmt;

/// One annotation.
#[derive(Debug)]
pub struct Key {
    /// Name, without the prefix.
    pub name: &'static str,
    /// What may be written.
    pub value: Value,
    /// What the annotation acts on.
    pub scope: Scope,
    /// How widely it is used.
    pub tier: Tier,
    /// How much harm it could do in a wrong hand, as ingress-nginx ranks it.
    pub risk: Risk,
    /// What holds without it; empty: nothing.
    pub default: &'static str,
    /// Key of the main ConfigMap that sets the default; empty: none does.
    pub config_key: &'static str,
    /// What a value that cannot be used does.
    pub on_bad_value: OnBadValue,
    /// At admission, a value that cannot be used is a reason to refuse the Ingress (code R of the contract). Where the
    /// default holds, all others are taken with a warning, as by ingress-nginx.
    pub is_refused: bool,
    /// One sentence: what it does.
    pub doc: &'static str,
}

impl Key {
    /// An annotation of tier A and low risk without default, whose bad values are left out.
    #[must_use]
    pub const fn new(name: &'static str, value: Value, scope: Scope, doc: &'static str) -> Self {
        let (tier, risk, on_bad_value) = (Tier::A, Risk::Low, OnBadValue::KeepDefault);
        Self { name, value, scope, tier, risk, default: "", config_key: "", on_bad_value, is_refused: false, doc }
    }

    /// The key with another tier and risk.
    #[must_use]
    pub const fn ranked(mut self, tier: Tier, risk: Risk) -> Self {
        (self.tier, self.risk) = (tier, risk);
        self
    }

    /// The key with a fixed default.
    #[must_use]
    pub const fn default(mut self, default: &'static str) -> Self {
        self.default = default;
        self
    }

    /// The key with a default that a key of the main ConfigMap may change.
    #[must_use]
    pub const fn configured(mut self, config_key: &'static str, default: &'static str) -> Self {
        (self.config_key, self.default) = (config_key, default);
        self
    }

    /// The key with another answer to bad values.
    #[must_use]
    pub const fn on_bad_value(mut self, on_bad_value: OnBadValue) -> Self {
        self.on_bad_value = on_bad_value;
        self
    }

    /// The key, with bad values refused at admission.
    #[must_use]
    pub const fn refused_when_bad(mut self) -> Self {
        self.is_refused = true;
        self
    }
}

/// What an annotation acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Every route of its Ingress, by itself.
    Route,
    /// The whole of every host of its Ingress, and so the routes of other Ingresses as well.
    Host,
    /// The Ingress as one, such as a counter that its routes share.
    Ingress,
    /// How the backends of its Ingress are talked to.
    Backend,
}

/// How widely an annotation is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// Everywhere.
    A,
    /// Often.
    B,
    /// Rarely.
    C,
}

impl Tier {
    /// All tiers.
    pub const ALL: [Self; 3] = [Self::A, Self::B, Self::C];
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
        })
    }
}

/// How much harm an annotation could do in a wrong hand, as ingress-nginx ranks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Risk {
    /// To the route itself.
    Low,
    /// To its backends.
    Medium,
    /// To other routes of the host.
    High,
    /// To the proxy.
    Critical,
}

/// What a value that cannot be used does. Each is what ingress-nginx does, or safer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OnBadValue {
    /// The default holds.
    KeepDefault,
    /// The feature is left out, whatever its other annotations say; it must not be a protection.
    DropFeature,
    /// The routes of the Ingress answer 503: a protection must not be lost by a typing mistake.
    CloseRoute,
    /// The Ingress is left out as a whole.
    SkipIngress,
}
