//! What a route does beside all else: what snippets ask for and no annotation has a word for.

use crate::model::{CookieFlags, MediaType};
use crate::names::{HeaderName, TextRegex, VariableText};
use ipnet::IpNet;

/// Further wishes for the requests of a route.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Extra {
    /// Answers before anybody is asked who they are; the first whose condition holds is given.
    pub answers: Vec<EarlyAnswer>,
    /// Headers for the endpoints; of several of a name the last whose conditions hold.
    pub request_headers: Vec<RequestHeader>,
    /// Headers of answers.
    pub answer_headers: Vec<AnswerHeader>,
    /// Headers of endpoints that are not passed on.
    pub hidden_headers: Vec<HeaderName>,
    /// Beginnings of names of headers of endpoints that are not passed on.
    pub hidden_beginnings: Vec<HeaderName>,
    /// Headers of endpoints that are passed on, whatever else is said of them.
    pub passed_headers: Vec<HeaderName>,
    /// Other paths for the endpoints; the first that fits.
    pub rewrites: Vec<PathRewrite>,
    /// When answers become stale.
    pub expires: Option<Expires>,
    /// Expiry where conditions hold, in place of [`Extra::expires`]; of several that hold, the last one counts.
    pub expires_when: Vec<ExpiresWhen>,
    /// Type of answers that have none of their own.
    pub default_type: Option<MediaType>,
    /// What is said of the characters of texts that say nothing of them.
    pub charset: Option<Charset>,
    /// Attributes of cookies of endpoints.
    pub cookie_flags: Vec<CookieFlags>,
    /// How answers are compressed, where it is said.
    pub gzip: Option<Gzip>,
    /// Texts in answers that others stand in for.
    pub substitutions: Option<Substitutions>,
    /// Seconds that a client may take between two parts of a body; at least 1.
    pub client_body_s: Option<u64>,
    /// Seconds that a client may take to receive a part of an answer; at least 1.
    pub client_send_s: Option<u64>,
    /// Status for those who ask too often, in place of the usual one.
    pub request_limit_status: Option<u16>,
    /// Status for those who ask for too much at once.
    pub connection_limit_status: Option<u16>,
    /// What the operator lets an Ingress say to nginx as it is.
    pub raw: Vec<RawDirective>,
}

impl Extra {
    /// The same behind what holds for more routes than this one.
    #[must_use]
    pub fn behind(&self, outer: &Self) -> Self {
        let mut all = outer.clone();
        all.answers.extend(self.answers.iter().cloned());
        all.request_headers.extend(self.request_headers.iter().cloned());
        all.answer_headers.extend(self.answer_headers.iter().cloned());
        all.hidden_headers.extend(self.hidden_headers.iter().cloned());
        all.hidden_beginnings.extend(self.hidden_beginnings.iter().cloned());
        all.passed_headers.extend(self.passed_headers.iter().cloned());
        all.rewrites.extend(self.rewrites.iter().cloned());
        all.expires = self.expires.or(all.expires);
        all.expires_when.extend(self.expires_when.iter().cloned());
        all.default_type = self.default_type.clone().or(all.default_type);
        all.charset = self.charset.clone().or(all.charset);
        if !self.cookie_flags.is_empty() {
            all.cookie_flags.clone_from(&self.cookie_flags);
        }
        all.gzip = match (self.gzip.clone(), all.gzip) {
            (Some(inner), Some(outer)) => Some(inner.over(outer)),
            (inner, outer) => inner.or(outer),
        };
        all.client_body_s = self.client_body_s.or(all.client_body_s);
        all.client_send_s = self.client_send_s.or(all.client_send_s);
        all.request_limit_status = self.request_limit_status.or(all.request_limit_status);
        all.connection_limit_status = self.connection_limit_status.or(all.connection_limit_status);
        all.raw.extend(self.raw.iter().cloned());
        all.substitutions = self.substitutions.clone().or(all.substitutions);
        all
    }
}

impl Extra {
    /// Whether a text that is sent has one of these variables.
    #[must_use]
    pub fn uses(&self, names: &[&str]) -> bool {
        self.texts().any(|text| text.uses(names))
    }

    /// Texts that are sent.
    pub fn texts(&self) -> impl Iterator<Item = &VariableText> {
        let targets = self.answers.iter().map(|answer| &answer.text).chain(self.rewrites.iter().flat_map(PathRewrite::texts));
        let substitutions = self.substitutions.iter().flat_map(|all| &all.texts).flat_map(|(from, to)| [from, to]);
        self.headers().chain(targets).chain(substitutions)
    }

    /// The values of all headers.
    pub fn headers(&self) -> impl Iterator<Item = &VariableText> {
        let headers = self.request_headers.iter().map(|header| &header.value).chain(self.answer_headers.iter().map(|header| &header.value));
        headers.chain(self.answers.iter().flat_map(|answer| &answer.headers).map(|header| &header.value))
    }

    /// Whether a text that is sent, or a condition, uses the variable `name`.
    #[must_use]
    pub fn looks_at(&self, name: &str) -> bool {
        let answers = self.answers.iter().flat_map(EarlyAnswer::conditions);
        let mut conditions = answers.chain(self.rewrites.iter().filter_map(|rewrite| rewrite.when.as_ref())).chain(self.chosen());
        self.uses(&[name]) || conditions.any(|condition| condition.variable.uses(&[name]))
    }

    /// What all has to hold for headers, each once.
    #[must_use]
    pub fn conditions_of_headers(&self) -> Vec<&[Condition]> {
        let of_requests = self.request_headers.iter().map(|header| header.when.as_slice());
        let mut all: Vec<&[Condition]> = Vec::new();
        let of_answers = self.answer_headers.iter().map(|header| header.when.as_slice());
        for when in of_requests.chain(of_answers).chain(self.expires_when.iter().map(|own| own.when.as_slice())) {
            if !when.is_empty() && !all.contains(&when) {
                all.push(when);
            }
        }
        all
    }

    /// The conditions in these.
    pub fn chosen(&self) -> impl Iterator<Item = &Condition> {
        self.conditions_of_headers().into_iter().flatten()
    }

    /// Headers of the service that decides, as often as texts have them.
    pub fn answered(&self) -> impl Iterator<Item = &HeaderName> {
        let headers = self.request_headers.iter().map(|header| &header.value).chain(self.answer_headers.iter().map(|header| &header.value));
        headers.flat_map(VariableText::answered)
    }

    /// The same with texts in place of such variables.
    #[must_use]
    pub fn filled<'t>(mut self, text_of: impl Fn(&str) -> Option<&'t str>) -> Self {
        let headers = self.request_headers.iter_mut().map(|header| &mut header.value);
        let answered = self.answer_headers.iter_mut().map(|header| &mut header.value);
        let targets = self.rewrites.iter_mut().flat_map(|rewrite| [&mut rewrite.target, &mut rewrite.query]);
        let early = self
            .answers
            .iter_mut()
            .flat_map(|answer| std::iter::once(&mut answer.text).chain(answer.headers.iter_mut().map(|header| &mut header.value)));
        let substitutions = self.substitutions.iter_mut().flat_map(|all| &mut all.texts).flat_map(|(from, to)| [from, to]);
        for text in headers.chain(answered).chain(targets).chain(early).chain(substitutions) {
            *text = text.filled(&text_of);
        }
        self
    }
}

/// The name of a set of characters, such as `utf-8`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Charset(String);

impl Charset {
    /// Checks and keeps a name; `None` for what is none.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let good = (1..=40).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        good.then(|| Self(text.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A header of answers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AnswerHeader {
    /// Name of the header.
    pub name: HeaderName,
    /// Value of the header; an empty one is not sent.
    pub value: VariableText,
    /// Whether the header is sent whatever the status; otherwise with success and redirects only.
    pub always: bool,
    /// Whether the header takes the place of the endpoint's; an empty one drops that.
    pub replaces: bool,
    /// What all holds of its requests.
    pub when: Vec<Condition>,
    /// The statuses with which the header is sent; empty: [`AnswerHeader::always`] decides.
    pub statuses: Vec<u16>,
    /// The media types of answers with which the header is sent; empty: all.
    pub types: Vec<MediaType>,
}

impl AnswerHeader {
    /// Whether some answers do without it, whatever their status has to do with success.
    #[must_use]
    pub fn is_for_some(&self) -> bool {
        !(self.when.is_empty() && self.statuses.is_empty() && self.types.is_empty())
    }
}

/// A header for the endpoints.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestHeader {
    /// Its name.
    pub name: HeaderName,
    /// Value of the header; an empty one drops the client's.
    pub value: VariableText,
    /// What all holds of its requests.
    pub when: Vec<Condition>,
}

/// An answer in place of what the route would do.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EarlyAnswer {
    /// When it is given; `None`: always.
    pub when: Option<Condition>,
    /// What holds then as well; empty without `when`.
    pub also: Vec<Condition>,
    /// It is a redirect for paths that this fits, whose groups its text may use.
    pub path: Option<TextRegex>,
    /// 200 to 599.
    pub status: u16,
    /// Where a redirect leads, with 301, 302, 303, 307 and 308; else what the answer says. Without `path` it may use the
    /// groups of the expression in `when`.
    pub text: VariableText,
    /// What a redirect for some paths makes of the query of the request.
    pub query: Query,
    /// What it is sent with, in place of headers that answers of endpoints are given beside their own; only without `path`.
    pub headers: Vec<AnswerHeader>,
    /// When it becomes stale, with success and redirects; only without `path`.
    pub expires: Option<Expires>,
    /// Nothing is logged.
    pub unlogged: bool,
}

impl EarlyAnswer {
    /// All that has to hold; none: it is always given.
    pub fn conditions(&self) -> impl Iterator<Item = &Condition> {
        self.when.iter().chain(&self.also)
    }
}

/// What becomes of the query of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Query {
    /// It stands behind the new path.
    Kept,
    /// It stands behind a query that the new path has.
    Appended,
    /// It is gone.
    Dropped,
}

/// Another path for the endpoints.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PathRewrite {
    /// When; `None`: always.
    pub when: Option<Condition>,
    /// Fits the path somewhere.
    pub path: TextRegex,
    /// The whole new path; it may use the groups of the expression.
    pub target: VariableText,
    /// The query that stands behind it, in front of that of the request, with the same groups; empty: there is none.
    pub query: VariableText,
    /// The query of the request stays.
    pub keeps_query: bool,
}

impl PathRewrite {
    /// What the new path and query are made of.
    pub fn texts(&self) -> impl Iterator<Item = &VariableText> {
        [&self.target, &self.query].into_iter()
    }
}

/// When an answer that went well becomes stale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Expires {
    /// As the endpoint says.
    Off,
    /// Long ago.
    Epoch,
    /// Late in 2037.
    Max,
    /// So many seconds from now; below 0: it is already.
    After(i64),
}

/// When an answer becomes stale whose request fulfils conditions.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ExpiresWhen {
    /// What all holds; not empty.
    pub when: Vec<Condition>,
    /// When.
    pub expires: Expires,
}

/// How answers are compressed; of what is `None` nothing is said.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Gzip {
    /// Whether answers are compressed.
    pub on: Option<bool>,
    /// Types of such answers beside `text/html`; empty: all.
    pub types: Option<Vec<MediaType>>,
    /// The shortest of them.
    pub min_bytes: Option<u64>,
    /// 1 to 9.
    pub level: Option<u64>,
    /// `Vary: Accept-Encoding` is said.
    pub vary: Option<bool>,
    /// Whether answers to requests of other proxies (with `Via`) are compressed, too.
    pub proxied: Option<bool>,
}

impl Gzip {
    /// These settings, with those of `under` where they say nothing.
    #[must_use]
    pub fn over(self, under: Self) -> Self {
        Self {
            on: self.on.or(under.on),
            types: self.types.or(under.types),
            min_bytes: self.min_bytes.or(under.min_bytes),
            level: self.level.or(under.level),
            vary: self.vary.or(under.vary),
            proxied: self.proxied.or(under.proxied),
        }
    }
}

/// Texts in answers that others stand in for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Substitutions {
    /// What is looked for, and what stands there then; not empty.
    pub texts: Vec<(VariableText, VariableText)>,
    /// Only the first of each is replaced.
    pub once: bool,
    /// Types of such answers beside `text/html`; `None`: no others, empty: all.
    pub types: Option<Vec<MediaType>>,
}

/// A directive of nginx without a meaning of its own here.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RawDirective {
    /// Lower-case letters, digits and `_`.
    pub name: String,
    /// Printable words; variables in them are nginx's.
    pub words: Vec<String>,
    /// What stands between its braces.
    pub block: Option<Vec<RawDirective>>,
}

/// What is asked about a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Condition {
    /// One variable, and nothing else; that of the client's address with [`Test::Within`].
    pub variable: VariableText,
    /// What the text is compared with.
    pub test: Test,
    /// The condition holds when the test does not.
    pub negated: bool,
}

impl Condition {
    /// The condition that holds where this one does not.
    #[must_use]
    pub fn negation(&self) -> Self {
        Self { negated: !self.negated, ..self.clone() }
    }

    /// The expression whose groups are known where the condition holds.
    #[must_use]
    pub const fn matched(&self) -> Option<&TextRegex> {
        match &self.test {
            Test::Matches { expression, .. } if !self.negated => Some(expression),
            _ => None,
        }
    }
}

/// A comparison.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Test {
    /// With this text, which is not empty; case counts.
    Is(String),
    /// With an expression.
    Matches {
        /// Unanchored.
        expression: TextRegex,
        /// Case does not count.
        ignoring_case: bool,
    },
    /// Whether an address is in one of these.
    Within(Vec<IpNet>),
}
