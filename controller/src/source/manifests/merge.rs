//! The contents of many files into one set of objects.

use super::places::Known;
use super::read::{Contents, Found};
use crate::source::Located;
use gatewright_core::diagnostic::{Code, Diagnostic};
use gatewright_core::names::ObjectRef;
use std::collections::{BTreeMap, HashMap, hash_map::Entry};

/// Most objects of one input.
const MAX_OBJECTS: usize = 1_000_000;
/// Findings about objects that stand in several places.
const MAX_TWICE: usize = 500;

/// The objects of all files, each once, and what is wrong with any of them.
#[derive(Debug, Default)]
pub(super) struct Merged<'a> {
    pub(super) objects: HashMap<ObjectRef, &'a Found>,
    pub(super) problems: Vec<Located>,
}

/// Puts files together; of an object that stands in several places the last one is used.
pub(super) fn merge<'a>(files: impl IntoIterator<Item = &'a Contents>) -> Merged<'a> {
    let (mut merged, mut known) = (Merged::default(), Known::default());
    let (mut unserved, mut unused, mut left_out) = (BTreeMap::<&str, usize>::new(), Vec::new(), 0);
    for contents in files {
        merged.problems.extend(contents.problems.iter().cloned());
        for (kind, count) in &contents.unserved {
            *unserved.entry(kind).or_default() += count;
        }
        for found in &contents.objects {
            let is_full = merged.objects.len() >= MAX_OBJECTS;
            match merged.objects.entry(found.object.reference()) {
                Entry::Vacant(_) if is_full => left_out += 1,
                Entry::Vacant(entry) => {
                    entry.insert(found);
                }
                Entry::Occupied(mut entry) => {
                    let before = entry.insert(found);
                    if unused.len() < MAX_TWICE {
                        unused.push(before);
                    }
                }
            }
        }
    }
    for before in unused {
        if let Some(used) = merged.objects.get(&before.object.reference()) {
            merged.problems.push(duplicate(&mut known, before, used));
        }
    }
    if left_out > 0 {
        merged.tell(Code::TooLarge, format!("{left_out} objects are left out: more than {MAX_OBJECTS} are not read; give fewer at a time"));
    }
    if !unserved.is_empty() {
        let list: Vec<String> = unserved.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        merged.tell(Code::UnservedKind, format!("objects of kinds that are not read: {}", list.join(", ")));
    }
    merged
}

impl Merged<'_> {
    fn tell(&mut self, code: Code, message: String) {
        self.problems.push(Located { diagnostic: Diagnostic::of_input(code, message), place: None });
    }
}

/// Told at the one that is not used.
fn duplicate(known: &mut Known, before: &Found, used: &Found) -> Located {
    let message = format!("the object is described again at {}, which is used", known.place_of(&used.origin, ""));
    let diagnostic = Diagnostic::new(Code::DuplicateObject, used.object.reference(), "", message).help("keep one of them");
    Located { diagnostic, place: Some(known.place_of(&before.origin, "")) }
}
