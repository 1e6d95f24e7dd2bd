//! Whatever values say, the API server takes what the chart makes of them, or the chart has refused them by name before.

use gatewright_e2e::cluster::{Chart, World, documents};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// All that the chart can make, at once.
const EVERYTHING: &str = "
controller:
  replicaCount: 2
  networkPolicy: {enabled: true}
  admissionPolicy: {enabled: true}
  admissionWebhooks: {enabled: true, replicaCount: 2}
  metrics: {enabled: true, service: {type: LoadBalancer}}
  service: {internal: {enabled: true, annotations: {a: b}}}
  hostPort: {enabled: true}
  config: {a: b}
  addHeaders: {a: b}
  proxySetHeaders: {a: b}
defaultBackend: {enabled: true, replicaCount: 2, service: {type: LoadBalancer}}
tcp: {9000: a/b:1}
udp: {9053: a/b:1}
dhParam: LS0t
";

/// What hardly anybody means, in the place of such a value.
fn nonsense(leaf: &Value) -> Vec<Value> {
    match leaf {
        Value::Bool(_) => vec![],
        Value::Number(_) => vec![json!(-7)],
        Value::Array(_) => vec![json!([{"name": "A_ b!"}])],
        Value::Object(_) => vec![json!({"A b": "c"}), json!({"a": "A_ b!"})],
        _ => vec![json!("A_B"), json!("x")],
    }
}

/// The pointer of every leaf, with its value.
fn leaves(values: &Value, at: &str, out: &mut Vec<(String, Value)>) {
    match values {
        Value::Object(parts) if !parts.is_empty() => parts.iter().for_each(|(key, part)| leaves(part, &format!("{at}/{key}"), out)),
        other => out.push((at.to_owned(), other.clone())),
    }
}

/// Values that say only this.
fn only(pointer: &str, value: Value) -> Value {
    pointer.split('/').skip(1).collect::<Vec<_>>().into_iter().rev().fold(value, |inner, key| json!({key: inner}))
}

fn merge(into: &mut Value, other: Value) {
    match (into, other) {
        (Value::Object(parts), Value::Object(more)) => {
            for (key, part) in more {
                merge(parts.entry(key).or_insert(Value::Null), part);
            }
        }
        (into, other) => *into = other,
    }
}

/// What the API server says against values that the chart takes.
fn taken_in_vain(world: &World, values: &Value, before: &[Value]) -> Option<String> {
    let objects = Chart::new("nonsense", &[]).with_file(&values.to_string()).render().ok()?;
    let is_known = |object: &&Value| {
        let version = object["apiVersion"].as_str().unwrap_or_default();
        object["kind"] != "CustomResourceDefinition" && !["monitoring.coreos.com/v1", "keda.sh/v1alpha1"].contains(&version)
    };
    for object in objects.iter().filter(is_known).filter(|object| !before.contains(object)) {
        if let Err(error) = world.try_object(object) {
            return Some(error.to_string());
        }
    }
    None
}

#[test]
fn nonsense_is_refused_by_the_chart_or_no_nonsense_to_the_api_server() {
    let world = World::shared();
    // Of the second, values may say that objects are in it.
    for name in ["nonsense", "x"] {
        world.apply(&format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n"));
    }
    let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/helm/gatewright/values.yaml");
    let mut places = Vec::new();
    leaves(&documents(&std::fs::read_to_string(chart).unwrap())[0], "", &mut places);
    let everything = documents(EVERYTHING).remove(0);
    let before = Chart::new("nonsense", &[]).with_file(EVERYTHING).render().unwrap();
    let tries: Vec<(String, Value)> =
        places.iter().flat_map(|(pointer, leaf)| nonsense(leaf).into_iter().map(move |value| (pointer.clone(), value))).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let _ = World::shared();
        let mut found = Vec::new();
        while let Some((pointer, value)) = tries.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut values = everything.clone();
            merge(&mut values, only(pointer, value.clone()));
            found.extend(taken_in_vain(world, &values, &before).map(|error| format!("{pointer} = {value}: {error}")));
        }
        found
    };
    let found: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(found.is_empty(), "{} of {} tries:\n{}", found.len(), tries.len(), found.join("\n"));
}
