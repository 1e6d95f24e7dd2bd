//! What namespaces may do, as a policy says: what is refused is not served, and nobody else is touched.

use gatewright_e2e::client::{get, send};
use gatewright_e2e::http1::Request;
use gatewright_e2e::manifest::{IngressWords, class_of, config_map, ingress};
use gatewright_e2e::on_every_proxy;
use gatewright_e2e::site::{all_running, running};
use gatewright_e2e::world::{World, who};
use serde_json::{Value, json};

/// Objects in a namespace.
fn in_namespace(namespace: &str, objects: Vec<Value>) -> Vec<Value> {
    objects.into_iter().map(|object| object.within(namespace)).collect()
}

/// Who may do what. `report_only`: it is said alone.
fn policy(report_only: bool) -> Value {
    json!({
        "reportOnly": report_only,
        "hosts": [{"names": ["Shop.test", "*.shop.test.", "bare.test"], "namespaces": ["shop"]}],
        "wildcardHosts": ["shop"],
        "annotations": [{"namespaces": ["team-*"], "denied": ["app-root", "auth-url", "server-alias"]}],
        "limits": {"proxy-body-size": "1k"},
    })
}

/// Two namespaces, each with a Service: `shop` has claimed its host, `team-a` tries more than it may.
fn objects() -> Vec<Value> {
    let shop = vec![
        ingress("shop").prefix("shop.test", "/", "shop").annotation("app-root", "/own").annotation("proxy-body-size", "1m"),
        ingress("wild").prefix("*.shop.test", "/", "shop"),
    ];
    let team = vec![
        ingress("own").prefix("team.test", "/", "team").annotation("app-root", "/other").annotation("upstream-vhost", "v.test"),
        ingress("thief").prefix("shop.test", "/stolen", "team").prefix("free.test", "/", "team"),
        ingress("sub").prefix("a.shop.test", "/", "team"),
        ingress("wide").prefix("*.wide.test", "/", "team"),
        ingress("alias").prefix("aliased.test", "/", "team").annotation("server-alias", "other.test"),
        ingress("www").prefix("www.bare.test", "/", "team").annotation("from-to-www-redirect", "true"),
        // Nobody asks it, for it may not be named.
        ingress("guarded").prefix("guarded.test", "/", "team").annotation("auth-url", "http://10.245.0.1/"),
    ];
    [in_namespace("shop", [all_running(&["shop"]), shop].concat()), in_namespace("team-a", [all_running(&["team"]), team].concat())]
        .concat()
}

const ASKED: [(&str, &str); 11] = [
    ("shop.test", "/"),
    ("shop.test", "/x"),
    ("shop.test", "/stolen"),
    ("free.test", "/"),
    ("a.shop.test", "/"),
    ("b.shop.test", "/"),
    ("a.wide.test", "/"),
    ("team.test", "/"),
    ("aliased.test", "/"),
    ("other.test", "/"),
    ("bare.test", "/"),
];

fn answers() -> [String; 11] {
    ASKED.map(|(host, target)| who(host, target))
}

/// Names of the Ingresses whose findings are about a policy; sorted.
fn told(world: &World) -> Vec<String> {
    let name = |line: String| Some(line.strip_prefix("GW0104 Ingress ")?.split_once(':')?.0.to_owned());
    let mut names: Vec<_> = world.diagnostics().into_iter().filter_map(name).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// What is said about whom by both.
const SAID: [&str; 8] =
    ["shop/shop", "team-a/alias", "team-a/guarded", "team-a/own", "team-a/sub", "team-a/thief", "team-a/wide", "team-a/www"];

on_every_proxy! {
    fn a_policy_takes_away_what_a_namespace_may_not_do_and_nothing_else(proxy) {
        let settings = |policy: &Value| config_map("settings", &[("gatewright-policy", &policy.to_string())]);
        let world = World::of(proxy)
            .arg("--configmap=default/settings")
            .manifest("c.yaml", &[settings(&policy(false))])
            .manifest("i.yaml", &objects())
            .start();
        let posted = |host: &str| send(&Request::new("POST", "/x").header("Host", host).body(&[b'x'; 5000])).unwrap().status;
        assert_eq!(answers(), ["302", "shop", "shop", "team", "shop", "shop", "404", "team", "team", "404", "404"]);
        assert_eq!(get("team.test", "/").unwrap().received("Host").as_deref(), Some("v.test"), "the rest of it holds");
        assert_eq!([who("guarded.test", "/"), posted("shop.test").to_string()], ["503", "413"]);
        assert_eq!(told(&world), SAID);
        world.apply("c.yaml", &[settings(&policy(true))]);
        assert_eq!(answers(), ["302", "shop", "team", "team", "team", "shop", "team", "302", "team", "team", "308"]);
        assert_eq!(posted("shop.test"), 200);
        assert_eq!(told(&world), SAID, "the same is said, and done all the same");
        world.apply("c.yaml", &[settings(&policy(false))]);
        world.apply("c.yaml", &[settings(&json!({"hosts": "all of them"}))]);
        assert_eq!(answers(), ["302", "shop", "shop", "team", "shop", "shop", "404", "team", "team", "404", "404"], "the last one still holds");
    }

    fn a_policy_that_cannot_be_read_closes_where_none_was_taken_before(proxy) {
        let settings = config_map("settings", &[("gatewright-policy", "{\"hosts\": \"all of them\"}")]);
        let world = World::of(proxy).arg("--configmap=default/settings").manifest("c.yaml", &[settings]).manifest("i.yaml", &objects()).start();
        let closed = || ["shop.test", "free.test", "team.test", "b.shop.test"].map(|host| who(host, "/x"));
        assert_eq!(closed(), ["503"; 4].map(str::to_owned), "a policy that cannot be read closes: {:?}", world.diagnostics());
    }

    fn a_policy_of_parameters_holds_for_their_class_alone(proxy) {
        let class = |name: &str, parameters: Option<&str>| {
            let mut class = class_of(name, "gatewright.dev/ingress");
            if let Some(own) = parameters {
                class["spec"]["parameters"] = json!({"apiGroup": "gatewright.dev", "kind": "GatewrightParameters", "name": own,
                    "scope": "Namespace", "namespace": "platform"});
            }
            class
        };
        let of_class = |class: &str, host: &str| {
            let mut ingress = ingress(&host.replace('.', "-")).prefix(host, "/", "team").annotation("app-root", "/other");
            ingress["spec"]["ingressClassName"] = json!(class);
            ingress
        };
        let parameters = |policy: Value| {
            json!({"apiVersion": "gatewright.dev/v1alpha1", "kind": "GatewrightParameters",
                "metadata": {"name": "tenants", "namespace": "platform"}, "spec": {"policy": policy}})
        };
        let team = [all_running(&["team"]), vec![
            of_class("bound", "bound.test"),
            of_class("bound", "shop.test"),
            of_class("free", "free.test"),
            of_class("free", "a.shop.test"),
        ]].concat();
        let world = World::of(proxy)
            .manifest("k.yaml", &[class("bound", Some("tenants")), class("free", None)])
            .manifest("p.yaml", &[parameters(policy(false))])
            .manifest("i.yaml", &in_namespace("team-a", team))
            .start();
        let answers = || ["bound.test", "shop.test", "free.test", "a.shop.test"].map(|host| who(host, "/"));
        assert_eq!(answers(), ["team", "404", "302", "302"]);
        assert_eq!(told(&world), ["team-a/bound-test", "team-a/shop-test"]);
        world.apply("p.yaml", &[parameters(policy(true))]);
        assert_eq!(answers(), ["302", "302", "302", "302"]);
        assert_eq!(told(&world), ["team-a/bound-test", "team-a/shop-test"]);
        world.apply("p.yaml", &[parameters(json!({}))]);
        assert_eq!((answers(), told(&world)), (["302"; 4].map(str::to_owned), vec![]));
    }
    fn no_way_to_write_a_wish_goes_past_a_policy(proxy) {
        let limits = json!({"proxy-body-size": "1k", "limit-rps": 1});
        let policy = json!({"limits": limits, "annotations": [{"denied": ["limit-allowlist", "Allowlist-Source-Range", "upstream-vhost"]}]});
        let settings = config_map("settings", &[
            ("gatewright-policy", &*policy.to_string()),
            ("allow-snippet-annotations", "true"),
            ("annotations-risk-level", "Critical"),
        ]);
        let wishing = |name: &str, wishes: &[(&str, &str)]| {
            let plain = ingress(name).prefix(&format!("{name}.test"), "/", "s");
            wishes.iter().fold(plain, |ingress, (name, value)| ingress.annotation(name, value))
        };
        let objects = [running("s"), vec![
            settings,
            wishing("route", &[("configuration-snippet", "client_max_body_size 5m;")]),
            wishing("host", &[("server-snippet", "client_max_body_size 0;")]),
            wishing("sign", &[("limit-rps", "+1000")]),
            wishing("none", &[("limit-rps", "-1")]),
            wishing("exempt", &[("limit-rps", "1"), ("limit-whitelist", "0.0.0.0/0")]),
            wishing("list", &[("whitelist-source-range", "0.0.0.0/0")]),
            wishing("rules", &[("configuration-snippet", "allow 127.0.0.0/8; deny all;")]),
            wishing("rest", &[("configuration-snippet", "proxy_set_header Host evil.test; add_header X-Rest yes;")]),
        ]].concat();
        let world = World::of(proxy).arg("--configmap=default/settings").manifest("i.yaml", &objects).start();
        let posted = |host: &str| send(&Request::new("POST", "/x").header("Host", host).body(&[b'x'; 5000])).unwrap().status;
        assert_eq!(["route.test", "host.test"].map(posted), [413, 413]);
        for host in ["sign.test", "none.test", "exempt.test"] {
            let served = (0..60).filter(|_| who(host, "/") == "s").count();
            assert!((1..40).contains(&served), "{host}: {served} of 60");
        }
        assert_eq!(["list.test", "rules.test"].map(|host| who(host, "/")), ["503", "503"], "a protection that may not be used closes");
        let rest = get("rest.test", "/").unwrap();
        assert_eq!((rest.received("Host").as_deref(), rest.header("x-rest")), (Some("rest.test"), Some("yes")));
        let names = ["exempt", "host", "list", "none", "rest", "route", "rules", "sign"].map(|name| format!("default/{name}"));
        assert_eq!(told(&world), names);
    }
}
