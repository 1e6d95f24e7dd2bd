//! What `lint` says of objects that nobody here serves: Ingresses of other classes, and parameters that no class names.

use crate::world::{Folder, ingress, service};
use serde_json::Value;

const CLASSES: &str = "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: own}\nspec: {controller: gatewright.dev/ingress}\n---\n\
    apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: other}\nspec: {controller: other.test/ingress}\n---\n";

fn linted(text: &str) -> Vec<Value> {
    let ran = Folder::new(&[("in.yaml", text)]).run(&["lint", "in.yaml", "--format", "json"]);
    let findings = ran.json()["diagnostics"].as_array().unwrap().clone();
    let errors = findings.iter().any(|finding| finding["severity"] == "error");
    assert_eq!(ran.code, i32::from(errors), "{ran:?}");
    findings
}

/// Field of every error about an Ingress, sorted.
fn errors(findings: &[Value]) -> Vec<String> {
    let errors = findings.iter().filter(|finding| finding["severity"] == "error" && finding["object"]["kind"] == "Ingress");
    let mut fields: Vec<_> = errors.map(|finding| finding["field"].as_str().unwrap().to_owned()).collect();
    fields.sort();
    fields
}

fn of_class(class: &str, from: &str, to: &str) -> String {
    let text = ingress("front", "a.test", "/", "cart")
        .replace("spec:\n", &format!("spec:\n  ingressClassName: {class}\n  tls: [{{hosts: [a.test]}}]\n"));
    assert!(text.contains(from), "{from}");
    text.replace(from, to) + CLASSES + &service("cart")
}

#[test]
fn the_api_server_refuses_the_same_of_every_class() {
    let path = "spec.rules[0].http.paths[0]";
    let backend = format!("{path}.backend");
    for (from, to, field) in [
        ("pathType: Prefix", "pathType: Prefx", format!("{path}.pathType")),
        ("pathType: Prefix", "pathtype: Prefix", String::new()),
        ("path: /", "path: a", format!("{path}.path")),
        ("path: /", "path: /a/../b", format!("{path}.path")),
        ("host: a.test", "host: a_b.test", "spec.rules[0].host".to_owned()),
        ("host: a.test", "host: 10.0.0.1", "spec.rules[0].host".to_owned()),
        ("host: a.test", "host: '*'", "spec.rules[0].host".to_owned()),
        ("hosts: [a.test]", "hosts: [a.test, 'b:80']", "spec.tls[0].hosts[1]".to_owned()),
        ("hosts: [a.test]", "hosts: [a.test], secretName: other/pair", "spec.tls[0].secretName".to_owned()),
        ("number: 80", "number: 800000", format!("{backend}.service.port")),
        ("number: 80", "number: 80, name: web", format!("{backend}.service.port")),
        ("{number: 80}", "{}", format!("{backend}.service.port")),
        ("number: 80", "name: w_b", format!("{backend}.service.port")),
        ("name: cart", "name: other/cart", format!("{backend}.service.name")),
        ("backend: {", "backend: {resource: {kind: Bucket, name: b}, ", backend.clone()),
        ("{service: {name: cart, port: {number: 80}}}", "{}", backend.clone()),
    ] {
        let expected: Vec<String> = Some(field).filter(|field| !field.is_empty()).into_iter().collect();
        assert_eq!(errors(&linted(&of_class("own", from, to))), expected, "{to}");
        let others = linted(&of_class("other", from, to));
        assert_eq!(errors(&others), expected, "{to}: {others:#?}");
        for finding in others.iter().filter(|finding| finding["object"]["kind"] == "Ingress") {
            assert!(finding["severity"] != "error" || finding["code"] == "GW0802", "{finding}");
            assert_eq!(finding["outcome"], "skipped-object", "{finding}");
        }
    }
}

#[test]
fn what_only_we_refuse_is_not_said_of_other_classes() {
    let resource = "{resource: {apiGroup: a.test, kind: Bucket, name: b}}";
    for (from, to) in [
        ("path: /", "path: '/a;b c'"),
        ("path: /\n        pathType: Prefix", "path: '/a/../b(.*)'\n        pathType: ImplementationSpecific"),
        ("{service: {name: cart, port: {number: 80}}}", resource),
        ("name: cart", "name: missing"),
    ] {
        assert_eq!(errors(&linted(&of_class("other", from, to))), [""; 0], "{to}");
        assert_ne!(errors(&linted(&of_class("own", from, to))), [""; 0], "{to}");
    }
}

#[test]
fn nothing_is_said_to_be_served_that_is_not() {
    let wish = |text: String| text.replace("spec:\n", "spec:\n  ingressClassNam: x\n");
    let outcome = |text: &str, code: &str| {
        let findings = linted(text);
        let one = findings.iter().find(|finding| finding["code"] == code).unwrap_or_else(|| panic!("{code}: {findings:#?}")).clone();
        one["outcome"].as_str().unwrap().to_owned()
    };
    assert_eq!(outcome(&wish(of_class("own", "cart", "cart")), "GW0801"), "served");
    assert_eq!(outcome(&wish(of_class("other", "cart", "cart")), "GW0801"), "skipped-object");
    let path = |more: &str| of_class("own", "path: /\n", &format!("path: /a//b\n        color: red\n{more}"));
    assert_eq!((outcome(&path(""), "GW0801"), outcome(&path(""), "GW0802")), ("served".to_owned(), "served".to_owned()));
    let refused = path("").replace("Prefix", "Prefx");
    assert_eq!(outcome(&refused, "GW0801"), "skipped-path");
    let host = of_class("own", "host: a.test", "host: a_b.test\n    color: red");
    assert_eq!(outcome(&host, "GW0801"), "skipped-host");
    let unread = of_class("own", "spec:\n", "spec:\n  ingressClassNam: x\n").replace("name: front", "name: front, annotations: []");
    assert_eq!(outcome(&unread, "GW0801"), "skipped-object", "it is not read at all");
    assert_eq!(outcome("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n", "GW0007"), "skipped-object");
}

#[test]
fn parameters_that_no_class_names_are_looked_at() {
    let parameters = |name: &str| {
        format!(
            "apiVersion: gatewright.dev/v1alpha1\nkind: GatewrightParameters\nmetadata: {{name: {name}, namespace: ops}}\nspec:\n  settings: \
             {{proxy-read-timeout: soon, no-such-key: '1', use-gzip: 'true'}}\n  policy: {{hosts: [{{names: [a.test], namespace: [shop]}}]}}\n---\n"
        )
    };
    let about = |findings: &[Value]| {
        let own = findings.iter().filter(|finding| finding["object"]["kind"] == "GatewrightParameters");
        let told = own.map(|finding| format!("{} {}", finding["code"].as_str().unwrap(), finding["field"].as_str().unwrap()));
        told.collect::<std::collections::BTreeSet<_>>()
    };
    let named = CLASSES.replace(
        "spec: {controller: gatewright.dev/ingress}",
        "spec: {controller: gatewright.dev/ingress, parameters: {apiGroup: gatewright.dev, kind: GatewrightParameters, name: one}}",
    );
    let of_named = about(&linted(&(parameters("one") + &named)));
    assert_eq!(of_named.len(), 3, "{of_named:?}");
    let mut of_unnamed = about(&linted(&(parameters("one") + CLASSES)));
    assert!(of_unnamed.remove("GW0107 "), "{of_unnamed:?}");
    assert_eq!(of_unnamed, of_named);
    let both = linted(&(parameters("one") + &parameters("two") + &named));
    let unused: Vec<_> = both.iter().filter(|finding| finding["code"] == "GW0107").collect();
    assert!(matches!(&unused[..], [one] if one["object"]["name"] == "two" && one["severity"] == "note"), "{unused:?}");
}

#[test]
fn an_endpoint_that_is_refused_is_told_once() {
    let told = |addresses: &str, flags: &[&str]| {
        let text = ingress("front", "a.test", "/", "cart")
            + &service("cart").replace("endpoints: [{addresses: [10.1.0.1]}]", &format!("endpoints: [{addresses}]"));
        let ran = Folder::new(&[("in.yaml", &text)]).run(&[&["lint", "in.yaml", "--format", "json"], flags].concat());
        let findings = ran.json()["diagnostics"].as_array().unwrap().clone();
        let is_meant = |finding: &&serde_json::Value| finding["severity"] == "error" || finding["code"] == "GW0802";
        let text = |finding: &serde_json::Value, key: &str| finding[key].as_str().unwrap().to_owned();
        let all = findings.iter().filter(is_meant).map(|finding| ["severity", "code", "outcome"].map(|key| text(finding, key)).join(" "));
        assert_eq!(ran.code, i32::from(findings.iter().any(|finding| finding["severity"] == "error")));
        all.collect::<Vec<_>>()
    };
    assert_eq!(told("{addresses: [127.0.0.1]}", &[]), ["error GW0802 closed-route"]);
    assert_eq!(told("{addresses: [127.0.0.1]}, {addresses: [10.1.0.1]}", &[]), ["error GW0802 skipped-entry"]);
    assert_eq!(told("{addresses: [127.0.0.1]}", &["--allow-loopback-endpoints"]), ["note GW0802 served"]);
    assert_eq!(told("{addresses: [127.0.0.1]}", &["--allow", "GW0802"]), ["error GW0308 closed-route"]);
    assert_eq!(told("{addresses: [255.255.255.255]}", &[]), ["error GW0308 closed-route"], "the API server takes it");
}
