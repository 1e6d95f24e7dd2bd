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
