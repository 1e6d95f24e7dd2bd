//! Whether another value of an annotation or a setting lets more or fewer requests through.
//!
//! Names that nobody knows do nothing, so nothing is said of them: an annotation is none of the keys of a ConfigMap, and a
//! misspelt one is neither.

mod joining;
mod rules;
mod tables;

use super::Effect;
use crate::translate::annotations::FEATURES;
pub(super) use rules::{holds, joined, presence};
use std::collections::BTreeMap;
use tables::{ANNOTATIONS, Entry, Needs, SETTINGS};

/// Values by name.
pub(super) type Texts<'a> = BTreeMap<&'a str, &'a str>;

/// What a name is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// An Ingress.
    Annotation,
    /// The main ConfigMap, or the parameters of a class.
    Setting,
}

/// What holds beside a name, before and after.
#[derive(Debug, Clone, Copy)]
pub(super) struct Beside<'a> {
    /// The annotations of the Ingress.
    pub(super) own: [&'a Texts<'a>; 2],
    /// The settings that hold for it.
    pub(super) settings: [&'a Texts<'a>; 2],
    /// Somebody is let in or kept out by address.
    pub(super) by_address: bool,
}

impl Beside<'_> {
    /// Whether one of these does something, before and after. What is there on one side only tells of itself.
    fn have(&self, needs: Needs) -> bool {
        let is_on = |texts: &Texts<'_>, name: &str| texts.get(name).is_some_and(|value| !matches!(*value, "" | "0" | "false"));
        match needs {
            Needs::Nothing => true,
            Needs::Own(names) => self.own.iter().all(|own| names.iter().any(|name| is_on(own, name))),
            Needs::Setting(name) => self.settings.iter().all(|settings| is_on(settings, name)),
        }
    }

    /// Whether nobody needs a good certificate on a side, though there is a Secret to check them with.
    fn takes_any_certificate(&self, side: usize) -> bool {
        let says = |name: &str| self.own[side].get(name).copied().unwrap_or_default();
        matches!(says("auth-tls-verify-client"), "off" | "optional_no_ca") && says("auth-tls-match-cn").is_empty()
    }

    /// What holds on a side for an annotation that says `value`: its other name and the settings may say what it does not.
    fn holds_for<'v>(&'v self, side: usize, entry: &Entry, value: &'v str) -> &'v str {
        let text = |texts: &'v Texts<'_>, name: &str| texts.get(name).copied().filter(|text| !text.is_empty());
        if entry.name == "auth-tls-secret" && self.takes_any_certificate(side) {
            return "";
        }
        if !value.is_empty() {
            return value;
        }
        let twin = text(self.own[side], entry.twin);
        let key = || FEATURES.iter().flat_map(|feature| feature.keys).find(|key| key.name == entry.name);
        twin.or_else(|| text(self.settings[side], key()?.config_key)).unwrap_or_default()
    }
}

/// What it means that a name has another value; empty: none. `None`: who may reach what is as it was.
pub(super) fn effect(place: Place, (name, from, to): (&str, &str, &str), beside: &Beside<'_>) -> Option<Effect> {
    let table = if place == Place::Annotation { ANNOTATIONS } else { SETTINGS };
    let entry = table.iter().find(|entry| entry.name == name)?;
    if !beside.have(entry.needs) {
        return None;
    }
    let (from, to) = match place {
        Place::Annotation => (beside.holds_for(0, entry, from), beside.holds_for(1, entry, to)),
        Place::Setting => (from, to),
    };
    if from == to {
        return None;
    }
    joining::corrected(place, (name, from, to), entry.rule.effect(from, to, beside.by_address), beside)
}

/// Whether a name has to do with who may reach what.
pub(super) fn concerns(name: &str) -> bool {
    ANNOTATIONS.iter().any(|entry| entry.name == name)
}

#[cfg(test)]
mod tests;
