//! From what was typed to what it means.

mod admission;
mod command;
mod diff;
mod metrics;
mod offline;
mod rbac;
mod words;

pub(crate) use admission::AdmissionPolicyConfig;
pub(crate) use command::{
    AdmissionConfig, ClusterConfig, Command, Mode, ProxyChoice, RunConfig, StatusAddress, StatusConfig, SuperviseConfig,
};
pub(crate) use diff::{DiffConfig, DiffFormat};
pub(crate) use metrics::RequestMetrics;
pub(crate) use offline::{AnnotationsConfig, ExplainConfig, LintConfig, LintFormat, ListFormat, OfflineConfig, RenderConfig};
pub(crate) use rbac::{RbacConfig, RbacScope, RbacSecrets};

use super::typed::{Cli, Content, Run, Supervise, What};
use crate::abilities::{has_ipv6, own_addresses};
use gatewright_core::dialect::Dialect;
use gatewright_core::dialect::nginx::NGINX;
use gatewright_core::model::Listeners;
use gatewright_core::names::{LabelSelector, ObjectName, UriPath, is_dns_label, is_dns_subdomain, shown};
use gatewright_core::settings::Settings;
use std::path::PathBuf;
use std::time::Duration;

/// Checks everything; `None` where a mistake leaves nothing to do.
pub(super) fn check(cli: Cli, mistakes: &mut Vec<String>, warnings: &mut Vec<String>) -> Option<Command> {
    let mut check = Check { mistakes, warnings };
    Some(match cli.command {
        What::Run(run) => Command::Run(Box::new(check.run(*run))),
        What::Webhook(run) => {
            let mut run = check.run(*run);
            let admission = run.admission.take();
            if admission.is_none() {
                check.wrong("--validating-webhook is missing; give an address and a port, such as :8443".to_owned());
            }
            Command::Webhook(Box::new(run), admission?)
        }
        What::Supervise(supervise) => Command::Supervise(check.supervise(supervise)),
        What::Render(render) => Command::Render(Box::new(check.render(*render))),
        What::Diff(diff) => Command::Diff(Box::new(check.diff(*diff))),
        What::Explain(explain) => Command::Explain(Box::new(check.explain(*explain)?)),
        What::Annotations(annotations) => Command::Annotations(check.annotations(annotations)?),
        What::AdmissionPolicy(policy) => Command::AdmissionPolicy(check.admission_policy(policy)?),
        What::Rbac(rbac) => Command::Rbac(Box::new(check.rbac(*rbac)?)),
        What::Crds => Command::Crds,
        What::Completions(completions) => Command::Completions(completions.shell),
        What::Man(man) => Command::Man(man.output),
        What::Lint(lint) => Command::Lint(Box::new(check.lint(*lint))),
        What::Echo(echo) => Command::Echo(echo.check(check.mistakes)),
        What::Version => Command::Version,
    })
}

/// Collects mistakes; every method answers something usable, which nobody uses if there is a mistake.
struct Check<'a> {
    mistakes: &'a mut Vec<String>,
    warnings: &'a mut Vec<String>,
}

/// Ports that ingress-nginx keeps for itself, and that TCP services never had.
const RESERVED_PORTS: [u16; 4] = [442, 8181, 10245, 10247];

/// The default of `--healthz-port`.
const HEALTHZ_PORT: u16 = 10_254;

impl Check<'_> {
    fn run(&mut self, run: Run) -> RunConfig {
        let healthz_port = self.port("healthz-port", &run.healthz_port);
        let (mut settings, proxy) = self.content(&run.content, healthz_port);
        let from_files = run.manifests.is_some();
        settings.take_all_without_class = from_files;
        settings.external_ips_are_endpoints = from_files;
        settings.own_addresses = own_addresses();
        if settings.loopback_endpoints && !from_files {
            self.wrong("--allow-loopback-endpoints cannot be given without --manifests".to_owned());
        }
        if settings.only_pod_endpoints && from_files {
            self.wrong("--only-pod-endpoints cannot be given with --manifests".to_owned());
        }
        self.distinct(&[&ports(&settings.listeners)[..], &[("healthz-port", healthz_port)]].concat());
        let admin_host = Some(&*run.healthz_host).filter(|host| !host.is_empty());
        let in_pod = run.kubeconfig.is_none() && run.apiserver_host.is_none() && std::env::var_os("KUBERNETES_SERVICE_HOST").is_some();
        let mode = self.mode(run.proxy_mode.as_deref(), from_files || !in_pod);
        if mode == Mode::Supervise && proxy.is_program_typed {
            let why = "with --proxy-mode supervise, the supervisor is told which program it runs";
            self.warnings.push(format!("--proxy-binary has no effect: {why}"));
        }
        RunConfig {
            mode,
            status: self.status(&run),
            request_metrics: self.request_metrics(&run),
            admin: (admin_host.and_then(|host| self.parsed("healthz-host", host, "an IP address")), healthz_port),
            health_check_timeout: self.whole_seconds("health-check-timeout", &run.health_check_timeout),
            shutdown_grace: self.whole_seconds("shutdown-grace-period", &run.shutdown_grace_period),
            post_shutdown_grace: self.whole_seconds("post-shutdown-grace-period", &run.post_shutdown_grace_period),
            json_log: self.log_format(run.log_format.as_deref()),
            log_level: self.log_level(&run.log_level, &run.verbosity),
            state_dir: run.state_dir.unwrap_or_else(default_state_dir),
            manifests: run.manifests,
            secrets_from: run.content.secrets_from.clone(),
            cluster: ClusterConfig {
                kubeconfig: run.kubeconfig,
                apiserver_host: run.apiserver_host,
                certificate_authority: run.certificate_authority,
            },
            settings,
            admission: self.admission(run.admission),
            zone_of_node: self.zone_of_node(&run.content, from_files),
            proxy,
        }
    }

    fn status(&mut self, run: &Run) -> StatusConfig {
        if run.publish_service.is_some() && run.publish_status_address.is_some() {
            self.wrong("--publish-service and --publish-status-address cannot both be given".to_owned());
        }
        const SHORTEST_INTERVAL: Duration = Duration::from_secs(5);
        let ttl = self.duration("election-ttl", &run.election_ttl);
        let leader_election = !run.report.disable_leader_election;
        if leader_election {
            self.said("election-id", ObjectName::new("", &run.election_id));
        }
        StatusConfig {
            update: run.report.update_status,
            clear_on_shutdown: run.report.update_status_on_shutdown,
            service: self.object("publish-service", run.publish_service.as_deref()),
            addresses: self.addresses(run.publish_status_address.as_deref().unwrap_or_default()),
            node_internal_addresses: run.report.report_node_internal_ip_address,
            interval: self.whole_seconds("status-update-interval", &run.status_update_interval).max(SHORTEST_INTERVAL),
            election_id: run.election_id.clone(),
            election_ttl: if ttl.is_zero() { Duration::from_secs(30) } else { ttl },
            leader_election,
            sync_events: !run.report.disable_sync_events,
        }
    }

    fn supervise(&mut self, supervise: Supervise) -> SuperviseConfig {
        let dialect = self.proxy_kind("proxy", &supervise.proxy);
        let uids = supervise.allow_uid.iter().filter_map(|text| self.parsed("allow-uid", text, "a user id"));
        SuperviseConfig {
            dialect,
            allowed_uids: uids.collect(),
            shutdown_grace: self.whole_seconds("shutdown-grace-period", &supervise.shutdown_grace_period),
            state_dir: supervise.state_dir.unwrap_or_else(default_state_dir),
            socket: supervise.socket,
            run_dir: supervise.run_dir,
            program: supervise.program,
        }
    }

    /// Texts that have to be names of something.
    fn names(&mut self, content: &Content) {
        if content.watch_namespace.is_some() && content.watch_namespace_selector.is_some() {
            self.wrong("--watch-namespace and --watch-namespace-selector cannot both be given".to_owned());
        }
        if let Some(namespace) = content.watch_namespace.as_deref().filter(|name| !name.is_empty() && !is_dns_label(name)) {
            self.wrong(format!("--watch-namespace: {} is not a namespace name", shown(namespace)));
        }
        if !is_dns_subdomain(&content.annotations_prefix) {
            let prefix = shown(&content.annotations_prefix);
            self.wrong(format!("--annotations-prefix: {prefix} is no prefix of annotations; use one such as nginx.ingress.kubernetes.io"));
        }
        if !is_controller(&content.controller_class) {
            let class = shown(&content.controller_class);
            let why = "is no controller of an IngressClass: it is a domain, a slash and a path; use one such as gatewright.dev/ingress";
            self.wrong(format!("--controller-class: {class} {why}"));
        }
    }

    fn content(&mut self, content: &Content, healthz_port: u16) -> (Settings, ProxyChoice) {
        let dialect = self.proxy_kind("proxy", &content.proxy);
        self.names(content);
        let selector = content.watch_namespace_selector.as_deref().filter(|text| !text.is_empty());
        let switches = &content.selection;
        let settings = Settings {
            ingress_class: content.ingress_class.clone(),
            controller_class: content.controller_class.clone(),
            annotations_prefix: content.annotations_prefix.clone(),
            watch_ingress_without_class: switches.watch_ingress_without_class,
            ingress_class_by_name: switches.ingress_class_by_name,
            disable_catch_all: switches.disable_catch_all,
            disable_external_names: switches.disable_svc_external_name,
            deep_inspect: switches.deep_inspect,
            loopback_endpoints: switches.allow_loopback_endpoints,
            only_pod_endpoints: switches.only_pod_endpoints,
            topology_zone: content.topology_zone.clone().filter(|_| switches.enable_topology_aware_routing),
            default_backend_service: self.object("default-backend-service", content.default_backend_service.as_deref()),
            default_ssl_certificate: self.object("default-ssl-certificate", content.default_ssl_certificate.as_deref()),
            config_map: self.object("configmap", content.configmap.as_deref()),
            tcp_services_config_map: self.object("tcp-services-configmap", content.tcp_services_configmap.as_deref()),
            udp_services_config_map: self.object("udp-services-configmap", content.udp_services_configmap.as_deref()),
            raw_snippet_namespaces: self.namespaces("raw-snippet-namespaces", &content.raw_snippet_namespaces),
            watch_namespace: content.watch_namespace.clone().filter(|name| !name.is_empty()),
            admin_port: Some(healthz_port),
            reserved_ports: RESERVED_PORTS.iter().copied().chain([healthz_port]).collect(),
            namespace_selector: selector.and_then(|text| self.said("watch-namespace-selector", LabelSelector::parse(text))),
            listeners: self.listeners(content),
            ..Settings::default()
        };
        (
            settings,
            ProxyChoice {
                dialect,
                program: content.proxy_binary.clone().or_else(|| binary_of_environment(dialect)),
                is_program_typed: content.proxy_binary.is_some(),
                templates: content.templates.clone(),
            },
        )
    }

    /// Whether the Node has to say in which zone this is. From files there is none to ask.
    fn zone_of_node(&mut self, content: &Content, from_files: bool) -> bool {
        let (wanted, given) = (content.selection.enable_topology_aware_routing, content.topology_zone.is_some());
        if given && !wanted {
            self.wrong("--topology-zone needs --enable-topology-aware-routing".to_owned());
        }
        if wanted && !given && from_files {
            let why = "nobody says in which zone this machine is; give --topology-zone";
            self.warnings.push(format!("--enable-topology-aware-routing has no effect: {why}"));
        }
        wanted && !given && !from_files
    }

    fn listeners(&mut self, content: &Content) -> Listeners {
        let defaults = Listeners::default();
        let whens = [("auto", None), ("true", Some(true)), ("false", Some(false))];
        Listeners {
            http_port: self.port("http-port", &content.http_port),
            https_port: self.port("https-port", &content.https_port),
            passthrough_port: Some(self.port("ssl-passthrough-proxy-port", &content.ssl_passthrough_proxy_port))
                .filter(|_| content.selection.enable_ssl_passthrough),
            status_port: self.port("status-port", &content.status_port),
            metrics_port: Some(self.port("metrics-port", &content.metrics_port)).filter(|_| content.metrics.enable_metrics),
            health_check_path: self
                .said("health-check-path", UriPath::new(&content.health_check_path))
                .unwrap_or(defaults.health_check_path),
            ipv6: self.choice("ipv6", &content.ipv6, &whens).flatten().unwrap_or_else(has_ipv6),
            ..Listeners::default()
        }
    }
}

/// The ports of the proxy by their flags.
fn ports(listeners: &Listeners) -> [(&'static str, u16); 4] {
    let inner = listeners.passthrough_port.unwrap_or(0);
    [
        ("ssl-passthrough-proxy-port", inner),
        ("http-port", listeners.http_port),
        ("https-port", listeners.https_port),
        ("status-port", listeners.status_port),
    ]
}

/// Whether the API server takes a text as the `spec.controller` of an IngressClass: at most 250 bytes, a domain, a slash, and a
/// path that is not empty.
fn is_controller(text: &str) -> bool {
    let is_of_paths = |b: u8| b.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:".contains(&b);
    let parts = text.split_once('/').filter(|(domain, path)| is_dns_subdomain(domain) && !path.is_empty());
    text.len() <= 250 && parts.is_some_and(|(_, path)| path.bytes().all(is_of_paths))
}

/// `/var/lib/gatewright` for root, else a folder of the user's own.
fn default_state_dir() -> PathBuf {
    if nix::unistd::geteuid().is_root() {
        return PathBuf::from("/var/lib/gatewright");
    }
    let own = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || std::env::var_os("HOME").map_or_else(std::env::temp_dir, PathBuf::from).join(".local/state");
    own.unwrap_or_else(home).join("gatewright")
}

/// The variable that images of ingress-nginx name their program by.
fn binary_of_environment(dialect: &Dialect) -> Option<PathBuf> {
    std::env::var_os("NGINX_BINARY").filter(|path| dialect.name == NGINX.name && !path.is_empty()).map(PathBuf::from)
}
