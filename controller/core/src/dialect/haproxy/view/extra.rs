//! What snippets ask for.

use crate::dialect::haproxy::expression::{Expression, fetch_of};
use crate::model::{Condition, EarlyAnswer, Extra, Test};
use serde::Serialize;

/// What `route/extra_answers.tera` and `route/extra_headers.tera` see.
#[derive(Debug, Serialize)]
pub(super) struct ExtraView {
    answers: Vec<AnswerView>,
    request_headers: Vec<HeaderView>,
    answer_headers: Vec<HeaderView>,
    hidden_headers: Vec<String>,
}

#[derive(Debug, Serialize)]
struct AnswerView {
    /// Name of the condition; `None`: always.
    name: Option<String>,
    /// What it looks at.
    fetch: String,
    negated: bool,
    regex: bool,
    ignore_case: bool,
    pattern: String,
    status: u16,
    redirect: Option<Expression>,
    text: Option<Expression>,
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
            answers: extra.answers.iter().enumerate().filter_map(|(number, answer)| AnswerView::new(number, answer)).collect(),
            request_headers: requests.collect(),
            answer_headers: answers.collect(),
            hidden_headers: extra.hidden_headers.iter().map(ToString::to_string).collect(),
        }
    }
}

impl AnswerView {
    fn new(number: usize, answer: &EarlyAnswer) -> Option<Self> {
        let text = Expression::of(&answer.text)?;
        let redirects = [301, 302, 303, 307, 308].contains(&answer.status);
        let (redirect, text) = if redirects { (Some(text), None) } else { (None, Some(text)) };
        let view = Self {
            name: None,
            fetch: String::new(),
            negated: false,
            regex: false,
            ignore_case: false,
            pattern: String::new(),
            status: answer.status,
            redirect,
            text: text.filter(|_| !answer.text.parts().is_empty()),
        };
        let Some(Condition { variable, test, negated }) = &answer.when else { return Some(view) };
        let (regex, ignore_case, pattern) = match test {
            Test::Is(text) => (false, true, text.clone()),
            Test::Matches { expression, ignoring_case } => (true, *ignoring_case, expression.as_str().to_owned()),
        };
        let (name, fetch) = (Some(format!("answer_{number}")), fetch_of(variable)?);
        Some(Self { name, fetch, negated: *negated, regex, ignore_case, pattern, ..view })
    }
}
