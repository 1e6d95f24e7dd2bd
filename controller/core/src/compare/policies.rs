//! Annotations of the Ingresses behind a route: what they were and what they are.

use super::openness::{self, Beside, Place, Texts};
use super::parts::Part;
use super::settings::Settings;
use super::texts::told;
use super::{Change, Effect, Kind, Side, Subject};
use crate::model::{Action, Model, Route};
use crate::names::{ObjectName, ObjectRef};
use crate::state::Ingress;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// What the class of an Ingress goes by.
const CLASS: &str = "ingressClassName";

/// The Ingresses of one side.
struct Policies<'a> {
    of: HashMap<&'a ObjectName, Own<'a>>,
}

/// What one Ingress says.
#[derive(Default)]
struct Own<'a> {
    class: Option<&'a str>,
    /// By the name behind the prefix.
    annotations: Texts<'a>,
}

impl<'a> Own<'a> {
    fn new(ingress: &'a Ingress, prefix: &str) -> Self {
        let all = &ingress.meta.annotations;
        let class = ingress.class_name.as_deref().or_else(|| all.get("kubernetes.io/ingress.class").map(|class| &**class));
        let annotations = all.iter().filter_map(|(key, value)| Some((key.strip_prefix(prefix)?.strip_prefix('/')?, &**value)));
        Self { class, annotations: annotations.collect() }
    }
}

impl<'a> Policies<'a> {
    fn of(served: &'a [Arc<Ingress>], prefix: &str) -> Self {
        Self { of: served.iter().map(|ingress| (&ingress.meta.name, Own::new(ingress, prefix))).collect() }
    }

    fn get(&self, origin: Option<&ObjectRef>) -> Option<&Own<'a>> {
        self.of.get(&origin?.name)
    }
}

/// Changes of policies, each said once for all hosts that it concerns.
pub(super) struct Collected<'a> {
    sides: [Policies<'a>; 2],
    models: [&'a Model; 2],
    settings: &'a Settings<'a>,
    changes: BTreeMap<Owners<'a>, Pair>,
    /// What no annotation or key tells of: hosts, and who has a say there.
    untold: BTreeMap<Part, (BTreeSet<String>, BTreeSet<&'a ObjectRef>)>,
}

/// Who asked before, and who asks now.
pub(super) type Owners<'a> = (Option<&'a ObjectRef>, Option<&'a ObjectRef>);

/// Names and values.
pub(super) type Wishes<'a> = Vec<(&'a str, &'a str)>;

struct Pair {
    /// Those that the annotations are told for; none: they are told elsewhere.
    hosts: BTreeSet<String>,
    changed: Vec<Wish>,
    /// Settings that are other ones for them.
    settings: Vec<String>,
}

/// An annotation that is another one.
struct Wish {
    name: String,
    from: Option<String>,
    to: Option<String>,
    effect: Option<Effect>,
}

/// A name, and its values on both sides.
pub(super) type Difference = (String, Option<String>, Option<String>);

impl<'a> Collected<'a> {
    pub(super) fn new(old: Side<'a>, new: Side<'a>, settings: &'a Settings<'a>, prefix: &str) -> Self {
        let sides = [old, new].map(|side| Policies::of(&side.translation.served, prefix));
        Self { sides, models: [old.model(), new.model()], settings, changes: BTreeMap::new(), untold: BTreeMap::new() }
    }

    /// What is asked for, for a route of the second side; protections first.
    pub(super) fn asked(&self, route: &Route) -> Wishes<'a> {
        let of = self.sides[1].get(route.origin.as_ref()).into_iter();
        protections_first(of.flat_map(|own| &own.annotations).map(|(name, value)| (*name, *value)).collect())
    }

    /// What the one asked for and the other one does not, and the other way round; protections first.
    pub(super) fn apart(&self, owners: Owners<'a>) -> (Wishes<'a>, Wishes<'a>) {
        let none = Own::default();
        let (old, new) = (self.sides[0].get(owners.0).unwrap_or(&none), self.sides[1].get(owners.1).unwrap_or(&none));
        let [before, after] = self.settings.of([old.class, new.class]);
        let is_class_told = old.class != new.class && before != after;
        let only = |one: &Own<'a>, other: &Own<'a>| {
            let is_else = |(name, value): &(&&'a str, &&'a str)| other.annotations.get(**name) != Some(*value);
            let own = one.annotations.iter().filter(is_else).map(|(name, value)| (*name, *value));
            let class = one.class.filter(|_| is_class_told).map(|class| (CLASS, class));
            protections_first(own.chain(class).collect())
        };
        (only(old, new), only(new, old))
    }

    /// Whether one Ingress has taken the place of another one, which is the same under another name.
    pub(super) fn is_renamed(&self, owners: Owners<'_>) -> bool {
        let is_served = |side: usize, origin| self.sides[side].get(origin).is_some();
        owners.0.map(|old| &old.name) == owners.1.map(|new| &new.name) || !(is_served(1, owners.0) || is_served(0, owners.1))
    }

    /// What it means for who may reach what that somebody else asks, by annotations alone.
    pub(super) fn effect(&mut self, owners: Owners<'a>) -> Option<Effect> {
        openness::joined(self.pair(owners).changed.iter().map(|wish| wish.effect))
    }

    /// Compares the annotations behind something that is there before and after.
    pub(super) fn take(&mut self, host: &str, owners: Owners<'a>) {
        self.pair(owners).hosts.insert(host.to_owned());
    }

    fn pair(&mut self, owners: Owners<'a>) -> &mut Pair {
        let Self { sides, settings, changes, .. } = self;
        changes.entry(owners).or_insert_with(|| Pair::new(sides, settings, owners))
    }

    /// Which of these owners has changed annotations whose names begin so, and what each of those means by itself.
    pub(super) fn asking(&mut self, owners: &[Owners<'a>], beginning: &str) -> Option<(Option<ObjectRef>, Vec<Option<Effect>>)> {
        let mut by = None;
        let mut effects = Vec::new();
        for (old, new) in owners {
            let changed = &self.pair((*old, *new)).changed;
            let before = effects.len();
            effects.extend(changed.iter().filter(|wish| wish.name.starts_with(beginning)).map(|wish| wish.effect));
            if effects.len() > before {
                by = by.or_else(|| new.or(*old).cloned());
            }
        }
        (!effects.is_empty()).then_some((by, effects))
    }

    /// Notes parts that are other ones, unless the annotations of one of these owners, or settings, tell.
    pub(super) fn note(&mut self, host: &str, owners: &[Owners<'a>], parts: Vec<Part>) {
        if parts.is_empty() {
            return;
        }
        owners.iter().for_each(|owners| _ = self.pair(*owners));
        let pairs: Vec<&Pair> = owners.iter().filter_map(|owners| self.changes.get(owners)).collect();
        let names = || pairs.iter().flat_map(|pair| pair.changed.iter().map(|wish| &wish.name).chain(&pair.settings));
        for part in parts.into_iter().filter(|part| !names().any(|name| part.is_told_by(name))) {
            let (hosts, origins) = self.untold.entry(part).or_default();
            hosts.insert(host.to_owned());
            origins.extend(owners.iter().filter_map(|(old, new)| new.or(*old)));
        }
    }

    /// Whose annotation has made a part another one for these Ingresses, and which: how endpoints are spoken to is the same for
    /// all who name the same Service port.
    fn neighbour(&self, part: Part, origins: &BTreeSet<&ObjectRef>) -> Option<(&'a ObjectRef, &str)> {
        let teller = |(owners, pair): (&Owners<'a>, &'_ Pair)| {
            let wish = pair.changed.iter().position(|wish| part.is_told_by(&wish.name)).filter(|_| !pair.hosts.is_empty())?;
            Some((owners.1.or(owners.0).filter(|own| !origins.contains(own))?, *owners, wish))
        };
        let mut tellers = self.changes.iter().filter_map(teller).peekable();
        tellers.peek()?;
        let routes = || self.models.into_iter().flat_map(|model| model.hosts.values()).flat_map(|host| &host.routes);
        let backend = |route: &'a Route| if let Action::Forward(id) = &route.action { Some(id) } else { None };
        let is_by = |route: &&Route, all: &BTreeSet<&ObjectRef>| route.origin.as_ref().is_some_and(|origin| all.contains(origin));
        let ids: BTreeSet<_> = routes().filter(|route| is_by(route, origins)).filter_map(backend).collect();
        let (origin, owners, wish) = tellers.find(|(own, ..)| {
            let own = BTreeSet::from([*own]);
            routes().filter(|route| is_by(route, &own)).filter_map(backend).any(|id| ids.contains(id))
        })?;
        Some((origin, &self.changes.get(&owners)?.changed.get(wish)?.name))
    }

    pub(super) fn into_changes(self) -> impl Iterator<Item = Change> {
        let untold: Vec<Change> = self
            .untold
            .iter()
            .map(|(part, (hosts, origins))| {
                let hosts = Vec::from_iter(hosts.clone());
                if let Some((origin, name)) = self.neighbour(*part, origins) {
                    let to = format!("another, by {name} of {origin}, which has the same Service");
                    return Change { to, ..another(Subject::Policy, hosts, *part, Some(origin.clone())) };
                }
                let by = if origins.len() == 1 { origins.first().map(|origin| (*origin).clone()) } else { None };
                another(Subject::Policy, hosts, *part, by)
            })
            .collect();
        let told = self.changes.into_iter().filter(|(_, pair)| !pair.hosts.is_empty()).flat_map(|((old, new), pair)| {
            let (by, hosts) = (new.or(old).cloned(), Vec::from_iter(pair.hosts));
            let one = move |Wish { name, from, to, effect }| {
                let values = (&*name, from.as_deref(), to.as_deref());
                told(Subject::Policy, hosts.clone(), values, by.clone(), effect)
            };
            pair.changed.into_iter().map(one)
        });
        told.chain(untold)
    }
}

impl Pair {
    fn new(sides: &[Policies<'_>; 2], settings: &Settings<'_>, owners: Owners<'_>) -> Self {
        let none = Own::default();
        let (old, new) = (sides[0].get(owners.0).unwrap_or(&none), sides[1].get(owners.1).unwrap_or(&none));
        let hold = settings.of([old.class, new.class]);
        let beside = Beside { own: [&old.annotations, &new.annotations], settings: hold, by_address: settings.by_address };
        let wish = |(name, from, to): Difference| {
            let [old, new] = [&from, &to].map(|value| value.as_deref().unwrap_or_default());
            let effect = openness::effect(Place::Annotation, (&name, old, new), &beside);
            Wish { name, from, to, effect }
        };
        let mut changed: Vec<Wish> = differences(&old.annotations, &new.annotations).into_iter().map(wish).collect();
        let settings: Vec<String> = differences(hold[0], hold[1]).into_iter().map(|(name, ..)| name).collect();
        let [from, to] = [old, new].map(|own| own.class.map(str::to_owned));
        // Another class with the same settings changes nothing.
        if owners.0.is_some() && owners.1.is_some() && from != to && !settings.is_empty() {
            changed.push(Wish { name: CLASS.to_owned(), from, to, effect: Some(Effect::Unclear) });
        }
        Self { hosts: BTreeSet::new(), changed, settings }
    }
}

fn protections_first(mut wishes: Wishes<'_>) -> Wishes<'_> {
    wishes.sort_by_key(|(name, _)| !openness::concerns(name));
    wishes
}

/// A part that is another one, by an object or setting that stands behind what is written.
pub(super) fn another(subject: Subject, hosts: Vec<String>, part: Part, by: Option<ObjectRef>) -> Change {
    let (from, to) = ("one".to_owned(), "another, by an object or a setting behind it".to_owned());
    Change { subject, hosts, name: part.name.to_owned(), kind: Kind::Changed, from, to, by, effect: Some(Effect::Unclear) }
}

/// Names whose values differ, with both.
pub(super) fn differences(old: &Texts<'_>, new: &Texts<'_>) -> Vec<Difference> {
    let names: BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
    let value = |side: &Texts<'_>, name: &str| side.get(name).map(|value| (*value).to_owned());
    let all = names.into_iter().map(|name| (name.to_owned(), value(old, name), value(new, name)));
    all.filter(|(_, from, to)| from != to).collect()
}
