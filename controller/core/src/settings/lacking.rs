//! Keys that the proxy in use cannot do justice to.

use super::{Problem, ProblemKind};
use crate::model::Lack;
use std::collections::BTreeMap;

/// Says those that ask for something; values that were refused, of which `said` tells, do not.
pub(super) fn problems(lacks: &[Lack], data: &BTreeMap<String, String>, said: &[Problem]) -> Vec<Problem> {
    let is_read = |key: &str| said.iter().all(|problem| problem.key != key);
    let asks = |lack: &Lack| data.get(lack.key).is_some_and(|value| !value.is_empty() && !lack.is_fine(value));
    let asked = |lack: &&Lack| lack.is_setting && asks(lack) && is_read(lack.key);
    let problem = |lack: &Lack| Problem {
        key: lack.key.to_owned(),
        kind: ProblemKind::Unsupported,
        message: format!("{} cannot be had from this proxy: {}", lack.key, lack.effect),
        help: "remove it".to_owned(),
    };
    lacks.iter().filter(asked).map(problem).collect()
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
        assert_eq!((count("log-format-upstream", "$status"), count("log-format-upstream", "")), (1, 0));
        assert_eq!((count("proxy-http-version", "1.0"), count("proxy-http-version", "1.1")), (1, 0));
        assert_eq!(count("use-gzip", "true"), 0);
        assert_eq!((count("log-format-stream", "$status"), count("proxy-stream-responses", "2")), (1, 1));
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
