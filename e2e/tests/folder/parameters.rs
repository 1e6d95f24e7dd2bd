//! `IngressClass.spec.parameters`: each class with its own settings, from objects of the folder.

use gatewright_e2e::client::get;
use gatewright_e2e::manifest::{IngressWords, class_of, config_map, ingress};
use gatewright_e2e::on_every_proxy;
use gatewright_e2e::site::{Site, all_running, running};
use gatewright_e2e::wait::until;
use gatewright_e2e::world::{World, who};
use serde_json::{Value, json};

/// A class whose parameters are in a namespace.
fn class(name: &str, group: &str, kind: &str, namespace: &str) -> Value {
    let mut class = class_of(name, "gatewright.dev/ingress");
    class["spec"]["parameters"] = json!({"apiGroup": group, "kind": kind, "name": "own", "scope": "Namespace", "namespace": namespace});
    class
}

fn of_class(class: &str, host: &str) -> Value {
    let mut ingress = ingress(class).prefix(host, "/", "s");
    ingress["spec"]["ingressClassName"] = json!(class);
    ingress
}

on_every_proxy! {
    fn classes_have_their_own_settings_and_an_unknown_kind_is_served_without(proxy) {
        let site = Site::of(proxy, "own-settings");
        let (ns, host) = (site.namespace().to_owned(), |name: &str| site.host(name));
        let parameters = |redirect: &str| {
            json!({"apiVersion": "gatewright.dev/v1alpha1", "kind": "GatewrightParameters", "metadata": {"name": "own"},
                "spec": {"settings": {"force-ssl-redirect": redirect}}})
        };
        let objects = |further: &[Value]| {
            let mut objects = all_running(&["s"]);
            objects.push(class("own-map", "", "ConfigMap", &ns));
            objects.push(class("own-kind", "gatewright.dev", "GatewrightParameters", &ns));
            objects.push(class("own-tutorial", "k8s.example.com", "IngressParameters", &ns));
            objects.extend(["own-map", "own-kind", "own-tutorial"].map(|name| of_class(name, &host(name))));
            objects.extend_from_slice(further);
            objects
        };
        let seen = |further: &[Value]| {
            site.apply(&objects(further));
            ["own-map", "own-kind", "own-tutorial"].map(|name| who(&host(name), "/"))
        };
        assert_eq!(seen(&[]), ["s", "s", "s"], "nothing is there yet");
        until("all three are said", || {
            let said = site.world.diagnostics();
            ["GW0105 own-tutorial", "GW0106 own-map", "GW0106 own-kind"].iter().all(|part| {
                let (code, name) = part.split_once(' ').unwrap();
                said.iter().any(|text| text.contains(code) && text.contains(name))
            })
        });
        let map = config_map("own", &[("force-ssl-redirect", "true")]);
        assert_eq!(seen(std::slice::from_ref(&map)), ["308", "s", "s"]);
        assert_eq!(seen(&[map, parameters("true")]), ["308", "308", "s"]);
        assert_eq!(seen(&[parameters("false")]), ["308", "s", "s"], "what protects outlasts its object");
        assert_eq!(seen(&[config_map("own", &[]), parameters("false")]), ["s", "s", "s"]);
    }

    fn a_namespace_lifts_nothing_that_the_main_config_map_says(proxy) {
        let own = |settings: Value| {
            json!({"apiVersion": "gatewright.dev/v1alpha1", "kind": "GatewrightParameters", "metadata": {"name": "own", "namespace": "default"},
                "spec": {"settings": settings}})
        };
        let main = [
            ("annotation-value-word-blocklist", "evil"),
            ("annotations-risk-level", "Low"),
            ("http-snippet", "limit_req_zone $binary_remote_addr zone=a:1m rate=1r/m;"),
            ("location-snippet", "if ($http_x_bad) { return 403; }"),
        ];
        let mut objects = vec![
            class("own", "gatewright.dev", "GatewrightParameters", "default"),
            of_class("own", "own.test"),
            of_class("own", "evil.test").annotation("upstream-vhost", "evil.test"),
            of_class("own", "snippet.test").annotation("configuration-snippet", "return 418 x;"),
        ];
        for (object, name) in objects.iter_mut().skip(1).zip(["a", "b", "c"]) {
            object["metadata"]["name"] = json!(name);
        }
        objects.extend(running("s"));
        let world = World::of(proxy)
            .arg("--configmap=default/settings")
            .manifest("c.yaml", &[config_map("settings", &main)])
            .manifest("i.yaml", &objects)
            .manifest("p.yaml", &[own(json!({}))])
            .start();
        let seen = || {
            let bad = gatewright_e2e::http1::Request::get("own.test", "/").header("X-Bad", "1");
            let bad = gatewright_e2e::client::send(&bad).unwrap().status;
            [get("evil.test", "/").unwrap().status, get("snippet.test", "/").unwrap().status, bad]
        };
        assert_eq!((who("own.test", "/").as_str(), seen()), ("s", [404, 404, 403]));
        let open = json!({"annotation-value-word-blocklist": "", "annotations-risk-level": "Critical", "allow-snippet-annotations": "true",
            "location-snippet": ""});
        world.apply("p.yaml", &[own(open)]);
        assert_eq!((who("own.test", "/").as_str(), seen()), ("s", [404, 404, 403]), "{:?}", world.diagnostics());
        let told = world.diagnostics().iter().filter(|line| line.contains("GW0602")).count();
        assert_eq!(told, 4, "{:?}", world.diagnostics());
        world.apply("p.yaml", &[own(json!({"server-snippet": "limit_req zone=a;"}))]);
        let limited = [get("own.test", "/"), get("own.test", "/")].map(|answer| answer.unwrap().status);
        assert_eq!(limited, [200, 503], "a zone of the main ConfigMap counts: {:?}", world.diagnostics());
    }
}
