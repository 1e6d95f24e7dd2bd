//! `rbac`: from what was typed to what it means.

use super::words::trimmed;
use super::{Check, RunConfig};
use crate::args::rbac::Rbac;
use gatewright_core::names::{ObjectName, is_dns_label, shown};

/// `gatewright rbac`.
#[derive(Debug)]
pub(crate) struct RbacConfig {
    /// What `run` is told.
    pub(crate) run: RunConfig,
    /// Where Ingresses are.
    pub(crate) scope: RbacScope,
    /// The account is that of `webhook`.
    pub(crate) webhook: bool,
    /// Whose Secrets are read.
    pub(crate) secrets: RbacSecrets,
    /// A ClusterRole may be given.
    pub(crate) cluster_role: bool,
    /// The ServiceAccount.
    pub(crate) account: ObjectName,
    /// JSON in place of YAML.
    pub(crate) json: bool,
}

/// Whose Secrets are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RbacSecrets {
    /// Nobody's.
    None,
    /// Those of all namespaces that Ingresses may be in.
    Watched,
    /// Those of these namespaces, which are watched; sorted, each once.
    Namespaces(Vec<String>),
    /// Those that the Ingresses of these inputs name.
    Of(Vec<String>),
}

/// Where Ingresses are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RbacScope {
    /// Anywhere.
    Cluster,
    /// In these namespaces; sorted, each once.
    Namespaces(Vec<String>),
}

impl Check<'_> {
    pub(super) fn rbac(&mut self, rbac: Rbac) -> Option<RbacConfig> {
        let json = self.choice("format", &rbac.format, &[("yaml", false), ("json", true)]);
        let account = self.account(&rbac.own_namespace, &rbac.service_account);
        let mut namespaces = trimmed(rbac.in_namespaces);
        let secrets_in = trimmed(rbac.secrets_in);
        for name in namespaces.iter().filter(|name| !is_dns_label(name)) {
            self.wrong(format!("--in-namespaces: {} is not a namespace name", shown(name)));
        }
        let run = self.run(rbac.run);
        namespaces.extend(run.settings.watch_namespace.clone());
        namespaces.sort();
        namespaces.dedup();
        if run.manifests.is_some() {
            self.wrong("--manifests: a folder is followed in place of a cluster, and needs no permission".to_owned());
        }
        if run.settings.watch_namespace.is_none() && run.settings.namespace_selector.is_none() && rbac.without_cluster_role {
            let why = "several ones are found by the list of all, and only a ClusterRole permits that";
            self.wrong(format!("--without-cluster-role needs --watch-namespace: {why}"));
        }
        if run.settings.namespace_selector.is_some() && rbac.without_cluster_role {
            let why = "labels of Namespaces are read with it, and only a ClusterRole permits that";
            self.wrong(format!("--without-cluster-role cannot be used with --watch-namespace-selector: {why}"));
        }
        let chosen = [("secrets-in", &secrets_in), ("secrets-of", &rbac.secrets_of)];
        for (flag, _) in chosen.iter().filter(|(_, given)| rbac.webhook && !given.is_empty()) {
            self.wrong(format!("--{flag} cannot be used with --webhook, which reads no Secret"));
        }
        let scope = if namespaces.is_empty() { RbacScope::Cluster } else { RbacScope::Namespaces(namespaces) };
        let secrets = self.secrets((secrets_in, rbac.secrets_of), rbac.without_secrets, run.secrets_from.is_some(), &scope);
        let cluster_role = !rbac.without_cluster_role;
        Some(RbacConfig { run, scope, webhook: rbac.webhook, secrets, cluster_role, account: account?, json: json? })
    }

    fn secrets(
        &mut self,
        (mut namespaces, inputs): (Vec<String>, Vec<String>),
        without: bool,
        from_files: bool,
        scope: &RbacScope,
    ) -> RbacSecrets {
        let off = if without { Some("without-secrets") } else { from_files.then_some("secrets-from") };
        let by_namespace = (!namespaces.is_empty()).then_some("secrets-in");
        let by_name = (!inputs.is_empty()).then_some("secrets-of");
        let given: Vec<&str> = [by_namespace, by_name, off].into_iter().flatten().collect();
        if let [flag, other, ..] = given[..] {
            self.wrong(format!("--{flag} cannot be used with --{other}: each says which Secrets are read"));
        }
        if off.is_some() {
            return RbacSecrets::None;
        }
        if by_name.is_some() {
            return RbacSecrets::Of(inputs);
        }
        for name in &namespaces {
            if !is_dns_label(name) {
                self.wrong(format!("--secrets-in: {} is not a namespace name", shown(name)));
            } else if matches!(scope, RbacScope::Namespaces(watched) if !watched.contains(name)) {
                self.wrong(format!("--secrets-in: namespace {name} is none that Ingresses may be in"));
            }
        }
        namespaces.sort();
        namespaces.dedup();
        if namespaces.is_empty() { RbacSecrets::Watched } else { RbacSecrets::Namespaces(namespaces) }
    }

    /// Two flags, each with its own mistakes.
    fn account(&mut self, namespace: &str, name: &str) -> Option<ObjectName> {
        if !is_dns_label(namespace) {
            self.wrong(format!("--own-namespace: {} is not a namespace name", shown(namespace)));
        }
        let name = self.said("service-account", ObjectName::new("", name))?;
        ObjectName::new(namespace, name.name()).ok()
    }
}
