//! What is told before anything is started: paths that are wrong, programs that are missing, inputs that hold nothing.

use crate::world::Folder;

#[test]
fn paths_that_are_wrong_are_told_all_at_once() {
    let folder = Folder::new(&[("state", "a file")]);
    let run = ["run", "--proxy-binary", "/nowhere/nginx", "--templates", "no-templates", "--manifests", "no-manifests"];
    let ran = folder.run(&[&run[..], &["--state-dir", "state", "--log-format", "text"]].concat());
    assert_eq!(ran.code, 2, "{ran:?}");
    for part in [
        "--proxy-binary /nowhere/nginx: there is no such program",
        "--templates no-templates: could not read the templates",
        "--manifests no-manifests: it does not exist; create it, or give another folder",
        "--state-dir state: this is not a folder",
    ] {
        assert!(ran.err.contains(part), "{part}: {}", ran.err);
    }
    assert!(!ran.err.contains('\u{1b}'), "colours are for terminals: {:?}", ran.err);
}

/// nginx takes a path in `include` for a pattern: of two folders with alike names, one would serve the files of the other.
#[test]
fn a_state_folder_that_cannot_be_one_is_told() {
    let folder = Folder::new(&[("manifests/.hidden/empty", ""), ("manifests/shown/empty", ""), ("no-proxy", "")]);
    std::os::unix::fs::symlink("manifests/shown", folder.path().join("link")).unwrap();
    let told = |state: &str| {
        let run = ["run", "--proxy-binary", "./no-proxy", "--manifests", "./manifests/", "--log-format", "text", "--state-dir", state];
        let ran = folder.run(&run);
        assert!(ran.code == 2 && ran.err.contains("--proxy-binary ./no-proxy"), "both are told: {ran:?}");
        ran.err.lines().find(|line| line.contains("--state-dir")).map(str::to_owned)
    };
    for (state, why) in [
        ("a*b", "--state-dir a*b: its path has '*', and a proxy would read the files of others"),
        ("a/what?/b", "its path has '?'"),
        ("[a]", "its path has '['"),
        ("a\nb", "--state-dir \"a\\u{a}b\": its path has '\\n'"),
        ("manifests", "it is in the folder of --manifests"),
        ("manifests/new/state", "it is in the folder of --manifests"),
        ("link/state", "it is in the folder of --manifests"),
    ] {
        assert!(told(state).is_some_and(|line| line.contains(why)), "{state:?}: {:?}", told(state));
    }
    for good in ["state", "manifests/.hidden/state", "manifests-state", "a $b;{c} \"d\""] {
        assert_eq!(told(good), None, "{good}");
    }
}

/// A folder is told with all else that is wrong, and what is made to find that out does not stay.
#[test]
fn a_state_folder_that_cannot_be_made_is_told_with_wrong_flags() {
    let folder = Folder::new(&[("manifests/empty", ""), ("file", "")]);
    let told = |state: &str| {
        let ran =
            folder.run(&["run", "--manifests", "manifests", "--state-dir", state, "--watch-namespace", "A b", "--log-format", "text"]);
        assert!(ran.code == 2 && ran.err.contains("--watch-namespace: \"A b\" is not a namespace name"), "{ran:?}");
        ran.err.lines().find(|line| line.contains("--state-dir")).map(str::to_owned)
    };
    for bad in ["/proc/x", "/proc/x/y", "file/x"] {
        assert!(told(bad).is_some_and(|line| line.contains(&format!("--state-dir {bad}: it cannot be made: "))), "{:?}", told(bad));
    }
    assert!(told("/proc/sys").is_none_or(|line| line.contains("nothing can be written there")), "{:?}", told("/proc/sys"));
    assert_eq!(told("a/b/c"), None);
    assert!(!folder.path().join("a").exists());
}

#[test]
fn the_way_to_the_cluster_is_looked_at_with_all_else() {
    let folder = Folder::new(&[("config", "")]);
    let run = ["run", "--proxy-binary", "/nowhere/nginx", "--kubeconfig", "no-config", "--apiserver-host", "http://127.0.0.1:1"];
    let ran = folder.run(&[&run[..], &["--certificate-authority", "no-ca", "--state-dir", "state", "--log-format", "text"]].concat());
    assert_eq!(ran.code, 2, "{ran:?}");
    for part in
        ["--proxy-binary /nowhere/nginx", "--kubeconfig no-config: it does not exist", "--certificate-authority no-ca: it does not exist"]
    {
        assert!(ran.err.contains(part), "{part}: {}", ran.err);
    }
    assert!(!ran.err.contains("started"), "before anything is started: {}", ran.err);
}

#[test]
fn a_file_is_no_folder_of_manifests() {
    let folder = Folder::new(&[("a.yaml", ""), ("proxy", "")]);
    let ran = folder.run(&["run", "--proxy-binary", "./proxy", "--manifests", "a.yaml", "--state-dir", "state", "--log-format", "text"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("--manifests a.yaml: this is not a folder"), "{}", ran.err);
    assert!(ran.err.contains("--proxy-binary ./proxy: the file may not be executed"), "{}", ran.err);
}

#[test]
fn a_supervisor_without_its_program_says_so_and_ends() {
    let folder = Folder::new(&[]);
    let ran = folder.run(&["supervise", "--state-dir", "state", "--", "/nowhere/nginx"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("/nowhere/nginx: there is no such program"), "{}", ran.err);
}

#[test]
fn a_supervisor_whose_program_is_no_proxy_says_so_before_it_waits() {
    use std::io::BufRead;
    let folder = Folder::new(&[("state/empty", "")]);
    let mut command = folder.command(&["supervise", "--state-dir", "state", "--", "/bin/false"]);
    let mut child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
    let lines = std::io::BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let told: Vec<_> = lines.take_while(|line| !line.contains("waiting for the controller to publish")).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(told.iter().any(|line| line.contains("exit status: 1") && line.contains("/bin/false")), "{told:?}");
}

#[test]
fn a_proxy_that_is_too_old_is_refused_with_the_version_found_and_the_one_wanted() {
    for (kind, says, told) in [
        ("nginx", "nginx version: nginx/1.18.0", "nginx 1.18.0 is too old; use one from 1.22.1 on"),
        ("haproxy", "HAProxy version 2.4.22 2023/02/14", "haproxy 2.4.22 is too old; use one from 2.6.0 on"),
    ] {
        let folder = Folder::new(&[("proxy", &*format!("#!/bin/sh\necho '{says}'\n")), ("manifests/empty", ""), ("other/empty", "")]);
        let program = folder.path().join("proxy");
        std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let program = program.to_str().unwrap();
        let run = ["run", "--proxy", kind, "--proxy-binary", program, "--manifests", "manifests", "--state-dir", "state"];
        let ran = folder.run(&[&run[..], &["--log-format", "text"]].concat());
        assert!(ran.code == 2 && ran.err.contains(&format!("--proxy-binary {program}: {told}")), "{ran:?}");
        let ran = folder.run(&["supervise", "--proxy", kind, "--state-dir", "other", "--", program]);
        assert!(ran.code == 2 && ran.err.contains(told), "{ran:?}");
    }
}

#[test]
fn an_input_without_manifests_is_told() {
    let folder = Folder::new(&[("empty/notes.txt", ""), ("only-comments.yaml", "# nothing\n")]);
    for input in ["empty", "only-comments.yaml"] {
        let rendered = folder.run(&["render", "-f", input]);
        assert!(rendered.code == 0 && rendered.err.contains(&format!("GW0009]: {input} holds no manifest")), "{rendered:?}");
        let linted = folder.run(&["lint", input]);
        assert!(linted.code == 0 && linted.out.contains(&format!("{input} holds no manifest")), "{linted:?}");
    }
}

#[test]
fn a_prefix_that_no_annotation_has_is_told() {
    let folder = Folder::new(&[("in.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n")]);
    for prefix in ["nginx.ingress.kubernetes.io/", "", "x y{", "Nginx.example"] {
        let ran = folder.run(&["render", "-f", "in.yaml", "--annotations-prefix", prefix, "--controller-class", ""]);
        assert!(ran.code == 2 && ran.err.contains("--annotations-prefix") && ran.err.contains("--controller-class"), "{ran:?}");
    }
    assert_eq!(folder.run(&["render", "-f", "in.yaml", "--annotations-prefix", "custom.example"]).code, 0);
}

#[test]
fn a_controller_that_no_class_can_have_is_told() {
    let folder = Folder::new(&[("in.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n")]);
    let with = |class: &str| folder.run(&["render", "-f", "in.yaml", "--controller-class", class]);
    for bad in ["", "a b", " a.test/x", "a.test/x y", "a.test", "a.test/", "/x", "A.test/x", "a.test/x\n"] {
        let ran = with(bad);
        assert!(ran.code == 2 && ran.err.contains("--controller-class: ") && ran.err.contains("; use one such as "), "{bad:?}: {ran:?}");
    }
    for good in ["k8s.io/ingress-nginx", "a.test/x/y_z", "a/b"] {
        assert_eq!(with(good).code, 0, "{good}");
    }
}

#[test]
fn files_beside_templates_that_are_not_read_are_told() {
    let folder = Folder::new(&[("t/log", ""), ("t/.hidden", ""), ("in/a.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n")]);
    let ran = folder.run(&["render", "-f", "in", "--templates", "t"]);
    assert!(ran.code == 0 && ran.err.contains("warning: log in t is not a template"), "{ran:?}");
    assert!(!ran.err.contains("hidden") && !ran.err.contains("GW0009"), "{}", ran.err);
}

#[test]
fn missing_arguments_are_named() {
    let ran = Folder::new(&[]).run(&["render"]);
    assert!(ran.code == 2 && ran.err.starts_with("error: --filename <INPUT> has to be given"), "{ran:?}");
}

#[test]
fn settings_in_a_document_that_cannot_be_parsed_close_what_they_are_for() {
    let ingress = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: a}\nspec:\n  rules:\n  - host: a.test\n    \
        http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: s, port: {number: 80}}}}]}\n---\napiVersion: v1\n\
        kind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 80}], externalIPs: [192.0.2.1]}\n";
    let settings = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  whitelist-source-range: 10.0.0.0/8\n";
    let folder =
        Folder::new(&[("a.yaml", ingress), ("good.yaml", settings), ("bad.yaml", &(settings.to_owned() + "  use-gzip: \"true\n"))]);
    let render = |file: &str| folder.run(&["render", "-f", "a.yaml", "-f", file, "--configmap", "default/c"]);
    let (good, bad) = (render("good.yaml"), render("bad.yaml"));
    assert!(good.out.contains("proxy_pass") && good.out.contains("10.0.0.0/8"), "{}", good.err);
    assert!(!bad.out.contains("proxy_pass") && bad.out.contains("server_name a.test;"), "{}", bad.err);
    assert!(bad.err.contains("error[GW0001]") && bad.err.contains("in ConfigMap default/c"), "{}", bad.err);
}

#[test]
fn a_wrong_type_costs_its_own_path_and_is_told_where_it_stands() {
    let manifest = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: a\n  annotations:\n    \
        nginx.ingress.kubernetes.io/whitelist-source-range: 10\nspec:\n  rules:\n  - host: a.test\n    http: {paths: [{path: /, \
        pathType: Prefix, backend: {service: {name: s, port: {number: \"80\"}}}}]}\n  - host: b.test\n    http: {paths: [{path: /, \
        pathType: Prefix, backend: {service: {name: s, port: {number: 80}}}}]}\n";
    let ran = Folder::new(&[("a.yaml", manifest)]).run(&["render", "-f", "a.yaml"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(ran.out.contains("server_name b.test;") && !ran.out.contains("proxy_pass"), "a protection that cannot be read closes");
    for part in [
        "a.yaml:6:57: error[GW0002]: 10 is a number, where a text belongs",
        "metadata.annotations[nginx.ingress.kubernetes.io/whitelist-source-range] (route answers 503)",
        "a.yaml:10:92: error[GW0002]: \"80\" is a text, where a whole number belongs",
        "spec.rules[0].http.paths[0].backend.service.port.number (path left out)\n    help: write 80 without quotes",
    ] {
        assert!(ran.err.contains(part), "{part}: {}", ran.err);
    }
    assert!(!ran.err.contains("GW0501"), "one finding says it: {}", ran.err);
}
