//! Objects that are left out for their names: what else is wrong with them is told in the same run.

use crate::world::{Folder, Ran, ingress, service};

/// An Ingress with a name that is none, and a mistake of each kind: in its fields, its types and its meaning.
const FRONT: &str = "apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: Shop_Front
  namespace: shop
  annotations:
    nginx.ingress.kubernetes.io/proxy-read-timeout: \"60 seconds\"
spec:
  ruls: []
  rules:
  - host: A_B.test
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: cart, port: {number: eighty}}}}]}
  - host: b.test
    http: {paths: [{path: no-slash, pathType: Prefix, backend: {service: {name: cart, port: {number: 80}}}}]}
  - host: c.test
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: gone, port: {number: 80}}}}]}
---
";

fn linted(text: &str) -> Ran {
    Folder::new(&[("a.yaml", text)]).run(&["lint", "a.yaml", "--format", "json"])
}

/// `CODE line field` of everything that is said, without notes.
fn said(ran: &Ran) -> Vec<String> {
    let list = ran.json()["diagnostics"].as_array().unwrap().clone();
    let serious = list.iter().filter(|one| one["severity"] != "note");
    serious.map(|one| format!("{} {} {}", one["code"].as_str().unwrap(), one["place"]["line"], one["field"].as_str().unwrap())).collect()
}

#[test]
fn all_that_is_wrong_with_an_object_without_a_usable_name_is_told_in_its_place() {
    let text = FRONT.to_owned() + &service("cart");
    let told = said(&linted(&text));
    assert_eq!(
        told,
        [
            "GW0002 4 metadata.name",
            "GW0501 7 metadata.annotations[nginx.ingress.kubernetes.io/proxy-read-timeout]",
            "GW0801 9 spec.ruls",
            "GW0201 11 spec.rules[0].host",
            "GW0002 12 spec.rules[0].http.paths[0].backend.service.port.number",
            "GW0202 14 spec.rules[1].http.paths[0].path",
            "GW0303 16 spec.rules[2].http.paths[0].backend",
        ]
    );
    let of_others = service("cart") + "---\n" + &FRONT.replace("  ruls: []\n  rules:", "  tls: []\n  ruls:");
    let all = linted(&of_others).json()["diagnostics"].as_array().unwrap().clone();
    let of_spec = all.iter().filter(|one| one["field"] == "spec").map(|one| one["outcome"].as_str().unwrap()).collect::<Vec<_>>();
    assert!(!of_spec.is_empty() && of_spec.iter().all(|outcome| *outcome == "skipped-object"), "nothing of it is served: {all:?}");
    for (name, field) in [
        ("name: front\n  namespace: Shop", "GW0002 5 metadata.namespace"),
        ("generateName: front-\n  namespace: shop", "GW0002 3 metadata"),
        ("name: 5\n  namespace: shop", "GW0002 4 metadata.name"),
    ] {
        let told = said(&linted(&text.replace("name: Shop_Front\n  namespace: shop", name)));
        assert!(told.contains(&field.to_owned()), "{name}: {told:#?}");
        for rest in ["GW0501 7 ", "GW0801 9 ", "GW0201 11 ", "GW0002 12 ", "GW0202 14 "] {
            assert_eq!(told.iter().filter(|one| one.starts_with(rest)).count(), 1, "{name}: {rest} in {told:#?}");
        }
    }
}

#[test]
fn objects_of_other_kinds_are_looked_at_without_their_names_too() {
    let text = "apiVersion: v1\nkind: Service\nmetadata: {name: A_b}\nspec:\n  ports: [{port: 70000}]\n---\n\
                apiVersion: networking.k8s.io/v1beta1\nkind: IngressClass\nmetadata: {name: A_b}\nspec: {controller: 5}\n";
    let told = said(&linted(text));
    for one in ["GW0002 3 metadata.name", "GW0002 5 spec.ports[0].port", "GW0004 7 apiVersion", "GW0002 10 spec.controller"] {
        assert_eq!(told.iter().filter(|told| *told == one).count(), 1, "{one} in {told:#?}");
    }
}

#[test]
fn an_object_without_a_usable_name_takes_nothing_from_others_and_is_served_nowhere() {
    // The names that stand in for these are those of each other and of one that is there; hosts and paths are the same.
    let named = ingress("shop-front", "a.test", "/", "cart") + &service("cart");
    let unnamed = ingress("Shop_Front", "a.test", "/", "cart") + &ingress("SHOP_front", "a.test", "/", "cart");
    let folder = Folder::new(&[("a.yaml", &(unnamed + &named))]);
    let linted = folder.run(&["lint", "a.yaml", "--format", "json"]);
    let list = linted.json()["diagnostics"].as_array().unwrap().clone();
    let told = |code: &str| list.iter().filter(|one| one["code"] == code).collect::<Vec<_>>();
    assert_eq!((told("GW0002").len(), told("GW0203").len()), (2, 2), "{linted:?}");
    for finding in told("GW0203") {
        let message = finding["message"].as_str().unwrap();
        assert!(finding["object"].is_null() && message.contains("Ingress shop/shop-front"), "{finding}");
        assert_eq!(finding["outcome"], told("GW0002")[0]["outcome"], "{finding}");
    }
    for arguments in [&["render", "-f", "a.yaml"][..], &["diff", "a.yaml", "a.yaml"]] {
        let ran = folder.run(arguments);
        assert!(!ran.out.contains("GW0203") && !ran.err.contains("GW0203"), "{ran:?}");
    }
    let alone = Folder::new(&[("a.yaml", &(FRONT.to_owned() + &service("cart")))]);
    let rendered = alone.run(&["render", "-f", "a.yaml"]);
    assert!(rendered.code == 1 && !rendered.out.contains("server_name b.test;") && rendered.err.contains("Shop_Front"), "{rendered:?}");
}

#[test]
fn of_many_with_the_same_bad_name_each_is_told_in_its_place() {
    const MANY: usize = 2000;
    let text: String = (0..MANY).map(|n| ingress("A_B", &format!("h{n}.test"), "bad", "cart")).collect();
    let ran = Folder::new(&[]).run_with(&["lint", "-", "--format", "json"], text.as_bytes());
    let list = ran.json()["diagnostics"].as_array().unwrap().clone();
    let bad = list.iter().filter(|one| one["code"] == "GW0202");
    let lines: std::collections::BTreeSet<_> = bad.map(|one| one["place"]["line"].as_u64()).collect();
    assert_eq!(lines.len(), MANY);
}
