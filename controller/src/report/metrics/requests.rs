//! Metrics of requests, counted from what the proxy tells of each one.
//!
//! ```text
//! proxy ──a datagram each──▶ listen ──▶ report (pure) ──▶ series ──▶ /metrics
//! ```
//!
//! Labels are those of the routes that are live, never a word of a client: hosts that are not configured are told on
//! demand only, and only so many.

mod bounds;
mod histogram;
mod listen;
mod report;
mod series;

pub(crate) use listen::{ListenError, listen};

use crate::args::RequestMetrics;
use bounds::{is_host_name, method, status};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use report::Report;
use series::{Key, Labels, Series};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(super) use series::SeriesCollector;

/// Most series, so that memory has a bound.
const MOST_SERIES: usize = 100_000;

/// Most hosts that are not configured and told all the same.
const MOST_UNDEFINED_HOSTS: usize = 1_000;

/// What a series is called by, as the live route says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct RouteLabels<'a> {
    /// The host as the Ingress writes it; `_` for all others.
    pub(crate) host: &'a str,
    /// Of the Ingress; empty, as its name, for what nobody asked for.
    pub(crate) namespace: &'a str,
    /// The Ingress.
    pub(crate) ingress: &'a str,
    /// The Service that its rule names.
    pub(crate) service: &'a str,
    /// The path as the rule writes it.
    pub(crate) path: &'a str,
    /// The backend of the canary, for requests that went there.
    pub(crate) canary: &'a str,
}

/// What a route is known by: equal for routes whose labels are equal as they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct RouteId(u128);

/// The routes that may be told.
#[derive(Debug, Clone, Default)]
pub(crate) struct KnownRoutes(Arc<HashSet<RouteId>>);

impl FromIterator<RouteId> for KnownRoutes {
    fn from_iter<I: IntoIterator<Item = RouteId>>(routes: I) -> Self {
        Self(Arc::new(routes.into_iter().collect()))
    }
}

/// Counts requests.
#[derive(Debug)]
pub(crate) struct Requests {
    wish: RequestMetrics,
    counts: Mutex<Counts>,
    dropped: Family<[(&'static str, &'static str); 1], Counter>,
}

#[derive(Debug, Default)]
struct Counts {
    live: KnownRoutes,
    /// Those of the revision that is on its way: its first requests are told before it is known to be live.
    coming: KnownRoutes,
    series: HashMap<Key, Series>,
    undefined_hosts: HashSet<Arc<str>>,
}

impl Requests {
    pub(crate) fn new(wish: RequestMetrics) -> Self {
        Self { wish, counts: Mutex::default(), dropped: Family::default() }
    }

    /// These routes are on their way.
    pub(crate) fn coming(&self, routes: KnownRoutes) {
        self.counts().coming = routes;
    }

    /// Those on their way are live. Series of others end.
    pub(crate) fn live(&self) {
        let counts = &mut *self.counts();
        counts.live = std::mem::take(&mut counts.coming);
        counts.series.retain(|key, _| counts.live.0.contains(&key.route));
        counts.undefined_hosts = counts.series.keys().filter_map(|key| key.undefined_host.clone()).collect();
    }

    /// Reports that were not counted, by reason.
    pub(super) const fn dropped(&self) -> &Family<[(&'static str, &'static str); 1], Counter> {
        &self.dropped
    }

    /// Counts the request that a datagram tells of.
    fn take(&self, datagram: &[u8]) {
        let counted = Report::read(datagram).ok_or("malformed").and_then(|report| self.count(&report));
        if let Err(reason) = counted {
            self.dropped.get_or_create(&[("reason", reason)]).inc();
        }
    }

    fn count(&self, report: &Report<'_>) -> Result<(), &'static str> {
        let status = status(&report.status, self.wish.status_classes).ok_or("malformed")?;
        let route = self.id(report.route());
        let counts = &mut *self.counts();
        if !counts.live.0.contains(&route) && !counts.coming.0.contains(&route) {
            return Err("unknown");
        }
        let is_undefined = self.wish.per_host && &*report.pattern == "_";
        if is_undefined && !self.wish.per_undefined_host && report.ingress.is_empty() {
            return Ok(());
        }
        let undefined_host = (is_undefined && self.wish.per_undefined_host).then(|| counts.undefined(&report.host)).transpose()?;
        let key = Key { route, status, method: method(&report.method), undefined_host };
        if counts.series.len() >= MOST_SERIES && !counts.series.contains_key(&key) {
            return Err("too-many-series");
        }
        let host = self.wish.per_host.then(|| key.undefined_host.as_deref().unwrap_or(&report.pattern).to_owned());
        let series = counts.series.entry(key).or_insert_with(|| Series::new(Labels::new(report.route(), host), &self.wish));
        series.add(report, &self.wish);
        Ok(())
    }

    /// What a route is known by.
    pub(crate) fn id(&self, labels: RouteLabels<'_>) -> RouteId {
        /// No text has this byte.
        const END: u8 = 0xff;
        let RouteLabels { host, namespace, ingress, service, path, canary } = labels;
        let host = if self.wish.per_host { host } else { "" };
        let mut shown = Vec::with_capacity(128);
        for label in [host, namespace, ingress, service, path, canary] {
            shown.extend_from_slice(label.as_bytes());
            shown.push(END);
        }
        RouteId(xxhash_rust::xxh3::xxh3_128(&shown))
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn undefined(&mut self, host: &str) -> Result<Arc<str>, &'static str> {
        if let Some(known) = self.undefined_hosts.get(host) {
            return Ok(Arc::clone(known));
        }
        if !is_host_name(host) {
            return Err("not-a-host");
        }
        if self.undefined_hosts.len() >= MOST_UNDEFINED_HOSTS {
            return Err("too-many-hosts");
        }
        let host: Arc<str> = host.into();
        self.undefined_hosts.insert(Arc::clone(&host));
        Ok(host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::encoding::text::encode;
    use prometheus_client::registry::Registry;

    const FRONT: RouteLabels<'_> =
        RouteLabels { host: "a.test", namespace: "shop", ingress: "front", service: "cart", path: "/x", canary: "" };
    const FALLBACK: RouteLabels<'_> = RouteLabels { host: "_", namespace: "", ingress: "", service: "", path: "/", canary: "" };

    fn requests(change: impl FnOnce(&mut RequestMetrics)) -> Arc<Requests> {
        let mut wish = RequestMetrics::default();
        change(&mut wish);
        let requests = Arc::new(Requests::new(wish));
        serve(&requests, &[FRONT, FALLBACK]);
        requests
    }

    fn serve(requests: &Requests, routes: &[RouteLabels<'_>]) {
        requests.coming(routes.iter().map(|labels| requests.id(*labels)).collect());
        requests.live();
    }

    fn tell(requests: &Requests, labels: RouteLabels<'_>, method: &str, status: &str, host: &str) {
        let fields = [
            status,
            method,
            labels.path,
            labels.namespace,
            labels.ingress,
            labels.service,
            labels.canary,
            labels.host,
            host,
            "0.020",
            "77",
            "300",
            "0.001",
            "",
            "0.007, 0.008",
        ];
        requests.take(format!("<190>Nov 28 23:12:30 gatewright: {}", serde_json::to_string(&fields).unwrap()).as_bytes());
    }

    fn shown(requests: &Arc<Requests>) -> Vec<String> {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(SeriesCollector(Arc::clone(requests))));
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    }

    fn counted(requests: &Arc<Requests>) -> Vec<String> {
        let prefix = "nginx_ingress_controller_requests";
        let mut lines: Vec<String> = shown(requests).iter().filter_map(|line| line.strip_prefix(prefix).map(str::to_owned)).collect();
        lines.sort();
        lines
    }

    fn dropped(requests: &Requests, reason: &'static str) -> u64 {
        requests.dropped.get_or_create(&[("reason", reason)]).get()
    }

    #[test]
    fn met_3_a_request_is_counted_under_the_labels_of_its_route() {
        let requests = requests(|_| {});
        tell(&requests, FRONT, "GET", "200", "a.test");
        tell(&requests, FRONT, "GET", "200", "a.test");
        let labels = r#"status="200",method="GET",path="/x",namespace="shop",ingress="front",service="cart",canary="",host="a.test""#;
        assert_eq!(counted(&requests), [format!("{{{labels}}} 2")]);
        let lines = shown(&requests);
        for line in [
            format!("nginx_ingress_controller_request_duration_seconds_bucket{{le=\"0.01\",{labels}}} 0"),
            format!("nginx_ingress_controller_request_duration_seconds_bucket{{le=\"0.025\",{labels}}} 2"),
            format!("nginx_ingress_controller_request_size_sum{{{labels}}} 154.0"),
            format!("nginx_ingress_controller_connect_duration_seconds_count{{{labels}}} 2"),
            format!("nginx_ingress_controller_header_duration_seconds_count{{{labels}}} 0"),
            format!("nginx_ingress_controller_response_duration_seconds_count{{{labels}}} 0"),
            format!("nginx_ingress_controller_bytes_sent_bucket{{le=\"1000.0\",{labels}}} 2"),
        ] {
            assert!(lines.contains(&line), "{line}: {lines:#?}");
        }
    }

    #[test]
    fn met_1_excluded_metrics_are_absent() {
        let requests = requests(|wish| wish.excluded = ["requests".to_owned(), "bytes_sent".to_owned()].into());
        tell(&requests, FRONT, "GET", "200", "a.test");
        let lines = shown(&requests);
        assert!(!lines.iter().any(|line| line.contains("controller_requests") || line.contains("bytes_sent")), "{lines:#?}");
        assert!(lines.iter().any(|line| line.contains("response_size_sum")), "{lines:#?}");
    }

    #[test]
    fn met_2_hosts_that_are_not_configured_are_told_on_demand_only_and_not_without_end() {
        let without = requests(|_| {});
        tell(&without, FALLBACK, "GET", "404", "other.test");
        assert!(counted(&without).is_empty());
        let with = requests(|wish| wish.per_undefined_host = true);
        tell(&with, FALLBACK, "GET", "404", "other.test");
        assert!(counted(&with)[0].contains(r#"host="other.test""#), "{:?}", counted(&with));
        tell(&with, FALLBACK, "GET", "404", "no host");
        assert_eq!(dropped(&with, "not-a-host"), 1);
        (0..MOST_UNDEFINED_HOSTS).for_each(|n| tell(&with, FALLBACK, "GET", "404", &format!("h{n}.test")));
        assert_eq!((counted(&with).len(), dropped(&with, "too-many-hosts")), (MOST_UNDEFINED_HOSTS, 1));
    }

    #[test]
    fn met_4_series_end_with_their_route() {
        let requests = requests(|_| {});
        tell(&requests, FRONT, "GET", "200", "a.test");
        serve(&requests, &[FALLBACK]);
        assert!(shown(&requests).is_empty());
        tell(&requests, FRONT, "GET", "200", "a.test");
        assert!(shown(&requests).is_empty(), "the last requests of a worker that drains come later");
        assert_eq!(dropped(&requests, "unknown"), 1);
    }

    #[test]
    fn a_route_is_told_before_it_is_known_to_be_live() {
        let requests = requests(|_| {});
        let new = RouteLabels { path: "/new", ..FRONT };
        requests.coming([requests.id(new)].into_iter().collect());
        tell(&requests, new, "GET", "200", "a.test");
        tell(&requests, FRONT, "GET", "200", "a.test");
        assert_eq!(counted(&requests).len(), 2);
        requests.live();
        assert_eq!(counted(&requests).len(), 1);
    }

    #[test]
    fn without_hosts_routes_of_equal_labels_share_a_series() {
        let requests = requests(|wish| wish.per_host = false);
        let other = RouteLabels { host: "b.test", ..FRONT };
        serve(&requests, &[FRONT, other, FALLBACK]);
        for labels in [FRONT, other, FALLBACK] {
            tell(&requests, labels, "GET", "200", "a.test");
        }
        let lines = counted(&requests);
        assert!(lines.len() == 2 && lines.iter().all(|line| !line.contains("host=")), "{lines:?}");
        assert!(lines.iter().any(|line| line.contains("front") && line.ends_with(" 2")), "{lines:?}");
    }

    #[test]
    fn clients_and_endpoints_cannot_invent_labels() {
        let requests = requests(|_| {});
        for (method, status) in [("BREW", "299"), ("MAKE", "298")] {
            tell(&requests, FRONT, method, status, "a.test");
        }
        let lines = counted(&requests);
        assert!(lines.len() == 1 && lines[0].starts_with(r#"{status="2xx",method="OTHER","#), "{lines:?}");
    }

    #[test]
    fn what_is_no_report_is_counted_and_dropped() {
        let requests = requests(|_| {});
        for datagram in [&b""[..], b"gatewright: [", b"\xff\xfe", b"<190>x gatewright: [\"200\"]", b"<190>x gatewright: {}"] {
            requests.take(datagram);
        }
        tell(&requests, FRONT, "GET", "2e2", "a.test");
        assert_eq!(dropped(&requests, "malformed"), 6);
    }
}
