//! Which namespaces are watched, and what happens where something may not be read: `ingress-semantics` 3.

use gatewright_e2e::cluster::{Install, World, app, cluster_rules, eventually, ingress, key_pair_secret};
use gatewright_e2e::on_proxies;
use gatewright_e2e::proxies::Proxy;
use serde_json::json;

fn namespace(world: &World, name: &str, labels: &str) {
    world.apply(&format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, labels: {{{labels}}}}}\n"));
}

/// Secrets may be read in one namespace only, ConfigMaps nowhere at first; all else everywhere.
#[test]
fn where_something_is_forbidden_it_is_said_and_the_rest_is_served() {
    let world = World::shared();
    let install = Install::on(Proxy::HAPROXY_3_2, world, "partly");
    namespace(world, "partly-open", "");
    namespace(world, "partly-closed", "");
    install.restrict(|rule| ![json!(["secrets"]), json!(["configmaps"])].contains(&rule["resources"]));
    install.allow_in("partly-open", &json!([{"apiGroups": [""], "resources": ["secrets"], "verbs": ["list", "watch"]}]));
    let pair = world.authority().issue(&["open.test", "closed.test"]);
    for (ns, host, pod) in [("partly-open", "open.test", "10.244.4.31"), ("partly-closed", "closed.test", "10.244.4.32")] {
        world.apply(&app(ns, "app", &[pod]));
        world.apply(&key_pair_secret(ns, "pair", "kubernetes.io/tls", &pair));
        world.apply(&format!("{}  tls: [{{hosts: [{host}], secretName: pair}}]\n", ingress(ns, "web", "partly", host, "app")));
    }
    let controller = install.start(&["--configmap=partly/gatewright"]);
    // What the settings say of who is kept out is not known: nobody is served by guessing.
    eventually("it is told what is waited for", || {
        let ready = controller.ready();
        let expected = "the right to read ConfigMap partly/gatewright, which is that of --configmap";
        if ready.contains(expected) && ready.starts_with("503") { Ok(()) } else { Err(ready) }
    });
    let told = "ConfigMap partly/gatewright may not be read, and may keep somebody out, so nothing new is served until it may";
    let said = controller.diagnostics();
    assert!(said.iter().any(|text| text.starts_with("GW0006") && text.ends_with(told)), "{said:#?}");
    install.allow_in("partly", &json!([{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list", "watch"]}]));
    controller.wait_live();
    let certificate = |host: &str| {
        eventually("the host is served", || {
            let answer = controller.get_tls(host, "/");
            if answer.status == 200 { Ok(answer.certificate) } else { Err(format!("{} {}", answer.status, answer.body)) }
        })
    };
    assert_ne!(certificate("open.test"), certificate("closed.test"), "one has its own, the other the default certificate");
    let said = controller.diagnostics();
    let part = "Secret of namespace partly-closed may not be read";
    assert!(said.iter().any(|text| text.starts_with("GW0006") && text.contains(part)), "{part}: {said:#?}");
    // Rights that are given later are used without a restart.
    install.allow_in("partly-closed", &json!([{"apiGroups": [""], "resources": ["secrets"], "verbs": ["list", "watch"]}]));
    eventually("both have the same certificate now", || {
        if certificate("open.test") == certificate("closed.test") { Ok(()) } else { Err(controller.diagnostics().join("\n")) }
    });
}

#[test]
fn a_role_in_one_namespace_is_enough_for_that_namespace() {
    let world = World::shared();
    let install = Install::on(Proxy::NGINX_1_22, world, "narrow");
    namespace(world, "narrow-shop", "");
    install.restrict(|_| false);
    let rules = cluster_rules();
    install.allow_in("narrow-shop", &rules);
    world.apply(&app("narrow-shop", "app", &["10.244.4.41"]));
    let annotation = "metadata: {annotations: {kubernetes.io/ingress.class: narrow}, ";
    let web = ingress("narrow-shop", "web", "narrow", "narrow.test", "app").replace("  ingressClassName: narrow\n", "");
    world.apply(&web.replace("metadata: {", annotation));
    let controller = install.start(&["--watch-namespace=narrow-shop", "--publish-status-address=192.0.2.4"]);
    controller.wait_live().wait_pod("narrow.test", "10.244.4.41");
    eventually("the status is written", || if world.addresses("narrow-shop", "web").is_empty() { Err(String::new()) } else { Ok(()) });
}

#[test]
fn what_flags_name_and_is_not_there_is_said_at_the_start() {
    let world = World::shared();
    let install = Install::on(Proxy::NGINX_1_28, world, "missing");
    let mut controller = install.start(&["--publish-service=missing/none", "--default-backend-service=missing/nothing"]);
    assert_eq!(controller.wait_end(), Some(2));
    let log = controller.log();
    for part in
        ["--publish-service: Service missing/none does not exist", "--default-backend-service: Service missing/nothing does not exist"]
    {
        assert!(log.contains(part), "{part}: {log}");
    }
    let mut controller = install.start(&["--watch-namespace=missing-too"]);
    assert_eq!(controller.wait_end(), Some(2));
    assert!(controller.log().contains("--watch-namespace: namespace missing-too does not exist"), "{}", controller.log());
}

#[test]
fn without_the_right_to_read_ingresses_everywhere_each_namespace_is_tried() {
    let world = World::shared();
    let install = Install::on(Proxy::HAPROXY_2_6, world, "scattered");
    install.restrict(|rule| rule["resources"] != json!(["ingresses"]));
    let mut rules = cluster_rules().as_array().unwrap().clone();
    rules.retain(|rule| rule["resources"] != json!(["ingresses"]));
    rules.push(json!({"apiGroups": [""], "resources": ["namespaces"], "verbs": ["list", "watch"]}));
    install.permit_only(&rules);
    for (ns, host, pod) in [("scattered-a", "a.test", "10.244.4.51"), ("scattered-b", "b.test", "10.244.4.52")] {
        namespace(world, ns, "");
        world.apply(&app(ns, "app", &[pod]));
        world.apply(&ingress(ns, "web", "scattered", &format!("scattered-{host}"), "app"));
    }
    let rules = json!([{"apiGroups": ["networking.k8s.io"], "resources": ["ingresses"], "verbs": ["get", "list", "watch"]}]);
    install.allow_in("scattered-a", &rules);
    let controller = install.start(&[]);
    controller.wait_live().wait_pod("scattered-a.test", "10.244.4.51");
    assert_eq!(controller.get("scattered-b.test", "/").status, 404);
    install.allow_in("scattered-b", &rules);
    controller.wait_pod("scattered-b.test", "10.244.4.52");
}

on_proxies! {
    [nginx_1_22 = NGINX_1_22, haproxy_2_6 = HAPROXY_2_6]

    fn watch_namespace_leaves_all_others_out(proxy) {
        let world = World::shared();
        let install = Install::of(proxy, world, "only");
        let ns = &*install.name;
        let inside = format!("{ns}-inside");
        namespace(world, &inside, "");
        for (namespace, host, pod) in [(ns, "outside.test", "10.244.4.1"), (&*inside, "inside.test", "10.244.4.2")] {
            world.apply(&app(namespace, "app", &[pod]));
            world.apply(&ingress(namespace, "web", ns, host, "app"));
        }
        let controller = install.start(&[&format!("--watch-namespace={inside}")]);
        controller.wait_live().wait_pod("inside.test", "10.244.4.2");
        assert_eq!(controller.get("outside.test", "/").status, 404);
    }

    fn scp_1_and_2_the_selector_follows_the_labels_of_namespaces(proxy) {
        let world = World::shared();
        let install = Install::of(proxy, world, "select");
        let ns = &*install.name;
        let shop = format!("{ns}-shop");
        let shop = shop.as_str();
        namespace(world, shop, "");
        world.apply(&app(shop, "app", &["10.244.4.11"]));
        world.apply(&ingress(shop, "web", ns, "select.test", "app"));
        let controller = install.start(&[&format!("--watch-namespace-selector=team={ns}")]);
        controller.wait_live();
        assert_eq!(controller.get("select.test", "/").status, 404, "SCP-1");
        world.patch("Namespace", "", shop, &json!({"metadata": {"labels": {"team": ns}}}));
        controller.wait_pod("select.test", "10.244.4.11");
        world.patch("Namespace", "", shop, &json!({"metadata": {"labels": {"team": null}}}));
        controller.wait_status("select.test", "/", 404);
    }
}

on_proxies! {
    [nginx_1_30 = NGINX_1_30, haproxy_3_2 = HAPROXY_3_2]

    fn scp_3_and_4_default_backends_can_be_switched_off(proxy) {
        let world = World::shared();
        let install = Install::of(proxy, world, "uncaught");
        let ns = &*install.name;
        world.apply(&app(ns, "app", &["10.244.4.21"]));
        let default_backend = "  defaultBackend: {service: {name: app, port: {number: 80}}}\n";
        world.apply(&(ingress(ns, "three", ns, "three.test", "app") + default_backend));
        world.apply(&ingress(ns, "four", ns, "four.test", "app"));
        let controller = install.start(&["--disable-catch-all"]);
        controller.wait_live().wait_pod("four.test", "10.244.4.21");
        assert_eq!(controller.get("three.test", "/").status, 404, "SCP-3");
        let backend = json!({"service": {"name": "app", "port": {"number": 80}}});
        world.patch("Ingress", ns, "four", &json!({"spec": {"rules": null, "defaultBackend": backend}}));
        controller.wait_status("four.test", "/", 404);
    }
}
