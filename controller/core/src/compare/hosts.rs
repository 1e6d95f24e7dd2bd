//! Hosts and their routes: what each request path gets before and after.

use super::policies::{Collected, Policies};
use super::{Change, Effect, Kind, Side, Subject, facts};
use crate::model::{Host, PathMatch, Route};
use crate::names::HostPattern;
use std::collections::BTreeMap;

pub(super) fn compare(old: Side<'_>, new: Side<'_>, prefix: &str) -> Vec<Change> {
    let policies = (Policies::of(old.served, prefix), Policies::of(new.served, prefix));
    let mut comparison = Comparison { old, new, policies: &policies, changes: Vec::new(), collected: Collected::default() };
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
    let Comparison { mut changes, collected, .. } = comparison;
    changes.extend(collected.into_changes());
    changes
}

struct Comparison<'a> {
    old: Side<'a>,
    new: Side<'a>,
    policies: &'a (Policies<'a>, Policies<'a>),
    changes: Vec<Change>,
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
        for ((b, a), paths) in told {
            let (route_before, route_after) = (&before.routes[b], &after.routes[a]);
            self.route_pair(after, &paths, route_before, route_after, &old, &new);
        }
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
        let kind = match (from.is_empty(), to.is_empty()) {
            (true, true) => return,
            (true, false) => Kind::Added,
            (false, true) => Kind::Removed,
            (false, false) => Kind::Changed,
        };
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

    fn route_pair(&mut self, host: &Host, paths: &[PathMatch], before: &'a Route, after: &'a Route, old: &Routes<'_>, new: &Routes<'_>) {
        if before == after {
            return;
        }
        let name = joined(paths);
        let (was_there, is_there) = (paths.iter().any(|path| old.contains_key(path)), paths.iter().any(|path| new.contains_key(path)));
        let same_answer = facts::answer(before) == facts::answer(after);
        if !same_answer {
            // Where nobody asked for anything, there was nothing, or nothing is left.
            let asked = |route: &'a Route, itself: bool| Some(route).filter(|route| itself || route.origin.is_some());
            self.route(host, &name, asked(before, was_there), asked(after, is_there));
        }
        if before.origin.is_none() || after.origin.is_none() {
            return;
        }
        let redirect = self.redirect(host, &name, before, after);
        let policy = self.collected.take(&host.pattern.to_string(), (before, &self.policies.0), (after, &self.policies.1));
        // A setting, or an object that an annotation names, can change it in a way that has no name here.
        if same_answer && !redirect && !policy && before.policy != after.policy {
            self.unnamed(host, &name, after);
        }
    }

    fn redirect(&mut self, host: &Host, name: &str, before: &Route, after: &Route) -> bool {
        let text = |route: &Route| if route.https_redirect.is_some() { "redirected to https" } else { "plain HTTP served" }.to_owned();
        let (from, to) = (text(before), text(after));
        let effect = match (before.https_redirect.is_some(), after.https_redirect.is_some()) {
            (true, false) => Effect::Opens,
            (false, true) => Effect::Closes,
            _ => return false,
        };
        self.push(host, name, Kind::Changed, from, to, after, Some(effect));
        true
    }

    fn unnamed(&mut self, host: &Host, name: &str, after: &Route) {
        let to = "other policies, by settings or objects that its Ingress names".to_owned();
        self.push(host, name, Kind::Changed, "the same answer".to_owned(), to, after, Some(Effect::Unclear));
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
        let asked = after.filter(|_| before.is_none()).map(|route| self.policies.1.names(route)).unwrap_or_default();
        if !asked.is_empty() {
            to.push_str(&format!(", with {}", shown_names(&asked)));
        }
        self.push(host, name, kind, from, to, owner, effect);
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of a change, in order")]
    fn push(&mut self, host: &Host, name: &str, kind: Kind, from: String, to: String, by: &Route, effect: Option<Effect>) {
        let by = by.origin.clone();
        self.changes.push(Change {
            subject: Subject::Route,
            hosts: vec![host.pattern.to_string()],
            name: name.to_owned(),
            kind,
            from,
            to,
            by,
            effect,
        });
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

fn shown_names(names: &[&str]) -> String {
    const SHOWN: usize = 8;
    let mut out: Vec<String> = names.iter().take(SHOWN).map(|name| crate::names::shown(name).trim_matches('"').to_owned()).collect();
    if names.len() > SHOWN {
        out.push(format!("{} more", names.len() - SHOWN));
    }
    out.join(", ")
}
