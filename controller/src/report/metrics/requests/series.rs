//! The series of one combination of labels, and how all of them are shown.

use super::histogram::Histogram;
use super::report::{Report, number};
use super::{RequestMetrics, Requests, RouteId, RouteLabels};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, LabelSetEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// A histogram: its name, its help, its bounds, and where its numbers are in a report.
struct Metric {
    name: &'static str,
    help: &'static str,
    bounds: fn(&RequestMetrics) -> &[f64],
    value: for<'r> fn(&'r Report<'_>) -> &'r str,
}

const METRICS: [Metric; 7] = [
    Metric {
        name: "request_duration_seconds",
        help: "From the first byte of a request to the last one of its answer",
        bounds: |wish| &wish.time_buckets,
        value: |report| &report.request_time,
    },
    Metric {
        name: "response_duration_seconds",
        help: "Until the endpoint has sent its whole answer",
        bounds: |wish| &wish.time_buckets,
        value: |report| &report.response_time,
    },
    Metric {
        name: "header_duration_seconds",
        help: "Until the endpoint has sent the head of its answer",
        bounds: |wish| &wish.time_buckets,
        value: |report| &report.header_time,
    },
    Metric {
        name: "connect_duration_seconds",
        help: "Until the endpoint has taken the connection",
        bounds: |wish| &wish.time_buckets,
        value: |report| &report.connect_time,
    },
    Metric {
        name: "request_size",
        help: "Bytes of a request, its head included",
        bounds: |wish| &wish.length_buckets,
        value: |report| &report.request_length,
    },
    Metric {
        name: "response_size",
        help: "Bytes of an answer, its head included",
        bounds: |wish| &wish.length_buckets,
        value: |report| &report.bytes_sent,
    },
    Metric {
        name: "bytes_sent",
        help: "Bytes of an answer, its head included; use response_size",
        bounds: |wish| &wish.size_buckets,
        value: |report| &report.bytes_sent,
    },
];

/// What tells one series from another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// Hash of the labels of the route.
    pub(super) route: RouteId,
    pub(super) status: Cow<'static, str>,
    pub(super) method: &'static str,
    /// The host, where it is none of the route's.
    pub(super) undefined_host: Option<Arc<str>>,
}

/// The labels of a route, as they are shown.
#[derive(Debug)]
pub(super) struct Labels {
    path: Box<str>,
    namespace: Box<str>,
    ingress: Box<str>,
    service: Box<str>,
    canary: Box<str>,
    host: Option<String>,
}

impl Labels {
    pub(super) fn new(route: RouteLabels<'_>, host: Option<String>) -> Self {
        Self {
            path: route.path.into(),
            namespace: route.namespace.into(),
            ingress: route.ingress.into(),
            service: route.service.into(),
            canary: route.canary.into(),
            host,
        }
    }
}

/// All labels of a series.
struct Named<'a>(&'a Key, &'a Labels);

impl EncodeLabelSet for Named<'_> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        let Self(key, labels) = self;
        let common: [(&str, &str); 7] = [
            ("status", &key.status),
            ("method", key.method),
            ("path", &labels.path),
            ("namespace", &labels.namespace),
            ("ingress", &labels.ingress),
            ("service", &labels.service),
            ("canary", &labels.canary),
        ];
        common.encode(encoder)?;
        labels.host.iter().map(|host| ("host", host.as_str())).collect::<Vec<_>>().encode(encoder)
    }
}

/// The numbers.
#[derive(Debug)]
pub(super) struct Series {
    labels: Labels,
    requests: u64,
    histograms: [Histogram; METRICS.len()],
}

impl Series {
    pub(super) fn new(labels: Labels, wish: &RequestMetrics) -> Self {
        Self { labels, requests: 0, histograms: METRICS.each_ref().map(|metric| Histogram::new((metric.bounds)(wish))) }
    }

    pub(super) fn add(&mut self, report: &Report<'_>, wish: &RequestMetrics) {
        self.requests += 1;
        for (histogram, metric) in self.histograms.iter_mut().zip(&METRICS) {
            if let Some(value) = number((metric.value)(report)) {
                histogram.observe((metric.bounds)(wish), value);
            }
        }
    }
}

/// All series of [`Requests`].
#[derive(Debug)]
pub(in crate::report::metrics) struct SeriesCollector(pub(in crate::report::metrics) Arc<Requests>);

impl Collector for SeriesCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let wish = &self.0.wish;
        let counts = self.0.counts();
        if !wish.excluded.contains("requests") {
            // A gauge, for the encoder would add `_total` to the name of a counter.
            let mut metric = encoder.encode_descriptor("nginx_ingress_controller_requests", "Requests", None, MetricType::Gauge)?;
            for (key, series) in &counts.series {
                ConstGauge::new(series.requests).encode(metric.encode_family(&Named(key, &series.labels))?)?;
            }
        }
        for (n, Metric { name, help, bounds, .. }) in METRICS.iter().enumerate().filter(|(_, metric)| !wish.excluded.contains(metric.name))
        {
            let name = format!("nginx_ingress_controller_{name}");
            let mut metric = encoder.encode_descriptor(&name, help, None, MetricType::Histogram)?;
            for (key, series) in &counts.series {
                series.histograms[n].encode(bounds(wish), metric.encode_family(&Named(key, &series.labels))?)?;
            }
        }
        Ok(())
    }
}
