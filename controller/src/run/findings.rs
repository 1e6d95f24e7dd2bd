//! What is wrong, for the log and for the admin port.

use super::Controller;
use crate::report::{Finding, Written, WrittenAt};
use crate::source::Located;
use gatewright_core::diagnostic::{Diagnostic, Severity, grouped};

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

impl Controller {
    /// Shows all findings, tells them to the cluster, and logs the new ones.
    pub(super) fn publish_findings(&mut self) {
        let places = self.places.current();
        let of_objects = self.findings.iter().map(|finding| places.locate(finding.clone()));
        let mut located: Vec<Located> = crate::source::together(&self.problems, of_objects);
        located.sort();
        located.dedup();
        let new: Vec<&Located> = located.iter().filter(|located| !self.said.contains(*located)).collect();
        log(&new);
        let mut all: Vec<Diagnostic> = located.iter().map(|located| located.diagnostic.clone()).collect();
        all.dedup();
        self.tell_findings(&all);
        self.ends.board.findings(located.iter().map(written).collect());
        self.said = located.into_iter().collect();
    }

    fn tell_findings(&self, all: &[Diagnostic]) {
        let of_objects = all.iter().filter_map(|diagnostic| {
            let uid = self.maker.snapshot.meta(diagnostic.object.as_ref()?).map_or("", |meta| &meta.uid);
            Some(Finding { diagnostic: diagnostic.clone(), uid: uid.into() })
        });
        let findings: Vec<_> = of_objects.collect();
        self.ends.news.send_if_modified(|news| {
            let changed = *news.findings != *findings;
            news.findings = findings.into();
            changed
        });
    }
}
