//! Expressions of a host that may take long: how many of them are served, and what becomes of the others.
//!
//! A host has room for [`RouteRegex::MOST_SLOW`] of them. Who has the most gives up the most, so that nobody loses paths by
//! what other namespaces write.

use super::Builder;
use super::matching::Matched;
use super::missed::Missed;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::PathMatch;
use crate::names::RouteRegex;
use std::collections::{BinaryHeap, HashMap, HashSet};

const HELP: &str = "write it with fewer repetitions of what may be anything, such as [^/]+ in place of .*";

impl<'a> Builder<'a> {
    /// Says which expressions may take long, and leaves out those that are too many.
    pub(super) fn few_slow(
        &self,
        mut matched: Vec<Matched<'a>>,
        missed: &mut Missed<'a>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Vec<Matched<'a>> {
        let slow: Vec<_> = matched.iter().enumerate().filter_map(|(at, matched)| self.slow(at, matched)).collect();
        let all = slow.iter().map(|slow| slow.expressions).sum::<usize>().min(RouteRegex::MOST_SLOW);
        let left_out = left_out(slow);
        let mut at = 0..;
        matched.retain(|(entry, matches)| {
            let is_served = at.next().is_none_or(|at| !left_out.contains(&at));
            let Some(path) = slow_ones(matches).next() else { return true };
            let takes = format!("path {} of host {} may take {} steps to compare", entry.path.text, self.pattern, path.steps());
            let finding = |code, message| Diagnostic::new(code, entry.reading.origin.clone(), entry.path.field("path"), message).help(HELP);
            if is_served {
                let limit = path.limit(all).unwrap_or_default();
                let message = format!("{takes}; it is given up at {limit}, and a request that comes to that is answered 500");
                diagnostics.push(finding(Code::SlowPath, message));
                return true;
            }
            let most = RouteRegex::MOST_SLOW;
            let ignored = format!("{takes}, and the host has more than {most} paths that may take long; this path is ignored");
            diagnostics.push(if self.keeps_out(entry.reading) {
                missed.note(entry.namespace(), entry.path.text.as_str());
                self.closing(finding(Code::BadPath, ignored), entry.namespace())
            } else {
                finding(Code::BadPath, ignored)
            });
            false
        });
        matched
    }

    fn slow(&self, at: usize, (entry, matches): &Matched<'a>) -> Option<Slow<'a>> {
        let expressions = slow_ones(matches).count();
        let namespace = entry.namespace();
        (expressions > 0).then(|| Slow { at, expressions, namespace, keeps_out: self.keeps_out(entry.reading) })
    }
}

/// A path with expressions that may take long.
struct Slow<'a> {
    /// Its place among the paths of the host; those of older Ingresses come first.
    at: usize,
    expressions: usize,
    namespace: &'a str,
    keeps_out: bool,
}

fn slow_ones(matches: &[PathMatch]) -> impl Iterator<Item = &RouteRegex> {
    matches.iter().filter_map(PathMatch::regex).filter(|path| path.is_slow())
}

/// The places of those that are too many: of the namespace that has the most at the time, what keeps nobody out before what
/// does, and the youngest first.
fn left_out(slow: Vec<Slow<'_>>) -> HashSet<usize> {
    let mut all: usize = slow.iter().map(|slow| slow.expressions).sum();
    let mut left_out = HashSet::new();
    if all <= RouteRegex::MOST_SLOW {
        return left_out;
    }
    let mut of: HashMap<&str, Vec<Slow<'_>>> = HashMap::new();
    for slow in slow {
        of.entry(slow.namespace).or_default().push(slow);
    }
    let share = |paths: &[Slow<'_>]| {
        let youngest = paths.iter().map(|slow| slow.at).max();
        (paths.iter().map(|slow| slow.expressions).sum::<usize>(), youngest)
    };
    let mut shares: BinaryHeap<_> = of.iter().map(|(namespace, paths)| (share(paths), *namespace)).collect();
    of.values_mut().for_each(|paths| paths.sort_by_key(|slow| (!slow.keeps_out, slow.at)));
    while all > RouteRegex::MOST_SLOW
        && let Some(((expressions, youngest), namespace)) = shares.pop()
        && let Some(gone) = of.get_mut(namespace).and_then(Vec::pop)
    {
        all -= gone.expressions;
        left_out.insert(gone.at);
        shares.push(((expressions - gone.expressions, youngest), namespace));
    }
    left_out
}
