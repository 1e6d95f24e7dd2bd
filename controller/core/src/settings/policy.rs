//! Policies of the operator for those who write Ingresses: which annotations, hosts and sizes a namespace may use.

use super::unrepeated;
use super::values::{Mistake, bytes, seconds};
use crate::names::shown;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Key of a ConfigMap that holds a policy, in JSON; GatewrightParameters have `spec.policy` for it.
pub const POLICY_KEY: &str = "gatewright-policy";

/// What would do for one that cannot be read.
pub const POLICY_HELP: &str = "use hosts, annotations, wildcardHosts, catchAll, limits and reportOnly";

/// Rules for all Ingresses of a class. Nothing is forbidden that no rule speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Policy {
    /// What the rules forbid is said, and done all the same.
    pub report_only: bool,
    /// Who may claim which hosts: the first entry that has a host decides; a host in no entry is everybody's.
    pub hosts: Vec<HostRule>,
    /// Who may use which annotations; every entry for a namespace counts.
    pub annotations: Vec<AnnotationRule>,
    /// Namespaces that may claim wildcard hosts; `None`: all.
    pub wildcard_hosts: Option<Vec<Pattern>>,
    /// Namespaces that may answer for hosts that nobody claims; `None`: all.
    pub catch_all: Option<Vec<Pattern>>,
    /// The greatest value of annotations that are numbers or sizes, by name.
    pub limits: BTreeMap<String, Limit>,
}

/// Who owns hosts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostRule {
    /// The hosts; `*` stands for any number of characters.
    pub names: Vec<Pattern>,
    /// The namespaces that may claim them.
    pub namespaces: Vec<Pattern>,
}

/// Which annotations namespaces may use.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnnotationRule {
    /// The namespaces that it is for; `None`: all.
    #[serde(default)]
    pub namespaces: Option<Vec<Pattern>>,
    /// Names without prefix, or groups of them; `None`: all.
    #[serde(default)]
    pub allowed: Option<Vec<Pattern>>,
    /// Names without prefix, or groups of them; it goes before `allowed`.
    #[serde(default)]
    pub denied: Vec<Pattern>,
}

/// A text in which `*` stands for any number of characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(transparent)]
pub struct Pattern(Box<str>);

impl Pattern {
    /// A pattern that is written like this.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// Whether the whole text is like this.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let mut parts = self.0.split('*');
        let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
        let mut parts = parts.peekable();
        if parts.peek().is_none() {
            return rest.is_empty();
        }
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                return rest.ends_with(part);
            }
            let Some(at) = rest.find(part) else { return false };
            rest = &rest[at + part.len()..];
        }
        true
    }

    /// The pattern as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether some text is like this and like the other pattern.
    #[must_use]
    pub fn overlaps(&self, other: &str) -> bool {
        let (own, other) = (self.0.as_bytes(), other.as_bytes());
        // What is left of the other pattern, where what is left of this one may be like it.
        let mut fits = vec![false; other.len() + 1];
        for at in (0..=own.len()).rev() {
            let behind = std::mem::replace(&mut fits, vec![false; other.len() + 1]);
            for n in (0..=other.len()).rev() {
                let next = |fits: &[bool]| n < other.len() && fits[n + 1];
                fits[n] = match (own.get(at), other.get(n)) {
                    (None, None) => true,
                    (Some(b'*'), _) => behind[n] || next(&fits),
                    (_, Some(b'*')) => next(&fits) || (at < own.len() && behind[n]),
                    (Some(one), Some(two)) => one == two && next(&behind),
                    _ => false,
                };
            }
        }
        fits[0]
    }
}

/// The greatest value of an annotation.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "Value")]
pub struct Limit {
    /// The limit as it is written.
    pub text: Box<str>,
    /// The limit in bytes or seconds, or as a number, by the unit of its annotation.
    pub value: u64,
}

impl TryFrom<Value> for Limit {
    type Error = String;

    fn try_from(given: Value) -> Result<Self, String> {
        let text = match given {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            _ => return Err("a limit is a number or a size such as 8m".to_owned()),
        };
        let value = bytes(&text).or_else(|bad| seconds(&text).map_err(|_| bad));
        let value = value.map_err(|Mistake { message, help }| format!("{message}; {help}, or a time such as 30s"))?;
        Ok(Self { text: text.into(), value })
    }
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// What is wrong, with its field.
    pub fn read(value: &Value) -> Result<Self, String> {
        if !value.is_object() {
            return Err("a policy is an object with rules".to_owned());
        }
        serde_path_to_error::deserialize(value).map_err(|error| {
            let path = error.path().to_string();
            let message = error.into_inner().to_string();
            if path == "." { message } else { format!("{path}: {message}") }
        })
    }

    /// Reads a policy that is written as JSON.
    ///
    /// # Errors
    /// What is wrong, with its field.
    pub fn parse(text: &str) -> Result<Self, String> {
        let value = unrepeated::read(text).map_err(|error| format!("{} cannot be read as JSON: {error}", shown(text)))?;
        Self::read(&value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn stars_stand_for_anything() {
        let matches = |pattern: &str, text: &str| Pattern(pattern.into()).matches(text);
        for (pattern, text) in
            [("*", ""), ("*", "a"), ("a", "a"), ("a*", "a"), ("a*", "abc"), ("*.a.b", "x.y.a.b"), ("a*c*e", "abcde"), ("", "")]
        {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a", "ab"), ("a*", "ba"), ("*.a.b", "a.b"), ("a*c*e", "ae"), ("", "a"), ("ab*ba", "aba")] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn patterns_overlap_where_one_text_is_like_both() {
        let overlap = |one: &str, other: &str| {
            let [there, back] = [(one, other), (other, one)].map(|(one, other)| Pattern(one.into()).overlaps(other));
            assert_eq!(there, back, "{one} {other}");
            there
        };
        for (one, other) in [("*.a", "b.*"), ("a.*.c", "*.b.c"), ("*.a.b", "x.a.b"), ("a", "a"), ("*", ""), ("a*a", "aa"), ("**", "*")] {
            assert!(overlap(one, other), "{one} {other}");
        }
        for (one, other) in [("*.a", "*.b"), ("a.*", "b.*"), ("*.a.b", "a.b"), ("a", ""), ("a*a", "a"), ("a.*.c", "*.d")] {
            assert!(!overlap(one, other), "{one} {other}");
        }
    }

    #[test]
    fn what_is_misspelt_or_of_another_type_is_named() {
        for (given, part) in [
            (json!({"host": []}), "unknown field `host`"),
            (json!({"hosts": [{"names": "a", "namespaces": []}]}), "hosts[0].names"),
            (json!({"limits": {"proxy-body-size": "big"}}), "\"big\" is not a size"),
            (json!([]), "is an object"),
            (json!({"reportOnly": "yes"}), "reportOnly"),
        ] {
            let error = Policy::read(&given).unwrap_err();
            assert!(error.contains(part), "{given}: {error}");
        }
        assert!(Policy::parse("hosts: []").is_err());
        assert!(Policy::parse(r#"{"limits": {"a": 1}, "limits": {}}"#).unwrap_err().contains("\"limits\" is there twice"));
        assert_eq!(Policy::parse("{}"), Ok(Policy::default()));
        let limit = |given: Value| Policy::read(&json!({"limits": {"a": given}})).unwrap().limits["a"].value;
        assert_eq!([limit(json!(60)), limit(json!("8k")), limit(json!("90s")), limit(json!("1h30m"))], [60, 8192, 90, 5400]);
    }
}
