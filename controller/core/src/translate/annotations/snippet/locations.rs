//! `location` in the snippet of a host: answers for some paths, which are given before the paths of rules are looked at.

use super::reader::Directive;
use super::{Meaning, answers};
use crate::model::{Condition, Test};
use crate::names::{TextRegex, UriPath, VariableText, shown};

const INSIDE: &str =
    "only return, deny all, headers, default_type and access_log off are accepted inside; a Service is asked by a rule of an Ingress";

/// What stands inside.
#[derive(Default)]
struct Inside<'d> {
    answer: Option<Vec<&'d str>>,
    denies: bool,
    unlogged: bool,
    headers: Vec<Directive>,
}

impl Meaning {
    /// `location`, with what is answered there.
    pub(super) fn location(&mut self, words: &[&str], block: &[Directive]) -> Result<(), String> {
        let when = condition(words)?;
        let Inside { answer, denies, unlogged, headers } = self.inside(block)?;
        let given = answer.or_else(|| denies.then(|| vec!["403"])).ok_or(INSIDE)?;
        if denies && !matches!(given[..], [status, ..] if status.starts_with(['4', '5'])) {
            return Err("deny all and an answer that lets in exclude each other".to_owned());
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
                ("deny", ["all"]) => inside.denies = true,
                ("access_log", ["off"]) => inside.unlogged = true,
                // What is answered here is never looked for.
                ("log_not_found", ["off"]) => {}
                ("default_type", [kind]) => self.type_of_answers(kind)?,
                ("add_header", [name, kind, ..]) if name.eq_ignore_ascii_case("content-type") => self.type_of_answers(kind)?,
                ("add_header" | "more_set_headers", _) => inside.headers.push(directive.clone()),
                _ => return Err(INSIDE.to_owned()),
            }
        }
        Ok(inside)
    }
}

/// The paths of a location. They are compared as nginx does it: `=` with all of the path, no sign with its beginning.
fn condition(words: &[&str]) -> Result<Condition, String> {
    let (expression, ignoring_case) = match words {
        ["=", path] => (format!("^{}$", literal(path)?), false),
        ["^~", path] => (beginning(path)?, false),
        ["~", expression] => ((*expression).to_owned(), false),
        ["~*", expression] => ((*expression).to_owned(), true),
        [path] if path.starts_with("=/") => (format!("^{}$", literal(&path[1..])?), false),
        [path] => (beginning(path)?, false),
        _ => return Err("it takes a path, with one of =, ~, ~* and ^~ in front".to_owned()),
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
