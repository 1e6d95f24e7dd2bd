//! Text of one document into values, YAML or JSON, within bounds. What the values mean is not decided here.

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::cell::{Cell, RefCell};
use std::fmt;

/// Nodes that aliases may add to a document; an honest one has no reason for so many.
const NODES_BY_ALIASES: usize = 100_000;
/// Bytes of text that aliases may add to a document.
const TEXT_BY_ALIASES: usize = 4 << 20;
/// Characters that can begin a node in one document; the parser keeps some hundred bytes for each.
const MAX_STRUCTURE: usize = 2 << 20;
/// Deepest nesting; the libraries for YAML and JSON have the same bound.
const MAX_DEPTH: usize = 128;
/// Brackets times tokens of one document that are taken without a look at how deep they really are; about 0.2 s.
const MAX_BRACKET_WORK: usize = 1 << 28;
/// Lines such as `%YAML 1.2` before a document; the library's time grows with their square.
const MAX_DIRECTIVES: usize = 64;
/// Duplicate keys told of one document.
const MAX_DUPLICATES: usize = 20;

/// A value, and what is odd about its text.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) value: Value,
    /// Where the text of this value begins in the part.
    pub(super) offset: usize,
    /// Where it ends.
    pub(super) end: usize,
    /// Paths of keys that stand twice in their mapping, as `/a/0/b`; at most twenty.
    pub(super) duplicates: Vec<Vec<Step>>,
}

/// One step of the way from the root of a document to a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Into a mapping.
    Key(Box<str>),
    /// Into a sequence.
    Index(usize),
}

/// Why a document cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken {
    /// In the house style, without position.
    pub(super) message: String,
    /// Byte of the part at which reading stopped.
    pub(super) offset: usize,
    /// It is too large, not wrong.
    pub(super) is_too_large: bool,
}

impl Broken {
    fn at(offset: usize, message: impl Into<String>) -> Self {
        Self { message: message.into(), offset, is_too_large: false }
    }
}

/// Reads one part. Several values come only from JSON texts that stand behind each other.
pub(super) fn parse(bytes: &[u8]) -> Vec<Result<Parsed, Broken>> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return vec![Err(Broken::at(error.valid_up_to(), "the document is not UTF-8 text"))],
    };
    if let Some((offset, c)) = text.char_indices().find(|&(_, c)| is_forbidden(c)) {
        return vec![Err(Broken::at(offset, format!("control character U+{:04X} in the document", u32::from(c))))];
    }
    if text.trim_ascii_start().starts_with('{') {
        let values = json::parse(text);
        if values.iter().all(Result::is_ok) {
            return values;
        }
        // A flow mapping of YAML, perhaps; otherwise mistakes are told in the words of what was meant.
        let value = yaml::parse(text);
        return if value.is_ok() || !json::looks_like_it(text) { vec![value] } else { values };
    }
    vec![yaml::parse(text)]
}

/// What neither YAML nor JSON allows in a text.
fn is_forbidden(c: char) -> bool {
    matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}')
}

mod json {
    use super::{Broken, Node, Parsed, Shared};
    use serde::de::{Deserialize, DeserializeSeed, Deserializer};

    struct Tree(Parsed);

    impl<'de> Deserialize<'de> for Tree {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            // JSON has no aliases: the text itself is the bound.
            let shared = Shared::new(usize::MAX / 2, false);
            let value = Node { shared: &shared, path: super::Path::Root }.deserialize(deserializer)?;
            Ok(Self(Parsed { value, offset: 0, end: 0, duplicates: shared.duplicates.into_inner() }))
        }
    }

    /// Whether JSON was meant: the first key is quoted.
    pub(super) fn looks_like_it(text: &str) -> bool {
        text.trim_ascii_start().strip_prefix('{').is_some_and(|rest| rest.trim_ascii_start().starts_with(['"', '}']))
    }

    pub(super) fn parse(text: &str) -> Vec<Result<Parsed, Broken>> {
        let (mut out, mut from) = (Vec::new(), 0);
        while from < text.len() {
            let mut stream = serde_json::Deserializer::from_str(&text[from..]).into_iter::<Tree>();
            loop {
                let rest = &text[from + stream.byte_offset()..];
                let offset = text.len() - rest.trim_ascii_start().len();
                match stream.next() {
                    Some(Ok(Tree(parsed))) => out.push(Ok(Parsed { offset, end: from + stream.byte_offset(), ..parsed })),
                    Some(Err(error)) => {
                        let at = from + offset_of(&text[from..], error.line(), error.column());
                        out.push(Err(Broken::at(at, message_of(&error))));
                        from = next_object(text, at.max(offset + 1));
                        break;
                    }
                    None => return out,
                }
            }
        }
        out
    }

    /// After a mistake: the next line that begins with a brace where the one before ended an object.
    fn next_object(text: &str, from: usize) -> usize {
        let from = text.ceil_char_boundary(from);
        let mut starts = text[from..].match_indices("\n{").map(|(at, _)| from + at + 1);
        starts.find(|&start| text[..start].trim_ascii_end().ends_with('}')).unwrap_or(text.len())
    }

    /// Lines and columns of the library count from 1, columns in bytes; 0 is the end of the line before.
    fn offset_of(text: &str, line: usize, column: usize) -> usize {
        let start = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum::<usize>();
        text.floor_char_boundary((start + column.saturating_sub(1)).min(text.len()))
    }

    fn message_of(error: &serde_json::Error) -> String {
        let text = error.to_string();
        text.split_once(" at line ").map_or(text.as_str(), |(message, _)| message).to_owned()
    }
}

mod yaml {
    use super::super::octal;
    use super::{Broken, DeserializeSeed, MAX_BRACKET_WORK, MAX_DEPTH, MAX_DIRECTIVES, MAX_STRUCTURE, Node, Parsed, Path, Shared};
    use granit_parser::Parser;

    pub(super) fn parse(text: &str) -> Result<Parsed, Broken> {
        check_size(text)?;
        let shared = Shared::new(text.len(), true);
        let mut value = Node { shared: &shared, path: Path::Root }
            .deserialize(serde_yaml::Deserializer::from_str(text))
            .map_err(|error| broken(&error, text, shared.is_exhausted.get()))?;
        octal::put(&octal::find(text), &mut value);
        Ok(Parsed { value, offset: 0, end: text.len(), duplicates: shared.duplicates.into_inner() })
    }

    /// Refuses what the library would spend gigabytes or hours on.
    fn check_size(text: &str) -> Result<(), Broken> {
        let too_large = |offset, message: &str| Err(Broken { message: message.to_owned(), offset, is_too_large: true });
        let (mut structure, mut opened) = (0_usize, 0_usize);
        let bytes = text.as_bytes();
        for (offset, &byte) in bytes.iter().enumerate() {
            let next = bytes.get(offset + 1).copied().unwrap_or(b'\n');
            match byte {
                b',' | b':' | b'\n' | b'\r' => {}
                b'-' | b'?' if next.is_ascii_whitespace() => {}
                b'[' | b'{' => opened += usize::from(!matches!(next, b']' | b'}')),
                _ => continue,
            }
            structure += 1;
            if structure > MAX_STRUCTURE {
                return too_large(offset, "the document is larger than is read; split it into smaller ones, or write it as JSON");
            }
        }
        if text.lines().take_while(|line| !line.starts_with("---")).filter(|line| line.starts_with('%')).count() > MAX_DIRECTIVES {
            return too_large(0, "the document begins with more directives than are read");
        }
        // At each token the library looks at every bracket that is open there.
        if opened.saturating_mul(structure) > MAX_BRACKET_WORK { check_depth(text) } else { Ok(()) }
    }

    /// Asks the other parser, which is slower but stops at deep nesting.
    fn check_depth(text: &str) -> Result<(), Broken> {
        let options = granit_parser::options! { flow_nesting_limit: MAX_DEPTH, block_nesting_limit: MAX_DEPTH };
        let error = Parser::new_from_str_with_options(text, options).find_map(Result::err);
        error.map_or(Ok(()), |error| Err(Broken::at(error.marker().byte_offset().unwrap_or_default(), error.info())))
    }

    fn broken(error: &serde_yaml::Error, text: &str, is_too_large: bool) -> Broken {
        let offset = error.location().map_or(0, |at| text.floor_char_boundary(at.index()));
        let message = error.to_string();
        // Positions in the message count from the beginning of the part; the one that matters is told beside it.
        let message = message.split_once(" at line ").or_else(|| message.split_once(" at position ")).map_or(&*message, |(m, _)| m);
        Broken { message: message.to_owned(), offset, is_too_large }
    }
}

/// What the nodes of one document share.
struct Shared {
    nodes_left: Cell<usize>,
    text_left: Cell<usize>,
    is_exhausted: Cell<bool>,
    /// Merge keys mean something.
    merges: bool,
    duplicates: RefCell<Vec<Vec<Step>>>,
}

impl Shared {
    fn new(length: usize, merges: bool) -> Self {
        Self {
            merges,
            nodes_left: Cell::new(length + NODES_BY_ALIASES),
            text_left: Cell::new(length + TEXT_BY_ALIASES),
            is_exhausted: Cell::new(false),
            duplicates: RefCell::default(),
        }
    }

    fn take<E: Error>(&self, text: usize) -> Result<(), E> {
        match (self.nodes_left.get().checked_sub(1), self.text_left.get().checked_sub(text)) {
            (Some(nodes), Some(text)) => {
                self.nodes_left.set(nodes);
                self.text_left.set(text);
                Ok(())
            }
            _ => {
                self.is_exhausted.set(true);
                Err(E::custom("the aliases of the document repeat more than is read"))
            }
        }
    }
}

/// Takes in what the merge key of YAML 1.1 names, as kubectl does: keys of the mapping itself go before those of the named
/// ones, and those of earlier ones before those of later ones.
fn merge(values: &mut Map<String, Value>) {
    const KEY: &str = "<<";
    let is_mergeable = |value: &Value| match value {
        Value::Object(_) => true,
        Value::Array(items) => items.iter().all(Value::is_object),
        _ => false,
    };
    if !values.get(KEY).is_some_and(is_mergeable) {
        return;
    }
    let named = match values.remove(KEY) {
        Some(Value::Array(items)) => items,
        other => other.into_iter().collect(),
    };
    for (key, value) in named.into_iter().filter_map(|value| if let Value::Object(named) = value { Some(named) } else { None }).flatten() {
        values.entry(key).or_insert(value);
    }
}

/// The way to a node, on the stack.
#[derive(Clone, Copy)]
enum Path<'a> {
    Root,
    Key(&'a Path<'a>, &'a str),
    Index(&'a Path<'a>, usize),
}

impl Path<'_> {
    fn steps(&self) -> Vec<Step> {
        let (mut steps, mut at) = (Vec::new(), self);
        loop {
            at = match at {
                Path::Root => break,
                Path::Key(parent, key) => {
                    steps.push(Step::Key((*key).into()));
                    parent
                }
                Path::Index(parent, index) => {
                    steps.push(Step::Index(*index));
                    parent
                }
            };
        }
        steps.reverse();
        steps
    }
}

/// Builds a [`Value`] as `serde_json` would, but counts what it makes and notices duplicate keys.
struct Node<'a> {
    shared: &'a Shared,
    path: Path<'a>,
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that JSON knows")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        self.shared.take(0).map(|()| Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        self.shared.take(0).map(|()| value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        self.shared.take(0).map(|()| value.into())
    }

    fn visit_i128<E: Error>(self, value: i128) -> Result<Value, E> {
        self.visit_f64(value as f64)
    }

    fn visit_u128<E: Error>(self, value: u128) -> Result<Value, E> {
        self.visit_f64(value as f64)
    }

    /// JSON has no word for infinity; where a number is expected, a text is as wrong and can be told.
    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        self.shared.take(0)?;
        Ok(Number::from_f64(value).map_or_else(|| format!("{value}").into(), Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.shared.take(value.len()).map(|()| value.into())
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        self.shared.take(0).map(|()| Value::Null)
    }

    fn visit_enum<A: EnumAccess<'de>>(self, _: A) -> Result<Value, A::Error> {
        Err(A::Error::custom("tags such as !name have no meaning here"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        self.shared.take(0)?;
        let mut values = Vec::new();
        while let Some(value) = seq.next_element_seed(Node { shared: self.shared, path: Path::Index(&self.path, values.len()) })? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        self.shared.take(0)?;
        let mut values = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            self.shared.take(key.len())?;
            let path = Path::Key(&self.path, &key);
            if values.contains_key(&key) && self.shared.duplicates.borrow().len() < MAX_DUPLICATES {
                self.shared.duplicates.borrow_mut().push(path.steps());
            }
            let value = map.next_value_seed(Node { shared: self.shared, path })?;
            values.insert(key, value);
        }
        if self.shared.merges {
            merge(&mut values);
        }
        Ok(Value::Object(values))
    }
}
