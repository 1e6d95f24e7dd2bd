//! Who goes to the canary of a route: a chain of maps, each asking the next one.

use super::maps::{MapsView, escaped, tag};
use crate::dialect::nginx::expression::Expression;
use crate::model::{Affinity, Backend, BackendId, Canary, CanaryHeader, CanaryHeaderTest, CanaryRules};
use crate::names::HostPattern;

/// Defines the variable that is `1` for requests of a host that go to the canary of `primary`.
pub(super) fn flag(host: &HostPattern, primary: &Backend, canary: &Canary, maps: &mut MapsView) -> Expression {
    let name =
        format!("canary_{}", tag(&[&host.to_string(), primary.id.as_str(), canary.backend.as_str(), &format!("{:?}", canary.rules)]));
    let rules = &canary.rules;
    let mut next = chance(&name, rules, maps);
    if let Some(cookie) = &rules.cookie {
        let value = maps.cookie(cookie);
        next = link(&format!("{name}_cookie"), value, next, words(), maps);
    }
    if let Some(header) = &rules.header {
        next = by_header(&format!("{name}_header"), header, next, maps);
    }
    if let Some(affinity) = &primary.policy.affinity {
        let value = maps.cookie(&affinity.cookie);
        next = link(&format!("{name}_session"), value, next, sessions(&primary.id, canary), maps);
    }
    maps.map(&name, Expression::literal(""), next, Vec::new());
    Expression::variable(&name)
}

fn yes() -> Expression {
    Expression::literal("1")
}

fn no() -> Expression {
    Expression::literal("")
}

fn link(name: &str, source: Expression, next: Expression, entries: Vec<(String, Expression)>, maps: &mut MapsView) -> Expression {
    maps.map(name, source, next, entries);
    Expression::variable(name)
}

/// As many requests as the weight says, whoever sends them.
fn chance(name: &str, rules: &CanaryRules, maps: &mut MapsView) -> Expression {
    let total = rules.total.max(1);
    match rules.weight {
        0 => no(),
        weight if weight >= total => yes(),
        weight => {
            // nginx divides by steps of a hundredth of a percent.
            let share = u64::try_from(u128::from(weight) * 10_000 / u128::from(total)).unwrap_or(0).clamp(1, 9_999);
            let name = format!("{name}_chance");
            maps.split(&name, Expression::variable("request_id"), vec![(share, yes())], no());
            Expression::variable(&name)
        }
    }
}

fn words() -> Vec<(String, Expression)> {
    vec![("~^always\\z".to_owned(), yes()), ("~^never\\z".to_owned(), no())]
}

fn by_header(name: &str, header: &CanaryHeader, next: Expression, maps: &mut MapsView) -> Expression {
    let source = Expression::variable(&format!("http_{}", header.name.lower_case().replace('-', "_")));
    let absent = |next: &Expression| (String::new(), next.clone());
    match &header.test {
        CanaryHeaderTest::Words => link(name, source, next, words(), maps),
        CanaryHeaderTest::Value(value) => link(name, source, next, vec![(format!("~^{}\\z", escaped(value)), yes())], maps),
        CanaryHeaderTest::Pattern(pattern) => {
            let entries = vec![absent(&next), (format!("~{}", pattern.bounded()), yes())];
            link(name, source, next, entries, maps)
        }
        CanaryHeaderTest::Never => {
            let entries = vec![absent(&next)];
            link(name, source, no(), entries, maps)
        }
    }
}

/// Which backend a client has a session with.
fn sessions(primary: &BackendId, canary: &Canary) -> Vec<(String, Expression)> {
    let of = |id: &BackendId, side| (format!("~[|]{}\\z", Affinity::backend_key(id)), side);
    let mut entries = vec![of(primary, no())];
    if canary.rules.is_sticky {
        entries.push(of(&canary.backend, yes()));
    }
    entries
}
