//! What snippets ask of routes that is known with the whole host only.

use crate::world::{World, annotated, ingress, services};
use gatewright_core::diagnostic::{Code, Outcome, Severity};
use gatewright_core::names::ObjectName;
use serde_json::{Value, json};

fn world(objects: Vec<Value>) -> World {
    let data = json!({"allow-snippet-annotations": "true", "annotations-risk-level": "Critical"});
    let settings = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "main"}, "data": data});
    let mut world = World::new(&[services(), vec![settings], objects].concat());
    world.settings.config_map = Some(ObjectName::new("default", "main").unwrap());
    world
}

#[test]
fn a_path_that_is_looked_for_again_stays_where_no_other_route_can_be_found() {
    const LAST: &str = "add_header A b;\nrewrite ^/old/(.*)$ /new/$1 last;";
    let own = |paths: &[(&str, &str, &str)], snippet: &str| {
        annotated(ingress("a", 1, &[("h.test", paths)]), &[("configuration-snippet", snippet)])
    };
    let other = |path: &str| ingress("b", 2, &[("h.test", &[(path, "Prefix", "s2")])]);
    let whole: &[(&str, &str, &str)] = &[("/", "Prefix", "s1")];
    for objects in [
        vec![own(whole, LAST)],
        vec![own(whole, LAST), other("/news")],
        vec![own(&[("/", "Prefix", "s1"), ("/old", "Exact", "s2")], LAST)],
        vec![own(&[("/new", "Prefix", "s1")], LAST), other("/")],
    ] {
        let mut world = world(objects.clone());
        let picture = world.picture();
        let mut found = world.translate().diagnostics;
        found.retain(|finding| finding.severity != Severity::Note);
        assert!(found.is_empty() && !picture.iter().any(|line| line.contains("503")), "{objects:?}: {picture:?} {found:?}");
    }
    for (objects, open) in [
        (vec![own(whole, LAST), other("/new")], &["h.test =/new → default-s2-80", "h.test /new/* → default-s2-80"][..]),
        (vec![own(whole, LAST), other("/new/a")], &["h.test =/new/a → default-s2-80", "h.test /new/a/* → default-s2-80"]),
        (vec![own(whole, "rewrite ^/(.*)$ /index.html last;")], &[]),
        (vec![own(&[("/old", "Prefix", "s1")], LAST)], &[]),
        (vec![own(whole, LAST), annotated(other("/x"), &[("use-regex", "true")])], &["h.test ~/x → default-s2-80"]),
        (
            vec![annotated(
                ingress("a", 1, &[("h.test", whole)]),
                &[("configuration-snippet", LAST), ("server-snippet", "location /new/a { return 410; }")],
            )],
            &[],
        ),
    ] {
        let mut world = world(objects.clone());
        let picture = world.picture();
        let served: Vec<&String> = picture.iter().filter(|line| !line.ends_with("503")).collect();
        assert!(served == open && picture.len() > open.len(), "{objects:?}: {picture:?}");
        let found = world.translate().diagnostics;
        let said = found.iter().find(|finding| finding.field.ends_with("/configuration-snippet]")).unwrap();
        assert_eq!((said.code, said.outcome), (Code::BadAnnotation, Outcome::ClosedRoute));
        let place = [
            "configuration-snippet: line 2, column 1: \"rewrite\": by the path ",
            "configuration-snippet: line 1, column 1: \"rewrite\": by",
        ];
        assert!(place.iter().any(|begin| said.message.starts_with(begin)) && said.help.starts_with("write break to send"), "{said}");
    }
}
