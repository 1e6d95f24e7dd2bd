//! The command line as clap reads it; values are still text where [`super::check`] looks at them.

use super::offline::{AdmissionPolicy, Annotations, Completions, Diff, Explain, Lint, Man, Render};
use super::rbac::Rbac;
use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args, Parser, Subcommand};
use std::path::PathBuf;

/// Kubernetes Ingress for stock nginx or HAProxy.
#[derive(Debug, Parser)]
#[command(name = "gatewright", version, about, disable_help_subcommand = true, max_term_width = 100)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: What,
}

#[derive(Debug, Subcommand)]
pub(super) enum What {
    /// Watch a cluster or a folder, and keep the proxy configured
    Run(Box<Run>),
    /// Run the proxy in a container of its own, without credentials
    Supervise(Supervise),
    /// Run only the admission webhook, which the API server asks before it stores an Ingress
    ///
    /// For a Pod of its own: no proxy is driven, and no Secret is read. Of the flags, those count that decide which Ingresses
    /// are served, and what may be in them.
    Webhook(Box<Run>),
    /// Write the files that `run` would publish
    ///
    /// DNS names are not looked up: made-up addresses of 2001:db8::/32 stand for them. Diagnostics go to standard error as
    /// file:line:column. Exit code: 0 fine, 1 an object is wrong, 2 it could not be done.
    Render(Box<Render>),
    /// Report all that is wrong with manifests
    ///
    /// Exit code: 0 nothing of severity error, 1 something, 2 it could not be done.
    Lint(Box<Lint>),
    /// Show what changes between two inputs: for traffic, and in the rendered files
    ///
    /// Exit code: 0 nothing, 1 something, 2 it could not be done.
    Diff(Box<Diff>),
    /// Show which object serves a request, why, and what happens to it on the way
    ///
    /// Exit code: 0 it is served, 1 it gets an error of the proxy, 2 it could not be done.
    Explain(Box<Explain>),
    /// List the annotations, what they do and what may be written
    ///
    /// Exit code: 0 listed, 1 a name is not known, 2 it could not be done.
    Annotations(Annotations),
    /// Print a ValidatingAdmissionPolicy: what the API server can check of Ingresses by itself
    AdmissionPolicy(AdmissionPolicy),
    /// Print the least permissions for these flags of `run`
    ///
    /// Exit code: 0 printed, 2 it could not be done.
    Rbac(Box<Rbac>),
    /// Print the CustomResourceDefinition of GatewrightParameters
    Crds,
    /// Run backends for trials, which answer requests with a description of them
    Echo(super::echo::Echo),
    /// Print a completion script
    Completions(Completions),
    /// Print manual pages
    Man(Man),
    /// Print the version
    Version,
}

/// A switch as Go reads it: `--name`, `--name=true`, `--name=false`.
macro_rules! switches {
    ($(#[$outer:meta])* $vis:vis struct $name:ident, $heading:literal { $($(#[doc = $doc:literal])* $field:ident = $default:literal,)* }) => {
        $(#[$outer])*
        #[derive(Debug, Args)]
        #[command(next_help_heading = $heading)]
        $vis struct $name {
            $(
                $(#[doc = $doc])*
                #[arg(long, value_name = "BOOL", action = ArgAction::Set, num_args = 0..=1, require_equals = true,
                      default_missing_value = "true", default_value = $default, value_parser = BoolishValueParser::new())]
                pub(super) $field: bool,
            )*
        }
    };
}

switches! {
    /// Which objects are served.
    pub(super) struct SelectionSwitches, "Which objects" {
        /// Serve Ingresses that name no class
        watch_ingress_without_class = "false",
        /// Accept IngressClasses by the name of --ingress-class too
        ingress_class_by_name = "false",
        /// Leave out Ingresses with a default backend
        disable_catch_all = "false",
        /// Answer 503 for Services of type ExternalName
        disable_svc_external_name = "false",
        /// Forward to endpoints on the loopback too: for trials on one machine
        allow_loopback_endpoints = "false",
        /// Forward only to endpoints that the cluster itself has recorded for Pods of the same namespace
        only_pod_endpoints = "false",
        /// Pass TLS connections on as they are for hosts with the annotation ssl-passthrough
        enable_ssl_passthrough = "false",
        /// Leave out Ingresses with suspicious text in hosts, paths and Secret names
        deep_inspect = "true",
        /// Prefer endpoints of the controller's own zone
        enable_topology_aware_routing = "false",
    }
}

switches! {
    /// What is told to the cluster.
    pub(super) struct ReportSwitches, "Status and events" {
        /// Write the addresses into the status of Ingresses
        update_status = "true",
        /// Empty the status when the last replica stops
        update_status_on_shutdown = "true",
        /// Use the internal addresses of nodes
        report_node_internal_ip_address = "false",
        /// Write status and events without a Lease
        disable_leader_election = "false",
        /// Send no events but those about reloads
        disable_sync_events = "false",
    }
}

switches! {
    /// Whether requests are counted.
    pub(super) struct MetricsSwitches, "Metrics" {
        /// Count requests
        enable_metrics = "false",
    }
}

switches! {
    /// How requests are counted.
    pub(super) struct CountingSwitches, "Metrics" {
        /// Label counted requests with their host
        metrics_per_host = "true",
        /// Count requests for hosts that are not configured too, each under its name
        metrics_per_undefined_host = "false",
        /// Label counted requests with the class of the status, such as 2xx, in place of the status
        report_status_classes = "false",
    }
}

/// What decides the rendered files.
#[derive(Debug, Args)]
pub(super) struct Content {
    /// nginx or haproxy
    #[arg(long, value_name = "PROXY", default_value = "nginx", help_heading = "Proxy")]
    pub(super) proxy: String,
    /// Program of the proxy; looked up in PATH
    #[arg(long, value_name = "PATH", help_heading = "Proxy")]
    pub(super) proxy_binary: Option<PathBuf>,
    /// Folder with templates that replace built-in ones of the same name
    #[arg(long, value_name = "DIR", help_heading = "Proxy")]
    pub(super) templates: Option<PathBuf>,

    /// Value of the class annotation
    #[arg(long, value_name = "NAME", default_value = "gatewright", help_heading = "Which objects")]
    pub(super) ingress_class: String,
    /// Controller of the IngressClasses that are served
    #[arg(long, value_name = "NAME", default_value = "gatewright.dev/ingress", help_heading = "Which objects")]
    pub(super) controller_class: String,
    /// Prefix of the annotations
    #[arg(long, value_name = "PREFIX", default_value = "nginx.ingress.kubernetes.io", help_heading = "Which objects")]
    pub(super) annotations_prefix: String,
    /// Watch only objects of this namespace
    #[arg(long, value_name = "NAMESPACE", help_heading = "Which objects")]
    pub(super) watch_namespace: Option<String>,
    /// Serve only Ingresses of namespaces with these labels
    #[arg(long, value_name = "SELECTOR", help_heading = "Which objects")]
    pub(super) watch_namespace_selector: Option<String>,
    #[command(flatten)]
    pub(super) selection: SelectionSwitches,
    /// Zone of this machine for --enable-topology-aware-routing [default: that of the Node that the controller runs on]
    #[arg(long, value_name = "ZONE", help_heading = "Which objects")]
    pub(super) topology_zone: Option<String>,

    /// ConfigMap with the settings
    #[arg(long, value_name = "NAMESPACE/NAME", help_heading = "Settings")]
    pub(super) configmap: Option<String>,
    /// Namespaces, separated by commas, whose Ingresses may use nearly every nginx directive in configuration-snippet
    #[arg(long, value_name = "LIST", default_value = "", help_heading = "Settings")]
    pub(super) raw_snippet_namespaces: String,
    /// ConfigMap with the TCP ports that are forwarded
    #[arg(long, value_name = "NAMESPACE/NAME", help_heading = "Settings")]
    pub(super) tcp_services_configmap: Option<String>,
    /// ConfigMap with the UDP ports that are forwarded (nginx)
    #[arg(long, value_name = "NAMESPACE/NAME", help_heading = "Settings")]
    pub(super) udp_services_configmap: Option<String>,
    /// Service that answers for unknown hosts
    #[arg(long, value_name = "NAMESPACE/NAME", help_heading = "Settings")]
    pub(super) default_backend_service: Option<String>,
    /// Secret with the certificate for unknown hosts
    #[arg(long, value_name = "NAMESPACE/NAME", help_heading = "Settings")]
    pub(super) default_ssl_certificate: Option<String>,

    /// Folder with all Secrets, as files NAMESPACE/NAME/KEY; the API server is not asked for any then
    #[arg(long, value_name = "DIR", help_heading = "Settings")]
    pub(super) secrets_from: Option<PathBuf>,

    /// Port for HTTP
    #[arg(long, value_name = "PORT", default_value = "80", help_heading = "Ports")]
    pub(super) http_port: String,
    /// Port for HTTPS
    #[arg(long, value_name = "PORT", default_value = "443", help_heading = "Ports")]
    pub(super) https_port: String,
    /// Port on the loopback for HTTPS with --enable-ssl-passthrough
    #[arg(long, value_name = "PORT", default_value = "442", help_heading = "Ports")]
    pub(super) ssl_passthrough_proxy_port: String,
    /// Port on the loopback where the proxy tells its revision and status
    #[arg(long, value_name = "PORT", default_value = "10246", help_heading = "Ports")]
    pub(super) status_port: String,
    /// Listen on IPv6 as well: true, false or auto, where this machine or Pod has an IPv6 address
    #[arg(long, value_name = "WHEN", default_value = "auto", help_heading = "Ports")]
    pub(super) ipv6: String,
    /// Public path that answers 200 for unknown hosts, and path of the health check
    #[arg(long, value_name = "PATH", default_value = "/healthz", help_heading = "Ports")]
    pub(super) health_check_path: String,
    #[command(flatten)]
    pub(super) metrics: MetricsSwitches,
    /// UDP port on the loopback to which the proxy reports its requests
    #[arg(long, value_name = "PORT", default_value = "10247", help_heading = "Ports")]
    pub(super) metrics_port: String,
}

/// `run`.
#[derive(Debug, Args)]
#[command(args_override_self = true)]
pub(super) struct Run {
    /// Follow this folder instead of a cluster
    #[arg(long, value_name = "DIR")]
    pub(super) manifests: Option<PathBuf>,
    /// How the proxy is driven: child, supervise or signal [default: child outside of a Pod, else supervise]
    #[arg(long, value_name = "MODE", help_heading = "Proxy")]
    pub(super) proxy_mode: Option<String>,
    /// Folder for revisions, sockets and process ids
    #[arg(long, value_name = "DIR", help_heading = "Proxy")]
    pub(super) state_dir: Option<PathBuf>,
    #[command(flatten)]
    pub(super) content: Content,

    /// Configuration file of the cluster's client
    #[arg(long, value_name = "FILE", help_heading = "Cluster")]
    pub(super) kubeconfig: Option<PathBuf>,
    /// URL of the API server
    #[arg(long, value_name = "URL", help_heading = "Cluster")]
    pub(super) apiserver_host: Option<String>,
    /// Certificate authority of --apiserver-host
    #[arg(long, value_name = "FILE", help_heading = "Cluster")]
    pub(super) certificate_authority: Option<PathBuf>,

    #[command(flatten)]
    pub(super) report: ReportSwitches,
    /// Service whose addresses go into the status
    #[arg(long, value_name = "NAMESPACE/NAME", help_heading = "Status and events")]
    pub(super) publish_service: Option<String>,
    /// Addresses or host names that go into the status, separated by commas
    #[arg(long, value_name = "LIST", help_heading = "Status and events")]
    pub(super) publish_status_address: Option<String>,
    /// Seconds between two checks of the status
    #[arg(long, value_name = "SECONDS", default_value = "60", help_heading = "Status and events")]
    pub(super) status_update_interval: String,
    /// Name of the Lease
    #[arg(long, value_name = "LEASE", default_value = "ingress-controller-leader", help_heading = "Status and events")]
    pub(super) election_id: String,
    /// Duration of the Lease
    #[arg(long, value_name = "DURATION", default_value = "30s", help_heading = "Status and events")]
    pub(super) election_ttl: String,

    /// Port for health, metrics and the API
    #[arg(long, value_name = "PORT", default_value = "10254", help_heading = "Ports")]
    pub(super) healthz_port: String,
    /// Address for it; empty: all addresses
    #[arg(long, value_name = "ADDRESS", default_value = "", help_heading = "Ports")]
    pub(super) healthz_host: String,
    /// Seconds that the health check waits for the proxy
    #[arg(long, value_name = "SECONDS", default_value = "10", help_heading = "Ports")]
    pub(super) health_check_timeout: String,

    /// Seconds between the signal to stop and stopping the proxy
    #[arg(long, value_name = "SECONDS", default_value = "0", help_heading = "Stopping")]
    pub(super) shutdown_grace_period: String,
    /// Seconds between the end of the proxy and the end of the controller
    #[arg(long, value_name = "SECONDS", default_value = "0", help_heading = "Stopping")]
    pub(super) post_shutdown_grace_period: String,

    #[command(flatten)]
    pub(super) admission: Admission,

    /// text or json [default: text on a terminal, else json]
    #[arg(long, value_name = "FORMAT", help_heading = "Log")]
    pub(super) log_format: Option<String>,
    /// error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL", default_value = "info", help_heading = "Log")]
    pub(super) log_level: String,
    /// Verbosity as ingress-nginx counts it: from 2 on debug messages are written
    #[arg(short = 'v', long = "v", value_name = "NUMBER", default_value = "0", overrides_with = "verbosity", help_heading = "Log")]
    pub(super) verbosity: String,
    #[command(flatten)]
    pub(super) counting: CountingSwitches,
    /// Metrics of requests that are not shown, separated by commas
    #[arg(long, value_name = "LIST", help_heading = "Metrics")]
    pub(super) exclude_socket_metrics: Option<String>,
    /// Buckets of times, in seconds
    #[arg(long, value_name = "LIST", help_heading = "Metrics")]
    pub(super) time_buckets: Option<String>,
    /// Buckets of request and response sizes, in bytes
    #[arg(long, value_name = "LIST", help_heading = "Metrics")]
    pub(super) length_buckets: Option<String>,
    /// Buckets of bytes sent
    #[arg(long, value_name = "LIST", help_heading = "Metrics")]
    pub(super) size_buckets: Option<String>,
}

/// Where the API server asks.
#[derive(Debug, Args)]
pub(super) struct Admission {
    /// Address and port of the admission webhook, such as :8443; empty: there is none
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "", help_heading = "Admission webhook")]
    pub(super) validating_webhook: String,
    /// Certificate of the webhook, followed by its intermediates; read again when it changes
    #[arg(long, value_name = "FILE", help_heading = "Admission webhook")]
    pub(super) validating_webhook_certificate: Option<PathBuf>,
    /// Private key of the webhook's certificate
    #[arg(long, value_name = "FILE", help_heading = "Admission webhook")]
    pub(super) validating_webhook_key: Option<PathBuf>,
    /// Authority that must have signed the certificates of clients [default: every client may ask]
    #[arg(long, value_name = "FILE", help_heading = "Admission webhook")]
    pub(super) validating_webhook_client_ca: Option<PathBuf>,
}

/// `supervise`.
#[derive(Debug, Args)]
pub(super) struct Supervise {
    /// Folder that is shared with the controller
    #[arg(long, value_name = "DIR")]
    pub(super) state_dir: Option<PathBuf>,
    /// Unix socket on which the controller is answered [default: supervise.sock in the run folder]
    #[arg(long, value_name = "PATH")]
    pub(super) socket: Option<PathBuf>,
    /// Folder of the proxy's own: process id and temporary files [default: run in the state folder]
    #[arg(long, value_name = "DIR")]
    pub(super) run_dir: Option<PathBuf>,
    /// User id that may connect, such as the controller's; may be given several times [default: root and the supervisor's own]
    #[arg(long, value_name = "UID")]
    pub(super) allow_uid: Vec<String>,
    /// Seconds between the signal to stop and stopping the proxy, as of `run`
    #[arg(long, value_name = "SECONDS", default_value = "0")]
    pub(super) shutdown_grace_period: String,
    /// nginx or haproxy
    #[arg(long, value_name = "PROXY", default_value = "nginx")]
    pub(super) proxy: String,
    /// The proxy's program and what goes before its own arguments
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    pub(super) program: Vec<String>,
}
