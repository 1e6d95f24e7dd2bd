//! Short ways to read annotations in tests. The Ingress is `shop/front`.

use super::{Given, Objects, Policies};
use crate::diagnostic::{Diagnostic, Severity};
use crate::names::{Kind, ObjectName, ObjectRef};
use crate::settings::{Config, Settings};
use crate::state::{Event, Snapshot, decode};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Calls back with the readers of these annotations.
pub(super) fn given(pairs: &[(&str, &str)], look: impl FnOnce(&mut Given<'_>)) {
    let (all, snapshot) = (annotations(pairs), Snapshot::default());
    look(&mut Given::new("p", "shop", &all, Objects::new(&snapshot)));
}

/// What these annotations ask for; the Ingress must not be left out.
#[track_caller]
pub(super) fn read(pairs: &[(&str, &str)]) -> Policies {
    read_with(&Settings::default(), pairs).0.expect("the Ingress is not left out")
}

/// What is said about these annotations: message and outcome.
pub(super) fn problems(pairs: &[(&str, &str)]) -> Vec<String> {
    read_with(&Settings::default(), pairs).1
}

/// What they ask for (`None`: the Ingress is left out), and what is said about them.
pub(in crate::translate) fn read_with(settings: &Settings, pairs: &[(&str, &str)]) -> (Option<Policies>, Vec<String>) {
    read_in(settings, &Snapshot::default(), pairs)
}

/// The same beside what is in `snapshot`.
pub(super) fn read_in(settings: &Settings, snapshot: &Snapshot, pairs: &[(&str, &str)]) -> (Option<Policies>, Vec<String>) {
    read_configured(settings, &[], snapshot, pairs)
}

/// The same with keys of the main ConfigMap.
pub(super) fn read_configured(
    settings: &Settings,
    keys: &[(&str, &str)],
    snapshot: &Snapshot,
    pairs: &[(&str, &str)],
) -> (Option<Policies>, Vec<String>) {
    let all = annotations(pairs);
    let object = ObjectRef::new(Kind::Ingress, ObjectName::new("shop", "front").expect("a name"));
    let config: Config = crate::settings::read(settings, &keys.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()).0;
    let mut read =
        super::read(Given::new("p", "shop", &all, Objects::new(snapshot)), (&config, &Arc::new(Policies::of(&config))), settings, &object);
    assert_tells_what_would_do(&read.diagnostics);
    if read.is_refused && read.policies.is_some() {
        super::tell_closed(&mut read.diagnostics);
    }
    (
        read.policies.map(Arc::unwrap_or_clone),
        read.diagnostics.iter().map(|found| format!("{} ({})", found.message, found.outcome)).collect(),
    )
}

/// Whatever is wrong is said with what would do; some messages of values say it themselves.
#[track_caller]
fn assert_tells_what_would_do(diagnostics: &[Diagnostic]) {
    let mut serious = diagnostics.iter().filter(|finding| finding.severity != Severity::Note);
    let silent = serious.find(|finding| !finding.tells_what_would_do());
    assert!(silent.is_none(), "nothing tells what would do: {}", silent.expect("it is there"));
}

/// Objects for annotations to name.
pub(super) fn snapshot(objects: &[serde_json::Value]) -> Snapshot {
    let mut snapshot = Snapshot::default();
    for object in objects {
        let object = decode(object.clone()).expect("a readable object").expect("a known kind");
        snapshot.apply(Event::Applied(object));
    }
    snapshot
}

fn annotations(pairs: &[(&str, &str)]) -> BTreeMap<Box<str>, Box<str>> {
    pairs.iter().map(|(name, value)| (format!("p/{name}").into(), (*value).into())).collect()
}
