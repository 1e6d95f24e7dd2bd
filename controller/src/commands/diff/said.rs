//! What is to be said beside the changes: what is wrong with the second input alone, and what is in no comparison.

use crate::commands::findings::{downgrade, elsewhere, hidden, unread};
use crate::commands::lint::of_other_classes;
use crate::source::Located;
use crate::source::input::World;
use gatewright_core::diagnostic::{Code, Diagnostic, Severity};
use gatewright_core::names::ObjectName;
use gatewright_core::translate::Translation;
use std::collections::HashSet;

/// A document, object or part of an input of which nobody knows what it says.
pub(super) struct LeftOut {
    /// `old`, `new` or `both`.
    pub(super) side: &'static str,
    /// Why; where it is in both, as the second input has it.
    pub(super) located: Located,
}

/// Errors and warnings of the second input that the first one does not have, and Ingresses that it no longer serves because
/// of their class or namespace. They are the same wherever they stand. On another proxy, what that does in another way is
/// told, too.
pub(super) fn new_findings(
    (old, before): (&World, &Translation),
    (new, after): (&World, &Translation),
    on_another_proxy: bool,
) -> Vec<Located> {
    let known: HashSet<&Diagnostic> = before.diagnostics.iter().collect();
    let located = after.diagnostics.iter().filter(|finding| !known.contains(finding)).map(|finding| new.places.locate(finding.clone()));
    let mut all: Vec<Located> = newly_unread(old, new).into_iter().chain(located).collect();
    all.retain_mut(|located| {
        downgrade(&mut located.diagnostic, new.holds);
        located.diagnostic.severity != Severity::Note || on_another_proxy && located.diagnostic.code == Code::LacksFeature
    });
    let was_served: HashSet<&ObjectName> = before.served.iter().map(|ingress| &ingress.meta.name).collect();
    let is_lost = |located: &Located| located.diagnostic.object.as_ref().is_some_and(|object| was_served.contains(&object.name));
    all.extend(of_other_classes(new, after).into_iter().filter(is_lost));
    all
}

/// What of the second input cannot be read, or is hidden, that could be in the first one, or was not there.
pub(super) fn newly_unread(old: &World, new: &World) -> Vec<Located> {
    let known: HashSet<&Diagnostic> = old.problems.iter().map(|located| &located.diagnostic).collect();
    unread(new).chain(hidden(new)).filter(|located| !known.contains(&located.diagnostic)).cloned().collect()
}

/// What either input does not tell.
pub(super) fn left_out(old: &World, new: &World) -> Vec<LeftOut> {
    let in_both: HashSet<&Diagnostic> = not_read(old).map(|located| &located.diagnostic).collect();
    let in_new: HashSet<&Diagnostic> = not_read(new).map(|located| &located.diagnostic).collect();
    let gone = not_read(old).filter(|located| !in_new.contains(&located.diagnostic)).map(|located| ("old", located));
    let there = not_read(new).map(|located| (if in_both.contains(&located.diagnostic) { "both" } else { "new" }, located));
    gone.chain(there).map(|(side, located)| LeftOut { side, located: located.clone() }).collect()
}

fn not_read(world: &World) -> impl Iterator<Item = &Located> {
    unread(world).chain(elsewhere(world)).chain(hidden(world))
}
