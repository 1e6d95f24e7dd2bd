//! Numbers without quotes that kubectl, which reads YAML 1.1, takes for others than they seem: `0120` is octal, 80. Newer
//! YAML has no such numbers, and reads a text.

use super::parse::Step;
use super::spans::{At, at};
use granit_parser::{Event, Parser, ScalarStyle};
use serde_json::Value;

/// The fields whose values are numbers, by their last key.
const FIELDS: [&str; 5] = ["number", "port", "targetPort", "servicePort", "nodePort"];

/// Such a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Octal {
    pub(super) at: At,
    way: Vec<Step>,
    /// As it is written.
    pub(super) written: String,
    /// As kubectl reads it.
    pub(super) number: i64,
}

impl Octal {
    /// Path of the field.
    pub(super) fn field(&self) -> String {
        let mut out = String::new();
        for step in &self.way {
            match step {
                Step::Key(key) if out.is_empty() => out.push_str(key),
                Step::Key(key) => out.push_str(&format!(".{key}")),
                Step::Index(index) => out.push_str(&format!("[{index}]")),
            }
        }
        out
    }
}

/// Finds them where a number belongs. Only documents with a candidate are parsed.
pub(super) fn find(text: &str) -> Vec<Octal> {
    if !has_candidate(text) {
        return Vec::new();
    }
    let (mut open, mut found) = (Vec::<Inside>::new(), Vec::new());
    for event in Parser::new_from_str(text) {
        let Ok((event, span)) = event else { break };
        match event {
            Event::MappingStart(..) => open.push(Inside::Mapping(None)),
            Event::SequenceStart(..) => open.push(Inside::Sequence(0)),
            Event::MappingEnd | Event::SequenceEnd => {
                open.pop();
                value_is_done(&mut open);
            }
            Event::Scalar(text, style, ..) => {
                if let Some(Inside::Mapping(key @ None)) = open.last_mut() {
                    *key = Some(text.into());
                    continue;
                }
                let number = number(&text).filter(|_| matches!(style, ScalarStyle::Plain) && is_number_field(&open));
                found.extend(number.map(|number| Octal { at: at(span.start), way: way(&open), written: text.to_string(), number }));
                value_is_done(&mut open);
            }
            Event::Alias(_) => value_is_done(&mut open),
            _ => {}
        }
    }
    found
}

/// Puts the numbers where texts stand.
pub(super) fn put(found: &[Octal], document: &mut Value) {
    for octal in found {
        let place = octal.way.iter().try_fold(&mut *document, |value, step| match step {
            Step::Key(key) => value.get_mut(&**key),
            Step::Index(index) => value.get_mut(*index),
        });
        if let Some(text @ Value::String(_)) = place {
            *text = octal.number.into();
        }
    }
}

enum Inside {
    /// The key whose value comes next, if it has been read.
    Mapping(Option<Box<str>>),
    /// Index of the next item.
    Sequence(usize),
}

fn value_is_done(open: &mut [Inside]) {
    match open.last_mut() {
        Some(Inside::Mapping(key)) => *key = None,
        Some(Inside::Sequence(next)) => *next += 1,
        None => {}
    }
}

fn is_number_field(open: &[Inside]) -> bool {
    matches!(open.last(), Some(Inside::Mapping(Some(key))) if FIELDS.contains(&&**key))
}

fn way(open: &[Inside]) -> Vec<Step> {
    let step = |inside: &Inside| match inside {
        Inside::Mapping(key) => key.clone().map(Step::Key),
        Inside::Sequence(index) => Some(Step::Index(*index)),
    };
    open.iter().filter_map(step).collect()
}

fn has_candidate(text: &str) -> bool {
    FIELDS.iter().any(|field| {
        text.match_indices(field).any(|(at, _)| {
            let value = text[at + field.len()..].strip_prefix(':').map(|rest| rest.trim_start_matches([' ', '\t']));
            value.is_some_and(|value| value.starts_with('0') && value[1..].starts_with(|c: char| c.is_ascii_digit()))
        })
    })
}

/// One that begins with a zero. With digits that no octal number has, it is a decimal one.
fn number(word: &str) -> Option<i64> {
    const LONGEST: usize = 10;
    let is_meant = (2..=LONGEST).contains(&word.len()) && word.starts_with('0') && word.bytes().all(|b| b.is_ascii_digit());
    is_meant.then(|| i64::from_str_radix(word, 8).or_else(|_| word.parse()).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_read_as_kubectl_reads_them() {
        for (word, read) in
            [("0120", Some(80)), ("089", Some(89)), ("00", Some(0)), ("0", None), ("120", None), ("0x1", None), ("01a", None)]
        {
            assert_eq!(number(word), read, "{word}");
        }
    }

    #[test]
    fn only_numbers_without_quotes_in_their_fields_count() {
        let text = "spec:\n  ports: [{port: 0120, targetPort: \"0120\"}, {port: 80, name: 0120}]\n  number: 0120\n";
        let found = find(text);
        let told: Vec<_> = found.iter().map(|octal| (octal.field(), octal.at.line, octal.number)).collect();
        assert_eq!(told, [("spec.ports[0].port".to_owned(), 2, 80), ("spec.number".to_owned(), 3, 80)]);
        let mut document =
            json!({"spec": {"ports": [{"port": "0120", "targetPort": "0120"}, {"port": 80, "name": "0120"}], "number": "0120"}});
        put(&found, &mut document);
        assert_eq!(document, json!({"spec": {"ports": [{"port": 80, "targetPort": "0120"}, {"port": 80, "name": "0120"}], "number": 80}}));
    }
}
