//! Files of many hosts, and what holds of those for every proxy.

use crate::DIALECT;
use crate::models::*;
use crate::world::*;
use gatewright_core::model::*;
use gatewright_core::render::Renderer;
use std::collections::BTreeMap;
use std::sync::Arc;

pub fn address(n: u8) -> std::net::SocketAddr {
    std::net::SocketAddr::from(([10, 0, 0, n], 80))
}

pub fn many(hosts: usize) -> Model {
    let mut draft = Draft { globals: globals(), ..Draft::default() };
    for n in 0..hosts {
        let name = format!("svc-{n}");
        draft = draft
            .backend(&name, &[address(1), address(2)])
            .host(&format!("host-{n}.test"), vec![prefix("/", &name), prefix("/api", &name)]);
    }
    draft.model()
}

pub fn renderer() -> Renderer {
    Renderer::new(DIALECT, DIALECT.oldest, BTreeMap::new()).unwrap()
}

/// Globals whose numbers are all as small or as large as this one, as far as memory and the proxies allow.
pub fn extreme_globals(extreme: u64) -> Globals {
    let mut globals = globals();
    let g = &mut globals;
    g.client_timeouts = ClientTimeouts { keep_alive_s: extreme, keep_alive_requests: extreme, header_s: extreme, body_s: extreme };
    g.upstream_timeouts = UpstreamTimeouts { connect_s: extreme, read_s: extreme, send_s: extreme };
    g.body_limits.request_bytes = extreme;
    g.retries = RetryPolicy { causes: vec![], tries: extreme, timeout_s: extreme, non_idempotent: true };
    g.upstream_keepalive = UpstreamKeepalive { connections: extreme, timeout_s: extreme, requests: extreme, time_s: extreme };
    g.tls.session_timeout_s = extreme;
    g.tls.session_cache_bytes = extreme.min(1 << 20);
    g.workers.drain_timeout_s = extreme;
    g.buffers.upstream_buffers = extreme.min(4);
    g.buffers.upstream_bytes = extreme.min(4096);
    g.buffers.client_body_bytes = extreme;
    g.buffers.client_header_bytes = extreme;
    g.buffers.large_client_headers = extreme;
    g.buffers.large_client_header_bytes = extreme;
    globals
}

/// What the proxy answers when it is asked for its revision. The ports, which differ from draft to draft, are those of
/// every machine.
pub fn token_of(model: &Model) -> String {
    let mut globals = (*model.globals).clone();
    (globals.listeners.http_port, globals.listeners.https_port, globals.listeners.status_port) = (80, 443, 10246);
    files_of(&Model { globals: Arc::new(globals), ..model.clone() }, DIALECT.oldest).token()
}

#[test]
fn what_is_remembered_never_changes_a_byte() {
    let mut remembering = renderer();
    let mut model = many(200);
    for step in 0..6u8 {
        match step {
            0 => {}
            1 => model = Model { hosts: many(201).hosts, backends: many(201).backends, ..model },
            2 => _ = model.backends.insert(id("svc-7"), Arc::new(Backend::new(id("svc-7"), vec![address(9)], Balance::RandomTwo))),
            3 => model.hosts.retain(|pattern, _| !pattern.to_string().starts_with("host-1")),
            4 => model.globals = Arc::new(Globals { https_redirect_status: HttpsRedirectStatus(301), ..(*model.globals).clone() }),
            _ => model = many(3),
        }
        let (kept, fresh) = (remembering.render(&model).unwrap(), renderer().render(&model).unwrap());
        assert!(kept == fresh, "step {step}");
    }
}
