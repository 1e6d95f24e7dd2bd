//! Which folder the scripts of `deploy/ci` mean, however it is written.

use crate::ci::{repository, run, script};
use crate::world::{Folder, Ran, ingress, of_repository, service};
use std::os::unix::fs::symlink;
use std::process::Command;

fn review(folder: &Folder, manifests: &str) -> Ran {
    run(folder, script("review", &["main", manifests]))
}

fn hook(folder: &Folder, manifests: &str) -> Ran {
    let mut hook = script("pre-commit", &[]);
    hook.env("GATEWRIGHT_MANIFESTS", manifests);
    run(folder, hook)
}

/// The repository with links: to the manifests, to the top, out of it, and to nothing.
fn with_links() -> Folder {
    let folder = repository();
    for (link, to) in [("apps", "deploy"), ("top", "."), ("out", "../elsewhere"), ("lost", "nowhere")] {
        symlink(to, folder.path().join(link)).unwrap();
    }
    folder.git(&["add", "apps", "top", "out", "lost"]);
    folder.git(&["commit", "-q", "-m", "links"]);
    folder
}

/// Adds another repository as one part of this one.
fn add_submodule(folder: &Folder) {
    let other = repository();
    let url = format!("file://{}", other.path().display());
    folder.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &url, "part"]);
    folder.git(&["commit", "-q", "-m", "part"]);
}

#[test]
fn the_review_script_finds_the_folder_however_it_is_written() {
    let folder = with_links();
    let top = folder.path().canonicalize().unwrap();
    let own = top.file_name().unwrap().to_str().unwrap();
    let absolute = top.join("deploy").display().to_string();
    for written in [&absolute, &format!("../{own}/deploy"), "deploy/../deploy//.", "apps", "apps/", "top/deploy", "top/apps/"] {
        let ran = review(&folder, written);
        assert!(ran.code == 0 && ran.out.contains("`host more.example`"), "{written}: {ran:?}");
        assert!(!ran.out.contains("`host shop.example`"), "what is in main is not new: {written}: {ran:?}");
    }
    let beside = tempfile::tempdir().unwrap();
    symlink(&top, beside.path().join("work")).unwrap();
    let ran = review(&folder, &beside.path().join("work/deploy").display().to_string());
    assert!(ran.code == 0 && !ran.out.contains("`host shop.example`"), "{ran:?}");
    let mut below = Command::new("sh");
    below.args(["-c", r#"mkdir deep && cd deep && exec sh "$1" main ../deploy"#, "sh"]).arg(of_repository("deploy/ci/review"));
    let ran = run(&folder, below);
    assert!(ran.code == 0 && ran.out.contains("`host more.example`") && !ran.out.contains("`host shop.example`"), "{ran:?}");
}

#[test]
fn a_link_that_has_moved_is_compared_with_what_it_led_to() {
    let folder = Folder::new(&[
        ("v1/shop.yaml", &(ingress("front", "shop.example", "/", "cart") + &service("cart"))),
        ("v2/shop.yaml", &(ingress("front", "next.example", "/", "cart") + &service("cart"))),
    ]);
    symlink("v1", folder.path().join("current")).unwrap();
    folder.git(&["init", "-q"]);
    folder.git(&["add", "-A"]);
    folder.git(&["commit", "-q", "-m", "one"]);
    std::fs::remove_file(folder.path().join("current")).unwrap();
    symlink("v2", folder.path().join("current")).unwrap();
    let ran = review(&folder, "current");
    assert!(ran.code == 0 && ran.out.contains("`host shop.example`") && ran.out.contains("`host next.example`"), "{ran:?}");
}

#[test]
fn the_review_script_says_what_is_in_another_repository_or_none() {
    let folder = with_links();
    add_submodule(&folder);
    let outside = tempfile::tempdir().unwrap();
    let outside = outside.path().display().to_string();
    for (written, told) in [
        ("part", "part is in another repository than"),
        ("part/deploy", "part/deploy is in another repository than"),
        (&*outside, "is outside of the repository"),
        ("..", ".. is outside of the repository"),
        ("out", "it is a link that leads out of the revision"),
        ("lost", "there is no lost, neither here nor in main"),
    ] {
        let ran = review(&folder, written);
        assert!(ran.code == 2 && ran.err.contains(told) && ran.out.is_empty(), "{written}: {ran:?}");
    }
    folder.git(&["submodule", "--quiet", "deinit", "--force", "part"]);
    let empty = review(&folder, "part");
    assert!(empty.code == 2 && empty.err.contains("it is a submodule"), "{empty:?}");
}

#[test]
fn the_review_script_says_how_it_is_called() {
    let folder = repository();
    for arguments in [&[][..], &["main"], &["", "deploy"], &["main", ""], &["main", "deploy", "k8s"]] {
        let ran = run(&folder, script("review", arguments));
        assert_eq!((ran.code, &*ran.err), (2, "review: usage: review BASE FOLDER\n"), "{arguments:?}");
    }
}

#[test]
fn the_git_hook_reads_the_folder_that_it_is_told_or_says_why_not() {
    let folder = with_links();
    add_submodule(&folder);
    folder.write("deploy/bad.yaml", "a: [");
    folder.git(&["add", "-A"]);
    let top = folder.path().canonicalize().unwrap();
    for written in ["deploy", "./deploy/", "apps", ".", &top.display().to_string(), &top.join("apps").display().to_string()] {
        let ran = hook(&folder, written);
        assert!(ran.code == 1 && ran.out.contains("bad.yaml:1:"), "{written}: {ran:?}");
    }
    for (written, told) in [
        ("deplyo", "the revision has no such path"),
        ("deploy/more", "the revision has no such path"),
        ("lost", "the revision has no such path"),
        ("../deploy", "cannot be read"),
        ("/nowhere", "the revision has no such path"),
        ("out", "it is a link that leads out of the revision"),
        ("part", "it is a submodule"),
    ] {
        let ran = hook(&folder, written);
        assert!(ran.code == 2 && ran.err.contains(told), "{written}: {ran:?}");
    }
}
