//! What is in no answer, or is not as somebody may think, is told by every command that leaves it out.

use crate::world::{Folder, Ran, assert_valid, ingress, of_repository, service};

const OWN: &str =
    "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: gatewright}\nspec: {controller: gatewright.dev/ingress}\n---\n";

fn of_class(class: &str) -> String {
    ingress("front", "a.test", "/", "cart").replace("spec:\n", &format!("spec:\n  ingressClassName: {class}\n")) + OWN + &service("cart")
}

/// Runs `diff` in each of its formats.
fn diffs(folder: &Folder, arguments: &[&str]) -> [Ran; 3] {
    let ran = ["text", "markdown", "json"].map(|format| folder.run(&[&["diff", "--format", format], arguments].concat()));
    assert_valid(&ran[2].json(), &of_repository("docs/schemas/diff.schema.json"));
    ran
}

#[test]
fn what_is_elsewhere_is_said_to_be_in_no_answer() {
    let folder = Folder::new(&[("deploy/a.yaml", &(ingress("front", "a.test", "/", "cart") + &service("cart")))]);
    std::os::unix::fs::symlink("../../outside.yaml", folder.path().join("deploy/out.yaml")).unwrap();
    folder.git(&["init", "-q"]);
    folder.git(&["add", "-A"]);
    folder.git(&["update-index", "--add", "--cacheinfo", "160000,4b825dc642cb6eb9a060e54bf8d69288fbee4904,deploy/sub"]);
    folder.git(&["commit", "-q", "-m", "one"]);
    std::fs::remove_file(folder.path().join("deploy/out.yaml")).unwrap();
    folder.write("deploy/sub/b.yaml", ingress("b", "b.test", "/", "cart"));
    let said = "note: of git:HEAD:deploy, submodules and links that lead out are not read: 2; lint says which\n";
    for ran in diffs(&folder, &["git:HEAD:deploy", "deploy"]) {
        assert!(ran.code == 1 && ran.err == said, "{ran:?}");
        for part in ["GW0011", "git:HEAD:deploy/sub is a submodule", "git:HEAD:deploy/out.yaml is a link that leads out"] {
            assert!(ran.out.contains(part), "{part}: {ran:?}");
        }
    }
    let json = folder.run(&["diff", "git:HEAD:deploy", "deploy", "--format", "json"]).json();
    assert_eq!((&json["left_out"][0]["side"], json["findings"].as_array().unwrap().len()), (&"old".into(), 0), "{json:#}");
    let same = folder.run(&["diff", "git:HEAD:deploy", "git:HEAD:deploy", "--files-only"]);
    assert!(same.code == 0 && same.out.contains("GW0011"), "what is not read is no difference: {same:?}");
    for arguments in [&["explain", "-f", "git:HEAD:deploy", "http://a.test/"][..], &["rbac", "--secrets-of", "git:HEAD:deploy"]] {
        let ran = folder.run(arguments);
        assert!(ran.code == 0 && ran.err.contains(said), "{ran:?}");
    }
}

#[test]
fn why_an_ingress_is_no_longer_served_is_told() {
    let folder = Folder::new(&[("old.yaml", &of_class("gatewright")), ("new.yaml", &of_class("elsewhere"))]);
    for (ran, title) in
        diffs(&folder, &["old.yaml", "new.yaml"]).iter().zip(["to be said of it, and not before:", "To be said of it, and not", "findings"])
    {
        let (_, findings) = ran.out.split_once(title).unwrap_or_else(|| panic!("{ran:?}"));
        assert!(ran.code == 1 && findings.contains("GW0805") && findings.contains("is not one that is served here"), "{ran:?}");
    }
    for [old, new] in [["new.yaml", "new.yaml"], ["new.yaml", "old.yaml"]] {
        let ran = folder.run(&["diff", old, new]);
        assert!(!ran.out.contains("GW0805"), "it was not served before: {ran:?}");
    }
}

#[test]
fn a_config_map_that_is_not_there_is_told() {
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: gatewright, namespace: shop}\n---\n";
    let text = of_class("gatewright");
    let folder = Folder::new(&[("none.yaml", &text), ("one.yaml", &(text.clone() + map))]);
    let missing = |severity: &str, file: &str, help: &str| {
        format!("{severity}: of {file}, the ConfigMap of --configmap does not exist; every setting has its default; {help}\n")
    };
    let note = missing("note", "none.yaml", "the input holds no ConfigMaps; add them, and more can be checked");
    let warning = missing("warning", "one.yaml", "shop/gatewright may be meant");
    let with = |arguments: &[&str], map: &str| folder.run(&[arguments, &["--configmap", map]].concat()).err;
    assert_eq!(with(&["diff", "none.yaml", "one.yaml"], "shop/gatewrigth"), note.clone() + &warning);
    assert_eq!(with(&["explain", "-f", "one.yaml", "http://a.test/"], "shop/gatewrigth"), warning);
    assert_eq!(with(&["explain", "-f", "none.yaml", "http://a.test/"], "shop/gatewright"), note);
    assert_eq!(with(&["diff", "one.yaml", "one.yaml"], "shop/gatewright"), "");
    let other = missing("warning", "one.yaml", "create it, or name another");
    assert_eq!(with(&["explain", "-f", "one.yaml", "http://a.test/"], "other/gatewright"), other);
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
    assert_eq!(said(&misspelt, &[]), ["note: gatewright may be meant"]);
    let annotated = ingress("front", "a.test", "/", "cart")
        .replace("namespace: shop}", "namespace: shop, annotations: {kubernetes.io/ingress.class: Gatewright}}");
    assert_eq!(said(&(annotated + &OWN.replace("name: gatewright", "name: other")), &[]), ["note: gatewright may be meant"]);
    let unlike = ["note: name an IngressClass of this controller, or give --ingress-class or --controller-class"];
    assert_eq!(said(&of_class("nginx"), &[]), unlike);
    let foreign = OWN.replace("name: gatewright", "name: gatewrigth").replace("gatewright.dev/ingress", "example.com/other");
    assert_eq!(said(&(misspelt + &foreign), &[]), unlike, "there is such a class");
}

#[test]
fn fields_that_nobody_knows_are_told_where_no_api_server_is() {
    let typo = ingress("front", "a.test", "/", "cart")
        .replace("namespace: shop}", "namespace: shop, annotation: {a: b}}")
        .replace("spec:\n", "spec:\n  backend: {serviceName: cart, servicePort: 80}\n");
    let folder = Folder::new(&[("in.yaml", &(typo + &service("cart")))]);
    let rendered = folder.run(&["render", "-f", "in.yaml", "-o", "out"]);
    assert_eq!((rendered.code, rendered.err.matches("GW0801").count()), (0, 2), "{rendered:?}");
    assert!(rendered.err.contains("write annotations") && rendered.err.contains("spec.backend"), "{rendered:?}");
    let explained = folder.run(&["explain", "http://a.test/", "-f", "in.yaml"]);
    assert_eq!((explained.code, explained.out.matches("GW0801").count()), (0, 2), "{explained:?}");
    assert_eq!(folder.run(&["lint", "in.yaml"]).out.matches("GW0801").count(), 2, "and nowhere twice");
}

#[test]
fn why_ingresses_are_left_out_is_told_truly() {
    let elsewhere = ingress("b", "b.test", "/", "cart").replace("namespace: shop", "namespace: other");
    let folder = Folder::new(&[("in.yaml", &(of_class("foreign") + &elsewhere))]);
    for arguments in [&["render", "-f", "in.yaml", "-o", "out"][..], &["explain", "http://a.test/", "-f", "in.yaml"]] {
        let ran = folder.run(&[arguments, &["--watch-namespace", "shop"]].concat());
        let said = |what: &str| ran.err.lines().any(|line| line.contains(&format!("Ingresses {what} are left out: 1; lint says which")));
        assert!(said("of other classes") && said("of namespaces that are not watched"), "{ran:?}");
    }
}

#[test]
fn ingresses_that_are_not_compared_are_in_every_report() {
    let class = OWN.replace("name: gatewright", "name: nginx").replace("gatewright.dev/ingress", "k8s.io/ingress-nginx");
    let old = of_class("nginx") + &class;
    let new = old.replace("a.test", "b.test");
    let folder = Folder::new(&[("old.yaml", &old), ("new.yaml", &new), ("own.yaml", &of_class("gatewright"))]);
    let told = "ot compared: 1 Ingress of other classes; --controller-class, ";
    let [text, comment, json] = diffs(&folder, &["old.yaml", "new.yaml"]);
    assert!(text.code == 0 && text.out.starts_with(&format!("no Ingress is compared\n\nn{told}")), "{text:?}");
    assert!(comment.out.starts_with(&format!("### Ingress changes\n\nNo Ingress is compared.\n\nN{told}")), "{comment:?}");
    let json = json.json();
    assert_eq!([&json["not_served"]["old"], &json["not_served"]["new"]].map(|side| &side["of_other_classes"]), [1, 1], "{json:#}");
    let taken = folder.run(&["diff", "old.yaml", "new.yaml", "--controller-class", "k8s.io/ingress-nginx"]);
    assert!(taken.code == 1 && taken.out.contains("host b.test: added") && !taken.out.contains("ot compared"), "{taken:?}");
    let elsewhere = folder.run(&["diff", "own.yaml", "own.yaml", "--watch-namespace", "other"]);
    assert!(elsewhere.out.contains("not compared: 1 Ingress of namespaces that are not watched; --watch-namespace"), "{elsewhere:?}");
    let other = ingress("other", "c.test", "/", "cart").replace("spec:\n", "spec:\n  ingressClassName: nginx\n");
    folder.write("some.yaml", of_class("gatewright") + &other);
    let some = folder.run(&["diff", "some.yaml", "some.yaml"]);
    assert!(some.out.starts_with(&format!("nothing changes\n\nn{told}")), "{some:?}");
}
