//! The main ConfigMap, and what is said of settings wherever they come from.

use super::annotations::{self, difference};
use super::{Input, Wanted, policy_names};
use crate::diagnostic::{Code, Diagnostic, Outcome, Severity};
use crate::names::{Kind, ObjectName, ObjectRef, nearest};
use crate::settings::{self, Kept, POLICY_HELP, POLICY_KEY, Policy, Problem, ProblemKind, SnippetKey};
use crate::state::ConfigMap;
use std::collections::BTreeMap;

/// What objects say of settings, without what the proxy refused.
pub(super) type Said = BTreeMap<ObjectRef, BTreeMap<String, String>>;

/// What an object says.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) data: BTreeMap<String, String>,
    /// Some of it cannot be read, and may keep somebody out.
    pub(super) closed: bool,
}

/// Stands for all that cannot be read among what is remembered of an object, where it may keep somebody out. It is the name of
/// no key.
const UNREADABLE: &str = "(unreadable)";

/// What the main ConfigMap says, also one that is gone; without one, everything is at its default.
pub(super) fn main(input: Input<'_>, wanted: &mut Wanted, said: &mut Said, diagnostics: &mut Vec<Diagnostic>) -> Written {
    let name = input.settings.config_map.as_ref();
    wanted.config_maps.extend(name.cloned());
    wanted.settings.extend(name.cloned());
    let Some(name) = name else { return Written::default() };
    let deleted = input.snapshot.deleted_config_map(name);
    diagnostics.extend(deleted.map(|_| gone(name)));
    let object = ObjectRef::new(Kind::ConfigMap, name.clone());
    let written = if let Some(map) = input.snapshot.config_map(name).or(deleted) {
        Written { data: map.data.clone(), closed: closes(map, diagnostics) }
    } else {
        let last = last_of(input, &object);
        let (instead, outcome) = match last {
            Some(_) => ("what it said last still counts", Outcome::Quarantined),
            None => ("every setting has its default", Outcome::KeptDefault),
        };
        diagnostics.push(miss(input, "configmap", name, instead).outcome(outcome));
        let Some(last) = last else { return Written::default() };
        last
    };
    mended(input, &object, written, &BTreeMap::new(), said, diagnostics)
}

/// What an object that is not there any more has said in the last revision that the proxy has taken; `None`: nothing. All of it
/// counts until somebody says something else: what keeps somebody out, what that is compared with and what of it is applied may
/// be said by different keys, and by Ingresses.
pub(super) fn last_of(input: Input<'_>, object: &ObjectRef) -> Option<Written> {
    accepted(input, object).filter(|last| last.closed || last.data.values().any(|value| !value.is_empty()))
}

/// The same of headers, where an empty value says something.
pub(super) fn accepted(input: Input<'_>, object: &ObjectRef) -> Option<Written> {
    let mut data = input.quarantine.accepted_settings_of(object)?.clone();
    let closed = data.remove(UNREADABLE).is_some();
    Some(Written { data, closed })
}

/// Whether a key stands for what may keep somebody out and cannot be read.
pub(super) fn is_unreadable(key: &str) -> bool {
    key == UNREADABLE
}

/// What it said may keep somebody out, so it counts as long as nobody says something else.
fn gone(name: &ObjectName) -> Diagnostic {
    let message = "the ConfigMap of --configmap has been deleted; what it said last still counts";
    let finding = Diagnostic::new(Code::MissingConfigMap, ObjectRef::new(Kind::ConfigMap, name.clone()), "", message);
    let finding = finding.help("create it again, empty if every setting is to have its default").outcome(Outcome::Quarantined);
    Diagnostic { severity: Severity::Warning, ..finding }
}

/// Whether settings in a ConfigMap cannot be read that may keep somebody out; tells all that cannot be read.
pub(super) fn closes(map: &ConfigMap, diagnostics: &mut Vec<Diagnostic>) -> bool {
    let mut closes = map.cut_at.is_some();
    diagnostics.extend(map.cut_at.as_ref().map(|field| cut(ObjectRef::new(Kind::ConfigMap, map.meta.name.clone()), field)));
    diagnostics.extend(map.binary_keys.iter().zip(unread(map, Outcome::KeptDefault)).map(|(key, mut finding)| {
        if may_protect(key) {
            finding.close("; every route answers 503, for it may keep somebody out");
            closes = true;
        }
        finding
    }));
    closes
}

/// Whether a key asks for a protection, with whatever value.
fn may_protect(key: &str) -> bool {
    settings::protects(key) || annotations::protects(key, "") || SnippetKey::ALL.iter().any(|own| own.as_str() == key)
}

/// Settings that cannot be read close what they are for.
pub(super) fn cut(object: ObjectRef, field: &str) -> Diagnostic {
    let message = "the settings cannot be read, and may keep somebody out, so every route that they are for answers 503";
    Diagnostic::new(Code::BadSetting, object, field, message).help("write a mapping").outcome(Outcome::ClosedRoute)
}

/// What of a ConfigMap is not read, as it is not by ingress-nginx.
pub(super) fn unread(map: &ConfigMap, instead: Outcome) -> impl Iterator<Item = Diagnostic> {
    let object = ObjectRef::new(Kind::ConfigMap, map.meta.name.clone());
    map.binary_keys.iter().map(move |key| {
        let key = crate::names::shown(key);
        let message = format!("the value of {key} is binary, and no such value is read");
        let finding = Diagnostic::new(Code::BadSetting, object.clone(), format!("binaryData[{}]", key.trim_matches('"')), message);
        finding.help("write it as text under data").outcome(instead)
    })
}

/// The ConfigMap that a flag names does not exist, or may not be read, and what comes of that. Whoever gives the flag may mean
/// to create it later.
pub(super) fn miss(input: Input<'_>, flag: &str, name: &ObjectName, instead: &str) -> Diagnostic {
    let object = ObjectRef::new(Kind::ConfigMap, name.clone());
    let (code, why, help) = if input.settings.forbidden.contains(&object) {
        (Code::Forbidden, "may not be read", "grant the verbs get, list and watch on it, or give it as a file".to_owned())
    } else {
        let beside = input.snapshot.config_maps().map(|map| &map.meta.name).filter(|map| map.namespace() == name.namespace());
        let meant = nearest(name.name(), beside.map(ObjectName::name));
        let meant = meant.map(|meant| format!("{}/{meant} may be meant", name.namespace()));
        (Code::MissingConfigMap, "does not exist", meant.unwrap_or_else(|| "create it, or name another".to_owned()))
    };
    let finding = Diagnostic::new(code, object, "", format!("the ConfigMap of --{flag} {why}; {instead}")).help(help);
    Diagnostic { severity: Severity::Warning, ..finding }
}

/// What an object says over what is written further out. What of it the proxy refused is told, and is not among it.
pub(super) fn mended(
    input: Input<'_>,
    object: &ObjectRef,
    Written { mut data, closed }: Written,
    outer: &BTreeMap<String, String>,
    said: &mut Said,
    diagnostics: &mut Vec<Diagnostic>,
) -> Written {
    if data.remove(UNREADABLE).is_some() {
        let message = format!("{} is not a known key", crate::names::shown(UNREADABLE));
        let problem = Problem { key: UNREADABLE.to_owned(), kind: ProblemKind::Unknown, message, help: "remove it".to_owned() };
        diagnostics.push(finding(object, &problem));
    }
    if closed {
        data.insert(UNREADABLE.to_owned(), "true".to_owned());
    }
    let mut data = without_refused(input, object, &data, diagnostics);
    keep(input, object, &mut data, outer, diagnostics);
    let mut data = without_refused(input, object, &data, diagnostics);
    said.insert(object.clone(), data.clone());
    let closed = data.remove(UNREADABLE).is_some();
    Written { data, closed }
}

/// What an object says without what of it the proxy refused, which is told.
pub(super) fn without_refused(
    input: Input<'_>,
    object: &ObjectRef,
    data: &BTreeMap<String, String>,
    diagnostics: &mut Vec<Diagnostic>,
) -> BTreeMap<String, String> {
    let mut data = data.clone();
    diagnostics.extend(input.quarantine.mend(object, &mut data).into_iter().map(|refused| {
        let outcome = if refused.has_last { Outcome::Quarantined } else { Outcome::KeptDefault };
        let field = field(object.kind, refused.key);
        let finding = Diagnostic::new(Code::RefusedByProxy, object.clone(), field, format!("{}: {}", refused.key, refused.reason));
        finding.help("change the value; this one will not be tried again").outcome(outcome)
    }));
    data
}

/// Puts what the proxy has taken before in the place of protections that cannot be read. Of one that is new nothing was, so it
/// stays as it is, and closes what it is for.
fn keep(
    input: Input<'_>,
    object: &ObjectRef,
    data: &mut BTreeMap<String, String>,
    outer: &BTreeMap<String, String>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let Some(last) = input.quarantine.accepted_settings_of(object) else { return };
    let mut all = outer.clone();
    all.extend(data.iter().map(|(key, value)| (key.clone(), value.clone())));
    let kept = |(key, value): (&String, &String)| {
        let last = last.get(key).map(String::as_str);
        let kept = settings::kept(key, value, last)
            .or_else(|| kept_policy(input, key, value, last))
            .or_else(|| super::config_objects::kept_snippet(input, key, value, last, &all))?;
        Some((key.clone(), kept))
    };
    for (key, kept) in data.iter().filter_map(kept).collect::<Vec<_>>() {
        let finding = Diagnostic::new(Code::BadSetting, object.clone(), field(object.kind, &key), kept.message);
        diagnostics.push(finding.help(kept.help).outcome(Outcome::Quarantined));
        data.insert(key, kept.value);
    }
}

/// Says what is wrong with the data of the main ConfigMap, of all that is `read`.
pub(super) fn say(input: Input<'_>, read: &BTreeMap<String, String>, data: &BTreeMap<String, String>, diagnostics: &mut Vec<Diagnostic>) {
    let Some(name) = input.settings.config_map.as_ref() else { return };
    let object = ObjectRef::new(Kind::ConfigMap, name.clone());
    let (_, problems) = crate::settings::read(input.settings, read);
    diagnostics.extend(problems.iter().filter(|problem| data.contains_key(&problem.key)).map(|problem| finding(&object, problem)));
    for own in input.settings.approximates.iter().filter(|own| problems.iter().all(|problem| problem.key != own.key)) {
        let value = data.get(own.key).filter(|value| !value.is_empty() && own.concerns(value));
        diagnostics.extend(value.map(|value| difference(own, value, field(object.kind, own.key), &object)));
    }
}

/// What is said of a key.
pub(super) fn finding(object: &ObjectRef, problem: &Problem) -> Diagnostic {
    let code = match problem.kind {
        ProblemKind::BadValue | ProblemKind::BadEntry | ProblemKind::BadProtection | ProblemKind::BadTrust => Code::BadSetting,
        ProblemKind::Unsupported | ProblemKind::UnsupportedEntry | ProblemKind::Approximated => Code::UnsupportedSetting,
        ProblemKind::UnsupportedProtection => Code::UnsupportedProtection,
        ProblemKind::Unknown => Code::UnknownSetting,
    };
    let finding =
        Diagnostic::new(code, object.clone(), field(object.kind, &problem.key), problem.message.clone()).help(problem.help.clone());
    match problem.kind {
        ProblemKind::BadProtection => finding.outcome(Outcome::ClosedRoute),
        ProblemKind::BadEntry | ProblemKind::UnsupportedEntry => finding.outcome(Outcome::SkippedEntry),
        ProblemKind::BadTrust => finding.outcome(Outcome::Served),
        ProblemKind::Approximated => Diagnostic { severity: Severity::Note, ..finding.outcome(Outcome::Served) },
        _ => finding,
    }
}

/// What holds instead of a policy that cannot be read, when `last` held before.
fn kept_policy(input: Input<'_>, key: &str, value: &str, last: Option<&str>) -> Option<Kept> {
    let prefix = &input.settings.annotations_prefix;
    let wrong = |text: &str| Policy::parse(text).and_then(|policy| policy_names::settled(policy, prefix)).err();
    let why = Some(value).filter(|_| key == POLICY_KEY).and_then(wrong)?;
    let value = last.filter(|last| !last.is_empty() && wrong(last).is_none())?.to_owned();
    Some(Kept { value, message: format!("the policy cannot be read: {why}; the one before still counts"), help: POLICY_HELP.to_owned() })
}

/// The field path of a key.
pub(super) fn field(kind: Kind, key: &str) -> String {
    let shown = crate::names::shown(key);
    let key = shown.trim_matches('"');
    match kind {
        Kind::GatewrightParameters if key == POLICY_KEY => "spec.policy".to_owned(),
        Kind::GatewrightParameters => format!("spec.settings[{key}]"),
        _ => format!("data[{key}]"),
    }
}
