//! What `deploy/ci` and the guides tell people to run, run.

use crate::world::{Folder, Ran, ingress, of_repository, service};
use std::path::Path;
use std::process::Command;

/// A repository with a branch `main`, and one change in the work tree.
fn repository() -> Folder {
    let shop = |path: &str| ingress("front", "shop.example", path, "cart") + &service("cart");
    let folder = Folder::new(&[("deploy/shop.yaml", &shop("/"))]);
    folder.git(&["init", "-q"]);
    folder.git(&["add", "-A"]);
    folder.git(&["commit", "-q", "-m", "one"]);
    folder.write("deploy/more.yaml", ingress("more", "more.example", "/", "cart"));
    folder
}

/// Runs a program with `gatewright` in its path.
fn run(folder: &Folder, mut command: Command) -> Ran {
    let program = Path::new(env!("CARGO_BIN_EXE_gatewright"));
    let path = std::env::var("PATH").unwrap_or_default();
    command.current_dir(folder.path()).env("PATH", format!("{}:{path}", program.parent().unwrap().display())).env("HOME", folder.path());
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ran { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
}

fn script(name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command.arg(of_repository(&format!("deploy/ci/{name}"))).args(arguments);
    command
}

/// The blocks of a guide that are marked as `sh`.
fn blocks(guide: &str) -> Vec<String> {
    let text = std::fs::read_to_string(of_repository(guide)).unwrap();
    let mut blocks = Vec::new();
    for part in text.split("```sh\n").skip(1) {
        let block = part.split("```").next().unwrap();
        // Blocks of a list are indented.
        blocks.push(block.lines().map(str::trim_start).collect::<Vec<_>>().join("\n"));
    }
    blocks
}

#[test]
fn every_command_of_the_guides_works() {
    for (guide, least) in [("docs/guides/review-a-pull-request.md", 7), ("docs/guides/sidecar.md", 1)] {
        let blocks = blocks(guide);
        assert!(blocks.len() >= least, "{guide}: {blocks:#?}");
        let folder = repository();
        for block in blocks {
            let mut command = Command::new("sh");
            command.args(["-e", "-c", &block]);
            let ran = run(&folder, command);
            assert_eq!(ran.code, 0, "{guide}: {block}: {ran:?}");
        }
    }
}

/// Those that need no cluster, in a repository that holds the examples of ours.
#[test]
fn the_commands_of_the_readme_work_as_they_are_printed() {
    let folder = Folder::new(&[]);
    for name in ["deploy/demo", "deploy/examples"] {
        for file in std::fs::read_dir(of_repository(name)).unwrap().map(Result::unwrap) {
            folder.write(&format!("{name}/{}", file.file_name().display()), std::fs::read(file.path()).unwrap());
        }
    }
    folder.git(&["init", "-q"]);
    folder.git(&["add", "-A"]);
    folder.git(&["commit", "-q", "-m", "one"]);
    let blocks = blocks("README.md");
    let block = blocks.iter().find(|block| block.contains("gatewright lint")).expect("the README shows the offline commands");
    for line in block.lines() {
        let mut command = Command::new("sh");
        command.args(["-e", "-c", line]);
        let ran = run(&folder, command);
        assert_eq!(ran.code, 0, "{line}: {ran:?}");
        assert!(!ran.out.is_empty() || line.contains("-o out"), "{line} shows something");
    }
    assert!(folder.path().join("out/nginx.conf").exists());
}

#[test]
fn the_review_script_lints_and_writes_what_changes() {
    let folder = repository();
    let mut review = script("review", &["main", "deploy"]);
    review.env("GATEWRIGHT_FORMAT", "github").env("GATEWRIGHT_REVIEW", "review.md");
    let ran = run(&folder, review);
    assert_eq!(ran.code, 0, "{ran:?}");
    let text = std::fs::read_to_string(folder.path().join("review.md")).unwrap();
    assert!(text.contains("`host more.example`") && text.contains("more open"), "{text}");
    folder.write("deploy/bad.yaml", "a: [");
    let mut review = script("review", &["main", "deploy"]);
    review.env("GATEWRIGHT_FORMAT", "github");
    let ran = run(&folder, review);
    assert!(ran.code == 1 && ran.out.contains("::error file=deploy/bad.yaml,line=1"), "{ran:?}");
    assert_eq!(run(&folder, script("review", &["nowhere", "deploy"])).code, 2);
}

#[test]
fn the_hook_lints_what_is_staged_and_not_what_lies_around() {
    let folder = repository();
    folder.write("deploy/bad.yaml", "a: [");
    let clean = run(&folder, script("pre-commit", &[]));
    assert_eq!(clean.code, 0, "{clean:?}");
    folder.git(&["add", "-A"]);
    let staged = run(&folder, script("pre-commit", &[]));
    assert!(staged.code == 1 && staged.out.contains("deploy/bad.yaml:1:"), "{staged:?}");
}

#[test]
fn the_objects_of_the_guide_are_good_ones() {
    let text = std::fs::read_to_string(of_repository("docs/guides/settings-and-policies.md")).unwrap();
    let blocks: Vec<&str> = text.split("```yaml\n").skip(1).map(|part| part.split("```").next().unwrap()).collect();
    assert_eq!(blocks.len(), 2);
    let class = "\n---\napiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: tenants}\nspec: {controller: \
                 gatewright.dev/ingress, parameters: {apiGroup: gatewright.dev, kind: GatewrightParameters, name: tenants}}\n---\n";
    let ours = ingress("front", "shop.example", "/", "cart").replace("spec:\n", "spec:\n  ingressClassName: tenants\n");
    let foreign = ours.replace("name: front, namespace: shop", "name: thief, namespace: blog");
    let folder = Folder::new(&[("all.yaml", &(blocks.join("---\n") + class + &ours + &foreign + &service("cart")))]);
    let ran = folder.run(&["lint", "--format", "json", "--allow", "notes", "."]);
    let refused: Vec<_> =
        ran.json()["diagnostics"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect();
    assert!(refused.contains(&"GW0104".to_owned()), "{ran:?}");
    assert!(refused.iter().all(|code| code == "GW0104"), "{ran:?}");
}
