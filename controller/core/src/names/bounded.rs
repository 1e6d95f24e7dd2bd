//! Expressions as a proxy is given them, so that none keeps it busy for more than some milliseconds.
//!
//! What takes few steps of any text is given as it is. All else has a limit on the steps that a PCRE counts, and is written
//! so that it counts them: from the beginning of the text on, as steps are counted anew from every other place where an
//! expression may begin, and without runs of characters that are taken at one go. A PCRE that comes to its limit does not
//! know whether the expression matches: nginx answers 500, and HAProxy has to be asked for that.

use super::cost;
use super::machine::{Flags, occurs};
use super::parts::{Part, size};
use super::route::split;
use super::{RouteRegex, TextRegex, literal_begin};
use std::borrow::Cow;

/// Steps that an expression may take without a limit: some milliseconds.
const FEW: u64 = 300_000;
/// Steps after which it is not told whether one without a limit matches; far more than they take.
const ENOUGH: usize = 3_000_000;
/// Steps that others may take; one or two milliseconds, if every one looks at few characters.
const LIMIT: usize = 100_000;
/// Of so many expressions that a path is compared with one after the other, each may take them; of more, each takes less.
const USUAL_NUMBER: usize = 4;
/// Characters that steps of an expression as long as this look at.
const USUAL_LENGTH: usize = 20;
/// Steps of all expressions of a host that have no limit; far more than they take.
const OTHERS: usize = 100_000;
/// The same for each of them, as there may be thousands.
const OTHER: usize = 100;

impl TextRegex {
    /// What stands in front of it where it is searched for anywhere in a text: nothing, if it takes few steps. One that begins
    /// with anything is searched for from the beginning only, and must not stand behind `.*?` (see [`Self::begins_with_any`]).
    #[must_use]
    pub fn limits(&self) -> String {
        let all = self.parts();
        let bound = split(self.as_str()).iter().all(|own| own.starts_with('^')) || self.begins_with_any();
        limits(limit(self, cost::steps(&all, !bound), 1))
    }

    /// Whether all its alternatives begin with `.*`: what they match somewhere, they match from the beginning on.
    #[must_use]
    pub fn begins_with_any(&self) -> bool {
        split(self.as_str()).iter().all(|own| own.starts_with(".*"))
    }

    /// The characters that everything begins with in which it occurs; `None`: it may occur further on.
    #[must_use]
    pub fn bound_beginning(&self) -> Option<String> {
        match split(self.as_str())[..] {
            [one] => one.strip_prefix('^').map(|rest| literal_begin(rest).0),
            _ => None,
        }
    }

    /// As it is given to a proxy that searches for it anywhere in a text.
    #[must_use]
    pub fn bounded(&self) -> Cow<'_, str> {
        let limits = self.limits();
        if limits.is_empty() { Cow::Borrowed(self.as_str()) } else { Cow::Owned(format!("{limits}^(?s:.*?)(?:{self})")) }
    }

    /// Whether the expression matches somewhere in a text; `None`: a PCRE may give up before it knows.
    #[must_use]
    pub fn occurs_in(&self, text: impl AsRef<[u8]>, ignoring_case: bool) -> Option<bool> {
        let steps = if self.limits().is_empty() { ENOUGH } else { LIMIT / 10 };
        occurs(self.as_str(), Flags { ignoring_case, dot_all: false }, text.as_ref(), steps)
    }

    /// An expression that matches every text of which a PCRE knows whether this one occurs in it; `None`: of all texts.
    #[must_use]
    pub fn decided(&self) -> Option<String> {
        let limits = self.limits();
        let is_unsure = !limits.is_empty() || cost::has_many_rounds(&self.parts());
        let before = if self.begins_with_any() { "" } else { "(?s:.*?)" };
        is_unsure.then(|| format!("{limits}^(?:(?={before}(?:{self}))|)"))
    }
}

impl RouteRegex {
    /// Most expressions of a host that may have a limit of steps; more would keep a proxy busy all together.
    pub const MOST_SLOW: usize = 40;

    /// Whether the expression is given a limit of steps.
    #[must_use]
    pub fn is_slow(&self) -> bool {
        self.cost.steps > FEW
    }

    /// How many steps it may take of a long path, for people; an estimate, of orders of magnitude.
    #[must_use]
    pub fn steps(&self) -> String {
        const MANY: u64 = 1_000_000_000_000;
        if self.cost.steps > MANY { format!("more than {MANY}") } else { self.cost.steps.to_string() }
    }

    /// How many steps it may take where it is compared from the beginning of a path on; `None`: as many as it takes. `slow`:
    /// how many such expressions a path may be compared with.
    #[must_use]
    pub fn limit(&self, slow: usize) -> Option<usize> {
        limit(self.text(), self.cost.steps, slow)
    }

    /// What stands in front of it there.
    #[must_use]
    pub fn limits(&self, slow: usize) -> String {
        limits(self.limit(slow))
    }

    /// As nginx is given it, which compares it from the beginning of a path on; `text`: itself, or with names for its groups.
    #[must_use]
    pub fn bounded(&self, text: &str, slow: usize) -> String {
        let (limits, flags) = (self.limits(slow), if self.has_dot() { "(?s)" } else { "" });
        if limits.is_empty() {
            return format!("{flags}^{text}");
        }
        let alternatives = split(text);
        let (first, others) = alternatives.split_first().expect("there is always one");
        let begin = format!("{limits}{flags}^");
        if others.is_empty() { format!("{begin}{first}") } else { format!("{begin}(?:{first}|(?s:.*?)(?:{}))", others.join("|")) }
    }

    /// Whether it fits a path, as proxies compare: from its beginning on, but for all alternatives except the first one; `None`: a
    /// proxy may give up before it knows. `slow`: how many such expressions the path may be compared with.
    #[must_use]
    pub fn fits(&self, path: &[u8], slow: usize) -> Option<bool> {
        let steps = self.limit(slow).unwrap_or(ENOUGH);
        occurs(&format!("^{self}"), Flags { ignoring_case: true, dot_all: self.has_dot() }, path, steps)
    }

    /// Flags with which it is compared: without case, and its dots stand for line breaks, too. A client may send some,
    /// encoded, and a path that protects something would be passed by with one.
    #[must_use]
    pub fn flags(&self) -> &'static str {
        if self.has_dot() { "is" } else { "i" }
    }

    /// Whether a PCRE may come to an end without knowing whether it matches.
    #[must_use]
    pub fn is_unsure(&self) -> bool {
        self.is_slow() || self.cost.has_many_rounds
    }

    /// Whether it is found again at the beginning of a path that it has matched; one of several alternatives may have
    /// matched anywhere.
    #[must_use]
    pub fn begins_path(&self) -> bool {
        self.cost.again.is_none()
    }

    /// What stands in front of it where it is looked for in a path that it has matched, from the beginning on or anywhere.
    #[must_use]
    pub fn limits_again(&self) -> String {
        limits(limit(self.text(), self.steps_again(), 1))
    }

    /// Whether a PCRE may come to an end there without knowing whether it matches.
    #[must_use]
    pub fn is_unsure_again(&self) -> bool {
        self.steps_again() > FEW || self.cost.has_many_rounds
    }

    fn steps_again(&self) -> u64 {
        self.cost.again.unwrap_or(self.cost.steps)
    }
}

/// What is known of an expression of a path when it is made, as it is asked for often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RouteCost {
    steps: u64,
    /// Where it is looked for anywhere; `None`: nobody does.
    again: Option<u64>,
    has_many_rounds: bool,
}

impl RouteCost {
    /// Only the first alternative is bound to the beginning, and others may be by themselves.
    pub(super) fn new(expression: &TextRegex) -> Self {
        let (texts, mut alternatives) = (split(expression.as_str()), expression.parts());
        let has_many_rounds = cost::has_many_rounds(&alternatives);
        let again = (texts.len() > 1).then(|| cost::steps(&alternatives, true));
        let mut unbound: Vec<Vec<Part>> = Vec::new();
        for (n, text) in texts.iter().enumerate().rev() {
            if n > 0 && !text.starts_with('^') && n < alternatives.len() {
                unbound.push(alternatives.remove(n));
            }
        }
        let steps = cost::steps(&alternatives, false).saturating_add(cost::steps(&unbound, true));
        Self { steps, again, has_many_rounds }
    }
}

fn limit(expression: &TextRegex, steps: u64, slow: usize) -> Option<usize> {
    if steps <= FEW {
        return None;
    }
    // A possessive repetition takes its characters at one go whatever is said in front.
    let is_possessive = ["++", "*+", "?+", "}+"].iter().any(|sign| expression.as_str().contains(sign));
    let length = if is_possessive { usize::MAX } else { size(&expression.parts()) };
    let own = (LIMIT * USUAL_LENGTH / length.max(USUAL_LENGTH)).max(LIMIT / 10);
    Some((own * USUAL_NUMBER / slow.max(USUAL_NUMBER)).max(LIMIT / 10))
}

/// How many steps all expressions of a host may take that are compared one after the other; `None`: none has a limit. Each of
/// them may take as many, so that none comes to a limit where all together do not.
#[must_use]
pub fn limit_of_all<'e>(all: impl Iterator<Item = &'e RouteRegex>, slow: usize) -> Option<usize> {
    let add = |(limited, others): (usize, usize), path: &RouteRegex| match path.limit(slow) {
        Some(steps) => (limited + steps, others),
        None => (limited, others + OTHER),
    };
    let (limited, others) = all.fold((0, OTHERS), add);
    (limited > 0).then_some(limited + others)
}

/// What stands in front of an expression that may take so many steps.
#[must_use]
pub fn limits(steps: Option<usize>) -> String {
    steps.map(|steps| format!("(*LIMIT_MATCH={steps})(*NO_AUTO_POSSESS)")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(text: &str) -> String {
        RouteRegex::new(text).unwrap().limits(1)
    }

    #[test]
    fn what_people_write_is_given_as_it_is() {
        for plain in [
            "/",
            "/foo(/|$)(.*)",
            "/something/(.*)",
            "/id/[0-9]+/post/[a-zA-Z]+$",
            "/(v1|v2)/(.*)",
            r"/static/.*\.(css|js|png|jpe?g|svg|woff2?)$",
            "/[^/]+/[^/]+/edit$",
            "/api(/v[0-9]+)*/users",
            "/((?!api).*)",
            "/(.*)/api/(.*)",
            "/a|/b",
            "/[a-z]{2}(-[a-z]{2})?/.*",
            "/(?:[a-z0-9]+(?:-[a-z0-9]+)*)$",
            "/(?:(?!foo).)*x",
        ] {
            assert_eq!(limits(plain), "", "{plain}");
            let path = RouteRegex::new(plain).unwrap();
            let flags = if path.has_dot() { "(?s)" } else { "" };
            assert_eq!(path.bounded(plain, 1), format!("{flags}^{plain}"));
        }
        for plain in ["bot|spider", "^Mozilla/5", "(?i)curl", "[0-9]$", "^.*foo", ".*foo"] {
            assert_eq!(TextRegex::new(plain).map(|read| read.limits()), Ok(String::new()), "{plain}");
        }
    }

    #[test]
    fn what_takes_many_steps_has_a_limit() {
        for slow in [
            "/.*.*.*x",
            "/(.*)(.*)x",
            "/(.*)/(.*)/edit$",
            "/.*[a-z]+[0-9]",
            "/[a-z]*[a-z]*[a-z]*x",
            "/.{0,900}.{0,900}.{0,900}x",
            "/a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?b",
            "/(/[a-z]*[a-z]*)*9",
            "/(a|aa)+b",
            "/(?=.*.*x)",
            "/[a-z]*(?=[a-z]*(?=[a-z]*(?=.*8)9)9)9",
            "/(?:a(?=.*9))*y",
            "/(?:b(?:a(?=.*9)))*y",
            "/a|/.*b.*c",
            "/a|[a-z]*9",
        ] {
            assert!(limits(slow).starts_with("(*LIMIT_MATCH="), "{slow}");
        }
        for slow in ["a.*b", ".*a.*b", "[a-z]+[0-9]"] {
            let read = TextRegex::new(slow).unwrap();
            assert_eq!(read.bounded(), format!("(*LIMIT_MATCH=100000)(*NO_AUTO_POSSESS)^(?s:.*?)(?:{slow})"));
        }
        let [usual, long, possessive] = ["/.*.*.*x", "/.*.*a{500}x", "/.*.*[a-z]++x"].map(limits);
        assert_eq!(usual, "(*LIMIT_MATCH=100000)(*NO_AUTO_POSSESS)");
        assert_eq!([long, possessive].map(|limits| limits.contains("=10000)")), [true; 2], "these steps look at many characters");
        let among = |slow| RouteRegex::new("/.*.*x").unwrap().limit(slow);
        assert_eq!([1, 4, 8, 1000].map(among), [Some(100_000), Some(100_000), Some(50_000), Some(10_000)]);
    }

    #[test]
    fn only_the_first_alternative_is_bound_to_the_beginning() {
        let slow = "/a(x)|/.*(b.*c)|^/d";
        let bounded = RouteRegex::new(slow).unwrap().bounded(slow, 1);
        assert_eq!(bounded, "(*LIMIT_MATCH=100000)(*NO_AUTO_POSSESS)(?s)^(?:/a(x)|(?s:.*?)(?:/.*(b.*c)|^/d))");
    }

    #[test]
    fn dots_stand_for_line_breaks_too() {
        let flags = |text: &str| RouteRegex::new(text).unwrap().flags();
        assert_eq!(["/a.*", "/a(.)", r"/[\]]."].map(flags), ["is"; 3]);
        assert_eq!(["/a", r"/a\.b", "/[.]", r"/[\].]"].map(flags), ["i"; 4]);
    }

    #[test]
    fn what_has_matched_is_found_again_at_the_beginning_or_with_a_limit() {
        let again = |text: &str| {
            let path = RouteRegex::new(text).unwrap();
            (path.begins_path(), !path.limits_again().is_empty(), path.is_unsure_again())
        };
        assert_eq!(again("/(.*)/edit$"), (true, false, false), "from the beginning it takes few steps");
        assert_eq!(again("/(.*)/edit$|/b"), (false, true, true), "from anywhere it takes many");
        assert_eq!((again("/a|/b"), again("/.*.*x")), ((false, false, false), (true, true, true)));
    }

    #[test]
    fn steps_are_told_in_numbers_that_can_be_read() {
        let steps = |text: &str| RouteRegex::new(text).unwrap().steps();
        assert_eq!((steps("/"), steps("/(a|aa)+b")), ("1".to_owned(), "more than 1000000000000".to_owned()));
    }

    #[test]
    fn it_is_known_of_which_texts_it_is_known_whether_they_match() {
        let decided = |text: &str| TextRegex::new(text).unwrap().decided();
        assert_eq!(decided("^/a.*b"), None);
        assert_eq!(decided("^/(/[a-z]+)*$").as_deref(), Some("^(?:(?=(?s:.*?)(?:^/(/[a-z]+)*$))|)"));
        assert!(decided(".*.*x").is_some_and(|text| text.starts_with("(*LIMIT_MATCH=")));
        let begins_with_any = decided(".*(/[a-z]+)*$").unwrap();
        assert!(begins_with_any.ends_with(")^(?:(?=(?:.*(/[a-z]+)*$))|)"), "{begins_with_any}: from the beginning only");
        let unsure = |text: &str| RouteRegex::new(text).unwrap().is_unsure();
        assert!(!unsure("/a(/|$)(.*)") && unsure("/a(/[a-z]+)*$") && unsure("/.*.*x"));
    }

    #[test]
    fn what_all_may_take_each_may_take() {
        let of = |texts: &[&str]| {
            let all: Vec<RouteRegex> = texts.iter().map(|text| RouteRegex::new(text).unwrap()).collect();
            limit_of_all(all.iter(), all.iter().filter(|path| path.is_slow()).count())
        };
        assert_eq!(of(&["/a", "/b(/[a-z]+)*$"]), None);
        assert_eq!(of(&["/a", "/.*.*x"]), Some(200_100));
        assert_eq!(of(&["/.*.*x"; 8]), Some(500_000));
    }
}
