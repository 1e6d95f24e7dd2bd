//! What was asked for, checked.

use super::{AdmissionPolicyConfig, AnnotationsConfig, DiffConfig, ExplainConfig, LintConfig, RbacConfig, RenderConfig, RequestMetrics};
use crate::args::echo::EchoConfig;
use gatewright_core::dialect::Dialect;
use gatewright_core::names::{HostName, ObjectName};
use gatewright_core::settings::Settings;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// What to do.
#[derive(Debug)]
pub(crate) enum Command {
    /// `gatewright run`.
    Run(Box<RunConfig>),
    /// `gatewright webhook`.
    Webhook(Box<RunConfig>, AdmissionConfig),
    /// `gatewright supervise`.
    Supervise(SuperviseConfig),
    /// `gatewright render`.
    Render(Box<RenderConfig>),
    /// `gatewright lint`.
    Lint(Box<LintConfig>),
    /// `gatewright echo`.
    Echo(EchoConfig),
    /// `gatewright diff`.
    Diff(Box<DiffConfig>),
    /// `gatewright explain`.
    Explain(Box<ExplainConfig>),
    /// `gatewright annotations`.
    Annotations(AnnotationsConfig),
    /// `gatewright admission-policy`.
    AdmissionPolicy(AdmissionPolicyConfig),
    /// `gatewright rbac`.
    Rbac(Box<RbacConfig>),
    /// `gatewright crds`.
    Crds,
    /// `gatewright completions`.
    Completions(clap_complete::Shell),
    /// `gatewright man`; the folder for a page of each command.
    Man(Option<PathBuf>),
    /// `gatewright version`.
    Version,
}

/// Which proxy.
#[derive(Debug, Clone)]
pub(crate) struct ProxyChoice {
    /// Its kind.
    pub(crate) dialect: &'static Dialect,
    /// Its program, if one is given.
    pub(crate) program: Option<PathBuf>,
    /// It was given by --proxy-binary, and not by the environment.
    pub(crate) is_program_typed: bool,
    /// Folder with templates that replace built-in ones.
    pub(crate) templates: Option<PathBuf>,
}

/// How the proxy is driven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// As a child process.
    Child,
    /// Through a supervisor in another container.
    Supervise,
    /// By signals to a process id in a file.
    Signal,
}

/// How to reach the cluster.
#[derive(Debug, Clone, Default)]
pub(crate) struct ClusterConfig {
    /// `--kubeconfig`.
    pub(crate) kubeconfig: Option<PathBuf>,
    /// `--apiserver-host`.
    pub(crate) apiserver_host: Option<String>,
    /// `--certificate-authority`.
    pub(crate) certificate_authority: Option<PathBuf>,
}

/// An item of `--publish-status-address`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StatusAddress {
    /// An IP address.
    Ip(IpAddr),
    /// A host name.
    Host(HostName),
}

/// What is told to the cluster.
#[derive(Debug, Clone)]
pub(crate) struct StatusConfig {
    /// `--update-status`.
    pub(crate) update: bool,
    /// `--update-status-on-shutdown`.
    pub(crate) clear_on_shutdown: bool,
    /// `--publish-service`.
    pub(crate) service: Option<ObjectName>,
    /// `--publish-status-address`.
    pub(crate) addresses: Vec<StatusAddress>,
    /// `--report-node-internal-ip-address`.
    pub(crate) node_internal_addresses: bool,
    /// `--status-update-interval`.
    pub(crate) interval: Duration,
    /// `--election-id`.
    pub(crate) election_id: String,
    /// `--election-ttl`.
    pub(crate) election_ttl: Duration,
    /// Not `--disable-leader-election`.
    pub(crate) leader_election: bool,
    /// Not `--disable-sync-events`.
    pub(crate) sync_events: bool,
}

/// `gatewright run`.
#[derive(Debug)]
pub(crate) struct RunConfig {
    /// What decides the rendered files.
    pub(crate) settings: Settings,
    /// The zone of `settings` is that of the Node that the controller runs on.
    pub(crate) zone_of_node: bool,
    /// Which proxy.
    pub(crate) proxy: ProxyChoice,
    /// How it is driven.
    pub(crate) mode: Mode,
    /// Folder for revisions, sockets and process ids.
    pub(crate) state_dir: PathBuf,
    /// A folder instead of a cluster.
    pub(crate) manifests: Option<PathBuf>,
    /// The folder that all Secrets are in, if they are in one.
    pub(crate) secrets_from: Option<PathBuf>,
    /// How to reach the cluster.
    pub(crate) cluster: ClusterConfig,
    /// What is told to it.
    pub(crate) status: StatusConfig,
    /// Where it may ask about Ingresses.
    pub(crate) admission: Option<AdmissionConfig>,
    /// What is counted of requests; `None`: nothing.
    pub(crate) request_metrics: Option<RequestMetrics>,
    /// Where health, metrics and the API are served; an unspecified address is every address.
    pub(crate) admin: (Option<IpAddr>, u16),
    /// How long the health check waits for the proxy.
    pub(crate) health_check_timeout: Duration,
    /// Before the proxy is stopped.
    pub(crate) shutdown_grace: Duration,
    /// After it.
    pub(crate) post_shutdown_grace: Duration,
    /// JSON lines instead of text; `None`: unless on a terminal.
    pub(crate) json_log: Option<bool>,
    /// Directive of the log filter.
    pub(crate) log_level: String,
}

/// The admission webhook.
#[derive(Debug, Clone)]
pub(crate) struct AdmissionConfig {
    /// Address and port; without an address, every address is listened on.
    pub(crate) address: (Option<IpAddr>, u16),
    /// PEM file of its certificate and the intermediates.
    pub(crate) certificate: PathBuf,
    /// PEM file of the key.
    pub(crate) key: PathBuf,
    /// PEM file with the authorities of clients; `None`: everybody may ask.
    pub(crate) client_ca: Option<PathBuf>,
}

/// `gatewright supervise`.
#[derive(Debug)]
pub(crate) struct SuperviseConfig {
    /// Kind of the proxy.
    pub(crate) dialect: &'static Dialect,
    /// Folder that is shared with the controller.
    pub(crate) state_dir: PathBuf,
    /// The socket.
    pub(crate) socket: Option<PathBuf>,
    /// Folder of the proxy's own.
    pub(crate) run_dir: Option<PathBuf>,
    /// User ids that may talk to it; root and the own one if empty.
    pub(crate) allowed_uids: Vec<u32>,
    /// How long the proxy still takes new requests after the signal to stop: endpoints of the Pod go out of use meanwhile.
    pub(crate) shutdown_grace: Duration,
    /// The program and what goes before its arguments.
    pub(crate) program: Vec<String>,
}
