//! Which path of a host is of which Ingress, and what each takes: `ingress-semantics` 4.2, 4.3, 7.

use super::Builder;
use super::expressions::Expressions;
use super::missed::Missed;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::PathMatch;
use crate::names::{HostPattern, RouteRegex, RulePath, shown};
use crate::translate::paths::{self, Pattern};
use crate::translate::reading::{PathKind, PathReading, Reading};
use std::collections::HashMap;

/// What would do where a path is taken.
const OTHER_PATH: &str = "remove it, or use another path or host";

/// A path and the Ingress that it is of.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) reading: &'a Reading,
    pub(super) path: &'a PathReading,
}

/// What a path takes.
pub(super) type Matched<'a> = (Entry<'a>, Vec<PathMatch>);

impl<'a> Entry<'a> {
    pub(super) fn namespace(&self) -> &'a str {
        self.reading.origin.name.namespace()
    }

    /// Whether its own Ingress asks for expressions.
    fn asks_for_regex(&self) -> bool {
        self.reading.policies.use_regex || self.reading.policies.rewrite_target.is_some()
    }

    /// Whether it is meant as it is written, and has characters that mean something else in an expression.
    fn means_more_than_itself(&self) -> bool {
        !self.asks_for_regex() && self.path.literal.is_ok() && self.path.text.as_str().contains(['+', '*', '$', '(', ')'])
    }

    /// Says that no request comes to the path, if so: requests for it are compared as something else, and what protects
    /// the path protects nothing. An expression may mean more than it says.
    fn unreached(&self, is_expression: bool) -> Option<Diagnostic> {
        let text = self.path.text.as_str();
        if is_expression && looks_like_expression(text) {
            return None;
        }
        let (why, help) = if text.contains("//") {
            ("repeated slashes of a request are merged before paths are compared", "write one slash")
        } else if has_escape(text) {
            ("requests are decoded before paths are compared", "write the character itself in place of its percent escape")
        } else {
            return None;
        };
        let message = format!("path {} is never reached: {why}", shown(text));
        Some(Diagnostic::new(Code::NeverReached, self.reading.origin.clone(), self.path.field("path"), message).help(help))
    }
}

/// Whether a text has characters that mean something else in an expression.
fn looks_like_expression(text: &str) -> bool {
    text.contains(|c| "\\^$|?*+()[]{}".contains(c))
}

/// Whether a percent escape stands there that decoding takes away; `%25` stays a percent sign.
fn has_escape(text: &str) -> bool {
    text.match_indices('%').any(|(at, _)| {
        let digits = text.as_bytes().get(at + 1..at + 3);
        digits.is_some_and(|d| d.iter().all(u8::is_ascii_hexdigit) && d != b"00")
    })
}

impl<'a> Builder<'a> {
    /// The oldest Ingress that makes the paths of the host regular expressions, if one does: `ingress-semantics` 7; or one
    /// with an expression that keeps somebody out, whether it asks for expressions or not.
    pub(super) fn first_with_regex(&self) -> Option<&'a Reading> {
        self.claims.iter().chain(self.shut_here()).find_map(|claim| {
            let policies = &claim.reading.policies;
            let target = policies.rewrite_target.as_deref();
            let paths = || claim.rule().into_iter().flat_map(|rule| &rule.paths);
            let rewrites = target.is_some_and(|target| paths().any(|path| path.text.as_str() != target));
            // What keeps somebody out is no path, but an expression: without that, nobody would be kept out.
            let guards = || paths().any(|path| path.literal.is_err()) && self.keeps_out(&claim.reading);
            (policies.use_regex || rewrites || guards()).then_some(&*claim.reading)
        })
    }

    /// What each path takes as an expression; `missed` learns of those that take nothing, though they keep somebody out.
    ///
    /// Unless its own Ingress asks for expressions, one is compared as it is written, too, if that is something else.
    pub(super) fn expressions(
        &self,
        entries: Vec<Entry<'a>>,
        missed: &mut Missed<'a>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Vec<Matched<'a>> {
        let mut matched = Vec::new();
        self.say_changed(&entries, diagnostics);
        let by = self.first_with_regex().map_or_else(String::new, |by| format!(", by {}", by.origin));
        let expressions = Expressions::of(&entries);
        for entry in entries {
            diagnostics.extend(entry.unreached(true));
            let mut matches = expressions.matches(&entry, RouteRegex::new);
            if let Ok(matches) = &mut matches
                && entry.means_more_than_itself()
                && !matches.iter().filter_map(PathMatch::regex).all(RouteRegex::takes_its_own_text)
            {
                matches.extend(expressions.matches(&entry, RouteRegex::literal).unwrap_or_default());
            }
            if let Err(bad) = &matches {
                let message = format!("host {} takes paths as regular expressions{by}: {bad}", self.pattern);
                let finding = |code, message| Diagnostic::new(code, entry.reading.origin.clone(), entry.path.field("path"), message);
                let literal = if entry.asks_for_regex() || entry.path.literal.is_err() {
                    None
                } else {
                    expressions.matches(&entry, RouteRegex::literal).ok()
                };
                if let Some(literal) = literal {
                    let message = format!("{message}; it is compared as it is written, without case");
                    diagnostics.push(finding(Code::BecomesRegex, message).help("move the path to a host of its own if that is not meant"));
                    matches = Ok(literal);
                } else {
                    let finding = finding(Code::BadPath, message).help("write an expression, or move the path to a host of its own");
                    diagnostics.push(if self.keeps_out(entry.reading) {
                        missed.note(entry.namespace(), entry.path.text.as_str());
                        self.closing(finding, entry.namespace())
                    } else {
                        finding
                    });
                }
            }
            match matches {
                Ok(matches) if matches.is_empty() => diagnostics.push(self.lost(&entry)),
                Ok(matches) => matched.push((entry, matches)),
                Err(_) => {}
            }
        }
        self.few_slow(matched, missed, diagnostics)
    }

    /// Tells each Ingress that does not ask for expressions, once, whose paths are some all the same.
    fn say_changed(&self, entries: &[Entry<'a>], diagnostics: &mut Vec<Diagnostic>) {
        let Some(by) = self.first_with_regex() else { return };
        let mut said: Option<&Reading> = None;
        for entry @ Entry { reading, path } in entries {
            // All of it is taken in either way.
            let is_same = path.text.as_str() == "/" && path.kind == PathKind::Prefix;
            let is_said = said.is_some_and(|said| std::ptr::eq(said, *reading));
            if entry.asks_for_regex() || is_same || is_said {
                continue;
            }
            // One that could not be served otherwise says the most.
            let of_same = |other: &&Entry<'_>| std::ptr::eq(other.reading, *reading) && other.path.literal.is_err();
            if path.literal.is_ok() && entries.iter().any(|other| of_same(&other)) {
                continue;
            }
            said = Some(reading);
            let message = format!(
                "host {} takes paths as regular expressions, by {}: path {} takes whatever begins with what it matches, without case",
                self.pattern, by.origin, path.text
            );
            let finding = Diagnostic::new(Code::BecomesRegex, reading.origin.clone(), path.field("path"), message);
            let help = match path.literal {
                Ok(_) => "move one of them to a host of its own, unless that is meant",
                Err(_) => "set use-regex to \"true\" here too: without the other Ingress the path would not be served",
            };
            diagnostics.push(finding.help(help));
        }
    }

    /// What each path takes as a literal.
    pub(super) fn divided(&self, entries: Vec<Entry<'a>>, diagnostics: &mut Vec<Diagnostic>) -> Vec<Matched<'a>> {
        let (mut literal, mut patterns) = (Vec::new(), Vec::<Pattern<'_>>::new());
        for entry in entries {
            diagnostics.extend(entry.unreached(false));
            match &entry.path.literal {
                Ok(path) => {
                    patterns.push((path, entry.path.kind));
                    literal.push(entry);
                }
                Err(bad) => {
                    let finding = Diagnostic::new(Code::BadPath, entry.reading.origin.clone(), entry.path.field("path"), bad.0.clone());
                    let is_meant_so = looks_like_expression(entry.path.text.as_str());
                    let help = if is_meant_so { "set use-regex to \"true\" if it is meant as a regular expression" } else { "" };
                    diagnostics.push(finding.help(help));
                }
            }
        }
        let (taken, lost): (Vec<_>, Vec<_>) =
            literal.into_iter().zip(paths::divide(&patterns)).partition(|(_, matches)| !matches.is_empty());
        diagnostics.extend(lost.iter().map(|(entry, _)| self.lost(entry)));
        taken
    }

    /// Says that other paths take all that a path would.
    fn lost(&self, entry: &Entry<'_>) -> Diagnostic {
        let message =
            format!("host {} path {} is already served by other paths of the host; this path is ignored", self.pattern, entry.path.text);
        Diagnostic::new(Code::DuplicatePath, entry.reading.origin.clone(), entry.path.field("path"), message).help(OTHER_PATH)
    }

    /// The paths of all claims; of equal ones the first.
    pub(super) fn entries(&self, diagnostics: &mut Vec<Diagnostic>) -> Vec<Entry<'a>> {
        let mut owners: HashMap<(&RulePath, PathKind), &Reading> = HashMap::new();
        let mut entries = Vec::new();
        for claim in self.claims {
            let reading: &'a Reading = &claim.reading;
            for path in claim.rule().into_iter().flat_map(|rule| &rule.paths) {
                match owners.get(&(&path.text, path.kind)) {
                    None => {
                        owners.insert((&path.text, path.kind), reading);
                        entries.push(Entry { reading, path });
                    }
                    Some(owner) => diagnostics.push(self.duplicate(owner, reading, path)),
                }
            }
        }
        entries
    }

    fn duplicate(&self, owner: &Reading, reading: &Reading, path: &PathReading) -> Diagnostic {
        let by = if std::ptr::eq(owner, reading) { "an earlier path of this Ingress".to_owned() } else { owner.first_before(reading) };
        let message = format!("host {} path {} is already served by {by}; this path is ignored", self.pattern, path.text);
        Diagnostic::new(Code::DuplicatePath, reading.origin.clone(), path.field("path"), message).help(OTHER_PATH)
    }

    /// Whoever adds paths to a host that another namespace had first is told so, once.
    pub(super) fn say_shared(&self, diagnostics: &mut Vec<Diagnostic>) {
        let Some(first) = self.claims.first().filter(|_| *self.pattern != HostPattern::CatchAll) else { return };
        let owner = &first.reading.origin;
        let mut said: Option<&Reading> = None;
        for claim in self.claims {
            let reading: &Reading = &claim.reading;
            let foreign = reading.origin.name.namespace() != owner.name.namespace();
            let Some(path) = claim.rule().and_then(|rule| rule.paths.first()).filter(|_| foreign) else { continue };
            if said.replace(reading).is_none_or(|before| !std::ptr::eq(before, reading)) {
                let message = format!(
                    "host {} belongs to {} of another namespace; paths that it does not use are added",
                    self.pattern,
                    first.reading.first_before(reading)
                );
                let field = format!("spec.rules[{}].host", path.at.0);
                let finding = Diagnostic::new(Code::SharedHost, reading.origin.clone(), field, message);
                diagnostics.push(finding.help("use a host of your own, unless sharing is meant"));
            }
        }
    }

    /// Whoever has a default backend that answers for nothing of the host is told so, once: `ingress-semantics` 8.1.
    pub(super) fn say_unused_defaults(&self, diagnostics: &mut Vec<Diagnostic>) {
        let is_catch_all = *self.pattern == HostPattern::CatchAll;
        let Some(first) = self.claims.first().map(|claim| &claim.reading) else { return };
        let mut said: Option<&Reading> = None;
        for claim in self.claims.iter().filter(|claim| claim.rule().is_some()) {
            let reading: &Reading = &claim.reading;
            let is_said = said.is_some_and(|said| std::ptr::eq(said, reading));
            if reading.default_backend.is_none() || is_said || (!is_catch_all && std::ptr::eq(reading, &**first)) {
                continue;
            }
            said = Some(reading);
            let (message, help) = if is_catch_all {
                let message = "beside rules a default backend answers for their hosts, and one of them has none".to_owned();
                (message, "add a path / to the rule, or move the default backend to an Ingress without rules")
            } else {
                let message = format!(
                    "host {} was first of {}, so its other paths do not go to this default backend",
                    self.pattern,
                    first.first_before(reading)
                );
                (message, "add a path / to the rule, or the default backend to the other Ingress")
            };
            let finding = Diagnostic::new(Code::UnusedDefaultBackend, reading.origin.clone(), "spec.defaultBackend", message);
            diagnostics.push(finding.help(help));
        }
    }
}
