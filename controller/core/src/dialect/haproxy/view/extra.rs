//! What snippets ask for.

mod headers;

pub(super) use headers::{PATH, is_moved};

use super::section::known_page;
use super::{addresses, compression};
use crate::dialect::Version;
use crate::dialect::haproxy::expression::{EncodedView, Expression, fetch_of, header_of};
use crate::model::{Charset, Condition, EarlyAnswer, Expires, Extra, Globals, Gzip, MediaType, PathRewrite, Query, RoutePolicy, Test};
use crate::names::{HeaderName, TextPart, TextRegex, VariableText};
use serde::Serialize;

/// The status with which nginx closes the connection.
const NO_ANSWER: u16 = 444;

/// What `route/extra_answers.tera`, `route/paths.tera` and `route/extra_headers.tera` see.
#[derive(Debug, Serialize)]
pub(super) struct ExtraView {
    /// Conditions that headers look at.
    chosen: Vec<headers::ChosenView>,
    answers: Vec<AnswerView>,
    request_headers: Vec<headers::HeaderView>,
    answer_headers: Vec<headers::HeaderView>,
    hidden_headers: Vec<String>,
    hidden_beginnings: Vec<String>,
    paths: Vec<PathView>,
    expires: Option<ExpiresView>,
    /// The same where the variables are there, and not as usual then.
    chosen_expires: Vec<ChosenExpiresView>,
    charset: Option<Expression>,
    /// `None`: as for all routes.
    gzip: Option<GzipView>,
    /// Some answers have headers of their own.
    marks: bool,
    early_expires: Vec<headers::EarlyExpiresView>,
    early_headers: Vec<headers::EarlyHeaderView>,
    said: Vec<headers::SaidView>,
}

/// Another path for endpoints.
#[derive(Debug, Serialize)]
struct PathView {
    number: String,
    condition: Option<ConditionView>,
    /// Fits somewhere in paths that it is for.
    somewhere: String,
    /// Fits whole paths.
    expression: String,
    /// Of which paths it is known whether it does; `None`: of all.
    decided: Option<String>,
    /// For a path that is decoded, and encoded as a whole.
    decoded: Expression,
    /// For one that is as it came, and what of it is encoded before.
    target: Expression,
    encoded: Vec<EncodedView>,
    /// What stands in front of the query of the request, if that is kept.
    query: Option<Expression>,
    query_has_groups: bool,
    keeps_query: bool,
}

/// What an answer says of its age.
#[derive(Debug, Serialize)]
struct ExpiresView {
    control: String,
    date: Expression,
}

/// The same where a variable is there.
#[derive(Debug, Serialize)]
struct ChosenExpiresView {
    chosen: String,
    /// `None`: nothing is said.
    expires: Option<ExpiresView>,
}

/// How answers are compressed.
#[derive(Debug, Serialize)]
struct GzipView {
    on: bool,
    min_bytes: Option<u64>,
    /// In lines of a bounded number; none: all.
    types: Vec<Vec<String>>,
}

/// A condition with a name.
#[derive(Debug, Serialize)]
struct ConditionView {
    name: String,
    /// What it looks at; of several samples the last.
    fetch: String,
    /// The header that it looks at: several lines of that are one value.
    header: Option<String>,
    negated: bool,
    regex: bool,
    ignore_case: bool,
    pattern: String,
    /// Of which texts it is known whether an expression matches; `None`: of all.
    decided: Option<String>,
    /// It looks at the address of the client, which is in one of these then: in lines of a bounded number.
    networks: Vec<Vec<String>>,
}

#[derive(Debug, Serialize)]
struct AnswerView {
    /// `None`: always.
    condition: Option<ConditionView>,
    /// Conditions that all have to hold; `condition` looks at whether they do.
    all: Vec<ConditionView>,
    /// Name of the condition that the path has to fulfil, and expressions that fit somewhere, whole paths, and all of which it
    /// is known whether that does; `None`: it is of all.
    path: Option<(String, String, String, Option<String>)>,
    /// The text uses groups of the condition: what that looks at, an expression that fits the whole of it, and one that fits
    /// all of which it is known whether that does.
    groups: Option<(Expression, String, Option<String>)>,
    status: u16,
    /// What stands between a redirect for some paths and the query; `None`: that is gone.
    query: Option<&'static str>,
    redirect: Option<Expression>,
    /// A redirect to a path that begins with what requests say: it leads to no other host.
    stays_here: bool,
    /// What stands in front of a redirect to a path, which is known only when it is there.
    own_host: Option<Expression>,
    text: Option<Expression>,
    content_type: String,
    /// What is said without a text.
    page: Option<String>,
    /// It has headers of its own, which are found by this number.
    mark: Option<String>,
    /// It says of itself when it becomes stale, which is found by this number.
    age: Option<String>,
    unlogged: bool,
    /// The connection is closed instead.
    closes: bool,
}

impl ExtraView {
    /// Translation has left out what cannot be said.
    pub(super) fn of(policy: &RoutePolicy, globals: &Globals, version: Version) -> Option<Self> {
        let kind = type_of_texts(policy, globals);
        let extra = policy.extra.as_deref()?;
        let gzip = extra.gzip.as_ref().and_then(|gzip| GzipView::new(gzip, globals, version));
        let own = policy.relative_redirects == Some(true) || policy.redirect.as_ref().is_some_and(|redirect| redirect.keep_relative);
        let keeps_relative = globals.relative_redirects || own;
        let answer = |(number, answer): (usize, &EarlyAnswer)| AnswerView::new(number, answer, kind, !keeps_relative);
        let answers = extra.answers.iter().enumerate().filter_map(answer).collect();
        Some(Self { gzip, answers, ..Self::new(extra, (&policy.told_answers(), policy.rewrite.is_some())) })
    }

    /// The same for requests that keep their path.
    pub(super) fn without_paths(self) -> Self {
        Self { paths: Vec::new(), ..self }
    }

    /// `rewrites`: the path becomes another one before headers are set.
    fn new(extra: &Extra, (told, rewrites): (&[&HeaderName], bool)) -> Self {
        let mut headers = headers::Reader::new(extra, told, rewrites || !extra.rewrites.is_empty());
        let of_type =
            |charset: &Charset| Expression::default().and_fetch("res.fhdr(content-type)").and(&format!("; charset={}", charset.as_str()));
        Self {
            chosen: headers.chosen(),
            answers: Vec::new(),
            paths: extra.rewrites.iter().enumerate().filter_map(|(number, rewrite)| PathView::new(number, rewrite)).collect(),
            expires: extra.expires.and_then(ExpiresView::new),
            chosen_expires: headers.expires(),
            charset: extra.charset.as_ref().map(of_type),
            gzip: None,
            request_headers: headers.requests(),
            answer_headers: headers.answers(),
            hidden_headers: extra.hidden_headers.iter().map(ToString::to_string).collect(),
            hidden_beginnings: extra.hidden_beginnings.iter().map(ToString::to_string).collect(),
            marks: extra.answers.iter().any(|answer| !answer.headers.is_empty()),
            early_expires: headers.early_expires(),
            early_headers: headers.early(),
            said: headers.said,
        }
    }
}

/// The type of texts that are answered in place of an endpoint.
pub(super) fn type_of_texts<'p>(policy: &'p RoutePolicy, globals: &'p Globals) -> &'p str {
    policy.extra.as_ref().and_then(|extra| extra.default_type.as_ref()).unwrap_or(&globals.default_type).as_str()
}

/// From 1 on, for a variable that is not there is 0 in some places.
fn mark(number: usize) -> String {
    (number + 1).to_string()
}

impl AnswerView {
    /// `absolute`: redirects to paths name the host.
    fn new(number: usize, answer: &EarlyAnswer, kind: &str, absolute: bool) -> Option<Self> {
        let text = Expression::of_snippet(&answer.text, &[])?;
        let redirects = [301, 302, 303, 307, 308].contains(&answer.status);
        let is_known = answer.path.is_none() && !answer.text.has_groups();
        let text = if redirects && absolute && is_known && begins_path(&answer.text) { own_host().and_all(&text) } else { text };
        let (redirect, text) = if redirects { (Some(text), None) } else { (None, Some(text)) };
        let name = format!("answer_{number}");
        let all = answer.conditions().enumerate().filter(|_| !answer.also.is_empty());
        let all = all.map(|(n, when)| ConditionView::new(format!("{name}_{n}"), when)).collect::<Option<Vec<_>>>()?;
        let condition = match &answer.when {
            None => None,
            Some(_) if !all.is_empty() => Some(ConditionView::of_all(name)),
            Some(when) => Some(ConditionView::new(name, when)?),
        };
        let path_of =
            |path: &TextRegex| (format!("answer_path_{number}"), path.bounded().into_owned(), whole(path, ""), whole_decided(path, ""));
        let path = answer.path.as_ref().map(path_of);
        let query = match answer.query {
            Query::Kept => Some("?"),
            Query::Appended => Some("&"),
            Query::Dropped => None,
        };
        Some(Self {
            condition,
            all,
            path,
            groups: answer.when.as_ref().filter(|_| answer.path.is_none() && answer.text.has_groups()).and_then(groups_of),
            stays_here: redirects && !absolute && begins_with_anything(&answer.text),
            own_host: (redirects && absolute && !is_known).then(|| own_host().and_group(1)),
            status: answer.status,
            query,
            redirect,
            text: text.filter(|_| !answer.text.parts().is_empty()),
            content_type: kind.to_owned(),
            page: known_page(answer.status),
            mark: (!answer.headers.is_empty()).then(|| mark(number)),
            age: answer.expires.and_then(ExpiresView::new).map(|_| mark(number)),
            unlogged: answer.unlogged,
            closes: answer.status == NO_ANSWER && answer.text.parts().is_empty(),
        })
    }
}

impl PathView {
    fn new(number: usize, rewrite: &PathRewrite) -> Option<Self> {
        let condition = match &rewrite.when {
            None => None,
            Some(when) => Some(ConditionView::new(format!("path_{number}"), when)?),
        };
        let read = |text: &VariableText| Expression::of_snippet(text, &[]);
        let (target, encoded) = Expression::in_path(&rewrite.target, &format!("path_{number}"), read)?;
        Some(Self {
            number: mark(number),
            condition,
            somewhere: rewrite.path.bounded().into_owned(),
            expression: whole(&rewrite.path, ""),
            decided: whole_decided(&rewrite.path, ""),
            decoded: read(&rewrite.target)?,
            target,
            encoded,
            query: if rewrite.query.parts().is_empty() { None } else { Some(read(&rewrite.query)?) },
            query_has_groups: rewrite.query.has_groups(),
            keeps_query: rewrite.keeps_query,
        })
    }
}

/// Where the request was sent.
fn own_host() -> Expression {
    Expression::default().and_fetch("ssl_fc,iif(https,http)").and("://").and_fetch("var(txn.received_host)")
}

/// Whether a redirect is to a path of the same host.
fn begins_path(text: &VariableText) -> bool {
    match text.parts().first() {
        Some(TextPart::Text(text)) => text.starts_with('/'),
        Some(TextPart::Variable(name)) => ["document_uri", "request_uri", "uri"].contains(&name.as_str()),
        _ => false,
    }
}

/// Whether a redirect may be to a path whose first segment is what a request says.
fn begins_with_anything(text: &VariableText) -> bool {
    match text.parts() {
        [TextPart::Text(text), _, ..] => text == "/",
        [TextPart::Text(_)] | [] => false,
        _ => true,
    }
}

fn groups_of(when: &Condition) -> Option<(Expression, String, Option<String>)> {
    let ignoring_case = matches!(when.test, Test::Matches { ignoring_case: true, .. });
    let (expression, flags) = (when.matched()?, if ignoring_case { "(?i)" } else { "" });
    Some((Expression::of_snippet(&when.variable, &[])?, whole(expression, flags), whole_decided(expression, flags)))
}

/// An expression that fits the whole of what another one fits somewhere; `flags`: how that is compared.
fn whole(expression: &TextRegex, flags: &str) -> String {
    let before = if expression.begins_with_any() { "" } else { ".*?" };
    format!("{}{flags}^{before}(?:{expression}).*$", expression.limits())
}

/// An expression that fits all texts of which it is known whether that one does: it takes no fewer steps. `None`: all.
fn whole_decided(expression: &TextRegex, flags: &str) -> Option<String> {
    expression.decided().map(|_| format!("{}{flags}^(?:(?=(?s:.*?)(?:{expression})(?s:.*)$)|)", expression.limits()))
}

impl ConditionView {
    /// Whether all of those hold that are asked before.
    fn of_all(name: String) -> Self {
        let (fetch, pattern) = ("var(txn.all_hold)".to_owned(), "1".to_owned());
        let networks = Vec::new();
        Self { name, fetch, header: None, negated: false, regex: false, ignore_case: false, pattern, decided: None, networks }
    }

    fn new(name: String, Condition { variable, test, negated }: &Condition) -> Option<Self> {
        let (regex, ignore_case, pattern, decided) = match test {
            Test::Is(text) => (false, false, text.clone(), None),
            Test::Matches { expression, ignoring_case } => (true, *ignoring_case, expression.bounded().into_owned(), expression.decided()),
            Test::Within(_) => (false, false, String::new(), None),
        };
        let networks = if let Test::Within(networks) = test { addresses::lines(networks) } else { Vec::new() };
        let (fetch, header) = (fetch_of(variable)?, header_of(variable));
        Some(Self { name, fetch, header, negated: *negated, regex, ignore_case, pattern, decided, networks })
    }
}

impl GzipView {
    /// What is not said is as for all routes, and where these are not compressed as it is usual in nginx.
    fn new(gzip: &Gzip, globals: &Globals, version: Version) -> Option<Self> {
        const USUAL_LENGTH: u64 = 20;
        const NO_TYPE: &str = "none/none";
        let usual: Vec<MediaType> = MediaType::new("text/html").into_iter().collect();
        let (usual, length) =
            if globals.gzip { (&globals.compression.types, globals.compression.min_bytes) } else { (&usual, USUAL_LENGTH) };
        match (gzip.on.unwrap_or(globals.gzip), globals.gzip) {
            (false, false) => None,
            // The frontend compresses all the same, but for what a section says itself.
            (false, true) => Some(Self { on: false, min_bytes: None, types: vec![vec![NO_TYPE.to_owned()]] }),
            (true, _) => {
                let lines = compression::type_lines(gzip.types.as_ref().unwrap_or(usual)).into_iter();
                let types = lines.map(|line| line.into_iter().map(str::to_owned).collect()).collect();
                Some(Self { on: true, min_bytes: compression::shortest(gzip.min_bytes.unwrap_or(length), version), types })
            }
        }
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
