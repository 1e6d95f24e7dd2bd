//! `canary` and its kin: an Ingress that takes some of the requests of another one.

use super::{Class, Feature, Given, Key, OnBadValue, Policies, Risk, Scope, Tier, Value};
use crate::model::{CanaryHeader, CanaryHeaderTest, CanaryRules};
use crate::names::{HeaderName, TextRegex, shown};
use std::sync::Arc;

pub(super) const FEATURE: Feature = Feature {
    name: "Canary",
    keys: &[
        Key::new(
            "canary",
            Value::Bool,
            Scope::Ingress,
            "Makes the Ingress a canary: its backends get some of the requests for the same hosts and paths of other Ingresses.",
        )
        .default("false"),
        Key::new(
            "canary-by-header",
            Value::Text(Class::Basic),
            Scope::Ingress,
            "Name of a header that decides: `always` sends the request to the canary, `never` does not.",
        )
        .ranked(Tier::A, Risk::Medium),
        Key::new(
            "canary-by-header-value",
            Value::Text(Class::Printable),
            Scope::Ingress,
            "The one value of the header that sends a request to the canary.",
        )
        .ranked(Tier::A, Risk::Medium),
        Key::new(
            "canary-by-header-pattern",
            Value::Text(Class::Regex),
            Scope::Ingress,
            "A regular expression for values of the header that send a request to the canary.",
        )
        .ranked(Tier::A, Risk::Medium),
        Key::new(
            "canary-by-cookie",
            Value::Text(Class::Basic),
            Scope::Ingress,
            "Name of a cookie that decides: `always` sends the request to the canary, `never` does not.",
        )
        .ranked(Tier::A, Risk::Medium),
        Key::new("canary-weight", Value::Integer, Scope::Ingress, "How many of `canary-weight-total` other requests go to the canary.")
            .default("0"),
        Key::new("canary-weight-total", Value::Integer, Scope::Ingress, "What `canary-weight` is a part of; at least 100.")
            .ranked(Tier::B, Risk::Low)
            .default("100"),
        Key::new(
            "affinity-canary-behavior",
            Value::Word(&["sticky", "legacy"]),
            Scope::Ingress,
            "`sticky` keeps a client with a session at the canary once it was sent there, `legacy` does not.",
        )
        .ranked(Tier::B, Risk::Low)
        .default("sticky"),
    ],
    apply,
};

/// A lower total counts as this one: `annotations` canary-weight-total.
const LEAST_TOTAL: u64 = 100;
/// What would do about a weight that is too large.
const HELP: &str = "lower it, or set canary-weight-total";
/// Of the name of a cookie, in bytes. What is longer could be too long for a proxy, which would be held against the Ingress
/// that has the routes.
const LONGEST_NAME: usize = 255;
/// Of the value of a header.
const LONGEST_VALUE: usize = 1000;

fn apply(given: &mut Given<'_>, policies: &mut Policies) {
    let is_canary = given.bool("canary").unwrap_or(false);
    // Without the rules of a canary it would take all the requests that another Ingress is for.
    if given.text("canary").is_some_and(|text| text.starts_with(['[', '{'])) {
        given.weigh(OnBadValue::SkipIngress, "");
    }
    let header = header(given);
    let cookie = given.short_of_class("canary-by-cookie", Class::Basic, LONGEST_NAME).map(str::to_owned);
    let total = given.integer_in("canary-weight-total", 1, i64::MAX).unwrap_or(0).unsigned_abs().max(LEAST_TOTAL);
    let weight = given.integer_in("canary-weight", 0, i64::MAX).unwrap_or(0).unsigned_abs();
    if is_canary && weight > total {
        given.note("canary-weight", format_args!("{weight} is more than all, which is {total}; every request goes to the canary"), HELP);
    }
    let weight = weight.min(total);
    let is_sticky = given.word("affinity-canary-behavior", &[("sticky", true), ("legacy", false)]).unwrap_or(true);
    if is_canary {
        policies.canary = Some(Arc::new(CanaryRules { header, cookie, weight, total, is_sticky }));
    }
}

fn header(given: &mut Given<'_>) -> Option<CanaryHeader> {
    let value = given.short_of_class("canary-by-header-value", Class::Printable, LONGEST_VALUE);
    let pattern = given.of_class("canary-by-header-pattern", Class::Regex);
    let name = given.parsed("canary-by-header", HeaderName::new)?;
    let test = match (value, pattern) {
        (Some(value), _) => CanaryHeaderTest::Value(value.to_owned()),
        (None, None) => CanaryHeaderTest::Words,
        (None, Some(pattern)) => match TextRegex::new(pattern) {
            Ok(regex) => CanaryHeaderTest::Pattern(regex),
            Err(bad) => {
                let message = format!("{bad}; requests with the header {} do not go to the canary", shown(name.as_str()));
                given.refuse("canary-by-header-pattern", message, "mend the expression");
                CanaryHeaderTest::Never
            }
        },
    };
    Some(CanaryHeader { name, test })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{problems, read, read_with};
    use super::*;
    use crate::settings::Settings;

    fn rules(pairs: &[(&str, &str)]) -> Arc<CanaryRules> {
        let all: Vec<_> = pairs.iter().copied().chain([("canary", "true")]).collect();
        read(&all).canary.expect("a canary")
    }

    #[test]
    fn only_true_makes_a_canary() {
        assert!(read(&[("canary", "false"), ("canary-weight", "50")]).canary.is_none());
        assert!(read(&[("canary-by-header", "X-A")]).canary.is_none());
        let bare = rules(&[]);
        assert_eq!((bare.weight, bare.total, bare.is_sticky, &bare.header), (0, 100, true, &None));
    }

    #[test]
    fn what_is_no_word_at_all_is_left_out() {
        for value in ["[true]", "{}", r#"{"a":true}"#] {
            let (policies, said) = read_with(&Settings::default(), &[("canary", value), ("canary-weight", "5")]);
            assert!(policies.is_none() && said.len() == 1 && said[0].ends_with("(object left out)"), "{value}: {said:?}");
        }
        assert!(problems(&[("canary", "yes")])[0].ends_with("(default kept)"));
    }

    #[test]
    fn weights_stay_in_their_bounds() {
        for (weight, total, want) in [("50", "", (50, 100)), ("-5", "", (0, 100)), ("200", "50", (100, 100)), ("100", "200", (100, 200))] {
            let rules = rules(&[("canary-weight", weight), ("canary-weight-total", total)]);
            assert_eq!((rules.weight, rules.total), want, "{weight} of {total}");
        }
    }

    #[test]
    fn a_weight_of_more_than_all_is_told() {
        let told = |weight: &str, total: &str| problems(&[("canary", "true"), ("canary-weight", weight), ("canary-weight-total", total)]);
        assert!(told("100", "100").is_empty() && told("150", "200").is_empty());
        let more = problems(&[("canary", "true"), ("canary-weight", "150")]);
        assert!(matches!(&more[..], [one] if one.contains("150 is more than all, which is 100")), "{more:?}");
        assert!(problems(&[("canary", "false"), ("canary-weight", "150")]).is_empty(), "it is none");
    }

    #[test]
    fn a_value_goes_before_a_pattern() {
        let test = |pairs: &[(&str, &str)]| {
            let all: Vec<_> = pairs.iter().copied().chain([("canary-by-header", "X-A")]).collect();
            rules(&all).header.clone().unwrap().test
        };
        assert_eq!(test(&[]), CanaryHeaderTest::Words);
        assert_eq!(test(&[("canary-by-header-value", "v"), ("canary-by-header-pattern", "p")]), CanaryHeaderTest::Value("v".to_owned()));
        assert_eq!(test(&[("canary-by-header-value", "~.* \"x\"")]), CanaryHeaderTest::Value("~.* \"x\"".to_owned()));
        assert!(matches!(test(&[("canary-by-header-pattern", "^a+$")]), CanaryHeaderTest::Pattern(_)));
        assert_eq!(test(&[("canary-by-header-pattern", "[")]), CanaryHeaderTest::Never);
        assert_eq!(rules(&[("canary-by-header-value", "v")]).header, None);
    }

    #[test]
    fn bad_values_are_said() {
        for (name, value) in [
            ("canary", "yes"),
            ("canary-by-header", "X A"),
            ("canary-by-header", "X/A"),
            ("canary-by-cookie", "a;b"),
            ("canary-by-cookie", &"c".repeat(256)),
            ("canary-by-header-value", &"v".repeat(1001)),
            ("canary-by-header-value", "a\nb"),
            ("canary-by-header-value", "größe"),
            ("canary-weight", "half"),
            ("canary-weight", "-1"),
            ("canary-weight-total", "0"),
            ("canary-weight-total", "1k"),
            ("affinity-canary-behavior", "none"),
        ] {
            let beside =
                [("affinity", "cookie"), ("canary", "true"), ("canary-by-header", "X-B")].into_iter().filter(|(other, _)| *other != name);
            assert_eq!(problems(&beside.chain([(name, value)]).collect::<Vec<_>>()).len(), 1, "{name}");
        }
        assert_eq!(problems(&[("canary", "true"), ("canary-by-header", "X-A"), ("canary-by-header-pattern", "(")]).len(), 1);
    }
}
