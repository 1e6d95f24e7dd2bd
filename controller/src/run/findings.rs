//! What is wrong, for the log and for the admin port.

use crate::report::{Written, WrittenAt};
use crate::source::Located;
use gatewright_core::diagnostic::{Severity, grouped};

/// Logs these findings; of many of a kind on one object a few, and how many more.
pub(super) fn log(findings: &[&Located]) {
    grouped(findings, |located| &located.diagnostic).into_iter().for_each(|(located, more)| log_one(located, more));
}

fn log_one(located: &Located, more: usize) {
    let Located { diagnostic, place } = located;
    let place = place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
    let finding = format!("{place}{diagnostic}");
    let more = (more > 0).then_some(more);
    match diagnostic.severity {
        Severity::Note => tracing::info!(finding, more, "note on an object"),
        Severity::Error | Severity::Warning => tracing::warn!(finding, more, "an object is wrong"),
    }
}

/// A finding as the admin port tells it.
pub(super) fn written(located: &Located) -> Written {
    let place = located.place.as_ref().map(|place| WrittenAt {
        file: place.file.to_string_lossy().into_owned(),
        line: place.line,
        column: place.column,
    });
    Written { diagnostic: located.diagnostic.clone(), place }
}
