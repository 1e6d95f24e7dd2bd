//! What the guides tell people to run against a cluster, run.

use gatewright_e2e::cluster::{Chart, Install, Pod, World, app, deployment, eventually, get, ingress, program};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The blocks of a guide that are marked as `console`: what is typed at a cluster.
fn blocks(guide: &str) -> Vec<String> {
    marked(&format!("docs/guides/{guide}"), "console")
        .iter()
        .map(|block| block.lines().map(str::trim).collect::<Vec<_>>().join("\n"))
        .collect()
}

/// The blocks of a document that are marked with this language.
fn marked(document: &str, language: &str) -> Vec<String> {
    let text = std::fs::read_to_string(repository().join(document)).unwrap();
    let start = format!("```{language}\n");
    text.split(&start).skip(1).map(|part| part.split("```").next().unwrap().to_owned()).collect()
}

/// What is typed, however its lines are indented.
fn words(block: &str) -> Vec<&str> {
    block.split_whitespace().collect()
}

/// A chart that is named as that of ingress-nginx, and has no more than its IngressClass.
fn stand_in(folder: &Path) {
    let chart = folder.join("ingress-nginx/ingress-nginx");
    std::fs::create_dir_all(chart.join("templates")).unwrap();
    let class = "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata:\n  name: nginx\n  annotations: \
                 {{- toYaml .Values.controller.ingressClassResource.annotations | nindent 4 }}\nspec: {controller: k8s.io/ingress-nginx}\n";
    for (name, text) in [
        ("Chart.yaml", "apiVersion: v2\nname: ingress-nginx\nversion: 4.15.1\n"),
        ("values.yaml", "controller: {ingressClassResource: {annotations: {}}}\n"),
        ("templates/class.yaml", class),
    ] {
        std::fs::write(chart.join(name), text).unwrap();
    }
}

/// A folder with the programs that the guide runs, and what runs a command there.
struct Shell {
    folder: tempfile::TempDir,
}

impl Shell {
    fn new(world: &World) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("kubeconfig"), world.admin_kubeconfig().to_string()).unwrap();
        let set = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!(r#"{name} is set; eval "$(e2e/tools/setup env)" sets it"#));
        let kubectl = PathBuf::from(set("KUBEBUILDER_ASSETS")).join("kubectl");
        for (name, target) in [
            ("gatewright", PathBuf::from(program())),
            ("helm", PathBuf::from(set("HELM"))),
            ("kubectl", kubectl),
            ("deploy", repository().join("deploy")),
        ] {
            std::os::unix::fs::symlink(target, folder.path().join(name)).unwrap();
        }
        Self { folder }
    }

    fn environment(&self) -> [(&'static str, String); 3] {
        let folder = self.folder.path();
        let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
        [("PATH", path), ("KUBECONFIG", folder.join("kubeconfig").display().to_string()), ("HOME", folder.display().to_string())]
    }

    /// Exit code, and all that was written.
    fn run(&self, line: &str) -> (Option<i32>, String) {
        let mut command = Command::new("sh");
        command.args(["-e", "-c", line]).current_dir(self.folder.path());
        let output = command.envs(self.environment()).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    }

    /// Runs every command of a block; each answers with the exit code at its place.
    fn block<const N: usize>(&self, block: &str, codes: [i32; N]) {
        let text = block.replace("\\\n", " ");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), N, "{lines:#?}");
        for (line, expected) in lines.into_iter().zip(codes) {
            let (code, said) = self.run(line);
            assert_eq!(code, Some(expected), "{line}: {said}");
        }
    }
}

#[test]
fn moving_over_from_ingress_nginx_goes_as_the_guide_says() {
    // The guide's names are those of the chart, which other tests install too.
    let world = World::start();
    let shell = Shell::new(&world);
    stand_in(shell.folder.path());
    let (code, said) = shell.run("helm install ingress-nginx ingress-nginx/ingress-nginx --namespace ingress-nginx --create-namespace");
    assert_eq!(code, Some(0), "{said}");
    world.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n");
    world.apply(&app("shop", "cart", &["10.244.9.1"]));
    world.apply(&ingress("shop", "front", "nginx", "shop.example", "cart"));
    let [look, install, copy, delete, take_over, finish] = blocks("beside-ingress-nginx.md").try_into().unwrap();
    let [[file], [of_readme]] =
        ["yaml", "console"].map(|language| marked("deploy/helm/gatewright/README.md", language).try_into().unwrap());
    assert_eq!(marked("docs/guides/beside-ingress-nginx.md", "yaml").concat(), file, "as the README of the chart says");
    assert_eq!(words(&of_readme), words(&install), "as the README of the chart says");
    std::fs::write(shell.folder.path().join("gatewright.yaml"), &file).unwrap();
    let controller = || world.object("Deployment", "gatewright", "gatewright")["spec"]["template"]["spec"]["containers"][0].clone();
    let (arguments, image) = (|| controller()["args"].to_string(), || controller()["image"].clone());
    // The Ingress is served as it is, and in the same way by the other proxy.
    shell.block(&look, [0, 0]);
    shell.block(&install, [0]);
    shell.block(&copy, [0, 0]);
    let trial = &world.object("Ingress", "shop", "front-trial")["spec"];
    assert_eq!((&trial["ingressClassName"], &trial["rules"][0]["host"]), (&json!("gatewright"), &json!("trial.shop.example")));
    shell.block(&delete, [0]);
    shell.block(&take_over, [0]);
    for part in ["--controller-class=k8s.io/ingress-nginx", "--ingress-class=nginx", "--update-status=false"] {
        assert!(arguments().contains(part), "{part}: {}", arguments());
    }
    assert_eq!(image(), "registry.example/team/gatewright:0.1.0", "the file was not forgotten");
    let class = || world.object("IngressClass", "", "nginx")["metadata"].clone();
    let uid = class()["uid"].clone();
    shell.block(&finish, [0, 0, 0]);
    assert_eq!(image(), "registry.example/team/gatewright:0.1.0", "the file was not forgotten");
    assert_eq!(class()["uid"], uid, "the class was there all the time");
    assert_eq!(class()["annotations"]["meta.helm.sh/release-name"], "gatewright");
    assert!(arguments().contains("--ingress-class=nginx") && !arguments().contains("--update-status"), "{}", arguments());
    assert_eq!(shell.run("helm uninstall gatewright --namespace gatewright").0, Some(0));
}

#[test]
fn the_api_server_says_no_as_the_guide_says() {
    // The guide's names are those of the chart, which other tests install too.
    let world = World::start();
    let shell = Shell::new(&world);
    let bad = |host: &str| {
        let text = ingress("default", "bad", "gatewright", host, "app").replace("path: /,", "path: '/a[b',");
        world.try_object(&serde_yaml::from_str(&text).unwrap())
    };
    let [rules, printed, webhook] = blocks("admission.md").try_into().unwrap();
    shell.block(&rules, [0, 0]);
    let said = eventually("the rules count", || bad("a.test").err().map(|error| error.to_string()).ok_or_else(|| "it is taken".to_owned()));
    assert!(said.contains("no plain path"), "{said}");
    shell.block(&printed, [0]);
    let binding = world.object("ValidatingAdmissionPolicyBinding", "", "ingress-rules");
    assert_eq!(binding["spec"], json!({"policyName": "ingress-rules", "validationActions": ["Warn"]}));
    shell.block(&webhook, [0, 0]);
    let hook = world.object("ValidatingWebhookConfiguration", "", "gatewright-admission");
    assert_eq!(hook["webhooks"][0]["failurePolicy"], "Ignore");
    assert_eq!(shell.run("helm uninstall gatewright --namespace gatewright").0, Some(0));
}

#[test]
fn rights_on_secrets_are_as_narrow_as_the_guide_makes_them() {
    // The guide's names are those of the chart, which other tests install too.
    let world = World::start();
    let shell = Shell::new(&world);
    world.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n");
    let may = |namespace: Option<&str>, names: &[&str]| {
        let rule = json!({"apiGroups": [""], "resources": ["secrets"], "verbs": ["watch"], "resourceNames": names});
        world.may("system:serviceaccount:gatewright:gatewright", namespace, &rule)
    };
    // The API server learns of roles by a watch of its own.
    let becomes = |expected: [bool; 4]| {
        eventually(&format!("{expected:?}"), || {
            let now = [may(None, &[]), may(Some("default"), &[]), may(Some("shop"), &[]), may(Some("shop"), &["front"])];
            if now == expected { Ok(()) } else { Err(format!("{now:?}")) }
        });
    };
    let [by_the_chart, by_the_namespace, by_names] = blocks("permissions.md").try_into().unwrap();
    shell.block(&by_the_chart, [0]);
    becomes([false, false, true, true]);
    shell.block(&by_the_namespace, [0, 0, 0]);
    becomes([false, false, false, true]);
    shell.block("kubectl delete rolebinding gatewright-secrets --namespace shop", [0]);
    becomes([false, false, false, false]);
    let web = |secret: &str| {
        let web = ingress("shop", "web", "gatewright", "shop.example", "app");
        world.apply(&format!("{web}  tls: [{{hosts: [shop.example], secretName: {secret}}}]\n"));
    };
    web("front");
    shell.block(&by_names, [0, 0, 0, 0]);
    becomes([false, false, false, true]);
    web("back");
    let looks: Vec<&str> = by_names.lines().filter(|line| !line.starts_with("helm") && !line.contains(" apply ")).collect();
    shell.block(&looks.join("\n"), [0, 1]);
    assert_eq!(shell.run("helm uninstall gatewright --namespace gatewright").0, Some(0));
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

#[test]
fn secrets_become_volumes_as_the_guide_shows() {
    let world = World::shared();
    world.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: mounted, labels: {pod-security.kubernetes.io/enforce: restricted}}\n");
    let [values] = marked("docs/guides/secrets-as-files.md", "yaml").try_into().unwrap();
    let objects = Chart::new("mounted", &[]).with_file(&values).render().unwrap();
    let template = &objects.iter().find(|object| object["kind"] == "Deployment").unwrap()["spec"]["template"];
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": template["metadata"], "spec": template["spec"]});
    pod["metadata"]["name"] = json!("pod");
    pod["metadata"]["namespace"] = json!("mounted");
    world.try_object(&pod).unwrap_or_else(|error| panic!("{error}: {pod}"));
    let controller = &template["spec"]["containers"][0];
    let [text] = marked("docs/guides/secrets-as-files.md", "text").try_into().unwrap();
    let told: BTreeSet<&str> = text.lines().map(|line| line.split_whitespace().last().unwrap().rsplit_once('/').unwrap().0).collect();
    let mounts = controller["volumeMounts"].as_array().unwrap().iter().map(|mount| mount["mountPath"].as_str().unwrap());
    let folder = "/var/run/secrets/gatewright";
    assert_eq!(told, mounts.filter(|path| path.starts_with(folder)).collect(), "the volumes are where the guide says");
    assert!(controller["args"].as_array().unwrap().contains(&json!(format!("--secrets-from={folder}"))), "{controller}");
    assert!(objects.iter().all(|object| !object["rules"].to_string().contains("secrets")), "no Secret is asked of the API server");
}

#[test]
fn the_controller_starts_as_the_readme_says() {
    // It listens on the ports that it has by default, which others may use.
    let world = World::start();
    let shell = Shell::new(&world);
    let block = marked("README.md", "sh").into_iter().find(|block| block.starts_with("gatewright run ")).unwrap();
    let [from_cluster, from_folder]: [&str; 2] = block.lines().collect::<Vec<_>>().try_into().unwrap();
    let class =
        "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: gatewright}\nspec: {controller: gatewright.dev/ingress}\n";
    let objects =
        |host: &str| [app("default", "app", &["10.244.9.30"]), ingress("default", "web", "gatewright", host, "app")].join("---\n");
    world.apply(class);
    world.apply(&objects("cluster.test"));
    let folder = shell.folder.path().join("manifests");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("all.yaml"), objects("folder.test")).unwrap();
    for (name, line) in [("cluster", from_cluster), ("folder", &from_folder.replace("DIR", &folder.display().to_string()))] {
        let running = world.script(name, line, &shell.environment());
        let host = format!("{name}.test");
        eventually(&format!("{line} serves"), || match get(80, &host, "/") {
            Ok(answer) if answer.pod() == "10.244.9.30" => Ok(()),
            other => Err(format!("{other:?}")),
        });
        drop(running);
        eventually("nobody listens any more", || if get(80, &host, "/").is_err() { Ok(()) } else { Err(line.to_owned()) });
    }
}
