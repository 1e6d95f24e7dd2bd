//! `lint`: what it finds, how it says it, and what is an error.

use crate::world::{Folder, Ran, assert_sarif, assert_valid, ingress, of_repository, secret, service};
use serde_json::json;

const ODD: &str = "\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: odd
  namespace: shop
  annotations:
    nginx.ingress.kubernetes.io/ssl-redirect: yes
    nginx.ingress.kubernetes.io/proxy-read-timeout: 0600
spec:
  ingresClassName: x
  rules:
  - host: Odd.test
    http:
      paths:
      - path: /a%20b
        pathType: ImplementationSpecific
        backend: {service: {name: cart, port: {number: 80}}}
      - path: /c
        backend: {service: {name: cart, port: {number: 81}}}
";

fn linted(text: &str, arguments: &[&str]) -> Ran {
    let folder = Folder::new(&[("in.yaml", text)]);
    folder.run(&[&["lint", "in.yaml"], arguments].concat())
}

/// `line:column CODE severity`, in the order of the file.
fn said(text: &str, arguments: &[&str]) -> Vec<String> {
    let ran = linted(text, &[&["--format", "json"], arguments].concat());
    assert_eq!(linted(text, &[&["--format", "sarif"], arguments].concat()).code, ran.code, "the same as SARIF, which is looked at");
    let report = ran.json();
    assert_valid(&report, &of_repository("docs/schemas/lint.schema.json"));
    let one = |finding: &serde_json::Value| {
        let place = &finding["place"];
        let place = if place.is_null() { "-".to_owned() } else { format!("{}:{}", place["line"], place["column"]) };
        format!("{place} {} {}", finding["code"].as_str().unwrap(), finding["severity"].as_str().unwrap())
    };
    report["diagnostics"].as_array().unwrap().iter().map(one).collect()
}

#[test]
fn what_is_odd_as_it_is_written_is_found_where_it_stands() {
    let found = said(&(ODD.to_owned() + "---\n" + &service("cart")), &[]);
    for expected in [
        "7:47 GW0803 error",    // yes
        "8:53 GW0803 error",    // octal
        "10:3 GW0801 warning",  // ingresClassName
        "12:11 GW0802 error",   // upper case
        "15:15 GW0804 warning", // %20
        "18:9 GW0802 error",    // no pathType
    ] {
        assert!(found.iter().any(|one| one == expected), "{expected} is missing in {found:#?}");
    }
}

#[test]
fn values_that_are_no_text_are_all_found_in_one_go() {
    let found = said(&ODD.replace("yes", "true").replace("0600", "60"), &[]);
    let at = |place: &str| found.iter().filter(|one| one.starts_with(place)).cloned().collect::<Vec<_>>();
    assert_eq!((at("7:47"), at("8:53")), (vec!["7:47 GW0002 error".to_owned()], vec!["8:53 GW0002 error".to_owned()]), "{found:#?}");
}

#[test]
fn conflicts_and_deprecations_and_duplicates_are_found() {
    let old = "apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: old, namespace: shop}\nspec:\n  rules:\n  - host: a.test\n    http:\n      \
        paths:\n      - path: /\n        backend: {serviceName: cart, servicePort: 80}\n---\n";
    let twice = ingress("twice", "b.test", "/", "cart").replace("path: /\n", "path: /\n        path: /\n");
    let text = ingress("z", "a.test", "/", "cart") + old + &twice + &service("cart");
    let found = said(&text, &[]);
    for code in ["GW0004 warning", "GW0008 error", "GW0203 warning"] {
        assert!(found.iter().any(|one| one.ends_with(code)), "{code} is missing in {found:#?}");
    }
}

#[test]
fn wrong_and_expired_certificates_are_found() {
    let tls = |host: &str, secret: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: {secret}, namespace: shop}}\nspec:\n  tls: [{{hosts: [{host}], \
             secretName: {secret}}}]\n  rules: [{{host: {host}}}]\n---\n"
        )
    };
    let broken = "apiVersion: v1\nkind: Secret\nmetadata: {name: broken, namespace: shop}\ntype: kubernetes.io/tls\nstringData: {tls.crt: x, tls.key: y}\n---\n";
    let text = tls("a.test", "wrong") + &tls("b.test", "missing") + &tls("c.test", "broken") + broken + &secret("wrong", "other.test");
    let found = said(&text, &[]);
    for code in ["GW0404 warning", "GW0402 error", "GW0403 error"] {
        assert!(found.iter().any(|one| one.ends_with(code)), "{code} is missing in {found:#?}");
    }
}

#[test]
fn what_an_input_has_none_of_is_not_missed() {
    let tls = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: t, namespace: shop}\nspec:\n  tls: [{hosts: [a.test], secretName: s}]\n  \
        rules: [{host: a.test}]\n---\n";
    let alone = said(&(ingress("front", "a.test", "/", "cart") + tls), &[]);
    assert!(alone.iter().all(|one| one.ends_with("note")), "{alone:#?}");
    let key = "nginx.ingress.kubernetes.io";
    let named = format!(
        "namespace: shop, annotations: {{{key}/auth-type: basic, {key}/auth-secret: users, {key}/custom-headers: shop/headers, \
         {key}/default-backend: errors}}}}"
    );
    let guarded = ingress("front", "a.test", "/", "cart").replace("namespace: shop}", &named);
    let alone = said(&guarded, &[]);
    assert!(alone.iter().filter(|one| one.contains("GW0507") || one.contains("GW0508")).count() >= 2, "{alone:#?}");
    assert!(alone.iter().all(|one| one.ends_with("note")), "{alone:#?}");
    let others = said(&(guarded + &secret("other", "a.test") + "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n"), &[]);
    for code in ["GW0507", "GW0508"] {
        assert!(others.iter().any(|one| one.contains(code) && !one.ends_with("note")), "{code}: {others:#?}");
    }
    let without_pods = "apiVersion: v1\nkind: Service\nmetadata: {name: cart, namespace: shop}\nspec: {ports: [{port: 80}]}\n";
    let found = said(&(ingress("front", "a.test", "/", "cart") + without_pods), &[]);
    assert!(found.iter().all(|one| one.ends_with("note")), "Services of a folder have no endpoints: {found:#?}");
}

#[test]
fn secrets_of_a_folder_of_their_own_are_looked_at_in_place_of_others() {
    let tls = |secret: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: {secret}, namespace: shop}}\nspec:\n  tls: [{{hosts: \
             [{secret}.test], secretName: {secret}}}]\n  rules: [{{host: {secret}.test}}]\n---\n"
        )
    };
    let text = tls("there") + &tls("missing") + &secret("missing", "missing.test");
    let folder = Folder::new(&[("m/a.yaml", &text), ("s/shop/there/tls.crt", "x"), ("s/shop/there/tls.key", "y"), ("s/shop/stray", "")]);
    let ran = folder.run(&["lint", "-f", "m", "--secrets-from", "s"]);
    for part in [
        "error[GW0403]",
        "error[GW0402]: Secret shop/missing does not exist",
        "note[GW0007]: 1 Secret is left out: all Secrets are those of --secrets-from",
        "error[GW0001]: a file is in no folder of a Secret; put it into NAMESPACE/NAME\n--> s/shop/stray:1:1",
        "in 2 of 2 files",
    ] {
        assert!(ran.out.contains(part), "{part}: {ran:?}");
    }
    let ran = folder.run(&["lint", "-f", "m", "--secrets-from", "none"]);
    assert!(ran.code == 2 && ran.err.contains("could not read none"), "{ran:?}");
}

#[test]
fn an_ingress_of_another_class_is_said() {
    let class =
        "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: own}\nspec: {controller: gatewright.dev/ingress}\n---\n";
    let text = ingress("front", "a.test", "/", "cart").replace("spec:\n", "spec:\n  ingressClassName: other\n") + class + &service("cart");
    assert_eq!(said(&text, &[]), ["5:21 GW0805 note"]);
    assert_eq!(said(&text.replace("other", "own"), &[]), [""; 0]);
}

#[test]
fn excerpts_point_at_what_is_meant() {
    let ran = linted(ODD, &[]);
    assert_eq!(ran.code, 1);
    let excerpt = "  --> in.yaml:10:3\n   |\n10 |   ingresClassName: x\n   |   ^^^^^^^^^^^^^^^\n";
    assert!(ran.out.contains(excerpt), "{}", ran.out);
    assert!(ran.out.contains("help: write ingressClassName"), "{}", ran.out);
    assert!(!ran.out.contains('\u{1b}'), "a pipe gets no colours");
    assert!(linted(ODD, &["--color", "always"]).out.contains('\u{1b}'));
}

#[test]
fn what_is_said_of_a_directive_points_at_it() {
    let snippet = "    nginx.ingress.kubernetes.io/configuration-snippet: |\n      add_header A b;\n\n        foo_bar on;\n";
    let meta = format!("metadata:\n  namespace: shop\n  name: front\n  annotations:\n{snippet}");
    let text = ingress("front", "a.test", "/", "cart").replace("metadata: {name: front, namespace: shop}\n", &meta);
    let settings = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: main, namespace: shop}\ndata:\n  allow-snippet-annotations: 'true'\n  \
                    annotations-risk-level: Critical\n  location-snippet: |\n    expires 1h;\n    proxy_foo on;\n";
    let ran = linted(&(text.clone() + settings), &["--configmap=shop/main"]);
    assert!(ran.out.contains(":10:9\n   |\n10 |         foo_bar on;\n   |         ^^^^^^^"), "{}", ran.out);
    assert!(ran.out.contains("|     proxy_foo on;\n   |     ^^^^^^^^^"), "{}", ran.out);
    for written in ["add_header A b; foo_bar on;", "'add_header A \"b\"; foo_bar on;'", "\"add_header A b;\\nfoo_bar on;\""] {
        let line = format!("    nginx.ingress.kubernetes.io/configuration-snippet: {written}");
        let ran = linted(&(text.replace(snippet, &format!("{line}\n")) + settings), &["--configmap=shop/main"]);
        let carets = format!("| {line}\n  | {}{}\n", " ".repeat(line.find("foo_bar").unwrap()), "^".repeat("foo_bar on;".len()));
        assert!(ran.out.contains(&carets), "{}", ran.out);
    }
}

#[test]
fn in_a_line_that_is_long_findings_have_their_own_places() {
    let text = format!(
        r#"{{"apiVersion": "v1", "kind": "Service", "metadata": {{"name": "cart", "annotations": {{"a": "{}"}}}}, "spec": {{"type": "Foo"}}}}"#,
        "x".repeat(2000)
    );
    let column = text.find("\"Foo").unwrap() + 1;
    let ran = linted(&text, &[]);
    let (_, told) = ran.out.split_once(&format!("--> in.yaml:1:{column}\n")).unwrap_or_else(|| panic!("{ran:?}"));
    assert!(told.contains(r#""type": "Foo""#) && told.contains(" ^^^^^\n"), "{told}");
    let ran = linted(&text, &["--format", "github"]);
    assert!(ran.out.contains(&format!("col={column},endColumn={},", column + 5)), "{ran:?}");
}

#[test]
fn text_of_files_reaches_no_terminal_as_it_is() {
    let folder = Folder::new(&[]);
    folder.write("in.yaml", "kind: Ingress\napiVersion: networking.k8s.io/v1\nmetadata: {name: \"a\u{202e}\u{9b}31m\"}\n");
    let ran = folder.run(&["lint", "in.yaml"]);
    assert!(ran.code == 1 && !ran.out.contains(['\u{202e}', '\u{9b}']), "{ran:?}");
}

#[test]
fn codes_are_denied_and_allowed() {
    let text = ingress("a", "a.test", "/", "cart") + &ingress("z", "a.test", "/", "cart") + &service("cart");
    assert_eq!(linted(&text, &[]).code, 0);
    assert_eq!(linted(&text, &["--deny", "GW0203"]).code, 1);
    assert_eq!(linted(&text, &["--deny", "warnings"]).code, 1);
    assert_eq!(linted(&text, &["--deny", "GW0203", "--allow", "GW0203"]).code, 1);
    let help = linted(&text, &["--help"]).out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains("Codes that are errors, even if allowed: GW0203, all that begin with GW02, `warnings` or `notes`"), "{help}");
    assert_eq!(linted(ODD, &["--allow", "GW08,GW05", "--allow", "GW0002"]).code, 0);
    assert!(said(ODD, &["--allow", "GW08"]).iter().all(|one| !one.contains("GW08")));
    let wrong = linted(&text, &["--deny", "GW9999", "--format", "xml"]);
    assert!(wrong.code == 2 && wrong.err.contains("--deny") && wrong.err.contains("--format"), "{wrong:?}");
}

#[test]
fn a_code_is_explained() {
    let folder = Folder::new(&[]);
    let ran = folder.run(&["lint", "--explain", "GW0203"]);
    assert!(ran.code == 0 && ran.out.starts_with("GW0203 (warning)\n    Host and path are already served"), "{ran:?}");
    assert!(folder.run(&["lint", "--explain", "all"]).out.lines().filter(|line| line.starts_with("GW")).count() > 40);
    assert_eq!(folder.run(&["lint", "--explain", "GW9"]).code, 2);
    let told = folder.run(&["lint", "--explain", "GW0203", "--format", "json"]).json();
    assert!(told["codes"][0]["code"] == "GW0203" && told["codes"][0]["severity"] == "warning", "{told}");
}

#[test]
fn sarif_is_what_its_schema_says() {
    let folder = Folder::new(&[("in.yaml", ODD), ("b b.yaml", "a: [")]);
    let ran = folder.run(&["lint", ".", "--format", "sarif"]);
    let report = ran.json();
    let results = report["runs"][0]["results"].as_array().unwrap();
    let rules = report["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
    }
    let uris: Vec<_> = results.iter().map(|r| r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap()).collect();
    assert!(uris.contains(&"b%20b.yaml") && uris.contains(&"in.yaml"), "{uris:?}");
    let unknown = results.iter().find(|result| result["ruleId"] == "GW0801").unwrap();
    let region = &unknown["locations"][0]["physicalLocation"]["region"];
    assert_eq!((region["startLine"].as_u64(), region["startColumn"].as_u64(), region["endColumn"].as_u64()), (Some(10), Some(3), Some(18)));
}

#[test]
fn whatever_is_found_sarif_is_what_its_schema_says() {
    let golden = of_repository("controller/tests/golden");
    let examples = of_repository("deploy/examples");
    let folder = Folder::new(&[("own.yaml", ODD), ("in/%5B [a]:?#.yaml", ODD), ("in/empty.yaml", ""), ("in/binary.yaml", "\0\u{7}")]);
    folder.git(&["init", "-q"]);
    folder.git(&["add", "-A"]);
    folder.git(&["commit", "-q", "-m", "one"]);
    for input in [golden.to_str().unwrap(), examples.to_str().unwrap(), "own.yaml", "in", "./in", "git:HEAD", "git:HEAD:in"] {
        let report = folder.run(&["lint", input, "--format", "sarif"]).json();
        assert!(!report["runs"][0]["results"].as_array().unwrap().is_empty(), "{input}");
    }
    assert_eq!(folder.run_with(&["lint", "-", "--format", "sarif"], ODD.as_bytes()).code, 1);
}

#[test]
fn what_is_in_no_file_is_in_the_input_for_code_scanning() {
    let other = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: app}\n";
    let folder = Folder::new(&[("k8s/other.yaml", other), ("k8s/in.yaml", ODD)]);
    for (input, uri) in [("k8s", "k8s"), ("./k8s/", "k8s/"), (".", "."), ("-", "-")] {
        let flags = ["lint", input, "--configmap=shop/none", "--format", "sarif"];
        let report = folder.run_with(&flags, format!("{other}---\n{ODD}").as_bytes()).json();
        let results = report["runs"][0]["results"].as_array().unwrap();
        let kinds = results.iter().find(|result| result["ruleId"] == "GW0007").unwrap();
        assert_eq!(kinds["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], uri);
    }
}

#[test]
fn a_report_that_is_no_sarif_is_refused() {
    for (part, wrong) in [
        ("/runs/0/results/0/level", json!("fatal")),
        ("/runs/0/results/0/locations/0/physicalLocation/region/startLine", json!(0)),
        ("/runs/0/results/0/locations/0/physicalLocation/artifactLocation/uri", json!("a b.yaml")),
        ("/runs/0/tool/driver/rules/0/help", json!("text")),
    ] {
        let mut report = linted(ODD, &["--format", "sarif"]).json();
        *report.pointer_mut(part).unwrap() = wrong;
        assert!(std::panic::catch_unwind(|| assert_sarif(&report.to_string())).is_err(), "{part}");
    }
}

#[test]
fn workflow_commands_name_file_and_line() {
    let ran = linted(ODD, &["--format", "github"]);
    assert_eq!(ran.code, 1);
    let line = ran.out.lines().find(|line| line.contains("GW0804")).unwrap();
    assert!(
        line.starts_with("::warning file=in.yaml,line=15,col=15,endColumn=21,title=GW0804::path \"/a%2520b\" is never reached"),
        "{line}"
    );
    assert!(ran.out.lines().all(|line| line.starts_with("::")), "{}", ran.out);
}

#[test]
fn each_of_many_findings_of_one_file_is_told_at_its_line() {
    const PATHS: usize = 2_000;
    const HEAD: &str = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: a, namespace: shop}\nspec:\n  rules:\n  - host: a.test\n    \
                        http:\n      paths:\n";
    let many: String = (0..PATHS)
        .map(|n| format!("      - {{path: /p{n}, pathType: Prefix, backend: {{service: {{name: gone, port: {{number: 80}}}}}}}}\n"))
        .collect();
    let folder = Folder::new(&[("in.yaml", &format!("{HEAD}{many}---\n{}", service("cart")))]);
    let ran = folder.run(&["lint", "in.yaml", "--format", "json"]);
    assert_eq!(ran.code, 1);
    let told: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let findings = told["diagnostics"].as_array().unwrap().iter().filter(|finding| finding["code"] == "GW0303");
    let lines: Vec<_> = findings.map(|finding| finding["place"]["line"].as_u64().unwrap()).collect();
    let first = HEAD.lines().count() + 1;
    assert_eq!(lines, (first..first + PATHS).map(|line| line as u64).collect::<Vec<_>>());
}

#[test]
fn files_for_other_programs_in_a_folder_are_passed_over() {
    let folder = Folder::new(&[
        ("in/a.yaml", &(ingress("front", "a.test", "/", "cart") + &service("cart"))),
        ("in/package.json", r#"{"name": "x", "version": "1"}"#),
        ("in/list.json", "[1, 2]"),
        ("in/docker-compose.yml", "services: {a: {image: b}}\n"),
        ("in/chart/Chart.yaml", "name: a\nversion: 1\n"),
        ("in/tsconfig.json", "{\n  // why\n  \"a\": 1,\n}\n"),
    ]);
    let ran = folder.run(&["lint", "in"]);
    assert!(ran.code == 0 && ran.out.contains("note[GW0007]") && ran.out.contains("3 without apiVersion and kind"), "{ran:?}");
    assert!(ran.out.contains("warning[GW0001]") && ran.out.contains("tsconfig.json:3:"), "{ran:?}");
    folder.git(&["init", "-q"]);
    folder.git(&["add", "-A"]);
    folder.git(&["commit", "-q", "-m", "one"]);
    assert_eq!(folder.run(&["lint", "git:HEAD"]).code, 0);
    for named in ["in/package.json", "in/list.json", "in/tsconfig.json", "git:HEAD:in/package.json"] {
        let ran = folder.run(&["lint", named]);
        assert!(ran.code == 1 && ran.out.contains("error[GW000"), "{named}: {ran:?}");
    }
    assert_eq!(folder.run_with(&["lint", "-"], b"a: 1\n").code, 1);
    folder.write("in/b.yaml", "kind: Service\nmetadata: {name: b}\n");
    folder.write("in/c.yaml", "apiVersion: v1\nkind: [");
    let ran = folder.run(&["lint", "in"]);
    assert!(ran.code == 1 && ran.out.contains("the object has no apiVersion") && ran.out.contains("error[GW0001]"), "{ran:?}");
}

#[test]
fn merge_keys_mean_what_they_mean_for_kubectl() {
    let text = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: networking.k8s.io/v1\n  kind: Ingress\n  metadata: {name: a, namespace: shop}\n  spec:\n    \
                rules:\n    - &rule\n      host: a.test\n      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: cart, port: {number: 80}}}}]}\n    \
                - <<: *rule\n      host: b.test\n    - host: c.test\n      <<: [{host: d.test}, *rule]\n";
    let folder = Folder::new(&[("in.yaml", &(text.to_owned() + "---\n" + &service("cart")))]);
    let ran = folder.run(&["lint", "in.yaml"]);
    assert!(ran.code == 0 && ran.out.contains("0 errors, 0 warnings"), "{ran:?}");
    for host in ["a.test", "b.test", "c.test"] {
        assert_eq!(folder.run(&["explain", &format!("http://{host}/"), "-f", "in.yaml"]).code, 0, "{host}");
    }
    assert_eq!(folder.run(&["explain", "http://d.test/", "-f", "in.yaml"]).code, 1);
}

#[test]
fn certificates_that_clients_refuse_are_told() {
    const YEAR_S: u64 = 365 * 86_400;
    let now = std::time::SystemTime::now();
    let at = |years: i64| {
        let shift = std::time::Duration::from_secs(YEAR_S * years.unsigned_abs());
        if years < 0 { now - shift } else { now + shift }
    };
    let lint = |from: i64, until: i64, names: Vec<String>| {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(names).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, "a.test");
        (params.not_before, params.not_after) = (at(from).into(), at(until).into());
        let certificate = params.self_signed(&key).unwrap();
        let block = |pem: &str| pem.lines().map(|line| format!("    {line}\n")).collect::<String>();
        let secret = format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: pair, namespace: shop}}\ntype: kubernetes.io/tls\nstringData:\n  tls.crt: |\n{}  tls.key: |\n{}---\n",
            block(&certificate.pem()),
            block(&key.serialize_pem())
        );
        let tls = ingress("front", "a.test", "/", "cart").replace("spec:\n", "spec:\n  tls: [{hosts: [a.test], secretName: pair}]\n");
        Folder::new(&[("in.yaml", &(tls + &service("cart") + &secret))]).run(&["lint", "in.yaml"])
    };
    let named = || vec!["a.test".to_owned()];
    for (from, until, names, said) in [
        (-2, -1, named(), "warning[GW0405]: the certificate in Secret shop/pair is expired"),
        (1, 2, named(), "warning[GW0405]: the certificate in Secret shop/pair is not valid yet"),
        (-1, 1, Vec::new(), "warning[GW0404]: the certificate in Secret shop/pair names its hosts in the common name alone"),
    ] {
        let ran = lint(from, until, names);
        assert!(ran.code == 0 && ran.out.contains(said) && ran.out.contains("0 errors, 1 warning,"), "{said}: {ran:?}");
    }
    let good = lint(-1, 1, named());
    assert!(good.out.contains("0 errors, 0 warnings,"), "{good:?}");
}

#[test]
fn what_a_link_out_of_the_folder_leads_to_is_not_shown() {
    let folder = Folder::new(&[("token", "secret-token: [kind\n"), ("in/own.yaml", "own-text: [kind\n")]);
    std::os::unix::fs::symlink("../token", folder.path().join("in/link.yaml")).unwrap();
    std::os::unix::fs::symlink("own.yaml", folder.path().join("in/within.yaml")).unwrap();
    for format in ["text", "json", "sarif", "github"] {
        let ran = folder.run(&["lint", "in", "--format", format]);
        assert!(ran.code == 1 && ran.out.contains("link.yaml") && !ran.out.contains("secret-token"), "{format}: {ran:?}");
    }
    assert!(folder.run(&["lint", "in"]).out.contains("own-text"));
}

#[test]
fn a_prefix_that_is_two_expressions_is_told_of_once_and_only_if_neither_is_reached() {
    let input = |expression: &str| {
        let ingress = |name: &str, annotations: &str, path: &str| {
            format!(
                "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: {name}, namespace: shop, annotations: {{{annotations}}}}}\n\
                 spec: {{rules: [{{host: a.test, http: {{paths: [{{path: '{path}', pathType: ImplementationSpecific, backend: \
                 {{service: {{name: gone, port: {{number: 80}}}}}}}}]}}}}]}}\n---\n"
            )
        };
        let asks = "nginx.ingress.kubernetes.io/use-regex: 'true'";
        ingress("plain", "", "/abc") + &ingress("asking", asks, expression)
    };
    // `/abc/` is first, then this, then `/abc`.
    assert!(!linted(&input("/a.*?"), &[]).out.contains("never reached"));
    let out = linted(&input("/a.*.*"), &[]).out;
    assert_eq!(out.matches("path /abc is never reached").count(), 1, "{out}");
}

#[test]
fn an_empty_spec_is_told_once() {
    for spec in ["spec: {}\n", ""] {
        let text = format!("apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: e, namespace: shop}}\n{spec}");
        let found = said(&text, &["--allow", "notes"]);
        assert!(found.len() == 1 && found[0].ends_with("GW0802 error"), "{spec}: {found:#?}");
    }
}

#[test]
fn what_helm_would_fill_in_is_hinted_at_within_quotes_too() {
    for host in ["\"{{ .Values.host }}\"", "'{{.Values.host}}'", "\"web.{{- .Values.zone }}\""] {
        let ran = Folder::new(&[("in.yaml", &ingress("web", host, "/", "s"))]).run(&["lint", "in.yaml", "--allow", "notes"]);
        assert!(ran.code == 1 && ran.out.contains("GW0201") && ran.out.contains("helm template CHART | gatewright lint -f -"), "{ran:?}");
    }
}
