//! Templates of Helm, which lie in repositories beside manifests and are none before they are rendered.

use gatewright_core::diagnostic::{Code, Diagnostic};
use gatewright_core::names::is_printable;
use std::path::Path;

/// The folder of the chart that a file is a template of; `is_there` knows which files there are.
pub(super) fn chart_of(file: &Path, is_there: impl Fn(&Path) -> bool) -> Option<&Path> {
    let folders = file.ancestors().skip(1).filter(|folder| folder.file_name().is_some_and(|name| name == "templates"));
    folders.filter_map(Path::parent).find(|chart| is_there(&chart.join("Chart.yaml")))
}

/// Whether a file says what a chart is: no object, though it has an `apiVersion`.
pub(super) fn is_chart(file: &Path) -> bool {
    file.file_name().is_some_and(|name| name == "Chart.yaml")
}

/// Whether it is a text, and has something that Helm would fill in: in bytes of another kind, braces stand by chance.
pub(super) fn is_template(text: &[u8]) -> bool {
    let begin = text.windows(2).position(|two| two == b"{{");
    begin.is_some_and(|begin| text[begin..].windows(2).any(|two| two == b"}}")) && std::str::from_utf8(text).is_ok()
}

/// What is said of a template, once.
pub(super) fn finding(chart: Option<&Path>) -> Diagnostic {
    let chart = chart.map(Path::display).map(|chart| chart.to_string()).filter(|chart| is_word(chart));
    let chart = chart.as_deref().unwrap_or("CHART");
    let message = "the file is a template of Helm, and no manifest before it is rendered";
    Diagnostic::of_input(Code::UnrenderedTemplate, message)
        .help(format!("look at what it gives: helm template {chart} | gatewright lint -f -"))
}

/// Whether a shell takes it for one word.
pub(super) fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| is_printable(c) && (c.is_alphanumeric() || "/._-".contains(c)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_known_by_the_chart_above_it() {
        let is_there = |path: &Path| path == Path::new("deploy/shop/Chart.yaml") || path == Path::new("Chart.yaml");
        for (file, chart) in [
            ("deploy/shop/templates/web.yaml", Some("deploy/shop")),
            ("deploy/shop/templates/deep/web.yaml", Some("deploy/shop")),
            ("templates/web.yaml", Some("")),
            ("deploy/shop/values.yaml", None),
            ("deploy/other/templates/web.yaml", None),
            ("web.yaml", None),
        ] {
            assert_eq!(chart_of(Path::new(file), is_there), chart.map(Path::new), "{file}");
        }
    }

    #[test]
    fn what_helm_would_fill_in_is_seen() {
        for (text, is) in
            [("a: {{ .Values.a }}", true), ("{{- if a }}\nb: c\n{{- end }}", true), ("a: }} {{", false), ("a: {b: {c: d}}", false)]
        {
            assert_eq!(is_template(text.as_bytes()), is, "{text}");
        }
        assert!(!is_template(b"a: {{ b }}\xff"), "no template of Helm is binary");
    }

    #[test]
    fn the_help_names_the_chart_where_that_is_one_word() {
        let help = |chart| finding(chart).help;
        assert!(help(Some(Path::new("deploy/shop"))).contains("helm template deploy/shop |"));
        for odd in [None, Some(Path::new("")), Some(Path::new("a; b"))] {
            assert!(help(odd).contains("helm template CHART |"));
        }
    }
}
