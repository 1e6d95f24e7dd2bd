//! The annotations of one Ingress, and what is found wrong with them.
//!
//! How values are read is in the file of the readers. A feature whose value has a shape of its own takes it with
//! [`Given::raw`], and notes what is bad with [`Given::refuse`].

mod readers;

use super::OnBadValue;
use super::objects::Objects;
use crate::diagnostic::Code;
use crate::names::{Kind, ObjectName, VariableText};
use crate::settings::{LimitZones, Policy};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Longest annotation value that anybody looks at, in bytes.
pub(super) const MAX_VALUE_BYTES: usize = 64 << 10;

/// Who can let an Ingress do more.
pub(in crate::translate) const ASK: &str = "ask whoever runs the cluster";

/// The annotations with our prefix, and what was bad among those that were read.
#[derive(Debug)]
pub struct Given<'a> {
    prefix: &'a str,
    namespace: &'a str,
    /// By name, sorted.
    all: Vec<(&'a str, &'a str)>,
    bad: Vec<BadValue>,
    noted: Vec<BadValue>,
    /// See [`crate::settings::Settings::unknown_variables`].
    pub(super) unknown_variables: &'a [&'static str],
    /// The operator lets Ingresses name objects of other namespaces.
    pub(super) shares_objects: bool,
    /// The operator lets the Ingress say everything in snippets.
    pub(super) raw_snippets: bool,
    /// The policies of the operator.
    pub(super) policies: &'a [Policy],
    /// See [`crate::settings::Config::limit_zones`].
    pub(super) limit_zones: Arc<LimitZones>,
    /// See [`crate::settings::Settings::unknown_directives`].
    pub(super) unknown_directives: &'static [&'static str],
    /// Directives that protect, and are looser for the proxy as a whole.
    pub(super) looser_switches: Vec<&'static str>,
    /// The names of groups in the paths of the Ingress, in lower case, with their numbers; `None`: not the same in all of them.
    pub(in crate::translate) groups: BTreeMap<String, Option<u8>>,
    /// The other objects that annotations may name.
    pub objects: Objects<'a>,
}

/// Why the value of an annotation cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadValue {
    /// Name of the annotation, without the prefix.
    pub name: &'static str,
    /// What kind of mistake it is.
    pub code: Code,
    /// What is wrong with it.
    pub message: String,
    /// What would do.
    pub help: String,
    /// What the bad value leads to, if that is something else than the key says.
    pub answer: Option<OnBadValue>,
}

impl<'a> Given<'a> {
    /// Looks at annotations that begin with `prefix` and a slash, on an object of `namespace`.
    #[must_use]
    pub fn new(prefix: &'a str, namespace: &'a str, all: &'a BTreeMap<Box<str>, Box<str>>, objects: Objects<'a>) -> Self {
        let mut ours: Vec<_> =
            all.iter().filter_map(|(key, value)| Some((key.strip_prefix(prefix)?.strip_prefix('/')?, &**value))).collect();
        ours.sort_unstable();
        Self {
            prefix,
            namespace,
            all: ours,
            bad: Vec::new(),
            noted: Vec::new(),
            unknown_variables: &[],
            shares_objects: false,
            raw_snippets: false,
            policies: &[],
            limit_zones: Arc::default(),
            unknown_directives: &[],
            looser_switches: Vec::new(),
            groups: BTreeMap::new(),
            objects,
        }
    }

    /// Whether there is no annotation with our prefix.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The namespace of the Ingress.
    #[must_use]
    pub const fn namespace(&self) -> &'a str {
        self.namespace
    }

    /// The value just as it is written, even an empty one; `None` for one that is too long to be read.
    #[must_use]
    pub fn raw(&self, name: &str) -> Option<&'a str> {
        self.find(name).filter(|value| value.len() <= MAX_VALUE_BYTES)
    }

    /// Whether the annotation is there, whatever its value.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    fn find(&self, name: &str) -> Option<&'a str> {
        self.all.binary_search_by(|(own, _)| (*own).cmp(name)).ok().map(|at| self.all[at].1)
    }

    /// Notes a value that is too long to be read.
    pub(super) fn refuse_too_long(&mut self, name: &'static str) {
        if let Some(value) = self.find(name).filter(|value| value.len() > MAX_VALUE_BYTES) {
            self.refuse(name, format_args!("the value has {} bytes; at most {MAX_VALUE_BYTES} are read", value.len()), "shorten it");
        }
    }

    /// Name (without the prefix) and value of every annotation with our prefix, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        self.all.clone().into_iter()
    }

    /// The field path of an annotation, for diagnostics.
    #[must_use]
    pub fn field(&self, name: &str) -> String {
        format!("metadata.annotations[{}/{name}]", self.prefix)
    }

    /// Notes that a value cannot be used: `message` goes on after the name of the annotation.
    pub fn refuse(&mut self, name: &'static str, message: impl std::fmt::Display, help: impl Into<String>) {
        self.bad.push(BadValue { name, code: Code::BadAnnotation, message: format!("{name}: {message}"), help: help.into(), answer: None });
    }

    /// Notes that the object which a value names is not there (yet), or cannot be read.
    pub fn miss(&mut self, name: &'static str, kind: Kind, object: &ObjectName) {
        let (lack, help) = self.objects.lack_of(kind, object);
        self.refuse(name, format_args!("{kind} {object} {lack}"), help);
        if let Some(bad) = self.bad.last_mut() {
            bad.code = Code::of_missing(kind);
        }
    }

    /// As [`Given::miss`], where the missing object leads to something else than the key says.
    pub fn miss_as(&mut self, answer: OnBadValue, name: &'static str, kind: Kind, object: &ObjectName) {
        self.miss(name, kind, object);
        self.weigh(answer, "");
    }

    /// As [`Given::refuse`], where the mistake leads to something else than the key says.
    pub fn refuse_as(&mut self, answer: OnBadValue, name: &'static str, message: impl std::fmt::Display, help: impl Into<String>) {
        self.refuse(name, message, help);
        self.weigh(answer, "");
    }

    /// The last mistake is of another weight than its key says; `why` goes on after the message.
    pub(super) fn weigh(&mut self, answer: OnBadValue, why: &str) {
        if let Some(bad) = self.bad.last_mut() {
            bad.answer = Some(answer);
            bad.message.push_str(why);
        }
    }

    /// Says something about a value that is used: `message` goes on after the name of the annotation.
    pub fn note(&mut self, name: &'static str, message: impl std::fmt::Display, help: impl Into<String>) {
        self.noted.push(BadValue {
            name,
            code: Code::AnnotationNote,
            message: format!("{name}: {message}"),
            help: help.into(),
            answer: None,
        });
    }

    /// Notes that a value is more than a policy lets it be: `message` goes on after the name of the annotation. Less of it is
    /// used, unless it `is_used`.
    pub(super) fn exceed(&mut self, name: &'static str, message: impl std::fmt::Display, is_used: bool) {
        let (code, message) = (Code::AgainstPolicy, format!("{name}: {message}"));
        let bad = BadValue { name, code, message, help: ASK.to_owned(), answer: Some(OnBadValue::KeepDefault) };
        if is_used { self.noted.push(bad) } else { self.bad.push(bad) }
    }

    /// Notes that a policy keeps the namespace from what a value asks for, and what is done instead; `None`: nothing, for it is
    /// only reported.
    pub(super) fn deny(&mut self, name: &'static str, message: impl std::fmt::Display, answer: Option<OnBadValue>) {
        let bad = BadValue { name, code: Code::AgainstPolicy, message: format!("{name}: {message}"), help: ASK.to_owned(), answer };
        if answer.is_none() { self.noted.push(bad) } else { self.bad.push(bad) }
    }

    /// The first variable of a text that the proxy has no word for.
    #[must_use]
    pub fn lacks_variable<'t>(&self, text: &'t VariableText) -> Option<&'t str> {
        crate::settings::unknown_variable(self.unknown_variables, text)
    }

    /// Whether this annotation was found bad.
    #[must_use]
    pub fn is_bad(&self, name: &str) -> bool {
        self.bad.iter().any(|bad| bad.name == name)
    }

    /// Whether the annotation is there and has a value. An empty one asks for nothing (`annotations` 1.1), and no more do blanks.
    #[must_use]
    pub(super) fn says(&self, name: &str) -> bool {
        self.find(name).is_some_and(|value| !value.trim().is_empty())
    }

    /// Refuses a protection that is asked for without saying which: blanks are no value that it can have, and what is read only
    /// beside it is not meant for nothing. By itself an empty value asks for none. Whether it was refused.
    pub(super) fn refuse_empty(&mut self, name: &'static str) -> bool {
        let Some(value) = self.raw(name).filter(|value| value.trim().is_empty()) else { return false };
        let is_off = |other: &str| other == "auth-tls-verify-client" && self.words(other) == Some("off");
        let other = super::idle::beside(name).iter().find(|other| self.says(other) && !is_off(other));
        match other {
            Some(other) => {
                self.refuse(name, format_args!("the value is empty, and {other} asks for it"), "give it a value, or remove both")
            }
            None if value.is_empty() => return false,
            None => self.refuse(name, "the value is empty", "give it a value, or remove it"),
        }
        true
    }

    /// What was found bad since the last call.
    pub(super) fn take_bad(&mut self) -> Vec<BadValue> {
        std::mem::take(&mut self.bad)
    }

    /// What was noted since the last call.
    pub(super) fn take_noted(&mut self) -> Vec<BadValue> {
        std::mem::take(&mut self.noted)
    }
}
