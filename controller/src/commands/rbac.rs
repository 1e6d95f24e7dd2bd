//! `gatewright rbac`: the least permissions for given flags of `run`, as Roles and bindings.
//!
//! What is in here is what the code asks the API server for, and nothing else; a test runs the controller with it.

mod secrets;

use super::output::print;
use crate::args::{RbacConfig, RbacScope, RbacSecrets};
use gatewright_core::names::ObjectName;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

/// Prints; exit code 0, or 2 when that fails.
pub(crate) fn main(config: &RbacConfig, warnings: &[String]) -> ExitCode {
    super::offline::exit(warnings, || {
        let named = match &config.secrets {
            RbacSecrets::Of(inputs) => secrets::named(config, inputs)?,
            _ => BTreeSet::new(),
        };
        let objects = objects(config, named);
        let text = if config.json {
            format!("{:#}\n", json!({"apiVersion": "v1", "kind": "List", "items": objects}))
        } else {
            objects.iter().map(serde_yaml::to_string).collect::<Result<Vec<_>, _>>()?.join("---\n")
        };
        print(text.as_bytes()).map(|()| super::offline::End::Fine)
    })
}

/// Verbs on resources of one group, perhaps only on objects of some names.
struct Rule {
    group: &'static str,
    resource: &'static str,
    verbs: &'static [&'static str],
    names: Vec<String>,
}

const NETWORKING: &str = "networking.k8s.io";
/// Group and resource of what IngressClasses name.
const PARAMETERS: (&str, &str) = ("gatewright.dev", "gatewrightparameters");

const READ: &[&str] = &["list", "watch"];

impl Rule {
    const fn new(group: &'static str, resource: &'static str, verbs: &'static [&'static str]) -> Self {
        Self { group, resource, verbs, names: Vec::new() }
    }

    fn named(mut self, name: &str) -> Self {
        self.names.push(name.to_owned());
        self
    }

    fn json(&self) -> Value {
        let mut rule = json!({"apiGroups": [self.group], "resources": [self.resource], "verbs": self.verbs});
        if !self.names.is_empty() {
            rule["resourceNames"] = json!(self.names);
        }
        rule
    }
}

fn objects(config: &RbacConfig, named: BTreeSet<ObjectName>) -> Vec<Value> {
    let mut cluster = of_cluster(config);
    let mut roles: BTreeMap<String, Vec<Rule>> = BTreeMap::new();
    match &config.scope {
        RbacScope::Cluster => cluster.extend(of_watched(config)),
        RbacScope::Namespaces(names) => {
            for name in names {
                roles.entry(name.clone()).or_default().extend(of_watched(config));
            }
        }
    }
    roles.entry(config.account.namespace().to_owned()).or_default().extend(of_own_namespace(config));
    for (namespace, rule) in of_secrets(config, named).into_iter().chain(of_named_objects(config)) {
        roles.entry(namespace).or_default().push(rule);
    }
    let mut out = Vec::new();
    if config.cluster_role && !cluster.is_empty() {
        out.extend(role(config, None, &cluster));
    }
    for (namespace, rules) in roles.iter().filter(|(_, rules)| !rules.is_empty()) {
        out.extend(role(config, Some(namespace), rules));
    }
    out
}

/// What is asked for wherever Ingresses are.
fn of_watched(config: &RbacConfig) -> Vec<Rule> {
    if config.webhook {
        let kinds = [(NETWORKING, "ingresses"), ("", "services"), ("", "configmaps"), PARAMETERS];
        return kinds.map(|(group, resource)| Rule::new(group, resource, READ)).into();
    }
    let status = &config.run.status;
    let mut rules = vec![
        // A status is written over what is read right before.
        Rule::new(NETWORKING, "ingresses", if status.update { &["get", "list", "watch"] } else { READ }),
        Rule::new("", "services", READ),
        Rule::new("discovery.k8s.io", "endpointslices", READ),
        Rule::new("", "configmaps", READ),
        Rule::new(PARAMETERS.0, PARAMETERS.1, READ),
    ];
    if config.secrets == RbacSecrets::Watched {
        rules.push(Rule::new("", "secrets", READ));
    }
    if status.update {
        rules.push(Rule::new(NETWORKING, "ingresses/status", &["update"]));
    }
    if status.sync_events {
        rules.push(Rule::new("", "events", &["create", "patch"]));
    }
    rules
}

/// What is in no namespace.
fn of_cluster(config: &RbacConfig) -> Vec<Rule> {
    let mut rules = vec![Rule::new(NETWORKING, "ingressclasses", &["list", "watch"])];
    // Where Ingresses may not be read everywhere, each namespace is tried.
    let tries_each = matches!(config.scope, RbacScope::Namespaces(_)) && config.run.settings.watch_namespace.is_none();
    if config.run.settings.namespace_selector.is_some() || tries_each {
        rules.push(Rule::new("", "namespaces", &["list", "watch"]));
    }
    if config.webhook {
        return rules;
    }
    if let Some(namespace) = &config.run.settings.watch_namespace {
        rules.push(watched_namespace(namespace));
    }
    if publishes_nodes(config) || config.run.zone_of_node {
        rules.push(Rule::new("", "nodes", &["get"]));
    }
    rules
}

/// The controller's own Lease, Pods and events.
fn of_own_namespace(config: &RbacConfig) -> Vec<Rule> {
    let status = &config.run.status;
    let mut rules = Vec::new();
    // Parameters of scope Cluster are here.
    if config.cluster_role && !is_watched(config, config.account.namespace()) {
        rules.push(Rule::new(PARAMETERS.0, PARAMETERS.1, &["list", "watch"]));
    }
    if config.webhook {
        return rules;
    }
    rules.push(Rule::new("", "events", &["create", "patch"]));
    rules.push(Rule::new("", "pods", if status.update { &["get", "list"] } else { &["get"] }));
    if status.leader_election {
        const LEASES: &str = "coordination.k8s.io";
        rules.push(Rule::new(LEASES, "leases", &["create"]));
        rules.push(Rule::new(LEASES, "leases", &["get", "update"]).named(&status.election_id));
    }
    rules
}

/// Secrets where they are not read wherever Ingresses are, and those that are named. The webhook reads none.
fn of_secrets(config: &RbacConfig, mut named: BTreeSet<ObjectName>) -> Vec<(String, Rule)> {
    if config.webhook || config.secrets == RbacSecrets::None {
        return Vec::new();
    }
    named.retain(|name| is_watched(config, name.namespace()));
    let whole = match &config.secrets {
        RbacSecrets::Namespaces(names) => &names[..],
        _ => &[],
    };
    let is_read = |namespace: &str| match &config.secrets {
        RbacSecrets::Watched => is_watched(config, namespace),
        _ => whole.iter().any(|name| name == namespace),
    };
    named.extend(config.run.settings.default_ssl_certificate.iter().filter(|name| !is_read(name.namespace())).cloned());
    let mut by_namespace: BTreeMap<&str, Rule> = BTreeMap::new();
    for name in &named {
        let rule = by_namespace.entry(name.namespace()).or_insert(Rule::new("", "secrets", READ));
        rule.names.push(name.name().to_owned());
    }
    let of_namespaces = whole.iter().map(|name| (name.clone(), Rule::new("", "secrets", READ)));
    of_namespaces.chain(by_namespace.into_iter().map(|(namespace, rule)| (namespace.to_owned(), rule))).collect()
}

/// Whether Ingresses may be in a namespace.
fn is_watched(config: &RbacConfig, namespace: &str) -> bool {
    match &config.scope {
        RbacScope::Cluster => true,
        RbacScope::Namespaces(names) => names.iter().any(|name| name == namespace),
    }
}

/// Objects that flags name, where they are.
fn of_named_objects(config: &RbacConfig) -> Vec<(String, Rule)> {
    let settings = &config.run.settings;
    let mut rules = Vec::new();
    let mut add =
        |name: &ObjectName, resource, verbs| rules.push((name.namespace().to_owned(), Rule::new("", resource, verbs).named(name.name())));
    let maps = [&settings.config_map, &settings.tcp_services_config_map, &settings.udp_services_config_map];
    let maps = if config.webhook { &maps[..1] } else { &maps };
    for name in maps.iter().copied().flatten().filter(|name| !is_watched(config, name.namespace())) {
        add(name, "configmaps", READ);
    }
    if config.webhook {
        return rules;
    }
    if let Some(name) = config.run.status.service.as_ref().filter(|_| config.run.status.update) {
        add(name, "services", &["get"]);
    }
    // They have to be there at the start.
    if let Some(name) = &settings.default_backend_service {
        add(name, "services", &["get"]);
    }
    if let Some(namespace) = settings.watch_namespace.as_ref().filter(|_| !config.cluster_role) {
        rules.push((namespace.clone(), watched_namespace(namespace)));
    }
    rules
}

/// That it is there is looked up at the start.
fn watched_namespace(name: &str) -> Rule {
    Rule::new("", "namespaces", &["get"]).named(name)
}

fn publishes_nodes(config: &RbacConfig) -> bool {
    let status = &config.run.status;
    status.update && status.service.is_none() && status.addresses.is_empty()
}

/// A role and its binding.
fn role(config: &RbacConfig, namespace: Option<&str>, rules: &[Rule]) -> [Value; 2] {
    const GROUP: &str = "rbac.authorization.k8s.io";
    let kind = if namespace.is_some() { "Role" } else { "ClusterRole" };
    let mut metadata = json!({"name": config.account.name(), "labels": {"app.kubernetes.io/name": "gatewright"}});
    if let Some(namespace) = namespace {
        metadata["namespace"] = namespace.into();
    }
    let rules: Vec<Value> = rules.iter().map(Rule::json).collect();
    let subject = json!({"kind": "ServiceAccount", "namespace": config.account.namespace(), "name": config.account.name()});
    let reference = json!({"apiGroup": GROUP, "kind": kind, "name": config.account.name()});
    let version = format!("{GROUP}/v1");
    [
        json!({"apiVersion": version, "kind": kind, "metadata": metadata, "rules": rules}),
        json!({"apiVersion": version, "kind": format!("{kind}Binding"), "metadata": metadata, "roleRef": reference, "subjects": [subject]}),
    ]
}
