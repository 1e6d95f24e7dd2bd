//! Hosts and their routes: what each request path gets before and after.

use super::parts::{self, Part};
use super::policies::{Collected, Owners};
use super::{Change, Effect, Kind, Side, Subject, facts, kind_of};
use crate::model::{Action, BackendId, Host, PathMatch, Route};
use crate::names::HostPattern;
use std::collections::{BTreeMap, BTreeSet};

/// What was compared, and what has to be compared beside it.
pub(super) struct Compared<'a> {
    pub(super) changes: Vec<Change>,
    /// Backends of the same Service port before and after that go by different names.
    pub(super) renamed: BTreeSet<(&'a BackendId, &'a BackendId)>,
}

pub(super) fn compare<'a>(old: Side<'a>, new: Side<'a>, prefix: &str) -> Compared<'a> {
    let collected = Collected::new(old, new, prefix);
    let mut comparison = Comparison { old, new, changes: Vec::new(), renamed: BTreeSet::new(), collected };
    let mut patterns: Vec<&HostPattern> = old.model.hosts.keys().chain(new.model.hosts.keys()).collect();
    patterns.sort();
    patterns.dedup();
    for pattern in patterns {
        match (old.model.hosts.get(pattern), new.model.hosts.get(pattern)) {
            (Some(before), None) => comparison.gone(before),
            (None, Some(after)) => comparison.come(after),
            (Some(before), Some(after)) => comparison.both(before, after),
            (None, None) => {}
        }
    }
    let Comparison { mut changes, renamed, collected, .. } = comparison;
    changes.extend(collected.into_changes());
    Compared { changes, renamed }
}

struct Comparison<'a> {
    old: Side<'a>,
    new: Side<'a>,
    changes: Vec<Change>,
    renamed: BTreeSet<(&'a BackendId, &'a BackendId)>,
    collected: Collected<'a>,
}

/// What the requests for one path get, on one side.
type Routes<'a> = BTreeMap<&'a PathMatch, &'a Route>;

fn routes(host: &Host) -> Routes<'_> {
    host.routes.iter().flat_map(|route| route.matches.iter().map(move |path| (path, route))).collect()
}

impl<'a> Comparison<'a> {
    fn gone(&mut self, host: &'a Host) {
        self.host(host, Kind::Removed);
        for route in host.routes.iter().filter(|route| route.origin.is_some()) {
            self.route(host, &joined(&route.matches), Some(route), None);
        }
    }

    fn come(&mut self, host: &'a Host) {
        self.host(host, Kind::Added);
        for route in host.routes.iter().filter(|route| route.origin.is_some()) {
            self.route(host, &joined(&route.matches), None, Some(route));
        }
        let certificate = facts::certificate(host, self.new.model);
        self.certificate(host, String::new(), certificate);
    }

    fn host(&mut self, host: &Host, kind: Kind) {
        self.changes.push(Change {
            subject: Subject::Host,
            hosts: vec![host.pattern.to_string()],
            name: host.pattern.to_string(),
            kind,
            from: String::new(),
            to: String::new(),
            by: host.origin.clone(),
            effect: None,
        });
    }

    fn both(&mut self, before: &'a Host, after: &'a Host) {
        let (old, new) = (facts::certificate(before, self.old.model), facts::certificate(after, self.new.model));
        if old == new {
            self.renewed(before, after);
        } else {
            self.certificate(after, old, new);
        }
        let (old, new) = (routes(before), routes(after));
        let mut paths: Vec<&PathMatch> = old.keys().chain(new.keys()).copied().collect();
        paths.sort();
        paths.dedup();
        // Paths that change in the same way, such as `/a` and all below it, are told together.
        let mut told: BTreeMap<(usize, usize), Vec<PathMatch>> = BTreeMap::new();
        let number = |host: &Host, route: &Route| host.routes.iter().position(|own| std::ptr::eq(own, route)).unwrap_or(usize::MAX);
        for path in paths {
            let pair = (serving(&old, path), serving(&new, path));
            if let (Some(before_route), Some(after_route)) = pair {
                told.entry((number(before, before_route), number(after, after_route))).or_default().push(path.clone());
            }
        }
        let mut owners = vec![(before.origin.as_ref(), after.origin.as_ref())];
        for ((b, a), paths) in told {
            let (route_before, route_after) = (&before.routes[b], &after.routes[a]);
            owners.push((route_before.origin.as_ref(), route_after.origin.as_ref()));
            self.route_pair(after, &paths, (route_before, route_after), (&old, &new));
        }
        self.whole(before, after, owners);
    }

    /// What concerns a host as a whole; every Ingress with a route there may have a say.
    fn whole(&mut self, before: &'a Host, after: &'a Host, mut owners: Vec<Owners<'a>>) {
        // What is told elsewhere: who made it, the certificate, the routes.
        let Host { pattern, origin: _, certificate: _, routes: _, policy, features: _, digest: _ } = after;
        if *policy == before.policy {
            return;
        }
        let host = pattern.to_string();
        owners.sort();
        owners.dedup();
        owners.iter().for_each(|owners| self.collected.take(&host, *owners));
        let mut found = Vec::new();
        parts::of_host(&before.policy, policy, &mut found);
        self.collected.note(&host, &owners, found);
    }

    fn renewed(&mut self, before: &Host, after: &Host) {
        use crate::model::HostCertificate::Own;
        if let (Own(old), Own(new)) = (&before.certificate, &after.certificate) {
            let digest = |side: Side<'_>, id| side.model.certificates.get(id).map(|certificate| certificate.digest);
            if digest(self.old, old) != digest(self.new, new) {
                let name = facts::certificate(after, self.new.model);
                self.certificate(after, name.clone(), format!("{name}, with another key pair"));
            }
        }
    }

    fn certificate(&mut self, host: &Host, from: String, to: String) {
        if from.is_empty() && to.is_empty() {
            return;
        }
        let kind = kind_of(&from, &to);
        let pattern = host.pattern.to_string();
        let by = host.origin.clone();
        self.changes.push(Change {
            subject: Subject::Certificate,
            hosts: vec![pattern.clone()],
            name: pattern,
            kind,
            from,
            to,
            by,
            effect: None,
        });
    }

    fn route_pair(&mut self, host: &Host, paths: &[PathMatch], (before, after): (&'a Route, &'a Route), all: (&Routes<'a>, &Routes<'a>)) {
        // Of a route that is closed, nobody can tell what else is asked for, but that it is.
        let is_closed = !facts::is_open(Some(before)) && !facts::is_open(Some(after));
        if before == after && !is_closed {
            return;
        }
        let name = joined(paths);
        let (was_there, is_there) = (paths.iter().any(|path| all.0.contains_key(path)), paths.iter().any(|path| all.1.contains_key(path)));
        let same_answer = facts::answer(before) == facts::answer(after);
        if !same_answer {
            // Where nobody asked for anything, there was nothing, or nothing is left.
            let asked = |route: &'a Route, itself: bool| Some(route).filter(|route| itself || route.origin.is_some());
            self.route(host, &name, asked(before, was_there), asked(after, is_there));
        }
        if before.origin.is_some() && after.origin.is_some() {
            let pattern = host.pattern.to_string();
            let owners = (before.origin.as_ref(), after.origin.as_ref());
            self.collected.take(&pattern, owners);
            let parts = self.parts(host, &name, (before, after), same_answer);
            self.collected.note(&pattern, &[owners], parts);
        }
    }

    /// What else is different in two routes.
    fn parts(&mut self, host: &Host, name: &str, (before, after): (&'a Route, &'a Route), same_answer: bool) -> Vec<Part> {
        let mut found = Vec::new();
        // What is told elsewhere: which paths, who asks, the Service, the canary.
        let Route { matches, rule_path, origin: _, service: _, https_redirect, policy, action, canary: _ } = after;
        if *rule_path != before.rule_path && *matches == before.matches {
            found.push(Part::new("path of the rule", &[]));
        }
        if !self.redirect(host, name, before, after) && *https_redirect != before.https_redirect {
            found.push(Part::new("redirect to https", &["preserve-trailing-slash"]));
        }
        parts::of_route(&before.policy, policy, &mut found);
        if let (true, Action::Forward(old), Action::Forward(new)) = (same_answer, &before.action, action) {
            self.backend((old, new), &mut found);
        }
        self.canary(host, name, (before, after), &mut found);
        found
    }

    /// How two backends of the same Service port are talked to.
    fn backend(&mut self, (old, new): (&'a BackendId, &'a BackendId), found: &mut Vec<Part>) {
        if old == new {
            return;
        }
        self.renamed.insert((old, new));
        let (Some(before), Some(after)) = (self.old.model.backends.get(old), self.new.model.backends.get(new)) else { return };
        if before.policy == after.policy {
            found.push(Part::new("port of the Service", &[]));
        }
        parts::of_backend(&before.policy, &after.policy, found);
    }

    fn canary(&mut self, host: &Host, name: &str, (before, after): (&'a Route, &'a Route), found: &mut Vec<Part>) {
        if before.canary == after.canary {
            return;
        }
        let text = |route: &Route| route.canary.as_deref().map(ToString::to_string).unwrap_or_default();
        let (from, to) = (text(before), text(after));
        if from == to {
            let ids = before.canary.as_deref().zip(after.canary.as_deref()).map(|(old, new)| (&old.backend, &new.backend));
            ids.into_iter().for_each(|ids| self.backend(ids, found));
            return;
        }
        let kind = kind_of(&from, &to);
        self.push(host, name, (Subject::Canary, kind), (from, to), after, None);
    }

    fn redirect(&mut self, host: &Host, name: &str, before: &Route, after: &Route) -> bool {
        let text = |route: &Route| if route.https_redirect.is_some() { "redirected to https" } else { "plain HTTP served" }.to_owned();
        let texts = (text(before), text(after));
        let effect = match (before.https_redirect.is_some(), after.https_redirect.is_some()) {
            (true, false) => Effect::Opens,
            (false, true) => Effect::Closes,
            _ => return false,
        };
        self.push(host, name, (Subject::Route, Kind::Changed), texts, after, Some(effect));
        true
    }

    fn route(&mut self, host: &Host, name: &str, before: Option<&Route>, after: Option<&Route>) {
        let Some(owner) = after.or(before) else { return };
        let kind = match (before, after) {
            (None, _) => Kind::Added,
            (_, None) => Kind::Removed,
            _ => Kind::Changed,
        };
        let effect = match (facts::is_open(before), facts::is_open(after)) {
            (false, true) => Some(Effect::Opens),
            (true, false) => Some(Effect::Closes),
            _ => None,
        };
        let from = before.map(facts::answer).unwrap_or_default();
        let mut to = after.map(facts::answer).unwrap_or_default();
        let new = after.filter(|_| before.is_none());
        let asked = new.map(|route| self.collected.asked(route)).unwrap_or_default();
        if !asked.is_empty() {
            to.push_str(&format!(", with {}", shown_wishes(&asked)));
        }
        if let Some(canary) = new.and_then(|route| route.canary.as_deref()) {
            to.push_str(&format!(", and {canary}"));
        }
        self.push(host, name, (Subject::Route, kind), (from, to), owner, effect);
    }

    fn push(
        &mut self,
        host: &Host,
        name: &str,
        (subject, kind): (Subject, Kind),
        (from, to): (String, String),
        by: &Route,
        effect: Option<Effect>,
    ) {
        let by = by.origin.clone();
        self.changes.push(Change { subject, hosts: vec![host.pattern.to_string()], name: name.to_owned(), kind, from, to, by, effect });
    }
}

/// Who serves a path: its own route, or the nearest above it.
fn serving<'a>(routes: &Routes<'a>, path: &PathMatch) -> Option<&'a Route> {
    if let Some(own) = routes.get(path) {
        return Some(own);
    }
    let text = path.text();
    let above = routes.iter().filter(|(other, _)| matches!(other, PathMatch::Under(above) if text.starts_with(above.as_str())));
    above.max_by_key(|(other, _)| other.text().len()).map(|(_, route)| *route)
}

fn joined(paths: &[PathMatch]) -> String {
    paths.iter().map(facts::path).collect::<Vec<_>>().join(", ")
}

fn shown_wishes(wishes: &[(&str, &str)]) -> String {
    const SHOWN: usize = 8;
    let wish = |(name, value): &(&str, &str)| format!("{} {}", crate::names::shown(name).trim_matches('"'), crate::names::shown(value));
    let mut out: Vec<String> = wishes.iter().take(SHOWN).map(wish).collect();
    if wishes.len() > SHOWN {
        out.push(format!("{} more", wishes.len() - SHOWN));
    }
    out.join(", ")
}
