//! What a route does beside all else: what snippets ask for and no annotation has a word for.

use crate::names::{HeaderName, TextRegex, VariableText};

/// Further wishes for the requests of a route.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Extra {
    /// Answers before anybody is asked who they are; the first whose condition holds is given.
    pub answers: Vec<EarlyAnswer>,
    /// Headers for the endpoints; an empty value drops the client's.
    pub request_headers: Vec<(HeaderName, VariableText)>,
    /// Headers of answers.
    pub answer_headers: Vec<AnswerHeader>,
    /// Headers of endpoints that are not passed on.
    pub hidden_headers: Vec<HeaderName>,
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
        all
    }
}

/// A header of answers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AnswerHeader {
    /// Its name.
    pub name: HeaderName,
    /// Its value; an empty one is not sent.
    pub value: VariableText,
    /// It is sent whatever the status; otherwise with success and redirects only.
    pub always: bool,
    /// It takes the place of the endpoint's.
    pub replaces: bool,
}

/// An answer in place of what the route would do.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EarlyAnswer {
    /// When it is given; `None`: always.
    pub when: Option<Condition>,
    /// 200 to 599.
    pub status: u16,
    /// Where a redirect leads, with 301, 302, 303, 307 and 308; else what the answer says.
    pub text: VariableText,
}

/// What is asked about a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Condition {
    /// One variable, and nothing else.
    pub variable: VariableText,
    /// What it is compared with.
    pub test: Test,
    /// The condition holds when the test does not.
    pub negated: bool,
}

/// A comparison.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Test {
    /// With this text, which is not empty; case does not count.
    Is(String),
    /// With an expression.
    Matches {
        /// Unanchored.
        expression: TextRegex,
        /// Case does not count.
        ignoring_case: bool,
    },
}
