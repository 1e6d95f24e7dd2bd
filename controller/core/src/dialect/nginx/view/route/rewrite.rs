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
    /// Finds what of the path the expression of the rule has matched.
    expression: String,
    target: Expression,
}

impl RewriteView {
    pub(super) fn new(route: &Route) -> Option<Self> {
        let rewrite = route.policy.rewrite.as_ref()?;
        let path = regex_of(route)?;
        let (limits, flags) = (path.limits_again(), path.flags());
        let expression = match (path.begins_path(), limits.is_empty()) {
            (true, _) => format!("{limits}(?{flags})^{path}"),
            (false, true) => format!("(?{flags}){path}"),
            (false, false) => format!("{limits}(?{flags})^(?s:.*?)(?:{path})"),
        };
        Some(Self { expression, target: Expression::of(&rewrite.target) })
    }
}

fn regex_of(route: &Route) -> Option<&RouteRegex> {
    route.matches.iter().find_map(PathMatch::regex)
}

/// The expression of a location: from the beginning of the path on. `slow`: how many of the host have a limit.
pub(super) fn location(path: &RouteRegex, route: &Route, slow: usize) -> String {
    if tells_path(route) { path.bounded(&path.with_named_groups(GROUP), slow) } else { path.bounded(path.as_str(), slow) }
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
