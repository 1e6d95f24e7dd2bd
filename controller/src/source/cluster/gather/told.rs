//! What the watches have to tell of themselves: what is waited for, and what may not or cannot be read.

use super::{Gather, Health, Running};
use crate::source::cluster::follow::WatchId;
use gatewright_core::diagnostic::{Code, Diagnostic};
use gatewright_core::names::{Kind, ObjectName, ObjectRef};
use std::collections::BTreeSet;

/// Whether all is known that a watch may tell. What may not be read is left out, but for the ConfigMap of `--configmap`: it may
/// keep somebody out, so that it was never read says as little of it as an API server that does not answer. ingress-nginx does
/// not start then.
const fn is_known(running: &Running, is_main: bool) -> bool {
    match running.health {
        Health::Complete => true,
        Health::Forbidden => !is_main || running.was_complete,
        Health::Begun | Health::Failing(_) => false,
    }
}

/// Whether a watch delivers settings, of which those of the ConfigMaps have these names. Nothing is served without what they may
/// say of who is kept out.
fn has_settings(id: &WatchId, names: &BTreeSet<ObjectName>) -> bool {
    let named = || id.namespace.as_deref().zip(id.name.as_deref());
    let is_among = || named().is_some_and(|named| names.iter().any(|name| (name.namespace(), name.name()) == named));
    id.kind == Kind::GatewrightParameters || (id.kind == Kind::ConfigMap && is_among())
}

impl Gather {
    /// Whether IngressClasses may not be read.
    pub(super) fn classes_are_forbidden(&self) -> bool {
        self.running.iter().any(|(id, running)| id.kind == Kind::IngressClass && running.health == Health::Forbidden)
    }

    /// The objects with settings that may not be read. Nobody may take them for ones that are not there.
    pub(super) fn forbidden_settings(&self) -> BTreeSet<ObjectRef> {
        let forbidden = self.running.iter().filter(|(id, running)| running.health == Health::Forbidden && self.is_with_settings(id));
        forbidden
            .filter_map(|(id, _)| Some(ObjectRef::new(id.kind, ObjectName::new(id.namespace.as_deref()?, id.name.as_deref()?).ok()?)))
            .collect()
    }

    fn is_with_settings(&self, id: &WatchId) -> bool {
        has_settings(id, &self.wanted.settings)
    }

    /// Whether all is known of what is watched one by one.
    pub(super) fn knows_single_ones(&self) -> bool {
        let mut single = self.running.iter().filter(|(id, _)| id.name.is_some());
        single.all(|(id, running)| is_known(running, self.is_main(id)))
    }

    /// Whether the objects with settings were looked up.
    pub(super) fn knows_settings(&self) -> bool {
        self.running.iter().all(|(id, running)| is_known(running, self.is_main(id)) || !self.is_with_settings(id))
    }

    /// Whether a watch delivers the ConfigMap of `--configmap`.
    fn is_main(&self, id: &WatchId) -> bool {
        let is_named = |main: &ObjectName| id.namespace.as_deref() == Some(main.namespace()) && id.name.as_deref() == Some(main.name());
        id.kind == Kind::ConfigMap && self.scope.main.as_ref().is_some_and(is_named)
    }

    /// The watch of the main ConfigMap, if it may not be read and never was.
    pub(super) fn lacks_main(&self) -> Option<&WatchId> {
        let is_lacking = |id: &WatchId, running: &Running| running.health == Health::Forbidden && !is_known(running, self.is_main(id));
        self.running.iter().find(|(id, running)| is_lacking(id, running)).map(|(id, _)| id)
    }

    /// The lists that are waited for.
    pub(super) fn waiting(&self) -> Vec<String> {
        let pending = self.running.iter().filter_map(|(id, running)| match &running.health {
            Health::Begun => Some(format!("the list of {id}")),
            Health::Failing(why) => Some(format!("the list of {id} ({why})")),
            Health::Complete | Health::Forbidden => None,
        });
        pending.collect()
    }

    /// What may not be read, and what cannot be read.
    pub(super) fn problems(&self) -> Vec<Diagnostic> {
        let forbidden = self.running.iter().filter(|(_, running)| running.health == Health::Forbidden);
        // Of what was only tried nobody need be told.
        let tried = |id: &WatchId| {
            let namespace = id.namespace.as_ref();
            (id.kind == Kind::Namespace && !self.scope.namespaces)
                || (id.kind == Kind::Ingress && self.scope.namespace.is_none() && namespace.is_some())
        };
        let mut problems: Vec<_> = forbidden.filter(|(id, _)| !tried(id)).filter_map(|(id, _)| self.forbidden(id)).collect();
        problems.extend(
            self.unreadable
                .iter()
                .map(|(object, error)| Diagnostic::new(Code::BadObject, object.clone(), &error.field, &error.message).help(&error.help)),
        );
        problems
    }

    fn forbidden(&self, id: &WatchId) -> Option<Diagnostic> {
        let resource = resource(id.kind);
        let is_lacking = self.lacks_main() == Some(id);
        let otherwise = if is_lacking { "start without --configmap" } else { "leave it as it is" };
        let help = format!("grant the verbs list and watch on {resource} there, or {otherwise}");
        let message = match id.kind {
            _ if is_lacking => format!("{id} may not be read, and may keep somebody out, so nothing new is served until it may"),
            Kind::ConfigMap if self.is_main(id) => format!("{id} may not be read any more; what it said last still counts"),
            Kind::IngressClass => format!("{id} may not be read, so only the class annotation of Ingresses counts"),
            _ if self.is_with_settings(id) => format!("{id} may not be read; the IngressClasses that name it tell what holds instead"),
            _ => format!("{id} may not be read, so they are left out"),
        };
        let name = id.namespace.as_deref().unwrap_or(&self.scope.own_namespace);
        let object = ObjectRef::new(Kind::Namespace, ObjectName::new("", name).ok()?);
        Some(Diagnostic::new(Code::Forbidden, object, "", message).help(help))
    }
}

/// The resource as roles name it.
const fn resource(kind: Kind) -> &'static str {
    match kind {
        Kind::Ingress => "ingresses.networking.k8s.io",
        Kind::IngressClass => "ingressclasses.networking.k8s.io",
        Kind::Service => "services",
        Kind::EndpointSlice => "endpointslices.discovery.k8s.io",
        Kind::Endpoints => "endpoints",
        Kind::Secret => "secrets",
        Kind::ConfigMap => "configmaps",
        Kind::Namespace => "namespaces",
        Kind::GatewrightParameters => "gatewrightparameters.gatewright.dev",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_known_when_their_lists_are_or_may_not_be_made() {
        let names = BTreeSet::from([ObjectName::new("gw", "config").unwrap()]);
        let id = |kind, name: Option<&str>| WatchId { kind, namespace: Some("gw".to_owned()), name: name.map(str::to_owned) };
        let all = [
            (id(Kind::GatewrightParameters, None), true),
            (id(Kind::ConfigMap, Some("config")), true),
            (id(Kind::ConfigMap, Some("headers")), false),
            (id(Kind::Secret, Some("config")), false),
        ];
        for (id, settings) in all {
            assert_eq!(has_settings(&id, &names), settings, "{id}");
        }
    }

    #[tokio::test]
    async fn what_may_not_be_read_is_known_to_be_left_out_but_for_settings_that_were_never_read() {
        let task = tokio::spawn(async {}).abort_handle();
        let running = |health, was_complete| Running { health, was_complete, task: task.clone() };
        let failing = Health::Failing("503".to_owned());
        let all = [Health::Begun, failing, Health::Complete, Health::Forbidden].map(|health| running(health, false));
        let known = |is_main| all.each_ref().map(|running| is_known(running, is_main));
        assert_eq!(known(false), [false, false, true, true], "an API server that fails for a moment has said nothing");
        assert_eq!(known(true), [false, false, true, false], "nobody knows what it says");
        assert!(is_known(&running(Health::Forbidden, true), true), "what was read still counts");
    }
}
