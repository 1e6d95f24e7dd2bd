//! Variables that mean something else where a service is asked: that is a request of its own, with another path and without a
//! query. What the client has asked for is noted before.

use super::labels;
use crate::dialect::nginx::expression::{Expression, printable_of};
use crate::model::{ExternalAuth, Route};
use crate::names::{TextPart, VariableText};
use serde::Serialize;
use std::collections::BTreeSet;

/// Those of its own path and query; arguments are, too.
const OWN: &[&str] =
    &["args", "document_uri", "fastcgi_path_info", "fastcgi_script_name", "is_args", "query_string", "request_filename", "uri"];

/// What is noted of a request, by the variables that keep it.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked(Vec<String>);

/// A variable, and what it keeps.
#[derive(Debug, Serialize)]
pub(super) struct NotedView {
    variable: Expression,
    value: Expression,
}

impl Asked {
    /// All that the question looks at.
    pub(super) fn of(auth: &ExternalAuth) -> Self {
        let url = std::iter::once(&auth.url.path).chain(&auth.url.query).chain(auth.cache.as_ref().map(|cache| &cache.key));
        let plain = url.flat_map(VariableText::variables).filter(|name| is_own(name)).map(str::to_owned);
        let headers = auth.request_headers.iter().flat_map(|(_, value)| value.variables());
        let printable = headers.filter(|name| is_own(name)).map(printable_of);
        Self(plain.chain(printable).collect::<BTreeSet<_>>().into_iter().collect())
    }

    pub(super) fn noted(&self) -> Vec<NotedView> {
        let noted = self.0.iter().enumerate();
        noted.map(|(n, name)| NotedView { variable: Expression::variable(&keeper(n)), value: Expression::variable(name) }).collect()
    }

    /// A text of the question.
    pub(super) fn text(&self, text: &VariableText, route: &Route) -> Expression {
        self.read(text, route, str::to_owned)
    }

    /// The same for a header, where a line break would begin another one.
    pub(super) fn header(&self, text: &VariableText, route: &Route) -> Expression {
        self.read(text, route, printable_of)
    }

    fn read(&self, text: &VariableText, route: &Route, noted_as: fn(&str) -> String) -> Expression {
        let keeper_of = |name: &str| self.0.iter().position(|noted| is_own(name) && *noted == noted_as(name)).map(keeper);
        labels::filled(text, route).parts().iter().fold(Expression::default(), |all, part| match part {
            TextPart::Text(text) => all.and(text),
            TextPart::Variable(name) => all.and_variable(&keeper_of(name).unwrap_or_else(|| name.clone())),
            TextPart::Group(_) | TextPart::Answered(_) | TextPart::Break(_) => all,
        })
    }
}

fn is_own(name: &str) -> bool {
    OWN.contains(&name) || name.starts_with("arg_")
}

/// Numbered: names of variables have to be short.
fn keeper(number: usize) -> String {
    format!("gw_asked_{number}")
}
