//! `rbac` as clap reads it: the flags of `run`, and where it shall be permitted.

#![allow(rustdoc::broken_intra_doc_links, reason = "the comments of arguments are help for terminals")]

use super::typed::Run;
use clap::Args;

/// `rbac`.
#[derive(Debug, Args)]
pub(super) struct Rbac {
    /// Namespaces with Ingresses, separated by commas [default: that of --watch-namespace, else all]
    #[arg(long, value_name = "LIST", value_delimiter = ',', help_heading = "Permissions")]
    pub(super) in_namespaces: Vec<String>,
    /// Namespaces whose Secrets are read, separated by commas [default: all with Ingresses]
    #[arg(long, value_name = "LIST", value_delimiter = ',', help_heading = "Permissions")]
    pub(super) secrets_in: Vec<String>,
    /// Only Secrets that the Ingresses of an input name, each by its name: file, folder, - for standard input, git:REV[:PATH]
    /// or cluster; may be given several times
    #[arg(long, value_name = "INPUT", help_heading = "Permissions")]
    pub(super) secrets_of: Vec<String>,
    /// No Secret is read: TLS is answered with a self-signed certificate, and what needs a Secret stays closed
    #[arg(long, help_heading = "Permissions")]
    pub(super) without_secrets: bool,
    /// Print the permissions of `gatewright webhook`, in place of `run`
    #[arg(long, help_heading = "Permissions")]
    pub(super) webhook: bool,
    /// No ClusterRole at all, for one --watch-namespace: IngressClasses are not read, and only class annotations count
    #[arg(long, help_heading = "Permissions")]
    pub(super) without_cluster_role: bool,
    /// Namespace of the controller
    #[arg(long, value_name = "NAMESPACE", default_value = "gatewright", help_heading = "Permissions")]
    pub(super) own_namespace: String,
    /// Name of the ServiceAccount, and of all that is printed
    #[arg(long, value_name = "NAME", default_value = "gatewright", help_heading = "Permissions")]
    pub(super) service_account: String,
    /// yaml or json
    #[arg(long, value_name = "FORMAT", default_value = "yaml", help_heading = "Permissions")]
    pub(super) format: String,
    #[command(flatten)]
    pub(super) run: Run,
}
