//! What is counted of requests, and how.

use super::Check;
use crate::args::typed::Run;
use gatewright_core::names::shown;
use std::collections::BTreeSet;

/// What is counted of requests. The defaults are those of ingress-nginx.
#[derive(Debug, Clone)]
pub(crate) struct RequestMetrics {
    /// `--metrics-per-host`: with a label `host`.
    pub(crate) per_host: bool,
    /// `--metrics-per-undefined-host`: also for hosts that are not configured.
    pub(crate) per_undefined_host: bool,
    /// `--report-status-classes`: `2xx` in place of the code.
    pub(crate) status_classes: bool,
    /// `--exclude-socket-metrics`: names without prefix.
    pub(crate) excluded: BTreeSet<String>,
    /// `--time-buckets`, in seconds, rising.
    pub(crate) time_buckets: Vec<f64>,
    /// `--length-buckets`, in bytes, rising.
    pub(crate) length_buckets: Vec<f64>,
    /// `--size-buckets`, in bytes, rising.
    pub(crate) size_buckets: Vec<f64>,
}

impl Default for RequestMetrics {
    fn default() -> Self {
        Self {
            per_host: true,
            per_undefined_host: false,
            status_classes: false,
            excluded: BTreeSet::new(),
            time_buckets: vec![0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0],
            length_buckets: vec![10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 100.0],
            size_buckets: vec![10.0, 100.0, 1e3, 1e4, 1e5, 1e6, 1e7],
        }
    }
}

impl Check<'_> {
    /// `None`: requests are not counted.
    pub(super) fn request_metrics(&mut self, run: &Run) -> Option<RequestMetrics> {
        const PREFIX: &str = "nginx_ingress_controller_";
        let switches = &run.counting;
        if switches.metrics_per_undefined_host && !switches.metrics_per_host {
            self.wrong("--metrics-per-undefined-host cannot be given without --metrics-per-host".to_owned());
        }
        let excluded = run.exclude_socket_metrics.as_deref().unwrap_or_default().split(',').map(str::trim);
        let defaults = RequestMetrics::default();
        let wish = RequestMetrics {
            per_host: switches.metrics_per_host,
            per_undefined_host: switches.metrics_per_undefined_host,
            status_classes: switches.report_status_classes,
            excluded: excluded.map(|name| name.strip_prefix(PREFIX).unwrap_or(name).to_owned()).collect(),
            time_buckets: self.buckets("time-buckets", run.time_buckets.as_deref(), defaults.time_buckets),
            length_buckets: self.buckets("length-buckets", run.length_buckets.as_deref(), defaults.length_buckets),
            size_buckets: self.buckets("size-buckets", run.size_buckets.as_deref(), defaults.size_buckets),
        };
        run.content.metrics.enable_metrics.then_some(wish)
    }

    fn buckets(&mut self, flag: &str, text: Option<&str>, default: Vec<f64>) -> Vec<f64> {
        const MOST: usize = 100;
        let Some(text) = text else { return default };
        let numbers: Option<Vec<f64>> = text.split(',').map(|item| item.trim().parse().ok().filter(|n: &f64| n.is_finite())).collect();
        let rising = numbers.filter(|numbers| numbers.len() <= MOST && numbers.is_sorted_by(|a, b| a < b));
        let wrong = || format!("{} is no list of rising numbers; use one such as 0.1,1,10, of at most {MOST}", shown(text));
        self.said(flag, rising.ok_or_else(wrong)).unwrap_or_default()
    }
}
