//! Hosts whose paths are expressions: which section each leads to, and whether that is known.
//!
//! HAProxy takes an expression that its PCRE gives up for one that does not match, and would go on to the next one, which
//! may lead past a protection. So of hosts where that can happen it is asked first whether all of them come to an end.

use super::view::{self, Line};
use crate::model::{Feature, Host, Model, PathMatch, Route};
use crate::names::{RouteRegex, limits};

/// What the value of a path is where it is known of every expression whether it matches.
const KNOWN: &str = "1";
/// What it is elsewhere.
const UNKNOWN: &str = "0";

/// Whether there are paths of which it may be unknown.
pub(super) fn may_be_unknown(model: &Model) -> bool {
    model.hosts.having(Feature::UnsureExpressions).next().is_some()
}

/// All expressions of a host with the values of their routes, in the order in which they are looked at.
pub(super) fn lines(host: &Host, value_of: impl Fn(&Route) -> String) -> Vec<Line> {
    let (begin, slow) = (begin(host), host.slow_expressions());
    let lines = host.routes.iter().flat_map(|route| {
        let expressions = route.matches.iter().filter_map(PathMatch::regex);
        let line = |path: &RouteRegex| Line::expression(format!("{}^{begin}(?i:{})", path.limits(slow), behind(path)), value_of(route));
        expressions.map(line).collect::<Vec<_>>()
    });
    lines.collect()
}

/// For which paths of a host it is known which expression is the first that matches.
pub(super) fn decided(host: &Host) -> Vec<Line> {
    /// Steps of all that have no limit; far more than they take.
    const OTHERS: usize = 1_000_000;
    let (begin, slow) = (begin(host), host.slow_expressions());
    let mut all: Vec<&RouteRegex> = host.expressions().collect();
    // Behind these all are sure.
    all.truncate(all.iter().rposition(|path| path.is_unsure()).map_or(0, |last| last + 1));
    let steps: usize = all.iter().filter_map(|path| path.limit(slow)).sum();
    let limits = limits((steps > 0).then_some(steps + OTHERS));
    let all: String = all.iter().map(|path| format!("(?=(?i:{}))|", behind(path))).collect();
    vec![
        Line::expression(format!("{limits}^{begin}(?=/)(?:{all})"), KNOWN.to_owned()),
        Line::expression(format!("^{begin}/"), UNKNOWN.to_owned()),
    ]
}

fn begin(host: &Host) -> String {
    view::escaped(&host.pattern.to_string())
}

/// A path behind the name of its host. As nginx has it, only the first alternative is bound to the beginning of the path;
/// the others are not, but behind no longer name.
fn behind(path: &RouteRegex) -> String {
    let alternatives = path.alternatives();
    let (first, others) = alternatives.split_first().map_or(("", &[][..]), |(first, others)| (*first, others));
    let others = others.iter().map(|other| match other.strip_prefix('^') {
        Some(bound) => format!("|(?=/){bound}"),
        None => format!("|(?=/).*?(?:{other})"),
    });
    first.to_owned() + &others.collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_alternative_is_bound() {
        let of = |text: &str| behind(&RouteRegex::new(text).unwrap());
        assert_eq!((of("/a(/|$)"), of("/a|/b|^/c")), ("/a(/|$)".to_owned(), "/a|(?=/).*?(?:/b)|(?=/)/c".to_owned()));
    }
}
