//! Findings as workflow commands of GitHub, which become annotations of a pull request.

use super::Report;
use crate::source::Located;
use gatewright_core::diagnostic::Severity;

pub(super) fn write(report: &Report<'_>) -> String {
    report.findings.iter().map(|located| one(located, report)).collect()
}

fn one(located: &Located, report: &Report<'_>) -> String {
    let finding = &located.diagnostic;
    let command = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let mut properties = Vec::new();
    if let Some(place) = &located.place {
        properties.push(format!("file={}", property(&place.file_for_others().to_string_lossy())));
        properties.push(format!("line={}", place.line));
        properties.push(format!("col={}", place.column));
        if let Some(excerpt) = report.lines.find(place) {
            properties.push(format!("endColumn={}", excerpt.end_column()));
        }
    }
    properties.push(format!("title={}", property(&finding.code.to_string())));
    let mut message = finding.message.clone();
    if let Some(object) = &finding.object {
        message.push_str(&format!("\n{object} {}", finding.field));
    }
    if !finding.help.is_empty() {
        message.push_str(&format!("\nhelp: {}", finding.help));
    }
    format!("::{command} {}::{}\n", properties.join(","), data(&message))
}

/// What a terminal could take for something else is replaced; line breaks are kept, escaped.
fn data(text: &str) -> String {
    let shown = |c: char| if matches!(c, '\r' | '\n') || gatewright_core::names::is_printable(c) { c } else { '\u{fffd}' };
    let text: String = text.chars().map(shown).collect();
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_a_command() {
        assert_eq!(data("a%\r\n::error::b"), "a%25%0D%0A::error::b");
        assert_eq!(property("a,b:c\n\u{1b}[1m"), "a%2Cb%3Ac%0A\u{fffd}[1m");
    }
}
