//! Events: `ingress-semantics` 21.

use gatewright_e2e::cluster::{Install, World, app, eventually, holds_for, ingress};
use serde_json::json;
use std::time::Duration;

fn wait_event(world: &World, namespace: &str, kind: &str, name: &str, beginning: &str) {
    eventually(&format!("{kind} {name} has the event {beginning:?}"), || {
        let events = world.events(namespace, kind, name);
        if events.iter().any(|event| event.starts_with(beginning)) { Ok(()) } else { Err(events.join("\n")) }
    });
}

#[test]
fn ingresses_are_told_when_they_are_live_and_what_is_wrong() {
    let world = World::shared();
    let install = Install::new(world, "told");
    let ns = "told";
    install.pod("told", "192.0.2.101");
    world.apply(&app(ns, "app", &["10.244.6.1"]));
    world.apply(&ingress(ns, "web", "told", "told.test", "app"));
    world.apply(&ingress(ns, "broken", "told", "broken.test", "nobody"));
    let controller = install.start(&["--configmap=told/gatewright"]);
    controller.wait_live();
    wait_event(world, ns, "Ingress", "web", "Sync: live in revision ");
    wait_event(world, ns, "Ingress", "broken", "NoService: spec.rules[0].http.paths[0].backend");
    wait_event(world, ns, "ConfigMap", "gatewright", "CREATE: ConfigMap told/gatewright");
    wait_event(world, ns, "Pod", "told", "RELOAD: NGINX reload triggered");
    let uid = world.object("Ingress", ns, "web")["metadata"]["uid"].clone();
    let events = world.objects("Event", ns);
    let of_web = events.iter().find(|event| event["involvedObject"]["name"] == "web").unwrap();
    assert_eq!(
        (&of_web["involvedObject"]["uid"], &of_web["type"], &of_web["source"]["component"]),
        (&uid, &json!("Normal"), &json!("gatewright"))
    );
    // The next change is the same event once more.
    world.patch("Ingress", ns, "web", &json!({"metadata": {"annotations": {"nginx.ingress.kubernetes.io/ssl-redirect": "false"}}}));
    eventually("the event is counted up", || {
        let events = world.objects("Event", ns);
        let of_web: Vec<_> = events.iter().filter(|event| event["involvedObject"]["name"] == "web").collect();
        if of_web.len() == 1 && of_web[0]["count"] == 2 { Ok(()) } else { Err(format!("{of_web:?}")) }
    });
}

#[test]
fn sync_events_can_be_switched_off() {
    let world = World::shared();
    let install = Install::new(world, "untold");
    let ns = "untold";
    install.pod("untold", "192.0.2.102");
    world.apply(&ingress(ns, "broken", "untold", "broken.test", "nobody"));
    let controller = install.start(&["--disable-sync-events"]);
    controller.wait_live();
    wait_event(world, ns, "Pod", "untold", "RELOAD");
    holds_for(Duration::from_secs(1), "nothing is told", || {
        let events = world.events(ns, "Ingress", "broken");
        if events.is_empty() { Ok(()) } else { Err(events.join("\n")) }
    });
}

#[test]
fn events_that_may_not_be_written_are_left_out_and_all_else_works() {
    let world = World::shared();
    let install = Install::new(world, "mute");
    // Its own namespace takes events of the controller itself.
    let ns = "mute-shop";
    world.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: mute-shop}\n");
    install.restrict(|rule| rule["resources"] != json!(["events"]));
    world.apply(&app(ns, "app", &["10.244.6.21"]));
    world.apply(&ingress(ns, "web", "mute", "mute.test", "app"));
    let controller = install.start(&["--publish-status-address=192.0.2.103"]);
    controller.wait_live().wait_pod("mute.test", "10.244.6.21");
    eventually("the reason is in the log", || {
        let log = controller.log();
        if log.contains("cannot create resource") && log.contains("events") { Ok(()) } else { Err(log) }
    });
    eventually("the status is written", || if world.addresses(ns, "web").is_empty() { Err(String::new()) } else { Ok(()) });
}
