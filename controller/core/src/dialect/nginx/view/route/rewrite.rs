//! Another path for the endpoints.

use crate::dialect::nginx::expression::Expression;
use crate::model::{PathMatch, Rewrite, Route};
use crate::names::{RouteRegex, TextPart, VariableText};
use serde::Serialize;

/// Begins the names of the variables that hold what the groups of a location have matched. Named, for a group by its
/// number is that of the expression that was looked at last, whatever it was.
const GROUP: &str = "gw_path_group_";

/// What `route/rewrite.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct RewriteView {
    /// Finds the path anywhere, without case, as the rule writes it.
    expression: String,
    target: Expression,
}

impl RewriteView {
    pub(super) fn new(route: &Route) -> Option<Self> {
        let rewrite = route.policy.rewrite.as_ref()?;
        let path = regex_of(route)?;
        Some(Self { expression: format!("(?i){path}"), target: Expression::of(&rewrite.target) })
    }
}

fn regex_of(route: &Route) -> Option<&RouteRegex> {
    route.matches.iter().find_map(|m| if let PathMatch::Regex(path) = m { Some(path) } else { None })
}

/// The expression of a location: from the beginning of the path on.
pub(super) fn location(path: &RouteRegex, route: &Route) -> String {
    if tells_path(route) { format!("^{}", path.with_named_groups(GROUP)) } else { format!("^{path}") }
}

/// Whether a part of the path comes into a header.
pub(super) fn tells_path(route: &Route) -> bool {
    let prefix = route.policy.rewrite.as_ref().and_then(|rewrite| rewrite.forwarded_prefix.as_ref());
    prefix.is_some_and(uses_groups)
}

fn uses_groups(text: &VariableText) -> bool {
    text.parts().iter().any(|part| matches!(part, TextPart::Group(_)))
}

/// The value of `X-Forwarded-Prefix`, if it is sent.
pub(super) fn forwarded_prefix(route: &Route) -> Option<Expression> {
    let Rewrite { forwarded_prefix, .. } = route.policy.rewrite.as_ref()?;
    let path = regex_of(route)?;
    let groups = path.groups();
    let value = forwarded_prefix.as_ref()?.parts().iter().fold(Expression::default(), |value, part| match part {
        TextPart::Group(number) if usize::from(*number) <= groups => value.and_variable(&format!("{GROUP}{number}")),
        TextPart::Group(_) | TextPart::Answered(_) | TextPart::Break(_) => value,
        TextPart::Text(text) => value.and(text),
        TextPart::Variable(name) => value.and_variable(name),
    });
    Some(value)
}
