//! The parameters of a class as they are found in the cluster, or as they were when they could last be read.

use super::named::object_of;
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::names::{Kind, ObjectRef};
use crate::settings::POLICY_KEY;
use crate::state::{IngressClass, ParametersScope};
use crate::translate::config::{Said, Written, closes, cut, last_of, mended};
use crate::translate::fields::Fault;
use crate::translate::{Input, Wanted};
use serde_json::Value;
use std::collections::BTreeMap;

/// The parameters of a class, as they were found.
pub(super) struct Found<'a> {
    pub(super) class: &'a str,
    pub(super) object: ObjectRef,
    /// Without what the proxy refused.
    pub(super) settings: BTreeMap<String, String>,
    pub(super) policy: Option<&'a Value>,
    /// Not in the hands of a namespace: keys of the proxy as a whole may come from here.
    pub(super) of_operator: bool,
    /// Some of it cannot be read, and may keep somebody out.
    pub(super) closed: bool,
}

/// Where the parameters of a class are; says what keeps them from being used.
pub(super) fn find<'a>(
    class: &'a IngressClass,
    input: Input<'a>,
    main: &BTreeMap<String, String>,
    (wanted, said): (&mut Wanted, &mut Said),
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Found<'a>> {
    let own = || ObjectRef::new(Kind::IngressClass, class.meta.name.clone());
    if let Some(field) = &class.cut_at {
        diagnostics.push(cut(own(), field));
        let class = class.meta.name.name();
        return Some(Found { class, object: own(), settings: BTreeMap::new(), policy: None, of_operator: false, closed: true });
    }
    let given = class.parameters.as_ref()?;
    let of_operator = given.scope == ParametersScope::Cluster;
    let found = object_of(given, input).and_then(|object| {
        let class = class.meta.name.name();
        let Some((written, policy)) = written_of(&object, &own(), input, wanted, diagnostics)? else { return Ok(None) };
        let Written { data: settings, closed } = mended(input, &object, written, main, said, diagnostics);
        Ok(Some(Found { class, object, settings, policy, of_operator, closed }))
    });
    found.map_err(|fault| diagnostics.push(fault.at("spec.parameters", &own()))).ok().flatten()
}

/// What is written in an object that a class names, or was when it was read last; `None`: it may not be read, and never was.
/// The error: there is none.
fn written_of<'a>(
    object: &ObjectRef,
    class: &ObjectRef,
    input: Input<'a>,
    wanted: &mut Wanted,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<Option<(Written, Option<&'a Value>)>, Fault> {
    let (there, is_forbidden) = (there(object, input, wanted, diagnostics), input.settings.forbidden.contains(object));
    let mut say = |fault: Fault, outcome| diagnostics.push(fault.at("spec.parameters", class).outcome(outcome));
    if let Some(There { settings, policy, closed }) = there {
        if is_forbidden {
            say(forbidden(object, true), Outcome::Quarantined);
        }
        let (data, policy) = with_policy(settings, policy);
        return Ok(Some((Written { data, closed }, policy)));
    }
    let last = last_of(input, object);
    if is_forbidden {
        // Of one that said nothing, that is known.
        let last = last.or_else(|| input.quarantine.accepted_settings_of(object).map(|_| Written::default()));
        say(forbidden(object, last.is_some()), if last.is_some() { Outcome::Quarantined } else { Outcome::Served });
        return Ok(last.map(|last| (last, None)));
    }
    let missing = |instead| {
        let message = format!("{object} does not exist; {instead}");
        Fault::new(Code::NoParameters, "", message, "create it; it is used as soon as it is there")
    };
    let Some(last) = last else { return Err(missing("the class is served without it")) };
    say(missing("what it said last still counts"), Outcome::Quarantined);
    Ok(Some((last, None)))
}

/// The API server does not tell what a class names. That is no reason to forget what it has told before.
fn forbidden(object: &ObjectRef, is_known: bool) -> Fault {
    let message = if is_known {
        format!("{object} may not be read any more; what it said last still counts")
    } else {
        format!("{object} may not be read; the class is served without it")
    };
    Fault::new(Code::Forbidden, "", message, "grant the verbs list and watch on it, or name another")
}

/// Settings with the policy beside them as one of them, so that it is remembered and kept as they are; where there is one of
/// both kinds, the other stays where it is.
fn with_policy<'a>(settings: &BTreeMap<String, String>, policy: Option<&'a Value>) -> (BTreeMap<String, String>, Option<&'a Value>) {
    let mut data = settings.clone();
    match policy {
        Some(policy) if !data.contains_key(POLICY_KEY) => {
            data.insert(POLICY_KEY.to_owned(), policy.to_string());
            (data, None)
        }
        policy => (data, policy),
    }
}

/// What an object says that a class names.
struct There<'a> {
    settings: &'a BTreeMap<String, String>,
    policy: Option<&'a Value>,
    /// Some of it cannot be read, and may keep somebody out.
    closed: bool,
}

/// Looks for an object that a class names.
fn there<'a>(object: &ObjectRef, input: Input<'a>, wanted: &mut Wanted, diagnostics: &mut Vec<Diagnostic>) -> Option<There<'a>> {
    let name = &object.name;
    if object.kind == Kind::ConfigMap {
        wanted.config_maps.insert(name.clone());
        wanted.settings.insert(name.clone());
        let map = input.snapshot.config_map(name)?;
        return Some(There { settings: &map.data, policy: None, closed: closes(map, diagnostics) });
    }
    wanted.parameters.insert(name.clone());
    let own = input.snapshot.parameters_of(name)?;
    diagnostics.extend(own.cut_at.as_ref().map(|field| cut(object.clone(), field)));
    Some(There { settings: &own.settings, policy: own.policy.as_ref(), closed: own.cut_at.is_some() })
}
