//! What is wrong with objects that are left out: with Ingresses beside what they are left out for, as whoever mends them
//! wants to know all of it at once; and with what nobody has looked at.

use super::{InputError, Moment, World};
use crate::source::Located;
use gatewright_core::diagnostic::{Code, Diagnostic, Outcome};
use gatewright_core::names::{Kind, ObjectRef};
use gatewright_core::state::{Event, Object};
use gatewright_core::translate::left_out::{Parts, outcome_of, without_causes};
use gatewright_core::translate::{Translation, unnamed_parameters};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// Which parts of Ingresses are left out, and how.
type LeftOut = HashMap<ObjectRef, Parts>;

impl World {
    /// What else is wrong with Ingresses that are left out, or with what is left out of them: each is looked at without what
    /// it is left out for.
    ///
    /// # Errors
    /// When the cluster cannot be asked.
    pub(crate) fn hidden_findings(&mut self, translation: &Translation, moment: Moment<'_>) -> Result<Vec<Diagnostic>, InputError> {
        // Of one Ingress; some of the reasons to leave it out show only when another one is gone.
        const MOST_REASONS: usize = 100;
        let before = self.snapshot.clone();
        let mut known: HashSet<Diagnostic> = translation.diagnostics.iter().cloned().collect();
        let (mut left_out, mut hidden, mut latest) = (LeftOut::new(), Vec::new(), translation.diagnostics.clone());
        for _ in 0..MOST_REASONS {
            if !self.take_causes(&latest, &mut left_out) {
                break;
            }
            latest = self.translate(moment)?.diagnostics;
            for finding in latest.iter().filter(|finding| known.insert((*finding).clone())) {
                let parts = finding.object.as_ref().and_then(|object| left_out.get(object));
                let outcome = parts.and_then(|parts| outcome_of(finding, parts));
                hidden.extend(outcome.map(|outcome| finding.clone().outcome(outcome)));
            }
        }
        self.snapshot = before;
        // What the input lacks as a whole is said on any of them.
        hidden.retain(|finding| finding.code != Code::NoClassInInput);
        Ok(hidden)
    }

    /// What is wrong with Ingresses that are left out for their names, beside these. Nothing is said of the others.
    ///
    /// # Errors
    /// When the cluster cannot be asked.
    pub(crate) fn unnamed_findings(&mut self, moment: Moment<'_>) -> Result<Vec<Located>, InputError> {
        let (ingresses, places) = self.unnamed.under_names(|name| self.snapshot.ingress(name).is_some());
        if ingresses.is_empty() {
            return Ok(Vec::new());
        }
        let before = self.snapshot.clone();
        for ingress in ingresses {
            self.snapshot.apply(Event::Applied(Object::Ingress(ingress)));
        }
        let translation = self.translate(moment)?;
        let hidden = self.hidden_findings(&translation, moment)?;
        self.snapshot = before;
        let all = translation.diagnostics.into_iter().chain(hidden).filter(|finding| finding.code != Code::NoClassInInput);
        let of_these = all.filter(|finding| finding.object.as_ref().is_some_and(|object| places.has(object)));
        let located = of_these.map(|finding| {
            let mut located = places.locate(finding.outcome(Outcome::SkippedObject));
            // The name is not the one that is written.
            located.diagnostic.object = None;
            located
        });
        Ok(located.collect())
    }

    /// What is wrong with GatewrightParameters that no class names, and that none does.
    pub(crate) fn unnamed_parameters(&self, translation: &Translation, moment: Moment<'_>) -> Vec<Diagnostic> {
        let named = &translation.wanted.parameters;
        let unnamed = self.snapshot.parameters().filter(|parameters| !named.contains(&parameters.meta.name));
        let told = unnamed.flat_map(|parameters| {
            let object = ObjectRef::new(Kind::GatewrightParameters, parameters.meta.name.clone());
            let message = "no IngressClass that is served here names these parameters, so they have no effect";
            let note = Diagnostic::new(Code::UnusedParameters, object, "", message);
            let note = note.help("name them as spec.parameters of a class, or give --controller-class");
            std::iter::once(note).chain(unnamed_parameters(self.seen_at(moment), parameters))
        });
        told.collect()
    }

    /// Takes what Ingresses are left out for from them; whether any of them had something.
    fn take_causes(&mut self, findings: &[Diagnostic], left_out: &mut LeftOut) -> bool {
        let mut has_taken = false;
        // They are sorted, but not by their objects.
        let mut of_ingresses: BTreeMap<&ObjectRef, Vec<&Diagnostic>> = BTreeMap::new();
        for (object, finding) in findings.iter().filter_map(|finding| Some((finding.object.as_ref()?, finding))) {
            if object.kind == Kind::Ingress {
                of_ingresses.entry(object).or_default().push(finding);
            }
        }
        for (object, findings) in of_ingresses {
            let Some(ingress) = self.snapshot.ingress(&object.name) else { continue };
            let Some((rest, parts)) = without_causes(ingress, findings, &self.settings.annotations_prefix) else { continue };
            has_taken = true;
            left_out.entry(object.clone()).or_default().extend(parts);
            self.snapshot.apply(Event::Applied(Object::Ingress(Arc::new(rest))));
        }
        has_taken
    }
}
