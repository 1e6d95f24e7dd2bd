//! Slips of whoever types a command: said, and not taken for something that was meant.

use crate::world::{Folder, ingress, service};
use std::os::unix::fs::{PermissionsExt, symlink};

fn good() -> String {
    ingress("front", "a.test", "/", "cart") + &service("cart")
}

/// The offline commands with an input, and what they read it for.
const COMMANDS: [&[&str]; 4] =
    [&["lint", "in"], &["render", "-f", "in"], &["diff", "in", "in"], &["explain", "http://a.test/", "-f", "in"]];

#[test]
fn paths_that_flags_name_are_there_or_missed_by_every_command() {
    let folder = Folder::new(&[("in/a.yaml", &good()), ("plain", "#!/bin/sh\n"), ("mute", "#!/bin/sh\nexit 0\n")]);
    std::fs::set_permissions(folder.path().join("mute"), std::fs::Permissions::from_mode(0o755)).unwrap();
    folder.write("teller", "#!/bin/sh\necho nginx version: nginx/1.28.0 >&2\n");
    std::fs::set_permissions(folder.path().join("teller"), std::fs::Permissions::from_mode(0o755)).unwrap();
    for command in COMMANDS {
        for (flags, said) in [
            (&["--templates", "nope"][..], "error: --templates nope: "),
            (&["--proxy-binary", "/nope"], "error: --proxy-binary /nope: there is no such program\n"),
            (&["--proxy-binary", "./plain"], "error: --proxy-binary ./plain: the file may not be executed\n"),
            (&["--proxy-binary", "/nope", "--proxy-version", "1.28"], "error: --proxy-binary /nope: there is no such program\n"),
            (&["--proxy-binary", "./mute"], "error: --proxy-binary ./mute: it does not tell which version of nginx it is"),
        ] {
            let ran = folder.run(&[command, flags].concat());
            assert!(ran.code == 2 && ran.err.starts_with(said) && ran.out.is_empty(), "{command:?}: {ran:?}");
        }
        for flags in [&["--proxy-binary", "./mute", "--proxy-version", "1.28"][..], &["--proxy-binary", "./teller"]] {
            let ran = folder.run(&[command, flags].concat());
            assert!(ran.code == 0, "{command:?}: {ran:?}");
        }
    }
    // It is on another machine.
    let ran = folder.run(&["rbac", "--secrets-of", "in", "--proxy-binary", "/nope", "--templates", "nope"]);
    assert!(ran.code == 0 && ran.err.is_empty(), "{ran:?}");
}

#[test]
fn blanks_beside_the_commas_of_a_list_are_no_part_of_it() {
    let folder = Folder::new(&[("a.yaml", &good())]);
    let same = |one: &[&str], other: &[&str]| {
        let [one, other] = [one, other].map(|arguments| folder.run(arguments));
        assert!(one.code == 0 && one.out == other.out && !one.out.is_empty(), "{one:?}\n{other:?}");
    };
    same(&["rbac", "--secrets-in", "a, b"], &["rbac", "--secrets-in", "a,b"]);
    same(&["rbac", "--in-namespaces", " a , b "], &["rbac", "--in-namespaces", "a,b"]);
    same(&["admission-policy", "--ingress-class", "a, b"], &["admission-policy", "--ingress-class", "a,b"]);
    same(&["lint", "a.yaml", "--allow", "GW01, GW02"], &["lint", "a.yaml", "--allow", "GW01,GW02"]);
    for empty in ["", "a,", "a, ,b"] {
        let ran = folder.run(&["rbac", "--secrets-in", empty]);
        assert!(ran.code == 2 && ran.err.contains("--secrets-in: \"\" is not a namespace name"), "nothing is not everything: {ran:?}");
    }
}

#[test]
fn a_link_that_leads_nowhere_is_told_and_the_rest_is_read() {
    let folder = Folder::new(&[("in/a.yaml", &good())]);
    for (target, link) in
        [("gone", "in/b.yaml"), ("../gone", "in/base"), ("loop.yaml", "in/loop.yaml"), ("gone", "in/read.me"), ("gone", "in/.c.yaml")]
    {
        symlink(target, folder.path().join(link)).unwrap();
    }
    folder.git(&["init", "-q"]);
    folder.git(&["add", "-A"]);
    folder.git(&["commit", "-q", "-m", "one"]);
    for (input, name) in [("in", "in"), ("./in", "in"), ("git:HEAD:in", "git:HEAD:in")] {
        let ran = folder.run(&["lint", input]);
        assert!(ran.code == 0 && ran.out.contains("0 errors, 3 warnings,"), "{ran:?}");
        for link in ["b.yaml", "base", "loop.yaml"] {
            assert!(ran.out.contains(&format!("warning[GW0001]: the link leads nowhere\n--> {name}/{link}:1:1")), "{link}: {ran:?}");
        }
        let ran = folder.run(&["render", "-f", input]);
        assert!(
            ran.code == 0 && ran.out.contains("server_name a.test;") && ran.err.matches("the link leads nowhere").count() == 3,
            "{ran:?}"
        );
        let ran = folder.run(&["explain", "http://a.test/", "-f", input]);
        assert!(ran.code == 0 && ran.err.contains("3 documents or objects are left out"), "{ran:?}");
    }
}

#[test]
fn a_misspelt_api_group_is_told_with_the_one_that_may_be_meant() {
    let misspelt = |group: &str| good().replacen("networking.k8s.io/v1", group, 1);
    for group in ["networking.k8s.i/v1", "network.k8s.io/v1", "networking.k8s.io.v1", "networking/v1", "networking.kubernetes.io/v1", "v1"]
    {
        let ran = Folder::new(&[("in.yaml", &misspelt(group))]).run(&["lint", "in.yaml"]);
        assert!(ran.code == 1, "{group}: {ran:?}");
        assert!(ran.out.contains(&format!("error[GW0002]: apiVersion \"{group}\" is not known")), "{group}: {ran:?}");
        assert!(ran.out.contains("help: write apiVersion: networking.k8s.io/v1 and kind: Ingress"), "{group}: {ran:?}");
    }
    for foreign in ["networking.internal.knative.dev/v1", "config.openshift.io/v1", "networking.istio.io/v1"] {
        let ran = Folder::new(&[("in.yaml", &misspelt(foreign))]).run(&["lint", "in.yaml"]);
        assert!(ran.code == 0 && ran.out.contains("note[GW0007]"), "{foreign} has an Ingress of its own: {ran:?}");
    }
}

#[test]
fn a_revision_that_is_a_file_is_told_to_be_one() {
    let folder = Folder::new(&[("a.yaml", &good())]);
    folder.git(&["init", "-q"]);
    folder.git(&["add", "-A"]);
    folder.git(&["commit", "-q", "-m", "one"]);
    folder.git(&["tag", "file", "HEAD:a.yaml"]);
    let ran = folder.run(&["lint", "git:file"]);
    assert_eq!(
        (ran.code, &*ran.err),
        (2, "error: git:file cannot be read: it names a file, and not the revision that it is in; give git:REV:PATH\n")
    );
}

#[test]
fn a_path_in_a_submodule_is_no_path_that_is_not_there() {
    let folder = Folder::new(&[("deploy/a.yaml", &good())]);
    folder.git(&["init", "-q"]);
    folder.git(&["add", "-A"]);
    folder.git(&["update-index", "--add", "--cacheinfo", "160000,4b825dc642cb6eb9a060e54bf8d69288fbee4904,deploy/sub"]);
    folder.git(&["commit", "-q", "-m", "one"]);
    folder.write("deploy/sub/x/b.yaml", good());
    for (old, new) in
        [("git:HEAD:deploy/sub/x", "deploy/sub/x"), ("deploy/sub/x", "git:HEAD:deploy/sub/x"), ("git:HEAD:deploy/sub/x/b.yaml", "deploy")]
    {
        let ran = folder.run(&["diff", old, new]);
        assert!(ran.code == 2 && ran.err.contains("cannot be read: it is in a submodule") && ran.out.is_empty(), "{ran:?}");
    }
    let ran = folder.run(&["diff", "git:HEAD:deploy/gone", "deploy"]);
    assert!(ran.code == 1 && ran.err.contains("git:HEAD:deploy/gone is not there, which counts as empty"), "{ran:?}");
}

#[test]
fn an_input_that_holds_nothing_is_told_by_every_command() {
    let folder = Folder::new(&[("in/readme.txt", "a"), ("in/empty.yaml", "# nothing\n")]);
    for command in COMMANDS {
        let ran = folder.run(command);
        assert!([0, 1].contains(&ran.code) && ran.err.contains(": in holds no manifest"), "{command:?}: {ran:?}");
    }
    let gone = folder.run(&["diff", "git:HEAD:gone", "in"]);
    assert!(gone.code == 2 && !gone.err.contains("holds no manifest"), "{gone:?}");
}

#[test]
fn a_standard_input_that_says_nothing_is_told() {
    let folder = Folder::new(&[("in/a.yaml", &good())]);
    let said = "nothing was read from the standard input";
    for command in [&["lint", "-f", "-"][..], &["render", "-f", "-"], &["diff", "-", "in"], &["explain", "http://a.test/", "-f", "-"]] {
        let ran = folder.run(command);
        assert!([0, 1].contains(&ran.code) && ran.err.contains(said), "{command:?}: {ran:?}");
        let beside = folder.run(&[command, &["-f", "in"]].concat());
        assert!(beside.err.contains(said), "{command:?}: {beside:?}");
    }
    let ran = folder.run(&["lint", "-f", "-"]);
    assert_eq!(
        (ran.code, &*ran.err),
        (0, "warning: nothing was read from the standard input; see whether the command that writes it has failed\n")
    );
    assert_eq!(folder.run(&["lint", "-f", "-", "--deny", "GW0009"]).code, 1);
    let comment = folder.run_with(&["lint", "-f", "-"], b"# nothing\n");
    assert!(comment.err.contains("the standard input holds no manifest") && !comment.err.contains(said), "{comment:?}");
    assert_eq!(folder.run_with(&["lint", "-f", "-"], good().as_bytes()).err, "");
}

#[test]
fn words_of_flags_are_completed() {
    let folder = Folder::new(&[]);
    for (shell, words) in
        [("bash", "\"text json sarif github\""), ("fish", "haproxy\\t"), ("zsh", "(nginx haproxy)"), ("zsh", "(yaml json)")]
    {
        let ran = folder.run(&["completions", shell]);
        assert!(ran.code == 0 && ran.out.contains(words), "{shell}: {words}");
    }
    assert!(!folder.run(&["lint", "--help"]).out.contains("possible values: text"), "the help lists them already");
}

#[test]
fn flags_that_leave_each_other_nothing_to_do_are_refused_together() {
    let folder = Folder::new(&[("in/a.yaml", &good())]);
    for (arguments, said) in [
        (
            &["lint", "--explain", "GW0203", "in"][..],
            "error: --explain tells what codes mean, and looks at no input; leave one of both out",
        ),
        (&["lint", "--explain", "all", "--format", "sarif"], "error: --format: --explain tells what codes mean as text or json"),
        (&["annotations", "ssl-redirect", "--format", "markdown"], "error: --format: markdown is a page of all annotations"),
    ] {
        let ran = folder.run(arguments);
        assert!(ran.code == 2 && ran.err.starts_with(said) && ran.out.is_empty(), "{ran:?}");
    }
    let nothing = folder.run(&["annotations", ""]);
    assert_eq!((nothing.code, nothing.err.contains("affinity")), (1, false), "every name is like it: {nothing:?}");
}
