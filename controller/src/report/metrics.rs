//! `/metrics`: the names and labels of ingress-nginx that dashboards use, and our own.

mod exposition;
mod objects;
mod page;
mod processes;
mod requests;

pub(crate) use objects::{Objects, ServedCertificate, ServedIngress};
pub(crate) use processes::Processes;
pub(crate) use requests::{KnownRoutes, ListenError, Requests, RouteId, RouteLabels, listen};

use super::board::Written;
use crate::proxy::Took;
use gatewright_core::diagnostic::Severity;
use gatewright_core::names::ObjectName;
use objects::{Certificates, Orphans, Shown};
use page::Page;
use processes::ProcessCollector;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use requests::SeriesCollector;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// All metrics of the process.
///
/// Numbers that only grow are gauges here where ingress-nginx has a counter without `_total`: the encoder would add that.
/// [`exposition`] tells them as counters.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    /// Those without the constant labels.
    unlabelled: Registry,
    shown: Arc<Shown>,
    requests: Option<Arc<Requests>>,
    /// Set once the proxy is known.
    processes: Arc<OnceLock<Processes>>,
    /// The same, for a proxy that tells metrics of its own.
    page: OnceLock<Page>,
    success: Gauge,
    errors: Gauge,
    last_reload_successful: Gauge,
    last_reload_at: Gauge<f64, AtomicU64>,
    config_hash: Gauge<f64, AtomicU64>,
    revision: Gauge,
    quarantined: Gauge,
    leader: Family<[(&'static str, String); 1], Gauge>,
    election: String,
    stage_seconds: Histogram,
    check_seconds: Histogram,
    load_seconds: Histogram,
    make_seconds: Histogram,
    diagnostics: Family<[(&'static str, &'static str); 1], Gauge>,
    /// Ingresses that may be stored and those that may not, as the admission webhook has judged them.
    checks: [Family<[(&'static str, String); 2], Gauge>; 2],
    /// How many names those have; not told.
    checked_names: Gauge,
    check_seconds_last: Gauge<f64, AtomicU64>,
}

impl Metrics {
    /// Metrics with the constant labels `controller_class`, `controller_namespace` and `controller_pod`; `election` is the
    /// name of the Lease.
    pub(crate) fn new(class: &str, namespace: &str, pod: &str, election: &str) -> Self {
        let labels = [("controller_class", class), ("controller_namespace", namespace), ("controller_pod", pod)];
        let labels = labels.map(|(name, value)| (name.into(), value.to_owned().into()));
        let mut metrics = Self {
            registry: Registry::with_labels(labels.into_iter()),
            unlabelled: Registry::default(),
            shown: Arc::new(Shown::new(class)),
            requests: None,
            processes: Arc::default(),
            page: OnceLock::new(),
            success: Gauge::default(),
            errors: Gauge::default(),
            last_reload_successful: Gauge::default(),
            last_reload_at: Gauge::default(),
            config_hash: Gauge::default(),
            revision: Gauge::default(),
            quarantined: Gauge::default(),
            leader: Family::default(),
            election: election.to_owned(),
            stage_seconds: Histogram::new(exponential_buckets(0.001, 2.0, 14)),
            check_seconds: Histogram::new(exponential_buckets(0.01, 2.0, 12)),
            load_seconds: Histogram::new(exponential_buckets(0.01, 2.0, 12)),
            make_seconds: Histogram::new(exponential_buckets(0.0005, 2.0, 14)),
            diagnostics: Family::default(),
            checks: Default::default(),
            checked_names: Gauge::default(),
            check_seconds_last: Gauge::default(),
        };
        metrics.register();
        metrics.register_build();
        metrics.registry.register_collector(Box::new(Orphans(Arc::clone(&metrics.shown))));
        metrics.registry.register_collector(Box::new(ProcessCollector(Arc::clone(&metrics.processes))));
        metrics.unlabelled.register_collector(Box::new(Certificates(Arc::clone(&metrics.shown))));
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
        let [success, errors] = &self.checks;
        registry.register("nginx_ingress_controller_check_success", "Ingresses that may be stored", success.clone());
        registry.register("nginx_ingress_controller_check_errors", "Ingresses that may not be stored", errors.clone());
        let help = "How long the last judgement of an Ingress took, in seconds";
        registry.register("nginx_ingress_controller_admission_tested_duration", help, self.check_seconds_last.clone());
        registry.register("gatewright_diagnostics", "Findings about objects, by severity", self.diagnostics.clone());
    }

    fn register_build(&mut self) {
        let build = Family::<[(&'static str, &'static str); 3], Gauge>::default();
        let labels = [
            ("release", env!("CARGO_PKG_VERSION")),
            ("build", option_env!("GATEWRIGHT_BUILD").unwrap_or_default()),
            ("repository", env!("CARGO_PKG_REPOSITORY")),
        ];
        build.get_or_create(&labels).set(1);
        self.registry.register("nginx_ingress_controller_build_info", "Version of the controller", build);
    }

    /// Shows what is counted of requests.
    pub(crate) fn show_requests(&mut self, requests: &Arc<Requests>) {
        self.registry.register_collector(Box::new(SeriesCollector(Arc::clone(requests))));
        self.registry.register("gatewright_dropped_request_reports", "Reports that were not counted", requests.dropped().clone());
        self.requests = Some(Arc::clone(requests));
    }

    /// From now on, these processes are looked at.
    pub(crate) fn show_processes(&self, processes: Processes) {
        self.processes.set(processes).expect("there is one proxy");
    }

    /// From now on, what the proxy tells at this target of its private port is told, too.
    pub(crate) fn show_page(&self, port: u16, target: &'static str) {
        self.page.set(Page::new(port, target)).expect("there is one proxy");
    }

    /// Looks at what is to be looked at when somebody asks.
    pub(super) async fn look(&self) {
        if let Some(page) = self.page.get() {
            page.look().await;
        }
        if let Some(processes) = self.processes.get() {
            processes.look().await;
        }
    }

    /// What is counted of requests, if anything is.
    pub(crate) fn requests(&self) -> Option<&Requests> {
        self.requests.as_deref()
    }

    /// A revision went live at this time (seconds since 1970).
    pub(crate) fn live(&self, revision: u64, digest: &str, now_s: f64) {
        if let Some(requests) = &self.requests {
            requests.live();
        }
        self.last_reload_successful.set(1);
        self.last_reload_at.set(now_s);
        self.revision.set(i64::try_from(revision).unwrap_or(i64::MAX));
        const DIGITS: usize = 13;
        self.config_hash.set(u64::from_str_radix(digest.get(..DIGITS).unwrap_or("0"), 16).unwrap_or(0) as f64);
    }

    /// What the live revision serves.
    pub(crate) fn serves(&self, objects: Objects) {
        self.shown.set(objects);
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

    /// The admission webhook has judged an Ingress. Whoever may create Ingresses chooses the names, so not all are kept.
    pub(crate) fn judged(&self, name: &ObjectName, is_refused: bool, took: Duration) {
        const MOST: i64 = 10_000;
        self.check_seconds_last.set(took.as_secs_f64());
        let labels = [("namespace", name.namespace().to_owned()), ("ingress", name.name().to_owned())];
        let checks = &self.checks[usize::from(is_refused)];
        if checks.get(&labels).is_some() || self.checked_names.inc() < MOST {
            checks.get_or_create(&labels).inc();
        }
    }

    /// Files were made in this time.
    pub(crate) fn made(&self, took: Duration, quarantined: usize) {
        self.make_seconds.observe(took.as_secs_f64());
        self.quarantined.set(i64::try_from(quarantined).unwrap_or(i64::MAX));
    }

    /// Whether this replica leads.
    pub(crate) fn leader(&self, leads: bool) {
        self.leader.get_or_create(&[("name", self.election.clone())]).set(leads.into());
        self.shown.lead(leads);
    }

    /// What [`Metrics::text`] is.
    pub(super) const CONTENT_TYPE: &str = exposition::CONTENT_TYPE;

    /// The text of all metrics.
    pub(super) fn text(&self, findings: &[Written]) -> String {
        for (name, severity) in [("error", Severity::Error), ("warning", Severity::Warning), ("note", Severity::Note)] {
            let count = findings.iter().filter(|finding| finding.diagnostic.severity == severity).count();
            self.diagnostics.get_or_create(&[("severity", name)]).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        let mut text = String::new();
        let write = |text: &mut String| {
            encode_registry(text, &self.registry)?;
            encode_registry(text, &self.unlabelled)?;
            encode_eof(text)
        };
        write(&mut text).expect("writing to a String cannot fail");
        let own = exposition::of_openmetrics(&text);
        match self.page.get() {
            Some(page) => own + &page.seen(),
            None => own,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gatewright_core::state::Leaf;

    fn objects() -> Objects {
        let leaf = Leaf {
            not_after_s: 2_000_000_000,
            serial: "258".to_owned(),
            issuer_serial: String::new(),
            issuer_organization: "Org".to_owned(),
            issuer_common_name: "Name".to_owned(),
            public_key_algorithm: "RSA".to_owned(),
        };
        let name = |name| ObjectName::new("shop", name).unwrap();
        Objects {
            ingresses: vec![ServedIngress { name: name("front"), lacks_service: true, lacks_endpoint: false }],
            certificates: vec![ServedCertificate { host: "a.test".to_owned(), secret: Some(name("tls")), leaf: Arc::new(leaf) }],
        }
    }

    #[test]
    fn ingresses_that_lead_nowhere_are_told() {
        let metrics = Metrics::new("c", "n", "p", "e");
        metrics.serves(objects());
        let text = metrics.text(&[]);
        for (kind, value) in [("no-service", 1), ("no-endpoint", 0)] {
            let line = format!(r#"namespace="shop",ingress="front",type="{kind}"}} {value}"#);
            let found = text.lines().find(|text| text.starts_with("nginx_ingress_controller_orphan_ingress{") && text.ends_with(&line));
            assert!(found.is_some_and(|found| found.contains(r#"controller_class="c""#)), "{line}: {text}");
        }
    }

    #[test]
    fn judged_ingresses_are_counted_by_name_and_not_without_end() {
        let metrics = Metrics::new("c", "n", "p", "e");
        for n in (0..12_000).chain([7]) {
            metrics.judged(&ObjectName::new("shop", &format!("i{n}")).unwrap(), n % 2 == 1, Duration::from_millis(2));
        }
        let text = metrics.text(&[]);
        let count = |name: &str| text.lines().filter(|line| line.starts_with(&format!("nginx_ingress_controller_{name}{{"))).count();
        assert_eq!((count("check_success"), count("check_errors")), (5000, 5000), "of 12 000");
        assert!(text.contains("# TYPE nginx_ingress_controller_check_errors counter\n"));
        assert!(text.lines().any(|line| line.starts_with("nginx_ingress_controller_check_errors{") && line.ends_with("ingress=\"i7\"} 2")));
    }

    #[test]
    fn certificates_are_told_by_the_leader_only_and_without_the_constant_labels() {
        let metrics = Metrics::new("c", "n", "p", "e");
        metrics.serves(objects());
        assert!(!metrics.text(&[]).contains("ssl_"));
        metrics.leader(true);
        let text = metrics.text(&[]);
        let labels = r#"namespace="shop",class="c",host="a.test",secret_name="tls",identifier="-258""#;
        assert!(text.contains(&format!("nginx_ingress_controller_ssl_expire_time_seconds{{{labels}}} 2000000000\n")), "{text}");
        let more = r#"issuer_organization="Org",issuer_common_name="Name",serial_number="258",public_key_algorithm="RSA""#;
        assert!(text.contains(&format!("nginx_ingress_controller_ssl_certificate_info{{{labels},{more}}} 1\n")), "{text}");
        let leads = r#"nginx_ingress_controller_leader_election_status{controller_class="c",controller_namespace="n",controller_pod="p",name="e"} 1"#;
        assert!(text.contains(leads), "{text}");
        assert!(
            text.contains("# TYPE nginx_ingress_controller_success counter\n")
                && text.contains(r#"build_info{"#)
                && text.contains(r#"repository=""#),
            "{text}"
        );
    }
}
