//! Which addresses the status of Ingresses shall hold, and whether another replica is there to keep them.

use super::Identity;
use crate::args::{StatusAddress, StatusConfig};
use crate::connection::{CallError, Connection, objects};
use gatewright_core::names::ObjectName;
use gatewright_core::state::LoadBalancerAddress;
use k8s_openapi::api::core::v1::{Node, Pod, Service};
use kube::Api;
use kube::api::ListParams;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long one call may take.
pub(super) const CALL_LIMIT: Duration = Duration::from_secs(10);

/// Where the addresses come from: the first of them that the flags ask for.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// `--publish-status-address`.
    Given(Vec<LoadBalancerAddress>),
    /// `--publish-service`.
    Service(ObjectName),
    /// The nodes that the Pods of this controller run on.
    Nodes {
        /// `--report-node-internal-ip-address`.
        internal: bool,
    },
}

/// Why the addresses are not known.
#[derive(Debug, thiserror::Error)]
pub(super) enum AddressError {
    /// Not in a Pod, and no flag says what to publish.
    #[error("no addresses to publish are known; give --publish-service or --publish-status-address, or set POD_NAME and POD_NAMESPACE")]
    Nowhere,
    /// The Service cannot be read.
    #[error("could not read Service {name} of --publish-service")]
    Service { name: ObjectName, source: CallError },
    /// The Pods cannot be read.
    #[error("could not read the Pods of namespace {namespace}; --publish-service and --publish-status-address do without")]
    Pods { namespace: String, source: CallError },
    /// A Node cannot be read.
    #[error("could not read Node {name}; --publish-service and --publish-status-address do without")]
    Node { name: String, source: CallError },
}

impl Source {
    pub(super) fn of(config: &StatusConfig) -> Self {
        if !config.addresses.is_empty() {
            return Self::Given(config.addresses.iter().map(given).collect());
        }
        match &config.service {
            Some(name) => Self::Service(name.clone()),
            None => Self::Nodes { internal: config.node_internal_addresses },
        }
    }

    /// The addresses at this moment; empty while a load balancer has none yet.
    pub(super) async fn addresses(&self, connection: &Connection, identity: &Identity) -> Result<Vec<LoadBalancerAddress>, AddressError> {
        match self {
            Self::Given(addresses) => Ok(addresses.clone()),
            Self::Service(name) => {
                let get = async |client| objects::<Service>(client, name.namespace()).get(name.name()).await;
                let service = connection.call(CALL_LIMIT, get).await;
                Ok(of_service(&service.map_err(|source| AddressError::Service { name: name.clone(), source })?))
            }
            Self::Nodes { internal } => of_nodes(connection, identity, *internal).await,
        }
    }
}

fn given(address: &StatusAddress) -> LoadBalancerAddress {
    match address {
        StatusAddress::Ip(ip) => of_ip(&ip.to_string()),
        StatusAddress::Host(host) => LoadBalancerAddress { hostname: host.as_str().into(), ip: "".into() },
    }
}

fn of_ip(ip: &str) -> LoadBalancerAddress {
    LoadBalancerAddress { ip: ip.into(), hostname: "".into() }
}

/// The rules of `ingress-semantics` 19, by type of Service.
fn of_service(service: &Service) -> Vec<LoadBalancerAddress> {
    let spec = service.spec.clone().unwrap_or_default();
    let external = || spec.external_ips.iter().flatten().map(|ip| of_ip(ip));
    let cluster_ip = || spec.cluster_ip.iter().filter(|ip| !ip.is_empty() && *ip != "None").map(|ip| of_ip(ip)).collect();
    match spec.type_.as_deref() {
        Some("ExternalName") => {
            let name = spec.external_name.unwrap_or_default();
            vec![LoadBalancerAddress { hostname: name.into(), ip: "".into() }]
        }
        Some("LoadBalancer") => {
            let items = service.status.iter().flat_map(|status| &status.load_balancer).flat_map(|balancer| &balancer.ingress).flatten();
            let mut all: Vec<_> = items
                .map(|item| LoadBalancerAddress {
                    ip: item.ip.as_deref().unwrap_or_default().into(),
                    hostname: item.hostname.as_deref().unwrap_or_default().into(),
                })
                .collect();
            for more in external() {
                if !all.iter().any(|known| known.ip == more.ip) {
                    all.push(more);
                }
            }
            all
        }
        Some("NodePort") if external().next().is_some() => external().collect(),
        _ => cluster_ip(),
    }
}

async fn of_nodes(connection: &Connection, identity: &Identity, internal: bool) -> Result<Vec<LoadBalancerAddress>, AddressError> {
    let peers = PeerPods::find(connection, identity, false).await?;
    let nodes: BTreeSet<_> = peers.pods.iter().filter(|pod| is_ready(pod)).filter_map(node_name).collect();
    let mut all = BTreeSet::new();
    for name in nodes {
        let get = async |client| Api::<Node>::all(client).get(name).await;
        match connection.call(CALL_LIMIT, get).await {
            Ok(node) => all.extend(of_node(&node, internal)),
            // A node that is gone has no address.
            Err(CallError::Missing) => {}
            Err(source) => return Err(AddressError::Node { name: name.to_owned(), source }),
        }
    }
    Ok(all.iter().map(|ip| of_ip(ip)).collect())
}

fn node_name(pod: &Pod) -> Option<&str> {
    pod.spec.as_ref()?.node_name.as_deref()
}

/// The external addresses of a node, or the internal ones if there are none or `internal` asks for them.
fn of_node(node: &Node, internal: bool) -> Vec<String> {
    let addresses = node.status.iter().flat_map(|status| &status.addresses).flatten();
    let of_type = |kind: &str| addresses.clone().filter(|item| item.type_ == kind).map(|item| item.address.clone()).collect::<Vec<_>>();
    let external = if internal { Vec::new() } else { of_type("ExternalIP") };
    if external.is_empty() { of_type("InternalIP") } else { external }
}

fn is_ready(pod: &Pod) -> bool {
    let status = pod.status.clone().unwrap_or_default();
    let ready = status.conditions.iter().flatten().any(|condition| condition.type_ == "Ready" && condition.status == "True");
    status.phase.as_deref() == Some("Running") && ready
}

/// Labels that differ between Pods of the same controller.
const OF_ONE_REVISION: &[&str] = &["pod-template-hash", "controller-revision-hash", "pod-template-generation"];

/// The Pods with the labels of this one, itself among them.
struct PeerPods {
    pods: Vec<Pod>,
}

impl PeerPods {
    /// `any_revision`: also those of another revision of the same Deployment or DaemonSet.
    async fn find(connection: &Connection, identity: &Identity, any_revision: bool) -> Result<Self, AddressError> {
        let pod = identity.pod.as_deref().ok_or(AddressError::Nowhere)?;
        let failed = |source| AddressError::Pods { namespace: identity.namespace.clone(), source };
        let get = async |client| objects::<Pod>(client, &identity.namespace).get(pod).await;
        let own = connection.call(CALL_LIMIT, get).await.map_err(failed)?;
        let labels = own.metadata.labels.unwrap_or_default();
        let selector = selector(&labels, any_revision);
        let list = async |client| objects::<Pod>(client, &identity.namespace).list(&ListParams::default().labels(&selector)).await;
        let list = connection.call(CALL_LIMIT, list).await.map_err(failed)?;
        Ok(Self { pods: list.items })
    }
}

fn selector(labels: &BTreeMap<String, String>, any_revision: bool) -> String {
    let kept = labels.iter().filter(|(key, _)| !(any_revision && OF_ONE_REVISION.contains(&key.as_str())));
    kept.map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")
}

/// Whether another Pod of the same controller is there, one that is not about to end.
pub(super) async fn has_peers(connection: &Connection, identity: &Identity) -> Result<bool, AddressError> {
    let peers = PeerPods::find(connection, identity, true).await?;
    let others = peers.pods.iter().filter(|pod| pod.metadata.name != identity.pod);
    let ended = |pod: &&Pod| matches!(pod.status.as_ref().and_then(|status| status.phase.as_deref()), Some("Succeeded" | "Failed"));
    Ok(others.filter(|pod| !ended(pod)).any(|pod| pod.metadata.deletion_timestamp.is_none()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn service(spec: serde_json::Value, status: serde_json::Value) -> Vec<String> {
        let service: Service = serde_json::from_value(json!({"metadata": {"name": "s"}, "spec": spec, "status": status})).unwrap();
        of_service(&service).into_iter().map(|address| format!("{}{}", address.ip, address.hostname)).collect()
    }

    #[test]
    fn sta_3_to_5_a_service_gives_the_addresses_of_its_type() {
        let balancer = json!({"loadBalancer": {"ingress": [{"ip": "1.1.1.1"}, {"hostname": "lb.example"}]}});
        let external = ["2.2.2.2", "1.1.1.1"];
        assert_eq!(service(json!({"type": "LoadBalancer", "externalIPs": external}), balancer), ["1.1.1.1", "lb.example", "2.2.2.2"]);
        assert_eq!(service(json!({"type": "LoadBalancer"}), json!({})), [""; 0], "pending");
        assert_eq!(service(json!({"type": "NodePort", "clusterIP": "10.0.0.1"}), json!({})), ["10.0.0.1"]);
        assert_eq!(service(json!({"type": "NodePort", "clusterIP": "10.0.0.1", "externalIPs": external}), json!({})), external);
        assert_eq!(service(json!({"clusterIP": "10.0.0.1"}), json!({})), ["10.0.0.1"]);
        assert_eq!(service(json!({"clusterIP": "None"}), json!({})), [""; 0]);
        assert_eq!(service(json!({"type": "ExternalName", "externalName": "e.example"}), json!({})), ["e.example"]);
    }

    #[test]
    fn sta_6_external_addresses_of_nodes_come_before_internal_ones() {
        let node = |addresses: serde_json::Value| -> Node {
            serde_json::from_value(json!({"metadata": {"name": "n"}, "status": {"addresses": addresses}})).unwrap()
        };
        let both = node(
            json!([{"type": "InternalIP", "address": "10.0.0.1"}, {"type": "ExternalIP", "address": "1.1.1.1"}, {"type": "Hostname", "address": "n"}]),
        );
        assert_eq!(of_node(&both, false), ["1.1.1.1"]);
        assert_eq!(of_node(&both, true), ["10.0.0.1"]);
        assert_eq!(of_node(&node(json!([{"type": "InternalIP", "address": "10.0.0.1"}])), false), ["10.0.0.1"]);
    }

    #[test]
    fn labels_of_one_revision_do_not_tell_replicas_apart_at_the_end() {
        let labels = BTreeMap::from([("app".to_owned(), "x".to_owned()), ("pod-template-hash".to_owned(), "7".to_owned())]);
        assert_eq!(selector(&labels, false), "app=x,pod-template-hash=7");
        assert_eq!(selector(&labels, true), "app=x");
    }
}
