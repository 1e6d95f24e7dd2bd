//! What the files of our images say by themselves, and that the chart says the same.

use crate::world::of_repository;
use serde_json::{Value, json};

/// The instructions of a file, in order: the word that each begins with, and the rest of its line.
fn instructions(image: &str) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(of_repository(&format!("images/{image}/Containerfile"))).unwrap();
    let lines = text.lines().filter(|line| !(line.is_empty() || line.starts_with('#')));
    lines.map(|line| line.split_once(' ').unwrap()).map(|(word, rest)| (word.to_owned(), rest.to_owned())).collect()
}

/// The instructions of the last stage, which is what is shipped.
fn shipped(image: &str) -> Vec<(String, String)> {
    let all = instructions(image);
    let last = all.iter().rposition(|(word, _)| word == "FROM").unwrap();
    all[last..].to_vec()
}

fn rest<'a>(instructions: &'a [(String, String)], word: &str) -> Vec<&'a str> {
    instructions.iter().filter(|(own, _)| own == word).map(|(_, rest)| &**rest).collect()
}

#[test]
fn every_base_is_an_argument_with_a_default() {
    for image in ["controller", "ci"] {
        let all = instructions(image);
        let arguments = rest(&all, "ARG");
        for base in rest(&all, "FROM") {
            let name =
                base.strip_prefix("${").and_then(|base| base.split_once('}')).unwrap_or_else(|| panic!("{image}: {base} is fixed")).0;
            assert!(arguments.iter().any(|argument| argument.starts_with(&format!("{name}="))), "{image}: {name} has no default");
        }
    }
}

#[test]
fn the_image_of_the_controller_is_started_as_the_pod_starts_it() {
    let image = shipped("controller");
    assert_eq!(rest(&image, "USER"), ["101:101"]);
    let entry: Value = serde_json::from_str(rest(&image, "ENTRYPOINT")[0]).unwrap();
    let command: Value = serde_json::from_str(rest(&image, "CMD")[0]).unwrap();
    let copied = rest(&image, "COPY")[0];
    assert_eq!((entry[0].as_str(), command), (copied.rsplit(' ').next(), json!(["run"])));
    // Whoever writes there needs a root that can be written, and the shell of one that can be run needs more than this.
    for word in ["RUN", "VOLUME", "ADD", "SHELL"] {
        assert_eq!(rest(&image, word), [""; 0], "{word}");
    }
    let values: Value =
        serde_yaml::from_str(&std::fs::read_to_string(of_repository("deploy/helm/gatewright/values.yaml")).unwrap()).unwrap();
    let own = &values["controller"]["image"];
    assert_eq!((&own["runAsUser"], &own["runAsGroup"]), (&json!(101), &json!(101)));
    assert_eq!((&own["readOnlyRootFilesystem"], &own["runAsNonRoot"]), (&json!(true), &json!(true)));
    assert_eq!(own["allowPrivilegeEscalation"], false);
}
