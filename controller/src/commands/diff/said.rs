//! What is to be said beside the changes: what is wrong with the second input alone, and what is in no comparison.

use crate::commands::lint::of_other_classes;
use crate::commands::offline::soften;
use crate::commands::output::say;
use crate::source::Located;
use crate::source::input::World;
use gatewright_core::diagnostic::{Code, Diagnostic, Severity};
use gatewright_core::translate::Translation;
use std::collections::HashSet;

/// A document or object of which nobody knows what it says.
pub(super) struct LeftOut {
    /// `old`, `new` or `both`.
    pub(super) side: &'static str,
    /// Why; where it is in both, as the second input has it.
    pub(super) located: Located,
}

/// Errors and warnings of the second input that the first one does not have. They are the same wherever they stand.
pub(super) fn new_findings((old, before): (&World, &Translation), (new, after): (&World, &Translation)) -> Vec<Located> {
    let known: HashSet<&Diagnostic> = before.diagnostics.iter().collect();
    let located = after.diagnostics.iter().filter(|finding| !known.contains(finding)).map(|finding| new.places.locate(finding.clone()));
    let mut all: Vec<Located> = newly_unread(old, new).into_iter().chain(located).collect();
    all.retain_mut(|located| {
        soften(&mut located.diagnostic, new.holds);
        located.diagnostic.severity != Severity::Note
    });
    all
/// What of the second input cannot be read that could be in the first one, or was not there.
pub(super) fn newly_unread(old: &World, new: &World) -> Vec<Located> {
    let known: HashSet<&Diagnostic> = old.problems.iter().map(|located| &located.diagnostic).collect();
    unread(new).filter(|located| !known.contains(&located.diagnostic)).cloned().collect()
}

}

/// What either input does not tell.
pub(super) fn left_out(old: &World, new: &World) -> Vec<LeftOut> {
    let in_both: HashSet<&Diagnostic> = unread(old).map(|located| &located.diagnostic).collect();
    let in_new: HashSet<&Diagnostic> = unread(new).map(|located| &located.diagnostic).collect();
    let gone = unread(old).filter(|located| !in_new.contains(&located.diagnostic)).map(|located| ("old", located));
    let there = unread(new).map(|located| (if in_both.contains(&located.diagnostic) { "both" } else { "new" }, located));
    gone.chain(there).map(|(side, located)| LeftOut { side, located: located.clone() }).collect()
}

/// What cannot be read is in no comparison, and neither are Ingresses of other classes: whoever reads it has to know.
pub(super) fn say_left_out(inputs: &[String], world: &World, translation: &Translation) {
    let inputs = inputs.join(", ");
    let told = match unread(world).count() {
        0 => None,
        1 => Some("1 document or object is left out, as it".to_owned()),
        errors => Some(format!("{errors} documents or objects are left out, as they")),
    };
    if let Some(told) = told {
        say(format_args!("warning: of {inputs}, {told} cannot be read; lint tells why"));
    }
    let others = of_other_classes(world, translation).len();
    if others > 0 {
        say(format_args!("note: of {inputs}, Ingresses of other classes are left out: {others}; lint says which"));
    }
}

fn unread(world: &World) -> impl Iterator<Item = &Located> {
    let is_unread =
        |finding: &Diagnostic| finding.severity == Severity::Error || [Code::BadDocument, Code::Forbidden].contains(&finding.code);
    world.problems.iter().filter(move |located| is_unread(&located.diagnostic))
}
