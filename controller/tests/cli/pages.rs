//! References and generated files: permissions, annotations, completions, manual pages.

use crate::world::{Folder, ingress, of_repository};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::process::Command;

/// `kind namespace group/resource verb [names]` of every permission.
fn permissions(arguments: &[&str]) -> BTreeSet<String> {
    let ran = Folder::new(&[]).run(&[&["rbac", "--format", "json", "--own-namespace", "own"], arguments].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    let list = ran.json();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut out = BTreeSet::new();
    for role in list["items"].as_array().unwrap().iter().filter(|item| !item["rules"].is_null()) {
        let place = format!("{} {}", text(&role["kind"]), text(&role["metadata"]["namespace"]));
        for rule in role["rules"].as_array().unwrap() {
            let what = format!("{}/{}", text(&rule["apiGroups"][0]), text(&rule["resources"][0]));
            let names = rule["resourceNames"].as_array().map(|names| format!(" {}", text(&names[0]))).unwrap_or_default();
            out.extend(rule["verbs"].as_array().unwrap().iter().map(|verb| format!("{place} {what} {}{names}", text(verb))));
        }
    }
    out
}

fn has(permissions: &BTreeSet<String>, part: &str) -> bool {
    permissions.iter().any(|permission| permission.contains(part))
}

#[test]
fn permissions_are_the_least_for_the_flags() {
    let all = permissions(&[]);
    for needed in [
        "ClusterRole  networking.k8s.io/ingresses watch",
        "ClusterRole  /secrets list",
        "ClusterRole  /nodes get",
        "ClusterRole  networking.k8s.io/ingresses/status update",
        "Role own coordination.k8s.io/leases update ingress-controller-leader",
    ] {
        assert!(all.contains(needed), "{needed} is missing in {all:#?}");
    }
    assert!(!has(&all, "namespaces") && !has(&all, "delete") && !has(&all, "*"), "{all:#?}");
    let given = ["--publish-status-address", "10.0.0.1", "--enable-topology-aware-routing", "--topology-zone", "a"];
    assert!(!has(&permissions(&given[..2]), "/nodes") && !has(&permissions(&given), "/nodes"));
    assert!(has(&permissions(&given[..3]), "/nodes get"), "its label tells the zone");
    let quiet = permissions(&["--update-status=false", "--disable-leader-election", "--disable-sync-events", "--without-secrets"]);
    for part in ["status", "leases", "ClusterRole  /events", "secrets", "nodes"] {
        assert!(!has(&quiet, part), "{part}: {quiet:#?}");
    }
    assert!(permissions(&["--watch-namespace-selector", "a=b"]).contains("ClusterRole  /namespaces list"));
}

#[test]
fn permissions_in_namespaces_stay_in_them() {
    let flags = ["--configmap", "own/config", "--publish-service", "own/lb"];
    let one = permissions(&[&["--watch-namespace", "a", "--without-cluster-role"], &flags[..]].concat());
    assert!(!has(&one, "ClusterRole"), "{one:#?}");
    let some = permissions(&[&["--in-namespaces", "a,b"], &flags[..]].concat());
    assert!(some.contains("ClusterRole  /namespaces list"), "namespaces that are tried have to be known: {some:#?}");
    for (permitted, namespace) in [(&one, "a"), (&some, "a"), (&some, "b")] {
        for needed in ["/secrets list", "networking.k8s.io/ingresses list"] {
            assert!(permitted.contains(&*format!("Role {namespace} {needed}")), "{needed} is missing in {permitted:#?}");
        }
        for needed in ["Role own /configmaps list config", "Role own /services get lb"] {
            assert!(permitted.contains(needed), "{needed} is missing in {permitted:#?}");
        }
        assert!(!has(permitted, "Role own /secrets") && !has(permitted, "ClusterRole  /secrets"), "{permitted:#?}");
    }
    let ran = Folder::new(&[]).run(&["rbac", "--in-namespaces", "A_"]);
    assert!(ran.code == 2 && ran.err.contains("--in-namespaces"), "{ran:?}");
}

#[test]
fn secrets_are_read_in_namespaces_that_are_named() {
    let named = permissions(&["--secrets-in", "b,a,b", "--default-ssl-certificate", "c/cert"]);
    assert!(!has(&named, "ClusterRole  /secrets") && has(&named, "ClusterRole  networking.k8s.io/ingresses list"), "{named:#?}");
    for needed in ["Role a /secrets list", "Role b /secrets watch", "Role c /secrets list cert"] {
        assert!(named.contains(needed), "{needed} is missing in {named:#?}");
    }
    let scoped = permissions(&["--in-namespaces", "a,b", "--secrets-in", "a", "--default-ssl-certificate", "b/cert"]);
    assert!(scoped.contains("Role b /secrets list cert") && !scoped.contains("Role b /secrets list"), "{scoped:#?}");
    assert!(!has(&permissions(&["--webhook", "--default-ssl-certificate", "c/cert"]), "secrets"));
}

#[test]
fn secrets_cannot_be_chosen_for_the_webhook() {
    for flag in ["--secrets-in", "--secrets-of"] {
        let ran = Folder::new(&[]).run(&["rbac", "--webhook", flag, "a"]);
        let said = format!("{flag} cannot be used with --webhook, which reads no Secret");
        assert!(ran.code == 2 && ran.err.contains(&said), "{ran:?}");
    }
}

#[test]
fn secrets_are_read_by_their_names_where_manifests_tell_them() {
    let web = |namespace: &str, annotation: &str| {
        let web =
            ingress("web", &format!("{namespace}.example"), "/", "cart").replace("namespace: shop", &format!("namespace: {namespace}"));
        let web = web.replace("spec:\n", &format!("spec:\n  tls: [{{hosts: [{namespace}.example], secretName: pair}}]\n"));
        web.replace("metadata: {", &format!("metadata: {{annotations: {{{annotation}}}, "))
    };
    let users = "nginx.ingress.kubernetes.io/auth-type: basic, nginx.ingress.kubernetes.io/auth-secret: users";
    let folder = Folder::new(&[("deploy/all.yaml", &(web("shop", users) + &web("blog", "a: b")))]);
    let ran = folder.run(&["rbac", "--format=json", "--secrets-of=deploy", "--default-ssl-certificate=own/default"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let list = ran.json();
    let rule = |namespace: &str| {
        let role =
            list["items"].as_array().unwrap().iter().find(|item| item["kind"] == "Role" && item["metadata"]["namespace"] == namespace);
        let rules = role.unwrap_or_else(|| panic!("{namespace}: {list}"))["rules"].as_array().unwrap();
        rules.iter().find(|rule| rule["resources"][0] == "secrets").unwrap()["resourceNames"].clone()
    };
    assert_eq!((rule("shop"), rule("blog"), rule("own")), (json!(["pair", "users"]), json!(["pair"]), json!(["default"])));
    let cluster = list["items"].as_array().unwrap().iter().find(|item| item["kind"] == "ClusterRole").unwrap();
    assert!(!cluster["rules"].to_string().contains("secrets"), "{cluster}");
    let scoped = folder.run(&["rbac", "--secrets-of=deploy", "--in-namespaces=shop"]);
    assert!(scoped.code == 0 && scoped.out.contains("users") && !scoped.out.contains("namespace: blog"), "{scoped:?}");
    for (input, part) in [("nowhere", "nowhere"), ("empty", "empty holds no manifest")] {
        std::fs::create_dir_all(folder.path().join("empty")).unwrap();
        let ran = folder.run(&["rbac", "--secrets-of", input]);
        assert!(ran.code == 2 && ran.err.contains(part), "{ran:?}");
    }
}

#[test]
fn what_cannot_be_permitted_is_told_by_its_flag() {
    let said = |arguments: &[&str]| {
        let ran = Folder::new(&[]).run(&[&["rbac"], arguments].concat());
        assert_eq!(ran.code, 2, "{ran:?}");
        ran.err.lines().filter(|line| line.starts_with("error: ")).map(str::to_owned).collect::<Vec<_>>()
    };
    let namespace = "error: --own-namespace: \"A_b\" is not a namespace name".to_owned();
    assert_eq!(said(&["--own-namespace", "A_b"]), std::slice::from_ref(&namespace));
    let account = "error: --service-account: \"C_d\" is not an object name; use at most 253 lower-case letters, digits, '-' and '.'";
    assert_eq!(said(&["--own-namespace", "A_b", "--service-account", "C_d"]), [namespace, account.to_owned()]);
    assert_eq!(said(&["--own-namespace="]).len(), 1);
    let unlabelled = said(&["--without-cluster-role", "--in-namespaces", "a", "--watch-namespace-selector", "a=b"]);
    assert!(unlabelled.len() == 1 && unlabelled[0].contains("--watch-namespace-selector"), "{unlabelled:?}");
    let several = said(&["--without-cluster-role", "--in-namespaces", "a,b"]);
    assert!(several.len() == 1 && several[0].contains("--without-cluster-role needs --watch-namespace"), "{several:?}");
    let secrets = said(&["--in-namespaces", "a", "--secrets-in", "a,B,c"]);
    let reasons = ["\"B\" is not a namespace name", "namespace c is none that Ingresses may be in"];
    assert_eq!(secrets, reasons.map(|reason| format!("error: --secrets-in: {reason}")));
    for flags in [&["--without-secrets"][..], &["--secrets-from", "/a"]] {
        let both = said(&[&["--secrets-in", "a"], flags].concat());
        assert!(both[0].contains(&format!("--secrets-in cannot be used with {}", flags[0])), "{both:?}");
        let both = said(&[&["--secrets-of", "a"], flags].concat());
        assert!(both[0].contains(&format!("--secrets-of cannot be used with {}", flags[0])), "{both:?}");
    }
    let both = said(&["--secrets-of", "a", "--secrets-in", "a"]);
    assert_eq!(both, ["error: --secrets-in cannot be used with --secrets-of: each says which Secrets are read"]);
    assert!(said(&["--manifests", "deploy"])[0].contains("--manifests: a folder is followed in place of a cluster"));
    let watched = said(&["--watch-namespace", "A_b", "--in-namespaces", "ok"]);
    assert_eq!(watched, ["error: --watch-namespace: \"A_b\" is not a namespace name"]);
}

#[test]
fn every_role_is_bound_to_the_service_account() {
    let folder = Folder::new(&[]);
    let ran = folder.run(&["rbac", "--own-namespace", "own", "--service-account", "me", "--in-namespaces", "a"]);
    let roles = ran.out.matches("\nkind: Role\n").count() + ran.out.matches("\nkind: ClusterRole\n").count();
    assert_eq!(ran.out.matches("- kind: ServiceAccount\n  name: me\n  namespace: own\n").count(), roles, "{}", ran.out);
    assert_eq!(folder.run_with(&["lint", "-"], ran.out.as_bytes()).code, 0, "it is YAML that can be applied");
}

#[test]
fn annotations_are_listed_in_three_forms() {
    let folder = Folder::new(&[]);
    let text = folder.run(&["annotations"]);
    assert!(text.code == 0 && text.out.contains("ssl-redirect\n    "), "{text:?}");
    let one = folder.run(&["annotations", "ssl-redirect", "--format", "json"]);
    assert_eq!(one.json()["annotations"][0]["name"], "ssl-redirect");
    // As `gatewright annotations` lists them, rules of GatewrightParameters name groups.
    let group = one.json()["annotations"][0]["feature"].as_str().unwrap().to_owned();
    let alone = folder.run(&["annotations", "ssl-redirect"]);
    assert!(alone.out.contains(&format!("\n    group: {group}\n")), "{alone:?}");
    let all = folder.run(&["annotations", "--format", "json"]).json();
    let all = all["annotations"].as_array().unwrap().clone();
    assert_eq!(all.len(), 138);
    for entry in &all {
        let known = |proxy: &str| ["same", "approximated", "told", "closed"].iter().any(|word| entry["proxies"][proxy]["verdict"] == *word);
        assert!(known("nginx") && known("haproxy"), "{entry}");
    }
    assert!(all.iter().all(|one| ["A", "B", "C"].map(Some).contains(&one["tier"].as_str())), "each has a tier");
    let count = |tier: &str, verdict: &str| {
        all.iter().filter(|one| one["tier"] == tier && one["proxies"]["haproxy"]["verdict"] == verdict).count().to_string()
    };
    let counts = ["same", "approximated", "told", "closed"].map(|verdict| count("B", verdict)).join(" | ");
    assert!(text.out.contains(&format!("| haproxy | B | {counts} |\n")), "{counts}: {}", text.out);
    let closed = folder.run(&["annotations", "enable-modsecurity"]);
    assert!(closed.code == 0 && closed.out.contains("haproxy: closed"), "{closed:?}");
    assert!(folder.run(&["annotations", "--format", "markdown"]).out.starts_with("# Annotations\n"));
    let prefixed = folder.run(&["annotations", "nginx.ingress.kubernetes.io/ssl-redirect"]);
    assert!(prefixed.code == 0 && prefixed.out.starts_with("ssl-redirect\n"), "{prefixed:?}");
    let unknown = folder.run(&["annotations", "ssl-redirct"]);
    assert!(unknown.code == 1 && unknown.err.contains("\"ssl-redirct\"; write ssl-redirect"), "{unknown:?}");
    let part = folder.run(&["annotations", "rewrite"]);
    assert!(part.code == 1 && part.err.contains("perhaps enable-rewrite-log or rewrite-target is meant"), "{part:?}");
}

#[test]
fn the_guide_tells_the_exit_codes_of_what_can_fail() {
    let guide = std::fs::read_to_string(of_repository("docs/guides/review-a-pull-request.md")).unwrap();
    let row = |command: &str| guide.lines().find(|line| line.starts_with(&format!("| `{command}` |"))).map(str::to_owned);
    for command in ["render", "lint", "diff", "explain", "annotations", "rbac"] {
        assert!(row(command).is_some_and(|row| row.ends_with("| could not be done |")), "{command}");
    }
    let folder = Folder::new(&[]);
    for (arguments, code) in
        [(&["rbac"][..], 0), (&["rbac", "--secrets-of", "nowhere"], 2), (&["annotations", "zzz"], 1), (&["annotations", "affinity"], 0)]
    {
        assert_eq!(folder.run(arguments).code, code, "{arguments:?}");
    }
    for command in ["render", "lint", "diff", "explain", "annotations", "rbac"] {
        let help = folder.run(&[command, "--help"]).out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(help.contains("Exit code: 0 ") && help.contains(", 2 it could not be done."), "{command}: {help}");
    }
}

#[test]
fn completions_and_manual_pages_know_every_command() {
    let folder = Folder::new(&[]);
    for (shell, beginning) in [
        ("bash", "_gatewright() {"),
        ("zsh", "#compdef gatewright"),
        ("fish", "complete -c gatewright"),
        ("elvish", "edit:completion:arg-completer[gatewright]"),
        ("powershell", "Register-ArgumentCompleter -Native -CommandName 'gatewright'"),
    ] {
        let ran = folder.run(&["completions", shell]);
        assert!(ran.code == 0 && ran.out.contains(beginning), "{shell}: {ran:?}");
        for word in ["render", "lint", "diff", "explain", "annotations", "rbac", "crds", "--format", "--deny", "--proxy-version"] {
            // fish writes the names of flags without the two hyphens.
            let word = if shell == "fish" { word.trim_start_matches('-') } else { word };
            assert!(ran.out.contains(word), "{shell} does not know {word}");
        }
        folder.write(shell, &ran.out);
        let mut parse = Command::new(shell);
        // Not every machine has every shell; each that is there has to understand its own.
        match parse.arg("-n").arg(folder.path().join(shell)).output() {
            Ok(output) => assert!(output.status.success(), "{shell}: {}", String::from_utf8_lossy(&output.stderr)),
            Err(error) => assert!(shell != "bash" && error.kind() == std::io::ErrorKind::NotFound, "{shell}: {error}"),
        }
    }
    let unknown = folder.run(&["completions", "tcsh"]);
    assert!(unknown.code == 2 && unknown.out.is_empty(), "{unknown:?}");
    assert_eq!(folder.run(&["man", "-o", "man"]).code, 0);
    let pages: Vec<String> = folder.files("man").into_iter().map(|(name, _)| name).collect();
    for page in ["gatewright.1", "gatewright-run.1", "gatewright-lint.1", "gatewright-rbac.1"] {
        assert!(pages.iter().any(|name| name == page), "{page} is missing in {pages:?}");
    }
}
