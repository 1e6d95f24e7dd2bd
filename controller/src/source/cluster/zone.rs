//! The zone that this controller runs in: the label of its Node, read once at the start.

use crate::causes::chain;
use crate::connection::{CallError, Connection, objects};
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::Api;
use std::time::Duration;

/// The label of the Node.
const LABEL: &str = "topology.kubernetes.io/zone";
/// How long one call may take.
const LIMIT: Duration = Duration::from_secs(10);
/// Between two tries while the API server does not answer.
const PAUSE: Duration = Duration::from_secs(1);

/// What is known of the place where this controller runs.
#[derive(Debug, Clone)]
pub(crate) struct PodLocation {
    /// The Node, if the environment says it.
    pub(crate) node: Option<String>,
    /// The Pod, which says it otherwise.
    pub(crate) pod: Option<String>,
    /// The Pod's namespace.
    pub(crate) namespace: String,
}

/// Why the zone is not known.
#[derive(Debug, thiserror::Error)]
enum Unknown {
    #[error("it is not known on which Node this runs; set POD_NAME and POD_NAMESPACE, or NODE_NAME")]
    Nowhere,
    #[error("could not read Pod {name}")]
    Pod { name: String, source: CallError },
    #[error("could not read Node {name}")]
    Node { name: String, source: CallError },
    #[error("Node {0} has no label {LABEL}")]
    Unlabelled(String),
}

impl Unknown {
    /// Another try may do.
    const fn passes(&self) -> bool {
        let (Self::Pod { source, .. } | Self::Node { source, .. }) = self else { return false };
        matches!(source, CallError::Unreachable(_) | CallError::TooLate(_) | CallError::Refused(_))
    }
}

/// The zone, as soon as the API server answers; `None`, and a word about it, where there is none.
pub(super) async fn find(connection: &Connection, place: &PodLocation) -> Option<String> {
    let mut told = false;
    loop {
        match look(connection, place).await {
            Ok(zone) => {
                tracing::info!(zone, "endpoints of the own zone are preferred");
                return Some(zone);
            }
            Err(why) if why.passes() => {
                if !std::mem::replace(&mut told, true) {
                    tracing::warn!(reason = chain(&why), "waiting to be told the zone of this Node");
                }
                tokio::time::sleep(PAUSE).await;
            }
            Err(why) => {
                tracing::warn!(
                    reason = chain(&why),
                    "the own zone is not known, so endpoints of all zones are used alike; --topology-zone sets it"
                );
                return None;
            }
        }
    }
}

async fn look(connection: &Connection, place: &PodLocation) -> Result<String, Unknown> {
    let name = match (&place.node, &place.pod) {
        (Some(node), _) => node.clone(),
        (None, Some(pod)) => {
            let get = async |client| objects::<Pod>(client, &place.namespace).get(pod).await;
            let read = connection.call(LIMIT, get).await;
            let read = read.map_err(|source| Unknown::Pod { name: format!("{}/{pod}", place.namespace), source })?;
            read.spec.and_then(|spec| spec.node_name).ok_or(Unknown::Nowhere)?
        }
        (None, None) => return Err(Unknown::Nowhere),
    };
    let get = async |client| Api::<Node>::all(client).get(&name).await;
    let node = connection.call(LIMIT, get).await.map_err(|source| Unknown::Node { name: name.clone(), source })?;
    let zone = node.metadata.labels.unwrap_or_default().remove(LABEL).filter(|zone| !zone.is_empty());
    zone.ok_or(Unknown::Unlabelled(name))
}
