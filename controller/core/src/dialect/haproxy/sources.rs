//! Where the sections of a model come from: there are many, and most stay as they are, so a section itself is made when it is
//! looked at.

use super::sections::{Context, Does, Key, Section};
use crate::model::{Backend, BackendId, Host, MapToken, Model, Route, digest_of};
use crate::names::HostPattern;
use foldhash::HashSet;
use std::collections::BTreeMap;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_128;

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

    /// Decides the part of a file that the section goes to.
    pub(super) fn backend_key(&self) -> &'m str {
        self.backend.map_or("", BackendId::as_str)
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
            named: route.and_then(|route| context.named(route)),
        }
    }

    /// Content hash of the backends that it needs beside its own.
    fn others(&self, model: &'m Model, context: &Context<'m>) -> u128 {
        let Section { service, page_backend, mirror, .. } = self.section(model, context);
        digest_of(&[service, page_backend, mirror].map(|backend| backend.map(|backend| backend.digest)))
    }
}

/// Where the sections of the hosts of the time before came from.
#[derive(Debug, Default)]
pub struct Memory {
    /// Hash of the context.
    context: u128,
    hosts_token: MapToken<HostPattern, Host>,
    /// Sorted by pattern.
    hosts: Vec<OfHost>,
    /// The first of each key, sorted by key.
    sections: Vec<Known>,
    /// Sorted by id.
    backends: Vec<Arc<Backend>>,
}

/// A section, and what of it is known without looking at its host or backend, which are elsewhere in memory.
#[derive(Debug)]
struct Known {
    /// Which of the hosts needs it first, and which of what that one needs it is.
    place: (usize, usize),
    route: Option<usize>,
    is_canary: bool,
    over_tls: Option<bool>,
    /// Which of the backends is its own.
    backend: Option<usize>,
    /// It has other backends, or its own is none of those that there are.
    has_others: bool,
    /// Content hash.
    digest: u128,
}

/// What the routes of a host need.
#[derive(Debug)]
struct OfHost {
    host: Arc<Host>,
    found: Box<[Found]>,
}

/// A section that a route needs.
#[derive(Debug)]
struct Found {
    /// Index of the route; `None`: it leads to the root of the host's application.
    route: Option<usize>,
    is_canary: bool,
    over_tls: Option<bool>,
    /// Hash of its key: equal for equal sections.
    key: u128,
    /// Sorts those that forward to endpoints; `None`: it is no such one.
    rank: Option<u64>,
    backend: Option<BackendId>,
    /// Other backends have to do with it.
    has_others: bool,
    /// Hash of all that it is made from beside backends, the globals and the context.
    digest: u128,
}

impl Memory {
    /// Where the sections of a model come from, and their content hashes; sorted by key.
    pub(super) fn sources<'m>(&mut self, model: &'m Model, context: &Context<'m>) -> Vec<(Source<'m>, u128)> {
        let is_same = self.update(model, context);
        let backends: Vec<&'m Arc<Backend>> = model.backends.values().collect();
        let changed = if is_same { self.changed(&backends) } else { None };
        if changed.is_none() {
            self.find(&backends);
        }
        let hosts: Vec<&'m Arc<Host>> = model.hosts.values().collect();
        let Self { hosts: of_hosts, sections, .. } = self;
        let is_changed = |backend: usize| changed.as_ref().is_none_or(|changed| changed[backend]);
        let source = |known: &mut Known| {
            let (host, number) = known.place;
            let backend = known.backend.map(|at| backends[at]);
            let Known { route, is_canary, over_tls, .. } = *known;
            let mut source = Source { host: hosts[host], route, is_canary, over_tls, backend: backend.map(|backend| &backend.id) };
            if changed.is_none() || known.has_others || known.backend.is_some_and(is_changed) {
                let found = &of_hosts[host].found[number];
                let others = found.has_others.then(|| source.others(model, context));
                known.digest = joined(&[Some(found.digest), backend.map(|backend| backend.digest), others]);
                if backend.is_none() && found.backend.is_some() {
                    source.backend = source.key(context).backend();
                }
            }
            (source, known.digest)
        };
        let sources = sections.iter_mut().map(source).collect();
        self.remember(&backends, changed.as_deref());
        sources
    }

    /// Takes over the backends; `changed`: only these are others.
    fn remember(&mut self, now: &[&Arc<Backend>], changed: Option<&[bool]>) {
        let Some(changed) = changed else {
            self.backends = now.iter().copied().map(Arc::clone).collect();
            return;
        };
        for (at, _) in changed.iter().enumerate().filter(|(_, is_changed)| **is_changed) {
            self.backends[at] = Arc::clone(now[at]);
        }
    }

    /// Which backends are others than the time before, if they have the same ids. Most are at the same place in memory, and
    /// are not looked at.
    fn changed(&self, now: &[&Arc<Backend>]) -> Option<Vec<bool>> {
        let both = || self.backends.iter().zip(now.iter().copied());
        let is_other = |(before, now): (&Arc<Backend>, &Arc<Backend>)| !Arc::ptr_eq(before, now);
        let same_ids = self.backends.len() == now.len() && both().filter(|both| is_other(*both)).all(|(before, now)| before.id == now.id);
        same_ids.then(|| both().map(is_other).collect())
    }

    /// Finds the backend of each section.
    fn find(&mut self, backends: &[&Arc<Backend>]) {
        // Most are sorted as the backends are.
        let mut next = 0;
        for known in &mut self.sections {
            let (host, number) = known.place;
            let found = &self.hosts[host].found[number];
            known.backend = found.backend.as_ref().and_then(|id| {
                next += backends[next..].iter().take_while(|backend| backend.id < *id).count();
                let is_next = backends.get(next).is_some_and(|backend| backend.id == *id);
                if is_next { Some(next) } else { backends.binary_search_by(|backend| backend.id.cmp(id)).ok() }
            });
            known.has_others = found.has_others || (found.backend.is_some() && known.backend.is_none());
        }
    }

    /// Brings what is remembered in line with the hosts; whether it was already.
    fn update<'m>(&mut self, model: &'m Model, context: &Context<'m>) -> bool {
        let now = digest_of(context);
        if self.context == now && self.hosts_token.is_of(&model.hosts) {
            return true;
        }
        let same_context = std::mem::replace(&mut self.context, now) == now;
        let mut before = std::mem::take(&mut self.hosts).into_iter().filter(|_| same_context).peekable();
        self.hosts.reserve(model.hosts.len());
        for (pattern, host) in &model.hosts {
            let is_same = |kept: &OfHost| Arc::ptr_eq(&kept.host, host);
            while before.next_if(|kept| !is_same(kept) && kept.host.pattern < *pattern).is_some() {}
            let kept = before.next_if(is_same);
            self.hosts.push(kept.unwrap_or_else(|| OfHost { host: Arc::clone(host), found: found(host, context) }));
        }
        self.hosts_token = model.hosts.token();
        self.sections = self.sorted(model, context).into_iter().map(|place| Known::of(place, &self.hosts)).collect();
        false
    }

    /// The first of each key: those that forward, and behind them the others.
    fn sorted<'m>(&self, model: &'m Model, context: &Context<'m>) -> Vec<(usize, usize)> {
        let hosts: Vec<&'m Arc<Host>> = model.hosts.values().collect();
        let key = |(host, found): (usize, usize)| Source::of(hosts[host], &self.hosts[host].found[found]).key(context);
        let mut forwarding = Vec::with_capacity(self.hosts.len());
        let mut others = BTreeMap::new();
        let mut seen = HashSet::default();
        let all =
            self.hosts.iter().enumerate().flat_map(|(host, kept)| kept.found.iter().enumerate().map(move |(n, found)| ((host, n), found)));
        for (place, found) in all {
            match found.rank {
                Some(rank) => forwarding.push((rank, place, found.key)),
                None if seen.insert(found.key) => _ = others.insert(key(place), place),
                None => {}
            }
        }
        // The first of equal ones stays the first.
        forwarding.sort_unstable();
        let mut sorted = Vec::with_capacity(forwarding.len() + others.len());
        for same_rank in forwarding.chunk_by(|(rank, ..), (other, ..)| rank == other) {
            let (_, first, of_first) = same_rank[0];
            if same_rank.iter().all(|(.., other)| *other == of_first) {
                sorted.push(first);
                continue;
            }
            let mut by_key = BTreeMap::new();
            for (_, place, _) in same_rank {
                by_key.entry(key(*place)).or_insert(*place);
            }
            sorted.extend(by_key.into_values());
        }
        sorted.extend(others.into_values());
        sorted
    }
}

impl Known {
    fn of(place: (usize, usize), hosts: &[OfHost]) -> Self {
        let Found { route, is_canary, over_tls, has_others, .. } = hosts[place.0].found[place.1];
        Self { place, route, is_canary, over_tls, backend: None, has_others, digest: 0 }
    }
}

impl<'m> Source<'m> {
    fn of(host: &'m Host, found: &Found) -> Self {
        let Found { route, is_canary, over_tls, .. } = *found;
        Self { host, route, is_canary, over_tls, backend: None }
    }
}

/// What the routes of a host need; each once, where they stand one behind the other.
fn found<'m>(host: &'m Host, context: &Context<'m>) -> Box<[Found]> {
    let mut all: Vec<Found> = Vec::new();
    let mut add = |key: Key<'m>, route: Option<usize>, is_canary: bool| {
        let digest = digest_of(&key);
        // Routes of one host mostly have one section.
        if all.last().is_some_and(|last| last.key == digest) {
            return;
        }
        let asks_others = |route: &'m Route| {
            let policy = &route.policy;
            policy.external_auth.is_some() || policy.mirror.is_some() || context.pages(route).is_some()
        };
        // Ids begin with a hash. To compare numbers is faster than to compare texts elsewhere in memory.
        let rank = |id: &BackendId| id.as_str().bytes().take(8).fold(0_u64, |rank, byte| rank << 8 | u64::from(byte));
        all.push(Found {
            route,
            is_canary,
            over_tls: key.over_tls,
            key: digest,
            rank: if let Does::Forward(id) = key.does { Some(rank(id)) } else { None },
            backend: key.backend().filter(|_| route.is_some()).cloned(),
            has_others: route.is_some_and(|number| asks_others(&host.routes[number])),
            digest: digest_of(&(host.digest, route, is_canary, key.over_tls)),
        });
    };
    for (number, route) in host.routes.iter().enumerate() {
        let key = Key::of(host, route, context);
        let canary = key.of_canary(route, context).map(|(key, _)| key);
        for (key, is_canary) in std::iter::once((key, false)).chain(canary.map(|key| (key, true))) {
            for over_tls in std::iter::once(key.over_tls).chain(key.over_tls.map(|_| Some(true))) {
                add(Key { over_tls, ..key }, Some(number), is_canary);
            }
        }
    }
    if let Some(path) = &host.policy.app_root {
        add(Key::of_app_root(path, host), None, false);
    }
    all.into()
}

/// One hash of several.
fn joined(parts: &[Option<u128>; 3]) -> u128 {
    let mut bytes = [0; 51];
    for (part, place) in parts.iter().zip(bytes.chunks_exact_mut(17)) {
        place[0] = u8::from(part.is_some());
        place[1..].copy_from_slice(&part.unwrap_or_default().to_le_bytes());
    }
    xxh3_128(&bytes)
}
