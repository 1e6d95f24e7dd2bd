//! Numbers counted into buckets; the bounds are the same for all series of a metric and kept beside them.

use prometheus_client::encoding::{MetricEncoder, NoLabelSet};
use std::fmt;

/// Observations.
#[derive(Debug)]
pub(super) struct Histogram {
    sum: f64,
    /// One for each bound, and one for what is above all of them.
    counts: Box<[u64]>,
}

impl Histogram {
    pub(super) fn new(bounds: &[f64]) -> Self {
        Self { sum: 0.0, counts: vec![0; bounds.len() + 1].into() }
    }

    pub(super) fn observe(&mut self, bounds: &[f64], value: f64) {
        self.sum += value;
        self.counts[bounds.partition_point(|bound| *bound < value)] += 1;
    }

    pub(super) fn encode(&self, bounds: &[f64], mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let upper = bounds.iter().copied().chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> = upper.zip(self.counts.iter().copied()).collect();
        encoder.encode_histogram::<NoLabelSet>(self.sum, self.counts.iter().sum(), &buckets, None)
    }
}
