//! What snippets ask for.

use super::super::headers::{Chosen, HeadersView};
use super::super::maps::{MapsView, escaped};
use super::super::{beside_html, between, on_off};
use super::{external_auth, headers};
use crate::dialect::nginx::expression::Expression;
use crate::model::{
    AnswerHeader, Condition, CookieFlags, EarlyAnswer, Expires, Extra, Gzip, MediaType, PathRewrite, Query, RawDirective, Route, SameSite,
    Test, digest_of,
};
use ipnet::IpNet;
use serde::Serialize;

/// What `route/answers.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct AnswerView {
    condition: Option<ConditionView>,
    /// Conditions of which none may hold besides, in place of `condition`.
    unless: Vec<ConditionView>,
    /// It is a redirect of paths that this fits, by this flag.
    path: Option<String>,
    flag: &'static str,
    status: u16,
    /// `None`: the page of the status.
    text: Option<Expression>,
    /// `None`: those of the route.
    headers: Option<HeadersView>,
    /// When it becomes stale; `None`: as the route says.
    expires: Option<String>,
    unlogged: bool,
}

#[derive(Debug, Serialize)]
struct ConditionView {
    variable: Expression,
    /// `=`, `!=`, or one for an expression.
    comparison: &'static str,
    text: Option<String>,
    expression: Option<String>,
}

/// What `route/paths.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct PathView {
    condition: Option<ConditionView>,
    path: String,
    target: Expression,
}

/// What `route/answered.tera` sees: what becomes of answers.
#[derive(Debug, Serialize)]
pub(super) struct AnsweredView {
    expires: Option<Expression>,
    default_type: Option<String>,
    charset: Option<String>,
    cookie_flags: Vec<CookieFlagsView>,
    gzip: Option<GzipView>,
    substitutions: Vec<(Expression, Expression)>,
    every_occurrence: bool,
    types: Vec<String>,
}

/// Attributes of a cookie.
#[derive(Debug, Serialize)]
struct CookieFlagsView {
    cookie: String,
    flags: Vec<&'static str>,
}

/// What is `None` is as it is outside.
#[derive(Debug, Serialize)]
struct GzipView {
    on: Option<&'static str>,
    types: Vec<String>,
    /// 0 counts, too.
    min_bytes: Option<String>,
    level: Option<u64>,
    vary: Option<&'static str>,
    proxied: Option<&'static str>,
}

/// A line of `route/raw.tera`.
#[derive(Debug, Serialize)]
pub(super) struct RawLineView {
    words: Vec<String>,
    opens: bool,
    closes: bool,
}

pub(super) fn raw(extra: &Extra) -> Vec<RawLineView> {
    let mut lines = Vec::new();
    extra.raw.iter().for_each(|directive| raw_lines(directive, &mut lines));
    lines
}

fn raw_lines(directive: &RawDirective, lines: &mut Vec<RawLineView>) {
    let words = std::iter::once(&directive.name).chain(&directive.words).cloned().collect();
    lines.push(RawLineView { words, opens: directive.block.is_some(), closes: false });
    if let Some(block) = &directive.block {
        block.iter().for_each(|inner| raw_lines(inner, lines));
        lines.push(RawLineView { words: Vec::new(), opens: false, closes: true });
    }
}

pub(super) fn paths(extra: &Extra) -> Vec<PathView> {
    let view = |rewrite: &PathRewrite| PathView {
        condition: rewrite.when.as_ref().map(ConditionView::new),
        path: rewrite.path.bounded().into_owned(),
        target: target(rewrite),
    };
    extra.rewrites.iter().map(view).collect()
}

/// The path with its query; a sign behind all says that of the request nothing is kept.
fn target(rewrite: &PathRewrite) -> Expression {
    let path = Expression::of(&rewrite.target);
    let path = if rewrite.query.parts().is_empty() { path } else { path.and("?").and_all(&Expression::of(&rewrite.query)) };
    if rewrite.keeps_query { path } else { path.and("?") }
}

impl AnsweredView {
    /// `None`: there is nothing to say.
    pub(super) fn of(extra: &Extra) -> Option<Self> {
        let Extra { expires, default_type, charset, cookie_flags, gzip, substitutions, .. } = extra;
        let types = default_type.is_some() || charset.is_some();
        let expires = if extra.expires_when.is_empty() {
            expires.map(said_expires).map(|said| Expression::literal(&said))
        } else {
            Some(Expression::variable("gw_expires"))
        };
        let some = types || expires.is_some() || !cookie_flags.is_empty() || gzip.is_some() || substitutions.is_some();
        let texts = substitutions.iter().flat_map(|all| &all.texts);
        some.then(|| Self {
            expires,
            default_type: default_type.as_ref().map(|kind| kind.as_str().to_owned()),
            charset: charset.as_ref().map(|charset| charset.as_str().to_owned()),
            cookie_flags: cookie_flags.iter().map(CookieFlagsView::new).collect(),
            gzip: gzip.as_ref().map(GzipView::new),
            substitutions: texts.map(|(from, to)| (Expression::of(from), Expression::of(to))).collect(),
            every_occurrence: substitutions.as_ref().is_some_and(|all| !all.once),
            types: substitutions.as_ref().map(|all| said_types(all.types.as_deref())).unwrap_or_default(),
        })
    }
}

impl CookieFlagsView {
    fn new(flags: &CookieFlags) -> Self {
        let choose = |set: Option<bool>, yes, no| set.map(|set| if set { yes } else { no });
        let same_site = flags.same_site.map(|same_site| match same_site {
            None => "nosamesite",
            Some(SameSite::None) => "samesite=none",
            Some(SameSite::Lax) => "samesite=lax",
            Some(SameSite::Strict) => "samesite=strict",
        });
        let all = [choose(flags.secure, "secure", "nosecure"), choose(flags.http_only, "httponly", "nohttponly"), same_site];
        Self { cookie: flags.cookie.clone().unwrap_or_else(|| "~".to_owned()), flags: all.into_iter().flatten().collect() }
    }
}

impl GzipView {
    fn new(gzip: &Gzip) -> Self {
        Self {
            on: gzip.on.map(on_off),
            types: said_types(gzip.types.as_deref()),
            min_bytes: gzip.min_bytes.map(|bytes| between(0, bytes, 1 << 40).to_string()),
            level: gzip.level.map(|level| between(1, level, 9)),
            vary: gzip.vary.map(on_off),
            proxied: gzip.proxied.map(|any| if any { "any" } else { "off" }),
        }
    }
}

fn said_types(types: Option<&[MediaType]>) -> Vec<String> {
    match types {
        None => Vec::new(),
        Some([]) => vec!["*".to_owned()],
        Some(types) => beside_html(types).into_iter().map(str::to_owned).collect(),
    }
}

fn said_expires(expires: Expires) -> String {
    match expires {
        Expires::Off => "off".to_owned(),
        Expires::Epoch => "epoch".to_owned(),
        Expires::Max => "max".to_owned(),
        Expires::After(seconds) => format!("{seconds}s"),
    }
}

/// What `route/chosen.tera` sees: a variable that says whether conditions hold.
#[derive(Debug, Serialize)]
pub(super) struct ChosenView {
    variable: Expression,
    /// None of these may hold.
    unless: Vec<ConditionView>,
}

fn variable_of(number: usize) -> Expression {
    Expression::variable(&format!("gw_if_{}", number + 1))
}

/// What `route/chosen.tera` sees of how long answers are fresh; the last variable that is 1 decides.
#[derive(Debug, Serialize)]
pub(super) struct ExpiresView {
    usual: String,
    chosen: Vec<(Expression, String)>,
}

impl ExpiresView {
    /// `None`: it is the same for all requests.
    pub(super) fn of(extra: &Extra) -> Option<Self> {
        let all = extra.conditions_of_headers();
        let chosen = extra.expires_when.iter().map(|own| (holds(&own.when, &all), said_expires(own.expires))).collect::<Vec<_>>();
        (!chosen.is_empty()).then(|| Self { usual: said_expires(extra.expires.unwrap_or(Expires::Off)), chosen })
    }
}

pub(super) fn chosen(route: &Route) -> Vec<ChosenView> {
    let all = route.policy.extra.as_deref().map(Extra::conditions_of_headers).unwrap_or_default();
    let unless = |when: &[Condition]| when.iter().map(|when| ConditionView::new(&when.negation())).collect();
    all.into_iter().enumerate().map(|(n, when)| ChosenView { variable: variable_of(n), unless: unless(when) }).collect()
}

/// Whether conditions hold, as a text that is `1` then.
fn holds(when: &[Condition], all: &[&[Condition]]) -> Expression {
    all.iter().position(|own| *own == when).map_or_else(|| Expression::literal("1"), variable_of)
}

/// Which answers have a header; `None`: all that have its like.
fn chosen_of(header: &AnswerHeader, all: &[&[Condition]]) -> Option<Chosen> {
    if !header.is_for_some() {
        return None;
    }
    let statuses: Vec<String> = header.statuses.iter().map(ToString::to_string).collect();
    let statuses = if statuses.is_empty() { "[0-9]*".to_owned() } else { statuses.join("|") };
    let types: Vec<String> = header.types.iter().map(|kind| escaped(kind.as_str())).collect();
    let types = if types.is_empty() { String::new() } else { format!("(?:{})[ ]*(?:;|\\z)", types.join("|")) };
    let source = holds(&header.when, all).and(":").and_variable("status").and(":").and_variable("sent_http_content_type");
    Some(Chosen { source, expression: format!("~*^1:(?:{statuses}):{types}") })
}

pub(super) fn answers(route: &Route, common: &HeadersView, maps: &mut MapsView) -> Vec<AnswerView> {
    let all = route.policy.extra.iter().flat_map(|extra| &extra.answers);
    let mut headers = |answer: &EarlyAnswer| {
        let mut own = (!answer.headers.is_empty()).then(|| headers::of_answer(route, common, &answer.headers));
        own.iter_mut().for_each(|own| own.define(maps));
        own
    };
    all.map(|answer| AnswerView::new(answer, headers(answer))).collect()
}

impl AnswerView {
    fn new(answer: &EarlyAnswer, headers: Option<HeadersView>) -> Self {
        let text = Some(&answer.text).filter(|text| !text.parts().is_empty());
        let drops_query = answer.path.is_some() && answer.query == Query::Dropped;
        Self {
            condition: answer.when.as_ref().map(ConditionView::new),
            unless: answer.conditions().filter(|_| !answer.also.is_empty()).map(|when| ConditionView::new(&when.negation())).collect(),
            path: answer.path.as_ref().map(|path| path.bounded().into_owned()),
            flag: if answer.status == 301 { "permanent" } else { "redirect" },
            status: answer.status,
            expires: answer.expires.map(said_expires),
            unlogged: answer.unlogged,
            text: text.map(Expression::of).map(|text| if drops_query { text.and("?") } else { text }),
            headers,
        }
    }
}

impl ConditionView {
    fn new(condition: &Condition) -> Self {
        let (comparison, text, expression) = match (&condition.test, condition.negated) {
            (Test::Within(ranges), negated) => {
                let variable = Expression::variable(&ranges_variable(ranges));
                return Self { variable, comparison: if negated { "!=" } else { "=" }, text: Some("1".to_owned()), expression: None };
            }
            (Test::Is(text), false) => ("=", Some(text.clone()), None),
            (Test::Is(text), true) => ("!=", Some(text.clone()), None),
            (Test::Matches { expression, ignoring_case }, negated) => {
                let comparison = match (negated, ignoring_case) {
                    (false, false) => "~",
                    (false, true) => "~*",
                    (true, false) => "!~",
                    (true, true) => "!~*",
                };
                (comparison, None, Some(expression.bounded().into_owned()))
            }
        };
        Self { variable: Expression::of(&condition.variable), comparison, text, expression }
    }
}

/// The variable that is 1 for clients with an address in one of these.
fn ranges_variable(ranges: &[IpNet]) -> String {
    format!("client_within_{:032x}", digest_of(&ranges))
}

/// Defines what conditions look at beside what a request says itself.
pub(super) fn define(extra: &Extra, maps: &mut MapsView) {
    for condition in extra.answers.iter().flat_map(EarlyAnswer::conditions) {
        if let Test::Within(ranges) = &condition.test {
            maps.ranges(&ranges_variable(ranges), ranges);
        }
    }
}

/// Adds the headers, and of those of answers the ones that it has.
pub(super) fn add_headers(headers: &mut HeadersView, route: &Route, has: impl Fn(&AnswerHeader) -> bool) {
    let Some(extra) = route.policy.extra.as_deref() else { return };
    let all = extra.conditions_of_headers();
    for header in &extra.request_headers {
        let value = external_auth::expression(&header.value, route);
        if header.when.is_empty() {
            headers.send(header.name.as_str(), value);
        } else {
            let chosen = Chosen { source: holds(&header.when, &all), expression: "~^1".to_owned() };
            headers.send_to_some(header.name.as_str(), &value, chosen);
        }
    }
    extra.hidden_headers.iter().for_each(|name| headers.hide(name.as_str()));
    extra.passed_headers.iter().for_each(|name| headers.pass(name.as_str()));
    add_answer_headers(headers, route, extra.answer_headers.iter().filter(|header| has(header)));
}

/// Adds headers of answers.
pub(super) fn add_answer_headers<'h>(headers: &mut HeadersView, route: &Route, all: impl Iterator<Item = &'h AnswerHeader>) {
    let conditions = route.policy.extra.as_deref().map(Extra::conditions_of_headers).unwrap_or_default();
    for header in all {
        let (name, value) = (header.name.as_str(), external_auth::expression(&header.value, route));
        match (chosen_of(header, &conditions), header.replaces) {
            (None, true) => headers.answer(name, value),
            (None, false) => headers.add(name, value, header.always),
            (Some(chosen), true) => headers.answer_some(name, &value, chosen),
            (Some(chosen), false) => headers.add_to_some(name, &value, header.always, chosen),
        }
    }
}
