//! Routes: what the requests for each path get before and after.

use super::guards::{self, is_open};
use super::host_pair::{Doubt, HostPair, RoutePair};
use super::hosts::Comparison;
use super::parts::{self, Part};
use super::policies::{Owners, Wishes};
use super::{Change, Effect, Kind, Subject, facts, kind_of, texts};
use crate::model::{Action, BackendId, PathMatch, Route};
use crate::names::{ObjectRef, shown};

/// A change of the requests for some paths.
struct Told<'t> {
    subject: Subject,
    kind: Kind,
    texts: [String; 2],
    by: Option<&'t ObjectRef>,
    effect: Option<Effect>,
}

/// The route that serves some paths before, and the one after.
type Pair<'a> = [&'a Route; 2];

impl<'a> Comparison<'a> {
    /// Compares the routes of a host; the answer is who asked for those that have something in common.
    pub(super) fn meet(&mut self, host_pair: &HostPair<'a>) -> Vec<Owners<'a>> {
        let sorted = host_pair.sorted();
        let mut owners = Vec::new();
        for (route_pair, paths) in &sorted.certain {
            let [before, after] = host_pair.pair(*route_pair);
            owners.push((before.origin.as_ref(), after.origin.as_ref()));
            self.pair(host_pair, *route_pair, &joined_paths(paths));
        }
        for (doubt, paths) in &sorted.doubtful {
            self.doubtful(host_pair, doubt, &joined_paths(paths));
        }
        owners
    }

    fn pair(&mut self, host_pair: &HostPair<'a>, route_pair: RoutePair, name: &str) {
        let pair @ [before, after] = host_pair.pair(route_pair);
        let same_host = host_pair.stand_in.is_none();
        // Of a route that is closed, nobody can tell what else is asked for, but that it is.
        let is_closed = pair.iter().all(|route| facts::is_closed(route));
        if same_host && !route_pair.is_one_sided() && before == after && !is_closed {
            return;
        }
        let owners = (before.origin.as_ref(), after.origin.as_ref());
        let apart = !same_host || (route_pair.is_one_sided() || !self.collected.is_renamed(owners)) && owners.0 != owners.1;
        self.route(host_pair, route_pair, (name, apart));
        if owners.0.is_none() || owners.1.is_none() {
            return;
        }
        let mut found = Vec::new();
        let redirects = self.redirect(host_pair, route_pair, name);
        self.canary(host_pair, name, pair, &mut found);
        if same_host && !route_pair.is_one_sided() {
            if !apart {
                self.collected.take(&host_pair.pattern, owners);
                self.written(host_pair, name, pair);
            }
            // Of what is closed on one side, nothing can be compared but what is asked for.
            if pair.map(facts::is_shut).iter().all(|is_shut| *is_shut == facts::is_shut(before)) {
                self.parts(pair, redirects, &mut found);
            }
            self.collected.note(&host_pair.pattern, &[owners], found);
        }
    }

    /// The answer of a route; `apart`: what it is asked for beside that is another Ingress's.
    fn route(&mut self, host_pair: &HostPair<'a>, route_pair: RoutePair, (name, apart): (&str, bool)) {
        let pair = host_pair.pair(route_pair);
        let effect = self.effect(host_pair, route_pair, apart);
        if host_pair.is_of_stand_in(route_pair) && effect.is_none() {
            return;
        }
        // Where nobody asked for anything, there was nothing, or nothing is left.
        let asked = [0, 1].map(|side| host_pair.stand_in.is_none() && route_pair.there[side] || facts::says_something(pair[side]));
        if let Some((kind, texts)) = self.answered(pair, (asked, route_pair.there, apart)) {
            let after = pair[1].origin.as_ref().filter(|_| kind != Kind::Removed);
            let by = after.or(pair[0].origin.as_ref());
            self.push(host_pair, name, Told { subject: Subject::Route, kind, texts, by, effect });
        }
    }

    fn effect(&mut self, host_pair: &HostPair<'a>, route_pair: RoutePair, apart: bool) -> Option<Effect> {
        let pair = host_pair.pair(route_pair);
        // Where the Services are not there, what is asked for is all that is known.
        let is_unknown = |route: &Route| facts::is_closed(route) && route.service.is_some();
        if apart && pair.into_iter().all(is_unknown) {
            return self.collected.effect((pair[0].origin.as_ref(), pair[1].origin.as_ref()));
        }
        if apart || route_pair.is_one_sided() {
            return guards::effect(host_pair.way(0, route_pair.numbers[0]), host_pair.way(1, route_pair.numbers[1]));
        }
        of_answers(pair)
    }

    /// What becomes of the answer of a route. Another path of the same is one more, or one less.
    fn answered(&self, pair: Pair<'a>, (asked, there, apart): ([bool; 2], [bool; 2], bool)) -> Option<(Kind, [String; 2])> {
        let [from, to] = self.answers(pair);
        if from == to && !pair.iter().any(|route| facts::says_something(route)) {
            return None;
        }
        let (from, to) = match asked {
            [false, true] => return Some((Kind::Added, [String::new(), to + &self.wished_for(pair[1])])),
            [true, false] => return Some((Kind::Removed, [from, String::new()])),
            [false, false] => return None,
            [true, true] if apart => {
                let (old, new) = self.collected.apart((pair[0].origin.as_ref(), pair[1].origin.as_ref()));
                (from + &with(&old), to + &with(&new))
            }
            [true, true] => (from, to),
        };
        match there {
            _ if from != to => Some((Kind::Changed, [from, to])),
            [false, true] => Some((Kind::Added, [String::new(), to])),
            [true, false] => Some((Kind::Removed, [from, String::new()])),
            _ => None,
        }
    }

    /// A route of which the other side tells only who may have served its requests.
    fn doubtful(&mut self, host_pair: &HostPair<'a>, doubt: &Doubt, name: &str) {
        let own = host_pair.route(doubt.side, doubt.own);
        let others = doubt.others.iter().map(|other| (host_pair.way(1 - doubt.side, other.number), other.is_sure));
        let effect = weighed(others.clone().map(|(other, is_sure)| {
            let own = host_pair.way(doubt.side, doubt.own);
            (if doubt.side == 1 { guards::effect(other, own) } else { guards::effect(own, other) }, is_sure)
        }));
        let is_stand_in = host_pair.stand_in == Some(doubt.side);
        if !facts::says_something(own) || is_stand_in && effect.is_none() {
            return;
        }
        let [from, to] = self.answers([own, own]);
        let is_same_owner = others.clone().all(|(other, _)| other.route.origin == own.origin);
        let (kind, texts) = match doubt.side {
            0 => (Kind::Removed, [from, String::new()]),
            _ if is_same_owner => (Kind::Added, [String::new(), to]),
            _ => (Kind::Added, [String::new(), to + &self.wished_for(own)]),
        };
        self.push(host_pair, name, Told { subject: Subject::Route, kind, texts, by: own.origin.as_ref(), effect });
    }

    fn answers(&self, pair: Pair<'_>) -> [String; 2] {
        // A port goes by its number or by its name.
        let from =
            if facts::is_same_port(pair) { facts::answer(pair[1], self.old.model()) } else { facts::answer(pair[0], self.old.model()) };
        [from, facts::answer(pair[1], self.new.model())]
    }

    /// All that is asked for, for a route that is new.
    fn wished_for(&self, route: &Route) -> String {
        let canary = route.canary.as_deref().map(|canary| format!(", and {canary}")).unwrap_or_default();
        with(&self.collected.asked(route)) + &canary
    }

    /// The same paths, written in another way: cookies of sessions and figures go by how it is written.
    fn written(&mut self, host_pair: &HostPair<'a>, name: &str, pair: Pair<'a>) {
        let [before, after] = pair;
        if before.rule_path != after.rule_path && before.matches == after.matches {
            let texts = pair.map(|route| format!("written as {}", shown(route.rule_path.as_str())));
            let by = after.origin.as_ref();
            self.push(host_pair, name, Told { subject: Subject::Route, kind: Kind::Changed, texts, by, effect: None });
        }
    }

    /// What else is different in two routes.
    fn parts(&mut self, [before, after]: Pair<'a>, redirect_is_told: bool, found: &mut Vec<Part>) {
        // What is told elsewhere: which paths, and how they are written, who asks, the Service, the canary.
        let Route { matches: _, rule_path: _, origin: _, service: _, https_redirect, policy, action, canary: _ } = after;
        if !redirect_is_told && *https_redirect != before.https_redirect {
            found.push(Part::new("redirect to https", &["preserve-trailing-slash"]));
        }
        parts::of_route(&before.policy, policy, found);
        let [from, to] = self.answers([before, after]);
        if let (true, Action::Forward(old), Action::Forward(new)) = (from == to, &before.action, action) {
            self.backend((old, new), found);
        }
    }

    /// How two backends of the same Service port are talked to.
    fn backend(&mut self, (old, new): (&'a BackendId, &'a BackendId), found: &mut Vec<Part>) {
        if old == new {
            return;
        }
        self.renamed.insert((old, new));
        let (Some(before), Some(after)) = (self.old.model().backends.get(old), self.new.model().backends.get(new)) else { return };
        if before.policy == after.policy && !self.services.have_other_ports(new) {
            found.push(Part::new("port of the Service", &[]));
        }
        parts::of_backend(&before.policy, &after.policy, found);
    }

    fn canary(&mut self, host_pair: &HostPair<'a>, name: &str, [before, after]: Pair<'a>, found: &mut Vec<Part>) {
        let (old, new) = (before.canary.as_deref(), after.canary.as_deref());
        let texts = [old, new].map(|canary| canary.map(ToString::to_string).unwrap_or_default());
        if texts[0] == texts[1] {
            let ids = old.zip(new).map(|(old, new)| (&old.backend, &new.backend));
            ids.into_iter().for_each(|ids| self.backend(ids, found));
            return;
        }
        let kind = kind_of(&texts[0], &texts[1]);
        let by = new.or(old).map(|canary| &canary.origin);
        self.push(host_pair, name, Told { subject: Subject::Canary, kind, texts, by, effect: None });
    }

    fn redirect(&mut self, host_pair: &HostPair<'a>, route_pair: RoutePair, name: &str) -> bool {
        let pair = host_pair.pair(route_pair);
        let redirects = pair.map(|route| route.https_redirect.is_some());
        let effect = match redirects {
            [true, false] => Effect::Opens,
            [false, true] => Effect::Closes,
            _ => return false,
        };
        // A route that is closed is not redirected; that it is closed is told. So is the route of a host that comes or goes.
        if facts::is_closed(pair[0]) != facts::is_closed(pair[1]) || host_pair.is_of_stand_in(route_pair) {
            return true;
        }
        let texts = redirects.map(|redirects| if redirects { "redirected to https" } else { "plain HTTP served" }.to_owned());
        let (by, effect) = (pair[1].origin.as_ref(), Some(effect));
        self.push(host_pair, name, Told { subject: Subject::Route, kind: Kind::Changed, texts, by, effect });
        true
    }

    fn push(&mut self, host_pair: &HostPair<'_>, name: &str, told: Told<'_>) {
        let Told { subject, kind, texts: [from, to], by, effect } = told;
        let (hosts, by) = (vec![host_pair.pattern.clone()], by.cloned());
        self.changes.push(Change { subject, hosts, name: name.to_owned(), kind, from, to, by, effect });
    }
}

/// What it means that a route answers otherwise; what else is different is told by itself.
fn of_answers(pair: Pair<'_>) -> Option<Effect> {
    match pair.map(|route| is_open(Some(route))) {
        [false, true] => Some(Effect::Opens),
        [true, false] => Some(Effect::Closes),
        _ => None,
    }
}

/// What it means that requests are served by one or another of several routes, of which some serve some of them for sure.
fn weighed(effects: impl Iterator<Item = (Option<Effect>, bool)>) -> Option<Effect> {
    let effects: Vec<(Option<Effect>, bool)> = effects.collect();
    let mut known = effects.iter().filter_map(|(effect, _)| *effect);
    let first = known.next()?;
    let is_one = known.all(|effect| effect == first);
    let is_hit = effects.iter().all(|(effect, _)| effect.is_some()) || effects.iter().any(|(effect, is_sure)| *is_sure && effect.is_some());
    Some(if is_one && is_hit { first } else { Effect::Unclear })
}

fn with(wishes: &Wishes<'_>) -> String {
    if wishes.is_empty() { String::new() } else { format!(", with {}", texts::wishes(wishes)) }
}

fn joined_paths(paths: &[PathMatch]) -> String {
    paths.iter().map(facts::path).collect::<Vec<_>>().join(", ")
}
