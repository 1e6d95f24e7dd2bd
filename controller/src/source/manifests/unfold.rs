//! Values of documents into objects: lists unfolded, kinds sorted out, fields checked.

use super::unnamed;
use gatewright_core::diagnostic::{Code, Diagnostic, Outcome};
use gatewright_core::lint;
use gatewright_core::names::{Kind, ObjectName, ObjectRef, nearest, shown};
use gatewright_core::state::{self, DecodeError, Fault, Object, name_of_type};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What a document holds.
#[derive(Debug, Default)]
pub(super) struct Unfolded {
    /// The objects that are used.
    pub(super) objects: Vec<Taken>,
    /// Ingresses that are left out for their names, under names that stand in for those; only to say what is odd about them.
    pub(super) unnamed: Vec<Taken>,
    /// What is wrong; the way to the object it is about.
    pub(super) findings: Vec<(Diagnostic, Box<[u32]>)>,
    /// How many objects of which other kinds there are.
    pub(super) unserved: BTreeMap<String, usize>,
    lint: bool,
    in_folder: bool,
}

/// An object that is used.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) object: Object,
    /// The way to it through the items of lists.
    pub(super) items: Box<[u32]>,
    /// A part of it is missing that another version may have.
    pub(super) is_cut: bool,
}

/// Different kinds that are counted one by one.
const MAX_KINDS: usize = 50;

/// Faults of one object that are told; nobody mends more at a time.
const MOST_FAULTS: usize = 100;

/// What documents of folders are counted as that are for other programs.
const FOREIGN: &str = "without apiVersion and kind";

/// Takes a document apart. `lint`: also says what is odd about its objects as they are written. `in_folder`: nobody said
/// that it holds any.
pub(super) fn unfold(document: Value, lint: bool, in_folder: bool) -> Unfolded {
    let mut out = Unfolded { lint, in_folder, ..Unfolded::default() };
    out.take(document, &mut Vec::new());
    out
}

impl Unfolded {
    /// The depth of recursion is bounded by that of the document.
    fn take(&mut self, mut value: Value, way: &mut Vec<u32>) {
        if value.is_null() && way.is_empty() {
            return;
        }
        let is_foreign = value.get("apiVersion").is_none() && value.get("kind").is_none();
        if is_foreign && self.in_folder && way.is_empty() {
            *self.unserved.entry(FOREIGN.to_owned()).or_default() += 1;
            return;
        }
        if !value.is_object() {
            let code = if way.is_empty() { Code::BadDocument } else { Code::BadObject };
            let finding = Diagnostic::of_input(code, format!("{} stands where an object is expected", name_of_type(&value)));
            return self.find(finding.help("begin every object with apiVersion and kind"), way);
        }
        let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (version, kind) = (text("apiVersion"), text("kind"));
        let items = if kind.ends_with("List") { value.get_mut("items").map(Value::take) } else { None };
        match items {
            Some(Value::Array(items)) => self.take_items(items, &version, kind.strip_suffix("List").unwrap_or_default(), way),
            Some(Value::Null) => {}
            Some(_) => {
                let mut finding = Diagnostic::of_input(Code::BadObject, "items is not a list").help("write '- ' before each item");
                "items".clone_into(&mut finding.field);
                self.find(finding, way);
            }
            None => self.take_object(value, &version, &kind, way),
        }
    }

    /// Items of a typed list, such as an `IngressList`, may leave out what the list says.
    fn take_items(&mut self, items: Vec<Value>, version: &str, kind: &str, way: &mut Vec<u32>) {
        for (index, mut item) in items.into_iter().enumerate() {
            if let (Value::Object(fields), false) = (&mut item, kind.is_empty()) {
                fields.entry("apiVersion").or_insert_with(|| version.into());
                fields.entry("kind").or_insert_with(|| kind.into());
            }
            way.push(u32::try_from(index).unwrap_or(u32::MAX));
            self.take(item, way);
            way.pop();
        }
    }

    fn take_object(&mut self, value: Value, version: &str, kind: &str, way: &[u32]) {
        if version.is_empty() || kind.is_empty() {
            let missing = if kind.is_empty() { "kind" } else { "apiVersion" };
            let keys = value.as_object().into_iter().flat_map(|fields| fields.keys()).map(String::as_str);
            let help = match nearest(missing, keys.filter(|key| *key != missing)) {
                Some(key) => format!("write {missing} in place of {}", shown(key)),
                None => "every object begins with apiVersion and kind, both texts".to_owned(),
            };
            let finding = Diagnostic::of_input(Code::BadObject, format!("the object has no {missing}"));
            return self.find(finding.help(help), way);
        }
        let reference = value.as_object().and_then(object_of);
        let before = self.findings.len();
        let is_left_out = reference.is_none() && KINDS.iter().any(|known| known.as_str() == kind);
        // There is no API server here that would refuse or drop what it does not know.
        for mut finding in if self.lint { lint::check(&value) } else { lint::unknown_fields(&value) } {
            finding.object.clone_from(&reference);
            if is_left_out {
                finding.outcome = Outcome::SkippedObject;
            }
            self.find(finding, way);
        }
        // It is left out for its name, and whoever mends that wants to know the rest as well.
        let spare = (self.lint && is_left_out).then(|| value.clone());
        match state::decode_written(value) {
            Ok(Some((object, faults))) => self.take_read(object, faults, (version, kind), way),
            Ok(None) => self.take_other(version, kind, reference, way),
            Err(errors) => {
                if let Some(value) = spare {
                    self.take_unnamed(value, &errors, (version, kind), way);
                }
                for error in errors.into_iter().take(MOST_FAULTS) {
                    // Which object it is can be told by its kind at least.
                    let told = reference.is_some() || error.message.contains(kind);
                    let message = if told { error.message } else { format!("{kind}: {}", error.message) };
                    self.find(about(reference.clone(), Code::BadObject, &error.field, message).help(error.help), way);
                }
            }
        }
        if self.lint {
            self.tell_once(before);
        }
    }

    /// What cannot be read is not told again as something that the API server would refuse.
    fn tell_once(&mut self, before: usize) {
        let new = self.findings.split_off(before);
        let unread = |field: &str| new.iter().any(|(finding, _)| finding.code == Code::BadObject && finding.field == field);
        let is_new = |finding: &Diagnostic| finding.code != Code::RefusedByApi || !unread(&finding.field);
        self.findings.extend(new.iter().filter(|(finding, _)| is_new(finding)).cloned());
    }

    fn take_read(&mut self, object: Object, faults: Vec<Fault>, (version, kind): (&str, &str), way: &[u32]) {
        let reference = object.reference();
        if let Some(finding) = old_version(version, kind, reference.kind, Some(reference.clone())) {
            self.find(finding, way);
        }
        let is_cut = faults.iter().any(|fault| fault.is_vital);
        for fault in faults.into_iter().take(MOST_FAULTS) {
            let finding = Diagnostic::new(Code::BadObject, reference.clone(), fault.field, fault.message);
            self.find(finding.help(fault.help).outcome(fault.outcome), way);
        }
        self.objects.push(Taken { object, items: way.into(), is_cut });
    }

    /// Looks at an object that has no usable name as if it had one. `told`: what is said of it anyway.
    fn take_unnamed(&mut self, mut value: Value, told: &[DecodeError], (version, kind): (&str, &str), way: &[u32]) {
        unnamed::give_name(&mut value);
        let faults = match state::decode_written(value) {
            Ok(None) => return,
            Ok(Some((object, faults))) => {
                if let Some(finding) = old_version(version, kind, object.reference().kind, None) {
                    self.find(finding.outcome(Outcome::SkippedObject), way);
                }
                if matches!(object, Object::Ingress(_)) {
                    self.unnamed.push(Taken { object, items: way.into(), is_cut: false });
                }
                faults.into_iter().map(DecodeError::from).collect()
            }
            Err(errors) => errors,
        };
        for fault in faults.into_iter().filter(|fault| !told.contains(fault)).take(MOST_FAULTS) {
            self.find(about(None, Code::BadObject, &fault.field, fault.message).help(fault.help), way);
        }
    }

    fn take_other(&mut self, version: &str, kind: &str, reference: Option<ObjectRef>, way: &[u32]) {
        let Some(meant) = meant_by(kind).filter(|_| !is_foreign(version)) else {
            return self.count(version, kind);
        };
        let (field, given) = if meant.as_str() == kind { ("apiVersion", version) } else { ("kind", kind) };
        let message = format!("{field} {} is not known", shown(given));
        let help = format!("write apiVersion: {} and kind: {meant}", newest(meant));
        self.find(about(reference, Code::BadObject, field, message).help(help), way);
    }

    fn count(&mut self, version: &str, kind: &str) {
        let is_plain = |text: &str| text.len() <= 100 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"./-".contains(&b));
        let mut name = if is_plain(version) && is_plain(kind) { format!("{kind} ({version})") } else { shown(kind) };
        if self.unserved.len() >= MAX_KINDS && !self.unserved.contains_key(&name) {
            "other kinds".clone_into(&mut name);
        }
        *self.unserved.entry(name).or_default() += 1;
    }

    fn find(&mut self, finding: Diagnostic, way: &[u32]) {
        self.findings.push((finding, way.into()));
    }
}

const KINDS: [Kind; 9] = [
    Kind::Ingress,
    Kind::IngressClass,
    Kind::Service,
    Kind::EndpointSlice,
    Kind::Endpoints,
    Kind::Secret,
    Kind::ConfigMap,
    Kind::Namespace,
    Kind::GatewrightParameters,
];

/// The kind of that name, or of one that is nearly the same.
fn meant_by(name: &str) -> Option<Kind> {
    let meant = nearest(name, KINDS.iter().map(|kind| kind.as_str()))?;
    KINDS.into_iter().find(|kind| kind.as_str() == meant)
}

/// The API version to write today.
const fn newest(kind: Kind) -> &'static str {
    match kind {
        Kind::Ingress | Kind::IngressClass => "networking.k8s.io/v1",
        Kind::EndpointSlice => "discovery.k8s.io/v1",
        Kind::GatewrightParameters => "gatewright.dev/v1alpha1",
        _ => "v1",
    }
}

/// `object`: which one it is, if it has a name.
fn old_version(version: &str, kind: &str, read_as: Kind, object: Option<ObjectRef>) -> Option<Diagnostic> {
    let (since, newest) = (gone_since(version, kind)?, newest(read_as));
    let message = format!("no API server takes {version} since Kubernetes {since}; it is read as {newest}");
    Some(about(object, Code::OldApiVersion, "apiVersion", message).help(format!("write it as {newest} has it")))
}

fn gone_since(version: &str, kind: &str) -> Option<&'static str> {
    match (version, kind) {
        ("extensions/v1beta1" | "networking.k8s.io/v1beta1", _) => Some("1.22"),
        ("discovery.k8s.io/v1beta1", _) => Some("1.25"),
        _ => None,
    }
}

/// Whether an API group is somebody else's, so that kinds in it may be called as ours are. Nobody else may use the domains
/// of Kubernetes, whose groups have no other kinds of these names.
fn is_foreign(version: &str) -> bool {
    const OURS: [&str; 3] = ["networking.k8s.io", "discovery.k8s.io", "gatewright.dev"];
    let is_of_kubernetes = |group: &str| [".k8s.io", ".kubernetes.io"].iter().any(|domain| group.ends_with(domain));
    version.split_once('/').is_some_and(|(group, _)| group.contains('.') && !is_of_kubernetes(group) && nearest(group, OURS).is_none())
}

/// The object that these fields are of, if it is of a kind that is used and has a name.
pub(super) fn object_of(fields: &Map<String, Value>) -> Option<ObjectRef> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let of_meta = |key: &str| text(fields.get("metadata").and_then(|meta| meta.get(key)));
    reference_of(&text(fields.get("kind"))?, of_meta("namespace").as_deref(), of_meta("name").as_deref())
}

fn reference_of(kind: &str, namespace: Option<&str>, name: Option<&str>) -> Option<ObjectRef> {
    let kind = meant_by(kind)?;
    let namespace = match kind {
        Kind::IngressClass | Kind::Namespace => "",
        _ => namespace.filter(|n| !n.is_empty()).unwrap_or("default"),
    };
    ObjectName::new(namespace, name?).ok().map(|name| ObjectRef::new(kind, name))
}

fn about(object: Option<ObjectRef>, code: Code, field: &str, message: String) -> Diagnostic {
    let mut finding = Diagnostic::of_input(code, message);
    finding.object = object;
    field.clone_into(&mut finding.field);
    finding
}
