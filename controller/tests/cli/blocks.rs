//! Whatever documents tell people to type is run by a test.

use crate::ci::{fences, guides};
use crate::world::{Folder, of_repository};
use std::collections::HashMap;

/// Blocks for a shell by their first lines, and the test that runs each. Those of guides that are marked as `sh` are not in here:
/// `every_command_of_the_guides_works` takes all of them. Those that are typed at a cluster are marked as `console`.
const RUN: &[(&str, &str, &str, &str)] = &[
    ("README.md", "make run", "controller/tests/cli/ci.rs", "make_does_what_the_readme_says_it_does"),
    ("README.md", "make test", "controller/tests/cli/ci.rs", "make_does_what_the_readme_says_it_does"),
    (
        "README.md",
        "make run ARGS='--example fan-out'",
        "e2e/tests/folder/trial.rs",
        "the_trial_serves_each_example_as_its_file_and_the_readme_say",
    ),
    ("README.md", "gatewright render -f deploy/demo", "controller/tests/cli/ci.rs", "the_commands_of_the_readme_work_as_they_are_printed"),
    ("README.md", "gatewright run ", "e2e/tests/cluster/guides.rs", "the_controller_starts_as_the_readme_says"),
    ("deploy/helm/gatewright/README.md", "helm install gatewright", MOVES.0, MOVES.1),
    ("docs/guides/admission.md", "helm upgrade --install gatewright", SAYS_NO.0, SAYS_NO.1),
    ("docs/guides/admission.md", "gatewright admission-policy", SAYS_NO.0, SAYS_NO.1),
    ("docs/guides/admission.md", "helm upgrade gatewright", SAYS_NO.0, SAYS_NO.1),
    ("docs/guides/beside-ingress-nginx.md", "gatewright lint cluster", MOVES.0, MOVES.1),
    ("docs/guides/beside-ingress-nginx.md", "helm install gatewright", MOVES.0, MOVES.1),
    ("docs/guides/beside-ingress-nginx.md", "kubectl get ingress front", MOVES.0, MOVES.1),
    ("docs/guides/beside-ingress-nginx.md", "kubectl delete ingress front-trial", MOVES.0, MOVES.1),
    ("docs/guides/beside-ingress-nginx.md", "helm upgrade gatewright", MOVES.0, MOVES.1),
    ("docs/guides/beside-ingress-nginx.md", "helm upgrade ingress-nginx", MOVES.0, MOVES.1),
    ("docs/guides/permissions.md", "helm upgrade --install gatewright", RIGHTS.0, RIGHTS.1),
    (
        "docs/guides/permissions.md",
        "helm upgrade gatewright deploy/helm/gatewright --namespace gatewright --set rbac.secrets=false",
        RIGHTS.0,
        RIGHTS.1,
    ),
    (
        "docs/guides/permissions.md",
        "helm upgrade gatewright deploy/helm/gatewright --namespace gatewright --set rbac.create=false",
        RIGHTS.0,
        RIGHTS.1,
    ),
    ("docs/guides/sidecar.md", "gatewright supervise", SIDECAR.0, SIDECAR.1),
    ("docs/guides/sidecar.md", "gatewright run", SIDECAR.0, SIDECAR.1),
    (
        "docs/guides/sidecar.md",
        "until [ -e /var/lib/gatewright/current/haproxy.cfg ]",
        "e2e/tests/folder/modes.rs",
        "signals_are_enough_for_a_proxy_that_is_started_by_hand_haproxy_3_2",
    ),
    (
        "docs/guides/sidecar.md",
        "until [ -e /var/lib/gatewright/current/nginx.conf ]",
        "e2e/tests/folder/modes.rs",
        "signals_are_enough_for_an_nginx_that_is_started_by_hand",
    ),
];

const MOVES: (&str, &str) = ("e2e/tests/cluster/guides.rs", "moving_over_from_ingress_nginx_goes_as_the_guide_says");
const SAYS_NO: (&str, &str) = ("e2e/tests/cluster/guides.rs", "the_api_server_says_no_as_the_guide_says");
const RIGHTS: (&str, &str) = ("e2e/tests/cluster/guides.rs", "rights_on_secrets_are_as_narrow_as_the_guide_makes_them");
const SIDECAR: (&str, &str) = ("e2e/tests/cluster/guides.rs", "a_sidecar_serves_as_the_guide_says");

/// How blocks that nobody types are marked.
const SHOWN: [&str; 2] = ["text", "yaml"];

/// All that people read, by its path in the repository.
fn documents() -> impl Iterator<Item = String> {
    guides().into_iter().chain(["README.md".to_owned(), "deploy/helm/gatewright/README.md".to_owned()])
}

#[test]
fn every_block_for_a_shell_is_run_by_a_test() {
    let mut runs = RUN.to_vec();
    for document in documents() {
        let is_taken = |language: &str| SHOWN.contains(&language) || (language == "sh" && document.starts_with("docs/guides/"));
        for (language, block) in fences(&document).into_iter().filter(|(language, _)| !is_taken(language)) {
            let at = runs.iter().position(|(place, first, ..)| *place == document && block.starts_with(first));
            let at = at.unwrap_or_else(|| panic!("{document}: no test is named here that runs this {language}:\n{block}"));
            let (_, _, file, test) = runs.remove(at);
            let source = std::fs::read_to_string(of_repository(file)).unwrap();
            let name = document.rsplit('/').next().unwrap();
            assert!(source.contains(&format!("fn {test}(")) && source.contains(name), "{file} has {test}, which reads {document}");
        }
    }
    assert_eq!(runs, [], "these blocks are not there any more");
}

/// Flags of helm.
const OF_HELM: [&str; 4] = ["--reuse-values", "--set", "--values", "--version"];

/// The help of every command, by its name.
fn helps() -> HashMap<String, String> {
    let folder = Folder::new(&[]);
    let all = folder.run(&["--help"]).out;
    let (_, commands) = all.split_once("\nCommands:\n").unwrap();
    let names = commands.lines().take_while(|line| !line.is_empty()).filter_map(|line| line.strip_prefix("  "));
    let names = names.filter(|line| !line.starts_with(' ')).filter_map(|line| line.split(' ').next());
    names.map(|name| (name.to_owned(), folder.run(&[name, "--help"]).out)).collect()
}

/// What stands between backquotes in the sentences of a document.
fn quoted(document: &str) -> Vec<String> {
    let text = std::fs::read_to_string(of_repository(document)).unwrap();
    let sentences: String = text.split("```").step_by(2).collect();
    sentences.split('`').skip(1).step_by(2).map(|quoted| quoted.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn commands_and_flags_that_sentences_name_are_there() {
    let helps = helps();
    let has = |help: &str, flag: &str| help.split_whitespace().any(|word| word.split(['=', '[', ',']).next() == Some(flag));
    let mut seen = 0;
    for document in documents() {
        for quoted in quoted(&document) {
            let words: Vec<&str> = quoted.split(' ').collect();
            let flags = words.iter().filter(|word| word.starts_with("--")).map(|word| word.split('=').next().unwrap());
            let (command, flags): (_, Vec<&str>) = match words[0] {
                "gatewright" if words.len() > 1 => (Some(words[1]), flags.collect()),
                word if word.starts_with("--") => (None, flags.collect()),
                _ => continue,
            };
            let help = command.map(|name| helps.get(name).unwrap_or_else(|| panic!("{document}: there is no command {name}")));
            for flag in flags.into_iter().filter(|flag| !OF_HELM.contains(flag)) {
                let is_there = help.map_or_else(|| helps.values().any(|help| has(help, flag)), |help| has(help, flag));
                assert!(is_there, "{document}: {quoted}: there is no {flag}");
            }
            seen += 1;
        }
    }
    assert!(seen > 50, "{seen}");
}
