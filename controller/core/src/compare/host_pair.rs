//! The routes of a host before and after: which of them serve the same requests.

use super::guards::Way;
use super::serving::{Candidate, Table};
use crate::model::{Host, PathMatch, Route};
use crate::names::HostPattern;
use std::collections::BTreeMap;

/// A host before and after.
pub(super) struct HostPair<'a> {
    pub(super) pattern: String,
    pub(super) tables: [Table<'a>; 2],
    /// The side on which another host serves its requests.
    pub(super) stand_in: Option<usize>,
}

/// The route that serves some paths before, and the one after.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RoutePair {
    pub(super) numbers: [usize; 2],
    /// Whether they are for these paths, and do not just serve them, too.
    pub(super) there: [bool; 2],
}

impl RoutePair {
    /// Whether it is a route of one side, of which another one takes the requests on the other side.
    pub(super) const fn is_one_sided(self) -> bool {
        self.there[0] != self.there[1]
    }
}

/// A route for paths of which the other side tells only who may serve them.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Doubt {
    /// The side that has the route.
    pub(super) side: usize,
    pub(super) own: usize,
    /// Those of the other side.
    pub(super) others: Vec<Candidate>,
}

/// All paths of both sides, by the routes that serve them; those that change in the same way, such as `/a` and all below it,
/// together.
#[derive(Default)]
pub(super) struct Sorted {
    pub(super) certain: BTreeMap<RoutePair, Vec<PathMatch>>,
    pub(super) doubtful: BTreeMap<Doubt, Vec<PathMatch>>,
}

impl<'a> HostPair<'a> {
    pub(super) fn of(pattern: &HostPattern, hosts: [&'a Host; 2]) -> Self {
        Self { pattern: pattern.to_string(), tables: hosts.map(Table::new), stand_in: None }
    }

    pub(super) fn with_stand_in(pattern: &HostPattern, hosts: [&'a Host; 2], side: usize) -> Self {
        Self { stand_in: Some(side), ..Self::of(pattern, hosts) }
    }

    pub(super) fn route(&self, side: usize, number: usize) -> &'a Route {
        self.tables[side].route(number)
    }

    /// The routes of both sides.
    pub(super) fn pair(&self, route_pair: RoutePair) -> [&'a Route; 2] {
        [0, 1].map(|side| self.route(side, route_pair.numbers[side]))
    }

    /// Whether these are paths of the host that stands in alone, which are nobody's of the other one.
    pub(super) fn is_of_stand_in(&self, route_pair: RoutePair) -> bool {
        self.stand_in.is_some_and(|side| !route_pair.there[1 - side])
    }

    pub(super) fn way(&self, side: usize, number: usize) -> Way<'a> {
        Way { host: self.tables[side].host, route: self.route(side, number) }
    }

    pub(super) fn sorted(&self) -> Sorted {
        let mut sorted = Sorted::default();
        let mut paths: BTreeMap<&PathMatch, &Route> = BTreeMap::new();
        for (side, table) in self.tables.iter().enumerate() {
            paths.extend(table.paths().map(|(path, number)| (path, self.route(side, number))));
        }
        for (path, route) in paths {
            let own = self.tables.each_ref().map(|table| table.own(path, route.rule_path.as_str()));
            let serving =
                |side: usize| own[side].map_or_else(|| self.tables[side].serving(path), |number| vec![Candidate { number, is_sure: true }]);
            match [serving(0), serving(1)].each_ref().map(Vec::as_slice) {
                [[old], [new]] => {
                    let route_pair = RoutePair { numbers: [old.number, new.number], there: own.map(|own| own.is_some()) };
                    sorted.certain.entry(route_pair).or_default().push(path.clone());
                }
                [[own], others] => sorted.doubt(Doubt { side: 0, own: own.number, others: others.to_vec() }, path),
                [others, [own]] => sorted.doubt(Doubt { side: 1, own: own.number, others: others.to_vec() }, path),
                _ => {}
            }
        }
        sorted
    }
}

impl Sorted {
    fn doubt(&mut self, doubt: Doubt, path: &PathMatch) {
        self.doubtful.entry(doubt).or_default().push(path.clone());
    }
}
