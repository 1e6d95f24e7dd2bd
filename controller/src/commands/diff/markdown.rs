//! Changes as a comment on a pull request.

use super::{FileDiff, Report, count, effect, words};
use crate::commands::output::counted;
use crate::source::Located;
use gatewright_core::compare::{Change, Effect, Kind, Subject};
use gatewright_core::diagnostic::Diagnostic;

/// Longer comments are refused by those who show them.
const MAX_BYTES: usize = 60_000;
/// So many changes are listed; those that are to be looked at most first.
const MAX_ROWS: usize = 200;

pub(super) fn write(report: &Report) -> String {
    let mut out = String::from("### Ingress changes\n\n");
    if report.is_same() {
        out.push_str(&nothing(report));
        not_compared(report, &mut out);
        return out;
    }
    match report.changes.as_deref() {
        Some([]) => out.push_str(&nothing(report)),
        Some(changes) => traffic(changes, &mut out),
        None => {}
    }
    findings("To be said of it, and not before", report.findings.iter(), &mut out);
    not_compared(report, &mut out);
    if let Some(files) = report.files.as_deref().filter(|files| !files.is_empty()) {
        write_files(files, &mut out);
    }
    out
}

fn nothing(report: &Report) -> String {
    let nothing = report.nothing();
    format!("{}{}.\n", nothing[..1].to_uppercase(), &nothing[1..])
}

fn traffic(changes: &[Change], out: &mut String) {
    let told = |effect, sentence: &str| match count(changes, effect) {
        0 => None,
        number => Some(format!("**{number} {sentence}**")),
    };
    let effects = [told(Effect::Opens, "more open"), told(Effect::Closes, "more closed"), told(Effect::Unclear, "to look at")];
    let effects: Vec<String> = effects.into_iter().flatten().collect();
    if !effects.is_empty() {
        out.push_str(&format!("{}\n\n", effects.join(", ")));
    }
    out.push_str("| | what | change | effect | by |\n|---|---|---|---|---|\n");
    let mut rows: Vec<&Change> = changes.iter().collect();
    rows.sort_by_key(|change| rank(change));
    for change in rows.iter().take(MAX_ROWS) {
        let sign = match change.kind {
            Kind::Added => "+",
            Kind::Removed => "−",
            Kind::Changed => "~",
        };
        let (about, what) = words(change);
        let by = change.by.as_ref().map(ToString::to_string).unwrap_or_default();
        out.push_str(&format!("| {sign} | {} | {} | {} | {} |\n", cell(&about), cell(&what), effect(change.effect), cell(&by)));
    }
    if rows.len() > MAX_ROWS {
        out.push_str(&format!("\n{} not listed.\n", more(rows.len() - MAX_ROWS, "change")));
    }
}

/// What lets more through that was there before stands above what is new, which people know of.
fn rank(change: &Change) -> u8 {
    let is_new = change.kind == Kind::Added && matches!(change.subject, Subject::Host | Subject::Route);
    match change.effect {
        Some(Effect::Opens) if !is_new => 0,
        Some(Effect::Unclear) => 1,
        Some(Effect::Opens) => 2,
        Some(Effect::Closes) => 3,
        None if change.subject == Subject::Route => 4,
        None => 5,
    }
}

fn not_compared(report: &Report, out: &mut String) {
    out.extend(report.not_served.sentences().map(|sentence| format!("\nNot compared: {sentence}.\n")));
    findings("Not compared, as it cannot be read", report.not_compared(), out);
}

fn findings<'f>(title: &str, findings: impl Iterator<Item = &'f Located>, out: &mut String) {
    const SHOWN: usize = 50;
    let findings: Vec<_> = findings.collect();
    if findings.is_empty() {
        return;
    }
    out.push_str(&format!("\n#### {title}\n\n"));
    for Located { diagnostic, place } in findings.iter().take(SHOWN) {
        let place = place.as_ref().map(|place| format!(" at {}", code(&place.to_string()))).unwrap_or_default();
        let object = diagnostic.object.as_ref().map(|object| format!(" {}", code(&object.to_string()))).unwrap_or_default();
        out.push_str(&format!(
            "- {} {}{object}{place}: {}{}\n",
            diagnostic.severity,
            diagnostic.code,
            code(&diagnostic.message),
            consequence(diagnostic)
        ));
    }
    if findings.len() > SHOWN {
        out.push_str(&format!("\n{} more are not listed; `gatewright lint` lists them.\n", findings.len() - SHOWN));
    }
}

/// What became of it, and what would do.
fn consequence(finding: &Diagnostic) -> String {
    let help = if finding.help.is_empty() { String::new() } else { format!("; {}", code(&finding.help)) };
    format!(" — {}{help}", finding.outcome)
}

fn write_files(files: &[FileDiff], out: &mut String) {
    let (added, removed) = (files.iter().map(|file| file.added).sum::<usize>(), files.iter().map(|file| file.removed).sum::<usize>());
    out.push_str(&format!("\n#### Rendered files: {} added, {removed} removed\n", counted(added, "line")));
    for (shown, file) in files.iter().enumerate() {
        let fence = "`".repeat(longest_run(&file.diff).max(2) + 1);
        let (summary, diff) = (html(&file.title), file.diff.trim_end());
        let section = format!(
            "\n<details><summary>{summary} (+{}, −{})</summary>\n\n{fence}diff\n{diff}\n{fence}\n\n</details>\n",
            file.added, file.removed
        );
        if out.len() + section.len() > MAX_BYTES {
            out.push_str(&format!("\n{} not shown; `gatewright diff` shows all.\n", more(files.len() - shown, "file")));
            return;
        }
        out.push_str(&section);
    }
}

/// The same for a cell of a table, which a bar would end.
fn cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// A code span: nothing in it is Markdown.
fn code(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let fence = "`".repeat(longest_run(text) + 1);
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

/// Longest run of backticks.
fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// `1 more file is`, `2 more files are`.
fn more(count: usize, what: &str) -> String {
    format!("{} {}", counted(count, &format!("more {what}")), if count == 1 { "is" } else { "are" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_manifests_cannot_become_markup() {
        assert_eq!((cell("a|b"), code("a|b")), ("`a\\|b`".to_owned(), "`a|b`".to_owned()));
        assert_eq!(code("`x`"), "`` `x` ``");
        assert_eq!(longest_run("a```b`"), 3);
        assert_eq!(html("<a>&"), "&lt;a&gt;&amp;");
    }
}
