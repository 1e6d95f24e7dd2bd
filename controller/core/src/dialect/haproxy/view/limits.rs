//! How much one client may ask for.
//!
//! All clients are counted in one table, each together with the Ingress. Its entries hold a moment for each period: when
//! the client will have made up for all that it asked for. That one lies in the future by as much as the client is ahead.

use super::addresses::lines;
use crate::dialect::Version;
use crate::dialect::haproxy::expression::Expression;
use crate::model::{Bandwidth, ClientLimits, Extra, Feature, Globals, Model, Period, RequestRate};
use serde::Serialize;

/// The first version that can send slowly.
const WITH_BANDWIDTH: Version = Version(2, 7, 0);

/// Whether answers can be sent slowly.
pub(in crate::dialect::haproxy) fn has_bandwidth(version: Version) -> bool {
    version >= WITH_BANDWIDTH
}

/// What `route/limits.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct LimitsView {
    /// What clients are told apart by; `None`: their addresses.
    client: Option<Expression>,
    /// Name of the Ingress and its client in the table.
    counted: Expression,
    /// Clients without limits, in lines of a bounded number.
    exempt: Vec<Vec<String>>,
    rates: Vec<RateView>,
    connections: Option<u64>,
    request_status: u16,
    request_page: String,
    connection_status: u16,
    connection_page: String,
}

/// One rate; times are in the unit that its moments are counted in.
#[derive(Debug, Serialize)]
struct RateView {
    /// Its place in the table.
    place: &'static str,
    unit: &'static str,
    /// What one request takes.
    interval: String,
    /// How far a client may be ahead.
    ahead: u64,
    /// Nobody is further ahead; such a moment is one of the last turn of the clock.
    farthest: u64,
}

impl LimitsView {
    /// `counted`: what tells Ingresses apart.
    pub(super) fn new(limits: &ClientLimits, counted: u128, extra: Option<&Extra>, globals: &Globals) -> Self {
        let requests = extra.and_then(|extra| extra.request_limit_status).unwrap_or(globals.limits.request_status).clamp(400, 599);
        let connections = extra.and_then(|extra| extra.connection_limit_status).unwrap_or(globals.limits.connection_status).clamp(400, 599);
        let client = globals.limits.key.as_ref().and_then(Expression::of).filter(|client| !client.is_empty());
        let fetch = if client.is_some() { "var(txn.limit_key)" } else { "src" };
        Self {
            client,
            counted: Expression::literal(&format!("{:016x} ", counted >> 64)).and_fetch(fetch),
            exempt: lines(&limits.exempt),
            rates: limits.rates.iter().map(|rate| RateView::new(*rate)).collect(),
            connections: limits.connections.map(|number| number.clamp(1, 1 << 20)),
            request_status: requests,
            request_page: super::section::page(requests),
            connection_status: connections,
            connection_page: super::section::page(connections),
        }
    }
}

impl RateView {
    fn new(rate: RequestRate) -> Self {
        /// The clock turns over after 2^31 units.
        const LONGEST: u64 = 1 << 30;
        let requests = rate.requests.clamp(1, 1_000_000);
        let (place, period_us) = match rate.period {
            Period::Second => ("0", 1_000_000),
            Period::Minute => ("1", 60_000_000),
        };
        let interval_us = (period_us / requests).max(1);
        let fits = interval_us.saturating_mul(rate.burst.saturating_add(1)) <= LONGEST;
        let (unit, interval) = if fits { ("us", interval_us) } else { ("ms", (interval_us / 1000).max(1)) };
        let ahead = interval.saturating_mul(rate.burst).min(LONGEST);
        Self { place, unit, interval: interval.to_string(), ahead, farthest: ahead + interval }
    }
}

/// How long an entry of the table counts, in seconds: as long as anybody can be ahead; `None`: nobody is limited.
pub(super) fn memory_s(model: &Model) -> Option<u64> {
    let seconds = |rate: &RequestRate| {
        let period = match rate.period {
            Period::Second => 1,
            Period::Minute => 60,
        };
        period * (rate.burst + 1).div_ceil(rate.requests.max(1))
    };
    let limits = model.hosts.having(Feature::Limits).flat_map(|host| &host.routes).filter_map(|route| route.policy.limits.as_ref());
    limits.map(|limits| limits.rates.iter().map(seconds).max().unwrap_or(0).saturating_add(10)).max()
}

/// Bytes per second of an answer; `None`: as fast as it goes.
pub(super) fn bandwidth(bandwidth: Option<&Bandwidth>, globals: &Globals, version: Version) -> Option<u64> {
    let kib = bandwidth.and_then(|bandwidth| bandwidth.rate_kib).unwrap_or(globals.limits.rate_kib);
    (kib > 0 && has_bandwidth(version)).then_some(kib.min(1 << 20) << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_counted_in_a_unit_that_can_hold_them() {
        let of = |requests, period, burst| {
            let view = RateView::new(RequestRate { requests, period, burst });
            (view.unit, view.interval.parse::<u64>().unwrap(), view.ahead)
        };
        assert_eq!(of(1, Period::Second, 5), ("us", 1_000_000, 5_000_000));
        assert_eq!(of(3, Period::Second, 15), ("us", 333_333, 4_999_995));
        assert_eq!(of(2, Period::Minute, 10), ("us", 30_000_000, 300_000_000));
        assert_eq!(of(1, Period::Minute, 1000), ("ms", 60_000, 60_000_000));
        assert_eq!(of(1_000_000, Period::Second, 1_000_000), ("us", 1, 1_000_000));
        assert_eq!(of(1, Period::Minute, u64::MAX).2, 1 << 30);
    }
}
