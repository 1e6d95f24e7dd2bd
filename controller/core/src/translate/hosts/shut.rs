//! Paths of Ingresses that are left out though they keep somebody out.
//!
//! Without such an Ingress another route of the host, which may let everybody in, would answer for its paths. So these
//! answer 503. Nobody else is harmed by that: it is done where a route of its own namespace would answer, and never in the
//! place of a path that is served.

use super::Builder;
use super::matching::Entry;
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::model::PathMatch;
use crate::translate::claims::Claim;
use crate::translate::reading::{PathKind, Reading};
use std::collections::{HashMap, HashSet};

impl<'a> Builder<'a> {
    /// The paths that are closed, beside those that are served.
    pub(super) fn shut_entries(&self, served: &[Entry<'a>], is_regex: bool) -> Vec<Entry<'a>> {
        // Which expression answers for what another one would have taken is not known beforehand.
        let shut: Vec<&'a Claim> = if is_regex { self.shut_alone().collect() } else { self.shut.iter().collect() };
        if shut.is_empty() {
            return Vec::new();
        }
        let mut taken: HashSet<_> = served.iter().map(|entry| (entry.path.text.as_str(), entry.path.kind)).collect();
        let prefixes = served.iter().filter(|entry| entry.path.kind == PathKind::Prefix);
        let mut owners = PrefixTree::default();
        prefixes.for_each(|entry| owners.insert(entry.path.text.as_str(), namespace(entry.reading)));
        let of_host = self.claims.first().map(|claim| &*claim.reading).filter(|first| first.default_backend.is_some());
        let answering = |path: &str| owners.longest(path).or_else(|| of_host.map(namespace));
        let mut entries = Vec::new();
        for claim in shut {
            let reading: &'a Reading = &claim.reading;
            for path in claim.rule().into_iter().flat_map(|rule| &rule.paths) {
                let text = path.text.as_str();
                let is_answered = is_regex || (path.literal.is_ok() && answering(text) == Some(namespace(reading)));
                if is_answered && taken.insert((text, path.kind)) {
                    entries.push(Entry { reading, path });
                }
            }
        }
        entries
    }

    /// What Ingresses guard that are left out, of the namespace that all routes of the host are of; nothing, if there is no
    /// such one.
    pub(super) fn shut_alone(&self) -> impl Iterator<Item = &'a Claim> + use<'a> {
        let owner = self.claims.first().map(|claim| namespace(&claim.reading));
        let owner = owner.filter(|owner| self.claims.iter().all(|claim| namespace(&claim.reading) == *owner));
        self.shut.iter().filter(move |claim| owner == Some(namespace(&claim.reading)))
    }

    /// The first path of each Ingress that is closed, after all that leaves paths out.
    pub(super) fn closed(&self, shut: &[Entry<'a>], matched: &[(Entry<'a>, Vec<PathMatch>)]) -> Vec<Entry<'a>> {
        let mut left: HashSet<_> = shut.iter().map(|entry| &entry.reading.origin).collect();
        matched.iter().map(|(entry, _)| *entry).filter(|entry| left.remove(&entry.reading.origin)).collect()
    }

    /// Says of these Ingresses that paths of them are closed, and little else: it is told already why they are left out.
    pub(super) fn say_closed(&self, closed: &[Entry<'a>], diagnostics: &mut Vec<Diagnostic>) {
        if closed.is_empty() {
            return;
        }
        let origins: HashSet<_> = closed.iter().map(|entry| &entry.reading.origin).collect();
        let is_of_others = |finding: &Diagnostic| finding.object.as_ref().is_none_or(|object| !origins.contains(object));
        diagnostics.retain(|finding| finding.code == Code::BadPath || is_of_others(finding));
        for Entry { reading, path } in closed {
            let message = format!(
                "host {} answers 503 for {} and what else the Ingress guards there: other routes of its namespace would answer in its place",
                self.pattern, path.text
            );
            let finding = Diagnostic::new(Code::RefusedAnnotation, reading.origin.clone(), path.field("path"), message);
            diagnostics.push(finding.help("mend what it is left out for").outcome(Outcome::ClosedRoute));
        }
    }
}

fn namespace(reading: &Reading) -> &str {
    reading.origin.name.namespace()
}

/// Namespaces by prefix of paths, found in a time that grows with the length of a path only.
#[derive(Default)]
struct PrefixTree<'a> {
    /// By node, 0 being the root, and the segment that leads on from it.
    nodes: HashMap<(usize, &'a str), usize>,
    /// Of which node's path it is.
    namespaces: HashMap<usize, &'a str>,
}

impl<'a> PrefixTree<'a> {
    /// Slashes at the end of `prefix` make no difference. Of two equal ones, the last counts.
    fn insert(&mut self, prefix: &'a str, namespace: &'a str) {
        let mut node = 0;
        for segment in segments(prefix) {
            let next = self.nodes.len() + 1;
            node = *self.nodes.entry((node, segment)).or_insert(next);
        }
        self.namespaces.insert(node, namespace);
    }

    /// That of the longest prefix that a path is below of, or equal to.
    fn longest(&self, path: &str) -> Option<&'a str> {
        let (mut node, mut found) = (0, None);
        for segment in segments(path) {
            let Some(next) = self.nodes.get(&(node, segment)) else { break };
            node = *next;
            found = self.namespaces.get(next).copied().or(found);
        }
        found
    }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.trim_end_matches('/').split('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_of_whole_segments_is_found() {
        let mut tree = PrefixTree::default();
        for (prefix, namespace) in [("/", "root"), ("/a/", "a"), ("/a/b", "old"), ("/a/b//", "b"), ("/a//c", "c")] {
            tree.insert(prefix, namespace);
        }
        for (path, expected) in [
            ("/", "root"),
            ("/x", "root"),
            ("/ab", "root"),
            ("/a", "a"),
            ("/a/", "a"),
            ("/a/bc", "a"),
            ("/a/b", "b"),
            ("/a/b/c/d", "b"),
            ("/a//c/d", "c"),
            ("/a//d", "a"),
        ] {
            assert_eq!(tree.longest(path), Some(expected), "{path}");
        }
        let mut tree = PrefixTree::default();
        tree.insert("/a", "a");
        assert_eq!(["/", "/b", "", "a"].map(|path| tree.longest(path)), [None; 4]);
    }
}
