//! `upstream` blocks.

use super::maps::MapsView;
use super::{between, seconds, sticky};
use crate::dialect::nginx::expression::Expression;
use crate::dialect::nginx::features::Features;
use crate::model::{AffinityMode, Backend, Balance, Hashing, Protocol, UpstreamKeepalive};
use serde::Serialize;
use std::net::SocketAddr;

/// What `backend.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct BackendView {
    maps: MapsView,
    /// The backend's own one first.
    upstreams: Vec<UpstreamView>,
    keep_alive: Option<KeepAliveView>,
    /// It has to be told to keep no connections.
    keeps_none: bool,
}

/// One `upstream` block.
#[derive(Debug, Serialize)]
struct UpstreamView {
    id: String,
    /// Equal texts, equal endpoints.
    hash: Option<Expression>,
    random: bool,
    random_two: bool,
    /// Addresses: `10.0.0.1:80`, `[fd00::1]:80`.
    endpoints: Vec<String>,
    /// Those of endpoints that are used only when all others fail.
    backups: Vec<String>,
}

#[derive(Debug, Serialize)]
struct KeepAliveView {
    connections: u64,
    timeout: String,
    requests: u64,
    time: String,
}

impl BackendView {
    /// nginx does not tell connections with TLS from those without when it takes one that was kept, so endpoints that are
    /// spoken to in what the client speaks have none.
    pub(super) fn new(backend: &Backend, keepalive: &UpstreamKeepalive, features: Features) -> Self {
        let speaks_both = backend.policy.protocol == Some(Protocol::AutoHttp);
        let keepalive = backend.policy.keepalive.as_ref().unwrap_or(keepalive);
        let keep_alive = (keepalive.connections > 0 && !speaks_both).then(|| KeepAliveView {
            connections: between(1, keepalive.connections, 1 << 20),
            timeout: seconds(keepalive.timeout_s),
            requests: between(1, keepalive.requests, 1 << 40),
            time: seconds(keepalive.time_s),
        });
        let mut own = UpstreamView::plain(backend.id.as_str().to_owned(), &backend.endpoints);
        let mut more = Vec::new();
        let mut maps = MapsView::default();
        if let Some(affinity) = &backend.policy.affinity {
            maps = sticky::backend_maps(backend, affinity);
            match affinity.mode {
                AffinityMode::Balanced => own.hash = Some(sticky::key(&backend.id)),
                AffinityMode::Persistent => more = singles(backend, affinity.moves_on_failure),
            }
        } else if let Some(hashing) = &backend.policy.hash {
            match hashing.subset {
                None => own.hash = Some(hash_key(hashing)),
                Some(size) => more = subsets(backend, hashing, size, &mut maps),
            }
        } else {
            own.random_two = backend.balance == Balance::RandomTwo;
        }
        more.insert(0, own);
        Self { maps, upstreams: more, keep_alive, keeps_none: speaks_both && features.keeps_connections }
    }
}

impl UpstreamView {
    fn plain(id: String, endpoints: &[SocketAddr]) -> Self {
        let endpoints = endpoints.iter().map(SocketAddr::to_string).collect();
        Self { id, hash: None, random: false, random_two: false, endpoints, backups: Vec::new() }
    }
}

/// Never empty: nginx goes round and round when the text is.
fn hash_key(hashing: &Hashing) -> Expression {
    Expression::literal("-").and_all(&Expression::of(&hashing.key))
}

/// An upstream for each endpoint; the others stand in for it if they may.
fn singles(backend: &Backend, moves_on_failure: bool) -> Vec<UpstreamView> {
    let single = |endpoint: &SocketAddr| {
        let mut view = UpstreamView::plain(sticky::single_upstream(&backend.id, *endpoint), &[*endpoint]);
        if moves_on_failure {
            view.backups = backend.endpoints.iter().filter(|other| *other != endpoint).map(SocketAddr::to_string).collect();
        }
        view
    };
    backend.endpoints.iter().map(single).collect()
}

/// Groups of `size` endpoints; the last one is filled up from the first. The hash picks the group, chance the endpoint.
fn subsets(backend: &Backend, hashing: &Hashing, size: u64, maps: &mut MapsView) -> Vec<UpstreamView> {
    let all = &backend.endpoints;
    let size = usize::try_from(size).unwrap_or(usize::MAX).clamp(1, all.len());
    let count = all.len().div_ceil(size);
    let groups: Vec<UpstreamView> = (0..count)
        .map(|group| {
            let endpoints: Vec<_> = (0..size).map(|n| all[(group * size + n) % all.len()]).collect();
            let id = format!("{}_{}", super::maps::tag(&[backend.id.as_str(), &group.to_string()]), backend.id.service_port());
            UpstreamView { random: true, ..UpstreamView::plain(id, &endpoints) }
        })
        .collect();
    let named = |group: &UpstreamView| Expression::literal(&group.id);
    let share = 10_000 / count as u64;
    let parts = groups.iter().skip(1).map(|group| (share, named(group))).collect();
    maps.split(&sticky::target(&backend.id), hash_key(hashing), parts, groups.first().map(named).unwrap_or_default());
    groups
}

/// The upstream, as `proxy_pass` names it: mostly just its name, for nginx looks one in a variable up at every request.
pub(super) fn target(backend: &Backend) -> Expression {
    let policy = &backend.policy;
    let by_variable = match &policy.affinity {
        Some(affinity) => affinity.mode == AffinityMode::Persistent,
        None => policy.hash.as_ref().is_some_and(|hashing| hashing.subset.is_some()),
    };
    if by_variable { Expression::variable(&sticky::target(&backend.id)) } else { Expression::literal(backend.id.as_str()) }
}
