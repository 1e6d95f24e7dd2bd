//! What `lint` says of objects that nobody here serves: Ingresses of other classes, and parameters that no class names.

use crate::world::{Folder, ingress, service};

#[test]
fn an_endpoint_that_is_refused_is_told_once() {
    let told = |addresses: &str, flags: &[&str]| {
        let text = ingress("front", "a.test", "/", "cart")
            + &service("cart").replace("endpoints: [{addresses: [10.1.0.1]}]", &format!("endpoints: [{addresses}]"));
        let ran = Folder::new(&[("in.yaml", &text)]).run(&[&["lint", "in.yaml", "--format", "json"], flags].concat());
        let findings = ran.json()["diagnostics"].as_array().unwrap().clone();
        let errors = findings.iter().filter(|finding| finding["severity"] == "error");
        errors.map(|finding| format!("{} {}", finding["code"].as_str().unwrap(), finding["outcome"].as_str().unwrap())).collect::<Vec<_>>()
    };
    assert_eq!(told("{addresses: [127.0.0.1]}", &[]), ["GW0802 closed-route"]);
    assert_eq!(told("{addresses: [127.0.0.1]}, {addresses: [10.1.0.1]}", &[]), ["GW0802 skipped-entry"]);
    assert_eq!(told("{addresses: [127.0.0.1]}", &["--allow-loopback-endpoints"]), ["GW0802 served"]);
    assert_eq!(told("{addresses: [127.0.0.1]}", &["--allow", "GW0802"]), ["GW0308 closed-route"]);
    assert_eq!(told("{addresses: [255.255.255.255]}", &[]), ["GW0308 closed-route"], "the API server takes it");
}
