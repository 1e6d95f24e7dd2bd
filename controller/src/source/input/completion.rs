//! A folder beside a cluster: a repository holds what people write, and what the cluster has of the rest is the same for
//! both.

use gatewright_core::names::Kind;
use gatewright_core::state::{Event, Object, Snapshot};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What of a cluster completes a folder that holds these kinds: everything but Ingresses, for these are what is compared;
/// and Services and endpoints only where the folder has none of their kind.
pub(super) fn of_cluster<'e>(heard: &'e [Event], held: &BTreeSet<Kind>) -> impl Iterator<Item = &'e Event> {
    let is_left_to_the_cluster = |kind: Kind| match kind {
        Kind::Ingress => false,
        Kind::Service | Kind::EndpointSlice => !held.contains(&kind),
        _ => true,
    };
    heard.iter().filter(move |event| matches!(event, Event::Applied(object) if is_left_to_the_cluster(object.reference().kind)))
}

/// What only a cluster knows of an object that both have: its age, which decides conflicts, and the address of a Service.
/// Digests need not follow, for a world is translated once.
pub(super) fn complete(object: &mut Object, cluster: &Snapshot) {
    match object {
        Object::Ingress(ingress) => {
            // What the cluster has not yet will be the youngest.
            let known = cluster.ingress(&ingress.meta.name);
            Arc::make_mut(ingress).meta.created_s = known.map_or(i64::MAX, |known| known.meta.created_s);
        }
        Object::Service(service) if service.cluster_ip.is_none() => {
            let known = cluster.service(&service.meta.name).and_then(|known| known.cluster_ip);
            Arc::make_mut(service).cluster_ip = known;
        }
        _ => {}
    }
}
