//! Label selectors, as `--watch-namespace-selector` writes them.

use super::{BadText, shown};
use std::collections::{BTreeMap, BTreeSet};

/// A label selector in the text form of the API: `a=b,c!=d,e in (f,g),h notin (i),j,!k`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LabelSelector {
    requirements: Vec<Requirement>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Requirement {
    key: Box<str>,
    operator: Operator,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Operator {
    Exists,
    Missing,
    In(BTreeSet<Box<str>>),
    NotIn(BTreeSet<Box<str>>),
}

impl LabelSelector {
    /// Reads a selector.
    ///
    /// # Errors
    /// With the part that cannot be read.
    pub fn parse(text: &str) -> Result<Self, BadText> {
        let parts = split_outside_parentheses(text);
        let requirements = parts.into_iter().map(str::trim).map(requirement).collect::<Option<Vec<_>>>();
        match requirements {
            Some(requirements) => Ok(Self { requirements }),
            None => Err(BadText(format!("{} is not a label selector; write it as key=value, key!=value or key in (a,b)", shown(text)))),
        }
    }

    /// Whether an object with these labels is selected.
    #[must_use]
    pub fn matches(&self, labels: &BTreeMap<Box<str>, Box<str>>) -> bool {
        self.requirements.iter().all(|requirement| {
            let value = labels.get(&requirement.key);
            match &requirement.operator {
                Operator::Exists => value.is_some(),
                Operator::Missing => value.is_none(),
                Operator::In(values) => value.is_some_and(|value| values.contains(value)),
                Operator::NotIn(values) => value.is_none_or(|value| !values.contains(value)),
            }
        })
    }
}

fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_u32);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn requirement(part: &str) -> Option<Requirement> {
    let made = |key: &str, operator| is_label_key(key.trim()).then(|| Requirement { key: key.trim().into(), operator });
    if let Some(key) = part.strip_prefix('!') {
        return made(key, Operator::Missing);
    }
    if let Some((key, list)) = part.split_once('(') {
        let values = list.strip_suffix(')')?.split(',').map(one_value).collect::<Option<BTreeSet<_>>>()?;
        let (key, word) = key.trim_end().rsplit_once(char::is_whitespace)?;
        return match word {
            "in" => made(key, Operator::In(values)),
            "notin" => made(key, Operator::NotIn(values)),
            _ => None,
        };
    }
    if let Some((key, value)) = part.split_once("!=") {
        return made(key, Operator::NotIn(BTreeSet::from([one_value(value)?])));
    }
    match part.split_once('=') {
        Some((key, value)) => made(key, Operator::In(BTreeSet::from([one_value(value.strip_prefix('=').unwrap_or(value))?]))),
        None => made(part, Operator::Exists),
    }
}

fn one_value(text: &str) -> Option<Box<str>> {
    let text = text.trim();
    let good = text.len() <= 63 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    good.then(|| text.into())
}

fn is_label_key(key: &str) -> bool {
    !key.is_empty() && key.len() <= 317 && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_select() {
        let labels = BTreeMap::from([("zone".into(), "green".into()), ("team/name".into(), "a".into())]);
        for (text, matches) in [
            ("zone=green", true),
            ("zone==green", true),
            ("zone=red", false),
            ("zone!=red", true),
            ("other!=x", true),
            ("zone", true),
            ("!zone", false),
            ("!other", true),
            ("zone in (red, green),team/name", true),
            ("zone notin (green)", false),
            ("zone=green,team/name=b", false),
        ] {
            assert_eq!(LabelSelector::parse(text).unwrap().matches(&labels), matches, "{text}");
        }
        for bad in ["", "=a", "a in b", "a in (b", "a b", "a=b;c", "a near (b)", "a=b c"] {
            assert!(LabelSelector::parse(bad).is_err(), "{bad:?}");
        }
    }
}
