//! What a document that cannot be read is about, as far as its lines show it.

use super::parse;
use serde_json::{Map, Value};

/// What tells one object from another.
const HEAD: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// These fields of the object that a YAML document seems to describe, each as it would be without the others. `None` if the
/// document does not show all of them.
pub(super) fn head(text: &str) -> Option<Map<String, Value>> {
    let mut head = Map::new();
    for (key, block) in blocks(text) {
        if !HEAD.contains(&key) || head.contains_key(key) {
            continue;
        }
        if let Some(Ok(parsed)) = parse::parse(block.as_bytes()).pop()
            && let Value::Object(mut fields) = parsed.value
            && let Some(value) = fields.remove(key)
        {
            head.insert(key.to_owned(), value);
        }
    }
    (head.len() == HEAD.len()).then_some(head)
}

/// The keys at the left margin, and the text from each to the next.
fn blocks(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1));
    let begins_with_key = |start: &usize| text[*start..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '"' || c == '\'');
    let starts: Vec<usize> = lines.filter(begins_with_key).collect();
    let ends: Vec<usize> = starts.iter().copied().skip(1).chain([text.len()]).collect();
    starts.into_iter().zip(ends).filter_map(|(start, end)| {
        let block = &text[start..end];
        let (key, _) = block.split_once(':')?;
        Some((key.trim_matches(['"', '\'']), block))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> Option<(String, String)> {
        let head = Value::Object(head(text)?);
        Some((head["kind"].as_str()?.to_owned(), head["metadata"]["name"].as_str()?.to_owned()))
    }

    #[test]
    fn an_object_is_known_by_its_head_wherever_that_stands() {
        let expected = Some(("ConfigMap".to_owned(), "c".to_owned()));
        let texts = [
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\ndata:\n  a: \"b\n",
            "apiVersion: v1\ndata:\n  a: \"b\n  c: [\nkind: ConfigMap\nmetadata:\n  namespace: n\n  name: c\n",
            "---\n# comment\n\"kind\": 'ConfigMap'\n\"apiVersion\": v1\nmetadata: {name: c}\ndata: }\n",
        ];
        texts.iter().for_each(|text| assert_eq!(seen(text), expected, "{text}"));
    }

    #[test]
    fn half_a_head_is_none() {
        let texts = [
            "",
            "kind: ConfigMap\nmetadata:\n  name: c\n",
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: [c\n",
            "{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": \"c\"}, ]",
            "apiVersion: v1\n  kind: ConfigMap\n  metadata:\n    name: c\n",
        ];
        texts.iter().for_each(|text| assert_eq!(seen(text), None, "{text}"));
    }
}
