//! What a running controller tells of its own steps, for benches.

/// Seconds and number of each step so far.
#[derive(Debug, Clone, Copy)]
pub struct Steps([(f64, f64); 4]);

impl Steps {
    /// Their metrics.
    const NAMES: [&str; 4] = ["make", "stage", "check", "load"];

    /// From the text of `/metrics`.
    ///
    /// # Panics
    /// When a step is not told of.
    #[must_use]
    pub fn of(metrics: &str) -> Self {
        let number = |name: &str| {
            let line = metrics.lines().find(|line| line.starts_with(name)).expect("the metric is there");
            line.rsplit(' ').next().and_then(|number| number.parse().ok()).expect("a number")
        };
        Self(Self::NAMES.map(|step| {
            let [sum, count] = ["sum", "count"].map(|part| number(&format!("gatewright_{step}_seconds_{part}")));
            (sum, count)
        }))
    }

    /// All of it so far in milliseconds: make, stage, check, load.
    #[must_use]
    pub fn sums(&self) -> [f64; 4] {
        self.0.map(|(sum, _)| sum * 1e3)
    }

    /// Means since an earlier moment in milliseconds, in the same order; 0 for what was not needed.
    #[must_use]
    pub fn means_since(&self, before: &Self) -> [f64; 4] {
        let mut means = [0.0; 4];
        for (mean, ((sum, count), (sum_before, count_before))) in means.iter_mut().zip(self.0.into_iter().zip(before.0)) {
            *mean = (sum - sum_before) / (count - count_before).max(1.0) * 1e3;
        }
        means
    }
}

/// MiB of memory that a process has now, and the most it had.
///
/// # Panics
/// When it does not run.
#[must_use]
pub fn memory(pid: u32) -> [f64; 2] {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the process runs");
    ["VmRSS:", "VmHWM:"].map(|key| {
        let line = status.lines().find(|line| line.starts_with(key)).expect("the kernel tells it");
        line.split_whitespace().nth(1).and_then(|number| number.parse::<f64>().ok()).expect("a number") / 1024.0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_of_what_was_added() {
        let text = |count: u32| -> String {
            let lines = Steps::NAMES
                .iter()
                .map(|step| format!("gatewright_{step}_seconds_sum {}\ngatewright_{step}_seconds_count {count}\n", f64::from(count) / 2.0));
            lines.collect()
        };
        let [before, after] = [2, 6].map(|count| Steps::of(&text(count)));
        assert_eq!((after.sums(), after.means_since(&before), after.means_since(&after)), ([3000.0; 4], [500.0; 4], [0.0; 4]));
    }
}
