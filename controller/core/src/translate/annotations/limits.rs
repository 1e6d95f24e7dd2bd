//! `limit-rps` and its kin: how much one client may ask for.

use super::{Feature, Given, Key, OnBadValue, Policies, Risk, Scope, Tier, Value};
use crate::model::{Bandwidth, ClientLimits, Period, RequestRate};

/// Larger numbers limit nothing, and what proxies count with has an end.
const HIGHEST: u64 = 1_000_000;

pub(super) const FEATURE: Feature = Feature {
    name: "Limits for each client",
    keys: &[
        Key::new(
            "limit-rps",
            Value::Integer,
            Scope::Ingress,
            "Requests per second of one client address, for all routes of the Ingress together; 0: no limit.",
        )
        .refused_when_bad()
        .on_bad_value(OnBadValue::CloseRoute),
        Key::new("limit-rpm", Value::Integer, Scope::Ingress, "The same per minute; both may be set, and both count.")
            .refused_when_bad()
            .on_bad_value(OnBadValue::CloseRoute),
        Key::new(
            "limit-connections",
            Value::Integer,
            Scope::Ingress,
            "Requests of one client address at once, for all routes of the Ingress together; 0: no limit.",
        )
        .refused_when_bad()
        .on_bad_value(OnBadValue::CloseRoute),
        Key::new(
            "limit-burst-multiplier",
            Value::Integer,
            Scope::Ingress,
            "How many times the rate a client may be ahead of it; such requests are not delayed.",
        )
        .default("5"),
        Key::new("limit-allowlist", Value::Cidrs, Scope::Ingress, "Clients for which the three limits do not hold.").refused_when_bad(),
        Key::new("limit-whitelist", Value::Cidrs, Scope::Ingress, "The old name of `limit-allowlist`, which counts when both are there.")
            .refused_when_bad(),
        Key::new("limit-rate", Value::Integer, Scope::Route, "KiB per second of one answer; 0: no limit.")
            .ranked(Tier::B, Risk::Low)
            .configured("limit-rate", "0"),
        Key::new("limit-rate-after", Value::Integer, Scope::Route, "KiB of an answer that are sent at full speed first.")
            .ranked(Tier::C, Risk::Low)
            .configured("limit-rate-after", "0"),
    ],
    apply,
};

fn apply(given: &mut Given<'_>, policies: &mut Policies) {
    let multiplier = multiplier(given);
    let mut rates = Vec::new();
    for (name, period) in [("limit-rps", Period::Second), ("limit-rpm", Period::Minute)] {
        if let Some(requests) = limit(given, name) {
            rates.push(RequestRate { requests, period, burst: requests.saturating_mul(multiplier).min(HIGHEST) });
        }
    }
    let connections = limit(given, "limit-connections");
    let exempt = exempt(given);
    if !rates.is_empty() || connections.is_some() {
        policies.route().limits = Some(ClientLimits { rates, connections, exempt });
    }
    let kib = |given: &mut Given<'_>, name| given.integer(name).map(|number| u64::try_from(number).unwrap_or(0));
    let bandwidth = Bandwidth { rate_kib: kib(given, "limit-rate"), after_kib: kib(given, "limit-rate-after") };
    if bandwidth.rate_kib.is_some() || bandwidth.after_kib.is_some() {
        policies.route().bandwidth = Some(bandwidth);
    }
}

/// 0 and less: none, as it was in ingress-nginx.
fn limit(given: &mut Given<'_>, name: &'static str) -> Option<u64> {
    let number = given.integer(name)?;
    match u64::try_from(number) {
        Ok(number) => Some(number.min(HIGHEST)).filter(|number| *number > 0),
        Err(_) => {
            given.note(name, format_args!("{number} is negative, which means no limit"), "use 1 or more, or 0 for no limit");
            None
        }
    }
}

fn multiplier(given: &mut Given<'_>) -> u64 {
    const USUAL: u64 = 5;
    let Some(number) = given.integer("limit-burst-multiplier") else { return USUAL };
    u64::try_from(number).map(|number| number.min(HIGHEST)).unwrap_or_else(|_| {
        given.refuse("limit-burst-multiplier", format_args!("{number} is negative"), "use 0 or more");
        USUAL
    })
}

fn exempt(given: &mut Given<'_>) -> Vec<ipnet::IpNet> {
    let name = if given.text("limit-allowlist").is_some() { "limit-allowlist" } else { "limit-whitelist" };
    given.networks(name).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{problems, read};
    use super::*;

    #[test]
    fn rates_have_a_burst() {
        let limits = |pairs: &[(&str, &str)]| read(pairs).route.limits.clone();
        let rate = |requests, period, burst| RequestRate { requests, period, burst };
        assert_eq!(limits(&[("limit-rps", "1")]).unwrap().rates, [rate(1, Period::Second, 5)]);
        let both = limits(&[("limit-rps", "3"), ("limit-rpm", "60"), ("limit-burst-multiplier", "2"), ("limit-connections", "8")]).unwrap();
        assert_eq!(both.rates, [rate(3, Period::Second, 6), rate(60, Period::Minute, 120)]);
        assert_eq!(both.connections, Some(8));
        assert_eq!(
            limits(&[("limit-rps", "99999999999999"), ("limit-burst-multiplier", "0")]).unwrap().rates,
            [rate(HIGHEST, Period::Second, 0)]
        );
        assert_eq!(limits(&[("limit-rps", "0"), ("limit-connections", "0"), ("limit-allowlist", "::1")]), None);
    }

    #[test]
    fn the_newer_name_of_the_exemption_counts() {
        let exempt = |pairs: &[(&str, &str)]| read(&[&[("limit-rps", "1")], pairs].concat()).route.limits.clone().unwrap().exempt.len();
        assert_eq!(exempt(&[("limit-whitelist", "10.0.0.0/8")]), 1);
        assert_eq!(exempt(&[("limit-whitelist", "10.0.0.0/8"), ("limit-allowlist", "::1,10.0.0.1")]), 2);
        assert_eq!(exempt(&[("limit-whitelist", "10.0.0.0/8"), ("limit-allowlist", "")]), 1);
    }

    #[test]
    fn a_limit_that_cannot_be_read_closes_and_an_exemption_exempts_nobody() {
        for name in ["limit-rps", "limit-rpm", "limit-connections"] {
            assert!(read(&[(name, "ten")]).closed, "{name}");
            assert_eq!(problems(&[(name, "1.5")]), [format!("{name}: \"1.5\" is not a whole number (route answers 503)")]);
            assert!(!read(&[(name, "-1")]).closed, "{name}");
            assert_eq!(problems(&[(name, "-1")]), [format!("{name}: -1 is negative, which means no limit (served)")]);
        }
        let given = [("limit-rps", "1"), ("limit-allowlist", "10.0.0.0/8 1; include /x; ::/0"), ("limit-burst-multiplier", "-1")];
        let policies = read(&given);
        assert!(policies.route.limits.clone().is_some_and(|limits| limits.exempt.is_empty() && limits.rates[0].burst == 5));
        assert_eq!(problems(&given).len(), 2);
    }

    #[test]
    fn bandwidth_is_in_kib() {
        let bandwidth = |pairs: &[(&str, &str)]| read(pairs).route.bandwidth.clone();
        assert_eq!(
            bandwidth(&[("limit-rate", "10"), ("limit-rate-after", "-1")]),
            Some(Bandwidth { rate_kib: Some(10), after_kib: Some(0) })
        );
        assert_eq!(bandwidth(&[("limit-rate", "10k")]), None);
    }
}
