//! The template engine: the only file that names Tera.

use crate::dialect::{Dialect, View};
use std::collections::BTreeMap;
use std::fmt;
use tera::{Context, ErrorKind, Kwargs, State, Tera, Value};

/// A template that cannot be read or rendered, such as an override with a typing mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateError {
    /// Name of the template; empty if the engine does not say.
    pub template: String,
    /// Counted from 1; 0 if the engine does not say.
    pub line: usize,
    /// Counted from 1; 0 if the engine does not say.
    pub column: usize,
    /// What is wrong: one line.
    pub message: String,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { template, line, column, message } = self;
        match (template.as_str(), line) {
            ("", _) => f.write_str(message),
            (_, 0) => write!(f, "{template}: {message}"),
            _ => write!(f, "{template}:{line}:{column}: {message}"),
        }
    }
}

impl std::error::Error for TemplateError {}

/// The templates of a dialect, some of them replaced, with its word printer as escape function of all.
pub(super) struct Engine {
    tera: Tera,
}

impl Engine {
    /// Reads all templates; one bad override, and there is no engine.
    pub(super) fn new(dialect: &'static Dialect, overrides: &BTreeMap<String, String>) -> Result<Self, TemplateError> {
        if let Some(name) = overrides.keys().find(|name| !dialect.templates.iter().any(|(known, _)| known == name)) {
            let known: Vec<_> = dialect.templates.iter().map(|(name, _)| *name).collect();
            let message = format!("{} has no such template (it has: {})", dialect.name, known.join(", "));
            return Err(TemplateError { template: name.clone(), line: 0, column: 0, message });
        }
        let mut tera = Tera::new();
        tera.autoescape_on([".tera"]);
        tera.set_escape_fn(dialect.print_word);
        for &(name, print) in dialect.filters {
            let filter = move |text: &str, _: Kwargs, _: &State<'_>| Value::safe_string(&print(text));
            tera.register_filter(name, filter);
        }
        let texts = dialect.templates.iter().map(|(name, text)| (*name, part(name, overrides.get(*name).map_or(*text, String::as_str))));
        tera.add_raw_templates(texts).map_err(|error| located(&error))?;
        Ok(Self { tera })
    }

    /// Renders a template.
    pub(super) fn render(&self, template: &str, view: &View<'_>) -> Result<String, TemplateError> {
        let context = Context::from_serialize(view).map_err(|error| located(&error))?;
        self.tera.render(template, &context).map_err(|error| located(&error))
    }
}

/// A template in a folder is a part of a block of another one, which goes on in the same line.
fn part<'a>(name: &str, text: &'a str) -> &'a str {
    if name.contains('/') { text.strip_suffix('\n').unwrap_or(text) } else { text }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Engine")
    }
}

fn located(error: &tera::Error) -> TemplateError {
    match error.kind() {
        ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => TemplateError {
            template: report.filename().to_owned(),
            line: report.span().start_line,
            column: report.span().start_col + 1,
            message: one_line(report.message()),
        },
        other => from_report(&other.to_string()),
    }
}

/// References to unknown filters and templates come as finished reports: `error: message`, ` --> template:line:column`.
fn from_report(text: &str) -> TemplateError {
    let parsed = || {
        let (message, rest) = text.split_once("error: ")?.1.split_once('\n')?;
        let mut parts = rest.split_once("--> ")?.1.lines().next()?.rsplitn(3, ':');
        let column = parts.next()?.parse().ok()?;
        let line = parts.next()?.parse().ok()?;
        Some(TemplateError { template: parts.next()?.to_owned(), line, column, message: one_line(message) })
    };
    parsed().unwrap_or_else(|| TemplateError { template: String::new(), line: 0, column: 0, message: one_line(text) })
}

fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}
