//! What the command line says about translation; stays while running.

use crate::model::{Approximation, HashKind, Lack, Listeners, Transport};
use crate::names::{LabelSelector, ObjectName, ObjectRef, PathLimits, TextPart, VariableText};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// What flags say about translation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Settings {
    /// `--ingress-class`: the value of the class annotation, and the name for `--ingress-class-by-name`.
    pub ingress_class: String,
    /// `--controller-class`: `spec.controller` of our IngressClasses.
    pub controller_class: String,
    /// `--watch-ingress-without-class`.
    pub watch_ingress_without_class: bool,
    /// `--ingress-class-by-name`.
    pub ingress_class_by_name: bool,
    /// IngressClasses may not be read, so only annotations count.
    pub ignore_classes: bool,
    /// Objects that are referred to and that the API server does not let the controller read; what they say is not known.
    pub forbidden: BTreeSet<ObjectRef>,
    /// An input without any IngressClass is taken whole: files, not clusters.
    pub take_all_without_class: bool,
    /// `--annotations-prefix`.
    pub annotations_prefix: String,
    /// `--disable-catch-all`.
    pub disable_catch_all: bool,
    /// `--disable-svc-external-name`.
    pub disable_external_names: bool,
    /// `--deep-inspect`.
    pub deep_inspect: bool,
    /// `--topology-zone`, or the zone of the Node, with `--enable-topology-aware-routing`.
    pub topology_zone: Option<String>,
    /// A Service without endpoints is forwarded to at its `spec.externalIPs`: files, not clusters.
    pub external_ips_are_endpoints: bool,
    /// `--allow-loopback-endpoints`: for trials with backends on this very machine.
    pub loopback_endpoints: bool,
    /// `--only-pod-endpoints`: no endpoints but those that the cluster itself has noted for Pods of the Service's namespace.
    pub only_pod_endpoints: bool,
    /// `--default-backend-service`.
    pub default_backend_service: Option<ObjectName>,
    /// `--default-ssl-certificate`.
    pub default_ssl_certificate: Option<ObjectName>,
    /// `--configmap`.
    pub config_map: Option<ObjectName>,
    /// The namespace of the controller: that of parameters of scope Cluster. `None`: there is no controller.
    pub own_namespace: Option<String>,
    /// `--tcp-services-configmap`.
    pub tcp_services_config_map: Option<ObjectName>,
    /// `--udp-services-configmap`.
    pub udp_services_config_map: Option<ObjectName>,
    /// `--watch-namespace`.
    pub watch_namespace: Option<String>,
    /// `--watch-namespace-selector`.
    pub namespace_selector: Option<LabelSelector>,
    /// Ports of the controller beside those of [`Settings::listeners`].
    pub reserved_ports: Vec<u16>,
    /// Port of health, metrics and the API; `None`: there is none.
    pub admin_port: Option<u16>,
    /// Addresses of this machine, or Pod.
    pub own_addresses: Vec<IpAddr>,
    /// Ports that TCP and UDP services ask for and another process holds.
    pub taken_ports: BTreeSet<(Transport, u16)>,
    /// Ports and the public health path.
    pub listeners: Listeners,
    /// What the proxy of `--proxy` cannot do, in the version that is there.
    pub lacks: Vec<Lack>,
    /// What the proxy can do only approximately, and is reported on objects.
    pub approximates: &'static [Approximation],
    /// Hashes of passwords that it cannot check.
    pub unknown_hashes: &'static [HashKind],
    /// How long the hashes of all users may take at each load of the proxy; `None`: it computes none then.
    pub time_for_hashes: Option<std::time::Duration>,
    /// What the proxy in use can compare paths with.
    pub path_limits: PathLimits,
    /// The proxy in use can pass connections on as they are even where headers tell the addresses of clients.
    pub passes_behind_headers: bool,
    /// Secrets and ConfigMaps that Ingresses name are read; otherwise it is not known whether they are there.
    pub reads_named_objects: bool,
    /// Variables that the proxy has no word for, and beginnings of such, which end in `_`.
    pub unknown_variables: Vec<&'static str>,
    /// `--raw-snippet-namespaces`: namespaces whose Ingresses may say everything to nginx.
    pub raw_snippet_namespaces: Vec<String>,
    /// Directives of snippets that the proxy cannot follow.
    pub unknown_directives: &'static [&'static str],
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ingress_class: "gatewright".to_owned(),
            controller_class: "gatewright.dev/ingress".to_owned(),
            watch_ingress_without_class: false,
            ingress_class_by_name: false,
            ignore_classes: false,
            forbidden: BTreeSet::new(),
            take_all_without_class: false,
            annotations_prefix: "nginx.ingress.kubernetes.io".to_owned(),
            disable_catch_all: false,
            disable_external_names: false,
            deep_inspect: true,
            topology_zone: None,
            external_ips_are_endpoints: false,
            loopback_endpoints: false,
            only_pod_endpoints: false,
            default_backend_service: None,
            default_ssl_certificate: None,
            config_map: None,
            own_namespace: None,
            tcp_services_config_map: None,
            udp_services_config_map: None,
            watch_namespace: None,
            namespace_selector: None,
            reserved_ports: Vec::new(),
            admin_port: None,
            own_addresses: Vec::new(),
            taken_ports: BTreeSet::new(),
            listeners: Listeners::default(),
            lacks: Vec::new(),
            approximates: &[],
            unknown_hashes: &[],
            time_for_hashes: None,
            path_limits: PathLimits::default(),
            passes_behind_headers: true,
            reads_named_objects: true,
            unknown_variables: Vec::new(),
            raw_snippet_namespaces: Vec::new(),
            unknown_directives: &[],
        }
    }
}

impl Settings {
    /// The first variable of a text that the proxy has no word for.
    #[must_use]
    pub fn lacks_variable<'t>(&self, text: &'t VariableText) -> Option<&'t str> {
        unknown_variable(&self.unknown_variables, text)
    }
}

/// The first variable of a text that is in a list as [`Settings::unknown_variables`].
pub(crate) fn unknown_variable<'t>(unknown: &[&str], text: &'t VariableText) -> Option<&'t str> {
    let lacks = |name: &str| unknown.iter().any(|own| *own == name || (own.ends_with('_') && name.starts_with(own)));
    text.parts().iter().find_map(|part| match part {
        TextPart::Variable(name) if lacks(name) => Some(name.as_str()),
        _ => None,
    })
}
