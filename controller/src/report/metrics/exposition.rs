//! The text format of Prometheus, version 0.0.4, from that of OpenMetrics, which the encoder writes.
//!
//! OpenMetrics lets no counter be without `_total`. The names of ingress-nginx are older than that rule, so the encoder has
//! them as gauges.

/// What the text is.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Counters of ingress-nginx whose names do not end in `_total`, and one whose name is that of a gauge but for it.
const BARE_COUNTERS: [&str; 6] = [
    "nginx_ingress_controller_check_errors",
    "nginx_ingress_controller_check_success",
    "nginx_ingress_controller_errors",
    "nginx_ingress_controller_requests",
    "nginx_ingress_controller_success",
    "nginx_process_connections_total",
];

/// Rewrites the comments, and the bounds of buckets; samples are the same in both formats beside that.
pub(super) fn of_openmetrics(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        let Some(comment) = line.strip_prefix("# ") else {
            sample(&mut out, line);
            continue;
        };
        let mut words = comment.splitn(3, [' ', '\n']);
        let (Some(word @ ("HELP" | "TYPE")), Some(name), Some(rest)) = (words.next(), words.next(), words.next()) else { continue };
        let kind = if word == "TYPE" { rest } else { kind_of(name, lines.peek().copied().unwrap_or_default()) };
        let total = if kind.trim_end() == "counter" { "_total" } else { "" };
        let rest = if word == "TYPE" && BARE_COUNTERS.contains(&name) { "counter\n" } else { rest };
        out.extend(["# ", word, " ", name, total, " ", rest]);
    }
    out
}

/// A bound is a label, and queries name it as ingress-nginx writes it: `1`, where OpenMetrics has `1.0`.
fn sample(out: &mut String, line: &str) {
    // No value can hold this: quotes in values are escaped.
    let begins = ["{le=\"", ",le=\""].iter().find_map(|begin| Some(line.find(begin)? + begin.len()));
    let parts = begins.map(|at| line.split_at(at)).and_then(|(before, rest)| Some((before, rest.split_once('"')?)));
    match parts.and_then(|(before, (bound, rest))| Some((before, bound.parse::<f64>().ok().filter(|bound| bound.is_finite())?, rest))) {
        Some((before, bound, rest)) => out.extend([before, &written(bound), "\"", rest]),
        None => out.push_str(line),
    }
}

/// A number as Go writes it: with an exponent from a million on, and below a ten-thousandth.
fn written(number: f64) -> String {
    let text = format!("{number:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    match exponent.parse().unwrap_or(0) {
        -4..=5 => number.to_string(),
        exponent => format!("{digits}e{exponent:+03}"),
    }
}

/// The type that the line after the help says.
fn kind_of<'l>(name: &str, line: &'l str) -> &'l str {
    line.strip_prefix("# TYPE ").and_then(|rest| rest.strip_prefix(name)).unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::of_openmetrics;

    #[test]
    fn counters_have_the_names_of_their_samples() {
        let text = "# HELP nginx_process_requests Requests since the start.\n# TYPE nginx_process_requests counter\n\
            nginx_process_requests_total{a=\"# TYPE x\"} 7\n# HELP nginx_ingress_controller_requests Requests.\n\
            # TYPE nginx_ingress_controller_requests gauge\nnginx_ingress_controller_requests 1\n# HELP g A b c.\n# TYPE g gauge\n\
            # UNIT g seconds\ng 2\n# EOF\n";
        assert_eq!(
            of_openmetrics(text),
            "# HELP nginx_process_requests_total Requests since the start.\n# TYPE nginx_process_requests_total counter\n\
            nginx_process_requests_total{a=\"# TYPE x\"} 7\n# HELP nginx_ingress_controller_requests Requests.\n\
            # TYPE nginx_ingress_controller_requests counter\nnginx_ingress_controller_requests 1\n# HELP g A b c.\n# TYPE g gauge\ng 2\n"
        );
    }

    #[test]
    fn bounds_are_written_as_ingress_nginx_does() {
        for (given, expected) in [
            ("0.005", "0.005"),
            ("1.0", "1"),
            ("100000.0", "100000"),
            ("1000000.0", "1e+06"),
            ("12500000.0", "1.25e+07"),
            ("0.00002", "2e-05"),
        ] {
            let alone = |bound: &str| format!("a_bucket{{le=\"{bound}\"}} 2\n");
            let among = |bound: &str| format!("a_bucket{{pod=\"a\",le=\"{bound}\",path=\"/1.0\"}} 2\n");
            assert_eq!((of_openmetrics(&alone(given)), of_openmetrics(&among(given))), (alone(expected), among(expected)));
        }
        for same in ["a_bucket{le=\"+Inf\"} 1\n", "a_sum{path=\"{le=\\\"1.0\\\",le=\\\"1.0\\\"\"} 1.0\n"] {
            assert_eq!(of_openmetrics(same), same);
        }
    }
}
