//! Headers that snippets ask for: of requests, of answers, and of answers in place of an endpoint.

use super::{ChosenExpiresView, ConditionView, ExpiresView, mark};
use crate::dialect::haproxy::expression::{AS_ASKED, Expression, is_of_query};
use crate::model::{AnswerHeader, Condition, EarlyAnswer, ExpiresWhen, Extra, MediaType, RequestHeader};
use crate::names::{HeaderName, VariableText};
use serde::Serialize;

/// Variables of nginx that are the path as it is looked for.
pub(in crate::dialect::haproxy::view) const PATH: &[&str] = &["document_uri", "uri"];

#[derive(Debug, Serialize)]
pub(super) struct HeaderView {
    name: String,
    /// `None`: the header is dropped.
    value: Option<Expression>,
    /// It may turn out to have no value, and is dropped then.
    may_be_empty: bool,
    said: Option<String>,
    replaces: bool,
    always: bool,
    /// Where the conditions hold for which there is this variable.
    chosen: Option<String>,
    statuses: Vec<u16>,
    /// An expression for the types that it is for.
    types: Option<String>,
}

/// A header of the answer with this mark.
#[derive(Debug, Serialize)]
pub(super) struct EarlyHeaderView {
    mark: String,
    name: String,
    value: Expression,
    said: Option<String>,
    replaces: bool,
}

/// When the answer with this mark becomes stale.
#[derive(Debug, Serialize)]
pub(super) struct EarlyExpiresView {
    mark: String,
    expires: ExpiresView,
}

/// A text for an answer that is put together while the request is there: nothing of it may be looked up later.
#[derive(Debug, Serialize)]
pub(super) struct SaidView {
    name: String,
    value: Expression,
    /// It is put together once the service that decides has answered.
    answered: bool,
    /// It is put together once more, for path and query have become other ones.
    moved: bool,
}

/// A variable that is there where conditions hold.
#[derive(Debug, Serialize)]
pub(super) struct ChosenView {
    name: String,
    all: Vec<ConditionView>,
}

/// Reads the headers of a snippet, and notes what has to be said before there is an answer.
pub(super) struct Reader<'e> {
    extra: &'e Extra,
    /// Headers in which the service that decides answers.
    told: &'e [&'e HeaderName],
    /// The path becomes another one before headers are set.
    moves: bool,
    conditions: Vec<&'e [Condition]>,
    pub(super) said: Vec<SaidView>,
}

impl<'e> Reader<'e> {
    pub(super) fn new(extra: &'e Extra, told: &'e [&'e HeaderName], moves: bool) -> Self {
        Self { extra, told, moves, conditions: extra.conditions_of_headers(), said: Vec::new() }
    }

    /// The conditions that headers look at.
    pub(super) fn chosen(&self) -> Vec<ChosenView> {
        self.conditions.iter().enumerate().filter_map(|(number, when)| ChosenView::new(number, when)).collect()
    }

    pub(super) fn requests(&mut self) -> Vec<HeaderView> {
        let (extra, told, moves) = (self.extra, self.told, self.moves);
        let set: Vec<String> = extra.request_headers.iter().map(|header| variable_of(&header.name)).collect();
        let set: Vec<&str> = set.iter().map(String::as_str).collect();
        let read = |RequestHeader { name, value, when }: &RequestHeader| {
            // What the client has sent and asked for, whatever is set before this one.
            let of_cookies = |name: &str| set.contains(&"http_cookie") && name.starts_with("cookie_");
            let is_early = value.uses(&set) || value.variables().any(of_cookies) || (moves && value.uses(AS_ASKED));
            let kept = is_early.then(|| self.answered(value, told).map(|(value, _)| value));
            HeaderView {
                name: name.to_string(),
                value: kept.unwrap_or_else(|| Expression::of_snippet(value, told).filter(|value| !value.is_empty())),
                may_be_empty: value.may_be_empty(),
                said: None,
                replaces: true,
                always: true,
                chosen: self.chosen_by(when),
                statuses: Vec::new(),
                types: None,
            }
        };
        extra.request_headers.iter().map(read).collect()
    }

    pub(super) fn answers(&mut self) -> Vec<HeaderView> {
        let (extra, told) = (self.extra, self.told);
        let read = |header: &AnswerHeader| {
            let (value, said) = self.answered(&header.value, told).map_or((None, None), |(value, said)| (Some(value), said));
            // What takes the place of another one and says nothing drops that.
            (value.is_some() || header.replaces).then(|| HeaderView {
                name: header.name.to_string(),
                value,
                may_be_empty: said.is_some(),
                said,
                replaces: header.replaces,
                always: header.always,
                chosen: self.chosen_by(&header.when),
                statuses: header.statuses.clone(),
                types: types_of(&header.types),
            })
        };
        extra.answer_headers.iter().filter_map(read).collect()
    }

    /// Those of answers in place of an endpoint.
    pub(super) fn early(&mut self) -> Vec<EarlyHeaderView> {
        let extra = self.extra;
        let numbered = extra.answers.iter().enumerate();
        let all = numbered.flat_map(|(number, answer)| answer.headers.iter().map(move |header| (number, header)));
        let read = |(number, header): (usize, &AnswerHeader)| {
            let (value, said) = self.answered(&header.value, &[])?;
            Some(EarlyHeaderView { mark: mark(number), name: header.name.to_string(), value, said, replaces: header.replaces })
        };
        all.filter_map(read).collect()
    }

    /// How long answers in place of an endpoint are fresh that say so of themselves.
    pub(super) fn early_expires(&self) -> Vec<EarlyExpiresView> {
        let view = |(number, answer): (usize, &EarlyAnswer)| {
            Some(EarlyExpiresView { mark: mark(number), expires: ExpiresView::new(answer.expires?)? })
        };
        self.extra.answers.iter().enumerate().filter_map(view).collect()
    }

    /// How long answers are fresh where conditions hold.
    pub(super) fn expires(&self) -> Vec<ChosenExpiresView> {
        let view =
            |own: &ExpiresWhen| Some(ChosenExpiresView { chosen: self.chosen_by(&own.when)?, expires: ExpiresView::new(own.expires) });
        self.extra.expires_when.iter().filter_map(view).collect()
    }

    /// The variable that is there where these conditions hold; `None`: there are none.
    fn chosen_by(&self, when: &[Condition]) -> Option<String> {
        self.conditions.iter().position(|own| *own == when).map(chosen_name)
    }

    /// The value of a header, and where it is said if it has to be looked up; `None`: it has none.
    fn answered(&mut self, value: &VariableText, told: &[&HeaderName]) -> Option<(Expression, Option<String>)> {
        let moved = self.moves && is_moved(value);
        let read = if moved { Expression::of_moved_snippet } else { Expression::of_snippet };
        let value_said = read(value, told).filter(|value| !value.is_empty())?;
        if value.literal().is_some() {
            return Some((value_said, None));
        }
        let name = format!("said_{}", self.said.len() + 1);
        let found = Expression::default().and_fetch(&format!("var(txn.{name})"));
        let is_answered = !told.is_empty() && value.answered().next().is_some();
        self.said.push(SaidView { name: name.clone(), value: value_said, answered: is_answered, moved });
        Some((found, Some(name)))
    }
}

impl ChosenView {
    fn new(number: usize, when: &[Condition]) -> Option<Self> {
        let name = chosen_name(number);
        let all = when.iter().enumerate().map(|(n, when)| ConditionView::new(format!("{name}_{n}"), when)).collect::<Option<Vec<_>>>()?;
        Some(Self { name, all })
    }
}

fn chosen_name(number: usize) -> String {
    format!("if_{}", mark(number))
}

/// Whether a text says something else once path and query have become other ones.
pub(in crate::dialect::haproxy::view) fn is_moved(text: &VariableText) -> bool {
    text.uses(PATH) || text.variables().any(is_of_query)
}

/// The variable that a header of a request is.
fn variable_of(name: &HeaderName) -> String {
    format!("http_{}", name.as_str().to_ascii_lowercase().replace('-', "_"))
}

/// An expression for types with what may stand behind them.
fn types_of(types: &[MediaType]) -> Option<String> {
    let escaped = |kind: &MediaType| kind.as_str().replace('.', "\\.").replace('+', "\\+");
    let types: Vec<String> = types.iter().map(escaped).collect();
    (!types.is_empty()).then(|| format!("^(?:{})\\s*(?:;|$)", types.join("|")))
}
