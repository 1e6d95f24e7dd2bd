//! `location`: answers for some paths. In the snippet of a host they are given before the paths of rules are looked at, in that
//! of an Ingress for paths of its routes, before all else that it says.

use super::reader::Directive;
use super::sources::sources;
use super::{Meaning, answers};
use crate::model::{AnswerHeader, Condition, Expires, SourceRanges, Test};
use crate::names::{TextRegex, UriPath, VariableText, shown};
use std::cmp::Reverse;
use std::collections::BTreeMap;

const INSIDE: &str = "only return, a redirect by rewrite, allow, deny, headers, expires, default_type and access_log off are accepted inside; \
                      write a rule of an Ingress with this path to ask a Service";
/// The same of one with a name.
const INSIDE_NAMED: &str = "only return is accepted inside of a location with a name; use custom-http-errors with default-backend to let a \
                            Service answer in place of errors";

/// What stands inside.
#[derive(Default)]
struct Inside<'d> {
    answer: Option<Vec<&'d str>>,
    /// A redirect of paths that an expression fits.
    redirect: Option<Vec<&'d str>>,
    /// Who may ask.
    rules: Vec<&'d Directive>,
    unlogged: bool,
    headers: Vec<Directive>,
    /// When the answer becomes stale.
    expires: Option<Expires>,
}

/// What a location with a name answers: a status, and a text or URL.
pub(super) type Named = BTreeMap<String, (String, String)>;

/// The locations with names, as far as they can be read.
pub(super) fn named(directives: &[Directive]) -> Named {
    let locations = directives.iter().filter(|directive| directive.name == "location");
    locations.filter_map(|location| answer_of(location.arguments.first()?, location.block.as_deref()?)).collect()
}

/// The answer of a location with a name; `None`: it is none, or says something else.
fn answer_of(name: &str, block: &[Directive]) -> Option<(String, (String, String))> {
    let [Directive { name: only, arguments, block: None, .. }] = block else { return None };
    let answer = match &arguments[..] {
        [url] if answers::begins_url(url) => ("302", url.as_str()),
        [status] => (status.as_str(), ""),
        [status, text] => (status.as_str(), text.as_str()),
        _ => return None,
    };
    let is_one = name.starts_with('@') && only == "return";
    is_one.then(|| (name.to_owned(), (answer.0.to_owned(), answer.1.to_owned())))
}

impl Meaning {
    /// `location`, with what is answered there.
    pub(super) fn location(&mut self, words: &[&str], block: &[Directive]) -> Result<(), String> {
        if let [name] = words
            && name.starts_with('@')
        {
            // Nobody comes to it whom no error leads there.
            self.has_locations = true;
            return answer_of(name, block).map(|_| ()).ok_or_else(|| INSIDE_NAMED.to_owned());
        }
        let when = condition(words)?;
        let Inside { answer, redirect, rules, unlogged, headers, expires } = self.inside(words, block)?;
        let first = self.extra.answers.len();
        if let Some(redirect) = redirect {
            if answer.is_some() || !rules.is_empty() || unlogged || !headers.is_empty() || expires.is_some() {
                return Err("nothing else stands beside a redirect by rewrite; use return in place of it".to_owned());
            }
            self.has_locations = true;
            answers::rewrite(self, Some(when.clone()), &redirect)?;
            // What it does not fit is looked for among files, of which there are none.
            return answers::in_location(self, when, &["404"], (Vec::new(), None));
        }
        let headers = self.headers_inside(&headers)?.ok_or(INSIDE)?;
        self.has_locations = true;
        if let Some(given) = answer {
            // It is given before anybody is asked who they are.
            if keeps_out(&rules) && !matches!(given[..], [status, ..] if status.starts_with(['4', '5'])) {
                return Err("return answers before anybody is denied, so whom it denies, and an answer that lets in, exclude each other; answer with 403".to_owned());
            }
            answers::in_location(self, when, &given, (headers, expires))?;
        } else if rules.is_empty() && !words[0].starts_with(['=', '~']) && !self.is_of_routes {
            // A longer path of a rule would answer in its place, perhaps of another Ingress.
            return Err(INSIDE.to_owned());
        } else {
            self.without_files(when, block, &rules, headers)?;
        }
        self.extra.answers.iter_mut().skip(first).filter(|_| unlogged).for_each(|answer| answer.unlogged = true);
        Ok(())
    }

    /// What is answered where files would be looked for, of which there are none.
    fn without_files(
        &mut self,
        when: Condition,
        block: &[Directive],
        rules: &[&Directive],
        headers: Vec<AnswerHeader>,
    ) -> Result<(), String> {
        const NO_FILES: &str = "whoever may ask for this path is answered 404, for there are no files";
        let sources = who_may_ask(rules)?;
        if sources.as_ref().is_some_and(|sources| sources.denied == SourceRanges::everybody()) {
            return answers::in_location(self, when, &["403"], (headers, None));
        }
        let first = block.first().ok_or(INSIDE)?;
        let lets_in = rules.iter().find(|rule| rule.name == "allow").copied().unwrap_or(first);
        self.remarks.push(lets_in.wrong(NO_FILES));
        if let Some(sources) = sources {
            answers::refused_in_location(self, &when, &sources)?;
        }
        answers::in_location(self, when, &["404"], (headers, None))
    }

    fn inside<'d>(&mut self, location: &[&str], block: &'d [Directive]) -> Result<Inside<'d>, String> {
        let mut inside = Inside::default();
        for directive in block {
            let words: Vec<&str> = directive.arguments.iter().map(String::as_str).collect();
            match (directive.name.as_str(), words.as_slice()) {
                _ if directive.block.is_some() => return Err(directive.wrong(INSIDE)),
                (name, [to]) if name.ends_with("_pass") => {
                    let path = shown(location.last().copied().unwrap_or_default());
                    let why = "the rules of Ingresses say who is asked, and what protects the path; write a rule of an Ingress";
                    return Err(directive.wrong(&format!("{why} for {path}, with the Service of {} as its backend", shown(to))));
                }
                ("return", _) if inside.answer.is_none() => inside.answer = Some(words),
                ("rewrite", [_, _, "permanent" | "redirect"]) if inside.redirect.is_none() => inside.redirect = Some(words),
                ("allow" | "deny", [_]) => inside.rules.push(directive),
                ("access_log", ["off"]) => inside.unlogged = true,
                ("expires", _) => inside.expires = Some(answers::age_of(directive)?),
                // What is answered here is never looked for, and nobody is asked who they are.
                ("log_not_found" | "auth_basic" | "auth_request", ["off"]) => {}
                ("default_type", [kind]) => self.type_of_answers(kind)?,
                ("add_header", [name, kind, ..]) if name.eq_ignore_ascii_case("content-type") => self.type_of_answers(kind)?,
                ("add_header" | "more_set_headers", _) => inside.headers.push(directive.clone()),
                _ => return Err(directive.wrong(INSIDE)),
            }
        }
        Ok(inside)
    }
}

/// Whether somebody may not ask.
fn keeps_out(rules: &[&Directive]) -> bool {
    rules.iter().any(|rule| rule.name == "deny" || rule.arguments.iter().any(|range| range != "all"))
}

/// `allow` and `deny` together; `None`: everybody may ask.
fn who_may_ask(rules: &[&Directive]) -> Result<Option<SourceRanges>, String> {
    let mut asked = Meaning::default();
    for rule in rules {
        let range = rule.arguments.first().map(String::as_str).unwrap_or_default();
        asked.rule(rule.name == "allow", range).map_err(|why| rule.wrong(&why))?;
    }
    sources(&asked.rules).map_err(|(number, why)| rules.get(number).map_or_else(|| why.clone(), |rule| rule.wrong(&why)))
}

/// Which paths a location is for.
enum Pattern<'d> {
    /// `=`: this one.
    Exact(&'d str),
    /// Those that begin so; `^~`: expressions are not asked where it is the longest of its kind.
    Prefix { path: &'d str, is_firm: bool },
    /// `~` and `~*`.
    Expression { text: &'d str, ignoring_case: bool },
}

impl<'d> Pattern<'d> {
    fn of(words: &[&'d str]) -> Result<Self, String> {
        Ok(match *words {
            ["=", path] => Self::Exact(path),
            ["^~", path] => Self::Prefix { path, is_firm: true },
            ["~", text] => Self::Expression { text, ignoring_case: false },
            ["~*", text] => Self::Expression { text, ignoring_case: true },
            [path] if path.starts_with("=/") => Self::Exact(&path[1..]),
            [path] => Self::Prefix { path, is_firm: false },
            [] => {
                return Err(
                    "there is no path that it is for; write one behind it, with =, ~, ~* or ^~ in front if that is meant".to_owned()
                );
            }
            _ => return Err("it takes a path, with none or one of =, ~, ~* and ^~ in front".to_owned()),
        })
    }

    /// Its place among others: what is the same stays in the order in which it is written.
    const fn rank(&self, has_expressions: bool) -> (u8, Reverse<usize>) {
        match *self {
            Self::Exact(_) => (0, Reverse(0)),
            Self::Prefix { path, is_firm } if is_firm && has_expressions => (1, Reverse(path.len())),
            Self::Expression { .. } => (2, Reverse(0)),
            Self::Prefix { path, .. } => (3, Reverse(path.len())),
        }
    }

    /// Whether the path of a longer prefix goes before this one, and expressions before that.
    fn yields_to(&self, other: &Self) -> bool {
        let (Self::Prefix { path, is_firm: true }, Self::Prefix { path: longer, is_firm: false }) = (self, other) else { return false };
        longer.len() > path.len() && longer.starts_with(path)
    }
}

/// The directives in the order in which nginx looks at them, where the first answer holds: those of the server, then the
/// location of the very path, the longest prefix if it is one with `^~`, expressions, and the longest other prefix.
///
/// `within`: of the routes of an Ingress nothing else is looked at where one of their locations fits.
pub(super) fn in_order(directives: &[Directive], within: bool) -> Result<Vec<&Directive>, String> {
    let (locations, rest): (Vec<&Directive>, Vec<_>) = directives.iter().partition(|directive| directive.name == "location");
    let mut patterns = Vec::new();
    for location in locations {
        let words: Vec<&str> = location.arguments.iter().map(String::as_str).collect();
        patterns.push((Pattern::of(&words).map_err(|why| location.wrong(&why))?, location));
    }
    let has_expressions = patterns.iter().any(|(pattern, _)| matches!(pattern, Pattern::Expression { .. }));
    let beaten = |(pattern, _): &&(Pattern<'_>, _)| patterns.iter().any(|(other, _)| pattern.yields_to(other));
    if let Some((_, location)) = patterns.iter().find(beaten).filter(|_| has_expressions) {
        return Err(location.wrong("a longer path without ^~ goes before it, and expressions before that; write ^~ for both"));
    }
    patterns.sort_by_key(|(pattern, _)| pattern.rank(has_expressions));
    let locations = patterns.into_iter().map(|(_, location)| location);
    Ok(if within { locations.chain(rest).collect() } else { rest.into_iter().chain(locations).collect() })
}

/// The paths of a location. They are compared as nginx does it: `=` with all of the path, no sign with its beginning.
fn condition(words: &[&str]) -> Result<Condition, String> {
    let (expression, ignoring_case) = match Pattern::of(words)? {
        Pattern::Exact(path) => (format!("^{}$", literal(path)?), false),
        Pattern::Prefix { path, .. } => (beginning(path)?, false),
        Pattern::Expression { text, ignoring_case } => (text.to_owned(), ignoring_case),
    };
    let expression = TextRegex::new(&expression).map_err(|bad| bad.0)?;
    let variable = VariableText::parse("$uri").map_err(|bad| bad.0)?;
    Ok(Condition { variable, test: Test::Matches { expression, ignoring_case }, negated: false })
}

fn beginning(path: &str) -> Result<String, String> {
    if path == "/" {
        return Err("the rules of Ingresses say what is done below /".to_owned());
    }
    Ok(format!("^{}", literal(path)?))
}

/// A path as an expression.
fn literal(path: &str) -> Result<String, String> {
    let path = UriPath::new(path).map_err(|bad| format!("{}: {}", shown(path), bad.0))?;
    let escape = |c: char| (c.is_ascii_punctuation() && !"/-_".contains(c)).then_some('\\');
    Ok(path.as_str().chars().flat_map(|c| escape(c).into_iter().chain([c])).collect())
}
