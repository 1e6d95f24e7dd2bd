//! Which object a class names.

use crate::diagnostic::Code;
use crate::names::{Kind, ObjectName, ObjectRef, shown};
use crate::state::{ClassParameters, ParametersScope};
use crate::translate::Input;
use crate::translate::fields::Fault;

/// The object that a class names.
pub(super) fn object_of(given: &ClassParameters, input: Input<'_>) -> Result<ObjectRef, Fault> {
    let unknown = |field, message: String, help| Fault::new(Code::UnknownParameters, field, message, help);
    let kind = kind_of(given).ok_or_else(|| {
        let group = given.api_group.as_deref().filter(|group| !group.is_empty()).unwrap_or("v1");
        let message =
            format!("parameters of kind {} of {} are not known here; the class is served without them", shown(&given.kind), shown(group));
        unknown(".kind", message, "name a ConfigMap, or a GatewrightParameters of gatewright.dev")
    })?;
    let help = "give the name of a ConfigMap or GatewrightParameters, and its namespace";
    place(given, kind, input).map(|name| ObjectRef::new(kind, name)).map_err(|bad| unknown(".name", bad, help))
}

fn kind_of(given: &ClassParameters) -> Option<Kind> {
    match (given.api_group.as_deref().unwrap_or_default(), &*given.kind) {
        ("", "ConfigMap") => Some(Kind::ConfigMap),
        ("gatewright.dev", "GatewrightParameters") => Some(Kind::GatewrightParameters),
        _ => None,
    }
}

/// Namespace and name. Both kinds live in namespaces: of scope Cluster are those in the controller's own. Files have no
/// controller; there it is the one object of that name. Where there is none or more than one, it is the one that the proxy has
/// taken before: what it says still counts when it is gone, or another namespace has one as well.
fn place(given: &ClassParameters, kind: Kind, input: Input<'_>) -> Result<ObjectName, String> {
    let bad = |bad: crate::names::BadText| bad.0;
    if given.scope == ParametersScope::Namespace {
        let namespace = given.namespace.as_deref().filter(|namespace| !namespace.is_empty());
        return ObjectName::new(namespace.ok_or("parameters of scope Namespace need a namespace")?, &given.name).map_err(bad);
    }
    let settings = input.settings;
    let own = settings.own_namespace.as_deref().or_else(|| settings.config_map.as_ref().map(ObjectName::namespace));
    let own = ObjectName::new(own.unwrap_or("default"), &given.name).map_err(bad)?;
    let is_there = match kind {
        Kind::ConfigMap => input.snapshot.config_map(&own).is_some(),
        _ => input.snapshot.parameters_of(&own).is_some(),
    };
    if is_there || !settings.take_all_without_class {
        return Ok(own);
    }
    let snapshot = input.snapshot;
    let names: Vec<&ObjectName> = match kind {
        Kind::ConfigMap => snapshot.config_maps().map(|map| &map.meta.name).filter(|name| name.name() == &*given.name).collect(),
        _ => snapshot.parameters().map(|own| &own.meta.name).filter(|name| name.name() == &*given.name).collect(),
    };
    let known = input.quarantine.accepted_objects().filter(|known| known.kind == kind && known.name.name() == &*given.name);
    let mut known = known.map(|known| &known.name).filter(|known| names.is_empty() || names.contains(known));
    match (names.as_slice(), known.next(), known.next()) {
        (&[one], ..) | (_, Some(one), None) => Ok(one.clone()),
        ([], ..) => Ok(own),
        _ => Err(format!("several namespaces hold a {kind} {}; write scope: Namespace", shown(&given.name))),
    }
}
