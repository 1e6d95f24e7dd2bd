//! Annotations of ingress-nginx that have no feature of their own here: what is done about each.
//!
//! A protection that cannot be given closes the route; everything else is said and served without.

use super::{Given, Policies, Risk, Tier, key, printable, unknown};
use crate::diagnostic::{Code, Diagnostic};
use crate::names::{ObjectRef, shown};

/// What is done about an annotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// It asks for a protection, unless it clearly asks for none.
    Switch,
    /// Rules of a firewall, which ask for a protection if they block anything. Their risk is above the default level.
    Rules,
    /// Nothing is lost but what the annotation adds.
    Told,
}

use Way::{Rules, Switch, Told};

/// Values that ask for none.
const OFF: &[&str] = &["", "0", "f", "F", "false", "False", "FALSE"];

/// By name. Whoever adds a feature takes its names out.
#[rustfmt::skip]
const WAYS: &[(&str, Way, Tier)] = &[
    ("enable-modsecurity", Switch, Tier::B),
    // Without the firewall it does nothing, and with it that closes already.
    ("enable-owasp-core-rules", Told, Tier::C),
    ("modsecurity-snippet", Rules, Tier::C),
    ("modsecurity-transaction-id", Told, Tier::C),
];

/// The names that this file answers for.
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    WAYS.iter().map(|(name, ..)| *name)
}

/// Each name, and what is done about it.
pub(super) fn described() -> impl Iterator<Item = (&'static str, String)> {
    WAYS.iter().map(|(name, way, _)| {
        let what = match way {
            Switch => "unless it is `false`, the routes of the Ingress answer 503".to_owned(),
            Rules => "the Ingress is left out; where `annotations-risk-level` allows it, rules that block close its routes".to_owned(),
            Told => "the route is served without".to_owned(),
        };
        (*name, what)
    })
}

/// What is done about a name of this file, and whether that closes something.
pub(super) fn verdict(name: &str) -> Option<(bool, String)> {
    let (_, way, _) = WAYS.iter().find(|(own, ..)| *own == name)?;
    let (_, what) = described().find(|(own, _)| *own == name)?;
    Some((*way != Told, what))
}

/// How widely a name of this file is used.
pub(super) fn tier(name: &str) -> Option<Tier> {
    WAYS.iter().find(|(own, ..)| *own == name).map(|(.., tier)| *tier)
}

fn way_of(name: &str) -> Option<Way> {
    WAYS.iter().find(|(own, ..)| *own == name).map(|(_, way, _)| *way)
}

/// Whether a name of this file asks for a protection.
pub(super) fn protects(name: &str) -> bool {
    verdict(name).is_some_and(|(closes, _)| closes)
}

/// Whether it asks for one that requests have to get through.
pub(super) fn guards(name: &str, value: &str) -> bool {
    match way_of(name) {
        Some(Switch) => is_on(value),
        Some(Rules) => blocks(value),
        Some(Told) | None => false,
    }
}

fn is_on(value: &str) -> bool {
    !OFF.contains(&value.trim())
}

/// Those that are riskier than others.
pub(super) fn risky() -> impl Iterator<Item = (&'static str, Risk)> {
    WAYS.iter().filter(|(_, way, _)| *way == Rules).map(|(name, ..)| (*name, Risk::Critical))
}

/// Whether rules do more than write a log.
fn blocks(rules: &str) -> bool {
    let mut words = rules.split_ascii_whitespace();
    words.any(|word| word.eq_ignore_ascii_case("SecRuleEngine")) && words.next().is_some_and(|word| word.eq_ignore_ascii_case("On"))
}

/// Says each of them on the Ingress.
pub(super) fn read(given: &Given<'_>, policies: &mut Policies, object: &ObjectRef, diagnostics: &mut Vec<Diagnostic>) {
    for (name, value) in given.iter() {
        let finding = |code, message: String| Diagnostic::new(code, object.clone(), given.field(printable(name)), message);
        match way_of(name) {
            Some(Switch) if is_on(value) => {
                policies.closed = true;
                let message = format!("{name} {} asks for a protection that is not supported", shown(value));
                diagnostics.push(finding(Code::UnsupportedProtection, message).help("remove it to serve the route without"));
            }
            // That is told with all others.
            Some(_) if value.trim().is_empty() => {}
            Some(Switch) => policies.lost.firewall = false,
            Some(Rules) if blocks(value) => {
                policies.closed = true;
                let message = format!("{name} has rules that block requests, which is not supported");
                diagnostics.push(finding(Code::UnsupportedProtection, message).help("remove it to serve the route without"));
            }
            Some(Told | Rules) => {
                let message = format!("{name} {} is not supported; the route is served without", shown(value));
                diagnostics.push(finding(Code::UnsupportedAnnotation, message).help("remove it"));
            }
            None if key(name).is_some() => {}
            None => {
                let message = format!("nothing is known of an annotation {}, so it does nothing", shown(name));
                diagnostics.push(finding(Code::UnknownAnnotation, message).help(unknown::help(name)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{read_configured, read_with, snapshot};
    use crate::settings::Settings;

    fn closed(annotations: &[(&str, &str)]) -> Option<bool> {
        read_with(&Settings::default(), annotations).0.map(|policies| policies.closed)
    }

    #[test]
    fn a_protection_closes_when_it_is_asked_for() {
        assert_eq!(closed(&[("enable-modsecurity", "true")]), Some(true));
        assert_eq!(closed(&[("enable-modsecurity", "yes")]), Some(true), "whoever writes that wants to be protected");
        assert_eq!(closed(&[("enable-modsecurity", "false")]), Some(false));
        assert_eq!(closed(&[("enable-owasp-core-rules", "true")]), Some(false), "it is nothing without the firewall");
    }

    #[test]
    fn rules_are_too_risky_and_close_where_they_are_allowed_and_block() {
        assert_eq!(closed(&[("modsecurity-snippet", "SecRuleEngine On")]), None);
        let level = [("annotations-risk-level", "Critical")];
        let read = |rules| read_configured(&Settings::default(), &level, &snapshot(&[]), &[("modsecurity-snippet", rules)]);
        assert!(read("SecRuleEngine On").0.is_some_and(|policies| policies.closed));
        let (policies, said) = read("SecRuleEngine DetectionOnly");
        assert!(policies.is_some_and(|policies| !policies.closed) && said.len() == 1);
    }

    #[test]
    fn a_huge_annotation_that_nobody_knows_costs_nothing() {
        let huge = "x".repeat(1 << 20);
        let (policies, said) = read_with(&Settings::default(), &[("nobody-knows", &huge)]);
        assert!(policies.is_some_and(|policies| !policies.closed));
        assert_eq!(said, ["nothing is known of an annotation \"nobody-knows\", so it does nothing (served)"]);
        assert_eq!(closed(&[("modsecurity-transaction-id", &huge)]), Some(false), "a known one is said as such");
    }
}
