//! All Ingresses that are served, each read once: what has not changed since the time before is not read again.

use super::annotations;
use super::parameters::{ByClass, ClassConfig};
use super::reading::{Read, Reading};
use super::{Input, Wanted, class::Classes, screen};
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::model::digest_of;
use crate::names::Kind;
use crate::state::{Ingress, Snapshot, by_age};
use std::cmp::Ordering;
use std::iter::Peekable;
use std::sync::Arc;

/// The readings of the time before, oldest Ingress first.
#[derive(Debug, Default)]
pub(super) struct Readings {
    kept: Vec<Kept>,
    made_with: u128,
}

/// What reading an Ingress gave, and what it was made from.
#[derive(Debug)]
struct Kept {
    /// The Ingress that is there now, which says where this stands among all.
    place: Arc<Ingress>,
    /// The version that was read.
    version: Arc<Ingress>,
    /// The version that was accepted last, if the one that was read is refused.
    last: Option<Arc<Ingress>>,
    read: Read,
}

impl Kept {
    fn is_current(&self, version: &Arc<Ingress>, snapshot: &Snapshot) -> bool {
        let is_same =
            Arc::ptr_eq(&self.version, version) || self.version.meta.name == version.meta.name && self.version.digest == version.digest;
        is_same && self.read.looked_up.iter().all(|one| one.is_current(snapshot))
    }

    /// Whether an older version could stand in for this one, and not the one that was asked.
    fn has_other_last(&self, last: Option<&Arc<Ingress>>) -> bool {
        self.read.is_refused && self.last.as_ref().map(|last| last.digest) != last.map(|last| last.digest)
    }

    /// The older version is served in place of this one, and that is told of what is wrong with this one.
    fn stand_in(&mut self, older: Read) {
        self.read.reading = older.reading;
        self.read.looked_up.extend(older.looked_up);
        self.read.diagnostics.retain(|finding| finding.outcome == Outcome::SkippedObject);
        self.read.diagnostics.iter_mut().for_each(|finding| finding.outcome = Outcome::Quarantined);
    }

    fn extend(&self, wanted: &mut Wanted) {
        for one in &self.read.looked_up {
            match one.kind {
                Kind::Secret => _ = wanted.secrets.insert(one.name.clone()),
                Kind::ConfigMap => _ = wanted.config_maps.insert(one.name.clone()),
                _ => {}
            }
        }
    }
}

impl Readings {
    /// Readings of all Ingresses that are served, oldest first.
    pub(super) fn of_served(
        &mut self,
        input: Input<'_>,
        (classes, by_class): (&Classes<'_>, &ByClass),
        wanted: &mut Wanted,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Vec<Arc<Reading>> {
        let made_with = digest_of(&(by_class.digest, input.settings));
        if self.made_with != made_with {
            *self = Self { kept: Vec::new(), made_with };
        }
        let mut before = std::mem::take(&mut self.kept).into_iter().peekable();
        let mut served = Vec::new();
        for ingress in input.snapshot.ingresses_oldest_first() {
            if !classes.accept(ingress) || !screen::in_scope(ingress, input.snapshot, input.settings) {
                continue;
            }
            let (version, finding) = input.quarantine.version_of(ingress);
            diagnostics.extend(finding);
            let Some(version) = version else { continue };
            let last = input.quarantine.last_before(version);
            let is_current = |kept: &Kept| kept.is_current(version, input.snapshot) && !kept.has_other_last(last);
            let kept = match of_place(&mut before, ingress).filter(is_current) {
                Some(kept) => Kept { place: Arc::clone(ingress), version: Arc::clone(version), ..kept },
                None => read_or_last((ingress, version, last), input, |version| by_class.of(classes.of(version))),
            };
            kept.extend(wanted);
            diagnostics.extend_from_slice(&kept.read.diagnostics);
            served.extend(kept.read.reading.iter().map(Arc::clone));
            self.kept.push(kept);
        }
        if classes.take_all()
            && let Some(first) = served.first()
        {
            let message = "the input has no IngressClass, so every Ingress in it is served";
            diagnostics.push(Diagnostic::new(Code::NoClassInInput, first.origin.clone(), "spec.ingressClassName", message));
        }
        served
    }
}

/// What is kept for the place of an Ingress, and away with what stands before.
fn of_place(before: &mut Peekable<impl Iterator<Item = Kept>>, ingress: &Arc<Ingress>) -> Option<Kept> {
    let order = |kept: &Kept| if Arc::ptr_eq(&kept.place, ingress) { Ordering::Equal } else { by_age(&kept.place, ingress) };
    loop {
        match order(before.peek()?) {
            Ordering::Less => _ = before.next(),
            Ordering::Equal => return before.next(),
            Ordering::Greater => return None,
        }
    }
}

/// Reads a version of an Ingress. One that its annotations do not let be served leaves the version in use that was accepted
/// last, unless that one is protected otherwise: it might be open where this one is not.
fn read_or_last<'c>(
    (place, version, last): (&Arc<Ingress>, &Arc<Ingress>, Option<&Arc<Ingress>>),
    input: Input<'_>,
    class_of: impl Fn(&Ingress) -> &'c Arc<ClassConfig>,
) -> Kept {
    let read = Reading::of(version, input, class_of(version));
    let mut kept = Kept { place: Arc::clone(place), version: Arc::clone(version), last: None, read };
    let Some(last) = last.filter(|_| kept.read.is_refused) else { return kept };
    kept.last = Some(Arc::clone(last));
    if annotations::protect_alike(&input.settings.annotations_prefix, &version.meta.annotations, &last.meta.annotations) {
        let older = Reading::of(last, input, class_of(last));
        if older.reading.is_some() {
            kept.stand_in(older);
        }
    }
    kept
}
