//! What `deploy/ci` and the guides tell people to run, run.

use crate::world::{Folder, Ran, assert_sarif, ingress, of_repository, service};
use serde_json::{Value, json};
use std::process::Command;

/// A repository with a branch `main`, and one change in the work tree.
pub(crate) fn repository() -> Folder {
    let shop = |path: &str| ingress("front", "shop.example", path, "cart") + &service("cart");
    let folder = Folder::new(&[("deploy/shop.yaml", &shop("/"))]);
    folder.git(&["init", "-q"]);
    folder.git(&["add", "-A"]);
    folder.git(&["commit", "-q", "-m", "one"]);
    folder.write("deploy/more.yaml", ingress("more", "more.example", "/", "cart"));
    folder
}

/// Runs a program with `gatewright` and `gatewright-review` in its path.
pub(crate) fn run(folder: &Folder, mut command: Command) -> Ran {
    let programs = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_gatewright"), programs.path().join("gatewright")).unwrap();
    std::os::unix::fs::symlink(of_repository("deploy/ci/review"), programs.path().join("gatewright-review")).unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    command.current_dir(folder.path()).env("PATH", format!("{}:{path}", programs.path().display())).env("HOME", folder.path());
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ran { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
}

pub(crate) fn script(name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command.arg(of_repository(&format!("deploy/ci/{name}"))).args(arguments);
    command
}

/// The blocks of a document, each with the language that it is marked with; the indentation of lists is taken off.
pub(crate) fn fences(document: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in std::fs::read_to_string(of_repository(document)).unwrap().lines().map(str::trim_start) {
        match (line.strip_prefix("```"), open.take()) {
            (Some(language), None) => open = Some((language.to_owned(), String::new())),
            (Some(_), Some(block)) => blocks.push(block),
            (None, Some((language, text))) => open = Some((language, text + line + "\n")),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{document}: a block has no end");
    blocks
}

/// Those that are marked with this one.
fn blocks(document: &str, language: &str) -> Vec<String> {
    fences(document).into_iter().filter(|(own, _)| own == language).map(|(_, text)| text).collect()
}

/// The guides, by their paths in the repository.
pub(crate) fn guides() -> Vec<String> {
    let files = std::fs::read_dir(of_repository("docs/guides")).unwrap();
    let mut guides: Vec<String> = files.map(|file| format!("docs/guides/{}", file.unwrap().file_name().display())).collect();
    guides.sort();
    guides
}

#[test]
fn every_command_of_the_guides_works() {
    let mut ran = 0;
    for guide in guides() {
        let folder = repository();
        for block in blocks(&guide, "sh") {
            let mut command = Command::new("sh");
            command.args(["-e", "-c", &block]).env("GATEWRIGHT_SOURCE", of_repository(""));
            let shown = run(&folder, command);
            assert_eq!(shown.code, 0, "{guide}: {block}: {shown:?}");
            ran += 1;
        }
    }
    assert!(ran >= 10, "{ran}");
}

#[test]
fn make_does_what_the_readme_says_it_does() {
    let mut targets = Vec::new();
    for line in blocks("README.md", "sh").iter().flat_map(|block| block.lines()).filter(|line| line.starts_with("make ")) {
        let mut command = Command::new("sh");
        command.args(["-e", "-c", &line.replacen("make ", "make --no-print-directory --dry-run ", 1)]).current_dir(of_repository(""));
        // Those of the make that may have started the tests.
        command.env_remove("MAKEFLAGS").env_remove("MAKELEVEL");
        let output = command.output().unwrap();
        let would = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        let program = would.split_whitespace().next().unwrap();
        assert!(of_repository(program).is_file(), "{line}: {would}");
        targets.push(would.trim_end().to_owned());
    }
    assert_eq!(targets, ["e2e/tools/trial", "e2e/tools/test", "e2e/tools/trial --example fan-out"]);
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
    let blocks = blocks("README.md", "sh");
    let block = blocks.iter().find(|block| block.contains("gatewright lint")).expect("the README shows the offline commands");
    for line in block.lines() {
        let mut command = Command::new("sh");
        command.args(["-e", "-c", line]);
        let ran = run(&folder, command);
        assert_eq!(ran.code, 0, "{line}: {ran:?}");
        assert!(!ran.out.is_empty() || line.contains("-o out"), "{line} shows something");
        let is_odd = ran.out.starts_with("warning[") && ran.out.contains("\n --> deploy/");
        assert!(!line.starts_with("gatewright lint") || is_odd, "{line} opens with what is odd, and its line: {ran:?}");
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
    folder.write("deploy/bad.yaml", "kind: [");
    let mut review = script("review", &["main", "deploy"]);
    review.env("GATEWRIGHT_FORMAT", "github");
    let ran = run(&folder, review);
    assert!(ran.code == 1 && ran.out.contains("::error file=deploy/bad.yaml,line=1"), "{ran:?}");
    assert_eq!(run(&folder, script("review", &["nowhere", "deploy"])).code, 2);
}

#[test]
fn the_review_script_writes_where_it_is_told_and_takes_no_flags_for_revisions() {
    let folder = repository();
    folder.write("deploy/bad.yaml", "kind: [");
    let to_file = || std::fs::File::create(folder.path().join("out.txt")).unwrap();
    for shell in ["sh", "bash"] {
        let mut review = Command::new(shell);
        review.arg(of_repository("deploy/ci/review")).args(["main", "deploy"]).stdout(to_file());
        let programs = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_gatewright"), programs.path().join("gatewright")).unwrap();
        let path = format!("{}:{}", programs.path().display(), std::env::var("PATH").unwrap_or_default());
        review.current_dir(folder.path()).env("PATH", &path).env("HOME", folder.path());
        assert_eq!(review.status().unwrap().code(), Some(1), "{shell}");
        let text = std::fs::read_to_string(folder.path().join("out.txt")).unwrap();
        assert!(text.contains("GW0001") && text.contains("### Ingress changes"), "{shell}: {text}");
        let mut nowhere = Command::new(shell);
        nowhere.arg(of_repository("deploy/ci/review")).args(["main", "deploy"]).env("GATEWRIGHT_REVIEW", "none/review.md");
        assert_eq!(run(&folder, nowhere).code, 2, "{shell}");
    }
    let injected = run(&folder, script("review", &["--upload-pack=touch pwned;git-upload-pack", "deploy"]));
    assert!(injected.code == 2 && injected.err.contains("is no revision"), "{injected:?}");
    assert!(!folder.path().join("pwned").exists());
}

#[test]
fn the_review_script_passes_flags_on() {
    let folder = repository();
    let class = "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: nginx}\nspec: {controller: k8s.io/ingress-nginx}\n";
    folder.write("deploy/class.yaml", class);
    folder.git(&["add", "deploy/class.yaml"]);
    folder.git(&["commit", "-q", "-m", "class"]);
    let none = run(&folder, script("review", &["main", "deploy"]));
    let told = "No Ingress is compared.\n\nNot compared: Ingresses of other classes, 1 before and 2 afterwards; ";
    assert!(none.out.contains(told) && none.err.contains("Ingresses of other classes are left out"), "{none:?}");
    let mut review = script("review", &["main", "deploy"]);
    review.env("GATEWRIGHT_FLAGS", "--watch-ingress-without-class --controller-class k8s.io/ingress-nginx");
    let told = run(&folder, review);
    assert!(told.out.contains("`host more.example`"), "{told:?}");
}

#[test]
fn the_hook_lints_what_is_staged_and_not_what_lies_around() {
    let folder = repository();
    folder.write("deploy/bad.yaml", "kind: [");
    let clean = run(&folder, script("pre-commit", &[]));
    assert_eq!(clean.code, 0, "{clean:?}");
    folder.git(&["add", "-A"]);
    let staged = run(&folder, script("pre-commit", &[]));
    assert!(staged.code == 1 && staged.out.contains("deploy/bad.yaml:1:"), "{staged:?}");
}

#[test]
fn a_folder_that_is_new_or_gone_is_compared_with_an_empty_one() {
    let folder = repository();
    folder.write("apps/new/one.yaml", ingress("one", "one.example", "/", "cart") + &service("cart"));
    let added = run(&folder, script("review", &["main", "./apps/new/"]));
    assert!(added.code == 0 && added.out.contains("`host one.example`"), "{added:?}");
    std::fs::remove_dir_all(folder.path().join("deploy")).unwrap();
    let gone = run(&folder, script("review", &["main", "deploy"]));
    assert!(gone.code == 0 && gone.out.contains("`host shop.example`"), "{gone:?}");
    let nowhere = run(&folder, script("review", &["main", "deplyo"]));
    assert!(nowhere.code == 2 && nowhere.err.contains("there is no deplyo, neither here nor in main"), "{nowhere:?}");
}

#[test]
fn the_review_script_works_below_the_root_and_on_all_of_the_repository() {
    let folder = repository();
    let mut below = Command::new("sh");
    below.args(["-c", r#"cd deploy && exec sh "$1" main ."#, "sh"]).arg(of_repository("deploy/ci/review"));
    for command in [below, script("review", &["main", "."])] {
        let ran = run(&folder, command);
        assert!(ran.code == 0 && ran.out.contains("`host more.example`") && !ran.out.contains("`host shop.example`"), "{ran:?}");
    }
}

/// A clone of depth one, as runners make it.
fn shallow() -> (Folder, Folder, String) {
    let origin = repository();
    origin.git(&["add", "-A"]);
    origin.git(&["commit", "-q", "-m", "two"]);
    let base = Command::new("git").args(["rev-parse", "main~1"]).current_dir(origin.path()).output().unwrap();
    let base = String::from_utf8(base.stdout).unwrap().trim().to_owned();
    let clone = Folder::new(&[]);
    clone.git(&["clone", "-q", "--depth=1", &format!("file://{}", origin.path().display()), "."]);
    (origin, clone, base)
}

#[test]
fn a_base_that_was_not_fetched_is_fetched_or_told() {
    let (origin, clone, base) = shallow();
    let ran = run(&clone, script("review", &[&base, "deploy"]));
    assert!(ran.code == 0 && ran.out.contains("`host more.example`"), "{ran:?}");
    drop(origin);
    let told = run(&clone, script("review", &["HEAD~5", "deploy"]));
    assert!(told.code == 2 && told.err.contains("fetch-depth: 0 at GitHub, GIT_DEPTH: 0 at GitLab"), "{told:?}");
}

#[test]
fn a_repository_that_git_does_not_open_lacks_no_revision() {
    let folder = repository();
    let mut of_others = script("review", &["HEAD", "deploy"]);
    of_others.env("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1");
    let told = run(&folder, of_others);
    let top = folder.path().canonicalize().unwrap().display().to_string();
    let help = format!("git config --global --add safe.directory '{top}'\n");
    assert!(told.code == 2 && told.err.contains("dubious ownership") && told.err.ends_with(&help), "{told:?}");
    let nowhere = run(&Folder::new(&[]), script("review", &["HEAD", "deploy"]));
    assert!(nowhere.code == 2 && nowhere.err.starts_with("review: not a git repository"), "{nowhere:?}");
    assert!([told, nowhere].iter().all(|ran| !ran.err.contains("there is no revision")));
}

#[test]
fn what_is_not_installed_is_said_by_its_name() {
    let folder = repository();
    let tools = tempfile::tempdir().unwrap();
    let mut review = Command::new("/bin/sh");
    review.arg(of_repository("deploy/ci/review")).args(["main", "deploy"]).current_dir(folder.path()).env("PATH", tools.path());
    let output = review.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "review: git is not installed here\n");
}

fn yaml(path: &str) -> Value {
    serde_yaml::from_str(&std::fs::read_to_string(of_repository(path)).unwrap()).unwrap()
}

/// The text of a list of commands.
fn lines(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect()
}

#[test]
fn the_action_runs_as_it_stands_in_its_file() {
    let action = yaml("deploy/ci/action/action.yml");
    let step = &action["runs"]["steps"][0];
    // As a job in a container has it: expressions tell paths of the machine around it, which are none in here.
    let around = "/home/runner/work/_actions/gatewright/deploy/ci/action";
    let (_origin, clone, base) = shallow();
    let default = action["inputs"]["path"]["default"].as_str().unwrap();
    let mut command = Command::new(step["shell"].as_str().unwrap());
    let filled = |text: &Value| {
        let text = text.as_str().unwrap().replace("${{ github.action_path }}", around).replace("${{ inputs.base }}", &base);
        let text = text.replace("${{ inputs.path }}", default).replace("${{ inputs.flags }}", "");
        assert!(!text.contains("${{"), "{text}");
        text
    };
    command.args(["-e", "-c", &filled(&step["run"])]).env("GITHUB_STEP_SUMMARY", clone.path().join("summary.md"));
    command.env("GITHUB_ACTION_PATH", of_repository("deploy/ci/action"));
    for (name, value) in step["env"].as_object().unwrap() {
        command.env(name, filled(value));
    }
    clone.write("deploy/bad.yaml", "a: [");
    let ran = run(&clone, command);
    assert!(ran.code == 1 && ran.out.contains("::error file=deploy/bad.yaml,line=1"), "{ran:?}");
    let summary = std::fs::read_to_string(clone.path().join("summary.md")).unwrap();
    assert!(summary.contains("`host more.example`"), "{summary}");
}

#[test]
fn the_job_runs_as_it_stands_in_its_file() {
    let file = yaml("deploy/ci/gitlab.yml");
    let job = &file["review-ingress"];
    assert_eq!((&job["image"]["entrypoint"], &job["variables"]["GIT_DEPTH"]), (&json!([""]), &json!("0")));
    let (_origin, clone, base) = shallow();
    let job = |clone: &Folder| {
        let mut command = Command::new("sh");
        command.args(["-e", "-c", &lines(&job["script"]).join("\n")]).env("CI_MERGE_REQUEST_DIFF_BASE_SHA", &base);
        command.env("GATEWRIGHT_MANIFESTS", file["variables"]["GATEWRIGHT_MANIFESTS"].as_str().unwrap());
        run(clone, command)
    };
    let fine = job(&clone);
    assert_eq!(fine.code, 0, "{fine:?}");
    clone.write("deploy/bad.yaml", "a: [");
    let bad = job(&clone);
    assert!(bad.code == 1 && bad.out.contains("deploy/bad.yaml:1:"), "{bad:?}");
    for (path, part) in [("gatewright.sarif", "deploy/bad.yaml"), ("gatewright.md", "`host more.example`")] {
        let text = std::fs::read_to_string(clone.path().join(path)).unwrap();
        assert!(text.contains(part), "{path}: {text}");
    }
    assert_sarif(&std::fs::read_to_string(clone.path().join("gatewright.sarif")).unwrap());
    std::fs::remove_dir_all(clone.path().join("deploy")).unwrap();
    let gone = job(&clone);
    assert!(
        gone.code == 0 && std::fs::read_to_string(clone.path().join("gatewright.md")).unwrap().contains("`host shop.example`"),
        "{gone:?}"
    );
}

#[test]
fn the_pre_commit_hook_lints_the_folder_and_not_single_files() {
    let file = yaml(".pre-commit-hooks.yaml");
    let hook = &file[0];
    assert_eq!((&hook["pass_filenames"], &hook["language"]), (&json!(false), &json!("system")));
    // An Ingress that is changed, and the Service that it needs in a file that is not.
    let folder = Folder::new(&[
        ("deploy/front.yaml", &ingress("front", "shop.example", "/", "cart")),
        ("deploy/cart.yaml", &service("cart")),
        ("package.json", r#"{"name": "shop"}"#),
    ]);
    let entry = [hook["entry"].as_str().unwrap(), &lines(&hook["args"]).join(" ")].join(" ");
    let hook = || {
        let mut command = Command::new("sh");
        command.args(["-c", &entry]);
        run(&folder, command)
    };
    let fine = hook();
    assert!(fine.code == 0 && !fine.out.contains("GW0303"), "{fine:?}");
    folder.write("deploy/bad.yaml", "a: [");
    assert_eq!(hook().code, 1);
}

#[test]
fn the_files_that_the_guide_shows_use_what_is_there() {
    let text = std::fs::read_to_string(of_repository("docs/guides/review-a-pull-request.md")).unwrap();
    let shown: Vec<Value> =
        text.split("```yaml\n").skip(1).map(|part| serde_yaml::from_str(part.split("```").next().unwrap()).unwrap()).collect();
    let [workflow, job, hooks] = &shown[..] else { panic!("{shown:?}") };
    let step = &workflow["jobs"]["review-ingress"]["steps"][1];
    let place = step["uses"].as_str().unwrap().split_once("gatewright/").unwrap().1.split('@').next().unwrap();
    let inputs = &yaml(&format!("{place}/action.yml"))["inputs"];
    for name in step["with"].as_object().unwrap().keys() {
        assert!(inputs[name].is_object(), "{name}: {inputs}");
    }
    let file = std::fs::read_to_string(of_repository("deploy/ci/gitlab.yml")).unwrap();
    for name in job["variables"].as_object().unwrap().keys() {
        assert!(file.contains(name), "{name}: {file}");
    }
    assert_eq!(hooks["repos"][0]["hooks"][0]["id"], yaml(".pre-commit-hooks.yaml")[0]["id"]);
}

#[test]
fn the_git_hook_lets_a_repository_without_manifests_alone() {
    let folder = Folder::new(&[("package.json", r#"{"name": "shop"}"#)]);
    folder.git(&["init", "-q"]);
    folder.git(&["add", "-A"]);
    let none = run(&folder, script("pre-commit", &[]));
    assert_eq!((none.code, none.out.as_str()), (0, ""), "{none:?}");
    folder.write("k8s/bad.yaml", "a: [");
    folder.git(&["add", "-A"]);
    let mut hook = script("pre-commit", &[]);
    hook.env("GATEWRIGHT_MANIFESTS", "./k8s/");
    let bad = run(&folder, hook);
    assert!(bad.code == 1 && bad.out.contains("k8s/bad.yaml:1:"), "{bad:?}");
}

#[test]
fn the_git_hook_passes_flags_on_and_says_what_is_not_installed() {
    let class = "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: nginx}\nspec: {controller: k8s.io/ingress-nginx}\n";
    let web = ingress("front", "shop.example", "/", "cart").replace("spec:\n", "spec:\n  ingressClassName: nginx\n");
    // Only whoever serves it refuses this path.
    let folder = Folder::new(&[("deploy/class.yaml", class), ("deploy/web.yaml", &web.replace("path: /", "path: /a;b"))]);
    folder.git(&["init", "-q"]);
    folder.git(&["add", "-A"]);
    let silent = run(&folder, script("pre-commit", &[]));
    assert_eq!(silent.code, 0, "{silent:?}");
    let mut hook = script("pre-commit", &[]);
    hook.env("GATEWRIGHT_FLAGS", "--controller-class k8s.io/ingress-nginx --ingress-class nginx");
    let told = run(&folder, hook);
    assert!(told.code == 1 && told.out.contains("deploy/web.yaml:"), "{told:?}");
    let tools = tempfile::tempdir().unwrap();
    let path = std::env::var("PATH").unwrap();
    let git = std::env::split_paths(&path).map(|place| place.join("git")).find(|git| git.exists()).unwrap();
    std::os::unix::fs::symlink(git, tools.path().join("git")).unwrap();
    let mut alone = Command::new("/bin/sh");
    alone.arg(of_repository("deploy/ci/pre-commit")).current_dir(folder.path()).env("PATH", tools.path());
    let output = alone.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "pre-commit: gatewright is not installed here\n");
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
