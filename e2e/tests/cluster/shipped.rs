//! The Pod of the chart, started as a kubelet would start it: its own command lines, users, volumes and token.

use gatewright_e2e::cluster::{Answer, Chart, Images, Pod, World, app, eventually, get, ingress};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

/// A release with its ports, which are those of no other test.
struct Release {
    world: &'static World,
    name: &'static str,
    objects: Vec<Value>,
    ports: [u16; 3],
}

impl Release {
    fn install(name: &'static str, first_port: u16, values: &[&str]) -> Self {
        let world = World::shared();
        let ports = [first_port, first_port + 1, first_port + 2];
        let own = [
            format!("controller.containerPort.http={}", ports[0]),
            format!("controller.containerPort.https={}", ports[1]),
            format!("controller.metrics.port={}", ports[2]),
            format!("controller.extraArgs.status-port={}", first_port + 3),
            format!("controller.ingressClassResource.name={name}"),
            format!("controller.ingressClassResource.controllerValue=gatewright.dev/{name}"),
            format!("controller.ingressClass={name}"),
        ];
        let mut chart = Chart::new(name, values);
        chart.values.extend(own);
        let label = json!({"pod-security.kubernetes.io/enforce": "restricted"});
        world.apply_object(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": label}})).unwrap();
        let objects = chart.render().unwrap();
        for object in &objects {
            world.apply_object(object).unwrap();
        }
        Self { world, name, objects, ports }
    }

    fn pod<'i>(&self, images: Option<&'i Images>) -> Pod<'i> {
        let workload = self.objects.iter().find(|object| object["kind"] == "Deployment").unwrap();
        Pod::start(self.world, &format!("{}-pod", self.name), self.name, &workload["spec"]["template"]["spec"], images)
    }

    fn get(&self, host: &str) -> Result<Answer, String> {
        get(self.ports[0], host, "/")
    }

    fn wait_pod(&self, host: &str, pod: &str) {
        eventually(&format!("{host} is answered by {pod}"), || match self.get(host) {
            Ok(answer) if answer.pod() == pod => Ok(()),
            other => Err(format!("{other:?}")),
        });
    }

    fn wait_ready(&self) {
        eventually("the Pod is ready", || match get(self.ports[2], "localhost", "/readyz") {
            Ok(answer) if answer.status == 200 => Ok(()),
            other => Err(format!("{other:?}")),
        });
    }
}

/// Serves, takes changes, loses its controller and gets another one, and ends when it is told to.
fn lives(release: &Release, address: &str, images: Option<&Images>) {
    let (world, ns) = (release.world, release.name);
    let host = |name: &str| format!("{name}.{ns}.test");
    world.apply(&app(ns, "app", &[address]));
    world.apply(&ingress(ns, "one", ns, &host("one"), "app"));
    let mut pod = release.pod(images);
    release.wait_ready();
    release.wait_pod(&host("one"), address);
    world.apply(&ingress(ns, "two", ns, &host("two"), "app"));
    release.wait_pod(&host("two"), address);
    pod.end("controller", Signal::SIGKILL);
    assert_eq!(release.get(&host("one")).map(|answer| answer.status), Ok(200), "the proxy needs no controller");
    pod.start_again("controller");
    release.wait_ready();
    world.apply(&ingress(ns, "three", ns, &host("three"), "app"));
    release.wait_pod(&host("three"), address);
    eventually("it is told what is live", || {
        let events = world.events(ns, "Ingress", "one");
        if events.iter().any(|text| text.contains("live in revision")) { Ok(()) } else { Err(format!("{events:?}")) }
    });
    assert!(!pod.log("controller").contains("is forbidden"), "{}", pod.log("controller"));
    assert!(pod.end("controller", Signal::SIGTERM).success(), "{}", pod.log("controller"));
    pod.end("proxy", Signal::SIGQUIT);
    assert!(release.get(&host("one")).is_err(), "nobody listens any more");
}

#[test]
fn the_pod_with_nginx_serves_as_it_is_shipped() {
    lives(&Release::install("shipped-nginx", 15_000, &[]), "10.244.9.1", None);
}

#[test]
fn the_pod_with_haproxy_serves_as_it_is_shipped() {
    lives(&Release::install("shipped-haproxy", 15_010, &["proxy.kind=haproxy"]), "10.244.9.2", None);
}

#[test]
fn the_pod_that_knows_signals_only_serves_as_it_is_shipped() {
    lives(&Release::install("shipped-signal", 15_020, &["proxy.mode=signal"]), "10.244.9.3", None);
}

#[test]
fn the_pod_serves_one_namespace_with_roles_and_without_secrets() {
    let values = ["controller.scope.enabled=true", "rbac.scope=true", "rbac.secrets=false"];
    let release = Release::install("shipped-narrow", 15_030, &values);
    let (world, ns) = (release.world, release.name);
    world.apply(&app(ns, "app", &["10.244.9.4"]));
    // IngressClasses may not be read, so only the annotation counts.
    let web = ingress(ns, "web", ns, "web.narrow.test", "app").replace(&format!("  ingressClassName: {ns}\n"), "");
    world.apply(&web.replace("metadata: {", &format!("metadata: {{annotations: {{kubernetes.io/ingress.class: {ns}}}, ")));
    let _pod = release.pod(None);
    release.wait_ready();
    release.wait_pod("web.narrow.test", "10.244.9.4");
}

#[test]
fn the_images_are_built_and_serve_as_the_pod_starts_them() {
    let images = Images::build(World::shared());
    lives(&Release::install("shipped-image", 15_040, &[]), "10.244.9.5", Some(&images));
    lives(&Release::install("shipped-other", 15_050, &["proxy.kind=haproxy"]), "10.244.9.6", Some(&images));
}
