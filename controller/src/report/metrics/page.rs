//! Metrics that the proxy tells itself, passed on as they are.

use crate::proxy::page;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A page of the proxy's private port, in the text format of Prometheus.
#[derive(Debug)]
pub(super) struct Page {
    port: u16,
    target: &'static str,
    seen: Mutex<String>,
}

impl Page {
    pub(super) const fn new(port: u16, target: &'static str) -> Self {
        Self { port, target, seen: Mutex::new(String::new()) }
    }

    /// Looks again. A proxy that does not answer tells nothing.
    pub(super) async fn look(&self) {
        let text = page(self.port, self.target).await.map(whole_lines);
        *self.text() = text.unwrap_or_default();
    }

    /// What was there.
    pub(super) fn seen(&self) -> String {
        self.text().clone()
    }

    fn text(&self) -> MutexGuard<'_, String> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An answer that was cut loses its last line.
fn whole_lines(mut text: String) -> String {
    text.truncate(text.rfind('\n').map_or(0, |at| at + 1));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_cut_is_left_out() {
        assert_eq!(["a 1\nb", "a 1\n", "b", ""].map(|text| whole_lines(text.to_owned())), ["a 1\n", "a 1\n", "", ""]);
    }
}
