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

/// In how many questions it is asked, where these are the most: for a host one after the other, by numbers from 0 on.
pub(super) fn questions(model: &Model) -> usize {
    model.hosts.having(Feature::UnsureExpressions).map(|host| asked(host).len()).max().unwrap_or_default()
}

/// All expressions of a host with the values of their routes, in the order in which they are looked at.
pub(super) fn lines(host: &Host, value_of: impl Fn(&Route) -> String) -> Vec<Line> {
    let (begin, slow) = (begin(host), host.slow_expressions());
    // One that came to an end when all were asked for does so again.
    let steps = if slow > 0 { asked(host).iter().filter_map(|question| limit_of_all(question.iter().copied(), slow)).max() } else { None };
    let lines = host.routes.iter().flat_map(|route| {
        let expressions = route.matches.iter().filter_map(PathMatch::regex);
        let line = |path: &RouteRegex| {
            let limits = limits(steps.filter(|_| path.is_slow()));
            Line::expression(format!("{limits}^{begin}(?{}:{})", path.flags(), behind(path)), value_of(route))
        };
        expressions.map(line).collect::<Vec<_>>()
    });
    lines.collect()
}

/// For which paths of a host it is known which expression is the first that matches. In front stands the number of the question.
pub(super) fn decided(host: &Host) -> Vec<Line> {
    let (begin, slow) = (begin(host), host.slow_expressions());
    let lines = asked(host).into_iter().enumerate().flat_map(|(number, question)| {
        let limits = limits(limit_of_all(question.iter().copied(), slow));
        let all: String = question.into_iter().map(ahead).collect();
        [
            Line::expression(format!("{limits}^{number}:{begin}(?=/)(?:{all})"), KNOWN.to_owned()),
            Line::expression(format!("^{number}:{begin}/"), UNKNOWN.to_owned()),
        ]
    });
    lines.collect()
}

/// The expressions of a host of which it is asked at once whether they come to an end. HAProxy reads a line into one buffer.
fn asked(host: &Host) -> Vec<Vec<&RouteRegex>> {
    /// Bytes for expressions; what stands around them has its place beside.
    const ROOM: usize = (8 << 10) - 512;
    let mut all: Vec<&RouteRegex> = host.expressions().collect();
    // Behind these all are sure.
    all.truncate(all.iter().rposition(|path| path.is_unsure()).map_or(0, |last| last + 1));
    // Where one of the others matches, nobody needs to know more; but that only spares an answer, and they may be many.
    if all.iter().map(|path| ahead(path).len()).sum::<usize>() > ROOM {
        all.retain(|path| path.is_unsure());
    }
    let (mut questions, mut room) = (Vec::<Vec<&RouteRegex>>::new(), 0);
    for path in all {
        let bytes = ahead(path).len();
        match questions.last_mut() {
            Some(question) if bytes <= room => question.push(path),
            _ => {
                questions.push(vec![path]);
                room = ROOM;
            }
        }
        room = room.saturating_sub(bytes);
    }
    questions
}

/// Looks at an expression without going on.
fn ahead(path: &RouteRegex) -> String {
    format!("(?=(?{}:{}))|", path.flags(), behind(path))
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
        None => format!("|(?=/)(?s:.*?)(?:{other})"),
    });
    first.to_owned() + &others.collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_alternative_is_bound() {
        let of = |text: &str| behind(&RouteRegex::new(text).unwrap());
        assert_eq!((of("/a(/|$)"), of("/a|/b|^/c")), ("/a(/|$)".to_owned(), "/a|(?=/)(?s:.*?)(?:/b)|(?=/)/c".to_owned()));
    }
}
