//! Values that are text here, but something else for kubectl, which reads YAML 1.1: `yes`, `on`, `0644`, `1_000`.

use super::spans::{At, at};
use granit_parser::{Event, Parser, ScalarStyle};

/// A value without quotes that is read in two ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AmbiguousScalar {
    pub(super) at: At,
    /// Path of the field.
    pub(super) field: String,
    /// As it is written; one of the short words below, or a number.
    pub(super) written: String,
    /// What kubectl takes it for.
    pub(super) becomes: &'static str,
}

/// Finds the traps among the values that have to be texts. Only documents with a candidate are parsed.
pub(super) fn find(text: &str) -> Vec<AmbiguousScalar> {
    if !has_candidate(text) {
        return Vec::new();
    }
    let mut walk = Walk { open: Vec::new(), ambiguous: Vec::new() };
    for event in Parser::new_from_str(text) {
        let Ok((event, span)) = event else { break };
        match event {
            Event::MappingStart(..) => walk.enter(Inside::Mapping(None)),
            Event::SequenceStart(..) => walk.enter(Inside::Sequence(0)),
            Event::MappingEnd | Event::SequenceEnd => walk.leave(),
            Event::Scalar(text, style, ..) => walk.scalar(&text, matches!(style, ScalarStyle::Plain), at(span.start)),
            Event::Alias(_) => walk.scalar("", false, at(span.start)),
            _ => {}
        }
    }
    walk.ambiguous
}

/// Whether a word of the text may be a trap: it is one where a text belongs, and is not the value of a key whose
/// values are numbers or booleans.
fn has_candidate(text: &str) -> bool {
    const ENDS: &[char] = &[' ', '\t', '\n', '\r', ',', '{', '}', '[', ']'];
    const OTHERS: [&str; 9] =
        ["number:", "port:", "targetPort:", "servicePort:", "nodePort:", "ready:", "serving:", "terminating:", "immutable:"];
    let mut before = "";
    for word in text.split(ENDS).filter(|word| !word.is_empty()) {
        if becomes(word).is_some() && !OTHERS.contains(&before) {
            return true;
        }
        before = word;
    }
    false
}

enum Inside {
    /// The key whose value comes next, if its key has been read.
    Mapping(Option<String>),
    /// Index of the next item.
    Sequence(usize),
}

struct Walk {
    open: Vec<Inside>,
    ambiguous: Vec<AmbiguousScalar>,
}

impl Walk {
    fn enter(&mut self, inside: Inside) {
        self.open.push(inside);
    }

    fn leave(&mut self) {
        self.open.pop();
        self.value_is_done();
    }

    fn value_is_done(&mut self) {
        match self.open.last_mut() {
            Some(Inside::Mapping(key)) => *key = None,
            Some(Inside::Sequence(next)) => *next += 1,
            None => {}
        }
    }

    fn scalar(&mut self, text: &str, is_plain: bool, at: At) {
        if let Some(Inside::Mapping(key @ None)) = self.open.last_mut() {
            *key = Some(text.to_owned());
            return;
        }
        let becomes = if is_plain && self.is_text() { becomes(text) } else { None };
        if let Some(becomes) = becomes {
            self.ambiguous.push(AmbiguousScalar { at, field: self.field(), written: text.to_owned(), becomes });
        }
        self.value_is_done();
    }

    /// Whether the API wants a text where the walk is.
    fn is_text(&self) -> bool {
        const MAPS: [&str; 5] = ["annotations", "labels", "data", "stringData", "selector"];
        const FIELDS: [&str; 8] = ["name", "namespace", "host", "path", "secretName", "serviceName", "ingressClassName", "externalName"];
        let mut keys =
            self.open.iter().rev().filter_map(|inside| if let Inside::Mapping(Some(key)) = inside { Some(&**key) } else { None });
        let (own, outer) = (keys.next().unwrap_or_default(), keys.next().unwrap_or_default());
        MAPS.contains(&outer) || FIELDS.contains(&own) || own == "hosts"
    }

    fn field(&self) -> String {
        let (mut out, mut in_map) = (String::new(), false);
        for inside in &self.open {
            match inside {
                Inside::Mapping(Some(key)) if in_map => out.push_str(&format!("[{key}]")),
                Inside::Mapping(Some(key)) => {
                    if !out.is_empty() {
                        out.push('.');
                    }
                    out.push_str(key);
                    in_map = matches!(&**key, "annotations" | "labels" | "data" | "stringData");
                }
                Inside::Mapping(None) => {}
                Inside::Sequence(index) => out.push_str(&format!("[{index}]")),
            }
        }
        out
    }
}

/// What the YAML library of kubectl makes of a plain scalar, if not a text.
fn becomes(word: &str) -> Option<&'static str> {
    const LONGEST: usize = 30;
    let first = word.bytes().next()?;
    match first {
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' => is_boolean(word).then_some("a boolean"),
        b'0'..=b'9' | b'+' | b'-' | b'.' if word.len() <= LONGEST => is_number(word).then_some("a number"),
        _ => None,
    }
}

fn is_boolean(word: &str) -> bool {
    const WORDS: [&str; 8] = ["y", "n", "yes", "no", "true", "false", "on", "off"];
    let is_cased_as_known = word.bytes().skip(1).all(|b| b.is_ascii_lowercase()) || word.bytes().all(|b| b.is_ascii_uppercase());
    is_cased_as_known && WORDS.iter().any(|known| known.eq_ignore_ascii_case(word))
}

fn is_number(word: &str) -> bool {
    let bare = word.replace('_', "");
    let bare = bare.strip_prefix(['+', '-']).unwrap_or(&bare);
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = bare.strip_prefix(prefix) {
            return !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
        }
    }
    let (mantissa, exponent) = bare.split_once(['e', 'E']).unwrap_or((bare, "0"));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    !(whole.is_empty() && part.is_empty()) && digits(whole) && digits(part) && !exponent.is_empty() && digits(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_kubectl_reads_otherwise_are_known() {
        for word in ["yes", "No", "ON", "off", "true", "False", "y", "N"] {
            assert_eq!(becomes(word), Some("a boolean"), "{word}");
        }
        for word in ["0644", "1_000", "0x1F", "0b1", "1e3", "-1", "+.5", "8", "1.0"] {
            assert_eq!(becomes(word), Some("a number"), "{word}");
        }
        for word in ["", "yEs", "nope", "10m", "60s", "1.2.3", "-", "0x", "e3", ".", "1e", "a"] {
            assert_eq!(becomes(word), None, "{word}");
        }
    }

    #[test]
    fn only_values_without_quotes_where_a_text_belongs_count() {
        let text = "metadata:\n  name: a\n  annotations:\n    x/a: yes\n    x/b: \"no\"\n    x/c: |\n      on\n  labels: {v: 1.0, no: x}\nspec:\n  \
            rules:\n  - host: off\n    http: {paths: [{backend: {servicePort: 80}}]}\n  tls:\n  - hosts: [a, on]\n";
        let found: Vec<_> = find(text).into_iter().map(|trap| (trap.field, trap.written, trap.at.line, trap.at.column)).collect();
        let expected = [
            ("metadata.annotations[x/a]", "yes", 4, 10),
            ("metadata.labels[v]", "1.0", 8, 15),
            ("spec.rules[0].host", "off", 11, 11),
            ("spec.tls[0].hosts[1]", "on", 14, 16),
        ];
        assert_eq!(found, expected.map(|(field, written, line, column)| (field.to_owned(), written.to_owned(), line, column)));
    }
}
