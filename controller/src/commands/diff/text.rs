//! Changes for people on a terminal.

use super::{Report, count, effect, words};
use crate::commands::output::counted;
use crate::source::{Located, format_all};
use gatewright_core::compare::{Change, Effect, Kind};

const RESET: &str = "\u{1b}[0m";
const BOLD: &str = "\u{1b}[1m";
const RED: &str = "\u{1b}[31m";
const GREEN: &str = "\u{1b}[32m";
const YELLOW: &str = "\u{1b}[33m";
const CYAN: &str = "\u{1b}[36m";

pub(super) fn write(report: &Report, colours: bool) -> String {
    let paint = |colour: &str, text: &str| if colours { format!("{colour}{text}{RESET}") } else { text.to_owned() };
    let mut out = String::new();
    if let Some(changes) = &report.changes {
        traffic(changes, &paint, &mut out);
    }
    if report.changes.as_ref().is_some_and(Vec::is_empty) || report.is_same() {
        out.push_str(&format!("{}\n", report.nothing()));
    }
    for sentence in report.not_served.sentences() {
        out.push_str(&format!("{}not compared: {sentence}\n", if out.is_empty() { "" } else { "\n" }));
    }
    let not_compared: Vec<Located> = report.not_compared().cloned().collect();
    for (title, findings) in
        [("to be said of it, and not before:", &report.findings), ("not compared, as it cannot be read:", &not_compared)]
    {
        if !findings.is_empty() {
            out.push_str(&format!("{}{}\n", if out.is_empty() { "" } else { "\n" }, paint(BOLD, title)));
            out.extend(format_all(findings).map(|finding| finding + "\n"));
        }
    }
    for file in report.files.iter().flatten() {
        if !out.is_empty() {
            out.push('\n');
        }
        let (old, new) = (format!("--- {}", file.title), format!("+++ {}", file.title));
        out.push_str(&format!("{}\n{}\n", paint(BOLD, &old), paint(BOLD, &new)));
        for line in file.diff.lines() {
            let colour = match line.as_bytes().first() {
                Some(b'+') => GREEN,
                Some(b'-') => RED,
                Some(b'@') => CYAN,
                _ => "",
            };
            out.push_str(&if colour.is_empty() { line.to_owned() } else { paint(colour, line) });
            out.push('\n');
        }
    }
    out
}

fn traffic(changes: &[Change], paint: &impl Fn(&str, &str) -> String, out: &mut String) {
    for change in changes {
        let (sign, colour) = match change.kind {
            Kind::Added => ("+", GREEN),
            Kind::Removed => ("-", RED),
            Kind::Changed => ("~", YELLOW),
        };
        let (about, what) = words(change);
        let by = change.by.as_ref().map(|by| format!("  ({by})")).unwrap_or_default();
        let effect = match effect(change.effect) {
            "" => String::new(),
            text => format!("  [{text}]"),
        };
        out.push_str(&format!("{} {about}: {what}{}{by}\n", paint(colour, sign), paint(BOLD, &effect)));
    }
    if !changes.is_empty() {
        let (opens, closes, unclear) = (count(changes, Effect::Opens), count(changes, Effect::Closes), count(changes, Effect::Unclear));
        out.push_str(&format!("\n{}: {opens} open more, {closes} close more, {unclear} to look at\n", counted(changes.len(), "change")));
    }
}
