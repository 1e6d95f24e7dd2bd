//! What snippets ask for.

use crate::dialect::haproxy::expression::{Expression, fetch_of};
use crate::model::{Condition, EarlyAnswer, Expires, Extra, PathRewrite, Query, Test};
use serde::Serialize;

/// What `route/extra_answers.tera` and `route/extra_headers.tera` see.
#[derive(Debug, Serialize)]
pub(super) struct ExtraView {
    answers: Vec<AnswerView>,
    request_headers: Vec<HeaderView>,
    answer_headers: Vec<HeaderView>,
    hidden_headers: Vec<String>,
    paths: Vec<PathView>,
    expires: Option<ExpiresView>,
}

/// Another path for endpoints.
#[derive(Debug, Serialize)]
struct PathView {
    number: String,
    condition: Option<ConditionView>,
    /// Fits whole paths.
    expression: String,
    target: Expression,
}

/// What an answer says of its age.
#[derive(Debug, Serialize)]
struct ExpiresView {
    control: String,
    date: Expression,
}

/// A condition with a name.
#[derive(Debug, Serialize)]
struct ConditionView {
    name: String,
    /// What it looks at.
    fetch: String,
    negated: bool,
    regex: bool,
    ignore_case: bool,
    pattern: String,
}

#[derive(Debug, Serialize)]
struct AnswerView {
    /// `None`: always.
    condition: Option<ConditionView>,
    /// Name of the condition that the path has to fulfil, and expressions that fit somewhere, and whole paths.
    path: Option<(String, String, String)>,
    /// The text uses groups of the condition: what that looks at, and an expression that fits the whole of it.
    groups: Option<(Expression, String)>,
    status: u16,
    /// What stands between a redirect for some paths and the query; `None`: that is gone.
    query: Option<&'static str>,
    redirect: Option<Expression>,
    text: Option<Expression>,
    content_type: String,
}

#[derive(Debug, Serialize)]
struct HeaderView {
    name: String,
    /// `None`: the header is dropped.
    value: Option<Expression>,
    replaces: bool,
    always: bool,
}

impl ExtraView {
    /// Translation has left out what cannot be said.
    pub(super) fn new(extra: &Extra) -> Self {
        let requests = extra.request_headers.iter().map(|(name, value)| HeaderView {
            name: name.to_string(),
            value: Some(value).filter(|value| !value.parts().is_empty()).and_then(Expression::of),
            replaces: true,
            always: true,
        });
        let answers = extra.answer_headers.iter().filter(|header| !header.value.parts().is_empty()).map(|header| HeaderView {
            name: header.name.to_string(),
            value: Expression::of(&header.value),
            replaces: header.replaces,
            always: header.always,
        });
        Self {
            answers: extra.answers.iter().enumerate().filter_map(|(number, answer)| AnswerView::new(number, answer, extra)).collect(),
            paths: extra.rewrites.iter().enumerate().filter_map(|(number, rewrite)| PathView::new(number, rewrite)).collect(),
            expires: extra.expires.and_then(ExpiresView::new),
            request_headers: requests.collect(),
            answer_headers: answers.collect(),
            hidden_headers: extra.hidden_headers.iter().map(ToString::to_string).collect(),
        }
    }
}

impl AnswerView {
    fn new(number: usize, answer: &EarlyAnswer, extra: &Extra) -> Option<Self> {
        let text = Expression::of(&answer.text)?;
        let redirects = [301, 302, 303, 307, 308].contains(&answer.status);
        let (redirect, text) = if redirects { (Some(text), None) } else { (None, Some(text)) };
        let condition = match &answer.when {
            None => None,
            Some(when) => Some(ConditionView::new(format!("answer_{number}"), when)?),
        };
        let path = answer.path.as_ref().map(|path| (format!("answer_path_{number}"), path.to_string(), whole(path.as_str())));
        let query = match answer.query {
            Query::Kept => Some("?"),
            Query::Appended => Some("&"),
            Query::Dropped => None,
        };
        Some(Self {
            condition,
            path,
            groups: answer.when.as_ref().filter(|_| answer.path.is_none() && answer.text.has_groups()).and_then(groups_of),
            status: answer.status,
            query,
            redirect,
            text: text.filter(|_| !answer.text.parts().is_empty()),
            content_type: extra.default_type.as_ref().map_or("text/plain", |kind| kind.as_str()).to_owned(),
        })
    }
}

impl PathView {
    fn new(number: usize, rewrite: &PathRewrite) -> Option<Self> {
        let condition = match &rewrite.when {
            None => None,
            Some(when) => Some(ConditionView::new(format!("path_{number}"), when)?),
        };
        // Numbers from 1 on, for a variable that is not there is 0 in some places.
        Some(Self {
            number: (number + 1).to_string(),
            condition,
            expression: whole(rewrite.path.as_str()),
            target: Expression::of(&rewrite.target)?,
        })
    }
}

fn groups_of(when: &Condition) -> Option<(Expression, String)> {
    let ignoring_case = matches!(when.test, Test::Matches { ignoring_case: true, .. });
    let expression = whole(when.matched()?.as_str());
    Some((Expression::of(&when.variable)?, if ignoring_case { format!("(?i){expression}") } else { expression }))
}

/// An expression that fits the whole of what another one fits somewhere.
fn whole(expression: &str) -> String {
    format!("^.*?(?:{expression}).*$")
}

impl ConditionView {
    fn new(name: String, Condition { variable, test, negated }: &Condition) -> Option<Self> {
        let (regex, ignore_case, pattern) = match test {
            Test::Is(text) => (false, true, text.clone()),
            Test::Matches { expression, ignoring_case } => (true, *ignoring_case, expression.as_str().to_owned()),
        };
        Some(Self { name, fetch: fetch_of(variable)?, negated: *negated, regex, ignore_case, pattern })
    }
}

impl ExpiresView {
    fn new(expires: Expires) -> Option<Self> {
        const NO_CACHE: &str = "no-cache";
        let age = |seconds: i64| format!("max-age={seconds}");
        let (control, date) = match expires {
            Expires::Off => return None,
            Expires::Epoch => (NO_CACHE.to_owned(), Expression::literal("Thu, 01 Jan 1970 00:00:01 GMT")),
            Expires::Max => (age(315_360_000), Expression::literal("Thu, 31 Dec 2037 23:55:55 GMT")),
            Expires::After(seconds) => {
                let control = if seconds < 0 { NO_CACHE.to_owned() } else { age(seconds) };
                (control, Expression::default().and_fetch(&format!("date({seconds}),http_date")))
            }
        };
        Some(Self { control, date })
    }
}
