//! What an Ingress is served with beside itself. The proxy may refuse an Ingress that it has taken before because one of these
//! has changed, and take it again later.

use super::{Backend, Ingress, Snapshot};
use crate::model::digest_of;
use crate::names::ObjectName;

/// A hash of the Services that an Ingress names with their endpoints, and of the Secrets and ConfigMaps that it names or may
/// name: every word of an annotation may be the name of one.
#[must_use]
pub fn dependency_digest(snapshot: &Snapshot, ingress: &Ingress) -> u128 {
    let namespace = ingress.meta.name.namespace();
    let own = |name: &str| ObjectName::new(namespace, name).ok();
    let services: Vec<_> = backends(ingress)
        .filter_map(|backend| own(&backend.service.as_ref()?.name))
        .map(|name| {
            let slices: Vec<u128> = snapshot.slices_of(&name).map(|slice| slice.digest).collect();
            (snapshot.service(&name).map(|service| service.digest), slices)
        })
        .collect();
    let of_tls = ingress.tls.iter().flatten().filter_map(|section| own(&section.secret_name));
    let words = ingress.meta.annotations.values().flat_map(|value| value.split(|c: char| c.is_whitespace() || c == ','));
    let named = words.filter_map(|word| if word.contains('/') { ObjectName::parse(word).ok() } else { own(word) });
    let others: Vec<_> = of_tls
        .chain(named)
        .map(|name| (snapshot.secret(&name).map(|one| one.digest), snapshot.config_map(&name).map(|one| one.digest)))
        .collect();
    digest_of(&(services, others))
}

fn backends(ingress: &Ingress) -> impl Iterator<Item = &Backend> {
    let paths = ingress.rules.iter().flatten().flat_map(|rule| rule.paths.iter().flatten().flatten());
    paths.map(|path| &path.backend).chain(&ingress.default_backend)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Event, decode};
    use serde_json::{Value, json};

    fn happens(snapshot: &mut Snapshot, object: Value) {
        snapshot.apply(Event::Applied(decode(object).unwrap().unwrap()));
    }

    fn object(kind: &str, namespace: &str, name: &str, fields: Value) -> Value {
        let version = match kind {
            "Ingress" => "networking.k8s.io/v1",
            "EndpointSlice" => "discovery.k8s.io/v1",
            _ => "v1",
        };
        let mut object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace}});
        let meta = fields.get("metadata").cloned().unwrap_or_default();
        object.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        object["metadata"] = json!({"name": name, "namespace": namespace, "labels": meta["labels"], "annotations": meta["annotations"]});
        object
    }

    #[test]
    fn what_an_ingress_names_surrounds_it_and_nothing_else() {
        let path = json!({"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "s", "port": {"number": 80}}}});
        let spec = json!({"rules": [{"host": "h.test", "http": {"paths": [path]}}], "tls": [{"secretName": "tls"}]});
        let annotations = json!({"nginx.ingress.kubernetes.io/auth-secret": "other/users", "x": "errors, more"});
        let mut snapshot = Snapshot::default();
        happens(&mut snapshot, object("Ingress", "a", "i", json!({"metadata": {"annotations": annotations}, "spec": spec})));
        let ingress = std::sync::Arc::clone(snapshot.ingress(&ObjectName::new("a", "i").unwrap()).unwrap());
        let mut seen = vec![dependency_digest(&snapshot, &ingress)];
        let data = |text: &str| json!({"data": {"k": text}});
        let secret = json!({"data": {"auth": "YTpi"}});
        let slice = json!({"metadata": {"labels": {"kubernetes.io/service-name": "s"}}, "addressType": "IPv4", "ports": [{"port": 80}],
            "endpoints": [{"addresses": ["10.0.0.1"]}]});
        for (kind, namespace, name, fields) in [
            ("Service", "a", "s", json!({"spec": {"ports": [{"port": 80}]}})),
            ("EndpointSlice", "a", "s-1", slice),
            ("Secret", "a", "tls", secret.clone()),
            ("Secret", "other", "users", secret.clone()),
            ("ConfigMap", "a", "errors", data("x")),
            ("ConfigMap", "a", "more", data("x")),
            ("ConfigMap", "a", "more", data("y")),
        ] {
            happens(&mut snapshot, object(kind, namespace, name, fields));
            let now = dependency_digest(&snapshot, &ingress);
            assert!(!seen.contains(&now), "{kind} {namespace}/{name}");
            seen.push(now);
        }
        for (kind, namespace, name) in [("Secret", "a", "users"), ("ConfigMap", "b", "more"), ("ConfigMap", "a", "else")] {
            happens(&mut snapshot, object(kind, namespace, name, data("z")));
            assert_eq!(dependency_digest(&snapshot, &ingress), *seen.last().unwrap(), "{kind} {namespace}/{name}");
        }
    }
}
