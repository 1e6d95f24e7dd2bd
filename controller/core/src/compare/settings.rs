//! Settings of the main ConfigMap and of the parameters of classes: what they were and what they are.

use super::openness::{self, Beside, Place, Texts};
use super::policies::{another, differences};
use super::texts::told;
use super::{Change, Side, Subject, parts};
use crate::model::Model;
use crate::names::{Kind, ObjectRef};
use crate::settings::POLICY_KEY;
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
        let main = side.config_map.map(|name| of(&ObjectRef::new(Kind::ConfigMap, name.clone()))).unwrap_or_default();
        let of_class = |object| {
            let own = of(object);
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
        let main = new.side.config_map.or(old.side.config_map).map(|name| ObjectRef::new(Kind::ConfigMap, name.clone()));
        let mains = [&old.main, &new.main];
        let mut changes = BTreeSet::from_iter(self.between(mains, mains, [main.as_ref(); 2]));
        let none = Texts::new();
        for class in old.classes.keys().chain(new.classes.keys()) {
            let [before, after] = [old, new].map(|side| side.classes.get(class));
            let own = [before, after].map(|of| of.map_or(&none, |of| &of.own));
            let by = [before, after].map(|of| of.map(|of| of.object));
            changes.extend(self.between(own, self.of([Some(*class); 2]), by));
            changes.extend(self.rules(class, by));
        }
        changes.into_iter().collect()
    }

    /// The differences in what is said, by whom, and what they mean where so much holds.
    fn between(&self, said: [&Texts<'_>; 2], hold: [&Texts<'_>; 2], by: [Option<&ObjectRef>; 2]) -> Vec<Change> {
        let none = Texts::new();
        let beside = Beside { own: [&none, &none], settings: hold, by_address: self.by_address };
        let value = |side: usize, name: &str| hold[side].get(name).copied().unwrap_or_default();
        let one = |(name, from, to): (String, String, String)| {
            let effect = openness::effect(Place::Setting, (&name, value(0, &name), value(1, &name)), &beside);
            told(Subject::Setting, Vec::new(), (&name, &from, &to), who(by, &to), effect)
        };
        differences(said[0], said[1]).into_iter().map(one).collect()
    }

    fn rules(&self, class: &str, by: [Option<&ObjectRef>; 2]) -> Option<Change> {
        let (none, [from, to]) = (Texts::new(), [&self.sides[0], &self.sides[1]].map(|side| side.rules(class)));
        let beside = Beside { own: [&none, &none], settings: [&none, &none], by_address: self.by_address };
        let effect = openness::effect(Place::Setting, (POLICY_KEY, &from, &to), &beside);
        (from != to).then(|| told(Subject::Setting, Vec::new(), ("policy", &from, &to), who(by, &to), effect))
    }

    /// What holds for the proxy as a whole, and is another by something else than settings.
    pub(super) fn behind(&self) -> Vec<Change> {
        let (mut found, mut configured) = (Vec::new(), Vec::new());
        let [old, new] = [&self.sides[0], &self.sides[1]].map(|side| side.side.translation);
        parts::of_globals(&old.model.globals, &new.model.globals, &mut found);
        parts::of_globals(&old.configured, &new.configured, &mut configured);
        let untold = found.into_iter().filter(|part| !configured.contains(part));
        untold.map(|part| another(Subject::Setting, Vec::new(), part, None)).collect()
    }
}

/// Who says what is, or, if nothing is, said what was.
fn who([old, new]: [Option<&ObjectRef>; 2], to: &str) -> Option<ObjectRef> {
    if to.is_empty() { old.or(new) } else { new.or(old) }.cloned()
}

fn asks_for_addresses(model: &Model) -> bool {
    let mut routes = model.hosts.values().flat_map(|host| &host.routes);
    !model.globals.blocking.addresses.is_empty() || routes.any(|route| route.policy.sources.is_some() || route.policy.limits.is_some())
}

fn texts(map: &BTreeMap<String, String>) -> Texts<'_> {
    map.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}
