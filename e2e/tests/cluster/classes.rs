//! Which Ingresses are served: `ingress-semantics` 2.

use gatewright_e2e::cluster::{Install, Setup, World, app, eventually, ingress};
use serde_json::json;

/// An Ingress with a class annotation and no class name.
fn annotated(namespace: &str, name: &str, class: &str, host: &str) -> String {
    ingress(namespace, name, "x", host, "app")
        .replace("  ingressClassName: x\n", "")
        .replace("metadata: {", &format!("metadata: {{annotations: {{kubernetes.io/ingress.class: \"{class}\"}}, "))
}

fn classless(namespace: &str, name: &str, host: &str) -> String {
    ingress(namespace, name, "x", host, "app").replace("  ingressClassName: x\n", "")
}

#[test]
fn cls_1_to_6_16_19_and_sta_11_field_and_annotation_decide() {
    let world = World::shared();
    let install = Install::new(world, "classes");
    let ns = "classes";
    world.apply(&app(ns, "app", &["10.244.1.1"]));
    world.apply(
        "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: classes-foreign}\nspec: {controller: example.com/other}\n",
    );
    world.apply(&ingress(ns, "one", "classes", "cls-1.test", "app"));
    world.apply(&ingress(ns, "two", "classes-foreign", "cls-2.test", "app"));
    world.apply(&ingress(ns, "three", "classes-ghost", "cls-3.test", "app"));
    world.apply(&annotated(ns, "four", "classes", "cls-4.test"));
    world.apply(&annotated(ns, "five", "testclass", "cls-5.test"));
    world.apply(&classless(ns, "six", "cls-6.test"));
    world.apply(&ingress(ns, "sixteen", "classes", "cls-16.test", "app"));
    world.patch("Ingress", ns, "sixteen", &json!({"metadata": {"annotations": {"kubernetes.io/ingress.class": "testclass"}}}));
    world.apply(&annotated(ns, "nineteen", "", "cls-19.test"));
    let controller = install.start(&["--publish-status-address=192.0.2.1"]);
    controller.wait_live();
    for host in ["cls-1.test", "cls-4.test", "cls-16.test"] {
        controller.wait_pod(host, "10.244.1.1");
    }
    for host in ["cls-2.test", "cls-3.test", "cls-5.test", "cls-6.test", "cls-19.test"] {
        assert_eq!(controller.get(host, "/").status, 404, "{host}");
    }
    // STA-11: whoever is not ours has no status of ours.
    eventually("statuses of ours are written", || match world.addresses(ns, "one").as_slice() {
        [address] if address == "192.0.2.1" => Ok(()),
        other => Err(format!("{other:?}")),
    });
    for name in ["two", "three", "five", "six", "nineteen"] {
        assert!(world.addresses(ns, name).is_empty(), "{name}");
    }
}

#[test]
fn cls_17_18_20_21_classes_and_their_ingresses_come_and_go() {
    let world = World::shared();
    let install = Install::new(world, "later");
    let ns = "later";
    world.apply(&app(ns, "app", &["10.244.1.2"]));
    world.delete("IngressClass", "", "later");
    world.apply(&ingress(ns, "web", "later", "later.test", "app"));
    let controller = install.start(&["--publish-status-address=192.0.2.2"]);
    controller.wait_live();
    controller.wait_status("later.test", "/", 404);
    // CLS-20: the class comes after the Ingress.
    world
        .apply("apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: later}\nspec: {controller: gatewright.dev/later}\n");
    controller.wait_pod("later.test", "10.244.1.2");
    eventually("the status is written", || if world.addresses(ns, "web").is_empty() { Err(String::new()) } else { Ok(()) });
    // CLS-21: the class goes, and the routes and the status with it.
    world.delete("IngressClass", "", "later");
    controller.wait_status("later.test", "/", 404);
    eventually("the status is emptied", || match world.addresses(ns, "web") {
        addresses if addresses.is_empty() => Ok(()),
        addresses => Err(format!("{addresses:?}")),
    });
    // CLS-18 and CLS-17: the Ingress gains a class that counts, and loses it.
    world.patch(
        "Ingress",
        ns,
        "web",
        &json!({"metadata": {"annotations": {"kubernetes.io/ingress.class": "later"}}, "spec": {"ingressClassName": null}}),
    );
    controller.wait_pod("later.test", "10.244.1.2");
    world.patch("Ingress", ns, "web", &json!({"metadata": {"annotations": {"kubernetes.io/ingress.class": null}}}));
    controller.wait_status("later.test", "/", 404);
}

#[test]
fn the_default_class_is_what_the_api_server_writes() {
    let world = World::shared();
    let install = Install::new(world, "standard");
    let ns = "standard";
    let _alone = crate::default_class();
    let default = |text: Option<&str>| {
        let patch = json!({"metadata": {"annotations": {"ingressclass.kubernetes.io/is-default-class": text}}});
        world.patch("IngressClass", "", "standard", &patch);
    };
    default(Some("true"));
    world.apply(&app(ns, "app", &["10.244.1.3"]));
    // The API server learns of the class by a watch of its own.
    eventually("a new Ingress gets the default class", || {
        world.delete("Ingress", ns, "web");
        world.apply(&classless(ns, "web", "standard.test"));
        let ingress = world.object("Ingress", ns, "web");
        if ingress["spec"]["ingressClassName"] == "standard" { Ok(()) } else { Err(ingress["spec"].to_string()) }
    });
    let controller = install.start(&[]);
    controller.wait_live().wait_pod("standard.test", "10.244.1.3");
    default(None);
}

#[test]
fn cls_14_and_15_without_the_right_to_read_classes_only_annotations_count() {
    let world = World::shared();
    let install = Install::new(world, "blind");
    let ns = "blind";
    install.restrict(|rule| rule["resources"] != json!(["ingressclasses"]));
    world.apply(&app(ns, "app", &["10.244.1.4"]));
    world.apply(&annotated(ns, "fourteen", "blind", "cls-14.test"));
    world.apply(&ingress(ns, "fifteen", "blind", "cls-15.test", "app"));
    let controller = install.start_with(Setup::default());
    controller.wait_live().wait_pod("cls-14.test", "10.244.1.4");
    assert_eq!(controller.get("cls-15.test", "/").status, 404);
    let said = controller.diagnostics();
    let expected = |text: &&String| text.starts_with("GW0006") && text.contains("IngressClass of all namespaces may not be read");
    assert!(said.iter().any(|text| expected(&text)), "{said:?}");
}
