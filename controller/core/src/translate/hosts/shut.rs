//! Paths of Ingresses that are left out though they keep somebody out.
//!
//! Without such an Ingress another route of the host, which may let everybody in, would answer for its paths. So these
//! answer 503. Nobody else is harmed by that: it is done where all routes of the host are of its own namespace, and never
//! in the place of a path that is served.

use super::Builder;
use super::matching::Entry;
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::translate::reading::{PathKind, Reading};
use std::collections::{BTreeSet, HashSet};

impl<'a> Builder<'a> {
    /// The paths that are closed, beside those that are served.
    pub(super) fn shut_entries(&self, served: &[Entry<'a>], is_regex: bool) -> Vec<Entry<'a>> {
        let Some(owner) = self.owner().filter(|_| !self.shut.is_empty()) else { return Vec::new() };
        let answers_all = self.claims.iter().any(|claim| claim.reading.default_backend.is_some());
        let mut taken: HashSet<_> = served.iter().map(|entry| (entry.path.text.as_str(), entry.path.kind)).collect();
        let prefixes = served.iter().filter(|entry| entry.path.kind == PathKind::Prefix);
        let prefixes: HashSet<&str> = prefixes.map(|entry| entry.path.text.as_str().trim_end_matches('/')).collect();
        // An expression may take whatever another one takes.
        let is_answered = |path: &str| is_regex || answers_all || above(path).any(|above| prefixes.contains(above));
        let mut entries = Vec::new();
        for claim in self.shut.iter().filter(|claim| claim.reading.origin.name.namespace() == owner) {
            for path in claim.rule().into_iter().flat_map(|rule| &rule.paths) {
                if (is_regex || path.literal.is_ok()) && is_answered(path.text.as_str()) && taken.insert((path.text.as_str(), path.kind)) {
                    entries.push(Entry { reading: &claim.reading, path });
                }
            }
        }
        entries
    }

    /// The namespace that all routes of the host are of.
    fn owner(&self) -> Option<&'a str> {
        let owner = self.claims.first()?.reading.origin.name.namespace();
        self.claims.iter().all(|claim| claim.reading.origin.name.namespace() == owner).then_some(owner)
    }

    /// Says once of each Ingress which of its paths are closed, and nothing else: it is told already why it is left out.
    pub(super) fn say_shut(&self, shut: &[Entry<'a>], diagnostics: &mut Vec<Diagnostic>) {
        if shut.is_empty() {
            return;
        }
        let origins: BTreeSet<_> = shut.iter().map(|entry| &entry.reading.origin).collect();
        diagnostics.retain(|finding| finding.object.as_ref().is_none_or(|object| !origins.contains(object)));
        let mut said: Option<&Reading> = None;
        for Entry { reading, path } in shut {
            if said.replace(reading).is_some_and(|said| std::ptr::eq(said, *reading)) {
                continue;
            }
            let message = format!(
                "host {} answers 503 for {} and what else the Ingress guards there: other routes of its namespace would answer in its place",
                self.pattern, path.text
            );
            let finding = Diagnostic::new(Code::RefusedAnnotation, reading.origin.clone(), path.field("path"), message);
            diagnostics.push(finding.help("mend what it is left out for").outcome(Outcome::ClosedRoute));
        }
    }
}

/// A path and all those that it is below of, without slashes at their ends.
fn above(path: &str) -> impl Iterator<Item = &str> {
    let path = path.trim_end_matches('/');
    std::iter::successors(Some(path), |path| path.rfind('/').map(|at| &path[..at]))
}
