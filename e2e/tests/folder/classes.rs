//! Which Ingresses are ours.

use gatewright_e2e::manifest::{CLASS, IngressWords, class_of, ingress};
use gatewright_e2e::on_every_proxy;
use gatewright_e2e::proxies::Proxy;
use gatewright_e2e::site::{Site, all_running};
use gatewright_e2e::world::{World, who};
use serde_json::{Value, json};

const OURS: &str = "gatewright.dev/ingress";
const ANNOTATION: &str = "kubernetes.io/ingress.class";

/// An Ingress with this class, or none.
fn of_class(name: &str, class: Option<&str>, host: &str) -> Value {
    let mut ingress = ingress(name).prefix(host, "/", "s");
    ingress["spec"]["ingressClassName"] = class.map_or(Value::Null, Into::into);
    ingress
}

/// A world of its own with flags, and what becomes of each of these Ingresses.
fn served(proxy: Proxy, flags: &[&str], classes: &[Value], ingresses: &[Value]) -> Vec<String> {
    let objects = [classes, &all_running(&["s"]), ingresses].concat();
    let world = flags.iter().fold(World::of(proxy).manifest("all.yaml", &objects), |world, flag| world.arg(flag));
    let _world = world.start();
    ingresses.iter().map(|ingress| who(ingress["spec"]["rules"][0]["host"].as_str().unwrap(), "/")).collect()
}

on_every_proxy! {
    fn cls_1_to_6_16_19_by_default_field_and_annotation_decide(proxy) {
        let site = Site::of(proxy, "cls-1");
        let host = |name: &str| site.host(name);
        let mut objects = all_running(&["s"]);
        objects.push(class_of("cls-other", "example.com/other"));
        objects.push(of_class("ours", Some(CLASS), &host("cls1")));
        objects.push(of_class("foreign", Some("cls-other"), &host("cls2")));
        objects.push(of_class("ghost", Some("ghost"), &host("cls3")));
        objects.push(of_class("by-annotation", None, &host("cls4")).annotation(ANNOTATION, CLASS));
        objects.push(of_class("other-annotation", None, &host("cls5")).annotation(ANNOTATION, "testclass"));
        objects.push(of_class("none", None, &host("cls6")));
        objects.push(of_class("both", Some(CLASS), &host("cls16")).annotation(ANNOTATION, "testclass"));
        objects.push(of_class("empty", None, &host("cls19")).annotation(ANNOTATION, ""));
        site.apply(&objects);
        let seen: Vec<_> = ["cls1", "cls2", "cls3", "cls4", "cls5", "cls6", "cls16", "cls19"].iter().map(|name| who(&host(name), "/")).collect();
        assert_eq!(seen, ["s", "404", "404", "s", "404", "404", "s", "404"]);
    }

    fn cls_17_18_20_21_changes_of_class_take_effect(proxy) {
        let site = Site::of(proxy, "cls-17");
        let host = site.host("h");
        let apply = |class: Option<&str>, classes: &[Value]| {
            site.apply(&[all_running(&["s"]), classes.to_vec(), vec![of_class("a", class, &host)]].concat());
            who(&host, "/")
        };
        let own = class_of("cls-17-late", OURS);
        assert_eq!(apply(Some(CLASS), &[]), "s");
        assert_eq!(apply(None, &[]), "404", "CLS-17: it lost its class");
        assert_eq!(apply(Some(CLASS), &[]), "s", "CLS-18: it gained it");
        assert_eq!(apply(Some("cls-17-late"), &[]), "404");
        assert_eq!(apply(Some("cls-17-late"), std::slice::from_ref(&own)), "s", "CLS-20: the class came later");
        assert_eq!(apply(Some("cls-17-late"), &[]), "404", "CLS-21: the class went");
    }

    fn cls_7_to_9_ingresses_without_class_can_be_watched(proxy) {
        let classes = [class_of("cls-other", "example.com/other")];
        let ingresses = [
            of_class("none", None, "cls7.test"),
            of_class("annotation", None, "cls8.test").annotation(ANNOTATION, "testclass"),
            of_class("foreign", Some("cls-other"), "cls9.test"),
        ];
        assert_eq!(served(proxy, &["--watch-ingress-without-class"], &classes, &ingresses), ["s", "404", "404"]);
    }

    fn cls_10_11_class_and_controller_have_flags(proxy) {
        let classes = [class_of("foo", "k8s.io/other-class")];
        let ingresses = [
            of_class("annotation", None, "cls10.test").annotation(ANNOTATION, "testclass"),
            of_class("field", Some("foo"), "cls11.test"),
            of_class("default", Some(CLASS), "ours.test"),
        ];
        // The probe of the world is of the default class, so another instance has to serve it.
        let objects = [&classes, &*all_running(&["s"]), &ingresses].concat();
        let world = World::of(proxy).arg("--ingress-class=testclass").arg("--controller-class=k8s.io/other-class");
        let _world = world.manifest("all.yaml", &objects).start();
        let seen: Vec<_> = ["cls10.test", "cls11.test", "ours.test"].iter().map(|host| who(host, "/")).collect();
        assert_eq!(seen, ["s", "s", "404"]);
    }

    fn cls_12_13_a_class_can_be_taken_by_name(proxy) {
        let classes = [class_of("foo", "example.com/foreign"), class_of("bar", "example.com/foreign")];
        let ingresses =
            [of_class("named", Some("foo"), "cls12.test"), of_class("ours", Some(CLASS), "cls13.test"), of_class("not", Some("bar"), "bar.test")];
        assert_eq!(served(proxy, &["--ingress-class=foo", "--ingress-class-by-name"], &classes, &ingresses), ["s", "s", "404"]);
    }

    fn an_input_without_any_class_is_taken_whole(proxy) {
        let objects = [all_running(&["s"]), vec![of_class("none", None, "none.test"), of_class("ghost", Some("ghost"), "ghost.test")]].concat();
        let world = World::of(proxy).without_class().manifest("all.yaml", &objects).start();
        assert_eq!([who("none.test", "/"), who("ghost.test", "/")], ["s", "s"]);
        world.apply("class.yaml", &[class_of(CLASS, OURS)]);
        assert_eq!([who("none.test", "/"), who("ghost.test", "/")], ["404", "404"], "from now on classes count");
    }

    fn scp_1_2_namespaces_are_chosen_by_their_labels(proxy) {
        let namespace = |name: &str, labels: Value| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}});
        let within = |objects: Vec<Value>, name: &str| objects.into_iter().map(|object| object.within(name)).collect::<Vec<_>>();
        let a = within([all_running(&["s"]), vec![ingress("a").prefix("a.test", "/", "s")]].concat(), "a");
        let objects = [a, vec![namespace("probe", json!({"foo": "bar"})), namespace("a", json!({"foo": "baz"}))]].concat();
        let world = World::of(proxy).arg("--watch-namespace-selector=foo=bar").manifest("all.yaml", &objects).start();
        assert_eq!(who("a.test", "/"), "404");
        world.apply("all.yaml", &[&objects[..4], &[namespace("a", json!({"foo": "bar"}))]].concat());
        assert_eq!(who("a.test", "/"), "s", "without touching the Ingress");
    }

    fn scp_3_4_ingresses_with_a_default_backend_can_be_left_out(proxy) {
        let rule = || ingress("a").prefix("foo.test", "/", "s");
        let world = World::of(proxy).arg("--disable-catch-all").manifest("s.yaml", &all_running(&["s"])).start();
        world.apply("a.yaml", &[rule().default_backend("s")]);
        assert_eq!(who("foo.test", "/"), "404", "SCP-3");
        world.apply("a.yaml", &[rule()]);
        assert_eq!(who("foo.test", "/"), "s");
        world.apply("a.yaml", &[ingress("a").default_backend("s")]);
        assert_eq!(who("foo.test", "/"), "404", "SCP-4");
    }

    fn scp_5_suspicious_paths_cost_their_ingress_alone(proxy) {
        let site = Site::of(proxy, "scp-5");
        let host = site.host("h");
        let hostile = ingress("a").path(&host, "/bla{alias /var/run/secrets/;}location ~* ^/abcd", "ImplementationSpecific", "s");
        site.apply(&[all_running(&["s"]), vec![hostile, ingress("b").created(1).prefix(&host, "/xpto", "s")]].concat());
        assert_eq!([who(&host, "/xpto"), who(&host, "/bla"), who(&host, "/abcd/")], ["s", "404", "404"]);
        assert!(!site.diagnostics().is_empty());
    }
}
