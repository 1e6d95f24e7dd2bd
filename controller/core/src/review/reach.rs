//! Routes of expressions that no request reaches, because an earlier one takes all that they match.
//!
//! Only what is certain is said. Whatever an expression matches begins with the characters that stand at its begin. An
//! earlier expression that looks neither ahead nor for the end, and that matches these characters or the first of them,
//! therefore takes every request of the later one.

use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Host, Model, PathMatch, Route};
use crate::names::{HostPattern, Kind, ObjectName, RouteRegex, literal_begin};
use crate::state::Ingress;
use regex::{Regex, RegexBuilder};
use std::collections::HashMap;
use std::sync::Arc;

/// Expressions of one host that later ones are compared with.
const MOST: usize = 500;

/// The routes that no request reaches.
pub(super) fn unreached(model: &Model, served: &[Arc<Ingress>]) -> Vec<Diagnostic> {
    let ingresses: HashMap<&ObjectName, &Ingress> = served.iter().map(|ingress| (&ingress.meta.name, &**ingress)).collect();
    model.hosts.values().flat_map(|host| of_host(host, &ingresses)).collect()
}

/// An expression that takes whatever begins as it does.
struct ShadowingRegex<'m> {
    expression: Regex,
    route: &'m Route,
}

fn of_host(host: &Host, ingresses: &HashMap<&ObjectName, &Ingress>) -> Vec<Diagnostic> {
    let (mut shadowing, mut findings) = (Vec::<ShadowingRegex<'_>>::new(), Vec::new());
    let mut reached: Vec<&Route> = Vec::new();
    let expression = |one: &PathMatch| if let PathMatch::Regex(expression) = one { Some(expression.clone()) } else { None };
    for (route, expression) in host.routes.iter().flat_map(|route| route.matches.iter().filter_map(expression).map(move |one| (route, one)))
    {
        let begin = begin(&expression);
        match shadowing.iter().find(|shadowing_regex| shadowing_regex.expression.is_match(&begin)) {
            Some(shadowing_regex) => {
                if !is_told_of_another(host, route, &reached) {
                    findings.extend(finding(host, route, shadowing_regex.route, ingresses));
                }
            }
            None => {
                reached.push(route);
                if shadowing.len() < MOST {
                    shadowing.extend(shadowing_regex(&expression).map(|expression| ShadowingRegex { expression, route }));
                }
            }
        }
    }
    findings
}

/// Whether another route of the same path is reached, or comes later and is told of: a prefix may be two expressions.
fn is_told_of_another(host: &Host, route: &Route, reached: &[&Route]) -> bool {
    let is_other = |other: &Route| other.rule_path == route.rule_path && other.origin == route.origin && other.matches != route.matches;
    let is_itself = |other: &Route| other.matches.iter().any(|one| one.text() == other.rule_path.as_str());
    reached.iter().any(|other| is_other(other))
        || (!is_itself(route) && host.routes.iter().any(|other| is_other(other) && is_itself(other)))
}

/// `None` for a route that no path of a rule asks for.
fn finding(host: &Host, route: &Route, by: &Route, ingresses: &HashMap<&ObjectName, &Ingress>) -> Option<Diagnostic> {
    let origin = route.origin.as_ref().filter(|origin| origin.kind == Kind::Ingress)?;
    let field = field(ingresses.get(&origin.name)?, &host.pattern, route.rule_path.as_str())?;
    let whose = by.origin.as_ref().map(|by| if by == origin { " of the same Ingress".to_owned() } else { format!(" of {by}") })?;
    let message = format!(
        "host {} path {} is never reached: path {}{whose} comes first, as expressions are tried by falling length, and takes all that it matches",
        host.pattern, route.rule_path, by.rule_path
    );
    let finding = Diagnostic::new(Code::NeverReached, origin.clone(), field, message);
    Some(finding.help("make the other expression match less, or shorter than this one"))
}

/// Where an Ingress has a path.
fn field(ingress: &Ingress, host: &HostPattern, path: &str) -> Option<String> {
    let rules = ingress.rules.iter().enumerate().filter_map(|(r, rule)| Some((r, rule.as_ref()?)));
    let mut rules = rules.filter(|(_, rule)| HostPattern::parse(&rule.host).is_ok_and(|own| own == *host));
    rules.find_map(|(r, rule)| {
        let is_it = |own: &Option<crate::state::Path>| own.as_ref().is_some_and(|own| written(own) == path);
        // Of equal ones the first is served.
        let p = rule.paths.as_ref()?.iter().position(is_it)?;
        Some(format!("spec.rules[{r}].http.paths[{p}].path"))
    })
}

fn written(path: &crate::state::Path) -> &str {
    path.path.as_deref().filter(|text| !text.is_empty()).unwrap_or("/")
}

/// The characters that everything begins with that an expression matches, as far as they are told by its text. Paths begin
/// with a slash.
fn begin(expression: &RouteRegex) -> String {
    if expression.alternatives().len() > 1 {
        return "/".to_owned();
    }
    let (mut begin, _) = literal_begin(expression.as_str());
    // Proxies compare others by their bytes.
    begin.truncate(begin.find(|c: char| !c.is_ascii()).unwrap_or(begin.len()));
    if begin.is_empty() { "/".to_owned() } else { begin }
}

/// The expression, to be compared with a begin; `None` for one that could look further than it takes, or is not certainly
/// read alike here.
fn shadowing_regex(expression: &RouteRegex) -> Option<Regex> {
    const MAX_BYTES: usize = 1 << 18;
    let text = expression.as_str();
    let outside = text.replace("[^", "[");
    let looks_further = outside.contains(['$', '^']) || text.contains("(?=") || text.contains("(?!") || text.contains("\\[");
    let is_plain_escape = |at: usize| text[at + 1..].starts_with(|c: char| c.is_ascii_punctuation() || "dswDSW".contains(c));
    let is_plain = text.is_ascii() && text.match_indices('\\').all(|(at, _)| text[..at].ends_with('\\') || is_plain_escape(at));
    if looks_further || !is_plain {
        return None;
    }
    RegexBuilder::new(&format!("^(?:{text})")).case_insensitive(true).size_limit(MAX_BYTES).build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the first one takes all that the second one matches, as far as that is certain.
    fn takes(first: &str, second: &str) -> bool {
        let of = |text: &str| RouteRegex::new(text).unwrap();
        shadowing_regex(&of(first)).is_some_and(|shadowing_regex| shadowing_regex.is_match(&begin(&of(second))))
    }

    #[test]
    fn what_takes_every_begin_takes_all() {
        for (first, second) in [
            ("/.*", "/a"),
            ("/(.*)", "/"),
            ("/a.*", "/A/b"),
            ("/a(/|.*)", "/ab"),
            ("/[^/]*", "/x"),
            ("/a\\.b.*", "/a\\.b"),
            ("/.*", "/a|/b"),
            ("/x?", "/(a|b)"),
            ("/a|/bb", "/ac"),
            ("/\\w", "/a+"),
        ] {
            assert!(takes(first, second), "{first} {second}");
        }
    }

    #[test]
    fn nothing_is_said_of_what_is_not_certain() {
        for (first, second) in [
            ("/.*$", "/a"),
            ("/(.*)$", "/a"),
            ("/aa", "/a"),
            ("/a.", "/a"),
            ("/a.+", "/ab?"),
            ("/ab", "/ab*"),
            ("/abc", "/ab|c"),
            ("/a(?!b)", "/ac"),
            ("/a(?=b)", "/ab"),
            ("/[a-c]+x", "/a"),
            ("/ä", "/ä"),
            ("/aa", "/a+"),
            ("/a{2}", "/a{1,3}"),
            ("/\\bx", "/x"),
        ] {
            let first_is_read = RouteRegex::new(first).is_ok();
            assert!(!first_is_read || !takes(first, second), "{first} {second}");
        }
    }
}
