//! `IngressClass.spec.parameters`: settings of a class, from objects that come, change and go.

use gatewright_e2e::cluster::{Controller, Install, World, app, eventually, ingress};
use gatewright_e2e::proxies::Proxy;
use serde_json::{Value, json};

/// One more class of an installation.
fn class(install: &Install<'_>, name: &str, parameters: &Value) -> Value {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": name},
        "spec": {"controller": format!("gatewright.dev/{}", install.name), "parameters": parameters}})
}

fn own(namespace: &str, settings: &Value) -> Value {
    json!({"apiVersion": "gatewright.dev/v1alpha1", "kind": "GatewrightParameters", "metadata": {"name": "own", "namespace": namespace},
        "spec": {"settings": settings}})
}

fn wait_said(controller: &Controller<'_>, part: &str) {
    eventually(&format!("{part} is said"), || {
        let said = controller.diagnostics();
        if said.iter().any(|text| text.contains(part)) { Ok(()) } else { Err(format!("{said:#?}")) }
    });
}

#[test]
fn classes_have_settings_of_their_own_which_come_change_and_go() {
    let world = World::shared();
    let install = Install::on(Proxy::HAPROXY_2_6, world, "params");
    let ns = "params";
    let tutorial = json!({"apiGroup": "k8s.example.com", "kind": "IngressParameters", "name": "external-lb"});
    let late = json!({"apiGroup": "gatewright.dev", "kind": "GatewrightParameters", "name": "own", "scope": "Namespace", "namespace": ns});
    let cluster = json!({"kind": "ConfigMap", "name": "of-class", "scope": "Cluster"});
    world.apply(&app(ns, "app", &["10.244.8.1"]));
    for (name, parameters) in [("params-tutorial", &tutorial), ("params-late", &late), ("params-map", &cluster)] {
        world.apply_object(&class(&install, name, parameters)).unwrap();
        world.apply(&ingress(ns, name, name, &format!("{name}.test"), "app"));
    }
    world.apply("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: of-class, namespace: params}\ndata: {force-ssl-redirect: 'true'}\n");
    let controller = install.start(&[]);
    controller.wait_live().wait_pod("params-tutorial.test", "10.244.8.1");
    controller.wait_pod("params-late.test", "10.244.8.1");
    controller.wait_status("params-map.test", "/", 308);
    wait_said(&controller, "GW0105 /params-tutorial: parameters of kind \"IngressParameters\"");
    wait_said(&controller, "GW0106 /params-late: GatewrightParameters params/own does not exist");
    eventually("the class is told by an event", || {
        let events = world.events("default", "IngressClass", "params-tutorial");
        if events.iter().any(|text| text.contains("IngressParameters")) { Ok(()) } else { Err(format!("{events:?}")) }
    });
    world.apply_object(&own(ns, &json!({"force-ssl-redirect": "true"}))).unwrap();
    controller.wait_status("params-late.test", "/", 308);
    controller.wait_pod("params-tutorial.test", "10.244.8.1");
    world.apply_object(&own(ns, &json!({"force-ssl-redirect": "false"}))).unwrap();
    controller.wait_pod("params-late.test", "10.244.8.1");
    world.delete("ConfigMap", ns, "of-class");
    wait_said(&controller, "GW0106 /params-map: ConfigMap params/of-class does not exist; what it said last still counts");
    controller.wait_status("params-map.test", "/", 308);
    world.apply("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: of-class, namespace: params}\n");
    controller.wait_pod("params-map.test", "10.244.8.1");
}

/// What a Role forbids is said and left out; the rest is served.
#[test]
fn a_class_is_served_without_parameters_that_may_not_be_read_until_they_may() {
    let world = World::shared();
    let install = Install::on(Proxy::NGINX_1_28, world, "unread");
    let ns = "unread";
    let settings = [json!(["configmaps"]), json!(["gatewrightparameters"])];
    install.restrict(|rule| !settings.contains(&rule["resources"]));
    let own_parameters = json!({"apiGroup": "gatewright.dev", "kind": "GatewrightParameters", "name": "own"});
    world.apply(&app(ns, "app", &["10.244.8.3"]));
    world.apply(&ingress(ns, "other", ns, "unread-other.test", "app"));
    let data = json!({"force-ssl-redirect": "true"});
    for (class_name, parameters) in
        [("unread-map", json!({"kind": "ConfigMap", "name": "of-class", "scope": "Cluster"})), ("unread-own", own_parameters)]
    {
        world.apply_object(&class(&install, class_name, &parameters)).unwrap();
        world.apply(&ingress(ns, class_name, class_name, &format!("{class_name}.test"), "app"));
    }
    world.apply_object(&own(ns, &data)).unwrap();
    world.apply(&format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: of-class, namespace: {ns}}}\ndata: {data}\n"));
    let controller = install.start(&[]);
    controller.wait_live().wait_pod("unread-other.test", "10.244.8.3");
    let why = "may not be read; the class is served without it";
    for (class_name, object) in [("unread-map", "ConfigMap unread/of-class"), ("unread-own", "GatewrightParameters unread/own")] {
        controller.wait_pod(&format!("{class_name}.test"), "10.244.8.3");
        wait_said(&controller, &format!("GW0006 /{class_name}: {object} {why}"));
    }
    install.allow_in(
        ns,
        &json!([
            {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list", "watch"]},
            {"apiGroups": ["gatewright.dev"], "resources": ["gatewrightparameters"], "verbs": ["list", "watch"]},
        ]),
    );
    for class_name in ["unread-map", "unread-own"] {
        controller.wait_status(&format!("{class_name}.test"), "/", 308);
    }
    eventually("nothing is told of it any more", || {
        let said = controller.diagnostics();
        if said.iter().any(|text| text.starts_with("GW0006")) { Err(format!("{said:#?}")) } else { Ok(()) }
    });
}

#[test]
fn the_definition_of_parameters_may_come_after_the_controller() {
    let world = World::start();
    let install = Install::on(Proxy::NGINX_1_22, &world, "early");
    let ns = "early";
    world.delete("CustomResourceDefinition", "", "gatewrightparameters.gatewright.dev");
    let parameters = json!({"apiGroup": "gatewright.dev", "kind": "GatewrightParameters", "name": "own"});
    world.apply(&app(ns, "app", &["10.244.8.2"]));
    world.apply_object(&class(&install, "early-too", &parameters)).unwrap();
    world.apply(&ingress(ns, "web", "early-too", "early.test", "app"));
    let controller = install.start(&[]);
    controller.wait_live().wait_pod("early.test", "10.244.8.2");
    wait_said(&controller, "GW0106 /early-too: GatewrightParameters early/own does not exist");
    drop(Install::new(&world, "early"));
    eventually("the parameters can be made", || {
        world.apply_object(&own(ns, &json!({"force-ssl-redirect": "true"}))).map_err(|error| error.to_string())
    });
    controller.wait_status("early.test", "/", 308);
}

#[test]
fn the_definition_refuses_what_cannot_be_meant() {
    let world = World::shared();
    let _install = Install::new(world, "defined");
    eventually("the definition is taken", || world.try_object(&own("defined", &json!({"a": "b"}))).map_err(|error| error.to_string()));
    for spec in
        [json!({"settings": {"keep-alive": 7}}), json!({"policy": {"hosts": [{"names": ["a"]}]}}), json!({"policy": {"reportOnly": "x"}})]
    {
        let mut object = own("defined", &json!({}));
        object["spec"] = spec;
        assert!(world.try_object(&object).is_err(), "{object}");
    }
}
