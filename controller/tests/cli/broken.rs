//! One value that is wrong: it is told where it stands, and costs itself.

use crate::world::{Folder, ingress, secret, service};

/// What `lint` says of a text, without notes: `CODE line: field: message`.
fn said(name: &str, text: &str) -> Vec<String> {
    let ran = Folder::new(&[(name, text)]).run(&["lint", "--format", "json", name]);
    let findings = ran.json()["diagnostics"].as_array().unwrap().clone();
    let of = |finding: &serde_json::Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    let line = |finding: &serde_json::Value| {
        format!("{} {}: {}: {}", of(finding, "code"), finding["place"]["line"], of(finding, "field"), of(finding, "message"))
    };
    findings.iter().filter(|finding| finding["severity"] != "note").map(line).collect()
}

#[test]
fn a_number_that_is_no_port_costs_its_own_path() {
    let with_port = |number: &str| {
        let broken = ingress("broken", "a.test", "/broken", "cart").replace("number: 80", &format!("number: {number}"));
        broken + "---\n" + &ingress("good", "a.test", "/good", "cart") + "---\n" + &service("cart")
    };
    let field = "spec.rules[0].http.paths[0].backend.service.port.number";
    let whole = "where a whole number belongs";
    for (number, message) in [
        ("1000000000000000000000000000000", "1e+30 is not a whole number that can stand here".to_owned()),
        ("1e400", format!("\"1e400\" is a text, {whole}")),
        ("1.5", "1.5 is not a whole number that can stand here".to_owned()),
        (".inf", format!("\"inf\" is a text, {whole}")),
    ] {
        assert_eq!(said("a.yaml", &with_port(number)), [format!("GW0002 11: {field}: {message}")], "{number}");
    }
    for (number, message) in [("-1", "-1"), ("70000", "70000")] {
        let told = said("a.yaml", &with_port(number));
        assert!(matches!(&told[..], [one] if one.contains(message) && one.contains("11: spec.rules[0].http.paths[0].backend")), "{told:?}");
    }
    let json = r#"{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"ports": [{"name": "a", "port": 1e400}, {"name": "b", "port": 80}]}}"#;
    assert_eq!(said("a.json", json), ["GW0002 1: spec.ports[0].port: \"1e400\" is a text, where a whole number belongs"]);
    let rendered = Folder::new(&[("a.yaml", &with_port("1e400"))]).run(&["render", "-f", "a.yaml"]);
    assert!(rendered.out.contains("location /good") && !rendered.out.contains("location /broken"), "{}", rendered.out);
}

#[test]
fn an_octal_port_is_the_one_that_kubectl_reads() {
    let with =
        |number: &str| ingress("front", "a.test", "/", "cart").replace("number: 80", &format!("number: {number}")) + &service("cart");
    let folder = Folder::new(&[("a.yaml", &with("0120"))]);
    let linted = folder.run(&["lint", "a.yaml"]);
    assert!(linted.code == 0 && linted.out.contains("warning[GW0803]: 0120 is 80 for kubectl"), "{linted:?}");
    assert!(folder.run(&["render", "-f", "a.yaml"]).out.contains("server 10.1.0.1:8080"), "port 80 of the Service");
    assert_eq!(said("a.yaml", &with("'0120'")).len(), 1, "a text is none");
}

#[test]
fn a_secret_that_cannot_be_read_is_there_all_the_same() {
    let with = |data: &str| {
        let tls = ingress("front", "a.test", "/", "cart").replace("spec:\n", "spec:\n  tls: [{hosts: [a.test], secretName: pair}]\n");
        let protected = ingress("closed", "b.test", "/", "cart").replace(
            "namespace: shop",
            "namespace: shop, annotations: {nginx.ingress.kubernetes.io/auth-type: basic, \
                nginx.ingress.kubernetes.io/auth-secret: pair}",
        );
        let secret = format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: pair, namespace: shop}}\n{data}\n");
        [tls, protected, service("cart"), secret].join("---\n")
    };
    for (data, own) in [
        ("data: {tls.crt: '***hunter2', auth: '***hunter2'}", "data[tls.crt]: the value is not base64"),
        ("data: {tls.crt: [hunter2], auth: 7}", "data[tls.crt]: a list stands where a text belongs"),
        ("data: hunter2", "data: a text stands where a mapping belongs"),
        ("stringData: {tls.crt: true, auth: [hunter2]}", "stringData[tls.crt]: a boolean stands where a text belongs"),
    ] {
        let told = said("a.yaml", &with(data));
        for part in [own, "Secret shop/pair cannot be used: its auth cannot be read"] {
            assert!(told.iter().any(|finding| finding.contains(part)), "{part}: {told:#?}");
        }
        assert!(told.iter().all(|finding| !finding.contains("holds no key pair")), "one fault is told once: {told:#?}");
        assert!(told.iter().all(|finding| !finding.contains("does not exist") && !finding.contains("hunter2")), "{told:#?}");
        let rendered = Folder::new(&[("a.yaml", &with(data))]).run(&["render", "-f", "a.yaml"]);
        assert!(!rendered.out.contains("auth_basic_user_file") && rendered.out.contains("return 503"), "it is closed: {}", rendered.out);
    }
    assert_eq!(said("a.yaml", &secret("pair", "a.test")), Vec::<String>::new());
}

#[test]
fn a_port_of_a_service_that_cannot_be_read_is_told_once() {
    let with = |ports: &str| {
        let service = format!("apiVersion: v1\nkind: Service\nmetadata: {{name: cart, namespace: shop}}\nspec: {{ports: [{ports}]}}\n");
        ingress("front", "a.test", "/", "cart") + "---\n" + &service
    };
    let own = "GW0002 17: spec.ports[0].port: 70000 is not a whole number that can stand here";
    for ports in ["{port: 70000}", "{name: web, port: 70000}, {name: other, port: 81}"] {
        assert_eq!(said("a.yaml", &with(ports)), [own], "{ports}");
    }
    let spec = |spec: &str| with("").replace("{ports: []}", spec);
    for (written, own) in [
        ("{type: 7, ports: [{port: 80}]}", "GW0002 17: spec.type: 7 is a number, where a text belongs"),
        ("{ports: {port: 80}}", "GW0002 17: spec.ports: a mapping stands where a list belongs"),
        ("{type: ExternalName, externalName: 7}", "GW0002 17: spec.externalName: 7 is a number, where a text belongs"),
    ] {
        assert_eq!(said("a.yaml", &spec(written)), [own], "{written}");
    }
    assert!(said("a.yaml", &with("{port: 81}"))[0].contains("Service shop/cart has no port 80 (it has: 81)"));
    let folder = Folder::new(&[("a.yaml", &with("{port: 70000}"))]);
    let explained = folder.run(&["explain", "-f", "a.yaml", "http://a.test/"]);
    assert!(explained.code == 1 && explained.out.contains("a.yaml:17:"), "{explained:?}");
}

#[test]
fn labels_and_annotations_of_other_kinds_cost_themselves() {
    let all = ingress("front", "a.test", "/", "cart") + &service("cart") + &secret("pair", "a.test");
    let tls = all.replace("spec:\n  rules", "spec:\n  tls: [{hosts: [a.test], secretName: pair}]\n  rules");
    let kinds = ["kind: Service\nmetadata: {", "kind: Secret\nmetadata: {"];
    for (begin, field, value) in kinds.into_iter().flat_map(|kind| [(kind, "labels", "x"), (kind, "annotations", "[a]")]) {
        let text = tls.replace(begin, &format!("{begin}{field}: {value}, "));
        let told = said("a.yaml", &text);
        assert!(matches!(&told[..], [one] if one.starts_with("GW0002") && one.contains(&format!("metadata.{field}: "))), "{told:#?}");
        let rendered = Folder::new(&[("a.yaml", &text)]).run(&["render", "-f", "a.yaml"]);
        assert!(rendered.out.contains("10.1.0.1:8080"), "{}", rendered.err);
    }
}

#[test]
fn a_word_of_a_service_or_slice_that_is_not_known_is_told() {
    let all = ingress("front", "a.test", "/", "cart") + &service("cart");
    for (text, own) in [
        (all.replace("spec: {ports: [{port: 80,", "spec: {type: clusterip, ports: [{port: 80,"), "spec.type: \"clusterip\" is not known"),
        (all.replace("ports: [{port: 80,", "ports: [{protocol: tcp, port: 80,"), "spec.ports[0].protocol: \"tcp\" is not known"),
        (
            all.replace("spec: {ports: [{port: 80,", "spec: {externalIPs: [x], ports: [{port: 80,"),
            "spec.externalIPs[0]: \"x\" is a text, where an IP address belongs",
        ),
        (
            all.replace("spec: {ports: [{port: 80,", "spec: {clusterIP: 10.9.8, ports: [{port: 80,"),
            "spec.clusterIP: \"10.9.8\" is a text, where an IP address belongs",
        ),
        (
            all.replace("ports: [{port: 8080}]", "ports: [{port: 8080}, {port: 8080, protocol: udp}]"),
            "ports[1].protocol: \"udp\" is not known",
        ),
        (all.replace("endpoints: [", "endpoints: [{addresses: null}, "), "endpoints[0]: it has no addresses"),
        (all.replace("endpoints: [", "endpoints: [{addresses: []}, "), "endpoints[0].addresses: the list is empty"),
        (all.replace("10.1.0.1]", "'up.test']}, {addresses: [10.1.0.1]"), "endpoints[0].addresses[0]: \"up.test\" is a text"),
        (all.replace("labels: {kubernetes.io/service-name: cart}", "labels: {}"), "it has no label kubernetes.io/service-name"),
    ] {
        // That the API server refuses it and that an endpoint is missed is told besides.
        let is_own = |finding: &String| !["GW0802", "GW0305"].iter().any(|other| finding.starts_with(other));
        let told: Vec<_> = said("a.yaml", &text).into_iter().filter(is_own).collect();
        assert!(matches!(&told[..], [one] if one.contains(own)), "{own}: {told:#?}");
    }
    let empty = all.replace("ports: [{port: 80,", "ports: [{protocol: '', port: 80,");
    assert_eq!(said("a.yaml", &empty), Vec::<String>::new(), "an empty one is the default, as for the API server");
}

#[test]
fn ports_of_another_protocol_are_told_apart() {
    let dns =
        "apiVersion: v1\nkind: Service\nmetadata: {name: dns, namespace: shop}\nspec: {ports: [{name: dns, port: 80, protocol: UDP}]}\n";
    let told = said("a.yaml", &(ingress("front", "a.test", "/", "dns") + "---\n" + dns));
    assert!(told.iter().any(|finding| finding.ends_with("Service shop/dns has no TCP port 80 (it has: 80/UDP (\"dns\"))")), "{told:?}");
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: udp, namespace: shop}\ndata: {'53': 'shop/cart:80'}\n";
    let ran = Folder::new(&[("a.yaml", &(map.to_owned() + "---\n" + &service("cart")))]).run(&[
        "render",
        "-f",
        "a.yaml",
        "--udp-services-configmap",
        "shop/udp",
    ]);
    assert!(ran.err.contains("Service shop/cart has no UDP port 80 (it has: 80"), "{}", ran.err);
}

#[test]
fn of_many_equal_findings_people_see_some_and_programs_all() {
    let paths: String = (0..5000)
        .map(|n| format!("      - {{path: /{n}, pathType: Prefix, backend: {{service: {{name: none, port: {{number: 80}}}}}}}}\n"))
        .collect();
    let text = format!(
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: many, namespace: shop}}\nspec:\n  rules:\n  - host: a.test\n    http:\n      paths:\n{paths}"
    );
    let folder = Folder::new(&[("a.yaml", &(text + "---\n" + &service("cart")))]);
    let render = folder.run(&["render", "-f", "a.yaml", "-o", "out"]);
    assert_eq!(render.err.matches("error[GW0303]").count(), 10, "{}", render.err);
    assert!(render.err.contains("\nand 4990 more of GW0303 in Ingress shop/many; lint --format json tells them all\n"), "{}", render.err);
    let lint = folder.run(&["lint", "a.yaml"]);
    assert!(lint.out.contains("and 4990 more of GW0303 in Ingress shop/many") && lint.out.contains("5000 errors"), "{}", lint.out);
    let json = folder.run(&["lint", "a.yaml", "--format", "json"]).json();
    let all = json["diagnostics"].as_array().unwrap();
    assert_eq!(all.iter().filter(|finding| finding["code"] == "GW0303").count(), 5000);
}

#[test]
fn a_name_that_is_no_text_is_told() {
    use std::os::unix::ffi::OsStrExt;
    let folder = Folder::new(&[]);
    let mut command = folder.command(&["lint"]);
    let output = command.arg(std::ffi::OsStr::from_bytes(b"bad\xff.yaml")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && said.starts_with("error: \"bad\u{fffd}.yaml\" is not UTF-8 text"), "{output:?}");
}

#[test]
fn help_that_cannot_be_written_is_no_success() {
    let folder = Folder::new(&[]);
    for arguments in [
        &["lint", "--help"][..],
        &["--version"],
        &["version"],
        &["crds"],
        &["rbac"],
        &["annotations"],
        &["admission-policy"],
        &["completions", "bash"],
        &["man"],
        &["lint", "--explain", "GW0001"],
    ] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = folder.command(arguments).stdout(full).output().unwrap();
        assert!(output.status.code() == Some(2) && !output.stderr.is_empty(), "{output:?}");
        assert_eq!(folder.run(arguments).code, 0);
    }
}

#[test]
fn labels_and_tls_sections_of_another_type_cost_themselves() {
    let with = |spec: &str| {
        let text = ingress("front", "a.test", "/", "cart").replace("namespace: shop}", "namespace: shop, labels: 5}");
        text.replace("spec:\n", &format!("spec:\n  {spec}\n")) + &service("cart") + &secret("pair", "a.test")
    };
    let labels = "GW0002 3: metadata.labels: 5 is a number, where a mapping belongs";
    let list = "stands where a list belongs";
    for (tls, field) in [
        ("tls: a.test", "spec.tls: \"a.test\" is a text, where a list belongs".to_owned()),
        ("tls: {hosts: [a.test]}", format!("spec.tls: a mapping {list}")),
        ("tls: [a.test]", "spec.tls[0]: \"a.test\" is a text, where a mapping belongs".to_owned()),
        ("tls: [{hosts: {a: b}, secretName: other}]", format!("spec.tls[0].hosts: a mapping {list}")),
    ] {
        let text = with(tls);
        let missing = tls.contains("other").then(|| "GW0402 5: spec.tls[0].secretName: Secret shop/other does not exist".to_owned());
        let expected: Vec<_> = [labels.to_owned(), format!("GW0002 5: {field}")].into_iter().chain(missing).collect();
        assert_eq!(said("a.yaml", &text), expected, "{tls}");
        let ran = Folder::new(&[("a.yaml", &text)]).run(&["explain", "http://a.test/", "-f", "a.yaml"]);
        assert!(ran.out.contains("a redirect to the https URL"), "it is not served without TLS: {tls}: {ran:?}");
    }
    let named = Folder::new(&[("a.yaml", &with("tls: [{hosts: a.test, secretName: pair}]"))]);
    let ran = named.run(&["explain", "https://a.test/", "-f", "a.yaml"]);
    assert!(ran.code == 0 && ran.out.contains("Secret shop/pair"), "{ran:?}");
    let annotations = with("tls: []").replace("labels: 5", "annotations: [limit-rps]");
    let ran = Folder::new(&[("a.yaml", &annotations)]).run(&["explain", "http://a.test/", "-f", "a.yaml"]);
    assert_eq!(ran.code, 1, "a protection may be lost: {ran:?}");
}

#[test]
fn parameters_that_cannot_be_read_close_their_class() {
    let class = |parameters: &str| {
        "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: own}\nspec:\n  controller: gatewright.dev/ingress\n  parameters: "
            .to_owned()
            + parameters
            + "\n---\n"
            + &ingress("front", "a.test", "/", "cart").replace("spec:\n", "spec:\n  ingressClassName: own\n")
            + &service("cart")
    };
    let named = |kind: &str, group: &str| format!("{{apiGroup: '{group}', kind: {kind}, name: p, scope: Namespace, namespace: shop}}");
    let own = "apiVersion: gatewright.dev/v1alpha1\nkind: GatewrightParameters\nmetadata: {name: p, namespace: shop}\nspec: ";
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: p, namespace: shop}\ndata: ";
    for (text, finding) in [
        (class("foo"), "6: spec.parameters: \"foo\" is a text, where a mapping belongs"),
        (class("{kind: ConfigMap, name: 7}"), "6: spec.parameters.name: 7 is a number, where a text belongs"),
        (
            class(&named("GatewrightParameters", "gatewright.dev")) + own + "{settings: [ssl-redirect]}\n",
            "36: spec.settings: a list stands where a mapping belongs",
        ),
        (class(&named("GatewrightParameters", "gatewright.dev")) + own + "[]\n", "36: spec: a list stands where a mapping belongs"),
        (class(&named("ConfigMap", "")) + map + "[]\n", "36: data: a list stands where a mapping belongs"),
    ] {
        assert_eq!(said("a.yaml", &text), [format!("GW0002 {finding}")], "{text}");
        assert_closed(&text, &[]);
    }
}

/// Lint tells in one error that routes answer 503, and so they do.
fn assert_closed(text: &str, flags: &[&str]) {
    let folder = Folder::new(&[("a.yaml", text)]);
    let linted = folder.run(&[&["lint", "a.yaml"], flags].concat());
    assert!(linted.out.matches("error[").count() == 1 && linted.out.contains("(route answers 503)"), "{text}: {linted:?}");
    let rendered = folder.run(&[&["render", "-f", "a.yaml"], flags].concat());
    assert!(rendered.out.contains("return 503;") && !rendered.out.contains("proxy_pass http"), "{text}: {}", rendered.out);
    let explained = folder.run(&[&["explain", "http://a.test/", "-f", "a.yaml"], flags].concat());
    assert_eq!(explained.code, 1, "{explained:?}");
}

#[test]
fn settings_that_cannot_be_read_close_every_route() {
    for data in [
        "data: x",
        "data: ['whitelist-source-range: 10.0.0.0/8']",
        "binaryData: 'whitelist-source-range: MTAuMC4wLjAvOA=='",
        "binaryData: {whitelist-source-range: MTAuMC4wLjAvOA==}",
    ] {
        let map = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: m, namespace: shop}}\n{data}\n");
        assert_closed(&(ingress("front", "a.test", "/", "cart") + &service("cart") + &map), &["--configmap", "shop/m"]);
    }
    let streams = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m, namespace: shop}\ndata: x\n";
    let told = Folder::new(&[("a.yaml", streams)]).run(&["lint", "a.yaml", "--tcp-services-configmap", "shop/m"]);
    assert!(told.out.contains("data (port stays closed)") && told.out.contains("1 error, "), "{told:?}");
    let harmless = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m, namespace: shop}\nbinaryData: {keep-alive: NzU=}\n";
    let folder = Folder::new(&[("a.yaml", &(ingress("front", "a.test", "/", "cart") + &service("cart") + harmless))]);
    assert!(folder.run(&["render", "-f", "a.yaml", "--configmap", "shop/m"]).out.contains("proxy_pass http"));
}

#[test]
fn a_class_that_cannot_be_read_is_one_all_the_same() {
    let front = ingress("front", "a.test", "/", "cart").replace("spec:\n", "spec:\n  ingressClassName: own\n");
    for spec in ["[]", "{controller: 7}", "{controller: [], parameters: {kind: GatewrightParameters, name: p}}"] {
        let class = format!("apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {{name: own}}\nspec: {spec}\n---\n");
        let folder = Folder::new(&[("a.yaml", &(class + &front + &service("cart")))]);
        let linted = folder.run(&["lint", "a.yaml"]);
        let told =
            ["error[", "(object left out)", "class \"own\" is not one that is served here"].map(|part| linted.out.matches(part).count());
        assert_eq!((told[0], told[2]), (1, 1), "{spec}: {linted:?}");
        assert!(told[1] >= 1, "{spec}: {linted:?}");
        let rendered = folder.run(&["render", "-f", "a.yaml"]);
        assert!(!rendered.out.contains("a.test"), "its parameters may keep somebody out: {}", rendered.out);
    }
}

#[test]
fn a_config_map_that_cannot_be_read_is_not_told_as_missing() {
    let key = "nginx.ingress.kubernetes.io/custom-headers";
    let named = format!("namespace: shop, annotations: {{{key}: shop/m}}}}");
    let text = ingress("front", "a.test", "/", "cart").replace("namespace: shop}", &named) + &service("cart");
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m, namespace: shop}\ndata: 5\n";
    let folder = Folder::new(&[("a.yaml", &(text.clone() + map))]);
    let told = said("a.yaml", &(text + map));
    assert_eq!(
        told,
        [
            format!("GW0508 3: metadata.annotations[{key}]: custom-headers: ConfigMap shop/m cannot be read"),
            "GW0002 28: data: 5 is a number, where a mapping belongs".to_owned()
        ]
    );
    assert_eq!(folder.run(&["explain", "http://a.test/", "-f", "a.yaml"]).code, 1, "it may hold headers that protect");
}

#[test]
fn a_kind_that_is_nearly_one_of_ours_is_told_where_it_stands() {
    for (written, line, field, help) in [
        ("apiVersion: networking.k8s.io/v1\nkind: Ingres", 2, "kind: kind \"Ingres\"", "kind: Ingress"),
        ("apiVersion: networking.k8s.io/v1\nkind: ingress", 2, "kind: kind \"ingress\"", "kind: Ingress"),
        ("apiVersion: v1\nkind: Ingress", 1, "apiVersion: apiVersion \"v1\"", "apiVersion: networking.k8s.io/v1"),
        (
            "apiVersion: networking.k8s.io/v1beta2\nkind: Ingress",
            1,
            "apiVersion: apiVersion \"networking.k8s.io/v1beta2\"",
            "apiVersion: networking.k8s.io/v1",
        ),
        ("apiVersion: v1\nkind: Sevice", 2, "kind: kind \"Sevice\"", "kind: Service"),
        ("apiVersion: networking.k8s.oi/v1\nkind: Ingress", 1, "apiVersion: apiVersion \"networking.k8s.oi/v1\"", "k8s.io/v1"),
    ] {
        let text = format!("{written}\nmetadata: {{name: a, namespace: shop}}\n");
        assert_eq!(said("a.yaml", &text), [format!("GW0002 {line}: {field} is not known")], "{text}");
        let ran = Folder::new(&[("a.yaml", &text)]).run(&["lint", "a.yaml"]);
        assert!(ran.out.contains(help) && ran.out.contains("shop/a"), "{}", ran.out);
    }
    for others in [
        "apiVersion: apps/v1\nkind: Deployment",
        "apiVersion: v1\nkind: ServiceAccount",
        "apiVersion: serving.knative.dev/v1\nkind: Service",
        "apiVersion: a.test/v1\nkind: Ingresss",
    ] {
        assert_eq!(said("a.yaml", &format!("{others}\nmetadata: {{name: a}}\n")), [""; 0], "{others}");
    }
}

#[test]
fn objects_that_flags_name_and_that_are_not_there_are_told() {
    let text = ingress("front", "a.test", "/", "cart") + &service("cart");
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other, namespace: shop}\n";
    let flags = [
        "--configmap=shop/none",
        "--tcp-services-configmap=shop/tcp",
        "--udp-services-configmap=shop/udp",
        "--default-backend-service=shop/none",
    ];
    let ran = |text: &str, flags: &[&str]| {
        let ran = Folder::new(&[("in.yaml", text)]).run(&[&["lint", "in.yaml", "--format", "json"], flags].concat());
        let told = ran.json()["diagnostics"].as_array().unwrap().clone();
        let one = |finding: &serde_json::Value| {
            let part = |key: &str| finding[key].as_str().unwrap().to_owned();
            format!("{} {}: {}", part("code"), part("severity"), part("message"))
        };
        told.iter().map(one).filter(|one| one.contains("--")).collect::<Vec<_>>()
    };
    assert_eq!(
        ran(&(text.clone() + map), &flags),
        [
            "GW0303 warning: the Service of --default-backend-service does not exist; 404 is answered instead",
            "GW0508 warning: the ConfigMap of --configmap does not exist; every setting has its default",
            "GW0508 warning: the ConfigMap of --tcp-services-configmap does not exist; nothing listens on TCP ports of it",
            "GW0508 warning: the ConfigMap of --udp-services-configmap does not exist; nothing listens on UDP ports of it",
        ]
    );
    let notes = ran(&text, &flags[..1]);
    assert_eq!(notes, ["GW0508 note: the ConfigMap of --configmap does not exist; every setting has its default"]);
    assert_eq!(ran(&(text + map), &["--configmap=shop/other"]), [""; 0]);
}

#[test]
fn all_mistakes_of_an_object_that_cannot_be_read_are_told() {
    let text =
        ingress("front", "a.test", "/", "cart").replace("spec:\n  rules:", "spec:\n  tls: a\n  ingressClassName: 5\n  rules: b\n  other:");
    let told = said("a.yaml", &text);
    for part in ["5: spec.tls: ", "6: spec.ingressClassName: ", "7: spec.rules: "] {
        assert!(told.iter().any(|finding| finding.starts_with(&format!("GW0002 {part}"))), "{part}: {told:#?}");
    }
    let ran = Folder::new(&[("a.yaml", &text.replace("kind:", "Kind:"))]).run(&["lint", "a.yaml"]);
    assert!(ran.code == 1 && ran.out.contains("help: write kind in place of \"Kind\""), "{}", ran.out);
}

#[test]
fn who_breaks_the_blocks_of_others_on_a_host_is_set_aside_and_nobody_else() {
    let answers = "{% for answer in route.answers %}{% if answer.status == 418 %}\n        no_such_thing on;{% endif %}{% endfor %}";
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config, namespace: shop}\n\
        data: {allow-snippet-annotations: 'true', annotations-risk-level: Critical}\n---\n";
    let evil = ingress("evil", "a.test", "/evil", "cart").replace(
        "namespace: shop",
        "namespace: shop, annotations: {nginx.ingress.kubernetes.io/server-snippet: 'if ($http_x) { return 418; }'}",
    );
    let [first, second, other] =
        [("a.test", "/first"), ("a.test", "/second"), ("b.test", "/other")].map(|(host, path)| ingress(&path[1..], host, path, "cart"));
    for ingresses in [[&first, &evil, &second, &other].map(String::as_str), [&evil, &first, &second, &other].map(String::as_str)] {
        let text = config.to_owned() + &ingresses.concat() + &service("cart");
        let folder = Folder::new(&[("in/a.yaml", &text), ("t/route/answers.tera", answers)]);
        let ran = folder.run(&["render", "-f", "in", "--templates", "t", "--configmap", "shop/config"]);
        let is_served = |path: &str| ran.out.contains(&format!("location {path}"));
        assert_eq!(["/first", "/second", "/other", "/evil"].map(is_served), [true, true, true, false], "{ran:?}");
        let refused = ran.err.matches("no template says the directive").count();
        assert!(refused == 1 && ran.err.contains("in Ingress shop/evil (object left out)"), "{}", ran.err);
    }
}

#[test]
fn a_template_that_breaks_everything_is_named_and_no_ingress_is() {
    let text = ingress("first", "a.test", "/", "cart") + &ingress("second", "b.test", "/", "cart") + &service("cart");
    for (name, template, place) in [
        ("log.tera", "load_module /x.so;\n", "log.tera:1:1: nginx.conf:"),
        ("log.tera", "}\n", "log.tera:1:1: nginx.conf:"),
        ("log.tera", "\n  {{ nosuch }}\n", "log.tera:2:6: "),
        ("upstream.tera", "\n        no_such_thing on;\n", "upstream.tera:2:9: nginx.conf:"),
    ] {
        let folder = Folder::new(&[("in.yaml", &text), (&format!("t/{name}"), template)]);
        let ran = folder.run(&["render", "-f", "in.yaml", "--templates", "t"]);
        assert_eq!(ran.code, 2, "{template}: {ran:?}");
        let said = format!("error: the templates cannot be used: {place}");
        assert!(ran.err.lines().any(|line| line.starts_with(&said)) && !ran.err.contains("object left out"), "{template}: {}", ran.err);
    }
}
