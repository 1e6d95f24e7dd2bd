//! What commands tell programs is what the schemas in `docs/schemas` say.

use crate::world::{Folder, assert_valid, ingress, of_repository, refused, secret, service};
use serde_json::{Value, json};

fn explained(text: &str, url: &str, flags: &[&str]) -> Value {
    let folder = Folder::new(&[("in.yaml", text)]);
    let told = folder.run(&[&["explain", url, "-f", "in.yaml", "--format", "json"], flags].concat()).json();
    assert_valid(&told, &of_repository("docs/schemas/explain.schema.json"));
    told
}

fn with(annotations: &str) -> String {
    let named: String = annotations.split(", ").map(|one| format!("nginx.ingress.kubernetes.io/{one}, ")).collect();
    let named = named.trim_end_matches(", ");
    ingress("front", "a.test", "/", "cart").replace("namespace: shop}", &format!("namespace: shop, annotations: {{{named}}}}}"))
}

const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: x}\ndata: {allow-snippet-annotations: \"true\", \
    annotations-risk-level: Critical}\n---\n";

#[test]
fn what_explain_tells_is_what_its_schema_says() {
    let plain = ingress("front", "a.test", "/", "cart") + &service("cart");
    let own = explained(&plain, "http://a.test/x?y", &[]);
    assert!(own["place"] == "in.yaml:1:1" && own["explanation"]["backend"]["endpoints"][0] == "10.1.0.1:8080", "{own:#}");
    assert_eq!(explained(&plain, "http://a.test/x", &["--proxy", "haproxy"])["explanation"]["status"], Value::Null);
    for (url, status) in [("http://b.test/", 404), ("http://b.test/healthz", 200), ("http://b.test/nginx_status", 200)] {
        assert_eq!(explained(&plain, url, &[])["explanation"]["status"], status, "{url}");
    }
    assert_eq!(explained(&ingress("front", "a.test", "/", "gone"), "http://a.test/", &[])["explanation"]["status"], 503);
    let exact = explained(&(plain.replace("Prefix", "Exact") + &plain.replace("front", "rear")), "http://a.test/", &[]);
    assert_eq!(exact["explanation"]["routes"][0]["path"], "/");

    let tls = plain.replace("spec:\n", "spec:\n  tls: [{hosts: [a.test], secretName: pair}]\n") + &secret("pair", "a.test");
    assert_eq!(explained(&tls, "http://a.test/", &[])["explanation"]["https_redirect"], true);
    assert!(explained(&tls, "https://a.test/", &[])["explanation"]["certificate"].is_string());
    let passed = explained(&(with("ssl-passthrough: 'true'") + &service("cart")), "https://a.test/", &["--enable-ssl-passthrough"]);
    assert_eq!(passed["explanation"]["passed_on"], json!(["10.1.0.1:8080"]));

    let of = |annotations: &str| explained(&(with(annotations) + &service("cart") + CONFIG), "http://a.test/", &["--configmap", "x/c"]);
    assert_eq!(of("app-root: /shop")["explanation"]["app_root"], "/shop");
    assert_eq!(of("permanent-redirect: 'https://b.test'")["explanation"]["redirect"], true);
    assert_eq!(of("configuration-snippet: 'return 403;'")["explanation"]["early"][0], json!({"status": 403, "depends": false}));
    let expression = of("use-regex: 'true', proxy-read-timeout: soon");
    assert!(expression["explanation"]["routes"][0]["path"].as_str().unwrap().starts_with('~'), "{expression:#}");
    assert!(expression["annotations"]["use-regex"] == "true" && expression["findings"].to_string().contains("GW0501"), "{expression:#}");

    let canary = with("canary: 'true', canary-weight: '10'").replace("front", "canary").replace("cart", "new");
    assert!(explained(&(plain.clone() + &canary + &service("new")), "http://a.test/", &[])["explanation"]["canary"].is_string());
    let skipped = plain.clone() + &ingress("rear", "a.test", "/a b", "cart");
    assert_eq!(explained(&skipped, "http://a.test/", &[])["left_out"].as_array().unwrap().len(), 1);
    explained("", "http://[::1]/", &[]);
}

#[test]
fn what_annotations_tells_is_what_its_schema_says() {
    let folder = Folder::new(&[]);
    let schema = of_repository("docs/schemas/annotations.schema.json");
    for (names, count) in [(&[][..], 138), (&["ssl-redirect", "enable-modsecurity"], 2), (&["no-such"], 0)] {
        let told = folder.run(&[&["annotations", "--format", "json"], names].concat()).json();
        assert_valid(&told, &schema);
        assert_eq!(told["annotations"].as_array().unwrap().len(), count, "{names:?}");
    }
}

#[test]
fn what_is_not_as_a_schema_says_is_refused() {
    let explained = explained(&(ingress("front", "a.test", "/", "cart") + &service("cart")), "http://a.test/", &[]);
    let annotations = Folder::new(&[]).run(&["annotations", "ssl-redirect", "--format", "json"]).json();
    for (document, name, part, wrong) in [
        (&explained, "explain", "/version", json!(2)),
        (&explained, "explain", "/explanation/path", json!("x")),
        (&explained, "explain", "/explanation/routes/0/origin", json!("Ingress shop/front")),
        (&explained, "explain", "/explanation/status", json!("404")),
        (&explained, "explain", "/explanation/backend", json!({"name": "a"})),
        (&explained, "explain", "/annotations", json!({"a": 1})),
        (&annotations, "annotations", "/annotations/0/scope", json!("Route")),
        (&annotations, "annotations", "/annotations/0/proxies", json!({"nginx": {"verdict": "same", "how": ""}})),
        (&annotations, "annotations", "/annotations/0/proxies/haproxy/verdict", json!("perhaps")),
    ] {
        let mut document = document.clone();
        *document.pointer_mut(part).unwrap() = wrong;
        assert!(refused(&document, &of_repository(&format!("docs/schemas/{name}.schema.json"))).is_some(), "{name} {part}");
    }
    // Every field that is told is described, and every one that is described is told.
    for (document, name, part) in
        [(&explained, "explain", "/explanation"), (&explained, "explain", ""), (&annotations, "annotations", "/annotations/0")]
    {
        for field in document.pointer(part).unwrap().as_object().unwrap().keys() {
            let mut without = document.clone();
            without.pointer_mut(part).unwrap().as_object_mut().unwrap().remove(field);
            let error = refused(&without, &of_repository(&format!("docs/schemas/{name}.schema.json")));
            assert!(error.is_some() || field == "feature", "{name}: {part}/{field} is not missed");
        }
    }
}
