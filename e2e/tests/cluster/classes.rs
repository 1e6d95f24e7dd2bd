//! Which Ingresses are served: `ingress-semantics` 2.

use gatewright_e2e::cluster::{Install, Setup, World, app, eventually, ingress};
use gatewright_e2e::on_proxies;
use gatewright_e2e::proxies::Proxy;
use serde_json::json;

/// An Ingress with a class annotation and no class name.
fn annotated(namespace: &str, name: &str, class: &str, host: &str) -> String {
    ingress(namespace, name, "x", host, "app")
        .replace("  ingressClassName: x\n", "")
        .replace("metadata: {", &format!("metadata: {{annotations: {{kubernetes.io/ingress.class: \"{class}\"}}, "))
}

fn class(name: &str, controller: &str) -> String {
    format!("apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {{name: {name}}}\nspec: {{controller: {controller}}}\n")
}

fn classless(namespace: &str, name: &str, host: &str) -> String {
    ingress(namespace, name, "x", host, "app").replace("  ingressClassName: x\n", "")
}

#[test]
fn the_default_class_is_what_the_api_server_writes() {
    let world = World::shared();
    let install = Install::on(Proxy::HAPROXY_2_6, world, "standard");
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

on_proxies! {
    [nginx_1_22 = NGINX_1_22, haproxy_2_6 = HAPROXY_2_6]

    fn cls_1_to_6_16_19_and_sta_11_field_and_annotation_decide(proxy) {
        let world = World::shared();
        let install = Install::of(proxy, world, "classes");
        let ns = &*install.name;
        world.apply(&app(ns, "app", &["10.244.1.1"]));
        let (foreign, ghost) = (format!("{ns}-foreign"), format!("{ns}-ghost"));
        world.apply(&class(&foreign, "example.com/other"));
        world.apply(&ingress(ns, "one", ns, "cls-1.test", "app"));
        world.apply(&ingress(ns, "two", &foreign, "cls-2.test", "app"));
        world.apply(&ingress(ns, "three", &ghost, "cls-3.test", "app"));
        world.apply(&annotated(ns, "four", ns, "cls-4.test"));
        world.apply(&annotated(ns, "five", "testclass", "cls-5.test"));
        world.apply(&classless(ns, "six", "cls-6.test"));
        world.apply(&ingress(ns, "sixteen", ns, "cls-16.test", "app"));
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
}

on_proxies! {
    [nginx_1_30 = NGINX_1_30, haproxy_3_2 = HAPROXY_3_2]

    fn cls_17_18_20_21_classes_and_their_ingresses_come_and_go(proxy) {
        let world = World::shared();
        let install = Install::of(proxy, world, "later");
        let ns = &*install.name;
        world.apply(&app(ns, "app", &["10.244.1.2"]));
        world.delete("IngressClass", "", ns);
        world.apply(&ingress(ns, "web", ns, "later.test", "app"));
        let controller = install.start(&["--publish-status-address=192.0.2.2"]);
        controller.wait_live();
        controller.wait_status("later.test", "/", 404);
        // CLS-20: the class comes after the Ingress.
        world.apply(&class(ns, &install.controller_class()));
        controller.wait_pod("later.test", "10.244.1.2");
        eventually("the status is written", || if world.addresses(ns, "web").is_empty() { Err(String::new()) } else { Ok(()) });
        // CLS-21: the class goes, and the routes and the status with it.
        world.delete("IngressClass", "", ns);
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
            &json!({"metadata": {"annotations": {"kubernetes.io/ingress.class": ns}}, "spec": {"ingressClassName": null}}),
        );
        controller.wait_pod("later.test", "10.244.1.2");
        world.patch("Ingress", ns, "web", &json!({"metadata": {"annotations": {"kubernetes.io/ingress.class": null}}}));
        controller.wait_status("later.test", "/", 404);
    }
}

on_proxies! {
    [nginx_1_28 = NGINX_1_28, haproxy_3_0 = HAPROXY_3_0]

    fn cls_14_and_15_without_the_right_to_read_classes_only_annotations_count(proxy) {
        let world = World::shared();
        let install = Install::of(proxy, world, "blind");
        let ns = &*install.name;
        install.restrict(|rule| rule["resources"] != json!(["ingressclasses"]));
        world.apply(&app(ns, "app", &["10.244.1.4"]));
        world.apply(&annotated(ns, "fourteen", ns, "cls-14.test"));
        world.apply(&ingress(ns, "fifteen", ns, "cls-15.test", "app"));
        let controller = install.start_with(Setup::default());
        controller.wait_live().wait_pod("cls-14.test", "10.244.1.4");
        assert_eq!(controller.get("cls-15.test", "/").status, 404);
        let said = controller.diagnostics();
        let expected = |text: &&String| text.starts_with("GW0006") && text.contains("IngressClass of all namespaces may not be read");
        assert!(said.iter().any(|text| expected(&text)), "{said:?}");
    }
}
