//! Which Ingresses are ours.

use crate::model::digest_of;
use crate::names::nearest;
use crate::settings::Settings;
use crate::state::{Ingress, IngressClass, Snapshot};
use std::collections::BTreeSet;

/// The classes of one moment.
pub(super) struct Classes<'a> {
    settings: &'a Settings,
    accepted: BTreeSet<&'a str>,
    take_all: bool,
}

impl<'a> Classes<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, settings: &'a Settings) -> Self {
        let accepted = snapshot.classes().filter(|class| is_own_class(class, settings)).map(|class| class.meta.name.name()).collect();
        let take_all = settings.take_all_without_class && snapshot.classes().next().is_none();
        Self { settings, accepted, take_all }
    }

    /// Hash of all that decides which Ingresses are ours, beside the settings.
    pub(super) fn digest(&self) -> u128 {
        digest_of(&(&self.accepted, self.take_all))
    }

    /// Whether every Ingress is taken because the input holds no IngressClass.
    pub(super) const fn take_all(&self) -> bool {
        self.take_all
    }

    /// The IngressClasses that are ours, by name.
    pub(super) fn ours(&self, snapshot: &'a Snapshot) -> impl Iterator<Item = &'a IngressClass> {
        let settings = self.settings;
        snapshot.classes().map(|class| &**class).filter(move |class| is_own_class(class, settings) && !settings.ignore_classes)
    }

    /// The IngressClass of an Ingress that is ours; `None`: it has none.
    pub(super) fn of<'i>(&self, ingress: &'i Ingress) -> Option<&'i str> {
        let annotation = || ingress.meta.annotations.get("kubernetes.io/ingress.class");
        ingress.class_name.as_deref().filter(|class| self.accepted.contains(class)).or_else(|| annotation().map(|class| &**class))
    }

    /// The decision of `ingress-semantics` 2.2: field before annotation before `--watch-ingress-without-class`.
    pub(super) fn accept(&self, ingress: &Ingress) -> bool {
        if self.take_all {
            return true;
        }
        match (&ingress.class_name, ingress.meta.annotations.get("kubernetes.io/ingress.class")) {
            (Some(class), _) if !self.settings.ignore_classes => self.accepted.contains(&**class),
            (Some(_), None) => false,
            (_, Some(annotation)) => **annotation == *self.settings.ingress_class,
            (None, None) => self.settings.watch_ingress_without_class,
        }
    }
}

/// The class that may be meant by one that is not served; `None`: no class that is served is like it, or there is an
/// IngressClass of this name.
#[must_use]
pub fn nearest_class<'a>(class: &str, snapshot: &'a Snapshot, settings: &'a Settings) -> Option<&'a str> {
    if class == settings.ingress_class || snapshot.classes().any(|known| known.meta.name.name() == class) {
        return None;
    }
    nearest(class, Classes::new(snapshot, settings).accepted.into_iter().chain([&*settings.ingress_class]))
}

/// Whether an IngressClass is one whose Ingresses are served.
#[must_use]
pub fn is_own_class(class: &IngressClass, settings: &Settings) -> bool {
    class.controller.as_ref() == settings.controller_class
        || (settings.ingress_class_by_name && class.meta.name.name() == settings.ingress_class)
}
