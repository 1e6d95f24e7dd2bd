//! Settings of the main ConfigMap and of the parameters of classes: what they were and what they are.

use super::openness::{self, Beside, Place, Texts};
use super::policies::{Difference, another, differences};
use super::texts::told;
use super::{Change, Side, Subject, parts};
use crate::model::Model;
use crate::names::{Kind, ObjectRef};
use crate::settings::{self, POLICY_KEY};
use crate::translate::annotations;
use std::collections::{BTreeMap, BTreeSet};

/// The settings of both sides.
pub(super) struct Settings<'a> {
    sides: [OfSide<'a>; 2],
    /// Somebody is let in or kept out by address.
    pub(super) by_address: bool,
}

struct OfSide<'a> {
    side: Side<'a>,
    main: Texts<'a>,
    classes: BTreeMap<&'a str, OfClass<'a>>,
}

/// What a class says, and what holds for it.
struct OfClass<'a> {
    object: &'a ObjectRef,
    own: Texts<'a>,
    all: Texts<'a>,
}

impl<'a> OfSide<'a> {
    fn new(side: Side<'a>) -> Self {
        let said = &side.translation.settings;
        let of = |object: &ObjectRef| said.get(object).map(texts).unwrap_or_default();
        let main = main_of(side).map(|object| of(&object)).unwrap_or_default();
        let of_class = |object| {
            let mut own = of(object);
            if has_rules_beside(side, object) {
                own.remove(POLICY_KEY);
            }
            let all = main.iter().chain(&own).map(|(key, value)| (*key, *value)).collect();
            OfClass { object, own, all }
        };
        let classes = side.translation.parameters.iter().map(|(class, object)| (&**class, of_class(object))).collect();
        Self { side, main, classes }
    }

    /// What holds for a class.
    fn of(&self, class: Option<&str>) -> &Texts<'a> {
        class.and_then(|class| self.classes.get(class)).map_or(&self.main, |class| &class.all)
    }

    /// The rules for those who write Ingresses of a class, as its parameters have them.
    fn rules(&self, class: &str) -> String {
        let parameters = self.classes.get(class).and_then(|class| self.side.snapshot.parameters_of(&class.object.name));
        parameters.and_then(|parameters| parameters.policy.as_ref()).map(ToString::to_string).unwrap_or_default()
    }
}

/// Whether the policy among the settings of an object stands beside them, and is told by itself.
fn has_rules_beside(side: Side<'_>, object: &ObjectRef) -> bool {
    let own = Some(object).filter(|object| object.kind == Kind::GatewrightParameters);
    let own = own.and_then(|object| side.snapshot.parameters_of(&object.name));
    own.is_some_and(|own| own.policy.is_some() && !own.settings.contains_key(POLICY_KEY))
}

impl<'a> Settings<'a> {
    pub(super) fn new(old: Side<'a>, new: Side<'a>) -> Self {
        let by_address = [old, new].iter().any(|side| asks_for_addresses(side.model()));
        Self { sides: [old, new].map(OfSide::new), by_address }
    }

    /// What holds for Ingresses of these classes, before and after.
    pub(super) fn of(&self, [old, new]: [Option<&str>; 2]) -> [&Texts<'a>; 2] {
        [self.sides[0].of(old), self.sides[1].of(new)]
    }

    /// Every setting that is another one.
    pub(super) fn changes(&self) -> Vec<Change> {
        let [old, new] = &self.sides;
        let main = main_of(new.side).or_else(|| main_of(old.side));
        let mains = [&old.main, &new.main];
        let mut changes = BTreeSet::from_iter(self.between(mains, mains, [main.as_ref(); 2], |_| false));
        let none = Texts::new();
        for class in old.classes.keys().chain(new.classes.keys()) {
            let [before, after] = [old, new].map(|side| side.classes.get(class));
            let own = [before, after].map(|of| of.map_or(&none, |of| &of.own));
            let by = [before, after].map(|of| of.map(|of| of.object));
            // A key that is an annotation is a default of that.
            changes.extend(self.between(own, self.of([Some(*class); 2]), by, |key| annotations::names().any(|name| name == key)));
            changes.extend(self.rules(class, by));
        }
        changes.into_iter().collect()
    }

    /// The differences in what is said that make one, by whom, and what they mean where so much holds.
    fn between(
        &self,
        said: [&Texts<'_>; 2],
        hold: [&Texts<'_>; 2],
        by: [Option<&ObjectRef>; 2],
        is_default: impl Fn(&str) -> bool,
    ) -> Vec<Change> {
        let none = Texts::new();
        let beside = Beside { own: [&none, &none], settings: hold, by_address: self.by_address };
        let value = |side: usize, name: &str| hold[side].get(name).copied().unwrap_or_default();
        let one = |(name, from, to): Difference| {
            let effect = openness::effect(Place::Setting, (&name, value(0, &name), value(1, &name)), &beside);
            told(Subject::Setting, Vec::new(), (&name, from.as_deref(), to.as_deref()), who(by, to.is_some()), effect)
        };
        let differences = differences(said[0], said[1]).into_iter();
        differences.filter(|(name, ..)| is_default(name) || self.matters(name, hold)).map(one).collect()
    }

    fn rules(&self, class: &str, by: [Option<&ObjectRef>; 2]) -> Option<Change> {
        let (none, [from, to]) = (Texts::new(), [&self.sides[0], &self.sides[1]].map(|side| side.rules(class)));
        let beside = Beside { own: [&none, &none], settings: [&none, &none], by_address: self.by_address };
        let effect = openness::effect(Place::Setting, (POLICY_KEY, &from, &to), &beside);
        let texts = [&from, &to].map(|text| Some(&**text).filter(|text| !text.is_empty()));
        (from != to).then(|| told(Subject::Setting, Vec::new(), ("policy", texts[0], texts[1]), who(by, texts[1].is_some()), effect))
    }

    /// Whether it makes a difference that a key has another value, beside what else is said before or after.
    fn matters(&self, name: &str, hold: [&Texts<'_>; 2]) -> bool {
        let with = |side: usize, value: Option<&str>| {
            let mut data: BTreeMap<String, String> =
                hold[side].iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            data.remove(name);
            data.extend(value.map(|value| (name.to_owned(), value.to_owned())));
            let (config, problems) = settings::read(self.sides[side].side.settings, &data);
            (config, problems.iter().any(|problem| problem.key == name && problem.kind.closes()))
        };
        let values = [0, 1].map(|side| hold[side].get(name).copied());
        [0, 1].iter().any(|side| {
            let [(before, was_closed), (after, is_closed)] = values.map(|value| with(*side, value));
            before != after || was_closed || is_closed
        })
    }

    /// What holds for the proxy as a whole, and is another by something else than the settings that are told.
    pub(super) fn behind(&self, of_settings: &[Change]) -> Vec<Change> {
        let (mut found, mut configured) = (Vec::new(), Vec::new());
        let [old, new] = [&self.sides[0], &self.sides[1]].map(|side| side.side.translation);
        parts::of_globals(&old.model.globals, &new.model.globals, &mut found);
        parts::of_globals(&old.configured, &new.configured, &mut configured);
        let is_told = |part: &parts::Part| of_settings.iter().any(|change| part.is_told_by(&change.name));
        let untold = found.into_iter().filter(|part| !configured.contains(part) && !is_told(part));
        untold.map(|part| another(Subject::Setting, Vec::new(), part, None)).collect()
    }
}

/// The main ConfigMap.
fn main_of(side: Side<'_>) -> Option<ObjectRef> {
    side.settings.config_map.as_ref().map(|name| ObjectRef::new(Kind::ConfigMap, name.clone()))
}

/// Who says what is, or, if nothing is, said what was.
fn who([old, new]: [Option<&ObjectRef>; 2], is_said: bool) -> Option<ObjectRef> {
    if is_said { new.or(old) } else { old.or(new) }.cloned()
}

fn asks_for_addresses(model: &Model) -> bool {
    let mut routes = model.hosts.values().flat_map(|host| &host.routes);
    !model.globals.blocking.addresses.is_empty() || routes.any(|route| route.policy.sources.is_some() || route.policy.limits.is_some())
}

fn texts(map: &BTreeMap<String, String>) -> Texts<'_> {
    map.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}
