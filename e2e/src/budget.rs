//! What benches hold their figures against.

/// Budgets hold for so many documents.
pub const DOCUMENTS: usize = 10_000;

/// The most that something may take.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    most: f64,
    unit: &'static str,
}

impl Budget {
    /// A time.
    #[must_use]
    pub const fn seconds(most: f64) -> Self {
        Self { most, unit: "s" }
    }

    /// An amount of memory.
    #[must_use]
    pub const fn mebibytes(most: f64) -> Self {
        Self { most, unit: "MiB" }
    }

    /// What it is for so many documents: for more than [`DOCUMENTS`] as many times as much; for fewer it stays what it is.
    #[must_use]
    pub fn of(self, documents: usize) -> Self {
        let times = u32::try_from(documents.max(DOCUMENTS)).map_or(f64::INFINITY, f64::from) / 1e4;
        Self { most: self.most * times, ..self }
    }

    /// Whether a figure is within it, and a line that says so.
    #[must_use]
    pub fn hold(self, name: &str, figure: f64) -> (bool, String) {
        let Self { most, unit } = self;
        let is_within = figure <= most;
        let verdict = if is_within { "within" } else { "over" };
        (is_within, format!("{name:<20} {figure:>8.2} {unit:<3} of {most:>8.2} {unit:<3} {verdict}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_is_said_beside_its_budget() {
        let lint = Budget::seconds(1.5);
        assert_eq!(lint.hold("lint", 1.5), (true, "lint                     1.50 s   of     1.50 s   within".to_owned()));
        assert_eq!(lint.hold("lint", 1.51), (false, "lint                     1.51 s   of     1.50 s   over".to_owned()));
        assert!(!Budget::mebibytes(400.0).hold("memory", f64::NAN).0, "what was not measured is not within");
    }

    #[test]
    fn more_documents_may_take_more_and_fewer_no_less() {
        assert_eq!([1, DOCUMENTS, 35_000].map(|documents| Budget::seconds(1.5).of(documents).most), [1.5, 1.5, 5.25]);
    }
}
