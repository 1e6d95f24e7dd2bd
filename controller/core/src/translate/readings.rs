//! All Ingresses that are served, each read once: what has not changed since the time before is not read again.

use super::annotations;
use super::claims::{Change, Placed};
use super::parameters::{ByClass, ClassConfig};
use super::reading::{Read, Reading};
use super::{Input, Wanted, class::Classes, screen};
use crate::cores::Cores;
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::model::digest_of;
use crate::names::Kind;
use crate::state::{Epoch, Ingress, IngressesToken, Kinds, Snapshot, by_age};
use std::cmp::Ordering;
use std::iter::Peekable;
use std::sync::Arc;

/// The readings of the time before, oldest Ingress first.
#[derive(Debug, Default)]
pub(super) struct Readings {
    /// How many are read side by side.
    cores: Cores,
    kept: Vec<Kept>,
    /// Which of them have something to say each time, or are made from more than the Ingress.
    noted: Vec<usize>,
    served: Arc<[Arc<Ingress>]>,
    /// `None`: nothing was read yet.
    circumstances: Option<Circumstances>,
}

/// All that decides about readings beside the Ingress itself and what it names.
#[derive(Debug)]
struct Circumstances {
    made_with: u128,
    classes: u128,
    /// Where it matters in which one an Ingress is.
    namespaces: Option<Epoch>,
    has_verdicts: bool,
    ingresses: IngressesToken,
}

impl Circumstances {
    fn of(input: Input<'_>, classes: &Classes<'_>, by_class: &ByClass) -> Self {
        Self {
            made_with: digest_of(&(by_class.digest, input.settings)),
            classes: classes.digest(),
            namespaces: input.settings.namespace_selector.as_ref().map(|_| input.snapshot.epochs().of_all(Kinds::Namespaces)),
            has_verdicts: input.quarantine.has_verdicts(),
            ingresses: input.snapshot.ingresses_token().clone(),
        }
    }

    /// Whether an Ingress that has not changed is served as before.
    fn same_for_each(&self, now: &Self, snapshot: &Snapshot) -> bool {
        let same_namespaces = || self.namespaces.as_ref().is_none_or(|namespaces| snapshot.epochs().is_current(namespaces));
        let same = (self.made_with, self.classes) == (now.made_with, now.classes) && same_namespaces();
        same && !self.has_verdicts && !now.has_verdicts
    }
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
    fn is_current(&self, version: &Arc<Ingress>, input: Input<'_>) -> bool {
        let is_same =
            Arc::ptr_eq(&self.version, version) || self.version.meta.name == version.meta.name && self.version.digest == version.digest;
        is_same && self.read.looked_up.iter().all(|one| one.is_current(input.snapshot)) && !self.has_other_last(input)
    }

    /// Whether an older version could stand in for this one, and not the one that was asked.
    fn has_other_last(&self, input: Input<'_>) -> bool {
        self.read.is_refused && {
            let last = input.quarantine.last_before(&self.version);
            self.last.as_ref().map(|last| last.digest) != last.map(|last| last.digest)
        }
    }

    /// Whether it was made from nothing but the Ingress and the circumstances.
    const fn is_plain(&self) -> bool {
        self.read.looked_up.is_empty() && !self.read.is_refused
    }

    fn placed(&self) -> Option<Placed> {
        self.read.reading.as_ref().map(|reading| Placed { place: Arc::clone(&self.place), reading: Arc::clone(reading) })
    }

    fn shut(&self) -> Option<Placed> {
        self.read.shut.as_ref().map(|reading| Placed { place: Arc::clone(&self.place), reading: Arc::clone(reading) })
    }

    /// The older version is served in place of this one, and that is told of what is wrong with this one.
    fn stand_in(&mut self, older: Read) {
        self.read.reading = older.reading;
        self.read.shut = None;
        self.read.looked_up.extend(older.looked_up);
        self.read.diagnostics.retain(|finding| finding.outcome == Outcome::SkippedObject);
        self.read.diagnostics.iter_mut().for_each(|finding| finding.outcome = Outcome::Quarantined);
    }

    fn extend(&self, wanted: &mut Wanted) {
        for one in &self.read.looked_up {
            match one.kind {
                Kind::Secret => _ = Arc::make_mut(&mut wanted.secrets).insert(one.name.clone()),
                Kind::ConfigMap => _ = wanted.config_maps.insert(one.name.clone()),
                _ => {}
            }
        }
    }
}

/// An Ingress to read.
struct Unread<'a> {
    /// How many of those that are served stand before it.
    at: usize,
    place: &'a Arc<Ingress>,
    version: &'a Arc<Ingress>,
    /// The version that was accepted last, if it is another one.
    last: Option<&'a Arc<Ingress>>,
}

impl Readings {
    /// Reads so many at a time.
    pub(super) fn on(self, cores: Cores) -> Self {
        Self { cores, ..self }
    }

    /// Reads what has changed among the Ingresses that are served, and tells what there is to say of all.
    pub(super) fn update(
        &mut self,
        input: Input<'_>,
        (classes, by_class): (&Classes<'_>, &ByClass),
        wanted: &mut Wanted,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Change {
        let now = Circumstances::of(input, classes, by_class);
        let before = self.circumstances.as_ref();
        let is_same = before.is_some_and(|before| before.same_for_each(&now, input.snapshot));
        let same_ingresses = before.is_some_and(|before| before.ingresses == now.ingresses);
        let is_current = |place: &usize| self.kept[*place].is_current(&self.kept[*place].version, input);
        let mut change = Change::default();
        if !is_same || !same_ingresses || !self.noted.iter().all(is_current) {
            if before.is_none_or(|before| before.made_with != now.made_with) {
                change.gone.extend(self.kept.drain(..).filter_map(|kept| kept.placed()));
            }
            self.read(input, classes, by_class, is_same, &mut change, diagnostics);
        }
        self.circumstances = Some(now);
        self.tell(classes, wanted, diagnostics);
        change
    }

    /// The readings, oldest Ingress first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Reading>> {
        self.kept.iter().filter_map(|kept| kept.read.reading.as_ref())
    }

    /// What those say that are left out and keep somebody out, oldest first.
    pub(super) fn shut(&self) -> impl Iterator<Item = Placed> {
        self.noted.iter().filter_map(|place| self.kept[*place].shut())
    }

    /// The Ingresses that are served, oldest first.
    pub(super) fn served(&self) -> Arc<[Arc<Ingress>]> {
        Arc::clone(&self.served)
    }

    /// Goes through all Ingresses; `is_same`: none is read otherwise than before unless it has changed, or what it names.
    fn read(
        &mut self,
        input: Input<'_>,
        classes: &Classes<'_>,
        by_class: &ByClass,
        is_same: bool,
        change: &mut Change,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let before = std::mem::take(&mut self.kept);
        self.kept.reserve(before.len());
        let mut before = before.into_iter().peekable();
        let mut unread = Vec::new();
        for ingress in input.snapshot.ingresses_oldest_first() {
            if is_same && let Some(kept) = before.next_if(|kept| Arc::ptr_eq(&kept.place, ingress) && kept.is_plain()) {
                self.kept.push(kept);
                continue;
            }
            if !classes.accept(ingress) || !screen::in_scope(ingress, input.snapshot, input.settings) {
                continue;
            }
            let (version, finding) = input.quarantine.version_of(ingress);
            diagnostics.extend(finding);
            let Some(version) = version else { continue };
            match of_place(&mut before, ingress, change) {
                Some(kept) if kept.is_current(version, input) => {
                    self.kept.push(Kept { place: Arc::clone(ingress), version: Arc::clone(version), ..kept });
                }
                other => {
                    change.gone.extend(other.and_then(|kept| kept.placed()));
                    let at = self.kept.len() + unread.len();
                    unread.push(Unread { at, place: ingress, version, last: input.quarantine.last_before(version) });
                }
            }
        }
        let new = self.cores.map(&unread, |one| one.read(input, |version| by_class.of(classes.of(version))));
        change.new.extend(new.iter().filter_map(Kept::placed));
        self.put(unread.iter().map(|one| one.at).zip(new));
        change.gone.extend(before.filter_map(|kept| kept.placed()));
        if !change.is_none() {
            self.served = self.iter().map(|reading| Arc::clone(&reading.ingress)).collect();
        }
        let is_noted = |(_, kept): &(usize, &Kept)| !kept.is_plain() || !kept.read.diagnostics.is_empty();
        self.noted = self.kept.iter().enumerate().filter(is_noted).map(|(place, _)| place).collect();
    }

    /// Puts readings among the others, each with the number of those that stand before it.
    fn put(&mut self, new: impl Iterator<Item = (usize, Kept)>) {
        let mut others = std::mem::take(&mut self.kept).into_iter();
        for (at, kept) in new {
            let before = at - self.kept.len();
            self.kept.extend(others.by_ref().take(before).chain([kept]));
        }
        self.kept.extend(others);
    }

    fn tell(&self, classes: &Classes<'_>, wanted: &mut Wanted, diagnostics: &mut Vec<Diagnostic>) {
        for kept in self.noted.iter().map(|place| &self.kept[*place]) {
            kept.extend(wanted);
            diagnostics.extend_from_slice(&kept.read.diagnostics);
        }
        if classes.take_all()
            && let Some(first) = self.iter().next()
        {
            let message = "the input has no IngressClass, so every Ingress in it is served";
            diagnostics.push(Diagnostic::new(Code::NoClassInInput, first.origin.clone(), "spec.ingressClassName", message));
        }
    }
}

/// What is kept for the place of an Ingress, and away with what stands before.
fn of_place(before: &mut Peekable<impl Iterator<Item = Kept>>, ingress: &Arc<Ingress>, change: &mut Change) -> Option<Kept> {
    let order = |kept: &Kept| if Arc::ptr_eq(&kept.place, ingress) { Ordering::Equal } else { by_age(&kept.place, ingress) };
    loop {
        match order(before.peek()?) {
            Ordering::Less => change.gone.extend(before.next().and_then(|kept| kept.placed())),
            Ordering::Equal => return before.next(),
            Ordering::Greater => return None,
        }
    }
}

impl Unread<'_> {
    /// Reads it. One that its annotations or texts do not let be served leaves the version in use that was accepted last,
    /// unless that one is protected otherwise: it might be open where this one is not.
    fn read<'c>(&self, input: Input<'_>, class_of: impl Fn(&Ingress) -> &'c Arc<ClassConfig>) -> Kept {
        let Self { place, version, last, .. } = *self;
        let read = Reading::of(version, input, class_of(version));
        let mut kept = Kept { place: Arc::clone(place), version: Arc::clone(version), last: None, read };
        if !kept.read.is_refused {
            return kept;
        }
        kept.last = last.map(Arc::clone);
        let alike = |last: &&Arc<Ingress>| {
            annotations::protect_alike(&input.settings.annotations_prefix, &version.meta.annotations, &last.meta.annotations)
        };
        let older = last.filter(alike).map(|last| Reading::of(last, input, class_of(last)));
        match older.filter(|older| older.reading.is_some() && !older.is_refused) {
            Some(older) => kept.stand_in(older),
            None if kept.read.reading.is_some() => annotations::tell_closed(&mut kept.read.diagnostics),
            None => {}
        }
        kept
    }
}
