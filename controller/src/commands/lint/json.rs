//! Findings for programs: one object.

use super::Report;
use crate::source::Located;
use gatewright_core::diagnostic::Severity;
use serde_json::{Value, json};

/// Changes when a field changes its meaning; fields may be added without.
const VERSION: u32 = 1;

pub(super) fn write(report: &Report<'_>) -> String {
    let diagnostics: Vec<Value> = report.findings.iter().map(|located| one(located, report)).collect();
    let document = json!({
        "version": VERSION,
        "summary": {
            "errors": report.count(Severity::Error),
            "warnings": report.count(Severity::Warning),
            "notes": report.count(Severity::Note),
            "files": report.texts.len(),
        },
        "diagnostics": diagnostics,
    });
    format!("{document:#}\n")
}

fn one(located: &Located, report: &Report<'_>) -> Value {
    let mut value = serde_json::to_value(&located.diagnostic).expect("a finding is plain data");
    let place = located.place.as_ref().map(|place| {
        let end = report.lines.find(place).map(|excerpt| excerpt.end_column());
        json!({"file": place.file.to_string_lossy(), "line": place.line, "column": place.column, "endColumn": end})
    });
    value["place"] = place.into();
    value
}
