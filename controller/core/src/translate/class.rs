//! Which Ingresses are ours.

use crate::names::ObjectName;
use crate::settings::Settings;
use crate::state::{Ingress, Snapshot};
use std::collections::HashSet;

/// The classes of one moment.
pub(super) struct Classes<'a> {
    settings: &'a Settings,
    accepted: HashSet<&'a str>,
    take_all: bool,
}

impl<'a> Classes<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, settings: &'a Settings) -> Self {
        let is_ours = |name: &ObjectName, controller: &str| {
            controller == settings.controller_class || (settings.ingress_class_by_name && name.name() == settings.ingress_class)
        };
        let accepted =
            snapshot.classes().filter(|class| is_ours(&class.meta.name, &class.controller)).map(|class| class.meta.name.name()).collect();
        let take_all = settings.take_all_without_class && snapshot.classes().next().is_none();
        Self { settings, accepted, take_all }
    }

    /// Whether every Ingress is taken because the input holds no IngressClass.
    pub(super) const fn take_all(&self) -> bool {
        self.take_all
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
