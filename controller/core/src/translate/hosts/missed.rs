//! Paths that are not served though they keep somebody out, and what is closed for that.
//!
//! Without such a path, others that stand behind it would answer for its requests: those of its own namespace answer 503, and
//! those of others are left alone.

use super::Builder;
use super::expressions::{Place, place};
use super::matching::Entry;
use crate::diagnostic::{Diagnostic, Outcome};
use crate::translate::annotations;
use crate::translate::reading::{PathKind, PathReading, Reading};
use std::collections::{HashMap, HashSet};

/// What keeps somebody out and is not served.
#[derive(Default)]
pub(super) struct Missed<'a> {
    /// Where the first of each namespace would stand.
    first: HashMap<&'a str, Place>,
    /// Namespaces of which it is about the whole host.
    all: HashSet<&'a str>,
    /// Paths that a younger Ingress of the same namespace has as well.
    places: HashSet<(&'a str, PathKind)>,
}

impl<'a> Missed<'a> {
    /// A path, as it is written.
    pub(super) fn note(&mut self, namespace: &'a str, path: &str) {
        let here = place(path);
        let first = self.first.entry(namespace).or_insert_with(|| here.clone());
        if here < *first {
            *first = here;
        }
    }

    /// All that a namespace has on the host.
    pub(super) fn note_all(&mut self, namespace: &'a str) {
        self.all.insert(namespace);
    }

    /// A path that somebody else of the same namespace would serve now.
    pub(super) fn note_place(&mut self, path: &'a PathReading) {
        self.places.insert((path.text.as_str(), path.kind));
    }

    /// Whether a path of the same namespace might answer in the place of one of them.
    pub(super) fn closes(&self, entry: &Entry<'_>) -> bool {
        let (namespace, text) = (entry.namespace(), entry.path.text.as_str());
        self.all.contains(namespace)
            || self.places.contains(&(text, entry.path.kind))
            || self.first.get(namespace).is_some_and(|first| *first < place(text))
    }

    /// The same for what answers where no path does.
    pub(super) fn closes_default(&self, reading: &Reading) -> bool {
        let namespace = reading.origin.name.namespace();
        self.all.contains(namespace) || self.first.contains_key(namespace)
    }
}

impl Builder<'_> {
    /// Whether an Ingress keeps somebody out, or should.
    pub(super) fn keeps_out(&self, reading: &Reading) -> bool {
        let annotations = &reading.ingress.meta.annotations;
        reading.policies.closed || annotations::keeps_out(&self.world.settings.annotations_prefix, annotations)
    }

    /// A finding on a path that is not served though it keeps somebody out, which also says what is closed for that.
    pub(super) fn closing(&self, finding: Diagnostic, namespace: &str) -> Diagnostic {
        let message = format!(
            "{}; what else namespace {namespace} has on the host answers 503 where it stands behind the path, as it might answer for it",
            finding.message
        );
        Diagnostic { message, ..finding }.outcome(Outcome::ClosedRoute)
    }
}
