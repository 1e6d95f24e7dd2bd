//! The chart, installed for one test under ports of its own.

use gatewright_e2e::cluster::{Answer, Chart, Images, Pod, World, eventually, get};
use serde_json::{Value, json};

/// A release with its ports, which are those of no other test.
pub(crate) struct Release {
    pub(crate) world: &'static World,
    pub(crate) name: &'static str,
    pub(crate) objects: Vec<Value>,
    /// For HTTP, for HTTPS, and of health and metrics.
    pub(crate) ports: [u16; 3],
}

impl Release {
    /// Installed with ports from this one on; ten of them are its own.
    pub(crate) fn install(name: &'static str, first_port: u16, values: &[&str]) -> Self {
        let world = World::shared();
        let ports = [first_port, first_port + 1, first_port + 2];
        let mut chart = Chart::new(name, &[]);
        chart.values.extend([
            format!("controller.containerPort.http={}", ports[0]),
            format!("controller.containerPort.https={}", ports[1]),
            format!("controller.metrics.port={}", ports[2]),
            format!("controller.extraArgs.status-port={}", first_port + 3),
            format!("controller.ingressClassResource.name={name}"),
            format!("controller.ingressClassResource.controllerValue=gatewright.dev/{name}"),
            format!("controller.ingressClass={name}"),
        ]);
        chart.values.extend(values.iter().map(|value| (*value).to_owned()));
        let label = json!({"pod-security.kubernetes.io/enforce": "restricted"});
        world.apply_object(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": label}})).unwrap();
        let objects = chart.render().unwrap();
        for object in &objects {
            world.apply_object(object).unwrap();
        }
        Self { world, name, objects, ports }
    }

    /// The object of this kind that is named as the release's are, with this ending.
    pub(crate) fn object(&self, kind: &str, ending: &str) -> &Value {
        self.find(&[kind], ending)
    }

    fn find(&self, kinds: &[&str], ending: &str) -> &Value {
        let name = format!("{}-gatewright{ending}", self.name);
        let is_it = |object: &&Value| kinds.iter().any(|kind| object["kind"] == *kind) && object["metadata"]["name"] == name.as_str();
        self.objects.iter().find(is_it).unwrap_or_else(|| panic!("there is a {kinds:?} {name}"))
    }

    /// The Pod of its Deployment or DaemonSet, started.
    pub(crate) fn pod<'i>(&self, images: Option<&'i Images>) -> Pod<'i> {
        self.pod_of("", images)
    }

    /// The Pod of the Deployment or DaemonSet with this ending of its name, started.
    pub(crate) fn pod_of<'i>(&self, ending: &str, images: Option<&'i Images>) -> Pod<'i> {
        let spec = &self.find(&["Deployment", "DaemonSet"], ending)["spec"]["template"]["spec"];
        Pod::start(self.world, &format!("{}-pod{ending}", self.name), self.name, spec, images)
    }

    /// Makes Pods of every Deployment as the API server knows them, `NAME-0` and so on, all of them running and ready.
    pub(crate) fn make_pods(&self, count: usize) {
        let deployments = self.objects.iter().filter(|object| object["kind"] == "Deployment");
        for (deployment, number) in deployments.flat_map(|deployment| (0..count).map(move |number| (deployment, number))) {
            let name = format!("{}-{number}", deployment["metadata"]["name"].as_str().unwrap());
            let template = &deployment["spec"]["template"];
            let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": template["metadata"], "spec": template["spec"]});
            pod["metadata"]["name"] = json!(name);
            pod["metadata"]["namespace"] = json!(self.name);
            self.world.apply_object(&pod).unwrap_or_else(|error| panic!("{error}: {pod}"));
            let ready = json!([{"type": "Ready", "status": "True"}]);
            self.world.patch_status("Pod", self.name, &name, &json!({"phase": "Running", "conditions": ready}));
        }
    }

    /// Asks the proxy over HTTP.
    pub(crate) fn get(&self, host: &str) -> Result<Answer, String> {
        get(self.ports[0], host, "/")
    }

    /// Waits until each of these, host and path, is answered by a pod, or with a status.
    pub(crate) fn wait_all(&self, example: &str, expected: &[(&str, &str, &str)]) {
        for (host, path, answer) in expected {
            eventually(&format!("{example}: {host}{path} gives {answer}"), || match get(self.ports[0], host, path) {
                Ok(given) if given.pod() == *answer || given.status.to_string() == *answer => Ok(()),
                other => Err(format!("{other:?}")),
            });
        }
    }

    /// Waits until a host is answered by a pod.
    pub(crate) fn wait_pod(&self, host: &str, pod: &str) {
        eventually(&format!("{host} is answered by {pod}"), || match self.get(host) {
            Ok(answer) if answer.pod() == pod => Ok(()),
            other => Err(format!("{other:?}")),
        });
    }

    /// Waits until the controller says that it is ready.
    pub(crate) fn wait_ready(&self) {
        eventually("the Pod is ready", || match get(self.ports[2], "localhost", "/readyz") {
            Ok(answer) if answer.status == 200 => Ok(()),
            other => Err(format!("{other:?}")),
        });
    }
}
