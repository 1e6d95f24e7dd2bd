//! What is wrong with what the offline commands have read, each said once and with what comes of it.

use crate::source::input::{Holds, World};
use crate::source::{Located, Place, together};
use gatewright_core::diagnostic::{Code, Diagnostic, Outcome, Severity};
use gatewright_core::names::{Kind, ObjectName, ObjectRef};
use gatewright_core::translate::Translation;
use gatewright_core::translate::left_out::{self, Parts};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Everything that is wrong, by file and line; what is in no file comes first.
pub(crate) fn all_findings(world: &World, translation: &Translation) -> Vec<Located> {
    let of_objects = translation.diagnostics.iter().map(|diagnostic| world.places.locate(diagnostic.clone()));
    let mut all = together(&world.problems, of_objects);
    let key = |located: &Located| located.place.as_ref().map(|Place { file, line, column }| (Arc::clone(file), *line, *column));
    tell_what_is_left_out(&mut all, world, translation);
    say_empty_once(&mut all);
    hint_at_templates(&mut all);
    all.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| a.diagnostic.cmp(&b.diagnostic)));
    all.dedup();
    all
}

/// That an Ingress is empty is said by the API as well, where it is asked.
fn say_empty_once(all: &mut Vec<Located>) {
    let of_spec = |code| move |located: &&Located| located.diagnostic.code == code && located.diagnostic.field == "spec";
    let refused: HashSet<_> = all.iter().filter(of_spec(Code::RefusedByApi)).filter_map(|one| one.diagnostic.object.clone()).collect();
    all.retain(|one| !(of_spec(Code::EmptyIngress)(&one) && one.diagnostic.object.as_ref().is_some_and(|own| refused.contains(own))));
}

/// A value that Helm would fill in is a mistake of another kind where quotes make YAML of its file.
fn hint_at_templates(all: &mut [Located]) {
    let is_of_helm = |finding: &Diagnostic| finding.code != Code::UnrenderedTemplate && finding.message.contains("{{");
    for finding in all.iter_mut().map(|located| &mut located.diagnostic).filter(|finding| is_of_helm(finding)) {
        finding.help = "it looks like a template of Helm; look at what that gives: helm template CHART | gatewright lint -f -".to_owned();
    }
}

/// Nothing is said to be served of what is left out for another reason.
fn tell_what_is_left_out(all: &mut [Located], world: &World, translation: &Translation) {
    let served: HashSet<&ObjectName> = translation.served.iter().map(|ingress| &ingress.meta.name).collect();
    let mut of_objects: HashMap<ObjectRef, Vec<&Diagnostic>> = HashMap::new();
    for (object, finding) in all.iter().filter_map(|located| Some((located.diagnostic.object.clone()?, &located.diagnostic))) {
        of_objects.entry(object).or_default().push(finding);
    }
    let parts_of = |(object, findings): (ObjectRef, Vec<&Diagnostic>)| {
        let mut parts = if object.kind == Kind::Ingress { left_out::parts(findings.iter().copied()) } else { Parts::new() };
        let is_unread = || findings.iter().any(|finding| finding.outcome == Outcome::SkippedObject) && !world.places.has(&object);
        let is_empty = || findings.iter().any(|finding| finding.code == Code::EmptyIngress);
        if object.kind == Kind::Ingress && (!served.contains(&object.name) || is_empty()) || is_unread() {
            parts.insert(String::new(), Outcome::SkippedObject);
        }
        (object, parts)
    };
    let parts: HashMap<ObjectRef, Parts> = of_objects.into_iter().map(parts_of).collect();
    for finding in all.iter_mut().map(|located| &mut located.diagnostic).filter(|finding| finding.outcome == Outcome::Served) {
        let parts = finding.object.as_ref().and_then(|object| parts.get(object));
        finding.outcome = parts.and_then(|parts| left_out::outcome_of(finding, parts)).unwrap_or(Outcome::Served);
    }
}

/// An input that holds no Services, Secrets or ConfigMaps at all leaves them to somebody else.
pub(super) fn downgrade(finding: &mut Diagnostic, holds: Holds) {
    let kind = match finding.code {
        Code::NoService if !holds.services => "Services",
        Code::NoSecret | Code::MissingSecret if !holds.secrets => "Secrets",
        Code::MissingConfigMap if !holds.config_maps => "ConfigMaps",
        _ => return,
    };
    finding.severity = Severity::Note;
    finding.help = format!("the input holds no {kind}; add them, and more can be checked");
}

/// What nobody knows what it says.
pub(super) fn unread(world: &World) -> impl Iterator<Item = &Located> {
    let is_unread =
        |finding: &Diagnostic| finding.severity == Severity::Error || [Code::BadDocument, Code::Forbidden].contains(&finding.code);
    world.problems.iter().filter(move |located| is_unread(&located.diagnostic))
}

/// What is in another place, and not read.
pub(super) fn elsewhere(world: &World) -> impl Iterator<Item = &Located> {
    world.problems.iter().filter(|located| located.diagnostic.code == Code::NotFollowed)
}

/// Hidden manifests, which are not read.
pub(super) fn hidden(world: &World) -> impl Iterator<Item = &Located> {
    let is_hidden = |finding: &Diagnostic| finding.code == Code::UnlikeKubectl && finding.outcome == Outcome::SkippedObject;
    world.problems.iter().filter(move |located| is_hidden(&located.diagnostic))
}
