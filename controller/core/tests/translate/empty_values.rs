//! Annotations without a value: none is validated (`annotations` 1.1), and each means what its absence does.

use crate::world::{World, annotated, ingress, services};
use gatewright_core::diagnostic::{Code, Outcome};
use gatewright_core::translate::annotations::names;
use serde_json::{Value, json};

/// Of these the entries say that an empty list closes.
const LISTS: [&str; 2] = ["allowlist-source-range", "denylist-source-range"];

fn world(annotations: &[(&str, &str)], config: &Value) -> World {
    let mut objects = services();
    objects.push(annotated(ingress("a", 1, &[("a.test", &[("/", "Prefix", "s1"), ("/b", "Exact", "s2")])]), annotations));
    objects.push(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "main"}, "data": config}));
    let mut world = World::new(&objects);
    world.settings.config_map = Some(gatewright_core::names::ObjectName::new("default", "main").unwrap());
    world
}

#[test]
fn an_empty_value_changes_nothing_and_is_told_once() {
    let snippets = json!({"allow-snippet-annotations": "true", "annotations-risk-level": "Critical"});
    for config in [json!({}), json!({"annotations-risk-level": "Low"}), snippets] {
        let plain = world(&[], &config).translate().model;
        for name in names().filter(|name| !LISTS.contains(name)) {
            let translation = world(&[(name, "")], &config).translate();
            let of_annotations = translation.diagnostics.iter().filter(|said| said.field.starts_with("metadata.annotations"));
            let said: Vec<_> = of_annotations.map(|said| (said.code, said.outcome)).collect();
            assert_eq!(said, [(Code::AnnotationNote, Outcome::Served)], "{name}: {:?}", translation.diagnostics);
            let model = translation.model;
            // The name of a backend tells all that is wished of it.
            assert!(model.hosts == plain.hosts && model.backends.keys().eq(plain.backends.keys()), "{name}: another model");
        }
    }
}

#[test]
fn an_empty_list_of_addresses_closes() {
    for name in LISTS {
        let mut world = world(&[(name, "")], &json!({}));
        assert_eq!(world.picture(), ["a.test =/b → 503", "a.test /* → 503"], "{name}");
    }
}
