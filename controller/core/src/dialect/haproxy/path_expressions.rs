//! Hosts whose paths are expressions: which section each leads to, and whether that is known.
//!
//! HAProxy takes an expression that its PCRE gives up for one that does not match, and would go on to the next one, which
//! may lead past a protection. So of hosts where that can happen it is asked first whether all of them come to an end.

use super::view::{self, Line};
use crate::model::{Feature, Host, Model, PathMatch, Route};
use crate::names::{RouteRegex, limit_of_all, limits};

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
    let (begin, most) = (begin(host), most(host));
    let lines = host.routes.iter().flat_map(|route| {
        let expressions = route.matches.iter().filter_map(PathMatch::regex);
        // What is decided within a limit is found within it.
        let limits_of = |path: &RouteRegex| limits(most.filter(|_| path.is_slow()));
        let line = |path: &RouteRegex| Line::expression(format!("{}^{begin}(?i:{})", limits_of(path), behind(path)), value_of(route));
        expressions.map(line).collect::<Vec<_>>()
    });
    lines.collect()
}

/// For which paths of a host it is known which expression is the first that matches.
pub(super) fn decided(host: &Host) -> Vec<Line> {
    let begin = begin(host);
    let mut all: Vec<&RouteRegex> = host.expressions().collect();
    // Behind these all are sure.
    all.truncate(all.iter().rposition(|path| path.is_unsure()).map_or(0, |last| last + 1));
    let limits = limits(most(host));
    let all: String = all.iter().map(|path| format!("(?=(?i:{}))|", behind(path))).collect();
    vec![
        Line::expression(format!("{limits}^{begin}(?=/)(?:{all})"), KNOWN.to_owned()),
        Line::expression(format!("^{begin}/"), UNKNOWN.to_owned()),
    ]
}

/// How many steps all expressions of a host may take, and each of them.
fn most(host: &Host) -> Option<usize> {
    let slow = host.slow_expressions();
    if slow > 0 { limit_of_all(host.expressions(), slow) } else { None }
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
