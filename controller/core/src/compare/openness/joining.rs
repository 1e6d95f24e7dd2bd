//! `satisfy: any`: of several protections one suffices, so that one more lets more in, and one less fewer.

use super::{Beside, Effect, Place, Texts};
use crate::translate::annotations::snippet_keeps_out;

/// The annotations whose protections are joined, each group a protection, and the settings that stand for them.
const JOINED: [(&[&str], &str); 3] = [
    (&["auth-type"], ""),
    (&["auth-url"], "global-auth-url"),
    (&["allowlist-source-range", "whitelist-source-range"], "whitelist-source-range"),
];

const SNIPPETS: [&str; 2] = ["configuration-snippet", "server-snippet"];

/// What another value means, where it would mean this if all protections had to be satisfied.
pub(super) fn corrected(place: Place, (name, from, to): (&str, &str, &str), alone: Option<Effect>, beside: &Beside<'_>) -> Option<Effect> {
    if place == Place::Setting {
        return alone;
    }
    if name == "satisfy" {
        let is_shared = [0, 1].iter().any(|side| protections(beside, *side, None) > 1);
        return alone.filter(|_| is_shared);
    }
    let is_joined = |side: usize| suffices_one(beside.own[side]) && protections(beside, side, Some(name)) > 0;
    match (from.is_empty(), to.is_empty()) {
        // Whoever is not denied needs nothing else.
        _ if name == "denylist-source-range" && (is_joined(0) || is_joined(1)) => alone.map(|_| Effect::Unclear),
        _ if !JOINED.iter().any(|(names, _)| names.contains(&name)) => alone,
        (true, false) if is_joined(1) => alone.map(|_| Effect::Opens),
        (false, true) if is_joined(0) => alone.map(|_| Effect::Closes),
        _ => alone,
    }
}

fn suffices_one(own: &Texts<'_>) -> bool {
    own.get("satisfy").is_some_and(|value| value.trim() == "any")
}

/// How many protections there are on a side, but for that of a name.
fn protections(beside: &Beside<'_>, side: usize, without: Option<&str>) -> usize {
    let (own, settings) = (beside.own[side], beside.settings[side]);
    let is_said = |texts: &Texts<'_>, name: &str| texts.get(name).is_some_and(|value| !value.is_empty());
    let is_global = |setting: &str| {
        let is_off = setting == "global-auth-url" && own.get("enable-global-auth").is_some_and(|value| *value == "false");
        is_said(settings, setting) && !is_off
    };
    let others = JOINED.iter().filter(|(names, _)| !without.is_some_and(|name| names.contains(&name)));
    let said = others.filter(|(names, setting)| names.iter().any(|name| is_said(own, name)) || is_global(setting)).count();
    let snippets = SNIPPETS.iter().filter(|name| own.get(**name).is_some_and(|text| snippet_keeps_out(text))).count();
    said + snippets
}
