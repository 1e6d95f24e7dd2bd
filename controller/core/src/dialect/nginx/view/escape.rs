//! The target of a request, percent-encoded. nginx has nothing that does this, so maps take it apart: each takes some
//! characters off the front, and its value goes on with that of the next map.

use super::route::escapes_targets;
use crate::dialect::nginx::expression::Expression;
use crate::model::{Feature, Model};
use crate::names::variable::ESCAPED_TARGET;
use serde::Serialize;

/// So many maps, and so many characters of a target that are encoded by each of them; it ends before a further one, for what is
/// not encoded could be another parameter.
const LEVELS: usize = 8;
const PER_LEVEL: usize = 8;

/// Characters of targets that are encoded, beside those that no client sends. Letters, digits and `-._~!*'()` are not.
const ENCODED: &str = "%/?&=+:;,@$#\"<>[]\\^`{|}";

/// Characters that are not encoded.
const PLAIN: &str = "[0-9A-Za-z._~!*'()-]";

/// What `escape.tera` sees.
#[derive(Debug, Serialize)]
pub(in crate::dialect::nginx) struct EscapeView {
    levels: Vec<LevelView>,
    /// What is left, and what of it needs no encoding.
    last: LastView,
    characters: Vec<CharacterView>,
}

#[derive(Debug, Serialize)]
struct LevelView {
    from: Expression,
    to: Expression,
    pattern: String,
    value: Expression,
    /// Variables with one character each, and the variables with what stands for it.
    encoded: Vec<EncodedView>,
}

#[derive(Debug, Serialize)]
struct LastView {
    from: Expression,
    to: Expression,
    pattern: String,
    value: Expression,
}

#[derive(Debug, Serialize)]
struct EncodedView {
    from: Expression,
    to: Expression,
}

#[derive(Debug, Serialize)]
struct CharacterView {
    /// Begins with a backslash, which makes nginx take the rest as it is.
    key: String,
    code: String,
}

impl EscapeView {
    /// `None`: nobody needs it.
    pub(in crate::dialect::nginx) fn new(model: &Model) -> Option<Self> {
        let mut routes = model.hosts.having(Feature::ExternalAuth).flat_map(|host| &host.routes);
        let needed = routes.any(|route| route.policy.external_auth.as_ref().is_some_and(|auth| escapes_targets(auth)));
        needed.then(|| Self {
            levels: (0..LEVELS).map(LevelView::new).collect(),
            last: LastView::new(),
            characters: ENCODED.chars().map(|c| CharacterView { key: format!("\\{c}"), code: format!("%{:02X}", u32::from(c)) }).collect(),
        })
    }
}

fn rest(level: usize) -> String {
    format!("gw_rest_{level}")
}

/// Where what a level makes of a target goes.
fn to(level: usize) -> String {
    if level == 0 { ESCAPED_TARGET.to_owned() } else { format!("gw_escaped_{level}") }
}

impl LastView {
    fn new() -> Self {
        const END: &str = "gw_end";
        Self {
            from: Expression::variable(&rest(LEVELS - 1)),
            to: Expression::variable(&to(LEVELS)),
            pattern: format!("~^(?<{END}>{PLAIN}*)"),
            value: Expression::variable(END),
        }
    }
}

impl LevelView {
    fn new(level: usize) -> Self {
        let name = |kind: &str, number: usize| format!("gw_{kind}_{level}_{number}");
        let mut pattern = String::from("~^");
        let mut value = Expression::default();
        for number in 0..PER_LEVEL {
            let (plain, odd) = (name("plain", number), name("odd", number));
            pattern.push_str(&format!("(?<{plain}>{PLAIN}*)(?<{odd}>.?)"));
            value = value.and_variable(&plain).and_variable(&name("code", number));
        }
        pattern.push_str(&format!("(?<{}>.*)\\z", rest(level)));
        Self {
            from: if level == 0 { Expression::variable("request_uri") } else { Expression::variable(&rest(level - 1)) },
            to: Expression::variable(&to(level)),
            pattern,
            value: value.and_variable(&to(level + 1)),
            encoded: (0..PER_LEVEL)
                .map(|number| EncodedView {
                    from: Expression::variable(&name("odd", number)),
                    to: Expression::variable(&name("code", number)),
                })
                .collect(),
        }
    }
}
