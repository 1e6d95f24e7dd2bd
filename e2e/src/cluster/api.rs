//! What the tests do with the API server, as an administrator.

use super::World;
use futures::StreamExt;
use k8s_openapi::api::authentication::v1::{BoundObjectReference, TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, EvictParams, GroupVersionKind, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

/// Where a kind is found: plural, and whether it lives in namespaces.
fn resource(api_version: &str, kind: &str) -> (ApiResource, bool) {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let (plural, namespaced) = match kind {
        "Namespace" => ("namespaces", false),
        "Node" => ("nodes", false),
        "IngressClass" => ("ingressclasses", false),
        "ClusterRole" => ("clusterroles", false),
        "ClusterRoleBinding" => ("clusterrolebindings", false),
        "Ingress" => ("ingresses", true),
        "NetworkPolicy" => ("networkpolicies", true),
        "Endpoints" => ("endpoints", true),
        "GatewrightParameters" => ("gatewrightparameters", true),
        "CustomResourceDefinition" => ("customresourcedefinitions", false),
        "SubjectAccessReview" => ("subjectaccessreviews", false),
        "ValidatingAdmissionPolicy" => ("validatingadmissionpolicies", false),
        "ValidatingAdmissionPolicyBinding" => ("validatingadmissionpolicybindings", false),
        "ValidatingWebhookConfiguration" => ("validatingwebhookconfigurations", false),
        _ => ("", true),
    };
    let gvk = GroupVersionKind::gvk(group, version, kind);
    let plural = if plural.is_empty() { format!("{}s", kind.to_lowercase()) } else { plural.to_owned() };
    (ApiResource::from_gvk_with_plural(&gvk, &plural), namespaced)
}

fn api_version(kind: &str) -> &'static str {
    match kind {
        "Ingress" | "IngressClass" | "NetworkPolicy" => "networking.k8s.io/v1",
        "EndpointSlice" => "discovery.k8s.io/v1",
        "GatewrightParameters" => "gatewright.dev/v1alpha1",
        "CustomResourceDefinition" => "apiextensions.k8s.io/v1",
        "SubjectAccessReview" => "authorization.k8s.io/v1",
        "ValidatingAdmissionPolicy" | "ValidatingAdmissionPolicyBinding" | "ValidatingWebhookConfiguration" => {
            "admissionregistration.k8s.io/v1"
        }
        "Deployment" | "DaemonSet" => "apps/v1",
        "PodDisruptionBudget" => "policy/v1",
        "Lease" => "coordination.k8s.io/v1",
        "ClusterRole" | "ClusterRoleBinding" | "Role" | "RoleBinding" => "rbac.authorization.k8s.io/v1",
        _ => "v1",
    }
}

impl World {
    fn api(&self, api_version: &str, kind: &str, namespace: &str) -> Api<DynamicObject> {
        let (resource, namespaced) = resource(api_version, kind);
        if namespaced { Api::namespaced_with(self.client(), namespace, &resource) } else { Api::all_with(self.client(), &resource) }
    }

    /// Makes or changes every object of the documents, as the server-side apply of one field manager.
    ///
    /// # Panics
    /// When the API server refuses one.
    pub fn apply(&self, yaml: &str) {
        for document in serde_yaml::Deserializer::from_str(yaml) {
            let object: Value = serde::Deserialize::deserialize(document).expect("the YAML of a test is YAML");
            if !object.is_null() {
                self.apply_object(&object).unwrap_or_else(|error| panic!("{error}: {object}"));
            }
        }
    }

    /// Makes or changes one object.
    ///
    /// # Errors
    /// When the API server refuses it.
    pub fn apply_object(&self, object: &Value) -> Result<(), kube::Error> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let api = self.api(&text("/apiVersion"), &text("/kind"), &text("/metadata/namespace"));
        let name = text("/metadata/name");
        self.block(async { api.patch(&name, &PatchParams::apply("tests").force(), &Patch::Apply(object)).await.map(drop) })
    }

    /// Makes many new objects of one kind and namespace, several at once.
    ///
    /// # Panics
    /// When the API server refuses one.
    pub fn create_all(&self, objects: &[Value]) {
        const AT_ONCE: usize = 16;
        let Some(first) = objects.first() else { return };
        let text = |pointer: &str| first.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let api = self.api(text("/apiVersion"), text("/kind"), text("/metadata/namespace"));
        let create = async |object: &Value| {
            let object: DynamicObject = serde_json::from_value(object.clone()).expect("it is an object");
            api.create(&PostParams::default(), &object).await.expect("the API server makes it");
        };
        self.block(futures::stream::iter(objects).for_each_concurrent(AT_ONCE, create));
    }

    /// Asks whether an object would be made, without making it.
    ///
    /// # Errors
    /// When the API server would refuse it.
    pub fn try_object(&self, object: &Value) -> Result<(), kube::Error> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let api = self.api(&text("/apiVersion"), &text("/kind"), &text("/metadata/namespace"));
        let object: DynamicObject = serde_json::from_value(object.clone()).expect("it is an object");
        let dry = PostParams { dry_run: true, ..PostParams::default() };
        self.block(async { api.create(&dry, &object).await.map(drop) })
    }

    /// Asks whether an object would be made as it is written, with every field that is not known, without making it.
    ///
    /// # Errors
    /// When the API server would refuse it.
    pub fn try_as_written(&self, object: &Value) -> Result<(), kube::Error> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let (resource, namespaced) = resource(text("/apiVersion"), text("/kind"));
        let api = if resource.group.is_empty() { "/api" } else { "/apis" };
        let namespace = if namespaced { "/namespaces/default" } else { "" };
        let path = format!("{api}/{}{namespace}/{}?dryRun=All&fieldValidation=Strict", resource.api_version, resource.plural);
        let request = http::Request::post(path).header("content-type", "application/json").body(object.to_string().into_bytes());
        let request = request.expect("the request is one");
        let client = self.client();
        self.block(async { client.request_text(request).await.map(drop) })
    }

    /// Changes fields of an object: a merge patch.
    ///
    /// # Panics
    /// When the API server refuses it.
    pub fn patch(&self, kind: &str, namespace: &str, name: &str, patch: &Value) {
        self.try_patch(kind, namespace, name, patch).expect("the patch is taken");
    }

    /// The same where it may be refused.
    ///
    /// # Errors
    /// When the API server refuses it.
    pub fn try_patch(&self, kind: &str, namespace: &str, name: &str, patch: &Value) -> Result<(), kube::Error> {
        let api = self.api(api_version(kind), kind, namespace);
        self.block(async { api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.map(drop) })
    }

    /// Changes the status of an object: a merge patch.
    ///
    /// # Panics
    /// When the API server refuses it.
    pub fn patch_status(&self, kind: &str, namespace: &str, name: &str, status: &Value) {
        let api = self.api(api_version(kind), kind, namespace);
        let patch = json!({"status": status});
        self.block(async { api.patch_status(name, &PatchParams::default(), &Patch::Merge(&patch)).await }).expect("the patch is taken");
    }

    /// Deletes an object; it may be gone already.
    ///
    /// # Panics
    /// When the API server refuses it.
    pub fn delete(&self, kind: &str, namespace: &str, name: &str) {
        let api = self.api(api_version(kind), kind, namespace);
        let parameters = DeleteParams::default().grace_period(0);
        match self.block(async { api.delete(name, &parameters).await }) {
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            result => drop(result.expect("the object is deleted")),
        }
    }

    /// An object as JSON; null when it is not there.
    ///
    /// # Panics
    /// When the API server cannot be asked.
    #[must_use]
    pub fn object(&self, kind: &str, namespace: &str, name: &str) -> Value {
        let api = self.api(api_version(kind), kind, namespace);
        let found = self.block(async { api.get_opt(name).await }).expect("the API server answers");
        found.map_or(Value::Null, |object| serde_json::to_value(object).expect("objects are JSON"))
    }

    /// All objects of a kind in a namespace.
    ///
    /// # Panics
    /// When the API server cannot be asked.
    #[must_use]
    pub fn objects(&self, kind: &str, namespace: &str) -> Vec<Value> {
        let api = self.api(api_version(kind), kind, namespace);
        let list = self.block(async { api.list(&ListParams::default()).await }).expect("the API server answers");
        list.items.into_iter().map(|object| serde_json::to_value(object).expect("objects are JSON")).collect()
    }

    /// Names of the Pods of a namespace that have these labels.
    ///
    /// # Panics
    /// When the API server cannot be asked.
    #[must_use]
    pub fn pods_with(&self, namespace: &str, labels: &Value) -> Vec<String> {
        let labels = labels.as_object().expect("labels are a map");
        let selector: Vec<_> = labels.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
        self.pods_selected(namespace, &selector.join(","))
    }

    /// Names of the Pods of a namespace that a selector finds.
    ///
    /// # Panics
    /// When the API server cannot be asked.
    #[must_use]
    pub fn pods_selected(&self, namespace: &str, selector: &str) -> Vec<String> {
        let parameters = ListParams::default().labels(selector);
        let pods = self.block(async { self.api("v1", "Pod", namespace).list(&parameters).await }).expect("the API server answers");
        pods.items.into_iter().filter_map(|pod| pod.metadata.name).collect()
    }

    /// Asks that a Pod goes, as a drain of its node does.
    ///
    /// # Errors
    /// When the API server refuses it.
    pub fn evict(&self, namespace: &str, pod: &str) -> Result<(), kube::Error> {
        let pods: Api<Pod> = Api::namespaced(self.client(), namespace);
        self.block(async { pods.evict(pod, &EvictParams::default()).await.map(drop) })
    }

    /// What an autoscaler reads: the replicas that are asked for, and the selector of their Pods.
    ///
    /// # Errors
    /// When there is nothing of this name that can be scaled.
    pub fn scale(&self, reference: &Value, namespace: &str) -> Result<(i32, String), kube::Error> {
        let text = |key: &str| reference[key].as_str().unwrap_or_default();
        let api = self.api(text("apiVersion"), text("kind"), namespace);
        let scale = self.block(async { api.get_scale(text("name")).await })?;
        let replicas = scale.spec.and_then(|spec| spec.replicas).unwrap_or_default();
        Ok((replicas, scale.status.and_then(|status| status.selector).unwrap_or_default()))
    }

    /// What an autoscaler writes.
    ///
    /// # Panics
    /// When the API server refuses it.
    pub fn set_scale(&self, reference: &Value, namespace: &str, replicas: i32) {
        let text = |key: &str| reference[key].as_str().unwrap_or_default();
        let api = self.api(text("apiVersion"), text("kind"), namespace);
        let patch = json!({"spec": {"replicas": replicas}});
        self.block(async { api.patch_scale(text("name"), &PatchParams::default(), &Patch::Merge(&patch)).await })
            .expect("it can be scaled");
    }

    /// Whether a user may do the first of what a rule of a role permits.
    ///
    /// # Panics
    /// When the API server cannot be asked.
    #[must_use]
    pub fn may(&self, user: &str, namespace: Option<&str>, rule: &Value) -> bool {
        let first = |key: &str| rule[key][0].as_str().unwrap_or_default();
        let (resource, subresource) = first("resources").split_once('/').unwrap_or((first("resources"), ""));
        let mut asked = json!({"group": first("apiGroups"), "resource": resource, "subresource": subresource, "verb": first("verbs"), "name": first("resourceNames")});
        if let Some(namespace) = namespace {
            asked["namespace"] = json!(namespace);
        }
        let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "metadata": {},
            "spec": {"user": user, "resourceAttributes": asked}});
        let api = self.api("authorization.k8s.io/v1", "SubjectAccessReview", "");
        let review: DynamicObject = serde_json::from_value(review).expect("it is an object");
        let answer = self.block(async { api.create(&PostParams::default(), &review).await }).expect("the API server answers");
        answer.data["status"]["allowed"] == true
    }

    /// `ip` or `hostname` of every address in the status of an Ingress.
    #[must_use]
    pub fn addresses(&self, namespace: &str, ingress: &str) -> Vec<String> {
        let object = self.object("Ingress", namespace, ingress);
        let items = object.pointer("/status/loadBalancer/ingress").and_then(Value::as_array).cloned().unwrap_or_default();
        let text = |item: &Value| item["ip"].as_str().or(item["hostname"].as_str()).unwrap_or_default().to_owned();
        items.iter().map(text).collect()
    }

    /// `REASON: MESSAGE` of every Event about an object.
    #[must_use]
    pub fn events(&self, namespace: &str, kind: &str, name: &str) -> Vec<String> {
        let about = |event: &&Value| event["involvedObject"]["kind"] == kind && event["involvedObject"]["name"] == name;
        let text =
            |event: &Value| format!("{}: {}", event["reason"].as_str().unwrap_or_default(), event["message"].as_str().unwrap_or_default());
        self.objects("Event", namespace).iter().filter(about).map(text).collect()
    }

    /// A token of a ServiceAccount, from the TokenRequest API.
    ///
    /// # Panics
    /// When the API server refuses it.
    #[must_use]
    pub fn token(&self, namespace: &str, account: &str) -> String {
        self.token_bound_to(namespace, account, None)
    }

    /// The same, of a token that ends with a Secret of that name.
    ///
    /// # Panics
    /// When the API server refuses it.
    #[must_use]
    pub fn token_bound_to(&self, namespace: &str, account: &str, secret: Option<&str>) -> String {
        let api = self.api("v1", "ServiceAccount", namespace);
        let request = TokenRequest {
            spec: TokenRequestSpec {
                expiration_seconds: Some(3600),
                bound_object_ref: secret.map(|name| BoundObjectReference {
                    api_version: Some("v1".to_owned()),
                    kind: Some("Secret".to_owned()),
                    name: Some(name.to_owned()),
                    uid: None,
                }),
                ..TokenRequestSpec::default()
            },
            ..TokenRequest::default()
        };
        let answer: TokenRequest = self
            .block(async { api.create_subresource("token", account, &PostParams::default(), &request).await })
            .expect("a token is made");
        answer.status.expect("the answer holds a token").token
    }
}
