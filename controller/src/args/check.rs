//! From what was typed to what it means.

mod diff;
mod metrics;
mod offline;
mod rbac;

pub(crate) use diff::{DiffConfig, DiffFormat};
pub(crate) use metrics::RequestMetrics;
pub(crate) use offline::{AnnotationsConfig, ExplainConfig, LintConfig, LintFormat, ListFormat, OfflineConfig, RenderConfig};
pub(crate) use rbac::{RbacConfig, RbacScope};

use super::echo::EchoConfig;
use super::typed::{Cli, Content, Run, Supervise, What};
use gatewright_core::dialect::nginx::NGINX;
use gatewright_core::dialect::{self, Dialect};
use gatewright_core::model::Listeners;
use gatewright_core::names::{HostName, LabelSelector, ObjectName, UriPath, is_dns_label, shown};
use gatewright_core::settings::Settings;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// What to do.
#[derive(Debug)]
pub(crate) enum Command {
    /// `gatewright run`.
    Run(Box<RunConfig>),
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
    /// Which proxy.
    pub(crate) proxy: ProxyChoice,
    /// How it is driven.
    pub(crate) mode: Mode,
    /// Folder for revisions, sockets and process ids.
    pub(crate) state_dir: PathBuf,
    /// A folder instead of a cluster.
    pub(crate) manifests: Option<PathBuf>,
    /// How to reach the cluster.
    pub(crate) cluster: ClusterConfig,
    /// What is told to it.
    pub(crate) status: StatusConfig,
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
    /// The program and what goes before its arguments.
    pub(crate) program: Vec<String>,
}

/// Checks everything; `None` where a mistake leaves nothing to do.
pub(super) fn check(cli: Cli, mistakes: &mut Vec<String>) -> Option<Command> {
    let mut check = Check { mistakes };
    Some(match cli.command {
        What::Run(run) => Command::Run(Box::new(check.run(*run))),
        What::Supervise(supervise) => Command::Supervise(check.supervise(supervise)),
        What::Render(render) => Command::Render(Box::new(check.render(*render))),
        What::Diff(diff) => Command::Diff(Box::new(check.diff(*diff))),
        What::Explain(explain) => Command::Explain(Box::new(check.explain(*explain)?)),
        What::Annotations(annotations) => Command::Annotations(check.annotations(annotations)?),
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
}

/// Ports that ingress-nginx keeps for itself, and that TCP services never had.
const RESERVED_PORTS: [u16; 4] = [442, 8181, 10245, 10247];

impl Check<'_> {
    fn run(&mut self, run: Run) -> RunConfig {
        let (mut settings, proxy) = self.content(&run.content);
        let from_files = run.manifests.is_some();
        settings.take_all_without_class = from_files;
        settings.external_ips_are_endpoints = from_files;
        if settings.loopback_endpoints && !from_files {
            self.wrong("--allow-loopback-endpoints cannot be given without --manifests".to_owned());
        }
        let healthz_port = self.port("healthz-port", &run.healthz_port);
        settings.reserved_ports = RESERVED_PORTS.iter().copied().chain([healthz_port]).collect();
        let listeners = &settings.listeners;
        self.distinct(&[
            ("http-port", listeners.http_port),
            ("https-port", listeners.https_port),
            ("status-port", listeners.status_port),
            ("healthz-port", healthz_port),
        ]);
        let admin_host = Some(&*run.healthz_host).filter(|host| !host.is_empty());
        let in_pod = run.kubeconfig.is_none() && run.apiserver_host.is_none() && std::env::var_os("KUBERNETES_SERVICE_HOST").is_some();
        RunConfig {
            mode: self.mode(run.proxy_mode.as_deref(), from_files || !in_pod),
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
            cluster: ClusterConfig {
                kubeconfig: run.kubeconfig,
                apiserver_host: run.apiserver_host,
                certificate_authority: run.certificate_authority,
            },
            settings,
            proxy,
        }
    }

    fn status(&mut self, run: &Run) -> StatusConfig {
        if run.publish_service.is_some() && run.publish_status_address.is_some() {
            self.wrong("--publish-service and --publish-status-address cannot both be given".to_owned());
        }
        const SHORTEST_INTERVAL: Duration = Duration::from_secs(5);
        let ttl = self.duration("election-ttl", &run.election_ttl);
        StatusConfig {
            update: run.report.update_status,
            clear_on_shutdown: run.report.update_status_on_shutdown,
            service: self.object("publish-service", run.publish_service.as_deref()),
            addresses: self.addresses(run.publish_status_address.as_deref().unwrap_or_default()),
            node_internal_addresses: run.report.report_node_internal_ip_address,
            interval: self.whole_seconds("status-update-interval", &run.status_update_interval).max(SHORTEST_INTERVAL),
            election_id: run.election_id.clone(),
            election_ttl: if ttl.is_zero() { Duration::from_secs(30) } else { ttl },
            leader_election: !run.report.disable_leader_election,
            sync_events: !run.report.disable_sync_events,
        }
    }

    fn supervise(&mut self, supervise: Supervise) -> SuperviseConfig {
        let dialect = self.proxy_kind(&supervise.proxy);
        let uids = supervise.allow_uid.iter().filter_map(|text| self.parsed("allow-uid", text, "a user id"));
        SuperviseConfig {
            dialect,
            allowed_uids: uids.collect(),
            state_dir: supervise.state_dir.unwrap_or_else(default_state_dir),
            socket: supervise.socket,
            run_dir: supervise.run_dir,
            program: supervise.program,
        }
    }

    fn content(&mut self, content: &Content) -> (Settings, ProxyChoice) {
        let dialect = self.proxy_kind(&content.proxy);
        if content.watch_namespace.is_some() && content.watch_namespace_selector.is_some() {
            self.wrong("--watch-namespace and --watch-namespace-selector cannot both be given".to_owned());
        }
        if let Some(namespace) = content.watch_namespace.as_deref().filter(|name| !name.is_empty() && !is_dns_label(name)) {
            self.wrong(format!("--watch-namespace: {} is not a namespace name", shown(namespace)));
        }
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
            default_backend_service: self.object("default-backend-service", content.default_backend_service.as_deref()),
            default_ssl_certificate: self.object("default-ssl-certificate", content.default_ssl_certificate.as_deref()),
            config_map: self.object("configmap", content.configmap.as_deref()),
            tcp_services_config_map: self.object("tcp-services-configmap", content.tcp_services_configmap.as_deref()),
            udp_services_config_map: self.object("udp-services-configmap", content.udp_services_configmap.as_deref()),
            watch_namespace: content.watch_namespace.clone().filter(|name| !name.is_empty()),
            namespace_selector: selector.and_then(|text| self.said("watch-namespace-selector", LabelSelector::parse(text))),
            listeners: self.listeners(content),
            ..Settings::default()
        };
        (
            settings,
            ProxyChoice {
                dialect,
                program: content.proxy_binary.clone().or_else(|| binary_of_environment(dialect)),
                templates: content.templates.clone(),
            },
        )
    }

    fn listeners(&mut self, content: &Content) -> Listeners {
        let defaults = Listeners::default();
        Listeners {
            http_port: self.port("http-port", &content.http_port),
            https_port: self.port("https-port", &content.https_port),
            status_port: self.port("status-port", &content.status_port),
            metrics_port: Some(self.port("metrics-port", &content.metrics_port)).filter(|_| content.metrics.enable_metrics),
            health_check_path: self
                .said("health-check-path", UriPath::new(&content.health_check_path))
                .unwrap_or(defaults.health_check_path),
            ..Listeners::default()
        }
    }

    fn wrong(&mut self, mistake: String) {
        self.mistakes.push(mistake);
    }

    fn said<T>(&mut self, flag: &str, result: Result<T, impl std::fmt::Display>) -> Option<T> {
        result.map_err(|why| self.wrong(format!("--{flag}: {why}"))).ok()
    }

    fn object(&mut self, flag: &str, text: Option<&str>) -> Option<ObjectName> {
        text.filter(|text| !text.is_empty()).and_then(|text| self.said(flag, ObjectName::parse(text)))
    }

    fn parsed<T: std::str::FromStr>(&mut self, flag: &str, text: &str, what: &str) -> Option<T> {
        self.said(flag, text.parse().map_err(|_| format!("{} is not {what}", shown(text))))
    }

    fn port(&mut self, flag: &str, text: &str) -> u16 {
        let port = text.parse::<u16>().ok().filter(|port| *port > 0);
        self.said(flag, port.ok_or_else(|| format!("{} is not a port; use a number from 1 to 65535", shown(text)))).unwrap_or(0)
    }

    fn distinct(&mut self, ports: &[(&str, u16)]) {
        for (n, (flag, port)) in ports.iter().enumerate() {
            if let Some((other, _)) = ports[..n].iter().find(|(_, before)| before == port && *port > 0) {
                self.wrong(format!("--{other} and --{flag} are both {port}; give each port to one of them"));
            }
        }
    }

    fn whole_seconds(&mut self, flag: &str, text: &str) -> Duration {
        Duration::from_secs(self.parsed::<u32>(flag, text, "a number of seconds").unwrap_or(0).into())
    }

    /// A duration as Go writes it, such as `1m30s` or `500ms`.
    fn duration(&mut self, flag: &str, text: &str) -> Duration {
        let parsed = go_duration(text).ok_or_else(|| format!("{} is not a duration; use one such as 30s or 1m30s", shown(text)));
        self.said(flag, parsed).unwrap_or_default()
    }

    fn addresses(&mut self, text: &str) -> Vec<StatusAddress> {
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        let read = |item: &str| match item.parse() {
            Ok(ip) => Ok(StatusAddress::Ip(ip)),
            Err(_) => HostName::new(item).map(StatusAddress::Host),
        };
        items.filter_map(|item| self.said("publish-status-address", read(item))).collect()
    }

    fn proxy_kind(&mut self, text: &str) -> &'static Dialect {
        dialect::by_name(text).unwrap_or_else(|| {
            self.wrong(format!("--proxy: {} is not a proxy that can be driven; use nginx or haproxy", shown(text)));
            &NGINX
        })
    }

    fn mode(&mut self, text: Option<&str>, outside: bool) -> Mode {
        match text {
            None if outside => Mode::Child,
            None | Some("supervise") => Mode::Supervise,
            Some("child") => Mode::Child,
            Some("signal") => Mode::Signal,
            Some(other) => {
                self.wrong(format!("--proxy-mode: {} is not a mode; use child, supervise or signal", shown(other)));
                Mode::Child
            }
        }
    }

    fn log_format(&mut self, text: Option<&str>) -> Option<bool> {
        match text {
            None => None,
            Some("text") => Some(false),
            Some("json") => Some(true),
            Some(other) => {
                self.wrong(format!("--log-format: {} is not a format; use text or json", shown(other)));
                None
            }
        }
    }

    fn log_level(&mut self, text: &str, verbosity: &str) -> String {
        const DEBUG_FROM: u32 = 2;
        if !["error", "warn", "info", "debug", "trace"].contains(&text) {
            self.wrong(format!("--log-level: {} is not a level; use error, warn, info, debug or trace", shown(text)));
        }
        let verbosity: u32 = self.parsed("v", verbosity, "a number").unwrap_or(0);
        if verbosity >= DEBUG_FROM && text == "info" { "debug".to_owned() } else { text.to_owned() }
    }
}

fn go_duration(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text;
    if rest == "0" {
        return Some(total);
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let count: u32 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        total = total.checked_add(match &rest[..unit] {
            "ms" => Duration::from_millis(count.into()),
            "s" => Duration::from_secs(count.into()),
            "m" => Duration::from_secs(60 * u64::from(count)),
            "h" => Duration::from_secs(3600 * u64::from(count)),
            _ => return None,
        })?;
        rest = &rest[unit..];
    }
    (!text.is_empty()).then_some(total)
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
