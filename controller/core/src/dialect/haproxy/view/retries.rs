//! When requests are tried on another endpoint.

use crate::dialect::Version;
use crate::dialect::haproxy::lacks::RETRIES_429;
use crate::model::RetryPolicy;
use serde::Serialize;

/// No connection comes about.
const CONNECTION: &str = "conn-failure";

/// How often, and for which causes.
#[derive(Debug, Serialize)]
pub(super) struct RetriesView {
    retries: u64,
    causes: Vec<&'static str>,
}

impl RetriesView {
    /// `endpoints`: how many there are, where that is known.
    pub(super) fn new(policy: &RetryPolicy, version: Version, endpoints: Option<u64>) -> Self {
        Self { retries: retries(policy, endpoints), causes: causes(policy, version) }
    }

    /// How many connections are tried where none comes about.
    pub(super) fn connections(&self) -> u64 {
        if self.causes.contains(&CONNECTION) { self.retries + 1 } else { 1 }
    }
}

/// How often another endpoint is tried; without a bound, until each was tried once.
fn retries(policy: &RetryPolicy, endpoints: Option<u64>) -> u64 {
    const MOST: u64 = 10;
    match policy.tries {
        _ if policy.causes.iter().any(|cause| cause == "off") => 0,
        0 => endpoints.map_or(MOST, |endpoints| endpoints.saturating_sub(1)),
        tries => (tries - 1).min(MOST),
    }
}

/// HAProxy's words for the causes; what it has no word for is left out.
fn causes(policy: &RetryPolicy, version: Version) -> Vec<&'static str> {
    const WORDS: &[(&str, &[&str])] = &[
        ("error", &[CONNECTION, "empty-response"]),
        ("timeout", &[CONNECTION, "response-timeout"]),
        ("invalid_header", &["junk-response"]),
        ("http_403", &["403"]),
        ("http_404", &["404"]),
        ("http_429", &["429"]),
        ("http_500", &["500"]),
        ("http_502", &["502"]),
        ("http_503", &["503"]),
        ("http_504", &["504"]),
    ];
    let named = WORDS.iter().filter(|(cause, _)| policy.causes.iter().any(|given| given == cause));
    let known = named.filter(|(cause, _)| *cause != "http_429" || version >= RETRIES_429);
    let mut words: Vec<&str> = Vec::new();
    for word in known.flat_map(|(_, words)| words.iter()) {
        if !words.contains(word) {
            words.push(word);
        }
    }
    if words.is_empty() { vec!["none"] } else { words }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_causes_that_haproxy_knows_are_named() {
        let policy = |given: &[&str], tries| {
            let causes = given.iter().map(|&c| c.to_owned()).collect();
            RetryPolicy { causes, tries, ..RetryPolicy::default() }
        };
        let named = |given, version| causes(&policy(given, 1), version);
        let old = Version(2, 6, 0);
        assert_eq!(named(&["timeout", "error", "x; y"], old), ["conn-failure", "empty-response", "response-timeout"]);
        assert_eq!((named(&["http_429"], old), named(&["http_429"], RETRIES_429)), (vec!["none"], vec!["429"]));
        assert_eq!((named(&["off"], old), retries(&policy(&["off"], 3), Some(5))), (vec!["none"], 0));
        assert_eq!([0, 1, 3, u64::MAX].map(|tries| retries(&policy(&["error"], tries), Some(5))), [4, 0, 2, 10]);
        assert_eq!([Some(0), Some(1), None].map(|endpoints| retries(&policy(&["error"], 0), endpoints)), [0, 0, 10]);
    }
}
