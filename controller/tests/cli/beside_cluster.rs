//! `diff` of a cluster and a folder, which holds no objects that only a cluster has.

use crate::inputs::{api_server, kubeconfig};
use crate::world::{Folder, secret};
use serde_json::{Value, json};

#[test]
fn the_same_objects_in_a_cluster_and_in_a_folder_make_no_difference() {
    let list = |kind: &str, items: &[Value]| {
        json!({"apiVersion": "v1", "kind": format!("{kind}List"), "metadata": {}, "items": items}).to_string()
    };
    let ingress = |name: &str, host: &str, class: &str, created: &str| {
        json!({"metadata": {"name": name, "namespace": "shop", "creationTimestamp": created,
                "annotations": {"nginx.ingress.kubernetes.io/auth-type": "basic", "nginx.ingress.kubernetes.io/auth-secret": "users"}},
            "spec": {"ingressClassName": class, "tls": [{"hosts": [host], "secretName": "pair"}],
                "rules": [{"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix",
                    "backend": {"service": {"name": "cart", "port": {"number": 80}}}}]}}]}})
    };
    let (first, second) = ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
    let ingresses =
        [ingress("a", "a.test", "own", second), ingress("z", "a.test", "own", first), ingress("foreign", "f.test", "other", first)];
    let spec = json!({"clusterIP": "10.7.7.7", "ports": [{"port": 80, "targetPort": 8080}]});
    let service = json!({"metadata": {"name": "cart", "namespace": "shop"}, "spec": spec});
    let slice = json!({"metadata": {"name": "cart", "namespace": "shop", "labels": {"kubernetes.io/service-name": "cart"}},
        "addressType": "IPv4", "ports": [{"port": 8080}], "endpoints": [{"addresses": ["10.1.0.1"]}]});
    let users = json!({"metadata": {"name": "users", "namespace": "shop"}, "apiVersion": "v1", "kind": "Secret",
        "data": {"auth": "YW5uYTokYXByMSR4eXokYWJjCg=="}});
    let pair: Value = serde_yaml::from_str(secret("pair", "a.test").trim_end_matches("---\n")).unwrap();
    let classes = ["own", "other"].map(|name| {
        json!({"metadata": {"name": name}, "spec": {"controller": if name == "own" { "gatewright.dev/ingress" } else { "x.test/y" }}})
    });
    let port = api_server(vec![
        ("/apis/networking.k8s.io/v1/ingresses", list("Ingress", &ingresses)),
        ("/apis/networking.k8s.io/v1/ingressclasses", list("IngressClass", &classes)),
        ("/api/v1/services", list("Service", &[service])),
        ("/apis/discovery.k8s.io/v1/endpointslices", list("EndpointSlice", &[slice])),
        ("/api/v1/secrets", list("Secret", &[])),
        ("/api/v1/namespaces/shop/secrets/users", users.to_string()),
        ("/api/v1/namespaces/shop/secrets/pair", pair.to_string()),
    ]);
    let folder = Folder::new(&[("kubeconfig", &kubeconfig(port))]);
    let write = |ingresses: &[Value]| {
        for mut ingress in ingresses.iter().cloned() {
            ingress["apiVersion"] = "networking.k8s.io/v1".into();
            ingress["kind"] = "Ingress".into();
            ingress["metadata"].as_object_mut().unwrap().remove("creationTimestamp");
            folder.write(&format!("deploy/{}.json", ingress["metadata"]["name"].as_str().unwrap()), ingress.to_string());
        }
    };
    write(&ingresses);
    let with = |arguments: &[&str]| folder.run(&[&["diff"], arguments, &["--routes-only", "--kubeconfig", "kubeconfig"]].concat());
    // A Service as people write it, and without one.
    for step in 0..2 {
        for arguments in [["cluster", "deploy"], ["deploy", "cluster"]] {
            let ran = with(&arguments);
            let same = "nothing changes\n\nnot compared: 1 Ingress of other classes; ";
            assert!(ran.code == 0 && ran.out.starts_with(same) && ran.out.lines().count() == 3, "{step}: {ran:?}");
            assert!(ran.err.contains("note: what deploy lacks is taken from the cluster: "), "{ran:?}");
        }
        folder.write(
            "deploy/s.yaml",
            "apiVersion: v1\nkind: Service\nmetadata: {name: cart, namespace: shop}\nspec: {ports: [{port: 80, targetPort: 8080}]}\n",
        );
    }
    write(&[ingress("new", "new.test", "own", first)]);
    let ran = with(&["cluster", "deploy"]);
    assert!(ran.code == 1 && ran.out.starts_with("+ host new.test: added"), "{ran:?}");
    assert!(ran.out.contains("new.test/*: added: Service shop/cart:80"), "{ran:?}");
}
