//! Changes for programs: one object.

use super::said::LeftOut;
use super::{Report, count};
use crate::commands::not_read::Others;
use gatewright_core::compare::Effect;
use serde_json::{Value, json};

/// Changes when a field changes its meaning; fields may be added without.
const VERSION: u32 = 1;

pub(super) fn write(report: &Report) -> String {
    let changes = report.changes.as_deref();
    let effects = changes.map(|changes| {
        let effects = |effect| count(changes, effect);
        json!({"opens": effects(Effect::Opens), "closes": effects(Effect::Closes), "unclear": effects(Effect::Unclear)})
    });
    let files: Option<Vec<Value>> = report.files.as_ref().map(|files| {
        let one = |file: &super::FileDiff| json!({"title": file.title, "added": file.added, "removed": file.removed, "diff": file.diff});
        files.iter().map(one).collect()
    });
    let document = json!({
        "version": VERSION,
        "same": report.is_same(),
        "summary": effects,
        "changes": changes,
        "files": files,
        "left_out": report.left_out.iter().map(left_out).collect::<Vec<_>>(),
        "not_served": {"old": others(report.not_served.old), "new": others(report.not_served.new)},
        "findings": report.findings.iter().map(|located| &located.diagnostic).collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

fn others(others: Others) -> Value {
    json!({"of_other_classes": others.of_other_classes, "of_unwatched_namespaces": others.of_unwatched_namespaces})
}

fn left_out(one: &LeftOut) -> Value {
    let place = one.located.place.as_ref().map(ToString::to_string);
    json!({"side": one.side, "place": place, "finding": one.located.diagnostic})
}
