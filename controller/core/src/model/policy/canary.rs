//! Requests that go to another backend than their route's.

use crate::model::BackendId;
use crate::names::{HeaderName, ObjectRef, TextRegex, shown};
use std::fmt;

/// The other backend of a route, and who goes there. [`Canary::backend`] is another one than the route's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Canary {
    /// The Ingress with the canary annotations.
    pub origin: ObjectRef,
    /// Where they go.
    pub backend: BackendId,
    /// Which requests go to the canary.
    pub rules: CanaryRules,
}

/// Who goes to the canary. In this order, the first that decides: the client's session cookie, header, cookie, chance.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CanaryRules {
    /// A header that decides, if any.
    pub header: Option<CanaryHeader>,
    /// Name of a cookie that decides by the values `always` and `never`; letters, digits and `-._~/:`.
    pub cookie: Option<String>,
    /// Of `total` requests that nothing else decides, this many go; at most `total`.
    pub weight: u64,
    /// At least 100.
    pub total: u64,
    /// A client once sent to the canary stays there, where its route's backend has [`Affinity`](super::Affinity).
    pub is_sticky: bool,
}

/// A header that decides.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CanaryHeader {
    /// Name of the header.
    pub name: HeaderName,
    /// What the values of the header decide.
    pub test: CanaryHeaderTest,
}

/// Which values of a header do what; others, or none, decide nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CanaryHeaderTest {
    /// `always`: to the canary. `never`: not.
    Words,
    /// This one, printable, with case: to the canary.
    Value(String),
    /// Those like this: to the canary.
    Pattern(TextRegex),
    /// Every value: not to the canary. What was asked for cannot be read.
    Never,
}

/// Which requests go where, for people: `10 of 100 requests to shop-new-80`.
impl fmt::Display for Canary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin: _, backend, rules } = self;
        let CanaryRules { header, cookie, weight, total, is_sticky } = rules;
        let header = header.as_ref().map(|CanaryHeader { name, test }| match test {
            CanaryHeaderTest::Words => format!("header {name}"),
            CanaryHeaderTest::Value(value) => format!("header {name}: {}", shown(value)),
            CanaryHeaderTest::Pattern(pattern) => format!("header {name} like {}", shown(&pattern.to_string())),
            CanaryHeaderTest::Never => format!("header {name}, which never decides for it"),
        });
        let cookie = cookie.as_ref().map(|name| format!("cookie {}", shown(name)));
        let chance = (*weight > 0).then(|| format!("{weight} of {total} requests"));
        let who: Vec<String> = [header, cookie, chance].into_iter().flatten().collect();
        let who = if who.is_empty() { "no requests".to_owned() } else { who.join(", ") };
        write!(f, "{who} to {}{}", backend.service_port(), if *is_sticky { "" } else { ", not sticky" })
    }
}
