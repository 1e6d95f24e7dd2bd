//! Keys that the proxy in use cannot do justice to.

use super::{Problem, ProblemKind};
use crate::model::{Lack, LackingWay};
use std::collections::BTreeMap;

/// Says those that ask for something; values that were refused, of which `said` tells, do not.
pub(super) fn problems(lacks: &[Lack], data: &BTreeMap<String, String>, said: &[Problem]) -> Vec<Problem> {
    let is_read = |key: &str| said.iter().all(|problem| problem.key != key);
    let asks = |lack: &&Lack| lack.is_setting && is_read(lack.key);
    lacks.iter().filter(asks).filter_map(|lack| problem(lack, data.get(lack.key)?)).collect()
}

/// What is said of a value; `None`: it asks for nothing that is lacking.
fn problem(lack: &Lack, value: &str) -> Option<Problem> {
    let culprits = lack.culprits.map(|find| find(value));
    if value.is_empty() || lack.is_fine(value) || culprits.as_ref().is_some_and(Vec::is_empty) {
        return None;
    }
    let (kind, how, help) = match lack.way {
        LackingWay::Nearly => (ProblemKind::Approximated, "is not quite had from", ""),
        LackingWay::Told | LackingWay::Closes => (ProblemKind::Unsupported, "cannot be had from", "remove it"),
    };
    let named = culprits.map(|culprits| format!(": {}", culprits.join(", "))).unwrap_or_default();
    Some(Problem {
        key: lack.key.to_owned(),
        kind,
        message: format!("{} {how} this proxy: {}{named}", lack.key, lack.effect),
        help: help.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::haproxy::HAPROXY;
    use crate::settings::{Settings, read};

    fn said(key: &str, value: &str) -> Vec<Problem> {
        let settings = Settings { lacks: (HAPROXY.lacks)(HAPROXY.oldest), ..Settings::default() };
        read(&settings, &BTreeMap::from([(key.to_owned(), value.to_owned())])).1
    }

    #[test]
    fn keys_that_the_proxy_cannot_do_are_said_where_they_ask_for_something() {
        let count = |key: &str, value: &str| said(key, value).len();
        assert_eq!((count("log-format-upstream", "$pipe $status"), count("log-format-upstream", "")), (0, 0));
        assert_eq!((count("proxy-http-version", "1.0"), count("proxy-http-version", "1.1")), (1, 0));
        assert_eq!(count("use-gzip", "true"), 0);
        assert_eq!((count("log-format-stream", "$status"), count("proxy-stream-responses", "2")), (0, 1));
    }

    #[test]
    fn variables_without_a_word_are_named() {
        for (key, format, names) in [
            ("log-format-upstream", "$status $ssl_curves ${connection}x $ssl_curves", "$connection, $ssl_curves"),
            ("log-format-stream", "$status $upstream_connect_time", "$upstream_connect_time"),
        ] {
            let found = said(key, format);
            assert_eq!(found[0].kind, ProblemKind::Approximated);
            assert!(found.len() == 1 && found[0].message.ends_with(&format!(" in its lines: {names}")), "{found:?}");
        }
    }

    #[test]
    fn a_value_that_is_refused_is_said_once() {
        for lack in (HAPROXY.lacks)(HAPROXY.oldest).iter().filter(|lack| lack.is_setting) {
            let said = said(lack.key, "no value\u{7f}");
            assert!(said.len() == 1 && said[0].kind != ProblemKind::Unsupported, "{}: {said:?}", lack.key);
        }
    }

    #[test]
    fn every_key_that_is_lacking_is_a_key() {
        for lack in (HAPROXY.lacks)(HAPROXY.oldest).iter().filter(|lack| lack.is_setting) {
            assert!(said(lack.key, "1").iter().all(|problem| problem.kind != ProblemKind::Unknown), "{}", lack.key);
        }
    }
}
