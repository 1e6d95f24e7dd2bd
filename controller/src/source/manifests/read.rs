//! The bytes of one file into objects and findings with their places.

use super::helm;
use super::hidden;
use super::kustomize;
use super::octal;
use super::parse::{self, Broken, Parsed, Step};
use super::places::{Document, Origin, Text};
use super::salvage;
use super::spans::{At, Spans};
use super::split::{Part, split};
use super::traps;
use super::unfold::{Taken, Unfolded, object_of, unfold};
use crate::source::{Located, Place};
use gatewright_core::diagnostic::{Code, Diagnostic, Outcome, Severity};
use gatewright_core::names::{Kind, ObjectRef, shown};
use gatewright_core::state::Object;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Largest file that is read.
pub(super) const MAX_FILE_BYTES: usize = 64 << 20;
/// Errors and warnings that are kept of one file, and as many notes.
const MAX_FINDINGS: usize = 500;

/// What is in one file.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// The objects, in the order of the text.
    pub(super) objects: Vec<Found>,
    /// Ingresses that are left out for their names, under names that stand in for those.
    pub(super) unnamed: Vec<Found>,
    pub(super) problems: Vec<Located>,
    /// How many objects of kinds that are not read, by kind.
    pub(super) unserved: BTreeMap<String, usize>,
    /// Every document could be read, and every object in them.
    pub(super) is_whole: bool,
}

/// An object, and where it was written.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) object: Object,
    pub(super) origin: Origin,
    /// A part of it is missing that another version may have.
    pub(super) is_cut: bool,
}

/// What a file is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To follow its changes: for places of later findings it is asked again.
    Follow,
    /// Once: its documents are kept for places of later findings.
    Once,
    /// Once, and to say what is odd about its objects as they are written.
    Lint,
}

/// How it came that a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chosen {
    /// Somebody named it, so it holds objects.
    ByName,
    /// It lies in a folder, perhaps beside manifests.
    InFolder,
    /// It lies in a folder too, among the templates of a chart of Helm.
    InChart,
}

/// Reads a file.
pub(super) fn read(file: &Arc<Path>, bytes: &[u8], purpose: Purpose, chosen: Chosen) -> Contents {
    let mut reading = Reading { file, purpose, chosen, contents: Contents { is_whole: true, ..Contents::default() } };
    if bytes.len() > MAX_FILE_BYTES {
        let message = format!("the file is larger than {} MiB", MAX_FILE_BYTES >> 20);
        return Contents::of_unread(file, Code::TooLarge, message, "split it into several");
    }
    if chosen != Chosen::ByName && helm::is_chart(file) {
        return reading.contents;
    }
    if kustomize::is_kustomization(file) {
        let place = Some(Place { file: Arc::clone(file), line: 1, column: 1 });
        return Contents { problems: vec![Located { diagnostic: kustomize::finding(file), place }], ..reading.contents };
    }
    if chosen == Chosen::InChart && helm::is_template(bytes) {
        let place = Some(Place { file: Arc::clone(file), line: 1, column: 1 });
        let chart = helm::chart_of(file, |_| true);
        return Contents { problems: vec![Located { diagnostic: helm::finding(chart), place }], ..reading.contents };
    }
    for part in split(bytes) {
        let mut lines = Lines { part, offset: 0, at: At { line: part.line, column: 1 } };
        for value in parse::parse(part.bytes) {
            match value {
                Ok(parsed) => reading.take(&mut lines, parsed),
                Err(broken) => reading.take_broken(&mut lines, broken),
            }
        }
    }
    if chosen != Chosen::ByName && !reading.contents.objects.is_empty() && !hidden::is_taken_by_kubectl(file) {
        let place = Some(Place { file: Arc::clone(file), line: 1, column: 1 });
        reading.contents.problems.insert(0, Located { diagnostic: hidden::not_taken(), place });
    }
    reading.contents.bounded(file)
}

impl Contents {
    /// A file of which nothing could be read.
    pub(super) fn of_unread(file: &Arc<Path>, code: Code, message: String, help: &str) -> Self {
        let place = Some(Place { file: Arc::clone(file), line: 1, column: 1 });
        Self { problems: vec![Located { diagnostic: Diagnostic::of_input(code, message).help(help), place }], ..Self::default() }
    }

    /// A link that leads nowhere, or to what is no file. Whoever put it there may not miss what was behind it.
    pub(super) fn of_dangling(link: &Arc<Path>) -> Self {
        let (message, help) = match link.metadata() {
            Ok(_) => ("this is neither a file nor a folder, so it is not read", "put a file in its place"),
            Err(_) => ("the link leads nowhere", "remove it, or mend it"),
        };
        let mut contents = Self::of_unread(link, Code::BadDocument, message.to_owned(), help);
        contents.problems.iter_mut().for_each(|problem| problem.diagnostic.severity = Severity::Warning);
        contents
    }

    /// Leaves out what nobody would read to the end, and says so.
    fn bounded(mut self, file: &Arc<Path>) -> Self {
        let (mut serious, mut notes) = (0, 0);
        let before = self.problems.len();
        let mut worst = Severity::Note;
        // It stays as long as the file does.
        self.objects.shrink_to_fit();
        self.problems.retain(|problem| {
            let severity = problem.diagnostic.severity;
            let seen = if severity == Severity::Note { &mut notes } else { &mut serious };
            *seen += 1;
            if *seen > MAX_FINDINGS {
                worst = worst.min(severity);
            }
            *seen <= MAX_FINDINGS
        });
        let left_out = before - self.problems.len();
        if left_out > 0 {
            let mut diagnostic = Diagnostic::of_input(Code::TooLarge, format!("{left_out} more findings in this file are not shown"));
            diagnostic.severity = worst;
            self.problems.push(Located { diagnostic, place: Some(Place { file: Arc::clone(file), line: 1, column: 1 }) });
        }
        self
    }
}

struct Reading<'a> {
    file: &'a Arc<Path>,
    purpose: Purpose,
    chosen: Chosen,
    contents: Contents,
}

impl Reading<'_> {
    fn take(&mut self, lines: &mut Lines<'_>, parsed: Parsed) {
        let (part, before) = (lines.part, self.contents.problems.len());
        let bytes = &part.bytes[parsed.offset..parsed.end];
        let text = std::str::from_utf8(bytes).expect("the parser took it for text");
        let document = Arc::new(Document {
            file: Arc::clone(self.file),
            begin: lines.at(parsed.offset),
            content: lines.at(parsed.offset + content_of(text)),
            text: Text::new(text, part.offset + parsed.offset, self.purpose != Purpose::Follow),
        });
        let Unfolded { objects, unnamed, findings, unserved, .. } =
            unfold(parsed.value, self.purpose == Purpose::Lint, self.chosen != Chosen::ByName);
        self.contents.is_whole &= findings.iter().all(|(finding, _)| !loses_content(finding));
        for (kind, count) in unserved {
            *self.contents.unserved.entry(kind).or_default() += count;
        }
        let owner = if let [taken] = &*objects { Some(taken.object.reference()) } else { None };
        let (torn, objects): (Vec<_>, Vec<_>) = objects.into_iter().partition(|taken| is_torn(taken, &parsed.duplicates));
        self.contents.is_whole &= torn.is_empty();
        if !(findings.is_empty() && parsed.duplicates.is_empty()) {
            let spans = Spans::of(text);
            let place = |finding: &Diagnostic, way: &[u32]| match finding.code {
                Code::UnknownField => spans.find_key(way, &finding.field),
                _ => spans.find(way, &finding.field),
            };
            let found = findings.into_iter().map(|(finding, way)| (place(&finding, &way), finding));
            let twice = parsed.duplicates.iter().map(|steps| {
                let torn = torn.iter().find(|taken| is_in_item(steps, &taken.items));
                let mut finding = duplicate_key(steps, torn.is_some());
                finding.object = torn.map(|taken| taken.object.reference()).or_else(|| owner.clone());
                (spans.find_last(steps), finding)
            });
            let located = found.chain(twice).map(|(at, diagnostic)| Located { diagnostic, place: Some(document.place(at)) });
            self.contents.problems.extend(located);
        }
        if self.purpose == Purpose::Lint && !(objects.is_empty() && torn.is_empty() && self.contents.problems.len() == before) {
            self.take_traps(text, &document, owner, before);
        }
        let found = |Taken { object, items, is_cut }| Found { object, origin: Origin { document: Arc::clone(&document), items }, is_cut };
        self.contents.objects.extend(objects.into_iter().map(found));
        self.contents.unnamed.extend(unnamed.into_iter().map(found));
    }

    /// A value that is said already, from problem `before` on, because it is no text here either, is not said again.
    fn take_traps(&mut self, text: &str, document: &Document, owner: Option<ObjectRef>, before: usize) {
        for trap in traps::find(text) {
            let place = Some(document.place(trap.at));
            if self.contents.problems[before..].iter().any(|problem| problem.place == place && problem.diagnostic.code == Code::BadObject) {
                continue;
            }
            let message = format!("{} without quotes is {} for kubectl, which refuses it where a text belongs", trap.written, trap.becomes);
            let mut diagnostic = Diagnostic::of_input(Code::UnquotedText, message).help(format!("write \"{}\"", trap.written));
            diagnostic.object.clone_from(&owner);
            diagnostic.field = trap.field;
            self.contents.problems.push(Located { diagnostic, place });
        }
        for octal in octal::find(text).iter().filter(|octal| octal.written.trim_start_matches('0') != octal.number.to_string()) {
            let message = format!(
                "{} is {} for kubectl, which reads YAML 1.1 and takes it for octal; so it is read here",
                octal.written, octal.number
            );
            let mut diagnostic = Diagnostic::of_input(Code::UnquotedText, message).help(format!("write {}", octal.number));
            (diagnostic.severity, diagnostic.field) = (Severity::Warning, octal.field());
            diagnostic.object.clone_from(&owner);
            self.contents.problems.push(Located { diagnostic, place: Some(document.place(octal.at)) });
        }
    }

    fn take_broken(&mut self, lines: &mut Lines<'_>, broken: Broken) {
        self.contents.is_whole = false;
        // What is missing at the end is missing behind the last text, not where the next document begins.
        let At { line, column } = lines.at(broken.offset.min(lines.part.bytes.trim_ascii_end().len()));
        let code = if broken.is_too_large { Code::TooLarge } else { Code::BadDocument };
        let place = Some(Place { file: Arc::clone(self.file), line, column });
        if code == Code::BadDocument && helm::is_template(lines.part.bytes) {
            return self.take_template(place);
        }
        let help = if code == Code::TooLarge { "" } else { mending(&broken.message) };
        let mut diagnostic = Diagnostic::of_input(code, broken.message).help(help);
        if let Some(head) = salvage::head(&String::from_utf8_lossy(lines.part.bytes)) {
            diagnostic.object = object_of(&head);
            self.take_settings(lines.part, head);
        }
        // JSON with comments, as settings of other programs have them.
        let is_json = self.file.extension().is_some_and(|extension| extension == "json");
        if self.chosen != Chosen::ByName && is_json && code == Code::BadDocument && !may_be_an_object(lines.part.bytes) {
            diagnostic.severity = Severity::Warning;
        }
        self.contents.problems.push(Located { diagnostic, place });
    }

    /// Settings that nobody can read are not the same as none, which could open what they close. So they are there without a
    /// value that can be read, where no better version is known.
    fn take_settings(&mut self, part: Part<'_>, mut head: Map<String, Value>) {
        let values = match object_of(&head).map(|object| object.kind) {
            Some(Kind::ConfigMap) => "data",
            Some(Kind::GatewrightParameters) => "spec",
            _ => return,
        };
        head.insert(values.to_owned(), Value::from(0));
        let Some(Taken { object, items, is_cut }) = unfold(Value::Object(head), false, false).objects.pop() else { return };
        let begin = At { line: part.line, column: 1 };
        let text = Text::new(&String::from_utf8_lossy(part.bytes), part.offset, self.purpose != Purpose::Follow);
        let document = Arc::new(Document { file: Arc::clone(self.file), begin, content: begin, text });
        self.contents.objects.push(Found { object, origin: Origin { document, items }, is_cut });
    }

    /// Somebody who names a template, or follows it, thinks that it holds objects.
    fn take_template(&mut self, place: Option<Place>) {
        if self.contents.problems.iter().any(|problem| problem.diagnostic.code == Code::UnrenderedTemplate) {
            return;
        }
        let mut diagnostic = helm::finding(None);
        if self.chosen == Chosen::ByName {
            diagnostic.severity = Severity::Error;
        }
        self.contents.problems.push(Located { diagnostic, place });
    }
}

/// Whether a text that cannot be read has the words that every object begins with.
fn may_be_an_object(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    text.contains("apiVersion") || text.contains("kind")
}

/// Whether a finding means that something of the file is missing.
fn loses_content(finding: &Diagnostic) -> bool {
    finding.severity == Severity::Error && !matches!(finding.code, Code::RefusedByApi | Code::UnquotedText)
}

/// Whether an object is an Ingress that says something in two ways.
fn is_torn(taken: &Taken, duplicates: &[Vec<Step>]) -> bool {
    taken.object.reference().kind == Kind::Ingress && duplicates.iter().any(|steps| is_in_item(steps, &taken.items))
}

/// Whether the way to a node of a document leads through the item of lists that an object is.
fn is_in_item(steps: &[Step], items: &[u32]) -> bool {
    let is_item = |(pair, item): (&[Step], &u32)| matches!(pair, [Step::Key(key), Step::Index(index)] if &**key == "items" && u32::try_from(*index) == Ok(*item));
    steps.len() >= 2 * items.len() && steps.chunks(2).zip(items).all(is_item)
}

/// `is_torn`: the object that it is in is left out. One that protects something, and says by whom in two ways, protects it
/// from nobody in particular.
fn duplicate_key(steps: &[Step], is_torn: bool) -> Diagnostic {
    let (mut field, mut last) = (String::new(), "");
    for step in steps {
        match step {
            Step::Key(key) => {
                if !field.is_empty() {
                    field.push('.');
                }
                field.push_str(key);
                last = key;
            }
            Step::Index(index) => field.push_str(&format!("[{index}]")),
        }
    }
    let mut finding = Diagnostic::of_input(Code::DuplicateKey, format!("key {} stands twice in the same mapping", shown(last)));
    finding.field = field;
    if is_torn {
        (finding.severity, finding.outcome) = (Severity::Error, Outcome::SkippedObject);
        return finding.help("remove one of them; kubectl takes the last one and says nothing");
    }
    finding.help("remove the first one, which has no effect")
}

/// What would do about a document that cannot be parsed.
fn mending(message: &str) -> &'static str {
    match message {
        _ if message.contains("UTF-8") => "save it as UTF-8",
        _ if message.contains("cannot start any token") => "indent with blanks, not with tabs, and quote a text that begins with @, ` or %",
        _ if message.contains("limit exceeded") => "write it with less nesting and fewer aliases",
        _ => "look here and above for a missing quote, bracket, colon or blank",
    }
}

/// Offset of the first line that is more than a comment, directive or marker.
fn content_of(text: &str) -> usize {
    let mut offset = 0;
    for line in text.split_inclusive(['\n', '\r']) {
        let behind = line.strip_prefix("---").filter(|rest| rest.starts_with([' ', '\t', '\r', '\n'])).unwrap_or(line);
        let content = behind.trim_start();
        if !(content.is_empty() || content.starts_with('#') || line.starts_with('%')) {
            return offset + line.len() - content.len();
        }
        offset += line.len();
    }
    0
}

/// Lines and columns in the file of the bytes of a part. Lines end as the splitter ends them: LF, CR LF or CR.
struct Lines<'a> {
    part: Part<'a>,
    offset: usize,
    at: At,
}

impl Lines<'_> {
    /// The position of a byte, which is never before the one asked for last.
    fn at(&mut self, offset: usize) -> At {
        let bytes = self.part.bytes;
        for n in self.offset..offset.max(self.offset) {
            if bytes[n] == b'\n' || (bytes[n] == b'\r' && bytes.get(n + 1) != Some(&b'\n')) {
                self.at = At { line: self.at.line + 1, column: 1 };
            } else if bytes[n] & 0xc0 != 0x80 {
                self.at.column = self.at.column.saturating_add(1);
            }
        }
        self.offset = offset.max(self.offset);
        self.at
    }
}
