//! `/metrics`: the names and labels of ingress-nginx that dashboards use, and our own.

use crate::proxy::Took;
use gatewright_core::diagnostic::{Diagnostic, Severity};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// All metrics of the process.
///
/// Numbers that only grow are gauges where ingress-nginx has a counter without `_total`: the encoder would add that,
/// and dashboards ask for the bare names.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    success: Gauge,
    errors: Gauge,
    last_reload_successful: Gauge,
    last_reload_at: Gauge<f64, AtomicU64>,
    config_hash: Gauge<f64, AtomicU64>,
    revision: Gauge,
    quarantined: Gauge,
    leader: Gauge,
    stage_seconds: Histogram,
    check_seconds: Histogram,
    load_seconds: Histogram,
    make_seconds: Histogram,
    diagnostics: Family<[(&'static str, &'static str); 1], Gauge>,
}

impl Metrics {
    /// Metrics with the constant labels `controller_class`, `controller_namespace` and `controller_pod`.
    pub(crate) fn new(class: &str, namespace: &str, pod: &str) -> Self {
        let labels = [("controller_class", class), ("controller_namespace", namespace), ("controller_pod", pod)];
        let labels = labels.map(|(name, value)| (name.into(), value.to_owned().into()));
        let mut metrics = Self {
            registry: Registry::with_labels(labels.into_iter()),
            success: Gauge::default(),
            errors: Gauge::default(),
            last_reload_successful: Gauge::default(),
            last_reload_at: Gauge::default(),
            config_hash: Gauge::default(),
            revision: Gauge::default(),
            quarantined: Gauge::default(),
            leader: Gauge::default(),
            stage_seconds: Histogram::new(exponential_buckets(0.001, 2.0, 14)),
            check_seconds: Histogram::new(exponential_buckets(0.01, 2.0, 12)),
            load_seconds: Histogram::new(exponential_buckets(0.01, 2.0, 12)),
            make_seconds: Histogram::new(exponential_buckets(0.0005, 2.0, 14)),
            diagnostics: Family::default(),
        };
        metrics.register();
        let build = Family::<[(&'static str, &'static str); 1], Gauge>::default();
        build.get_or_create(&[("release", env!("CARGO_PKG_VERSION"))]).set(1);
        metrics.registry.register("nginx_ingress_controller_build_info", "Version of the controller", build);
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("nginx_ingress_controller_success", "Reloads that the proxy has taken", self.success.clone());
        registry.register("nginx_ingress_controller_errors", "Revisions that were refused or not taken", self.errors.clone());
        registry.register(
            "nginx_ingress_controller_config_last_reload_successful",
            "Whether the last revision is live",
            self.last_reload_successful.clone(),
        );
        registry.register(
            "nginx_ingress_controller_config_last_reload_successful_timestamp_seconds",
            "When a revision last went live",
            self.last_reload_at.clone(),
        );
        registry.register(
            "nginx_ingress_controller_config_hash",
            "Hash of the live files, of which a float holds the first digits",
            self.config_hash.clone(),
        );
        registry.register("nginx_ingress_controller_leader_election_status", "Whether this replica leads", self.leader.clone());
        registry.register("gatewright_revision", "Number of the live revision", self.revision.clone());
        registry.register("gatewright_quarantined_ingresses", "Ingresses that the proxy refused", self.quarantined.clone());
        registry.register("gatewright_stage_seconds", "Writing the files of a revision", self.stage_seconds.clone());
        registry.register("gatewright_check_seconds", "The proxy's own check of a revision", self.check_seconds.clone());
        registry.register("gatewright_load_seconds", "From the reload signal to the first new answer", self.load_seconds.clone());
        registry.register("gatewright_make_seconds", "From the change to rendered files", self.make_seconds.clone());
        registry.register("gatewright_diagnostics", "Findings about objects, by severity", self.diagnostics.clone());
    }

    /// A revision went live at this time (seconds since 1970).
    pub(crate) fn live(&self, revision: u64, digest: &str, now_s: f64) {
        self.last_reload_successful.set(1);
        self.last_reload_at.set(now_s);
        self.revision.set(i64::try_from(revision).unwrap_or(i64::MAX));
        const DIGITS: usize = 13;
        self.config_hash.set(u64::from_str_radix(digest.get(..DIGITS).unwrap_or("0"), 16).unwrap_or(0) as f64);
    }

    /// A revision was brought to the proxy, with these steps.
    pub(crate) fn brought(&self, took: Took) {
        self.success.inc_by(i64::from(took.load_ms.is_some()));
        let steps = [(&self.stage_seconds, took.stage_ms), (&self.check_seconds, took.check_ms), (&self.load_seconds, took.load_ms)];
        for (histogram, ms) in steps {
            ms.into_iter().for_each(|ms| histogram.observe(Duration::from_millis(ms).as_secs_f64()));
        }
    }

    /// A revision did not go live.
    pub(crate) fn not_live(&self) {
        self.errors.inc();
        self.last_reload_successful.set(0);
    }

    /// Files were made in this time.
    pub(crate) fn made(&self, took: Duration, quarantined: usize) {
        self.make_seconds.observe(took.as_secs_f64());
        self.quarantined.set(i64::try_from(quarantined).unwrap_or(i64::MAX));
    }

    /// Whether this replica leads.
    pub(crate) fn leader(&self, leads: bool) {
        self.leader.set(leads.into());
    }

    /// The text of all metrics.
    pub(super) fn text(&self, diagnostics: &[Diagnostic]) -> String {
        for (name, severity) in [("error", Severity::Error), ("warning", Severity::Warning), ("note", Severity::Note)] {
            let count = diagnostics.iter().filter(|d| d.severity == severity).count();
            self.diagnostics.get_or_create(&[("severity", name)]).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to a String cannot fail");
        text
    }
}
