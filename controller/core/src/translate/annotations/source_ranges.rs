//! `allowlist-source-range` and `denylist-source-range`: which addresses may ask.

use super::{Feature, Given, Key, OnBadValue, Policies, Risk, Scope, Tier, Value};
use crate::model::SourceRanges;
use crate::settings::Lost;

const NEWER: &str = "allowlist-source-range";
const OLDER: &str = "whitelist-source-range";

pub(super) const FEATURE: Feature = Feature {
    name: "Addresses of clients",
    keys: &[
        Key::new(NEWER, Value::Cidrs, Scope::Route, "Only clients of these addresses may ask; others get 403.")
            .ranked(Tier::A, Risk::Medium)
            .configured("whitelist-source-range", "")
            .on_bad_value(OnBadValue::CloseRoute),
        Key::new(OLDER, Value::Cidrs, Scope::Route, "The older name of `allowlist-source-range`, which comes first.")
            .ranked(Tier::A, Risk::Medium)
            .configured("whitelist-source-range", "")
            .on_bad_value(OnBadValue::CloseRoute),
        Key::new("denylist-source-range", Value::Cidrs, Scope::Route, "Clients of these addresses get 403.")
            .ranked(Tier::A, Risk::Medium)
            .configured("denylist-source-range", "")
            .on_bad_value(OnBadValue::CloseRoute),
    ],
    apply,
};

fn apply(given: &mut Given<'_>, policies: &mut Policies) {
    let before = policies.route.sources.clone().unwrap_or_default();
    let name = name_that_counts(given);
    let [allowed, denied] = [list(given, name, name == NEWER), list(given, "denylist-source-range", true)];
    let lost = policies.lost;
    policies.lost = Lost { allowed: lost.allowed && allowed.is_none(), denied: lost.denied && denied.is_none(), ..lost };
    let (allowed, denied) = (allowed.unwrap_or(before.allowed), denied.unwrap_or(before.denied));
    let sources = SourceRanges { denied, allowed };
    policies.route().sources = (sources != SourceRanges::default()).then_some(sources);
}

/// Of the two names the newer one, unless only the older one says something. An empty list is a mistake under the newer
/// name, and nothing under the older.
fn name_that_counts(given: &Given<'_>) -> &'static str {
    match (given.text(NEWER), given.text(OLDER)) {
        (Some(_), _) => NEWER,
        (None, Some(_)) => OLDER,
        (None, None) if given.has(NEWER) => NEWER,
        (None, None) => OLDER,
    }
}

/// The addresses; an empty list is a mistake where it is `strict`.
fn list(given: &mut Given<'_>, name: &'static str, strict: bool) -> Option<Vec<ipnet::IpNet>> {
    let ranges = given.networks(name);
    let is_empty = ranges.as_ref().map_or_else(|| given.text(name).is_none(), Vec::is_empty);
    if given.has(name) && is_empty && (strict || ranges.is_some()) && !given.is_bad(name) {
        given.refuse(name, "an empty list is for nobody", "name addresses such as 10.0.0.0/8, or remove it");
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::super::testing::{problems, read};

    fn lists(pairs: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
        let sources = read(pairs).route.sources.clone().unwrap_or_default();
        let texts = |ranges: &[ipnet::IpNet]| ranges.iter().map(ToString::to_string).collect();
        (texts(&sources.allowed), texts(&sources.denied))
    }

    #[test]
    fn lists_reach_the_route_and_the_newer_name_comes_first() {
        let old = ("whitelist-source-range", "18.0.0.1/8");
        assert_eq!(lists(&[old]).0, ["18.0.0.0/8"]);
        assert_eq!(lists(&[old, ("allowlist-source-range", "10.0.0.1")]).0, ["10.0.0.1/32"]);
        assert_eq!(lists(&[("denylist-source-range", "::1, 18.1.0.0/16")]).1, ["18.1.0.0/16", "::1/128"]);
        assert_eq!(lists(&[old, ("allowlist-source-range", "")]).0, ["18.0.0.0/8"], "an empty one gives way to the older name");
    }

    #[test]
    fn a_list_that_cannot_be_read_closes_the_route() {
        for pair in [
            ("allowlist-source-range", "not-an-ip"),
            ("allowlist-source-range", ""),
            ("allowlist-source-range", " , "),
            ("whitelist-source-range", "10.0.0.0/8;"),
            ("denylist-source-range", ""),
            ("denylist-source-range", "10.0.0.0/33"),
        ] {
            assert!(read(&[pair]).closed, "{pair:?}");
            assert_eq!(problems(&[pair]).len(), 1, "{pair:?}");
        }
        assert!(!read(&[("whitelist-source-range", "")]).closed, "an empty old name means nothing");
    }
}
