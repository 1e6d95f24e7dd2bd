//! What of a verdict can be said without knowing the cluster, as rules in CEL for a ValidatingAdmissionPolicy: the API
//! server applies them by itself.

use super::super::annotations::{Class, FEATURES, Key, Risk, Value};
use super::super::screen::REFUSED;

/// One rule: what has to hold, and what is said where it does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The rule in CEL, over `object` and `variables.annotations`.
    pub expression: String,
    /// What the author of a refused Ingress is told; one line.
    pub message: String,
}

/// The annotations of the object, for the rules.
pub const ANNOTATIONS: &str = "has(object.metadata.annotations) ? object.metadata.annotations : {}";

/// All rules, for annotations with this prefix.
#[must_use]
pub fn rules(prefix: &str) -> Vec<Rule> {
    let keys = || FEATURES.iter().flat_map(|feature| feature.keys);
    let checked = keys().filter(|key| key.is_refused);
    let mut rules = vec![plain_paths(), refused_texts()];
    rules.extend(keys().filter(|key| key.risk == Risk::Critical).map(|key| absent(prefix, key)));
    rules.extend(checked.filter_map(|key| readable(prefix, key)));
    rules
}

/// A condition that all paths of all rules have to meet; `p` is the path.
fn of_paths(condition: &str) -> String {
    format!("!has(object.spec.rules) || object.spec.rules.all(r, !has(r.http) || r.http.paths.all(p, !has(p.path) || {condition}))")
}

fn plain_paths() -> Rule {
    Rule {
        expression: of_paths("p.path == '' || p.pathType == 'ImplementationSpecific' || p.path.matches('^/[A-Za-z0-9._/-]*$')"),
        message: "a path of type Exact or Prefix is no plain path; use letters, digits and ./_- only, or ImplementationSpecific".to_owned(),
    }
}

fn refused_texts() -> Rule {
    let words: Vec<String> = REFUSED.iter().map(|word| format!("'{word}'")).collect();
    Rule {
        expression: of_paths(&format!("![{}].exists(w, p.path.contains(w))", words.join(", "))),
        message: "a path contains a text which no Ingress needs; remove it".to_owned(),
    }
}

fn absent(prefix: &str, key: &Key) -> Rule {
    let name = key.name;
    Rule {
        // An empty value asks for nothing.
        expression: format!(r"!('{prefix}/{name}' in variables.annotations) || variables.annotations['{prefix}/{name}'].matches(r'^\s*$')"),
        message: format!("{name} is of risk Critical, which is not allowed; use annotations that say the same, and remove it"),
    }
}

/// An annotation has a value that can be read, if its shape is a regular one.
fn readable(prefix: &str, key: &Key) -> Option<Rule> {
    let (name, shape) = (key.name, shape(key.value)?);
    let value = format!("variables.annotations['{prefix}/{name}']");
    Some(Rule {
        expression: format!("!('{prefix}/{name}' in variables.annotations) || {value}.matches(r'^({shape})?$')"),
        message: format!("{name}: the value cannot be read; use {}", key.value.to_string().replace('`', "'")),
    })
}

/// A regular expression of RE2 without anchors. It never refuses what would be read.
fn shape(value: Value) -> Option<String> {
    Some(match value {
        Value::Bool => "1|t|T|TRUE|true|True|0|f|F|FALSE|false|False".to_owned(),
        Value::Integer | Value::Seconds => "[+-]?[0-9]+".to_owned(),
        Value::Word(words) => format!(r"(?i)\s*({})\s*", words.join("|")),
        Value::Text(class) => format!(r"({}|\s)*", characters(class)),
        Value::List(class) => format!(r"({}|[,\s])*", characters(class)),
        Value::Size | Value::Cidrs | Value::Words(_) | Value::Statuses | Value::Object(_) | Value::Other(_) => return None,
    })
}

/// A class of one character.
fn characters(class: Class) -> String {
    let held = (' '..='~').filter(|c| class.holds(*c) && !c.is_ascii_alphanumeric());
    let escaped: String = held.flat_map(|c| ['\\', c]).collect();
    format!("[A-Za-z0-9{escaped}]")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;
    use crate::translate::annotations::testing::read_with;
    use regex::Regex;

    #[test]
    fn no_rule_refuses_what_would_be_read() {
        let samples =
            ["", "true", "F", "10", "-3", "308", "$host", "a.test", "/a/$1", "a, b", "$remote_addr$uri", "on", "keep-alive", "ewma"];
        let keys = FEATURES.iter().flat_map(|feature| feature.keys);
        // Those of client certificates are read only beside a Secret that is there.
        let checked = keys.filter(|key| key.is_refused && !key.name.starts_with("auth-tls-"));
        let shapes = checked.filter_map(|key| Some((key, shape(key.value)?)));
        for (key, shape) in shapes {
            let shape = Regex::new(&format!("^({shape})?$")).unwrap();
            let words = if let Value::Word(words) = key.value { words } else { &[] };
            for word in samples.iter().chain(words) {
                // Some are looked at only beside these.
                let beside = [("auth-type", "basic"), ("auth-secret", "none"), (key.name, *word)];
                let said = read_with(&Settings::default(), &beside[if key.name.starts_with("auth-") { 0 } else { 2 }..]).1;
                let refused = said.iter().any(|said| said.starts_with(&format!("{}: ", key.name)));
                assert!(refused || shape.is_match(word), "{}: {word:?} is read, and not of the shape {shape}", key.name);
            }
        }
    }

    #[test]
    fn rules_are_of_the_prefix_and_quote_nothing() {
        let rules = rules("own.test");
        assert!(rules.len() > 20, "{}", rules.len());
        for Rule { expression, message } in &rules {
            assert!(!expression.contains("nginx.ingress.kubernetes.io") && !message.contains('\n'), "{expression}: {message}");
            assert_eq!(expression.matches('\'').count() % 2, 0, "{expression}");
        }
    }
}
