//! `render`: a tree or a stream, exit codes, and keys that stay where they are.

use crate::world::{Folder, ingress, secret, service};
use std::process::Stdio;

fn with_tls() -> String {
    let tls = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: tls, namespace: shop}\nspec:\n  tls: [{hosts: [a.test], \
        secretName: pair}]\n  rules: [{host: a.test}]\n---\n";
    ingress("front", "a.test", "/", "cart") + tls + &service("cart") + &secret("pair", "a.test")
}

#[test]
fn tree_and_stream_hold_the_same_files() {
    let folder = Folder::new(&[("in.yaml", &with_tls())]);
    let stream = folder.run(&["render", "-f", "in.yaml"]);
    let tree = folder.run(&["render", "-f", "in.yaml", "-o", "out"]);
    assert_eq!((stream.code, tree.code, tree.out.as_str()), (0, 0, ""), "{stream:?}");
    let mut joined = String::new();
    for (path, bytes) in folder.files("out") {
        joined.push_str(&format!("### {path}\n{}", String::from_utf8(bytes).unwrap()));
    }
    assert_eq!(joined, stream.out);
    assert!(stream.out.contains("### nginx.conf\n"));
    let again = folder.run(&["render", "-f", "in.yaml"]);
    assert_eq!(again.out, stream.out, "the same input gives the same bytes");
}

#[test]
fn private_keys_leave_only_when_asked_for() {
    let folder = Folder::new(&[("in.yaml", &with_tls())]);
    let stream = folder.run(&["render", "-f", "in.yaml"]);
    folder.run(&["render", "-f", "in.yaml", "-o", "out"]);
    let tree: Vec<u8> = folder.files("out").into_iter().flat_map(|(_, bytes)| bytes).collect();
    for text in [stream.out.as_str(), stream.err.as_str(), &String::from_utf8_lossy(&tree)] {
        assert!(!text.contains("PRIVATE KEY"), "{text}");
    }
    assert!(stream.err.contains("private keys are left out"), "{}", stream.err);
    let asked = folder.run(&["render", "-f", "in.yaml", "--private-keys", "-o", "keys"]);
    assert!(!asked.err.contains("left out"));
    let with_keys: Vec<_> =
        folder.files("keys").into_iter().filter(|(_, bytes)| String::from_utf8_lossy(bytes).contains("PRIVATE KEY")).collect();
    assert!(!with_keys.is_empty());
    for (path, _) in with_keys {
        use std::os::unix::fs::PermissionsExt;
        let mode = folder.path().join("keys").join(&path).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{path}");
    }
}

#[test]
fn exit_codes_and_places_tell_what_is_wrong() {
    let folder = Folder::new(&[("good.yaml", &with_tls()), ("bad.yaml", &ingress("other", "b.test", "/x", "nowhere"))]);
    let good = folder.run(&["render", "-f", "good.yaml"]);
    assert_eq!(good.code, 0);
    let bad = folder.run(&["render", "-f", "good.yaml", "-f", "bad.yaml"]);
    assert_eq!(bad.code, 1);
    assert!(bad.err.contains("bad.yaml:11:9: error[GW0303]: Service shop/nowhere does not exist"), "{}", bad.err);
    assert!(bad.out.contains("server_name b.test;"), "what can be rendered is rendered");
    for arguments in
        [&["render"][..], &["render", "-f", "missing"], &["render", "-f", "good.yaml", "--http-port", "x", "--proxy-version", "y"]]
    {
        assert_eq!(folder.run(arguments).code, 2, "{arguments:?}");
    }
    let both = folder.run(&["render", "-f", "good.yaml", "--http-port", "x", "--proxy-version", "y"]);
    assert!(both.err.contains("--http-port") && both.err.contains("--proxy-version"), "all mistakes at once: {}", both.err);
}

#[test]
fn a_version_is_one_that_files_can_be_made_for() {
    let folder = Folder::new(&[("good.yaml", &with_tls())]);
    let render = |proxy: &str, version: &str| folder.run(&["render", "-f", "good.yaml", "--proxy", proxy, "--proxy-version", version]);
    for (proxy, version, said) in [
        ("nginx", "0.1", "error: --proxy-version: nginx 0.1.0 is too old; use one from 1.22.1 on"),
        ("haproxy", "2.4.7", "error: --proxy-version: haproxy 2.4.7 is too old; use one from 2.6.0 on"),
        ("haproxy", "3", "error: --proxy-version: \"3\" is not a version; use one such as 3.2.0"),
        ("nginx", "1.30.0.1", "error: --proxy-version: \"1.30.0.1\" is not a version; use one such as 1.30.0"),
    ] {
        let ran = render(proxy, version);
        assert!(ran.code == 2 && ran.out.is_empty() && ran.err.contains(said), "{version}: {ran:?}");
    }
    let newer = render("nginx", "1.99");
    assert!(newer.code == 0 && newer.err.contains("warning: --proxy-version: nginx 1.99.0 is not known"), "{newer:?}");
    for (proxy, version) in [("nginx", "1.22"), ("nginx", "1.30.9"), ("haproxy", "3.2"), ("haproxy", "2.6.12")] {
        assert!(!render(proxy, version).err.contains("--proxy-version"), "{version}");
    }
}

#[test]
fn a_value_that_no_file_may_hold_costs_its_own_use_only() {
    let long = format!("http://{}/", "x".repeat(4000));
    let annotations = format!(
        "metadata: {{annotations: {{nginx.ingress.kubernetes.io/proxy-redirect-from: {long}, nginx.ingress.kubernetes.io/proxy-redirect-to: /}}, "
    );
    let long = ingress("long", "long.test", "/", "cart").replacen("metadata: {", &annotations, 1);
    let folder = Folder::new(&[("in.yaml", &(with_tls() + "---\n" + &long))]);
    let ran = folder.run(&["render", "-f", "in.yaml"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("GW0501") && ran.err.contains("proxy-redirect-from"), "{}", ran.err);
    assert!(["a.test", "long.test"].iter().all(|host| ran.out.contains(&format!("server_name {host};"))), "the rest is rendered");
}

#[test]
fn ports_of_the_controller_are_no_ports_of_services() {
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: tcp, namespace: shop}\ndata: {\"10254\": shop/cart:80}\n---\n";
    let folder = Folder::new(&[("in.yaml", &(map.to_owned() + &with_tls()))]);
    let ran = folder.run(&["render", "-f", "in.yaml", "--tcp-services-configmap", "shop/tcp"]);
    assert!(!ran.out.contains("10254") && ran.err.contains("10254"), "as `run` does it: {}", ran.err);
}

#[test]
fn what_a_proxy_does_in_its_own_way_is_said_of_each_object_and_changes_nothing() {
    let class = "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: edge}\nspec: {controller: gatewright.dev/ingress, \
        parameters: {apiGroup: gatewright.dev, kind: GatewrightParameters, name: edge}}\n---\napiVersion: gatewright.dev/v1alpha1\n\
        kind: GatewrightParameters\nmetadata: {name: edge}\nspec: {settings: {proxy-body-size: 7k}}\n---\n";
    let settings =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: shop}\ndata: {limit-rate: '0', proxy-body-size: 3k}\n---\n";
    let of = |name: &str, annotations: &[(&str, &str)]| {
        let list: Vec<_> = annotations.iter().map(|(name, value)| format!("nginx.ingress.kubernetes.io/{name}: '{value}'")).collect();
        ingress(name, &format!("{name}.test"), "/", "cart")
            .replacen("metadata: {", &format!("metadata: {{annotations: {{{}}}, ", list.join(", ")), 1)
            .replacen("spec:\n", "spec:\n  ingressClassName: edge\n", 1)
    };
    let objects = [
        of("told", &[("proxy-body-size", "8m"), ("proxy-buffering", "on"), ("load-balance", "ewma"), ("custom-http-errors", "404")]),
        of("same", &[("proxy-body-size", "0"), ("proxy-buffering", "off"), ("load-balance", "round_robin")]),
        of("bad", &[("proxy-body-size", "much")]),
        of("plain", &[]),
    ];
    let folder = Folder::new(&[("in.yaml", &(class.to_owned() + settings + &objects.concat() + &service("cart")))]);
    let render = |proxy: &str| folder.run(&["render", "-f", "in.yaml", "--proxy", proxy, "--configmap", "shop/settings"]);
    let ran = render("haproxy");
    let said: Vec<_> = ran.err.lines().filter(|line| line.contains("is not quite had from this proxy: ")).collect();
    for part in [
        "note[GW0702]: proxy-body-size \"3k\" is not quite had from this proxy: bodies without a length are not limited",
        "note[GW0702]: proxy-body-size \"8m\" is not quite had from this proxy: bodies without a length are not limited",
        "note[GW0702]: proxy-buffering \"on\" is not quite had",
        "note[GW0702]: load-balance \"ewma\" is not quite had",
    ] {
        assert_eq!(said.iter().filter(|line| line.contains(part)).count(), 1, "{part}: {}", ran.err);
    }
    assert_eq!(said.len(), 5, "{}", ran.err);
    assert_eq!(ran.err.matches("custom-http-errors \"404\" is not quite had").count(), 1, "what is told anyway is told once: {}", ran.err);
    assert_eq!(render("nginx").err.matches("is not quite had").count(), 0);
    // What the class says holds for those that say nothing.
    assert!(ran.out.contains(" gt 7168"), "{}", ran.out);
}

#[test]
fn a_tree_replaces_an_earlier_one_and_nothing_else() {
    let folder = Folder::new(&[("in.yaml", &with_tls()), ("other/keep.txt", "mine"), ("conf/nginx.conf", ""), ("conf/mime.types", "mine")]);
    assert_eq!(folder.run(&["render", "-f", "in.yaml", "-o", "out"]).code, 0);
    let before = folder.files("out");
    folder.write("in.yaml", ingress("front", "b.test", "/", "cart"));
    folder.run(&["render", "-f", "in.yaml", "-o", "out"]);
    let after = folder.files("out");
    assert_ne!(before, after);
    let is_there = |files: &[(String, Vec<u8>)], text: &str| files.iter().any(|(_, bytes)| String::from_utf8_lossy(bytes).contains(text));
    assert!(is_there(&after, "server_name b.test;") && !is_there(&after, "a.test"), "{after:?}");
    for target in ["other", "conf"] {
        let ran = folder.run(&["render", "-f", "in.yaml", "-o", target]);
        assert!(ran.code == 2 && ran.err.contains("was not rendered"), "{target}: {ran:?}");
    }
    assert_eq!(folder.files("other"), [("keep.txt".to_owned(), b"mine".to_vec())]);
    assert_eq!(folder.files("conf").len(), 2);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let folder = Folder::new(&[("in.yaml", &with_tls()), ("other.yaml", &with_tls().replace("path: /", "path: /x"))]);
    for (arguments, code) in [
        (&["render", "-f", "in.yaml"][..], 0),
        (&["lint", "in.yaml"], 0),
        (&["lint", "--format", "sarif", "in.yaml"], 0),
        (&["lint", "--explain", "all"], 0),
        (&["diff", "in.yaml", "in.yaml"], 0),
        (&["diff", "in.yaml", "other.yaml"], 1),
        (&["diff", "in.yaml", "other.yaml", "--format", "markdown"], 1),
        (&["explain", "-f", "in.yaml", "https://a.test/"], 0),
        (&["annotations"], 0),
        (&["annotations", "--format", "json"], 0),
        (&["rbac"], 0),
        (&["crds"], 0),
        (&["admission-policy"], 0),
        (&["completions", "bash"], 0),
        (&["man"], 0),
        (&["version"], 0),
        (&["--help"], 0),
        (&["run", "--help"], 0),
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = folder.command(arguments).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(!said.contains("panicked") && !said.contains("ipe"), "{arguments:?}: {said}");
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let status = folder.command(arguments).stdout(Stdio::null()).stderr(writer).status().unwrap();
        assert_eq!(status.code(), Some(code), "{arguments:?} with a closed standard error");
    }
}
