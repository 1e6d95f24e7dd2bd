//! Requests that are refused by who asks, and texts that are looked for.

use super::addresses;
use super::public::ReceivedView;
use crate::model::Blocking;
use crate::names::TextPattern;
use serde::Serialize;
use std::borrow::Cow;

/// Requests that are refused whatever they ask for.
#[derive(Debug, Serialize)]
pub(super) struct BlockingView<'m> {
    /// Headers that are looked at: several lines of one are one value.
    headers: Vec<ReceivedView>,
    /// In lines of a bounded number.
    addresses: Vec<Vec<String>>,
    patterns: Vec<BlockedView<'m>>,
}

#[derive(Debug, Serialize)]
struct BlockedView<'m> {
    /// The variable that keeps what is looked at.
    variable: &'static str,
    /// The header that it is from.
    header: &'static str,
    #[serde(flatten)]
    text: TextView<'m>,
}

/// What a text is like.
#[derive(Debug, Serialize)]
pub(super) struct TextView<'m> {
    /// An expression, or the whole text.
    regex: bool,
    ignore_case: bool,
    text: Cow<'m, str>,
    /// Of which texts it is known whether it matches; `None`: of all.
    decided: Option<String>,
}

impl<'m> TextView<'m> {
    pub(super) fn new(pattern: &'m TextPattern) -> Self {
        let (regex, ignore_case) = match pattern {
            TextPattern::Exact(text) => {
                return Self { regex: false, ignore_case: true, text: Cow::Borrowed(text), decided: None };
            }
            TextPattern::Regex(regex) => (regex, false),
            TextPattern::RegexIgnoringCase(regex) => (regex, true),
        };
        Self { regex: true, ignore_case, text: regex.bounded(), decided: regex.decided() }
    }
}

impl<'m> BlockingView<'m> {
    pub(super) fn new(blocking: &'m Blocking) -> Self {
        const USER_AGENT: (&str, &str) = ("asking_agent", "user-agent");
        const REFERER: (&str, &str) = ("asking_referer", "referer");
        let of = |(variable, header), patterns: &'m [TextPattern]| {
            patterns.iter().map(move |pattern| BlockedView { variable, header, text: TextView::new(pattern) })
        };
        let kept = |(variable, header): (&str, &str)| ReceivedView { variable: variable.to_owned(), header: header.to_owned() };
        let agents = (!blocking.user_agents.is_empty()).then(|| kept(USER_AGENT));
        let referers = (!blocking.referers.is_empty()).then(|| kept(REFERER));
        Self {
            headers: agents.into_iter().chain(referers).collect(),
            addresses: addresses::lines(&blocking.addresses),
            patterns: of(USER_AGENT, &blocking.user_agents).chain(of(REFERER, &blocking.referers)).collect(),
        }
    }
}
