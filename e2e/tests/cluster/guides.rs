//! What the guides tell people to run against a cluster, run.

use gatewright_e2e::cluster::{Install, Pod, World, app, deployment, eventually, get, ingress, program};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The blocks of a guide that are marked as `console`: what is typed at a cluster.
fn blocks(guide: &str) -> Vec<String> {
    let text = std::fs::read_to_string(repository().join("docs/guides").join(guide)).unwrap();
    let blocks = text.split("```console\n").skip(1).map(|part| part.split("```").next().unwrap());
    blocks.map(|block| block.lines().map(str::trim).collect::<Vec<_>>().join("\n")).collect()
}

#[test]
fn moving_over_from_ingress_nginx_goes_as_the_guide_says() {
    // The guide's names are those of the chart, which other tests install too.
    let world = World::start();
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    std::fs::write(&kubeconfig, world.admin_kubeconfig().to_string()).unwrap();
    let helm = std::env::var("HELM").expect(r#"HELM is set; eval "$(e2e/tools/setup env)" sets it"#);
    std::os::unix::fs::symlink(program(), folder.path().join("gatewright")).unwrap();
    std::os::unix::fs::symlink(helm, folder.path().join("helm")).unwrap();
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap_or_default());
    let blocks = blocks("beside-ingress-nginx.md");
    assert_eq!(blocks.len(), 3, "{blocks:#?}");
    let run = |text: &str| {
        let mut command = Command::new("sh");
        command.args(["-e", "-c", text]).current_dir(repository());
        let output = command.env("PATH", &path).env("KUBECONFIG", &kubeconfig).env("HOME", folder.path()).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    };
    for block in &blocks {
        // Those who look answer 1 where there is something to see.
        for line in block.replace("\\\n", " ").lines() {
            let (code, said) = run(line);
            let looks = line.starts_with("gatewright ");
            assert!(code == Some(0) || (looks && code == Some(1)), "{line}: {code:?} {said}");
        }
    }
    let arguments = world.object("Deployment", "gatewright", "gatewright")["spec"]["template"]["spec"]["containers"][0]["args"].to_string();
    for part in ["--controller-class=k8s.io/ingress-nginx", "--ingress-class=nginx", "--update-status=false"] {
        assert!(arguments.contains(part), "{part}: {arguments}");
    }
    assert_eq!(run("helm uninstall gatewright --namespace gatewright").0, Some(0));
}

#[test]
fn a_sidecar_serves_as_the_guide_says() {
    let world = World::shared();
    let install = Install::new(world, "sidecar");
    let ns = install.name.as_str();
    // The commands of the guide are those of somebody with the default class.
    world
        .apply_object(&json!({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "sidecar-own"},
            "spec": {"controller": "gatewright.dev/ingress"}}))
        .unwrap();
    world.apply(&app(ns, "app", &["10.244.9.20"]));
    world.apply(&ingress(ns, "web", "sidecar-own", "sidecar.test", "app"));
    let [supervise, run] = blocks("sidecar.md").try_into().unwrap();
    let mut spec = deployment()["spec"]["template"]["spec"].clone();
    for (container, command) in [(1, supervise), (0, run)] {
        let container = &mut spec["containers"][container];
        container["command"] = json!(["sh", "-c", format!("exec {command}")]);
        container["args"] = json!([]);
    }
    let _pod = Pod::start(world, "sidecar-pod", ns, &spec, None);
    eventually("the host is served", || match get(8080, "sidecar.test", "/") {
        Ok(answer) if answer.pod() == "10.244.9.20" => Ok(()),
        other => Err(format!("{other:?}")),
    });
}
