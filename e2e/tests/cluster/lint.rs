//! What `lint` says that the API server would refuse, and nothing else, is what a real one refuses.

use gatewright_e2e::cluster::{World, program};
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};

/// What is written where, in an object that is good otherwise.
type Edits<'e> = &'e [(&'e str, Value)];

fn ingress() -> Value {
    let path = json!({"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}}});
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "a", "namespace": "default"},
        "spec": {"rules": [{"host": "a.test", "http": {"paths": [path]}}]}})
}

fn class() -> Value {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "a"}, "spec": {"controller": "a.test/b"}})
}

fn object(kind: &str, version: &str, rest: &Value) -> Value {
    let mut object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": "a", "namespace": "default"}});
    object.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    object
}

/// Writes a value at a pointer; what is on the way there and missing is made.
fn edited(object: &Value, pointer: &str, value: &Value) -> Value {
    let mut object = object.clone();
    let mut at = &mut object;
    for step in pointer.split('/') {
        at = match step.parse::<usize>() {
            Ok(index) => &mut at[index],
            Err(_) => &mut at[step],
        };
    }
    *at = value.clone();
    object
}

/// What `lint` says of an object.
fn lint(object: &str) -> Vec<Value> {
    let mut command = Command::new(program());
    let mut child = command.args(["lint", "--format=json", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(object.as_bytes()).unwrap();
    let report: Value = serde_json::from_slice(&child.wait_with_output().unwrap().stdout).unwrap();
    report["diagnostics"].as_array().unwrap().clone()
}

/// Fails unless both say the same of the object with each of the edits.
fn compare(world: &World, object: &Value, edits: Edits<'_>) {
    let mut wrong = Vec::new();
    for (pointer, value) in edits {
        let object = edited(object, pointer, value);
        let refused = world.try_as_written(&object).err().map(|error| error.to_string());
        let findings = lint(&object.to_string());
        let of_api = |finding: &&Value| ["GW0801", "GW0802", "GW0803"].iter().any(|code| finding["code"] == *code);
        match &refused {
            Some(reason) if findings.iter().all(|finding| finding["severity"] == "note") => {
                wrong.push(format!("{pointer} = {value}: lint does not say that {reason}"));
            }
            None => wrong.extend(findings.iter().find(of_api).map(|finding| format!("{pointer} = {value}: it is taken, but {finding}"))),
            Some(_) => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn each<'e>(pointer: &'e str, values: &[Value]) -> Vec<(&'e str, Value)> {
    values.iter().map(|value| (pointer, value.clone())).collect()
}

#[test]
fn of_the_metadata_of_all_kinds() {
    let long = "a".repeat(64);
    let edits = [
        each(
            "metadata/labels",
            &[json!({"a b": "x"}), json!({"a": "x y"}), json!({"A.B/c": "x"}), json!({"a.b/C_d": ""}), json!({"/a": "x"})],
        ),
        each(
            "metadata/labels",
            &[json!({"a": long}), json!({long.as_str(): "a"}), json!({"-a": "x"}), json!({"a": "x-"}), json!({"a": 1})],
        ),
        each(
            "metadata/annotations",
            &[json!({"a b": "x"}), json!({"A.B/c": "x"}), json!({"a/b/c": "x"}), json!({"a": true}), json!({"a/": "x"})],
        ),
        each("metadata/annotations/a", &[json!("x".repeat(262_200)), json!(1), json!(["x"]), json!(null)]),
        each("metadata/finalizers", &[json!(["a"]), json!(["a.test/b", "kubernetes"])]),
        each("metadata/ownerReferences", &[json!([{"apiVersion": "v1", "kind": "Pod", "name": "b"}])]),
        each("metadata/unknown", &[json!("x")]),
        each("metadata/name", &[json!("A"), json!("a_b"), json!("a.b"), json!("a-"), json!("a".repeat(254)), json!("1")]),
        each("unknown", &[json!("x")]),
    ];
    compare(World::shared(), &ingress(), &edits.concat());
}

#[test]
fn of_hosts_paths_and_backends() {
    let backend = |service: Value| json!({"service": service});
    let named = |name: &str| json!({"service": {"name": "web", "port": {"name": name}}});
    let of = |name: &str| json!({"service": {"name": name, "port": {"number": 80}}});
    let hosts = ["A.test", "a_b.test", "*.a.test", "*", "*.*.a", "a.*", "a..b", "10.0.0.1", "a:80", "1", "", "xn--a.test", "a b", ".a"];
    let paths = ["", "x", "/a//b", "/a/../b", "/a/./b", "/a%2fb", "/a%2Fb", "//", "/a/", "/a/..", "/é"];
    let texts = |all: &[&str]| all.iter().map(|text| json!(text)).collect::<Vec<_>>();
    let edits = [
        each("spec/rules/0/host", &texts(&hosts)),
        each("spec/rules/0/http/paths/0/path", &texts(&paths)),
        each("spec/rules/0/http/paths/0/pathType", &[json!("prefix"), json!(""), json!("Exact"), json!(null)]),
        each("spec/rules/0/http/paths/0/backend", &[json!({}), backend(json!({})), backend(json!({"name": "web"})), json!(null)]),
        each("spec/rules/0/http/paths/0/backend", &[of("Web"), of("1web"), of("a.b"), of(&"a".repeat(64)), of("")]),
        each("spec/rules/0/http/paths/0/backend", &[named("HTTP"), named("a--b"), named("80"), named(&"a".repeat(16)), named("http-1")]),
        each(
            "spec/rules/0/http/paths/0/backend/service/port",
            &[json!({"number": 0}), json!({"number": 65536}), json!({"number": "80"}), json!({"number": 80, "name": "http"}), json!(80)],
        ),
        each("spec/rules/0/http/paths/0/pathtype", &[json!("Prefix")]),
        each("spec/rules/0/http/paths", &[json!([]), json!(null)]),
        each("spec/rules/0/http", &[json!({}), json!(null)]),
        each("spec/rules", &[json!([]), json!(null), json!([{}]), json!({})]),
        each("spec", &[json!({}), json!(null), json!("x")]),
        each("spec/tls", &[json!([{}]), json!([{"hosts": ["A.b"]}]), json!([{"hosts": [""]}]), json!([{"hosts": ["*.a.b"]}]), json!({})]),
        each("spec/tls", &[json!([{"secretName": "A_b"}]), json!([{"secretName": "a/b"}]), json!([{"hosts": ["a_b"]}])]),
        each("spec/defaultBackend", &[json!({}), of("web"), of("WEB")]),
        each("spec/ingressClassName", &[json!("A"), json!("a_b"), json!("a.b")]),
        each("spec/backend", &[json!({"serviceName": "a", "servicePort": 1})]),
    ];
    compare(World::shared(), &ingress(), &edits.concat());
}

#[test]
fn of_classes() {
    let parameters = |more: Value| {
        let mut all = json!({"apiGroup": "gatewright.dev", "kind": "GatewrightParameters", "name": "p"});
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    let (cluster, namespace) = (json!({"scope": "Cluster", "namespace": "x"}), json!({"scope": "Namespace", "namespace": "x"}));
    let texts = ["", "a", "a/b", "A/b", "a b/c", "a/b/c", "a.b/"].map(|text| json!(text));
    let edits = [
        each("spec/controller", &texts),
        each(
            "spec/parameters",
            &[parameters(json!({})), parameters(cluster), parameters(namespace), parameters(json!({"scope": "Namespace"}))],
        ),
        each("spec/parameters", &[parameters(json!({"scope": "cluster"})), parameters(json!({"name": ""})), parameters(json!({"x": 1}))]),
        each("spec", &[json!({}), json!(null)]),
        each("spec/unknown", &[json!(1)]),
    ];
    compare(World::shared(), &class(), &edits.concat());
}

#[test]
fn of_services_and_slices() {
    let service = object("Service", "v1", &json!({"spec": {"ports": [{"name": "a", "port": 80}]}}));
    let two = |one: Value, other: Value| json!([one, other]);
    let edits = [
        each("spec/ports", &[json!([]), json!(null), two(json!({"port": 80}), json!({"port": 81}))]),
        each("spec/ports", &[two(json!({"name": "a", "port": 80}), json!({"name": "a", "port": 81}))]),
        each("spec/ports", &[two(json!({"name": "a", "port": 80}), json!({"name": "b", "port": 80, "protocol": "UDP"}))]),
        each("spec/ports/0/port", &[json!(0), json!(70000), json!("80")]),
        each("spec/ports/0/targetPort", &[json!(0), json!("A"), json!("a".repeat(16)), json!("80")]),
        each("spec/ports/0/protocol", &[json!("http"), json!("UDP")]),
        each("spec/ports/0/nodePort", &[json!(30_001)]),
        each("spec/ports/0/appProtocol", &[json!("x y"), json!("kubernetes.io/h2c")]),
        each("spec/type", &[json!("clusterip"), json!("ExternalName"), json!("NodePort")]),
        each("spec/selector", &[json!({"a b": "x"}), json!({"a": "x y"}), json!({"a": "b"}), json!({"a": 1})]),
        each("spec/sessionAffinity", &[json!("x"), json!("ClientIP")]),
        each("metadata/name", &[json!("A"), json!("1a"), json!("a.b"), json!("a".repeat(64))]),
    ];
    compare(World::shared(), &service, &edits.concat());
    let slice = json!({"addressType": "IPv4", "ports": [{"name": "", "port": 80}], "endpoints": [{"addresses": ["10.0.0.1"]}]});
    let edits = [
        each("addressType", &[json!("IPv6"), json!("ipv4"), json!(null)]),
        each("endpoints/0/addresses", &[json!([]), json!(["x"]), json!(["127.0.0.1"]), json!(["169.254.1.1"]), json!(["010.0.0.1"])]),
        each("ports", &[json!([{"port": 80}, {"port": 81}]), json!([{"name": "A", "port": 80}]), json!([{"port": "80"}])]),
    ];
    compare(World::shared(), &object("EndpointSlice", "discovery.k8s.io/v1", &slice), &edits.concat());
}

#[test]
fn of_secrets_and_configmaps() {
    let edits = [
        each("data", &[json!({"a": "%%"}), json!({"a b": "YQ=="}), json!({"a": "Y Q=="}), json!({"a": 1}), json!({"..": "YQ=="})]),
        each("stringData", &[json!({"a": 1}), json!({"a b": "c"}), json!({"a": "b"})]),
        each(
            "type",
            &["tls", "basic-auth", "ssh-auth", "dockercfg", "dockerconfigjson"].map(|kind| json!(format!("kubernetes.io/{kind}"))),
        ),
        each("unknown", &[json!(1)]),
    ];
    compare(World::shared(), &object("Secret", "v1", &json!({"data": {"a": "YQ=="}})), &edits.concat());
    let edits = [
        each("data", &[json!({"a": 1}), json!({"a": true}), json!({"a b": "x"}), json!({"a": {"b": "c"}}), json!("x")]),
        each("binaryData", &[json!({"b": "%%"})]),
    ];
    compare(World::shared(), &object("ConfigMap", "v1", &json!({"data": {"a": "b"}})), &edits.concat());
}
