//! What the answers of offline commands are without, which whoever reads them has to know.

use super::findings::{downgrade, elsewhere, hidden, unread};
use super::lint::of_other_classes;
use super::output::say;
use crate::source::Located;
use crate::source::input::World;
use gatewright_core::diagnostic::{Code, Diagnostic, Outcome};
use gatewright_core::translate::Translation;

/// Whoever reads an answer of nothing has to know.
pub(super) fn say_nothing_found(inputs: &[String], world: &World) {
    for Located { diagnostic: Diagnostic { message, help, .. }, .. } in world.nothing_found(inputs) {
        say(format_args!("warning: {message}; {help}"));
    }
}

/// What is not read is in no answer, and neither are Ingresses of other classes nor settings of a ConfigMap that is not
/// there: whoever reads it has to know.
pub(super) fn say_left_out(inputs: &[String], world: &World, translation: &Translation) {
    say_nothing_found(inputs, world);
    let inputs = inputs.join(", ");
    let told = match unread(world).filter(|located| located.diagnostic.outcome == Outcome::SkippedObject).count() {
        0 => None,
        1 => Some("1 document or object is left out, as it".to_owned()),
        errors => Some(format!("{errors} documents or objects are left out, as they")),
    };
    if let Some(told) = told {
        say(format_args!("warning: of {inputs}, {told} cannot be read; lint tells why"));
    }
    say_others_left_out(&format!("of {inputs}, "), world, translation);
    let elsewhere = elsewhere(world).count();
    if elsewhere > 0 {
        say(format_args!("note: of {inputs}, submodules and links that lead out are not read: {elsewhere}; lint says which"));
    }
    let hidden = hidden(world).count();
    if hidden > 0 {
        say(format_args!("warning: of {inputs}, hidden files that kubectl applies are not read: {hidden}; lint says which"));
    }
    let is_of_flag = |finding: &&Diagnostic| [Code::MissingConfigMap, Code::Forbidden].contains(&finding.code) && finding.field.is_empty();
    for mut finding in translation.diagnostics.iter().filter(is_of_flag).cloned() {
        downgrade(&mut finding, world.holds);
        say(format_args!("{}: of {inputs}, {}; {}", finding.severity, finding.message, finding.help));
    }
}

/// Ingresses that are not looked at, and why.
pub(super) fn say_others_left_out(whose: &str, world: &World, translation: &Translation) {
    for (left_out, what) in Others::of(world, translation).by_reason() {
        if left_out > 0 {
            say(format_args!("note: {whose}Ingresses {what} are left out: {left_out}; lint says which"));
        }
    }
}

/// How many Ingresses are not looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Others {
    pub(super) of_other_classes: usize,
    pub(super) of_unwatched_namespaces: usize,
}

impl Others {
    pub(super) fn of(world: &World, translation: &Translation) -> Self {
        let others = of_other_classes(world, translation);
        let of_unwatched_namespaces = others.iter().filter(|located| located.diagnostic.field == "metadata.namespace").count();
        Self { of_other_classes: others.len() - of_unwatched_namespaces, of_unwatched_namespaces }
    }

    pub(super) const fn by_reason(self) -> [(usize, &'static str); 2] {
        [(self.of_other_classes, "of other classes"), (self.of_unwatched_namespaces, "of namespaces that are not watched")]
    }
}
