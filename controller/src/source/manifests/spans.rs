//! Where the fields of a document stand in its text.
//!
//! Made only for documents of which something has to be told: it parses the text a second time.

use gatewright_core::diagnostic::TextPlace;
use granit_parser::{Event, Marker, Parser, ScalarStyle, Span};
use std::collections::HashMap;

/// Line and column of a node, both from 1, counted from the beginning of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct At {
    pub(super) line: u32,
    pub(super) column: u32,
}

/// By key: where the key is, and the value; of a key that stands there several times the last one.
type Entries = HashMap<Box<str>, (At, Node)>;

/// The nodes of one document. What stands behind a mistake in the text is missing.
#[derive(Debug)]
pub(super) struct Spans(Node);

#[derive(Debug)]
struct Node {
    at: At,
    inside: Inside,
}

#[derive(Debug)]
enum Inside {
    Nothing,
    /// A text that is written as lines: where the first of them begins.
    Lines(At),
    /// A text of several words on one line, as it is written there.
    Words(Box<str>),
    Mapping(Entries),
    Sequence(Vec<Node>),
}

impl Spans {
    /// Reads the text of one document.
    pub(super) fn of(text: &str) -> Self {
        let mut builder = Builder { lines: text.lines().collect(), open: Vec::new(), root: None };
        for event in Parser::new_from_str(text) {
            let Ok((event, span)) = event else { break };
            builder.take(event, span);
        }
        Self(builder.finish())
    }

    /// Where a field of an object is: `items` leads to the object through lists, `field` is a path such as
    /// `spec.rules[0].host` or `metadata.annotations[a.example/b]`, brackets around keys being optional.
    ///
    /// What is not there is reported where it should be. Of a scalar the position is its own, if it begins on the
    /// line of its key; of anything else that of its key.
    pub(super) fn find(&self, items: &[u32], field: &str) -> At {
        self.follow(items, field).0
    }

    /// Where a place in the text of a field is, if it is written as lines, or on one.
    pub(super) fn find_within(&self, items: &[u32], field: &str, place: TextPlace) -> Option<At> {
        let mut node = &self.0;
        for &item in items {
            node = node.key("items")?.1.element(item as usize)?;
        }
        let mut rest = field;
        while let Some((next, _, behind)) = node.step(rest) {
            (node, rest) = (next, behind);
        }
        match &node.inside {
            _ if !rest.is_empty() => None,
            Inside::Lines(first) => Some(At { line: first.line + place.line - 1, column: first.column + place.column - 1 }),
            Inside::Words(written) => {
                let before = written_before(written, place)?;
                Some(At { line: node.at.line, column: node.at.column + u32::try_from(before).ok()? })
            }
            _ => None,
        }
    }

    /// The same, and of a scalar the position is that of its key as well.
    pub(super) fn find_key(&self, items: &[u32], field: &str) -> At {
        self.follow(items, field).1
    }

    /// Where to show a field, and where its key is.
    fn follow(&self, items: &[u32], field: &str) -> (At, At) {
        let (mut node, mut at) = (&self.0, (self.0.at, self.0.at));
        for &item in items {
            let list = node.key("items").map(|(_, list)| list);
            let Some(item) = list.and_then(|list| list.element(item as usize)) else { return at };
            (node, at) = (item, (item.at, item.at));
        }
        let mut rest = field;
        while let Some((next, shown, behind)) = node.step(rest) {
            (node, at, rest) = (next, shown, behind);
        }
        at
    }

    /// Where a key stands for the last time.
    pub(super) fn find_last(&self, steps: &[super::parse::Step]) -> At {
        use super::parse::Step;
        let (mut node, mut at) = (&self.0, self.0.at);
        for step in steps {
            let next = match step {
                Step::Key(key) => node.key(key),
                Step::Index(index) => node.element(*index).map(|next| (next.at, next)),
            };
            let Some(next) = next else { break };
            (at, node) = next;
        }
        at
    }
}

impl Node {
    /// The value of a key, and where the key is; the last one of several.
    fn key(&self, name: &str) -> Option<(At, &Self)> {
        let Inside::Mapping(entries) = &self.inside else { return None };
        entries.get(name).map(|(at, node)| (*at, node))
    }

    fn element(&self, index: usize) -> Option<&Self> {
        if let Inside::Sequence(nodes) = &self.inside { nodes.get(index) } else { None }
    }

    /// Follows the first step of a path: the node, where to show it and where its key is, and the rest of the path.
    fn step<'p>(&self, path: &'p str) -> Option<(&Self, (At, At), &'p str)> {
        let path = path.strip_prefix('.').unwrap_or(path);
        match &self.inside {
            Inside::Nothing | Inside::Lines(_) | Inside::Words(_) => None,
            Inside::Sequence(nodes) => {
                let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
                let node = nodes.get(index.parse::<usize>().ok()?)?;
                Some((node, (node.at, node.at), rest))
            }
            Inside::Mapping(entries) => {
                // Keys may hold dots and brackets, so the longest key that fits is meant.
                let fits = keys(path).filter_map(|(key, rest)| Some((entries.get(key)?, rest))).last();
                let ((key_at, node), rest) = fits.or_else(|| old_spelling(path, entries))?;
                let is_scalar = matches!(node.inside, Inside::Nothing | Inside::Lines(_) | Inside::Words(_));
                let at = if is_scalar && node.at.line == key_at.line { node.at } else { *key_at };
                Some((node, (at, *key_at), rest))
            }
        }
    }
}

/// How many characters are written, with the quote that begins it, before a line and column of a text.
fn written_before(written: &str, place: TextPlace) -> Option<usize> {
    let mut rest = written.chars().peekable();
    let quote = rest.next_if(|first| matches!(first, '"' | '\''));
    let (mut count, mut at) = (usize::from(quote.is_some()), TextPlace { line: 1, column: 1 });
    while at != place {
        let (length, is_break) = match (rest.next()?, quote) {
            ('\\', Some('"')) => match rest.next()? {
                'n' => (2, true),
                'x' => (2 + skip(&mut rest, 2)?, false),
                'u' => (2 + skip(&mut rest, 4)?, false),
                'U' => (2 + skip(&mut rest, 8)?, false),
                _ => (2, false),
            },
            ('\'', Some('\'')) => (1 + skip(&mut rest, 1)?, false),
            _ => (1, false),
        };
        count += length;
        at = if is_break { TextPlace { line: at.line + 1, column: 1 } } else { TextPlace { column: at.column + 1, ..at } };
    }
    rest.peek().map(|_| count)
}

/// Passes over so many characters.
fn skip(rest: &mut impl Iterator<Item = char>, count: usize) -> Option<usize> {
    rest.nth(count.checked_sub(1)?).map(|_| count)
}

/// What the first key of a path may be, shortest first, and what follows it.
fn keys(path: &str) -> impl Iterator<Item = (&str, &str)> {
    let (text, ends, whole): (_, &[char], _) = match path.strip_prefix('[') {
        Some(text) => (text, &[']'], None),
        None => (path, &['.', '['], Some((path, ""))),
    };
    let ended = text.match_indices(ends).map(|(at, _)| (&text[..at], text[at..].strip_prefix(']').unwrap_or(&text[at..])));
    ended.chain(whole)
}

/// Fields of an Ingress v1 that the old API versions spell in another way.
fn old_spelling<'p, 'n>(path: &'p str, entries: &'n Entries) -> Option<(&'n (At, Node), &'p str)> {
    const SPELLINGS: [(&str, &str); 4] =
        [("defaultBackend", "backend"), ("service.name", "serviceName"), ("service.port", "servicePort"), ("service", "serviceName")];
    SPELLINGS.iter().find_map(|(new, old)| {
        let (_, rest) = keys(path).find(|(key, _)| key == new)?;
        Some((entries.get(*old)?, rest))
    })
}

/// A key of a mapping, and where it stands.
type Key = (Box<str>, At);

/// Builds the tree from the events, without recursion.
struct Builder<'t> {
    lines: Vec<&'t str>,
    open: Vec<(Node, Option<Key>)>,
    root: Option<Node>,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: Span) {
        let at = at(span.start);
        match event {
            Event::MappingStart(..) => self.open(Node { at, inside: Inside::Mapping(HashMap::new()) }),
            Event::SequenceStart(..) => self.open(Node { at, inside: Inside::Sequence(Vec::new()) }),
            Event::MappingEnd | Event::SequenceEnd => self.close(),
            Event::Scalar(text, style, ..) => match self.open.last_mut() {
                Some((Node { inside: Inside::Mapping(_), .. }, key @ None)) => *key = Some((text.into(), at)),
                _ => {
                    let inside = match style {
                        ScalarStyle::Literal => self.first_line(&text).map(Inside::Lines),
                        ScalarStyle::Folded => None,
                        _ => self.words(&text, span).map(Inside::Words),
                    };
                    self.put(Node { at, inside: inside.unwrap_or(Inside::Nothing) });
                }
            },
            Event::Alias(_) => self.put(Node { at, inside: Inside::Nothing }),
            _ => {}
        }
    }

    /// Where the first line of the text of a key is, if it is written as lines below the `|` beside that; all are indented as
    /// far.
    fn first_line(&self, text: &str) -> Option<At> {
        let (_, Some((_, key))) = self.open.last()? else { return None };
        let (n, line) = text.lines().enumerate().find(|(_, line)| !line.is_empty())?;
        let header = usize::try_from(key.line).ok()?;
        let indent = self.lines.get(header + n)?.strip_suffix(line)?.chars().count();
        Some(At { line: key.line + 1, column: u32::try_from(indent).ok()? + 1 })
    }

    /// The text of several words as it is written, if that is on one line.
    fn words(&self, text: &str, span: Span) -> Option<Box<str>> {
        let line = text.contains(' ').then(|| self.lines.get(span.start.line().checked_sub(1)?)).flatten()?;
        let (from, to) = (span.start.col(), span.end.col());
        (span.start.line() == span.end.line()).then(|| line.chars().skip(from).take(to.saturating_sub(from)).collect::<String>().into())
    }

    fn open(&mut self, node: Node) {
        self.open.push((node, None));
    }

    fn close(&mut self) {
        if let Some((node, _)) = self.open.pop() {
            self.put(node);
        }
    }

    fn put(&mut self, node: Node) {
        match self.open.last_mut() {
            None => self.root = self.root.take().or(Some(node)),
            Some((Node { inside: Inside::Sequence(nodes), .. }, _)) => nodes.push(node),
            Some((Node { inside: Inside::Mapping(entries), .. }, key)) => match key.take() {
                Some((name, key_at)) => _ = entries.insert(name, (key_at, node)),
                // A key that is no scalar; no object has one.
                None => *key = Some((Box::default(), node.at)),
            },
            Some((Node { inside: Inside::Nothing | Inside::Lines(_) | Inside::Words(_), .. }, _)) => {}
        }
    }

    fn finish(mut self) -> Node {
        while !self.open.is_empty() {
            self.close();
        }
        self.root.unwrap_or(Node { at: At { line: 1, column: 1 }, inside: Inside::Nothing })
    }
}

/// A position of the parser as one of ours.
pub(super) fn at(marker: Marker) -> At {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    At { line: number(marker.line()).max(1), column: number(marker.col()).saturating_add(1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# comment
apiVersion: networking.k8s.io/v1
metadata:
  name: \"ü\"
  annotations: {a.example/b: yes, a: {b: c}, \"x[0]\": z}
  labels:
    app.kubernetes.io/name: |
      block
spec:
  rules:
  - host: h
    http:
      paths:
      - path: 7
        backend: {serviceName: s, servicePort: 80}
";

    #[test]
    fn fields_are_found_by_their_paths() {
        let spans = Spans::of(TEXT);
        let table = [
            ("", (2, 1)),
            ("apiVersion", (2, 13)),
            ("metadata", (3, 1)),
            ("metadata.name", (4, 9)),
            ("metadata.annotations.a.example/b", (5, 30)),
            ("metadata.annotations[a.example/b]", (5, 30)),
            ("metadata.annotations[x[0]]", (5, 54)),
            ("metadata.annotations.a.b", (5, 42)),
            ("metadata.annotations.missing", (5, 3)),
            ("metadata.labels.app.kubernetes.io/name", (7, 5)),
            ("spec.rules[0].host", (11, 11)),
            ("spec.rules[0]", (11, 5)),
            ("spec.rules[0].http.paths[0].path", (14, 15)),
            ("spec.rules[0].http.paths[0].pathType", (14, 9)),
            ("spec.rules[0].http.paths[0].backend.service.port.number", (15, 48)),
            ("spec.rules[0].http.paths[0].backend.service.name", (15, 32)),
            ("spec.rules[9].http", (10, 3)),
            ("spec.rules[x", (10, 3)),
            ("nothing", (2, 1)),
        ];
        for (field, (line, column)) in table {
            assert_eq!(spans.find(&[], field), At { line, column }, "{field}");
        }
        assert_eq!(spans.find_key(&[], "metadata.name"), At { line: 4, column: 3 });
    }

    #[test]
    fn places_in_texts_that_are_written_as_lines_are_found() {
        let spans = Spans::of(
            "a:\n  b: |\n\n    one\n      two\n    ü three\n  c: |2-\n     x\n  d: \"x\\ny\"\n  e: >-\n    x\n    y\n  \
             f: \"a \\u00fc \\\"\\nb c\"\n  g: 'it''s a \\n b'\n  h: x y # z\n",
        );
        for (field, place, expected) in [
            ("a.b", (2, 1), Some((4, 5))),
            ("a.b", (3, 3), Some((5, 7))),
            ("a.b", (4, 3), Some((6, 7))),
            ("a.c", (1, 2), Some((8, 6))),
            ("a.d", (2, 1), None),
            ("a.e", (1, 1), None),
            ("a.f", (1, 1), Some((13, 7))),
            ("a.f", (2, 3), Some((13, 22))),
            ("a.f", (3, 1), None),
            ("a.g", (1, 8), Some((14, 15))),
            ("a.h", (1, 3), Some((15, 8))),
            ("a.h", (1, 4), None),
            ("a.b.x", (1, 1), None),
            ("a", (1, 1), None),
        ] {
            let (line, column) = place;
            let found = spans.find_within(&[], field, TextPlace { line, column }).map(|at| (at.line, at.column));
            assert_eq!(found, expected, "{field} {place:?}");
        }
        let list = Spans::of("items:\n- a: |\n    x\n\n    y\n");
        let place = TextPlace { line: 3, column: 1 };
        assert_eq!(list.find_within(&[0], "a", place), Some(At { line: 5, column: 5 }));
        assert_eq!(list.find_within(&[1], "a", place), None);
    }

    #[test]
    fn objects_in_lists_are_found() {
        let spans = Spans::of("kind: List\nitems:\n- kind: A\n- kind: List\n  items: [{kind: B}, {kind: C, x: 1}]\n");
        assert_eq!(spans.find(&[1, 1], "x"), At { line: 5, column: 35 });
        assert_eq!(spans.find(&[0], "kind"), At { line: 3, column: 9 });
        assert_eq!(spans.find(&[7], "kind"), At { line: 1, column: 1 });
    }

    #[test]
    fn what_stands_before_a_mistake_is_found() {
        let spans = Spans::of("a:\n  b: 1\n  c: [");
        assert_eq!(spans.find(&[], "a.b"), At { line: 2, column: 6 });
        assert_eq!(Spans::of("").find(&[], "a"), At { line: 1, column: 1 });
    }

    #[test]
    fn json_is_found_like_yaml() {
        let spans = Spans::of("{\n\t\"kind\": \"A\",\n  \"spec\": {\"host\":\"h\"}\n}\n");
        assert_eq!(spans.find(&[], "spec.host"), At { line: 3, column: 19 });
        assert_eq!(spans.find(&[], "kind"), At { line: 2, column: 10 });
    }
}
