//! From an object and a field path to `file:line:column`, so that whatever is found wrong later can be shown where it
//! was written.

use super::read::Found;
use super::spans::{At, Spans};
use crate::source::{Located, Place, stamp};
use gatewright_core::diagnostic::{Diagnostic, TextPlace};
use gatewright_core::names::ObjectRef;
use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use xxhash_rust::xxh3::xxh3_64;

/// One document of a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Document {
    pub(super) file: Arc<Path>,
    /// Where its text begins.
    pub(super) begin: At,
    /// Where its first content is.
    pub(super) content: At,
    pub(super) text: Text,
}

/// The text of a document.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Text {
    /// Here.
    Kept(Box<str>),
    /// In the file, if that still holds it.
    OnDisk { offset: u64, length: usize, digest: u64 },
}

/// Where an object was written: in which document, and which way through the items of lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(super) document: Arc<Document>,
    pub(super) items: Box<[u32]>,
}

impl Text {
    /// The text, kept or remembered by its place in the file.
    pub(super) fn new(text: &str, offset: usize, keep: bool) -> Self {
        if keep {
            return Self::Kept(text.into());
        }
        Self::OnDisk { offset: offset as u64, length: text.len(), digest: xxh3_64(text.as_bytes()) }
    }
}

impl Document {
    fn text(&self) -> Option<Cow<'_, str>> {
        match &self.text {
            Text::Kept(text) => Some(Cow::Borrowed(text)),
            Text::OnDisk { offset, length, digest } => {
                let mut file = stamp::open(&self.file).ok()?;
                file.seek(SeekFrom::Start(*offset)).ok()?;
                let mut bytes = Vec::new();
                file.take(*length as u64).read_to_end(&mut bytes).ok()?;
                let text = String::from_utf8(bytes).ok()?;
                (xxh3_64(text.as_bytes()) == *digest).then_some(Cow::Owned(text))
            }
        }
    }

    /// Turns a position in the document into one in the file.
    pub(super) fn place(&self, at: At) -> Place {
        let column = if at.line == 1 { self.begin.column + at.column - 1 } else { at.column };
        Place { file: Arc::clone(&self.file), line: self.begin.line + at.line - 1, column }
    }

    /// Where its first content is.
    pub(super) fn first(&self) -> Place {
        Place { file: Arc::clone(&self.file), line: self.content.line, column: self.content.column }
    }
}

/// Where every object of an input was written.
#[derive(Debug, Default)]
pub(crate) struct Places {
    found: Arc<HashMap<ObjectRef, Found>>,
    known: Mutex<Known>,
}

impl Places {
    pub(super) fn new(found: Arc<HashMap<ObjectRef, Found>>) -> Self {
        Self { found, known: Mutex::default() }
    }

    /// Where a field of an object is; what is missing is shown where it should be. `None`: the object is in no file.
    ///
    /// `field` is a path such as `spec.rules[0].host` or `metadata.annotations[a.example/b]`. When the file has
    /// changed since it was read, the beginning of the document is all that is known.
    pub(crate) fn place_of(&self, object: &ObjectRef, field: &str) -> Option<Place> {
        let origin = &self.found.get(object)?.origin;
        Some(self.known().place_of(origin, field))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether an object was read from a file.
    pub(crate) fn has(&self, object: &ObjectRef) -> bool {
        self.found.contains_key(object)
    }

    /// Adds to a finding where it is.
    pub(crate) fn locate(&self, diagnostic: Diagnostic) -> Located {
        let origin = |object: &ObjectRef| Some(&self.found.get(object)?.origin);
        let field = &diagnostic.field;
        let place = diagnostic.object.as_ref().and_then(origin).map(|origin| {
            let within = diagnostic.place_in_text().and_then(|place| self.known().place_within(origin, field, place));
            within.unwrap_or_else(|| self.known().place_of(origin, field))
        });
        Located { diagnostic, place }
    }
}

/// The documents that were asked for last: findings come object by object, or compare two.
#[derive(Debug, Default)]
pub(super) struct Known(VecDeque<(Arc<Document>, Spans)>);

impl Known {
    /// Where a field is, or the beginning of the document if its text is there no more.
    pub(super) fn place_of(&mut self, origin: &Origin, field: &str) -> Place {
        let document = &origin.document;
        if field.is_empty() && origin.items.is_empty() {
            return document.first();
        }
        self.spans_of(document).map_or_else(|| document.first(), |spans| document.place(spans.find(&origin.items, field)))
    }

    /// Where a line and column of a field's text are, if that is written as lines.
    fn place_within(&mut self, origin: &Origin, field: &str, place: TextPlace) -> Option<Place> {
        let document = &origin.document;
        Some(document.place(self.spans_of(document)?.find_within(&origin.items, field, place)?))
    }

    fn spans_of(&mut self, document: &Arc<Document>) -> Option<&Spans> {
        const KEPT: usize = 2;
        let index = self.0.iter().position(|(known, _)| Arc::ptr_eq(known, document));
        if index.is_none() {
            let spans = Spans::of(&document.text()?);
            self.0.truncate(KEPT - 1);
            self.0.push_front((Arc::clone(document), spans));
        }
        self.0.get(index.unwrap_or(0)).map(|(_, spans)| spans)
    }
}

/// The places of an input that changes.
#[derive(Debug, Clone, Default)]
pub(crate) struct SharedPlaces(Arc<Mutex<Arc<Places>>>);

impl SharedPlaces {
    /// The places as they are now.
    pub(crate) fn current(&self) -> Arc<Places> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn set(&self, places: Places) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(places);
    }
}
