//! IngressClasses: those that go, and which one new Ingresses without a class get.
//!
//! No rendered file tells of either. The API server writes the default class into Ingresses when they are created; and an
//! input that holds no class any more is taken whole here, while in the cluster nobody serves who names the one that is gone.

use super::{Change, Effect, Side, Subject, kind_of};
use crate::names::{Kind, ObjectName, ObjectRef};
use crate::state::IngressClass;
use crate::translate::is_own_class;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Marks the class that the API server writes into new Ingresses without one.
const IS_DEFAULT: &str = "ingressclass.kubernetes.io/is-default-class";

pub(super) fn compare(old: Side<'_>, new: Side<'_>) -> Vec<Change> {
    let [before, after] = [old, new].map(|side| side.snapshot.classes().map(|class| (&class.meta.name, class)).collect::<BTreeMap<_, _>>());
    let gone = before.iter().filter(|(name, class)| !after.contains_key(*name) && is_own_class(class, old.settings));
    let gone = gone.map(|(_, class)| change(class, format!("controller {}", class.controller), String::new()));
    // What is told to be gone is told once.
    let stays = |(name, class): &(&&ObjectName, &&Arc<IngressClass>)| after.contains_key(**name) || !is_own_class(class, old.settings);
    let both = before.iter().filter(stays).map(|(name, class)| (Some(*class), after.get(name).copied()));
    let come = after.iter().filter(|(name, _)| !before.contains_key(*name)).map(|(_, class)| (None, Some(*class)));
    gone.chain(both.chain(come).filter_map(|(old, new)| of_default(old, new))).collect()
}

/// Whether new Ingresses without a class get this one.
fn of_default(old: Option<&Arc<IngressClass>>, new: Option<&Arc<IngressClass>>) -> Option<Change> {
    let is_default = |class: &&Arc<IngressClass>| class.meta.annotations.get(IS_DEFAULT).is_some_and(|value| &**value == "true");
    let text = |class: Option<&Arc<IngressClass>>| match class.map(|class| is_default(&class)) {
        Some(true) => "of new Ingresses without a class, too".to_owned(),
        Some(false) => "of Ingresses that name it".to_owned(),
        None => String::new(),
    };
    let is_other = old.filter(is_default).is_some() != new.filter(is_default).is_some();
    Some(change(new.or(old)?, text(old), text(new))).filter(|_| is_other)
}

fn change(class: &IngressClass, from: String, to: String) -> Change {
    Change {
        subject: Subject::Class,
        hosts: Vec::new(),
        name: class.meta.name.name().to_owned(),
        kind: kind_of(&from, &to),
        from,
        to,
        by: Some(ObjectRef::new(Kind::IngressClass, class.meta.name.clone())),
        effect: Some(Effect::Unclear),
    }
}
