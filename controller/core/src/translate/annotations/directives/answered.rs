//! `auth_request_set`: names for what the service that decides has answered. A name of a user is looked up here and never
//! written anywhere; what it stands for is a header.

use super::Meaning;
use super::meaning::{Answers, NO_MEANING};
use super::reader::{self, Directive};
use super::words::free_name;
use crate::model::SignIn;
use crate::names::variable::{is_of_route, is_variable};
use crate::names::{HeaderName, TextPart, VariableText, shown};
use crate::settings::auth;

/// The cookie of the service, which has this name without being asked for.
const COOKIE: (&str, &str) = ("auth_cookie", "set-cookie");

/// The directive.
pub(super) const SET: &str = "auth_request_set";

/// A variable, and the header that it stands for; `None`: a cookie of the service, which reaches clients without being named,
/// so that no text has the variable.
pub(super) fn named(words: &[&str]) -> Result<(String, Option<HeaderName>), String> {
    let [variable, value] = words else { return Err("it takes a variable and what the service has answered".to_owned()) };
    let name = free_name(variable)?;
    let source = value.strip_prefix('$').map(|rest| rest.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(rest));
    let is_cookie = |source: &str| source.strip_prefix("upstream_cookie_").is_some_and(|_| is_variable(&source.to_ascii_lowercase()));
    if source.is_some_and(is_cookie) {
        return Ok((name, None));
    }
    let header = source.and_then(|source| source.strip_prefix("upstream_http_")).filter(|header| !header.is_empty());
    let header = header.and_then(|header| HeaderName::new(&header.replace('_', "-")).ok());
    header.map(|header| (name, Some(header))).ok_or_else(|| {
        format!("{NO_MEANING} for {}: only headers of the service are known, as $upstream_http_x_user is X-User; its cookies reach clients anyway", shown(value))
    })
}

/// The headers of the service by the names that a snippet gives them, in lower case; none if it cannot be read.
pub(in crate::translate) fn names(text: &str) -> Answers {
    let mut meaning = Meaning::default();
    meaning.learn(&reader::read(text).unwrap_or_default());
    meaning.answered
}

impl Meaning {
    /// Learns the names in advance: nginx knows them wherever they are set. Of several of a name the last one counts.
    pub(super) fn learn(&mut self, directives: &[Directive]) {
        self.expect_choices(directives);
        for directive in directives.iter().filter(|directive| directive.name == SET && directive.block.is_none()) {
            let words: Vec<&str> = directive.arguments.iter().map(String::as_str).collect();
            self.answered.extend(named(&words).ok().and_then(|(name, header)| Some((name, header?))));
        }
    }

    /// The value of a header, with what the service has answered.
    pub(super) fn header_text(&self, text: &str) -> Result<VariableText, String> {
        let header = |name: &str| {
            let name = name.to_ascii_lowercase();
            self.answered.get(&name).cloned().or_else(|| if name == COOKIE.0 { HeaderName::new(COOKIE.1).ok() } else { None })
        };
        VariableText::parse_with_answers(&self.filled(text)?, header, is_of_route).map_err(|bad| bad.0)
    }
}

impl Meaning {
    /// Where `error_page` sends clients in place of 401. What the service has answered may be all of the URL.
    pub(super) fn read_sign_in(&self, url: &str) -> Result<SignIn, String> {
        let text = self.filled(url)?;
        let answered = |name: &str| self.answered.get(&name.to_ascii_lowercase()).cloned();
        let whole = VariableText::parse_with_answers(&text, answered, |_| false).ok();
        if let Some(url) = whole.filter(|text| matches!(text.parts(), [TextPart::Answered(_)])) {
            return Ok(SignIn { url, joint: None });
        }
        let read = auth::sign_in_with_answers(&text, "", answered).map_err(|mistake| mistake.message);
        read.map(|read| SignIn { joint: None, ..read })
    }
}

/// Whether a header of answers is the cookie of the service, which clients are sent in any case.
pub(super) fn is_cookie(name: &HeaderName, value: &VariableText) -> bool {
    let mut answered = value.answered();
    let is_cookie = |header: &HeaderName| header.lower_case() == COOKIE.1;
    is_cookie(name) && value.parts().len() == 1 && answered.next().is_some_and(is_cookie)
}

/// What comes before the service is asked knows nothing of its answer.
pub(super) fn without_answers(text: VariableText) -> Result<VariableText, String> {
    if let Some(header) = text.answered().next() {
        return Err(format!("what the service answers in {header} is known to headers of requests and answers only"));
    }
    Ok(text)
}
