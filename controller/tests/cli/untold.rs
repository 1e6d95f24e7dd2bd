//! What is in no answer, or is not as somebody may think, is told by every command that leaves it out.

use crate::world::{Folder, ingress, service};

const OWN: &str =
    "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: gatewright}\nspec: {controller: gatewright.dev/ingress}\n---\n";

fn of_class(class: &str) -> String {
    ingress("front", "a.test", "/", "cart").replace("spec:\n", &format!("spec:\n  ingressClassName: {class}\n")) + OWN + &service("cart")
}

#[test]
fn the_class_that_may_be_meant_is_named() {
    let said = |text: &str, flags: &[&str]| {
        let ran = Folder::new(&[("in.yaml", text)]).run(&[&["lint", "in.yaml", "--format", "json"], flags].concat());
        let told = ran.json()["diagnostics"].as_array().unwrap().clone();
        let part = |finding: &serde_json::Value, key: &str| finding[key].as_str().unwrap().to_owned();
        let of_class = told.iter().filter(|finding| finding["code"] == "GW0805");
        of_class.map(|finding| format!("{}: {}", part(finding, "severity"), part(finding, "help"))).collect::<Vec<_>>()
    };
    let misspelt = of_class("gatewrigth");
    assert_eq!(said(&misspelt, &[]), ["warning: gatewright may be meant"]);
    let annotated = ingress("front", "a.test", "/", "cart")
        .replace("namespace: shop}", "namespace: shop, annotations: {kubernetes.io/ingress.class: Gatewright}}");
    assert_eq!(said(&(annotated + &OWN.replace("name: gatewright", "name: other")), &[]), ["warning: gatewright may be meant"]);
    let unlike = ["note: name an IngressClass of this controller, or give --ingress-class or --controller-class"];
    assert_eq!(said(&of_class("nginx"), &[]), unlike);
    let foreign = OWN.replace("name: gatewright", "name: gatewrigth").replace("gatewright.dev/ingress", "example.com/other");
    assert_eq!(said(&(misspelt + &foreign), &[]), unlike, "there is such a class");
}
