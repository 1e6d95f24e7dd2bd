//! What an input may be: files, folders, the standard input, git revisions, the cluster; and what is none.

use crate::world::{Folder, ingress, service};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

fn good(host: &str) -> String {
    ingress("front", host, "/", "cart") + &service("cart")
}

#[test]
fn files_folders_and_the_standard_input_give_the_same() {
    let folder = Folder::new(&[("in/a.yaml", &good("a.test")), ("in/notes.txt", "a: ["), ("in/.hidden/b.yaml", "a: [")]);
    let by_folder = folder.run(&["render", "-f", "in"]);
    assert_eq!(by_folder.code, 0, "{by_folder:?}");
    assert!(by_folder.out.contains("server_name a.test;"));
    for (arguments, stdin) in [(["render", "-f", "in/a.yaml"], String::new()), (["render", "-f", "-"], good("a.test"))] {
        let ran = folder.run_with(&arguments, stdin.as_bytes());
        assert_eq!((ran.code, ran.out), (0, by_folder.out.clone()), "{arguments:?}");
    }
    let json = r#"{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{"name":"j"},
        "spec":{"rules":[{"host":"j.test"}]}}]}"#;
    assert!(folder.run_with(&["render", "-f", "-", "-f", "in"], json.as_bytes()).out.contains("server_name j.test;"));
}

#[test]
fn a_git_revision_is_read_without_a_checkout() {
    let folder = Folder::new(&[("deploy/a.yaml", &good("old.test")), ("README.md", "a: ["), (".github/x.yaml", "a: [")]);
    std::os::unix::fs::symlink("a.yaml", folder.path().join("deploy/again.yaml")).unwrap();
    folder.git(&["init", "-q"]);
    folder.git(&["add", "-A"]);
    folder.git(&["commit", "-q", "-m", "one"]);
    folder.git(&["tag", "v1"]);
    folder.write("deploy/a.yaml", good("new.test"));
    folder.write("other.yaml", ingress("other", "other.test", "/", "cart"));
    folder.git(&["add", "-A"]);
    folder.git(&["commit", "-q", "-m", "two"]);
    folder.write("deploy/a.yaml", "a: [");
    for (input, host, others) in [
        ("git:v1", "old.test", &["new.test", "other.test"][..]),
        ("git:HEAD~1:deploy", "old.test", &["new.test"]),
        ("git:v1:deploy/a.yaml", "old.test", &["new.test"]),
        ("git:main", "new.test", &["old.test"]),
        ("git:HEAD:deploy/", "new.test", &["old.test", "other.test"]),
    ] {
        let ran = folder.run(&["render", "-f", input]);
        assert_eq!(ran.code, 0, "{input}: {}", ran.err);
        assert!(ran.out.contains(&format!("server_name {host};")), "{input}");
        assert!(others.iter().all(|other| !ran.out.contains(&format!("server_name {other};"))), "{input}");
    }
    assert_eq!(std::fs::read_to_string(folder.path().join("deploy/a.yaml")).unwrap(), "a: [", "the work tree is left alone");
}

#[test]
fn links_of_a_revision_lead_where_a_checkout_would_lead() {
    let folder = Folder::new(&[
        (".base/front.yaml", &good("base.test")),
        ("apps/other.yaml", &good("other.test").replace("name: front", "name: other").replace("name: cart", "name: others")),
        (".base/deep/last.yaml", &good("last.test").replace("name: front", "name: last").replace("name: cart", "name: own")),
    ]);
    for (target, link) in [
        ("../.base", "apps/base"),
        (".", "apps/again"),
        ("deep", ".base/further"),
        ("apps/base", "named"),
        ("nowhere", "apps/gone.yaml"),
        ("../../outside.yaml", "apps/out.yaml"),
    ] {
        std::os::unix::fs::symlink(target, folder.path().join(link)).unwrap();
    }
    folder.git(&["init", "-q"]);
    folder.git(&["add", "-A"]);
    folder.git(&["update-index", "--add", "--cacheinfo", "160000,4b825dc642cb6eb9a060e54bf8d69288fbee4904,vendor/sub"]);
    folder.git(&["commit", "-q", "-m", "one"]);
    let served = |input: &str| {
        let ran = folder.run(&["render", "-f", input]);
        assert_eq!(ran.code, 0, "{input}: {ran:?}");
        ["base.test", "last.test", "other.test"].map(|host| ran.out.contains(&format!("server_name {host};")))
    };
    for (input, hosts) in [
        ("git:HEAD", [true, true, true]),
        ("git:HEAD:apps", [true, true, true]),
        ("git:HEAD:apps/base", [true, true, false]),
        ("git:HEAD:named", [true, true, false]),
        ("git:HEAD:named/further", [false, true, false]),
        ("git:HEAD:apps/base/front.yaml", [true, false, false]),
    ] {
        assert_eq!(served(input), hosts, "{input}");
    }
    let told = folder.run(&["lint", "git:HEAD"]).out;
    for said in ["note[GW0011]: git:HEAD:vendor/sub is a submodule", "note[GW0011]: git:HEAD:apps/out.yaml is a link that leads out"] {
        assert!(told.contains(said), "{said}: {told}");
    }
    assert!(!told.contains("GW0003"), "nothing is read twice: {told}");
    for (input, said) in
        [("git:HEAD:vendor/sub", "it is a submodule"), ("git:HEAD:apps/gone.yaml", "no such path"), ("git:HEAD:apps/out.yaml", "leads out")]
    {
        let ran = folder.run(&["lint", input]);
        assert!(ran.code == 2 && ran.err.contains(said), "{input}: {ran:?}");
    }
}

#[test]
fn findings_in_a_revision_name_it() {
    let folder = Folder::new(&[("a.yaml", "a: 1\n---\nkind: [\n")]);
    folder.git(&["init", "-q"]);
    folder.git(&["add", "-A"]);
    folder.git(&["commit", "-q", "-m", "one"]);
    let ran = folder.run(&["render", "-f", "git:HEAD"]);
    assert!(ran.code == 1 && ran.err.contains("git:HEAD:a.yaml:3:"), "{ran:?}");
}

#[test]
fn a_name_for_a_terminal_is_told_in_quotes() {
    let folder = Folder::new(&[]);
    for (name, said) in [("", "could not read \"\": "), ("a\u{1b}[31m", "could not read \"a")] {
        let ran = folder.run(&["lint", name]);
        assert!(ran.code == 2 && ran.err.contains(said) && !ran.err.contains('\u{1b}'), "{ran:?}");
    }
}

#[test]
fn an_input_that_is_not_there_is_named_and_cannot_be_done() {
    let folder = Folder::new(&[("a.yaml", "")]);
    let outside = folder.run(&["render", "-f", "git:HEAD"]);
    assert!(outside.code == 2 && outside.err.contains("not in a git repository"), "{outside:?}");
    folder.git(&["init", "-q"]);
    folder.git(&["add", "-A"]);
    folder.git(&["commit", "-q", "-m", "one"]);
    for (input, said) in [
        ("missing.yaml", "could not read missing.yaml"),
        ("git:nowhere", "git:nowhere cannot be read: the repository has no such revision"),
        ("git:--all", "no such revision"),
        ("git:", "git: names no revision; write one behind git:, such as git:HEAD"),
        ("git:HEAD:missing", "git:HEAD:missing cannot be read: the revision has no such path"),
    ] {
        for command in ["render", "lint"] {
            let ran = folder.run(&[command, "-f", input]);
            assert!(ran.code == 2 && ran.err.contains(said) && ran.out.is_empty(), "{command} {input}: {ran:?}");
        }
    }
}

#[test]
fn a_kubeconfig_that_is_not_there_is_told_once() {
    let ran = Folder::new(&[]).run(&["render", "-f", "cluster", "--kubeconfig", "/nowhere/config"]);
    assert!(ran.code == 2 && ran.err.contains("/nowhere/config"), "{ran:?}");
    assert_eq!(ran.err.matches("No such file").count(), 1, "{}", ran.err);
}

#[test]
fn broken_documents_cost_themselves_and_nothing_else() {
    let huge = format!("a: \"{}\"\n", "x".repeat(3 << 20));
    let folder =
        Folder::new(&[("a.yaml", &good("a.test")), ("half.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name"), ("huge.yaml", &huge)]);
    folder.write("binary.yaml", [0x7f, b'E', b'L', b'F', 0, 0xff, 0xfe, b'\n', 0x80]);
    folder.write("empty.yaml", "");
    folder.write("list.json", "[1, 2, 3]");
    for command in ["render", "lint"] {
        let ran = folder.run(&[command, "-f", "."]);
        assert_eq!(ran.code, 1, "{ran:?}");
        let said = ran.out.clone() + &ran.err;
        for file in ["binary.yaml:1:", "half.yaml:", "2 without apiVersion and kind"] {
            assert!(said.contains(file), "{command} says nothing of {file}: {said}");
        }
        assert!(!said.contains("a.yaml:1:1: error") && !said.contains("panicked"), "{said}");
    }
    assert!(folder.run(&["render", "-f", "."]).out.contains("server_name a.test;"));
}

#[test]
fn a_hundred_thousand_documents_are_read_and_a_broken_one_among_them_is_found() {
    let text: String = (0..100_000).map(|n| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{n}}}\n---\n")).collect();
    let ran = Folder::new(&[]).run_with(&["render", "-f", "-"], (text + "kind: [\n---\n" + &good("a.test")).as_bytes());
    assert!(ran.code == 1 && ran.err.starts_with("-:400001:8: error[GW0001]"), "{}", ran.err);
    assert!(ran.out.contains("server_name a.test;"), "{}", ran.out);
}

#[test]
fn files_that_kubectl_takes_otherwise_for_their_names_are_told() {
    let evil = ingress("evil", "evil.test", "/", "cart");
    let folder = Folder::new(&[("in/a.yaml", &good("a.test")), ("in/.settings.json", "{}"), ("in/.more/evil.yml", &evil)]);
    folder.git(&["init", "-q"]);
    folder.git(&["add", "-A"]);
    folder.git(&["commit", "-q", "-m", "one"]);
    folder.write("in/.evil.yaml", &evil);
    folder.write("in/.a.yaml.swp", &evil);
    folder.write("in/UP.YAML", ingress("up", "up.test", "/", "cart"));
    let diff = folder.run(&["diff", "git:HEAD:in", "in", "--format", "markdown"]);
    assert!(
        diff.code == 1 && diff.out.contains(".evil.yaml is hidden") && diff.err.contains("hidden files that kubectl applies"),
        "{diff:?}"
    );
    folder.git(&["add", "-A"]);
    folder.git(&["commit", "-q", "-m", "two"]);
    for (input, name) in [("in", "in"), ("git:HEAD:in", "git:HEAD:in")] {
        let linted = folder.run(&["lint", input]);
        for told in
            [".evil.yaml is hidden", "evil.yml is hidden", "--> NAME/.evil.yaml:1:1", "--> NAME/.more/evil.yml:1:1", "--> NAME/UP.YAML:1:1"]
        {
            assert!(linted.out.contains(&told.replace("NAME", name)), "{told}: {linted:?}");
        }
        let counts = ["warning[GW0012]", "note[GW0012]"].map(|begin| linted.out.matches(begin).count());
        assert_eq!((linted.code, counts), (0, [2, 1]), "{linted:?}");
        let rendered = folder.run(&["render", "-f", input]);
        assert_eq!(rendered.err.matches("is hidden, and is not read").count(), 2, "{rendered:?}");
        assert!(!rendered.out.contains("evil.test") && rendered.out.contains("up.test"), "{}", rendered.out);
    }
    assert!(folder.run(&["render", "-f", "in/.evil.yaml"]).out.contains("evil.test"), "who names it means it");
}

#[test]
fn without_any_endpoints_one_note_stands_for_all_services() {
    let slice = "apiVersion: discovery.k8s.io";
    let apart = |name: &str| service(name).split_once(slice).unwrap().0.to_owned();
    let routes = ingress("front", "a.test", "/", "cart") + &ingress("more", "b.test", "/", "other");
    let folder = Folder::new(&[("a.yaml", &(routes + &apart("cart") + &apart("other"))), ("b.yaml", &service("third"))]);
    let rendered = folder.run(&["render", "-f", "a.yaml"]);
    assert_eq!((rendered.err.matches("GW0305").count(), rendered.err.matches("no EndpointSlices").count()), (0, 1), "{rendered:?}");
    assert!(!folder.run(&["lint", "a.yaml"]).out.contains("GW0305"));
    for command in [&["render", "-f", "a.yaml", "-f", "b.yaml"][..], &["lint", "a.yaml", "b.yaml"]] {
        let ran = folder.run(command);
        assert_eq!((ran.out + &ran.err).matches("GW0305").count(), 2, "{command:?}: who gives some may have forgotten others");
    }
}

/// Answers lists of the API with what it is given, by path; everything else is 403.
pub(crate) fn api_server(lists: Vec<(&'static str, String)>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let request = lines.next().and_then(Result::ok).unwrap_or_default();
            while lines.next().and_then(Result::ok).is_some_and(|line| !line.is_empty()) {}
            let path = request.split(' ').nth(1).unwrap_or_default();
            let found = lists.iter().find(|(known, _)| path.split('?').next() == Some(*known));
            let forbidden = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"no","reason":"Forbidden","code":403}"#;
            let (status, body) = found.map_or(("403 Forbidden", forbidden), |(_, body)| ("200 OK", body.as_str()));
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
        }
    });
    port
}

pub(crate) fn kubeconfig(port: u16) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\nusers: [{{name: u, user: {{}}}}]\n\
         clusters: [{{name: c, cluster: {{server: 'http://127.0.0.1:{port}'}}}}]\n"
    )
}

#[test]
fn the_cluster_is_an_input_and_what_it_forbids_is_said() {
    let list = |kind: &str, items: &str| format!(r#"{{"apiVersion":"v1","kind":"{kind}List","metadata":{{}},"items":[{items}]}}"#);
    let ingress = r#"{"metadata":{"name":"front","namespace":"shop"},"spec":{"ingressClassName":"own","tls":[{"hosts":["c.test"],"secretName":"opaque"}],
        "rules":[{"host":"c.test"}]}}"#;
    let foreign = r#"{"metadata":{"name":"foreign","namespace":"shop"},"spec":{"rules":[{"host":"foreign.test"}]}}"#;
    let class = r#"{"metadata":{"name":"own"},"spec":{"controller":"gatewright.dev/ingress"}}"#;
    let port = api_server(vec![
        ("/apis/networking.k8s.io/v1/ingresses", list("Ingress", &format!("{ingress},{foreign}"))),
        ("/apis/networking.k8s.io/v1/ingressclasses", list("IngressClass", class)),
        ("/api/v1/services", list("Service", "")),
        ("/apis/discovery.k8s.io/v1/endpointslices", list("EndpointSlice", "")),
    ]);
    let folder = Folder::new(&[("kubeconfig", &kubeconfig(port))]);
    let ran = folder.run(&["render", "-f", "cluster", "--kubeconfig", "kubeconfig"]);
    assert!(ran.out.contains("server_name c.test;"), "{ran:?}");
    assert!(!ran.out.contains("foreign.test"), "a cluster's Ingress without a class is nobody's: {ran:?}");
    assert!(ran.err.contains("GW0006") && ran.err.contains("Secret of all namespaces may not be read"), "{ran:?}");
    assert!(ran.err.contains("Secret shop/opaque may not be read"), "{ran:?}");
}

#[test]
fn parameters_of_a_cluster_that_cannot_be_read_close_their_class() {
    let list = |kind: &str, items: &str| format!(r#"{{"apiVersion":"v1","kind":"{kind}List","metadata":{{}},"items":[{items}]}}"#);
    let class = r#"{"metadata":{"name":"own"},"spec":{"controller":"gatewright.dev/ingress","parameters":{"apiGroup":"gatewright.dev",
        "kind":"GatewrightParameters","name":"p","scope":"Namespace","namespace":"shop"}}}"#;
    let parameters = |settings: &str| {
        format!(
            r#"{{"apiVersion":"gatewright.dev/v1alpha1","kind":"GatewrightParameters","metadata":{{"name":"p","namespace":"shop"}},"spec":{{"settings":{settings}}}}}"#
        )
    };
    let front = ingress("front", "a.test", "/", "cart").replace("spec:\n", "spec:\n  ingressClassName: own\n");
    for (settings, is_closed) in [(r#"{"keep-alive":"75"}"#, false), (r#""whitelist-source-range: 10.0.0.0/8""#, true), ("[]", true)] {
        let port = api_server(vec![
            ("/apis/networking.k8s.io/v1/ingresses", list("Ingress", "")),
            ("/apis/networking.k8s.io/v1/ingressclasses", list("IngressClass", class)),
            ("/api/v1/services", list("Service", "")),
            ("/apis/discovery.k8s.io/v1/endpointslices", list("EndpointSlice", "")),
            ("/apis/gatewright.dev/v1alpha1/namespaces/shop/gatewrightparameters/p", parameters(settings)),
        ]);
        let folder = Folder::new(&[("kubeconfig", &kubeconfig(port)), ("a.yaml", &(front.clone() + &service("cart")))]);
        let ran = folder.run(&["render", "-f", "cluster", "-f", "a.yaml", "--kubeconfig", "kubeconfig"]);
        assert_eq!(
            (ran.out.contains("return 503;"), ran.out.contains("proxy_pass http")),
            (is_closed, !is_closed),
            "{settings}: {}",
            ran.err
        );
        assert_eq!(ran.err.contains("spec.settings (route answers 503)"), is_closed, "{settings}: {}", ran.err);
    }
}

#[test]
fn a_cluster_that_does_not_tell_its_ingresses_is_not_an_empty_one() {
    let port = api_server(vec![("/api/v1/services", r#"{"apiVersion":"v1","kind":"ServiceList","metadata":{},"items":[]}"#.to_owned())]);
    let folder = Folder::new(&[("kubeconfig", &kubeconfig(port)), ("a.yaml", &good("a.test"))]);
    for command in [&["diff", "cluster", "cluster"][..], &["diff", "cluster", "a.yaml"], &["diff", "a.yaml", "cluster"]] {
        let ran = folder.run(&[command, &["--kubeconfig", "kubeconfig"]].concat());
        assert!(ran.code == 2 && ran.err.contains("the Ingresses of the cluster may not be read"), "{ran:?}");
    }
    let explained = folder.run(&["explain", "-f", "cluster", "http://a.test/", "--kubeconfig", "kubeconfig"]);
    assert_eq!(explained.code, 2, "{explained:?}");
    let ran = folder.run(&["render", "-f", "cluster", "-f", "a.yaml", "--kubeconfig", "kubeconfig"]);
    assert!(ran.code == 1 && ran.err.contains("error[GW0006]: Ingress of all namespaces may not be read"), "{ran:?}");
}

#[test]
fn a_cluster_that_is_not_there_cannot_be_read() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let folder = Folder::new(&[("kubeconfig", &kubeconfig(port)), ("broken", "a: [")]);
    let nowhere = folder.run(&["lint", "cluster"]);
    assert_eq!((nowhere.code, &*nowhere.err), (2, "error: no cluster is configured; give --kubeconfig, or set KUBECONFIG\n"));
    for (file, said) in [("kubeconfig", "Ingress"), ("broken", "kubeconfig"), ("missing", "kubeconfig")] {
        let ran = folder.run(&["lint", "cluster", "--kubeconfig", file]);
        assert!(ran.code == 2 && ran.err.contains(said), "{file}: {ran:?}");
    }
    let server = format!("error: the API server 127.0.0.1:{port} does not list Ingress: ");
    let refused = folder.run(&["lint", "cluster", "--kubeconfig", "kubeconfig"]);
    assert!(refused.err.starts_with(&server), "{refused:?}");
    // The way kubectl finds it: one that is there and of no use is not missing.
    for (file, cause) in [("broken", "failed to parse"), ("missing", "No such file")] {
        let named = folder.command(&["lint", "cluster"]).env("KUBECONFIG", file).output().unwrap();
        let said = String::from_utf8_lossy(&named.stderr).into_owned();
        let begin = format!("error: could not use the kubeconfig {file}: ");
        assert!(named.status.code() == Some(2) && said.starts_with(&begin) && said.contains(cause), "{said}");
    }
    folder.write(".kube/config", "a: [");
    let found = folder.run(&["diff", "cluster", "broken"]);
    assert!(found.code == 2 && found.err.starts_with("error: could not use the kubeconfig ~/.kube/config: "), "{found:?}");
}

#[test]
fn names_are_nowhere_looked_up() {
    // The first one never exists, and the second one does on every machine that runs tests.
    let external = |name: &str| {
        format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: cart, namespace: shop}}\nspec: {{type: ExternalName, externalName: {name}, ports: [{{port: 80}}]}}\n---\n"
        )
    };
    let auth = |url: &str| {
        let wish = format!("namespace: shop, annotations: {{nginx.ingress.kubernetes.io/auth-url: \"{url}\"}}}}");
        ingress("front", "a.test", "/", "cart").replace("namespace: shop}", &wish)
    };
    let inside =
        "apiVersion: v1\nkind: Service\nmetadata: {name: auth, namespace: shop}\nspec: {clusterIP: 10.9.8.7, ports: [{port: 80}]}\n---\n";
    let folder = Folder::new(&[
        ("one.yaml", &(auth("http://auth.shop.svc.cluster.local/x") + &external("cart.invalid"))),
        ("other.yaml", &(auth("http://auth.shop.svc.cluster.local/x") + &external("other.invalid"))),
        ("inside.yaml", &(auth("http://auth.shop.svc.cluster.local/x") + inside + &external("cart.invalid"))),
        ("own.yaml", &(auth("http://localhost/x") + &external("cart.invalid"))),
    ]);
    let linted = folder.run(&["lint", "one.yaml"]);
    assert!(linted.code == 0 && linted.out.contains("0 errors, 0 warnings"), "{linted:?}");
    let rendered = folder.run(&["render", "-f", "one.yaml"]);
    assert_eq!((rendered.code, rendered.out.matches("server [2001:db8:").count()), (0, 2), "{}", rendered.out);
    assert_eq!(folder.run(&["render", "-f", "one.yaml"]).out, rendered.out);
    let diff = folder.run(&["diff", "one.yaml", "other.yaml", "--routes-only"]);
    assert!(diff.code == 1 && diff.out.contains("cart.invalid → DNS name other.invalid") && !diff.out.contains("2001:db8:"), "{diff:?}");
    assert!(folder.run(&["render", "-f", "inside.yaml"]).out.contains("server 10.9.8.7:80 "), "a Service of the input is known");
    let own = folder.run(&["lint", "own.yaml"]);
    assert!(own.code == 1 && own.out.contains("is 127.0.0.1, which is loopback"), "{own:?}");
}

#[test]
fn a_kustomization_is_told_with_what_would_be_read_of_it() {
    let kustomization = "resources: [a.yaml]\npatches: [{path: patch.yaml}]\n";
    let folder = Folder::new(&[("in/a.yaml", &good("a.test")), ("in/kustomization.yaml", kustomization)]);
    folder.git(&["init", "-q"]);
    folder.git(&["add", "-A"]);
    folder.git(&["commit", "-q", "-m", "one"]);
    for (input, named) in [("in", "in"), ("in/kustomization.yaml", "in"), ("git:HEAD:in", "DIR")] {
        let ran = folder.run(&["lint", input]);
        let help = format!("kubectl kustomize {named} | gatewright lint -f -");
        assert!(ran.code == 0 && ran.out.contains(&help), "{ran:?}");
        assert!(ran.out.contains("kustomization.yaml:1:1") && ran.out.matches("GW0013").count() == 1, "{ran:?}");
        assert!(!ran.out.contains("GW0002") && !ran.out.contains("GW0007"), "{ran:?}");
    }
    assert!(folder.run(&["render", "-f", "in"]).out.contains("server_name a.test;"));
}

#[test]
fn templates_of_helm_beside_manifests_are_noted_once_each() {
    let template =
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ .Release.Name }}\n---\n{{- if .Values.web }}\napiVersion: v1\n{{- end }}\n";
    // YAML, though not what it seems.
    let quoted = "apiVersion: v1\nkind: Service\nmetadata:\n  name: \"{{ .Release.Name }}\"\n";
    let folder = Folder::new(&[
        ("in/a.yaml", &good("a.test")),
        ("in/shop/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\n"),
        ("in/shop/values.yaml", "web: true\n"),
        ("in/shop/templates/web.yaml", template),
        ("in/shop/templates/deep/quoted.yaml", quoted),
        ("in/shop/templates/plain.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: plain}\n"),
        ("in/elsewhere.yaml", template),
        ("in/broken.yaml", "a: [\n"),
    ]);
    folder.git(&["init", "-q"]);
    folder.git(&["add", "-A"]);
    folder.git(&["commit", "-q", "-m", "one"]);
    for (input, files, chart) in [("in", "in/", "in/shop"), ("git:HEAD:in", "git:HEAD:in/", "CHART")] {
        let ran = folder.run(&["lint", "-f", input]);
        assert_eq!(ran.code, 1, "of the broken one: {ran:?}");
        assert_eq!(ran.out.matches("GW0010").count(), 3, "{}", ran.out);
        let said: Vec<&str> = ran.out.split("\n\n").filter(|one| one.starts_with("note[GW0010]: ")).collect();
        for (file, chart) in
            [("shop/templates/web.yaml:1:1", chart), ("shop/templates/deep/quoted.yaml:1:1", chart), ("elsewhere.yaml:4:10", "CHART")]
        {
            let help = format!("helm template {chart} | gatewright lint -f -");
            let is_it = |one: &&str| one.contains(&format!("--> {files}{file}")) && one.contains(&help);
            assert!(said.iter().any(is_it), "{file}: {}", ran.out);
        }
        assert_eq!(ran.out.matches("error[").count(), 1, "{}", ran.out);
    }
    std::fs::remove_file(folder.path().join("in/broken.yaml")).unwrap();
    let ran = folder.run(&["render", "-f", "in"]);
    assert!(ran.code == 0 && ran.out.contains("server_name a.test;"), "{ran:?}");
    assert_eq!(folder.run(&["lint", "-f", "in", "--deny", "GW0010"]).code, 1);
    let ran = folder.run(&["lint", "-f", "in/elsewhere.yaml"]);
    assert!(ran.code == 1 && ran.out.contains("error[GW0010]"), "who names a template thinks that it holds objects: {ran:?}");
}
