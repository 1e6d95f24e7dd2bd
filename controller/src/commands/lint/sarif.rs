//! Findings as SARIF 2.1.0, for code scanning.

use super::Report;
use crate::source::{Located, Place};
use gatewright_core::diagnostic::{CODES, Code, Facts, Outcome, Severity};
use serde_json::{Value, json};
use std::path::Path;

pub(super) fn write(report: &Report<'_>) -> String {
    let results: Vec<Value> = report.findings.iter().map(|located| result(located, report)).collect();
    let rules: Vec<Value> = CODES.iter().map(|code| rule(*code)).collect();
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "gatewright", "version": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    format!("{document:#}\n")
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn rule(code: Code) -> Value {
    let Facts { name: id, severity, outcome, sentence } = code.facts();
    json!({
        "id": id,
        "name": format!("{code:?}"),
        "shortDescription": {"text": sentence},
        "help": {"text": format!("What is done, unless a finding says otherwise: {outcome}. See gatewright lint --explain {id}.")},
        "defaultConfiguration": {"level": level(severity)},
    })
}

fn result(located: &Located, report: &Report<'_>) -> Value {
    let finding = &located.diagnostic;
    let mut message = finding.message.clone();
    // What is no object is not served either.
    if finding.object.is_some() || finding.outcome != Outcome::Served {
        message.push_str(&format!(" ({})", finding.outcome));
    }
    if !finding.help.is_empty() {
        message.push_str(&format!("; {}", finding.help));
    }
    let mut location = serde_json::Map::new();
    location.insert("physicalLocation".to_owned(), place(located.place.as_ref(), report));
    if let Some(object) = &finding.object {
        let name = format!("{object} {}", finding.field);
        location.insert("logicalLocations".to_owned(), json!([{"fullyQualifiedName": name.trim_end(), "kind": "object"}]));
    }
    let index = CODES.iter().position(|code| *code == finding.code);
    json!({
        "ruleId": finding.code.to_string(),
        "ruleIndex": index,
        "level": level(finding.severity),
        "message": {"text": message},
        "locations": [location],
    })
}

/// A finding that is in no file is put at the beginning of the input: GitHub takes no report in which one is nowhere.
fn place(place: Option<&Place>, report: &Report<'_>) -> Value {
    let Some(place) = place else {
        let input = Place { file: Path::new(report.input).into(), line: 1, column: 1 };
        return json!({"artifactLocation": {"uri": uri(input.file_for_others())}, "region": {"startLine": 1}});
    };
    let mut region = json!({"startLine": place.line, "startColumn": place.column});
    if let Some(excerpt) = report.lines.find(place) {
        let end = excerpt.end_column();
        if u32::try_from(end).is_ok_and(|end| end > place.column) {
            region["endColumn"] = end.into();
        }
    }
    json!({"artifactLocation": {"uri": uri(place.file_for_others())}, "region": region})
}

/// A file name as a relative reference, or a `file:` URL for one that begins with a slash.
fn uri(file: &Path) -> String {
    let name = file.to_string_lossy();
    let mut out = String::from(if name.starts_with('/') { "file://" } else { "" });
    let name = name.trim_start_matches("./");
    for byte in if name.is_empty() { "." } else { name }.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_become_references() {
        assert_eq!(uri(Path::new("./a b/ü.yaml")), "a%20b/%C3%BC.yaml");
        assert_eq!(uri(Path::new("/x/y.yaml")), "file:///x/y.yaml");
        assert_eq!(uri(Path::new("git:HEAD:a.yaml")), "git%3AHEAD%3Aa.yaml");
        assert_eq!([uri(Path::new("./")), uri(Path::new("."))], [".", "."], "GitHub takes no empty one");
    }
}
