//! What stands in for objects that are named, where the inputs have none of their kind: these are written elsewhere, as
//! Secrets usually are. So the rest can be compared as if they were there.

use gatewright_core::model::{Authority, Certificate, digest_of};
use gatewright_core::names::ObjectName;
use gatewright_core::state::{self, Backend, Event, Ingress, KeyPair, Object, PortRef, Secret, Snapshot};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// The Services that Ingresses name, with the ports that they name; `default_backend` is the annotation that names one.
pub(super) fn services(snapshot: &Snapshot, default_backend: &str) -> Vec<Object> {
    let mut ports: BTreeMap<ObjectName, BTreeMap<String, u16>> = BTreeMap::new();
    for ingress in snapshot.ingresses_oldest_first() {
        let own = |name: &str| ObjectName::new(ingress.meta.name.namespace(), name).ok();
        let named = ingress.meta.annotations.get(default_backend).map(|name| (own(name.trim()), Some(("p80".to_owned(), 80))));
        let services = backends(ingress).filter_map(|backend| backend.service.as_ref());
        for (name, port) in services.map(|service| (own(&service.name), port(&service.port))).chain(named) {
            let Some(name) = name else { continue };
            ports.entry(name).or_default().extend(port);
        }
    }
    ports.iter().filter_map(|(name, ports)| service(name, ports)).collect()
}

fn backends(ingress: &Ingress) -> impl Iterator<Item = &Backend> {
    let paths = ingress.rules.iter().flatten().flat_map(|rule| rule.paths.iter().flatten().flatten());
    paths.map(|path| &path.backend).chain(&ingress.default_backend)
}

/// Name and number; of one that goes by its name, the number is made from that.
fn port(port: &PortRef) -> Option<(String, u16)> {
    const FROM: u16 = 20_000;
    const MANY: u128 = 40_000;
    match port {
        PortRef::Number(number) => Some((format!("p{number}"), u16::try_from(*number).ok()?)),
        PortRef::Name(name) => Some((name.to_string(), FROM + u16::try_from(digest_of(name) % MANY).ok()?)),
        PortRef::Both(..) | PortRef::Missing => None,
    }
}

fn service(name: &ObjectName, ports: &BTreeMap<String, u16>) -> Option<Object> {
    let ports: Vec<_> = ports.iter().map(|(name, number)| json!({"name": name, "port": number})).collect();
    let meta = json!({"name": name.name(), "namespace": name.namespace()});
    state::decode(json!({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"ports": ports}})).ok().flatten()
}

/// Secrets that are good for everything that Secrets are named for.
pub(super) fn secrets(names: &[&ObjectName], snapshot: &Snapshot, like: &Certificate) -> Vec<Event> {
    let mut hosts = hosts(snapshot);
    let one = |name: &&ObjectName| secret(name, hosts.remove(*name).unwrap_or_default(), like);
    names.iter().map(one).map(|secret| Event::Applied(Object::Secret(Arc::new(secret)))).collect()
}

fn secret(name: &ObjectName, hosts: BTreeSet<Box<str>>, like: &Certificate) -> Secret {
    // Nobody can log in with it, and every proxy knows this kind of hash.
    let users = BTreeMap::from([("auth".to_owned(), format!("somebody:$6$0000000000000000${}", "0".repeat(86)).into_bytes())]);
    let mut secret = Secret::of_data(name.clone(), users);
    if let Ok(Some(users)) = &secret.users_in_file {
        secret.users_by_key = Arc::clone(users);
    }
    let (pem, names, digest) = (Arc::clone(&like.pem), hosts.into_iter().collect(), digest_of(name));
    let (not_before_s, not_after_s) = (0, i64::MAX);
    secret.key_pair = Ok(KeyPair { pem, names, not_after_s, not_before_s, names_are_common: false, unchecked: false, digest });
    secret.authority = Ok(Authority::new(format!("ca.crt of Secret {name}\n").into_bytes().into(), None));
    secret.digest = digest;
    secret
}

/// The hosts that the key pair of a Secret is to be for.
fn hosts(snapshot: &Snapshot) -> HashMap<ObjectName, BTreeSet<Box<str>>> {
    let mut hosts: HashMap<ObjectName, BTreeSet<Box<str>>> = HashMap::new();
    for ingress in snapshot.ingresses_oldest_first() {
        for section in ingress.tls.iter().flatten() {
            let Ok(name) = ObjectName::new(ingress.meta.name.namespace(), &section.secret_name) else { continue };
            // A section without hosts is for those of the rules.
            let of_rules = ingress.rules.iter().flatten().map(|rule| &rule.host).filter(|_| section.hosts.is_empty());
            let all = section.hosts.iter().flatten().chain(of_rules).filter(|host| !host.is_empty());
            hosts.entry(name).or_default().extend(all.cloned());
        }
    }
    hosts
}
