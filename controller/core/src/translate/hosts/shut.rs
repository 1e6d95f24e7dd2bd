//! Paths of Ingresses that are left out though they keep somebody out.
//!
//! Without such an Ingress another route of the host, which may let everybody in, would answer for its paths. So these
//! answer 503. Nobody else is harmed by that: it is done where a route of its own namespace would answer, and never in the
//! place of a path that another namespace serves. Where paths are expressions, it is not known which one would answer, so
//! there they stand where they would stand if they were served.

use super::Builder;
use super::matching::Entry;
use super::missed::Missed;
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::model::PathMatch;
use crate::names::shown;
use crate::state::by_age;
use crate::translate::annotations;
use crate::translate::claims::Claim;
use crate::translate::reading::{PathKind, Reading};
use std::cmp::Ordering;
use std::collections::hash_map::Entry as Taken;
use std::collections::{HashMap, HashSet};

impl<'a> Builder<'a> {
    /// The paths that are closed, beside those that are served; and what `missed` closes of those.
    pub(super) fn shut_entries(&self, served: &[Entry<'a>], is_regex: bool, missed: &mut Missed<'a>) -> Vec<Entry<'a>> {
        let shut: Vec<&'a Claim> = self.shut_here().collect();
        if shut.is_empty() {
            return Vec::new();
        }
        let mut taken: HashMap<_, _> = served.iter().map(|entry| ((entry.path.text.as_str(), entry.path.kind), entry.reading)).collect();
        let mut prefixes: Vec<_> = served.iter().filter(|entry| entry.path.kind == PathKind::Prefix).collect();
        // Of two that differ in the slash alone, the one with it takes what is below.
        prefixes.sort_by_key(|entry| entry.path.text.as_str().ends_with('/'));
        let mut owners = PrefixTree::default();
        prefixes.into_iter().for_each(|entry| owners.insert(entry.path.text.as_str(), namespace(entry.reading)));
        let of_host = self.claims.first().map(|claim| &*claim.reading).filter(|first| first.default_backend.is_some());
        let answering = |path: &str| owners.longest(path).or_else(|| of_host.map(namespace));
        let mut entries = Vec::new();
        for claim in shut {
            let reading: &'a Reading = &claim.reading;
            for path in claim.rule().into_iter().flat_map(|rule| &rule.paths) {
                let text = path.text.as_str();
                let is_answered = is_regex || (path.literal.is_ok() && answering(text) == Some(namespace(reading)));
                match taken.entry((text, path.kind)) {
                    // It would have come first.
                    Taken::Occupied(served) if is_older_of_same(reading, served.get()) => missed.note_place(path),
                    Taken::Vacant(free) if is_answered => {
                        free.insert(reading);
                        entries.push(Entry { reading, path });
                    }
                    _ => {}
                }
            }
        }
        entries
    }

    /// What Ingresses guard that are left out, of the namespaces that something is served of on the host.
    pub(super) fn shut_here(&self) -> impl Iterator<Item = &'a Claim> + use<'a> {
        let claims = self.claims;
        self.shut.iter().filter(|shut| claims.iter().any(|claim| claim.namespace() == shut.namespace()))
    }

    /// What keeps somebody out and stands on no path that is served: paths that cannot be served, and client certificates that
    /// an Ingress wants of the whole host that is left out.
    pub(super) fn missed(&self, diagnostics: &mut Vec<Diagnostic>) -> Missed<'a> {
        let mut missed = Missed::default();
        for claim in self.claims.iter().chain(self.shut_here()) {
            let reading: &'a Reading = &claim.reading;
            let lost = claim.rule().map_or(&[][..], |rule| &rule.lost);
            let Some(first) = lost.first().filter(|_| self.keeps_out(reading)) else { continue };
            lost.iter().for_each(|path| missed.note(namespace(reading), path));
            let message = format!("host {} has no path {}, which keeps somebody out", self.pattern, shown(first));
            let finding = Diagnostic::new(Code::BadPath, reading.origin.clone(), "spec.rules", message).help("mend the path");
            diagnostics.push(self.closing(finding, namespace(reading)));
        }
        let prefix = &self.world.settings.annotations_prefix;
        for claim in self.shut_here().filter(|claim| annotations::wants_certificates(prefix, &claim.reading.ingress.meta.annotations)) {
            let reading: &'a Reading = &claim.reading;
            missed.note_all(namespace(reading));
            let message = format!(
                "host {} answers 503 for all of namespace {}: the Ingress asks for client certificates of the whole host and is left out",
                self.pattern,
                namespace(reading)
            );
            let finding = Diagnostic::new(Code::RefusedAnnotation, reading.origin.clone(), "metadata.annotations", message);
            diagnostics.push(finding.help("mend what it is left out for").outcome(Outcome::ClosedRoute));
        }
        missed
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

/// Whether an Ingress comes before another one of its namespace.
fn is_older_of_same(reading: &Reading, other: &Reading) -> bool {
    namespace(reading) == namespace(other) && by_age(&reading.ingress, &other.ingress) == Ordering::Less
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
