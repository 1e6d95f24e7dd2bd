//! Findings for people: with the line that each is about.

use super::Report;
use super::excerpt::Excerpt;
use crate::commands::output::counted;
use crate::source::{Located, Place, more_of};
use annotate_snippets::{Annotation, AnnotationKind, Level, Origin, Renderer, Snippet};
use gatewright_core::diagnostic::{Severity, grouped};
use std::collections::HashSet;

/// Of places farther into a line no excerpt is shown.
const MAX_SKIPPED: usize = 64 << 10;

pub(super) fn write(report: &Report<'_>, colours: bool) -> String {
    let renderer = if colours { Renderer::styled() } else { Renderer::plain() };
    let mut out = String::new();
    for (located, more) in grouped(&report.findings, |located| &located.diagnostic) {
        out.push_str(&one(located, report, &renderer));
        out.push_str("\n\n");
        out.extend(more_of(&located.diagnostic, more).map(|more| more + "\n\n"));
    }
    out.push_str(&summary(report));
    out
}

fn one(located: &Located, report: &Report<'_>, renderer: &Renderer) -> String {
    let finding = &located.diagnostic;
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let code = finding.code.to_string();
    let title = level.primary_title(finding.message.as_str()).id(code);
    let place = located.place.as_ref();
    let path = place.map(|place| printable(&place.file.to_string_lossy()));
    let excerpt = place.and_then(|place| report.lines.find(place));
    let whose = finding.object.as_ref().map(|object| {
        let comma = if finding.field.is_empty() { "" } else { ", " };
        format!("{object}{comma}{} ({})", finding.field, finding.outcome)
    });
    let mut group = match (place, excerpt, path) {
        (Some(place), Some(excerpt), Some(path)) if excerpt.skipped <= MAX_SKIPPED => title.element(snippet(place, &excerpt).path(path)),
        (Some(place), _, Some(path)) => {
            let (line, column) = (usize::try_from(place.line).unwrap_or(0), usize::try_from(place.column).unwrap_or(0));
            title.element(Origin::path(path).line(line).char_column(column))
        }
        _ => annotate_snippets::Group::with_title(title),
    };
    if let Some(whose) = whose {
        group = group.element(Level::NOTE.message(format!("in {whose}")));
    }
    if !finding.help.is_empty() {
        group = group.element(Level::HELP.message(finding.help.as_str()));
    }
    renderer.render(&[group])
}

/// Blanks stand for what is not shown of a long line, so that the column is the one that is meant; they are cut off.
fn snippet<'a>(place: &Place, excerpt: &Excerpt<'_>) -> Snippet<'a, Annotation<'a>> {
    let Excerpt { line, span, skipped } = excerpt;
    let line_start = usize::try_from(place.line).unwrap_or(usize::MAX);
    let annotation = AnnotationKind::Primary.span(skipped + span.start..skipped + span.end);
    Snippet::source(" ".repeat(*skipped) + &printable(line)).line_start(line_start).annotation(annotation)
}

/// What a terminal could take for something else is replaced; every character keeps its length in bytes at most.
fn printable(text: &str) -> String {
    let shown = |c: char| if gatewright_core::names::is_printable(c) || c == '\u{fffd}' { c } else { ' ' };
    // A replacement shorter than the character would move what is marked.
    text.chars().flat_map(|c| std::iter::repeat_n(shown(c), if shown(c) == c { 1 } else { c.len_utf8() })).collect()
}

fn summary(report: &Report<'_>) -> String {
    let files: HashSet<_> = report.findings.iter().filter_map(|located| located.place.as_ref()).map(|place| &place.file).collect();
    let count = |severity: Severity| counted(report.count(severity), &severity.to_string());
    // Of some that findings are in nothing is shown, such as those of Secrets.
    let looked_at = report.texts.len() + files.iter().filter(|file| !report.texts.contains_key(**file)).count();
    format!(
        "{}, {}, {} in {} of {}\n",
        count(Severity::Error),
        count(Severity::Warning),
        count(Severity::Note),
        files.len(),
        counted(looked_at, "file"),
    )
}
