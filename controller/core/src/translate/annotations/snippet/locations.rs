//! `location` in the snippet of a host: answers for some paths, which are given before the paths of rules are looked at.

use super::reader::Directive;
use super::{Meaning, answers};
use crate::model::{Condition, Test};
use crate::names::{TextRegex, UriPath, VariableText, shown};
use std::cmp::Reverse;

const INSIDE: &str = "only return, a redirect by rewrite, deny all, headers, default_type and access_log off are accepted inside; a Service is asked by a rule of an Ingress";

/// What stands inside.
#[derive(Default)]
struct Inside<'d> {
    answer: Option<Vec<&'d str>>,
    /// A redirect of paths that an expression fits.
    redirect: Option<Vec<&'d str>>,
    denies: bool,
    /// It says of some addresses whether they may ask.
    asks: bool,
    /// It says that all may.
    lets_in: bool,
    unlogged: bool,
    headers: Vec<Directive>,
}

impl Meaning {
    /// `location`, with what is answered there.
    pub(super) fn location(&mut self, words: &[&str], block: &[Directive]) -> Result<(), String> {
        let when = condition(words)?;
        let Inside { answer, redirect, denies, asks, lets_in, unlogged, headers } = self.inside(block)?;
        if asks && answer.is_none() {
            return Err(INSIDE.to_owned());
        }
        // An answer is given before anybody is asked.
        let denies = denies || asks;
        if let Some(redirect) = redirect {
            if answer.is_some() || denies || unlogged || !headers.is_empty() {
                return Err("a rewrite stands alone".to_owned());
            }
            self.has_locations = true;
            answers::rewrite(self, Some(when.clone()), &redirect)?;
            // What it does not fit is looked for among files, of which there are none.
            return answers::in_location(self, when, &["404"], Vec::new());
        }
        if answer.is_none() && lets_in {
            self.without.push(("allow".to_owned(), "there are no files, so whoever asks for this path is answered 404"));
        }
        // Files are looked for where nothing is answered.
        let usual = if denies { Some("403") } else { lets_in.then_some("404") };
        let given = answer.or_else(|| usual.map(|status| vec![status])).ok_or(INSIDE)?;
        if denies && !matches!(given[..], [status, ..] if status.starts_with(['4', '5'])) {
            return Err("whom it denies, and an answer that lets in, exclude each other".to_owned());
        }
        let headers = self.headers_inside(&headers)?.ok_or(INSIDE)?;
        self.has_locations = true;
        answers::in_location(self, when, &given, headers)?;
        if let Some(answer) = self.extra.answers.last_mut().filter(|_| unlogged) {
            answer.unlogged = true;
        }
        Ok(())
    }

    fn inside<'d>(&mut self, block: &'d [Directive]) -> Result<Inside<'d>, String> {
        let mut inside = Inside::default();
        for directive in block {
            let words: Vec<&str> = directive.arguments.iter().map(String::as_str).collect();
            match (directive.name.as_str(), words.as_slice()) {
                _ if directive.block.is_some() => return Err(INSIDE.to_owned()),
                ("return", _) if inside.answer.is_none() => inside.answer = Some(words),
                ("rewrite", [_, _, "permanent" | "redirect"]) if inside.redirect.is_none() => inside.redirect = Some(words),
                ("deny", ["all"]) => inside.denies = true,
                ("allow", ["all"]) if !inside.asks => inside.lets_in = true,
                ("allow" | "deny", [_]) => inside.asks = true,
                ("access_log", ["off"]) => inside.unlogged = true,
                // What is answered here is never looked for, and nobody is asked who they are.
                ("log_not_found" | "auth_basic" | "auth_request", ["off"]) => {}
                ("default_type", [kind]) => self.type_of_answers(kind)?,
                ("add_header", [name, kind, ..]) if name.eq_ignore_ascii_case("content-type") => self.type_of_answers(kind)?,
                ("add_header" | "more_set_headers", _) => inside.headers.push(directive.clone()),
                _ => return Err(INSIDE.to_owned()),
            }
        }
        Ok(inside)
    }
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
            _ => return Err("it takes a path, with one of =, ~, ~* and ^~ in front".to_owned()),
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
pub(super) fn in_order(directives: &[Directive]) -> Result<Vec<&Directive>, String> {
    let (locations, mut ordered): (Vec<&Directive>, Vec<_>) = directives.iter().partition(|directive| directive.name == "location");
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
    ordered.extend(patterns.into_iter().map(|(_, location)| location));
    Ok(ordered)
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
