//! Which route of a host serves a path that may be another host's, or of another time.

use super::shape::Shapes;
use crate::model::{Host, PathMatch, Route};
use std::collections::{BTreeMap, HashMap};

/// The routes of a host, to be asked for.
pub(super) struct Table<'a> {
    pub(super) host: &'a Host,
    by_path: BTreeMap<&'a PathMatch, usize>,
    /// Those for all below a path, by that path.
    below: HashMap<&'a str, usize>,
    by_rule: HashMap<&'a str, usize>,
    /// In the order in which they are tried.
    shapes: Vec<(Shapes, usize)>,
    pub(super) is_regex: bool,
}

/// A route that may serve some requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate {
    pub(super) number: usize,
    /// All of its own requests are among them.
    pub(super) is_sure: bool,
}

impl<'a> Table<'a> {
    pub(super) fn new(host: &'a Host) -> Self {
        let all = || host.routes.iter().enumerate().flat_map(|(n, route)| route.matches.iter().map(move |path| (path, n)));
        let under = |(path, n): (&'a PathMatch, usize)| matches!(path, PathMatch::Under(_)).then(|| (path.text(), n));
        let mut by_rule = HashMap::new();
        for (n, route) in host.routes.iter().enumerate() {
            by_rule.entry(route.rule_path.as_str()).or_insert(n);
        }
        Self {
            host,
            by_path: all().collect(),
            below: all().filter_map(under).collect(),
            by_rule,
            shapes: all().map(|(path, n)| (Shapes::of(path), n)).collect(),
            is_regex: all().any(|(path, _)| matches!(path, PathMatch::Regex(_))),
        }
    }

    /// Every path that a route is for, and that route.
    pub(super) fn paths(&self) -> impl Iterator<Item = (&'a PathMatch, usize)> {
        self.by_path.iter().map(|(path, n)| (*path, *n))
    }

    pub(super) fn route(&self, number: usize) -> &'a Route {
        &self.host.routes[number]
    }

    /// The route of a path, or of the same path of a rule where one host takes paths as expressions and the other one does
    /// not.
    pub(super) fn own(&self, path: &PathMatch, rule_path: &str) -> Option<usize> {
        let of_rule = || (matches!(path, PathMatch::Regex(_)) != self.is_regex).then(|| self.by_rule.get(rule_path).copied())?;
        self.by_path.get(path).copied().or_else(of_rule)
    }

    /// The routes that may serve a path that is none of its own, those first that are tried first: at least one, as one is for
    /// every path; if it is one only, it is this one.
    pub(super) fn serving(&self, path: &PathMatch) -> Vec<Candidate> {
        if !self.is_regex && !matches!(path, PathMatch::Regex(_)) {
            return self.nearest(path.text()).map(|number| Candidate { number, is_sure: true }).into_iter().collect();
        }
        let (wanted, mut found) = (Shapes::of(path), Vec::<Candidate>::new());
        for (shapes, number) in &self.shapes {
            let is_sure = wanted.cover(shapes);
            match found.iter_mut().find(|known| known.number == *number) {
                Some(known) => known.is_sure |= is_sure,
                None if shapes.may_meet(&wanted) => found.push(Candidate { number: *number, is_sure }),
                None => {}
            }
            if shapes.cover(&wanted) {
                break;
            }
        }
        found
    }

    /// The nearest route above a literal path.
    fn nearest(&self, path: &str) -> Option<usize> {
        path.match_indices('/').rev().find_map(|(at, _)| self.below.get(&path[..=at]).copied())
    }
}
