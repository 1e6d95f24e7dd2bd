//! Where the sections of a model come from: there are many, and most stay as they are, so a section itself is made when it is
//! looked at.

use super::sections::{Context, Does, Key, Section};
use crate::model::{Backend, BackendId, Host, Model, Route, digest_of};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where a section comes from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'m> {
    host: &'m Host,
    /// The first route that it is for; `None`: it leads to the root of the host's application.
    route: Option<usize>,
    is_canary: bool,
    over_tls: Option<bool>,
    /// The backend whose endpoints it has.
    pub(super) backend: Option<&'m BackendId>,
}

impl<'m> Source<'m> {
    fn key(&self, context: &Context<'m>) -> Key<'m> {
        let Some(route) = self.route() else {
            let path = self.host.policy.app_root.as_ref().expect("it was there when the source was found");
            return Key::of_app_root(path, self.host);
        };
        let plain = Key::of(self.host, route, context);
        let canary = if self.is_canary { plain.of_canary(route, context).map(|(key, _)| key) } else { None };
        Key { over_tls: self.over_tls, ..canary.unwrap_or(plain) }
    }

    fn route(&self) -> Option<&'m Route> {
        self.route.map(|number| &self.host.routes[number])
    }

    /// The section.
    pub(super) fn section(&self, model: &'m Model, context: &Context<'m>) -> Section<'m> {
        let (key, host, route) = (self.key(context), self.host, self.route());
        let policy = route.map(|route| &*route.policy);
        let backend = |id: &BackendId| model.backends.get(id);
        Section {
            key,
            origin: route.map_or(host.origin.as_ref(), |route| route.origin.as_ref()),
            backend: self.backend.and_then(backend),
            policy: policy.filter(|_| key.policy != 0),
            client_auth: host.policy.client_auth.as_ref(),
            service: key.asks.and(policy).and_then(|policy| policy.external_auth.as_ref()).and_then(|auth| backend(&auth.backend_id())),
            page_backend: key.pages.and_then(|pages| pages.backend).and_then(backend),
            mirror: policy.and_then(|policy| policy.mirror.as_ref()).and_then(|mirror| backend(&mirror.backend_id())),
        }
    }

    /// Content hash of all that the section is made from beside the globals and the context.
    fn digest(&self, backend: Option<&Arc<Backend>>, model: &'m Model, context: &Context<'m>) -> u128 {
        let asks_others = |route: &'m Route| {
            let policy = &route.policy;
            policy.external_auth.is_some() || policy.mirror.is_some() || context.pages(route).is_some()
        };
        let others = self.route().filter(|route| asks_others(route)).map(|_| {
            let Section { service, page_backend, mirror, .. } = self.section(model, context);
            [service, page_backend, mirror].map(|backend| backend.map(|backend| backend.digest))
        });
        digest_of(&(self.host.digest, self.route, self.is_canary, self.over_tls, backend.map(|backend| backend.digest), others))
    }
}

/// Where the sections of a model come from, and their content hashes; sorted by key.
pub(super) fn of_model<'m>(model: &'m Model, context: &Context<'m>) -> Vec<(Source<'m>, u128)> {
    let mut sources = Sources::default();
    for host in model.hosts.values() {
        for (number, route) in host.routes.iter().enumerate() {
            let key = Key::of(host, route, context);
            let canary = key.of_canary(route, context).map(|(key, _)| key);
            for (key, is_canary) in std::iter::once((key, false)).chain(canary.map(|key| (key, true))) {
                for over_tls in std::iter::once(key.over_tls).chain(key.over_tls.map(|_| Some(true))) {
                    let source = Source { host, route: Some(number), is_canary, over_tls, backend: key.backend() };
                    sources.add(Key { over_tls, ..key }, source);
                }
            }
        }
        if let Some(path) = &host.policy.app_root {
            sources.add(Key::of_app_root(path, host), Source { host, route: None, is_canary: false, over_tls: None, backend: None });
        }
    }
    // Most are sorted as the backends are.
    let mut backends = model.backends.values().peekable();
    let mut digest = |source: Source<'m>| {
        let backend = source.backend.and_then(|id| {
            while backends.next_if(|backend| backend.id < *id).is_some() {}
            backends.peek().copied().filter(|backend| backend.id == *id).or_else(|| model.backends.get(id))
        });
        (source, source.digest(backend, model, context))
    };
    sources.sorted(context).into_iter().map(&mut digest).collect()
}

/// Where the sections of each key come from.
#[derive(Default)]
struct Sources<'m> {
    /// Those that forward, and a number that sorts them; some more than once. They are many, and nearly each has a backend
    /// of its own.
    forwarding: Vec<(u64, Source<'m>)>,
    last: Option<Key<'m>>,
    /// The first of each key.
    others: BTreeMap<Key<'m>, Source<'m>>,
}

impl<'m> Sources<'m> {
    fn add(&mut self, key: Key<'m>, source: Source<'m>) {
        let Does::Forward(id) = key.does else {
            self.others.entry(key).or_insert(source);
            return;
        };
        // Routes of one host mostly have one section.
        if self.last.replace(key) != Some(key) {
            // Ids begin with a hash. To compare numbers is faster than to compare texts elsewhere in memory.
            let rank = id.as_str().bytes().take(8).fold(0_u64, |rank, byte| rank << 8 | u64::from(byte));
            self.forwarding.push((rank, source));
        }
    }

    /// By key.
    fn sorted(self, context: &Context<'m>) -> Vec<Source<'m>> {
        let Self { mut forwarding, others, .. } = self;
        // The first of equal ones stays the first.
        forwarding.sort_by_key(|(rank, _)| *rank);
        let mut sorted = Vec::with_capacity(forwarding.len() + others.len());
        for same_rank in forwarding.chunk_by(|(rank, _), (other, _)| rank == other) {
            if let [(_, source)] = same_rank {
                sorted.push(*source);
                continue;
            }
            let mut by_key = BTreeMap::new();
            for (_, source) in same_rank {
                by_key.entry(source.key(context)).or_insert(*source);
            }
            sorted.extend(by_key.into_values());
        }
        sorted.extend(others.into_values());
        sorted
    }
}
