//! The manifests that are shipped, installed once per test: in a namespace of its own, with a class of its own, and with
//! the least permissions for the flags of the test.

use super::{Controller, World, eventually, printed};
use crate::proxies::Proxy;
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::path::Path;

/// What an installation is started with.
#[derive(Debug, Default)]
pub struct Setup<'a> {
    /// Further flags.
    pub flags: &'a [&'a str],
    /// Name of the Pod; the installation's name, if none is given.
    pub pod: Option<&'a str>,
    /// The kubeconfig; one with a fresh token of the ServiceAccount, if none is given.
    pub kubeconfig: Option<Value>,
    /// The controller's folder that is taken over; a new one, if none is given.
    pub state: Option<&'a Path>,
    /// The controller whose ports are taken over; free ones, if none is given.
    pub ports: Option<&'a Controller<'a>>,
    /// Another program to run as the proxy.
    pub program: Option<&'a Path>,
}

/// One installation.
#[derive(Debug)]
pub struct Install<'w> {
    /// Where it is installed.
    pub world: &'w World,
    /// Name of its namespace and of its class.
    pub name: String,
    proxy: Proxy,
    /// The test has given other permissions than those that are needed.
    has_own_permissions: Cell<bool>,
    /// The flags that permissions were given for.
    permitted: RefCell<Vec<String>>,
}

impl<'w> Install<'w> {
    /// Installs everything as it is shipped, under another name, with the newest nginx.
    #[must_use]
    pub fn new(world: &'w World, name: &str) -> Self {
        Self::named(Proxy::NGINX_1_30, world, name.to_owned())
    }

    /// The same with any proxy, whose name becomes part of the name.
    #[must_use]
    pub fn of(proxy: Proxy, world: &'w World, name: &str) -> Self {
        let proxy_name = proxy.variable.trim_start_matches("GATEWRIGHT_").to_lowercase().replace('_', "-");
        Self::named(proxy, world, format!("{name}-{proxy_name}"))
    }

    /// The same with any proxy, under the name as it is given.
    #[must_use]
    pub fn on(proxy: Proxy, world: &'w World, name: &str) -> Self {
        Self::named(proxy, world, name.to_owned())
    }

    fn named(proxy: Proxy, world: &'w World, name: String) -> Self {
        let install = Self { world, name, proxy, has_own_permissions: Cell::new(false), permitted: RefCell::default() };
        for object in shipped() {
            world.apply_object(&install.renamed(object)).expect("what is shipped is taken by the API server");
        }
        install
    }

    /// The shipped object in another namespace, or with another name where it is in none.
    fn renamed(&self, mut object: Value) -> Value {
        let name = json!(self.name);
        if object["kind"] == "CustomResourceDefinition" {
            return object;
        }
        if object["metadata"].get("namespace").is_none() {
            object["metadata"]["name"] = name.clone();
            if object["kind"] == "ClusterRoleBinding" {
                object["roleRef"]["name"] = name;
            }
        } else if object["metadata"]["namespace"] == "gatewright" {
            object["metadata"]["namespace"] = name;
        }
        for subject in object.get_mut("subjects").and_then(Value::as_array_mut).into_iter().flatten() {
            subject["namespace"] = json!(self.name);
        }
        if object["kind"] == "IngressClass" {
            object["spec"]["controller"] = json!(self.controller_class());
        }
        object
    }

    /// Gives the permissions that `gatewright rbac` prints for these flags, and waits until they count.
    ///
    /// # Panics
    /// When the API server refuses it.
    fn permit(&self, flags: &[String]) {
        if *self.permitted.borrow() == flags {
            return;
        }
        flags.clone_into(&mut self.permitted.borrow_mut());
        let flags = [&[format!("--own-namespace={}", self.name)], flags].concat();
        let items = printed(&flags);
        for object in &items {
            match self.world.apply_object(&self.renamed(object.clone())) {
                // A namespace that is not there has no roles.
                Err(kube::Error::Api(status)) if status.code == 404 => {}
                result => result.unwrap_or_else(|error| panic!("{error}: {object}")),
            }
        }
        let user = format!("system:serviceaccount:{}:gatewright", self.name);
        for role in items.iter().filter(|object| !object["rules"].is_null()) {
            let namespace = role["metadata"]["namespace"].as_str();
            if namespace.is_some_and(|namespace| self.world.object("Namespace", "", namespace).is_null()) {
                continue;
            }
            let last = role["rules"].as_array().and_then(|rules| rules.last()).expect("no role is empty");
            eventually("the permissions count", || if self.world.may(&user, namespace, last) { Ok(()) } else { Err(last.to_string()) });
        }
    }

    /// Takes rights for the whole cluster away: only the rules that are to be kept are left.
    ///
    /// # Panics
    /// When the API server refuses it.
    pub fn restrict(&self, keep: impl Fn(&Value) -> bool) {
        let (kept, dropped): (Vec<Value>, Vec<Value>) = cluster_rules().as_array().cloned().unwrap_or_default().into_iter().partition(keep);
        self.permit_only(&kept);
        let user = format!("system:serviceaccount:{}:gatewright", self.name);
        for rule in dropped {
            eventually("the right is gone", || if self.world.may(&user, None, &rule) { Err(rule.to_string()) } else { Ok(()) });
        }
    }

    /// Gives these rights for the whole cluster and no others.
    ///
    /// # Panics
    /// When the API server refuses it.
    pub fn permit_only(&self, rules: &[Value]) {
        self.has_own_permissions.set(true);
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
        self.has_own_permissions.set(true);
        let mut role = shipped().into_iter().find(|object| object["kind"] == "Role").expect("there is a Role");
        role = self.renamed(role);
        let rules: Vec<Value> =
            role["rules"].as_array().into_iter().flatten().filter(|rule| rule["resources"] != json!(["leases"])).cloned().collect();
        role["rules"] = rules.into();
        self.world.apply_object(&role).expect("roles can be changed");
    }

    /// Controller of its IngressClass.
    #[must_use]
    pub fn controller_class(&self) -> String {
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
            format!("--proxy={}", self.proxy.kind),
            format!("--proxy-binary={}", setup.program.map_or_else(|| self.proxy.program(), Path::to_owned).display()),
        ];
        arguments.extend(setup.flags.iter().map(|flag| (*flag).to_owned()));
        if !self.has_own_permissions.get() {
            self.permit(&arguments);
        }
        let pod = setup.pod.unwrap_or(&self.name);
        let environment = [("POD_NAME", pod.to_owned()), ("POD_NAMESPACE", self.name.clone())];
        Controller::start(self.world, pod, &kubeconfig, &arguments, &environment, (setup.state, setup.ports))
    }

    /// Makes a Pod of this installation, running and ready, on a node with this address.
    pub fn pod(&self, name: &str, node_address: &str) {
        let (world, namespace) = (self.world, &self.name);
        let node = format!("node-of-{name}");
        // Whatever the namespace demands of its Pods, that of the Deployment has it.
        let mut spec = deployment()["spec"]["template"]["spec"].clone();
        spec["nodeName"] = json!(node);
        world.apply(&format!(
            "apiVersion: v1
kind: Node
metadata: {{name: {node}}}
---
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: {namespace}, labels: {{app.kubernetes.io/name: gatewright, pod-template-hash: a}}}}
spec: {spec}
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
    let role = shipped().into_iter().find(|object| object["kind"] == "ClusterRole");
    role.expect("there is a ClusterRole")["rules"].clone()
}

/// The Deployment, as it is shipped.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn deployment() -> Value {
    shipped().into_iter().find(|object| object["kind"] == "Deployment").expect("there is a Deployment")
}

/// The objects of the shipped manifests.
///
/// # Panics
/// When the file is missing or holds no YAML.
#[must_use]
fn shipped() -> Vec<Value> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/manifests/gatewright.yaml");
    documents(&std::fs::read_to_string(file).expect("the manifests are there"))
}

/// The objects of a YAML text.
///
/// # Panics
/// When it is none.
#[must_use]
pub fn documents(text: &str) -> Vec<Value> {
    let documents = serde_yaml::Deserializer::from_str(text);
    let objects = documents.map(|document| <Value as serde::Deserialize>::deserialize(document).expect("the manifests are YAML"));
    objects.filter(|object| !object.is_null()).collect()
}
