//! The chart and the manifests that are made from it, as far as they can be held against the program itself.

use crate::world::{Folder, assert_valid, of_repository, refused, refusing};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn yaml(path: &str) -> Vec<Value> {
    use serde::Deserialize;
    let text = std::fs::read_to_string(of_repository(path)).unwrap();
    let documents = serde_yaml::Deserializer::from_str(&text).map(|document| Value::deserialize(document).unwrap());
    documents.filter(|document| !document.is_null()).collect()
}

fn set(values: &Value, path: &str, value: Value) -> Value {
    let mut changed = values.clone();
    *changed.pointer_mut(path).unwrap_or_else(|| panic!("{path}")) = value;
    changed
}

#[test]
fn the_values_are_what_their_schema_says() {
    let schema = of_repository("deploy/helm/gatewright/values.schema.json");
    let values = yaml("deploy/helm/gatewright/values.yaml").remove(0);
    assert_valid(&values, &schema);
    assert_valid(&set(&values, "/controller/kind", json!("DaemonSet")), &schema);
    for (path, wrong) in [("/controller/kind", json!("Job")), ("/rbac/create", json!("yes")), ("/proxy/mode", json!("child"))] {
        let values = set(&values, path, wrong);
        assert!(std::panic::catch_unwind(|| assert_valid(&values, &schema)).is_err(), "{path}");
    }
    let mut misspelt = values;
    misspelt["controller"]["replicacount"] = json!(2);
    assert!(std::panic::catch_unwind(|| assert_valid(&misspelt, &schema)).is_err(), "a typing error is found");
}

/// Where the values have a text, number or `true` that templates cannot do without, as JSON pointers; what is handed on to
/// Kubernetes as it stands can be left out.
fn needed(values: &Value, at: &str, out: &mut Vec<String>) {
    for (key, part) in values.as_object().unwrap() {
        let passed_on = ["nodeSelector", "resources"].contains(&key.as_str()) || key.ends_with("Probe");
        let optional = passed_on || ["minAvailable", "ipFamilyPolicy", "ipFamilies"].contains(&key.as_str());
        let empty = [json!(null), json!(""), json!(false), json!(0), json!([]), json!({})].contains(part);
        let pointer = format!("{at}/{key}");
        match part {
            _ if optional || empty => {}
            Value::Object(_) => needed(part, &pointer, out),
            _ => out.push(pointer),
        }
    }
}

#[test]
fn a_value_that_templates_cannot_do_without_is_missed_by_name() {
    let schema = of_repository("deploy/helm/gatewright/values.schema.json");
    let values = yaml("deploy/helm/gatewright/values.yaml").remove(0);
    let mut pointers = Vec::new();
    needed(&values, "", &mut pointers);
    assert!(pointers.len() > 80 && pointers.contains(&"/controller/replicaCount".to_owned()), "{pointers:?}");
    for pointer in pointers {
        let (section, key) = pointer.rsplit_once('/').unwrap();
        let mut without = values.clone();
        // As helm does with what is set to null.
        without.pointer_mut(section).unwrap().as_object_mut().unwrap().remove(key);
        let error = refused(&without, &schema).unwrap_or_else(|| panic!("{pointer} is not missed"));
        assert!(error.contains(&format!("missing properties '{key}'")) || error.contains(&format!("missing property '{key}'")), "{error}");
    }
}

/// Every value as a JSON pointer; what is below names of the user's own choice is left out.
fn pointers(values: &Value, at: &str, out: &mut Vec<String>) {
    for (key, part) in values.as_object().into_iter().flatten() {
        let pointer = format!("{at}/{key}");
        if !["nodeSelector", "requests"].contains(&key.as_str()) {
            pointers(part, &pointer, out);
        }
        out.push(pointer);
    }
}

/// Values of other types than this one, as people write them by mistake.
fn slips(value: &Value) -> Vec<Value> {
    match value {
        Value::Bool(_) => vec![json!("yes"), json!("true"), json!(1), json!([])],
        Value::Number(_) => vec![json!("two"), json!(true), json!(-1), json!(1.5), json!({})],
        Value::String(_) => vec![json!(true), json!(["a"]), json!({"a": 1})],
        Value::Array(_) => vec![json!("x"), json!(5), json!({"a": 1})],
        Value::Object(_) => vec![json!("x"), json!(5), json!(true), json!(["a"])],
        Value::Null => vec![json!("x"), json!([])],
    }
}

#[test]
fn a_value_of_another_type_is_refused_and_so_is_a_name_that_is_misspelt() {
    let refused = refusing(&of_repository("deploy/helm/gatewright/values.schema.json"));
    let values = yaml("deploy/helm/gatewright/values.yaml").remove(0);
    let mut all = Vec::new();
    pointers(&values, "", &mut all);
    assert!(all.len() > 300, "{}", all.len());
    for pointer in all {
        let (section, key) = pointer.rsplit_once('/').unwrap();
        for wrong in slips(values.pointer(&pointer).unwrap()) {
            let error = refused(&set(&values, &pointer, wrong.clone())).unwrap_or_else(|| panic!("{pointer}: {wrong} is taken"));
            assert!(error.contains(&format!("'{pointer}")), "{pointer}: {wrong}: {error}");
        }
        // Other charts have globals of their own.
        if !section.starts_with("/global") {
            let mut misspelt = values.clone();
            let section = misspelt.pointer_mut(section).unwrap().as_object_mut().unwrap();
            // As helm has it: what is not given is as the chart says.
            section.insert(format!("{key}x"), section[key].clone());
            let error = refused(&misspelt).unwrap_or_else(|| panic!("{pointer}x is taken"));
            assert!(error.contains(&format!("'{key}x' not allowed")), "{pointer}x: {error}");
        }
    }
}

/// The rules of every role by kind and namespace, each with sorted parts.
fn rules(objects: &[Value]) -> BTreeMap<String, Vec<String>> {
    let mut out = BTreeMap::new();
    for object in objects.iter().filter(|object| !object["rules"].is_null()) {
        let key = format!("{} {}", object["kind"], object["metadata"]["namespace"]);
        let parts = |rule: &Value| rule.as_object().unwrap().iter().map(|(k, v)| (k.clone(), v.clone())).collect::<BTreeMap<_, _>>();
        let mut rules: Vec<String> = object["rules"].as_array().unwrap().iter().map(|rule| format!("{:?}", parts(rule))).collect();
        rules.sort();
        out.insert(key, rules);
    }
    out
}

#[test]
fn the_manifests_permit_what_the_program_says_that_its_own_flags_need() {
    let objects = yaml("deploy/manifests/gatewright.yaml");
    let deployment = objects.iter().find(|object| object["kind"] == "Deployment").unwrap();
    let containers = deployment["spec"]["template"]["spec"]["containers"].as_array().unwrap();
    let arguments = containers.iter().find(|container| container["name"] == "controller").unwrap()["args"].as_array().unwrap();
    let flags: Vec<&str> = arguments.iter().skip(1).map(|argument| argument.as_str().unwrap()).collect();
    let ran = Folder::new(&[]).run(&[&["rbac", "--format", "json", "--own-namespace", "gatewright"], &flags[..]].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(rules(&objects), rules(ran.json()["items"].as_array().unwrap()));
}

#[test]
fn the_pod_is_restricted_and_only_the_controller_has_a_token() {
    let objects = yaml("deploy/manifests/gatewright.yaml");
    let pod = &objects.iter().find(|object| object["kind"] == "Deployment").unwrap()["spec"]["template"]["spec"];
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
    let mut users = Vec::new();
    for container in pod["initContainers"].as_array().unwrap().iter().chain(pod["containers"].as_array().unwrap()) {
        let context = &container["securityContext"];
        assert_eq!(
            (&context["allowPrivilegeEscalation"], &context["readOnlyRootFilesystem"], &context["capabilities"]["drop"]),
            (&json!(false), &json!(true), &json!(["ALL"])),
            "{container}"
        );
        users.push((container["name"].as_str().unwrap(), context["runAsUser"].as_u64().unwrap()));
        let mounts = container["volumeMounts"].as_array().unwrap();
        let has_token = mounts.iter().any(|mount| mount["name"] == "token");
        assert_eq!(has_token, container["name"] == "controller", "{container}");
        let state = mounts.iter().find(|mount| mount["name"] == "state").unwrap();
        assert_eq!(state["readOnly"] == true, container["name"] == "proxy", "{container}");
    }
    let user = |name| users.iter().find(|(own, _)| *own == name).unwrap().1;
    assert_ne!(user("controller"), user("proxy"));
}

#[test]
fn the_manifests_are_ones_that_the_api_server_takes() {
    let manifests = of_repository("deploy/manifests/gatewright.yaml");
    let ran = Folder::new(&[]).run(&["lint", manifests.to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{ran:?}");
}
