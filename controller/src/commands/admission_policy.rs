//! `gatewright admission-policy`: what the API server can check of Ingresses by itself, as a ValidatingAdmissionPolicy.

use super::offline::{End, exit};
use super::output::print;
use crate::args::AdmissionPolicyConfig;
use gatewright_core::translate::admission::policy::{ANNOTATIONS, Rule, rules};
use serde_json::{Value, json};
use std::process::ExitCode;

/// Prints; exit code 0, or 2 when that fails.
pub(crate) fn main(config: &AdmissionPolicyConfig) -> ExitCode {
    exit(&[], || {
        let objects = [policy(config), binding(config)];
        let text = objects.iter().map(serde_yaml::to_string).collect::<Result<Vec<_>, _>>()?.join("---\n");
        print(text.as_bytes()).map(|()| End::Fine)
    })
}

const GROUP: &str = "admissionregistration.k8s.io/v1";

fn policy(config: &AdmissionPolicyConfig) -> Value {
    let validation = |Rule { expression, message }: Rule| json!({"expression": expression, "message": message});
    let validations: Vec<Value> = rules(&config.annotations_prefix).into_iter().map(validation).collect();
    json!({
        "apiVersion": GROUP, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": config.name},
        "spec": {
            "failurePolicy": "Ignore",
            "matchConstraints": {"resourceRules": [{
                "apiGroups": ["networking.k8s.io"], "apiVersions": ["v1"], "resources": ["ingresses"], "operations": ["CREATE", "UPDATE"],
            }]},
            "matchConditions": [{"name": "class", "expression": is_ours(&config.classes)}],
            "variables": [{"name": "annotations", "expression": ANNOTATIONS}],
            "validations": validations,
        },
    })
}

/// By the field, or where it is missing by the annotation.
fn is_ours(classes: &[String]) -> String {
    let names = classes.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    let annotation = "object.metadata.annotations['kubernetes.io/ingress.class']";
    format!(
        "has(object.spec.ingressClassName) ? object.spec.ingressClassName in [{names}] : has(object.metadata.annotations) && \
         'kubernetes.io/ingress.class' in object.metadata.annotations && {annotation} in [{names}]"
    )
}

fn binding(config: &AdmissionPolicyConfig) -> Value {
    json!({
        "apiVersion": GROUP, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": config.name},
        "spec": {"policyName": config.name, "validationActions": [config.action]},
    })
}
