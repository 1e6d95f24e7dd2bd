//! The manifests that are shipped, installed once per test: in a namespace of its own, with a class of its own.

use super::{Controller, World, nginx};
use serde_json::{Value, json};
use std::path::Path;

/// What an installation is started with.
#[derive(Debug, Default)]
pub struct Setup<'a> {
    /// Further flags.
    pub flags: &'a [&'a str],
    /// Version of nginx; the newest, if none is given.
    pub nginx: Option<&'a str>,
    /// Name of the Pod; the installation's name, if none is given.
    pub pod: Option<&'a str>,
    /// The kubeconfig; one with a fresh token of the ServiceAccount, if none is given.
    pub kubeconfig: Option<Value>,
    /// The controller's folder that is taken over; a new one, if none is given.
    pub state: Option<&'a Path>,
    /// The controller whose ports are taken over; free ones, if none is given.
    pub ports: Option<&'a Controller<'a>>,
}

/// One installation.
#[derive(Debug)]
pub struct Install<'w> {
    /// Where it is installed.
    pub world: &'w World,
    /// Name of its namespace and of its class.
    pub name: String,
}

impl<'w> Install<'w> {
    /// Installs ServiceAccount, roles, bindings, IngressClass and ConfigMap as they are shipped, under another name.
    ///
    /// # Panics
    /// When the API server refuses something.
    #[must_use]
    pub fn new(world: &'w World, name: &str) -> Self {
        let install = Self { world, name: name.to_owned() };
        for object in shipped(&["namespace", "rbac", "ingressclass", "configmap"]) {
            world.apply_object(&install.renamed(object)).expect("what is shipped is taken by the API server");
        }
        install
    }

    /// The shipped object with another namespace, and another name where it is in none.
    fn renamed(&self, mut object: Value) -> Value {
        let name = json!(self.name);
        if object["metadata"].get("namespace").is_some() {
            object["metadata"]["namespace"] = name;
        } else if object["kind"] != "ClusterRole" {
            object["metadata"]["name"] = name;
        }
        for subject in object.get_mut("subjects").and_then(Value::as_array_mut).into_iter().flatten() {
            subject["namespace"] = json!(self.name);
        }
        if object["kind"] == "IngressClass" {
            object["spec"]["controller"] = json!(self.controller_class());
        }
        object
    }

    /// Takes rights for the whole cluster away: only the rules that are to be kept are left.
    ///
    /// # Panics
    /// When the API server refuses it.
    pub fn restrict(&self, keep: impl Fn(&Value) -> bool) {
        let rules: Vec<Value> = cluster_rules().as_array().into_iter().flatten().filter(|rule| keep(rule)).cloned().collect();
        // What a binding refers to cannot be changed.
        self.world.delete("ClusterRoleBinding", "", &self.name);
        let api = "rbac.authorization.k8s.io";
        let version = format!("{api}/v1");
        let account = json!([{"kind": "ServiceAccount", "name": "gatewright", "namespace": self.name}]);
        let reference = json!({"apiGroup": api, "kind": "ClusterRole", "name": self.name});
        for object in [
            json!({"apiVersion": version, "kind": "ClusterRole", "metadata": {"name": self.name}, "rules": rules}),
            json!({"apiVersion": version, "kind": "ClusterRoleBinding", "metadata": {"name": self.name}, "subjects": account, "roleRef": reference}),
        ] {
            self.world.apply_object(&object).expect("roles can be made");
        }
    }

    /// Gives rights in one namespace.
    ///
    /// # Panics
    /// When the API server refuses it.
    pub fn allow_in(&self, namespace: &str, rules: &Value) {
        let api = "rbac.authorization.k8s.io";
        let version = format!("{api}/v1");
        let account = json!([{"kind": "ServiceAccount", "name": "gatewright", "namespace": self.name}]);
        let meta = json!({"name": self.name, "namespace": namespace});
        let reference = json!({"apiGroup": api, "kind": "Role", "name": self.name});
        for object in [
            json!({"apiVersion": version, "kind": "Role", "metadata": meta, "rules": rules}),
            json!({"apiVersion": version, "kind": "RoleBinding", "metadata": meta, "subjects": account, "roleRef": reference}),
        ] {
            self.world.apply_object(&object).expect("roles can be made");
        }
    }

    /// Takes the rights on Leases away.
    ///
    /// # Panics
    /// When the API server refuses it.
    pub fn forbid_leases(&self) {
        let mut role = shipped(&["rbac"]).into_iter().find(|object| object["kind"] == "Role").expect("there is a Role");
        role = self.renamed(role);
        let rules: Vec<Value> =
            role["rules"].as_array().into_iter().flatten().filter(|rule| rule["resources"] != json!(["leases"])).cloned().collect();
        role["rules"] = rules.into();
        self.world.apply_object(&role).expect("roles can be changed");
    }

    fn controller_class(&self) -> String {
        format!("gatewright.dev/{}", self.name)
    }

    /// Starts a controller with the token of the ServiceAccount.
    #[must_use]
    pub fn start(&self, flags: &[&str]) -> Controller<'w> {
        self.start_with(Setup { flags, ..Setup::default() })
    }

    /// Starts a controller.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start_with(&self, setup: Setup<'_>) -> Controller<'w> {
        let kubeconfig = setup.kubeconfig.unwrap_or_else(|| self.world.kubeconfig(&self.world.token(&self.name, "gatewright")));
        let mut arguments: Vec<String> = vec![
            format!("--controller-class={}", self.controller_class()),
            format!("--ingress-class={}", self.name),
            "--election-id=gatewright-leader".to_owned(),
            "--election-ttl=4s".to_owned(),
            "--status-update-interval=5".to_owned(),
            "--proxy-mode=child".to_owned(),
            format!("--proxy-binary={}", nginx(setup.nginx.unwrap_or("1.30"))),
        ];
        arguments.extend(setup.flags.iter().map(|flag| (*flag).to_owned()));
        let pod = setup.pod.unwrap_or(&self.name);
        let environment = [("POD_NAME", pod.to_owned()), ("POD_NAMESPACE", self.name.clone())];
        Controller::start(self.world, pod, &kubeconfig, &arguments, &environment, (setup.state, setup.ports))
    }

    /// Makes a Pod of this installation, running and ready, on a node with this address.
    pub fn pod(&self, name: &str, node_address: &str) {
        let (world, namespace) = (self.world, &self.name);
        let node = format!("node-of-{name}");
        world.apply(&format!(
            "apiVersion: v1
kind: Node
metadata: {{name: {node}}}
---
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: {namespace}, labels: {{app.kubernetes.io/name: gatewright, pod-template-hash: a}}}}
spec: {{nodeName: {node}, containers: [{{name: controller, image: gatewright}}]}}
"
        ));
        world.patch_status("Node", "", &node, &json!({"addresses": [{"type": "ExternalIP", "address": node_address}]}));
        let ready = json!([{"type": "Ready", "status": "True"}]);
        world.patch_status("Pod", namespace, name, &json!({"phase": "Running", "conditions": ready}));
    }
}

/// The rules for the whole cluster, as they are shipped.
///
/// # Panics
/// When there are none.
#[must_use]
pub fn cluster_rules() -> Value {
    let role = shipped(&["rbac"]).into_iter().find(|object| object["kind"] == "ClusterRole");
    role.expect("there is a ClusterRole")["rules"].clone()
}

/// The objects of some files of the shipped manifests.
///
/// # Panics
/// When a file is missing or holds no YAML.
#[must_use]
fn shipped(files: &[&str]) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/manifests");
    let mut objects = Vec::new();
    for name in files {
        let text = std::fs::read_to_string(folder.join(name).with_extension("yaml")).expect("the manifest is there");
        let documents = serde_yaml::Deserializer::from_str(&text);
        objects.extend(documents.map(|document| <Value as serde::Deserialize>::deserialize(document).expect("the manifest is YAML")));
    }
    objects
}
