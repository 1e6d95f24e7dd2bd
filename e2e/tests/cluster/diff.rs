//! `gatewright diff` of a folder and a real cluster, either way round.

use gatewright_e2e::cluster::{World, app, ingress, program};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

const NAMESPACE: &str = "compared";

/// Exit code, standard output and standard error.
fn diff(folder: &Path, kubeconfig: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(program());
    command.arg("diff").args(arguments).args(["--kubeconfig", kubeconfig, "--watch-namespace", NAMESPACE]);
    command.args(["--controller-class", "gatewright.dev/compared"]).current_dir(folder);
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn write_kubeconfig(folder: &Path, name: &str, content: &Value) {
    fs::write(folder.join(name), content.to_string()).unwrap();
}

#[test]
fn a_folder_is_compared_with_what_the_api_server_has() {
    let world = World::shared();
    world.apply(&format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {NAMESPACE}}}\n"));
    world.apply(
        "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: compared}\nspec: {controller: gatewright.dev/compared}\n",
    );
    world.apply(&app(NAMESPACE, "app", &["10.244.9.60"]));
    world.apply(&app(NAMESPACE, "other", &["10.244.9.61"]));
    let front = ingress(NAMESPACE, "front", "compared", "compared.test", "app");
    world.apply(&front);
    let folder = world.new_folder("compared");
    fs::create_dir(folder.join("deploy")).unwrap();
    write_kubeconfig(&folder, "kubeconfig", &world.admin_kubeconfig());
    let written = |text: &str| fs::write(folder.join("deploy/front.yaml"), text).unwrap();
    let both = |more: &[&str]| {
        [["cluster", "deploy"], ["deploy", "cluster"]].map(|sides| diff(&folder, "kubeconfig", &[&sides[..], more].concat()))
    };
    // What the API server has added, and what a repository does not hold, is no difference.
    written(&front);
    for (code, out, err) in both(&[]) {
        assert!(code == Some(0) && out == "nothing changes\n" && err.contains("is taken from the cluster"), "{code:?} {out} {err}");
    }
    let more = ingress(NAMESPACE, "more", "compared", "more.compared.test", "app");
    written(&(ingress(NAMESPACE, "front", "compared", "compared.test", "other") + "---\n" + &more));
    let [to_folder, to_cluster] = both(&["--routes-only"]);
    for ((code, out, err), parts) in [
        (to_folder, ["Service compared/app:80 → Service compared/other:80", "+ host more.compared.test: added  (Ingress compared/more)"]),
        (
            to_cluster,
            ["Service compared/other:80 → Service compared/app:80", "- host more.compared.test: removed  (Ingress compared/more)"],
        ),
    ] {
        assert!(code == Some(1) && parts.iter().all(|part| out.contains(part)), "{parts:?}: {code:?} {out} {err}");
    }
    for (code, out, err) in both(&["--format", "markdown", "--proxy", "haproxy"]) {
        assert!(code == Some(1) && out.starts_with("### Ingress changes\n") && out.contains("```diff\n"), "{code:?} {out} {err}");
    }
    fs::remove_file(folder.join("deploy/front.yaml")).unwrap();
    let (code, out, err) = diff(&folder, "kubeconfig", &["cluster", "deploy", "--routes-only"]);
    assert!(code == Some(1) && out.contains("- host compared.test: removed"), "{code:?} {out} {err}");
}

#[test]
fn a_cluster_that_forbids_to_look_is_not_compared() {
    let world = World::shared();
    world.apply(&format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {NAMESPACE}}}\n"));
    world.apply(&format!("apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: nobody, namespace: {NAMESPACE}}}\n"));
    let folder = world.new_folder("forbidden");
    write_kubeconfig(&folder, "kubeconfig", &world.kubeconfig(&world.token(NAMESPACE, "nobody")));
    fs::write(folder.join("a.yaml"), ingress(NAMESPACE, "front", "compared", "compared.test", "app")).unwrap();
    for sides in [["cluster", "a.yaml"], ["a.yaml", "cluster"]] {
        let (code, out, err) = diff(&folder, "kubeconfig", &sides);
        assert!(code == Some(2) && out.is_empty() && err.contains("may not be read"), "{code:?} {out} {err}");
    }
}
