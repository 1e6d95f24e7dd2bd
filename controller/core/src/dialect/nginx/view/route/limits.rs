//! How much one client may ask for.
//!
//! Routes share zones: one for each rate, and one for connections. What is counted there is the client together with the
//! Ingress, so that each Ingress has counters of its own.

use crate::dialect::nginx::expression::Expression;
use crate::model::{Bandwidth, ClientLimits, Feature, Model, Period, RequestRate, Route, digest_of};
use ipnet::IpNet;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What `route/limits.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct LimitsView {
    /// What is counted: empty for clients without limits.
    key: Expression,
    rates: Vec<RateView>,
    connections: Option<ConnectionsView>,
    /// Other statuses than the usual ones.
    request_status: Option<u16>,
    connection_status: Option<u16>,
}

#[derive(Debug, Serialize)]
struct RateView {
    /// `zone=requests_1_per_second`
    zone: String,
    /// `burst=5`
    burst: Option<String>,
}

#[derive(Debug, Serialize)]
struct ConnectionsView {
    zone: &'static str,
    number: u64,
}

/// Name of the zone for connections.
const CONNECTIONS: &str = "connections";

impl LimitsView {
    /// `None`: there are no limits. `has_key`: clients are told apart by something else than their addresses.
    pub(super) fn new(route: &Route, has_key: bool) -> Option<Self> {
        let limits = route.policy.limits.as_ref()?;
        let extra = route.policy.extra.as_deref();
        let rates = limits.rates.iter().map(|rate| RateView { zone: format!("zone={}", zone_of(*rate)), burst: burst(*rate) });
        Some(Self {
            key: if limits.exempt.is_empty() { counted(route, has_key) } else { Expression::variable(&key_variable(route, limits)) },
            rates: rates.collect(),
            request_status: extra.and_then(|extra| extra.request_limit_status),
            connection_status: extra.and_then(|extra| extra.connection_limit_status),
            connections: limits.connections.map(|number| ConnectionsView { zone: CONNECTIONS, number: number.clamp(1, 65_535) }),
        })
    }
}

fn burst(rate: RequestRate) -> Option<String> {
    (rate.burst > 0).then(|| format!("burst={}", rate.burst.min(1_000_000)))
}

fn zone_of(rate: RequestRate) -> String {
    let period = match rate.period {
        Period::Second => "second",
        Period::Minute => "minute",
    };
    format!("requests_{}_per_{period}", rate.requests.clamp(1, 1_000_000))
}

/// What is counted for a route: the client together with the Ingress.
fn counted(route: &Route, has_key: bool) -> Expression {
    let client = if has_key { CLIENT } else { ADDRESS };
    Expression::literal(&format!("{:032x} ", digest_of(&route.origin))).and_variable(client)
}

/// The address of the client.
const ADDRESS: &str = "client_address";
/// What the client is told apart by, where that is something else.
const CLIENT: &str = "limit_key";

/// The variable that holds what is counted for a route with exemptions.
fn key_variable(route: &Route, limits: &ClientLimits) -> String {
    format!("limited_{:032x}", digest_of(&(&route.origin, &limits.exempt)))
}

/// What `limits.tera` sees: zones, and what is counted in them.
#[derive(Debug, Serialize)]
pub(in crate::dialect::nginx::view) struct ZonesView {
    /// What clients are told apart by; `None`: their addresses.
    client: Option<Expression>,
    /// One for each rate.
    rates: Vec<ZoneView>,
    connections: Option<String>,
    keys: Vec<KeyView>,
    exemptions: Vec<ExemptionView>,
}

#[derive(Debug, Serialize)]
struct ZoneView {
    /// `zone=requests_1_per_second:5m`
    zone: String,
    /// `rate=1r/s`
    rate: String,
}

/// What is counted for the routes of an Ingress with exemptions.
#[derive(Debug, Serialize)]
struct KeyView {
    variable: Expression,
    /// Clients of which the variable says 1 are not counted.
    exempt: Expression,
    value: Expression,
}

/// Clients without limits.
#[derive(Debug, Serialize)]
struct ExemptionView {
    variable: Expression,
    networks: Vec<String>,
}

impl ZonesView {
    /// `None`: nobody is limited.
    pub(in crate::dialect::nginx::view) fn new(model: &Model) -> Option<Self> {
        let mut rates = BTreeMap::new();
        let (mut any, mut connections) = (false, false);
        let mut keys = BTreeMap::new();
        let mut exemptions: BTreeSet<&[IpNet]> = BTreeSet::new();
        for route in model.hosts.having(Feature::Limits).flat_map(|host| &host.routes) {
            let Some(limits) = &route.policy.limits else { continue };
            rates.extend(limits.rates.iter().map(|rate| (zone_of(*rate), *rate)));
            (any, connections) = (true, connections || limits.connections.is_some());
            if !limits.exempt.is_empty() {
                keys.entry(key_variable(route, limits)).or_insert((route, limits));
                exemptions.insert(&limits.exempt);
            }
        }
        let client = model.globals.limits.key.as_ref().map(Expression::of);
        let has_key = client.is_some();
        any.then(|| Self {
            client,
            rates: rates.iter().map(|(zone, rate)| ZoneView::new(zone, *rate)).collect(),
            connections: connections.then(|| format!("zone={CONNECTIONS}:5m")),
            keys: keys.iter().map(|(variable, (route, limits))| KeyView::new(variable, route, limits, has_key)).collect(),
            exemptions: exemptions.into_iter().map(ExemptionView::new).collect(),
        })
    }
}

impl ZoneView {
    fn new(zone: &str, rate: RequestRate) -> Self {
        let unit = match rate.period {
            Period::Second => "s",
            Period::Minute => "m",
        };
        Self { zone: format!("zone={zone}:5m"), rate: format!("rate={}r/{unit}", rate.requests.clamp(1, 1_000_000)) }
    }
}

impl KeyView {
    fn new(variable: &str, route: &Route, limits: &ClientLimits, has_key: bool) -> Self {
        let exempt = Expression::variable(&exemption_variable(&limits.exempt));
        Self { variable: Expression::variable(variable), exempt, value: counted(route, has_key) }
    }
}

impl ExemptionView {
    fn new(networks: &[IpNet]) -> Self {
        let variable = Expression::variable(&exemption_variable(networks));
        let mut networks: Vec<_> = networks.iter().map(|network| network.trunc().to_string()).collect();
        networks.sort_unstable();
        networks.dedup();
        Self { variable, networks }
    }
}

fn exemption_variable(networks: &[IpNet]) -> String {
    format!("unlimited_{:032x}", digest_of(&networks))
}

/// What `route/limits.tera` sees of the speed of answers.
#[derive(Debug, Serialize)]
pub(super) struct BandwidthView {
    rate: Option<String>,
    after: Option<String>,
}

impl BandwidthView {
    pub(super) fn new(bandwidth: &Bandwidth) -> Self {
        let printed = |kib: Option<u64>| kib.map(|kib| format!("{}k", kib.min(1 << 30)));
        Self { rate: printed(bandwidth.rate_kib), after: printed(bandwidth.after_kib) }
    }
}
