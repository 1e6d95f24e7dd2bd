//! Whether one request goes to the canary of its route: the order of [`CanaryRules`](crate::model::CanaryRules).

use super::Request;
use crate::model::{Affinity, Backend, BackendId, Canary, CanaryHeader, CanaryHeaderTest};

/// Whether a request whose route leads to `id`, which is `primary`, goes to the canary; `None`: chance decides, or a proxy may
/// not find out.
pub(super) fn takes(canary: &Canary, id: &BackendId, primary: Option<&Backend>, request: &Request) -> Option<bool> {
    let rules = &canary.rules;
    let affinity = primary.and_then(|primary| primary.policy.affinity.as_ref());
    let session = affinity.and_then(|affinity| by_session(&request.cookie(&affinity.cookie)?, canary, id));
    let header = || rules.header.as_ref().and_then(|header| by_header(header, request));
    let cookie = || rules.cookie.as_ref().and_then(|name| by_word(&request.cookie(name)?));
    session.map(Some).or_else(header).or_else(|| cookie().map(Some)).unwrap_or(match rules.weight {
        0 => Some(false),
        weight if weight >= rules.total => Some(true),
        _ => None,
    })
}

/// Which of both a client has a session with.
fn by_session(value: &str, canary: &Canary, id: &BackendId) -> Option<bool> {
    let (_, key) = value.rsplit_once('|')?;
    let is_canary = canary.rules.is_sticky && key == Affinity::backend_key(&canary.backend);
    (is_canary || key == Affinity::backend_key(id)).then_some(is_canary)
}

fn by_word(value: &str) -> Option<bool> {
    match value {
        "always" => Some(true),
        "never" => Some(false),
        _ => None,
    }
}

/// `None`: it decides nothing; `Some(None)`: that is not known.
fn by_header(CanaryHeader { name, test }: &CanaryHeader, request: &Request) -> Option<Option<bool>> {
    let value = request.header(name.as_str()).filter(|value| !value.is_empty())?;
    match test {
        CanaryHeaderTest::Words => by_word(&value).map(Some),
        CanaryHeaderTest::Value(own) => (value == *own).then_some(Some(true)),
        CanaryHeaderTest::Pattern(pattern) => match pattern.occurs_in(&value, false) {
            Some(false) => None,
            known => Some(known),
        },
        CanaryHeaderTest::Never => Some(Some(false)),
    }
}
