//! Annotations that are numbers, sizes or times: how much of something is asked for, as their readers take it. Policies bound
//! them.

use super::{Key, Value, key};
use crate::settings::values::{bytes, seconds};
use crate::settings::{Limit, Policy};

/// Annotations of which a number that is not positive asks for more than any other.
const UNBOUNDED: &[&str] = &[
    "limit-connections",
    "limit-rate",
    "limit-rpm",
    "limit-rps",
    "proxy-body-size",
    "proxy-next-upstream-timeout",
    "proxy-next-upstream-tries",
];

/// What a value is as a number, in bytes or seconds; `None`: it is none, and its reader says so.
fn amount(key: &Key, text: &str) -> Option<i64> {
    match key.value {
        Value::Integer | Value::Seconds => text.parse().ok(),
        Value::Size => bytes(text).ok().and_then(|bytes| i64::try_from(bytes).ok()),
        _ => None,
    }
}

/// Whether the value of an annotation is above a limit.
pub(in crate::translate) fn exceeds(name: &str, text: &str, limit: &Limit) -> bool {
    key(name).and_then(|key| amount(key, text)).is_some_and(|amount| is_above(name, amount, limit))
}

/// The same of a number that is read already.
pub(super) fn is_above(name: &str, amount: i64, limit: &Limit) -> bool {
    let is_unbounded = amount <= 0 && UNBOUNDED.contains(&name);
    is_unbounded || u64::try_from(amount).is_ok_and(|amount| amount > limit.value)
}

/// The greatest value that a limit for an annotation means.
///
/// # Errors
/// When the annotation has none, or it cannot be read.
pub(in crate::translate) fn most(name: &str, text: &str) -> Result<u64, String> {
    let Some(key) = key(name) else { return Err(super::help_on_unknown(name)) };
    let is_time = matches!(key.value, Value::Seconds) || name.ends_with("-timeout");
    let read = match key.value {
        Value::Integer | Value::Seconds if is_time => seconds(text).map_err(|mistake| mistake.help),
        Value::Integer | Value::Seconds => text.parse().map_err(|_| "use a whole number without a unit"),
        Value::Size => bytes(text).map_err(|mistake| mistake.help),
        _ => return Err("it has no greatest value; deny it instead".to_owned()),
    };
    match read? {
        0 => Err("a limit of 0 would be none; deny the annotation instead".to_owned()),
        most => Ok(most),
    }
}

/// Cuts what a snippet asks for, in bytes, seconds or as a number, by the annotation that says the same; `say` is told of each,
/// and of the policy.
pub(super) fn cut<'p>(
    policies: &'p [Policy],
    wishes: Vec<(&'static str, &mut Option<u64>)>,
    mut say: impl FnMut(&'static str, &'p Limit, &'p Policy),
) {
    for (name, wish) in wishes {
        for policy in policies {
            let Some(limit) = policy.limits.get(name) else { continue };
            let amount = wish.map(|wish| i64::try_from(wish).unwrap_or(i64::MAX));
            if amount.is_some_and(|amount| is_above(name, amount, limit)) {
                say(name, limit, policy);
                if !policy.report_only {
                    *wish = Some(limit.value);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::FEATURES;
    use super::*;

    #[test]
    fn amounts_are_those_that_readers_take() {
        let limit = |value| Limit { text: "".into(), value };
        for (name, text, most, exceeds_it) in [
            ("proxy-read-timeout", "+600", 2, true),
            ("proxy-read-timeout", "2", 2, false),
            ("proxy-read-timeout", " 600", 2, false),
            ("limit-rps", "+100", 5, true),
            ("limit-rps", "-1", 5, true),
            ("limit-rps", "0", 5, true),
            ("limit-rate", "-5", 5, true),
            ("proxy-body-size", " 1M ", 1024, true),
            ("proxy-body-size", "0", 1024, true),
            ("proxy-max-temp-file-size", "0", 1024, false),
            ("canary-weight", "0", 20, false),
            ("session-cookie-max-age", "-1", 20, false),
            ("enable-cors", "9", 1, false),
        ] {
            assert_eq!(exceeds(name, text, &limit(most)), exceeds_it, "{name}: {text:?}");
        }
        assert!(UNBOUNDED.iter().all(|name| key(name).is_some()));
    }

    #[test]
    fn limits_are_read_as_the_annotation_is() {
        for (name, text, read) in [
            ("proxy-body-size", "1k", Some(1024)),
            ("proxy-read-timeout", "1h30m", Some(5400)),
            ("proxy-next-upstream-timeout", "1m", Some(60)),
            ("limit-rps", "5", Some(5)),
            ("limit-rps", "5k", None),
            ("limit-rps", "0", None),
            ("proxy-body-size", "0", None),
            ("proxy-body-siz", "1k", None),
            ("enable-cors", "1", None),
        ] {
            assert_eq!(most(name, text).ok(), read, "{name}: {text}");
        }
        let bounded = FEATURES.iter().flat_map(|feature| feature.keys).filter(|key| most(key.name, "7").is_ok());
        assert!(bounded.clone().all(|key| amount(key, "8") == Some(8)) && bounded.count() > 20);
    }
}
