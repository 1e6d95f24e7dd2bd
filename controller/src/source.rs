//! Where objects come from: a folder of manifests or a cluster, followed or read once.
//!
//! A source moves bytes and waits; it decides nothing about routing. What it has to say travels as [`Input`]s over a
//! bounded channel.

mod beside;
pub(crate) mod cluster;
pub(crate) mod dns;
pub(crate) mod input;
pub(crate) mod manifests;
pub(crate) mod secrets;
mod stamp;
mod watch;

use gatewright_core::diagnostic::{Code, Diagnostic, Outcome, grouped};
use gatewright_core::names::{Kind, ObjectRef};
use gatewright_core::state::Event;
use gatewright_core::translate::Wanted;
use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Follows a folder of Secrets beside another source, which is to send to what is answered.
pub(crate) fn with_secrets_of(folder: PathBuf, out: mpsc::Sender<Input>) -> mpsc::Sender<Input> {
    const QUEUE: usize = 64;
    let (secrets_sender, secrets) = mpsc::channel(1);
    let (objects_sender, objects) = mpsc::channel(QUEUE);
    tokio::spawn(secrets::run(folder, secrets_sender));
    tokio::spawn(beside::run(objects, secrets, out));
    objects_sender
}

/// What a source tells the loop.
#[derive(Debug)]
pub(crate) enum Input {
    /// These things happened, in this order; applied together.
    Changed(Vec<Event>),
    /// Whether something was heard of that is not told yet, such as a file that is still to be read.
    Untold(bool),
    /// Everything that is wrong with the input itself (documents that cannot be read, kinds that are forbidden),
    /// replacing what this source said before.
    Problems(Vec<Located>),
    /// Every first list is complete; sent once.
    Complete,
    /// What is still awaited before that, for `/readyz`.
    Waiting(Vec<String>),
    /// The zone of the Node that the controller runs on; sent once, before everything else.
    Zone(String),
    /// Whether IngressClasses may be read; where they may not, only annotations count.
    Classes(bool),
    /// The objects with settings that may not be read, replacing those that were told before.
    Forbidden(BTreeSet<ObjectRef>),
    /// What was asked for by this is known now, as far as it is there.
    Answered(Wanted),
}

/// A position in a file, in the form that editors jump to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The file as it was named; `-` is the standard input.
    pub(crate) file: Arc<Path>,
    /// Line, from 1.
    pub(crate) line: u32,
    /// Column in characters, from 1.
    pub(crate) column: u32,
}

impl Place {
    /// The file as others know it who read findings: of a revision, the path in the repository.
    pub(crate) fn file_for_others(&self) -> &Path {
        let path = self.file.as_os_str().as_bytes();
        let in_revision = path.strip_prefix(b"git:").and_then(|rest| Some(&rest[rest.iter().position(|&b| b == b':')? + 1..]));
        in_revision.map_or(&*self.file, |path| Path::new(OsStr::from_bytes(path)))
    }
}

/// `file:line:column`; what a terminal could take for something else is replaced.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.file.to_string_lossy();
        let name: String = name.chars().map(|c| if gatewright_core::names::is_printable(c) { c } else { '\u{fffd}' }).collect();
        write!(f, "{name}:{}:{}", self.line, self.column)
    }
}

/// A finding, and where in a file it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Located {
    /// What is wrong.
    pub(crate) diagnostic: Diagnostic,
    /// Where; `None` when it is in no file.
    pub(crate) place: Option<Place>,
}

/// What is wrong with an input, and with what is made of its objects. A value that is no text is read as one; where that is
/// not good either, one finding tells the reason and what became of it. So it is with settings that cannot be read.
pub(crate) fn together(problems: &[Located], of_objects: impl Iterator<Item = Located>) -> Vec<Located> {
    let mut all = problems.to_vec();
    let read_as_text: HashMap<_, _> =
        problems.iter().enumerate().filter_map(|(at, problem)| Some((place_in_object(problem)?, at))).collect();
    for located in of_objects {
        let field = located.diagnostic.object.as_ref().map(|object| (object, &*located.diagnostic.field));
        let finding = &located.diagnostic;
        match field.and_then(|field| read_as_text.get(&field)).filter(|_| finding.outcome != Outcome::Served) {
            Some(at) => all[*at].diagnostic.outcome = finding.outcome,
            None => all.push(located),
        }
    }
    all
}

/// The field that holds something else than a text, and is read as one; or something else than settings, or what names them.
fn place_in_object(problem: &Located) -> Option<(&ObjectRef, &str)> {
    let Diagnostic { code: Code::BadObject, outcome, object: Some(object), field, .. } = &problem.diagnostic else { return None };
    let holds_settings = matches!(object.kind, Kind::ConfigMap | Kind::GatewrightParameters | Kind::IngressClass);
    (*outcome == Outcome::Served || holds_settings).then_some((object, &**field))
}

/// Findings for people, each as [`format_located`] has it; of many of a kind on one object a few, and how many more.
pub(crate) fn format_all(findings: &[Located]) -> impl Iterator<Item = String> {
    grouped(findings, |located| &located.diagnostic).into_iter().map(|(located, more)| {
        let more = more_of(&located.diagnostic, more).map(|more| format!("\n{more}")).unwrap_or_default();
        format_located(located) + &more
    })
}

/// What stands for those that are not shown.
pub(crate) fn more_of(shown: &Diagnostic, more: usize) -> Option<String> {
    let object = shown.object.as_ref().filter(|_| more > 0)?;
    Some(format!("and {more} more of {} in {object}; lint --format json tells them all", shown.code))
}

/// `file:line:column: severity[CODE]: message`, then, indented, whose field it is, what was done, and what would do.
pub(crate) fn format_located(located: &Located) -> String {
    use fmt::Write;
    let Located { diagnostic: d, place } = located;
    let mut out = place.as_ref().map_or_else(String::new, |place| format!("{place}: "));
    let write = |out: &mut String, text: fmt::Arguments<'_>| out.write_fmt(text).expect("writing to a String cannot fail");
    write(&mut out, format_args!("{}[{}]: {}", d.severity, d.code, d.message));
    if let Some(object) = &d.object {
        let comma = if d.field.is_empty() { "" } else { ", " };
        write(&mut out, format_args!("\n    in {object}{comma}{} ({})", d.field, d.outcome));
    }
    if !d.help.is_empty() {
        write(&mut out, format_args!("\n    help: {}", d.help));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use gatewright_core::names::ObjectName;

    #[test]
    fn a_finding_is_printed_in_the_form_that_editors_jump_to() {
        let object = ObjectRef::new(Kind::Ingress, ObjectName::new("shop", "front").unwrap());
        let diagnostic = Diagnostic::new(Code::BadPath, object, "spec.rules[0]", "path is odd").help("begin it with /");
        let place = Place { file: Path::new("a\n.yaml").into(), line: 3, column: 7 };
        let located = Located { diagnostic, place: Some(place) };
        assert_eq!(
            format_located(&located),
            "a\u{fffd}.yaml:3:7: error[GW0202]: path is odd\n    in Ingress shop/front, spec.rules[0] (path left out)\n    help: begin it with /"
        );
        let bare = Located { diagnostic: Diagnostic::of_input(Code::UnservedKind, "1 Pod"), place: None };
        assert_eq!(format_located(&bare), "note[GW0007]: 1 Pod");
    }
}
