//! What snippets ask for.

use super::super::headers::HeadersView;
use crate::dialect::nginx::expression::Expression;
use crate::model::{Condition, EarlyAnswer, Extra, Test};
use serde::Serialize;

/// What `route/answers.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct AnswerView {
    condition: Option<ConditionView>,
    status: u16,
    /// `None`: the page of the status.
    text: Option<Expression>,
}

#[derive(Debug, Serialize)]
struct ConditionView {
    variable: Expression,
    /// `=`, `!=`, or one for an expression.
    comparison: &'static str,
    text: Option<String>,
    expression: Option<String>,
}

pub(super) fn answers(extra: &Extra) -> Vec<AnswerView> {
    extra.answers.iter().map(AnswerView::new).collect()
}

impl AnswerView {
    fn new(answer: &EarlyAnswer) -> Self {
        let text = Some(&answer.text).filter(|text| !text.parts().is_empty());
        Self { condition: answer.when.as_ref().map(ConditionView::new), status: answer.status, text: text.map(Expression::of) }
    }
}

impl ConditionView {
    fn new(condition: &Condition) -> Self {
        let (comparison, text, expression) = match (&condition.test, condition.negated) {
            (Test::Is(text), false) => ("=", Some(text.clone()), None),
            (Test::Is(text), true) => ("!=", Some(text.clone()), None),
            (Test::Matches { expression, ignoring_case }, negated) => {
                let comparison = match (negated, ignoring_case) {
                    (false, false) => "~",
                    (false, true) => "~*",
                    (true, false) => "!~",
                    (true, true) => "!~*",
                };
                (comparison, None, Some(expression.as_str().to_owned()))
            }
        };
        Self { variable: Expression::of(&condition.variable), comparison, text, expression }
    }
}

/// Adds the headers.
pub(super) fn add_headers(headers: &mut HeadersView, extra: &Extra) {
    for (name, value) in &extra.request_headers {
        headers.send(name.as_str(), Expression::of(value));
    }
    extra.hidden_headers.iter().for_each(|name| headers.hide(name.as_str()));
    for header in &extra.answer_headers {
        let value = Expression::of(&header.value);
        if header.replaces {
            headers.answer(header.name.as_str(), value);
        } else {
            headers.add(header.name.as_str(), value, header.always);
        }
    }
}
