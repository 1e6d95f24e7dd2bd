//! Service ports → addresses: `ingress-semantics` 9.

mod gate;
mod left_out;

pub(super) use gate::machine;

use super::reading::BackendUse;
use super::servers::AWAITED;
use super::{Input, screen};
use crate::diagnostic::{BadEndpoint, Code, Diagnostic};
use crate::model::BackendPolicy;
use crate::names::{HostName, ObjectName, ObjectRef, shown};
use crate::settings::Settings;
use crate::state::{EndpointGroup, EndpointSlice, PortRef, Service, ServicePort, ServiceType, Snapshot, TargetPort};
use gate::Gate;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

const TCP: &str = "TCP";

/// What is wrong with a Service port.
#[derive(Debug, Hash)]
pub(super) struct Problem {
    pub(super) code: Code,
    message: String,
    help: String,
    /// The endpoint that is refused, if that is it.
    endpoint: Option<BadEndpoint>,
}

impl Problem {
    pub(super) fn new(code: Code, message: String, help: impl Into<String>) -> Self {
        Self { code, message, help: help.into(), endpoint: None }
    }

    /// Said on an object, with `more` after the message.
    pub(super) fn said_on(&self, object: ObjectRef, field: String, more: &str) -> Diagnostic {
        Diagnostic::new(self.code, object, field, format!("{}{more}", self.message)).help(&*self.help).endpoint(self.endpoint.clone())
    }
}

/// Where Services may lead.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach<'a> {
    pub(super) settings: &'a Settings,
    /// `allow-cross-namespace-resources`.
    pub(super) other_namespaces: bool,
}

/// Where a Service port leads.
#[derive(Debug)]
pub(super) struct Found {
    /// The port of the Service.
    pub(super) port: u16,
    /// May be none at the moment.
    pub(super) endpoints: Vec<SocketAddr>,
    /// Why there are none.
    pub(super) problem: Option<Problem>,
    /// What is wrong with endpoints that are left out beside these, told on their own objects.
    pub(super) findings: Vec<Diagnostic>,
}

/// Where a Service port leads, or why nobody may be sent there.
pub(super) fn endpoints(used: &BackendUse, policy: &BackendPolicy, snapshot: &Snapshot, reach: Reach<'_>) -> Result<Found, Problem> {
    let name = &used.service;
    let gate = Gate::new(name.namespace(), snapshot, reach);
    let service = service_of(name, snapshot)?;
    if service.service_type == ServiceType::ExternalName {
        let port = match (find_port(service, &used.port), &used.port) {
            (Some(port), _) => target_of(port),
            (None, PortRef::Number(number)) => u16::try_from(*number).map_err(|_| no_port(service, &used.port, TCP))?,
            (None, _) => return Err(no_port(service, &used.port, TCP)),
        };
        let endpoints = external(port, service, snapshot, reach)?;
        return Ok(Found { port, endpoints, problem: None, findings: Vec::new() });
    }
    let port = find_port(service, &used.port).ok_or_else(|| no_port(service, &used.port, TCP))?;
    // Behind its own address there may be endpoints that nobody has looked at.
    let is_by_address = policy.service_address == Some(true) && !reach.settings.only_pod_endpoints;
    let own = service.cluster_ip.filter(|_| is_by_address);
    match own.map(|address| SocketAddr::new(address, port.port)) {
        Some(own) if gate.allows(own) => Ok(Found { port: port.port, endpoints: vec![own], problem: None, findings: Vec::new() }),
        Some(own) => Err(refused(name, own, gate)),
        None => of_slices(service, port, snapshot, reach),
    }
}

/// The endpoints that slices say, or else those that stand in for them.
fn of_slices(service: &Service, port: &ServicePort, snapshot: &Snapshot, reach: Reach<'_>) -> Result<Found, Problem> {
    let (settings, gate) = (reach.settings, Gate::new(service.meta.name.namespace(), snapshot, reach));
    let slices: Vec<_> = snapshot.slices_of(&service.meta.name).collect();
    let mut endpoints = Vec::new();
    slices.iter().for_each(|slice| add_slice(&mut endpoints, slice, service, port, (settings, gate)));
    if endpoints.is_empty() && settings.external_ips_are_endpoints {
        endpoints.extend(service.external_ips.iter().map(|ip| (SocketAddr::new(*ip, port.port), true)));
    }
    let is_let = |(endpoint, is_known): &(SocketAddr, bool)| *is_known && gate.allows(*endpoint);
    let first_refused = endpoints.iter().find(|endpoint| !is_let(endpoint)).map(|(endpoint, _)| *endpoint);
    let endpoints: Vec<_> = endpoints.into_iter().filter(is_let).map(|(endpoint, _)| endpoint).collect();
    let (problem, findings) = match (endpoints.is_empty(), first_refused) {
        (true, Some(first)) => return Err(refused(&service.meta.name, first, gate)),
        (true, None) => (Some(left_out::why_none(&slices, service, port)), Vec::new()),
        (false, refused) => (None, left_out::beside(&slices, service, port, refused.map(|_| gate))),
    };
    Ok(Found { port: port.port, endpoints, problem, findings })
}

fn refused(service: &ObjectName, endpoint: SocketAddr, gate: Gate<'_>) -> Problem {
    let (what, help) = left_out::refusal(endpoint, gate);
    let bad = BadEndpoint { address: endpoint.ip(), service: Some(service.clone()) };
    let problem = Problem::new(Code::RefusedEndpoint, format!("Service {service} has the endpoint {what}"), help);
    Problem { endpoint: Some(bad).filter(|_| endpoint.port() != 0), ..problem }
}

/// EndpointSlices that name no Service.
pub(super) fn strays(input: Input<'_>, diagnostics: &mut Vec<Diagnostic>) {
    let in_scope = |namespace: &str| screen::is_watched(namespace, input.snapshot, input.settings);
    let strays = input.snapshot.stray_slices().filter(|slice| in_scope(slice.meta.name.namespace()));
    diagnostics.extend(strays.filter_map(|slice| Some(left_out::stray(slice, slice.stray_label.as_deref()?))));
}

/// The endpoints of a Service port for TCP or UDP services: by number or name of a port of that protocol, and no other.
pub(super) fn stream_endpoints(
    used: &BackendUse,
    protocol: &str,
    snapshot: &Snapshot,
    reach: Reach<'_>,
    dns_names: &mut BTreeSet<Box<str>>,
) -> Result<Found, Problem> {
    let name = &used.service;
    let service = service_of(name, snapshot)?;
    let is_meant = |port: &&ServicePort| match &used.port {
        PortRef::Number(number) => i64::from(port.port) == *number,
        PortRef::Name(name) => !name.is_empty() && port.name == *name,
        PortRef::Both(..) | PortRef::Missing => false,
    };
    let port = service.ports.iter().filter(|port| &*port.protocol == protocol).find(is_meant);
    let port = port.ok_or_else(|| no_port(service, &used.port, protocol))?;
    if service.service_type == ServiceType::ExternalName {
        dns_name(service, dns_names);
        let endpoints = external(target_of(port), service, snapshot, reach)?;
        return Ok(Found { port: port.port, endpoints, problem: None, findings: Vec::new() });
    }
    of_slices(service, port, snapshot, reach)
}

/// Notes the DNS name of an ExternalName Service as one to be looked up: as it is written, since with a dot behind it is a
/// whole one, to which no search domain is added.
pub(super) fn dns_name<'s>(service: &'s Service, dns_names: &mut BTreeSet<Box<str>>) -> Option<&'s str> {
    let name = Some(&*service.external_name).filter(|name| !name.is_empty())?;
    if HostName::new(without_dot(name)).is_ok() {
        dns_names.insert(name.into());
    }
    Some(name)
}

/// A DNS name without the one dot that may stand behind it.
fn without_dot(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

fn service_of<'s>(name: &ObjectName, snapshot: &'s Snapshot) -> Result<&'s Service, Problem> {
    let missing = || Problem::new(Code::NoService, format!("Service {name} does not exist"), "create it, or name another");
    snapshot.service(name).map(|service| &**service).ok_or_else(missing)
}

/// `PRT-1` to `PRT-4`: by `port`, then by `name`, then, as ingress-nginx, by `targetPort`.
fn find_port<'a>(service: &'a Service, wanted: &PortRef) -> Option<&'a ServicePort> {
    let text = match wanted {
        PortRef::Number(number) => number.to_string(),
        PortRef::Name(name) => name.to_string(),
        PortRef::Both(..) | PortRef::Missing => return None,
    };
    let tcp = || service.ports.iter().filter(|port| &*port.protocol == TCP);
    let target = |port: &ServicePort| match &port.target {
        TargetPort::Number(number) => number.to_string() == text,
        TargetPort::Name(name) => **name == *text,
    };
    tcp()
        .find(|port| port.port.to_string() == text)
        .or_else(|| tcp().find(|port| !port.name.is_empty() && *port.name == *text))
        .or_else(|| tcp().find(|port| target(port)))
}

/// Protocols are named where ports of another one could be mistaken for what is meant.
fn no_port(service: &Service, wanted: &PortRef, protocol: &str) -> Problem {
    let wanted = match wanted {
        PortRef::Name(name) => format!("named {}", shown(name)),
        PortRef::Number(number) => number.to_string(),
        PortRef::Both(..) | PortRef::Missing => "without number".to_owned(),
    };
    const SHOWN: usize = 10;
    let has: Vec<_> = service
        .ports
        .iter()
        .take(SHOWN)
        .map(|port| {
            let other = if *port.protocol == *TCP { String::new() } else { format!("/{}", shown(&port.protocol).trim_matches('"')) };
            let name = if port.name.is_empty() { String::new() } else { format!(" ({})", shown(&port.name)) };
            format!("{}{other}{name}", port.port)
        })
        .collect();
    let has = if has.is_empty() { "none".to_owned() } else { has.join(", ") };
    let is_plain = protocol == TCP && service.ports.iter().all(|port| *port.protocol == *TCP);
    let kind = if is_plain { String::new() } else { format!("{protocol} ") };
    let message = format!("Service {} has no {kind}port {wanted} (it has: {has})", service.meta.name);
    let help = match service.ports.iter().any(|port| *port.protocol == *protocol) {
        false => "add it to the Service".to_owned(),
        true if is_plain => "name one of them".to_owned(),
        true => format!("name one of {protocol}"),
    };
    Problem::new(Code::NoPort, message, help)
}

/// Adds the endpoints of a slice, each with whether it is known whose it is as far as that matters.
fn add_slice(
    found: &mut Vec<(SocketAddr, bool)>,
    slice: &EndpointSlice,
    service: &Service,
    port: &ServicePort,
    (settings, gate): (&Settings, Gate<'_>),
) {
    for group in &slice.groups {
        for number in group_ports(group, service, port) {
            let endpoints = group.endpoints.iter().filter(|endpoint| endpoint.ready);
            let zone = zone_to_keep(group, service, settings);
            let in_zone = endpoints.filter(|e| zone.is_none_or(|zone| e.zones.iter().flatten().any(|z| **z == *zone)));
            found.extend(in_zone.map(|endpoint| (SocketAddr::new(endpoint.address, number), gate.knows(slice, service, endpoint))));
        }
    }
}

/// The port numbers of a slice that belong to a Service port: `ingress-semantics` 9.1.
///
/// Ports that have none of the names that the Service's ports have are not told apart by them: the Service's number counts.
fn group_ports(group: &EndpointGroup, service: &Service, port: &ServicePort) -> Vec<u16> {
    let numeric = if let TargetPort::Number(number) = port.target { Some(number) } else { None };
    if group.ports.is_empty() {
        return numeric.into_iter().collect();
    }
    let same = || group.ports.iter().filter(|own| own.protocol == port.protocol);
    let mut numbers: Vec<u16> =
        same().filter_map(|own| if port.name.is_empty() || own.name == port.name { own.port.or(numeric) } else { None }).collect();
    let is_known = |name: &str| service.ports.iter().any(|own| *own.name == *name);
    if numbers.is_empty() && same().next().is_some() && !same().any(|own| is_known(&own.name)) {
        numbers.extend(numeric);
    }
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// The zone whose endpoints alone are used: `ingress-semantics` 9.3.
fn zone_to_keep<'a>(group: &EndpointGroup, service: &Service, settings: &'a Settings) -> Option<&'a str> {
    let zone = settings.topology_zone.as_deref()?;
    let auto = service.meta.annotations.get("service.kubernetes.io/topology-mode").is_some_and(|mode| mode.eq_ignore_ascii_case("auto"));
    let close = service.traffic_distribution.as_deref() == Some("PreferClose");
    let hinted = group.endpoints.iter().all(|endpoint| endpoint.zones.is_some());
    let here = group.endpoints.iter().any(|endpoint| endpoint.zones.iter().flatten().any(|z| **z == *zone));
    ((auto || close) && hinted && (auto || here)).then_some(zone)
}

/// The port that the Service says its target has.
const fn target_of(port: &ServicePort) -> u16 {
    if let TargetPort::Number(number) = port.target { number } else { port.port }
}

/// `ingress-semantics` 9.4: an ExternalName Service forwards to the addresses of its name.
fn external(port: u16, service: &Service, snapshot: &Snapshot, reach: Reach<'_>) -> Result<Vec<SocketAddr>, Problem> {
    let settings = reach.settings;
    let name = &service.meta.name;
    let refused = |why: &str| {
        let message = format!("externalName {} of Service {name} may not be forwarded to: {why}", shown(&service.external_name));
        Problem::new(Code::RefusedExternalName, message, "name a host that serves this")
    };
    if settings.disable_external_names {
        return Err(refused("--disable-svc-external-name is set"));
    }
    if port == 0 {
        return Err(refused("0 is not a port"));
    }
    let host = without_dot(&service.external_name);
    let is_foreign = |namespace: &str| !namespace.eq_ignore_ascii_case(name.namespace());
    if !reach.other_namespaces && (namespace_of(host).is_some_and(is_foreign) || is_of_others(service, snapshot, settings)) {
        return Err(refused("it is of another namespace, which allow-cross-namespace-resources does not allow"));
    }
    let addresses: Vec<IpAddr> = match host.parse::<IpAddr>() {
        Ok(literal) => vec![literal],
        Err(_) => looked_up(service, snapshot)
            .map_err(|problem| problem.unwrap_or_else(|| refused("it is not a DNS name, or a name of this machine")))?,
    };
    let gate = Gate::new(name.namespace(), snapshot, reach);
    let all = || addresses.iter().map(|ip| SocketAddr::new(*ip, port));
    let allowed: Vec<_> = all().filter(|endpoint| gate.allows(*endpoint)).collect();
    match (allowed.is_empty(), all().next()) {
        (false, _) => Ok(allowed),
        (true, Some(first)) => Err(refused(&gate.rejects(first).map_or_else(String::new, |why| format!("{} {why}", first.ip())))),
        (true, None) => Err(Problem::new(
            Code::UnresolvedExternalName,
            format!("externalName {} of Service {name} does not resolve", shown(&service.external_name)),
            "use a name that the cluster's DNS knows",
        )),
    }
}

/// The namespace that a name of the cluster's DNS is of, such as `web.shop.svc` or `10-1-2-3.shop.pod.cluster.local`.
fn namespace_of(host: &str) -> Option<&str> {
    const DOMAIN: &str = ".cluster.local";
    let outside = host.len().checked_sub(DOMAIN.len()).filter(|at| host.get(*at..).is_some_and(|end| end.eq_ignore_ascii_case(DOMAIN)));
    let (names, kind) = host[..outside.unwrap_or(host.len())].rsplit_once('.')?;
    let is_kind = ["svc", "pod"].iter().any(|own| kind.eq_ignore_ascii_case(own));
    is_kind.then(|| names.rsplit('.').next().unwrap_or(names))
}

/// Whether the name of an ExternalName Service is one of a Service of another namespace, in any domain or in short, or of a Pod
/// of one in any domain.
fn is_of_others(external: &Service, snapshot: &Snapshot, settings: &Settings) -> bool {
    let (name, own) = (&*external.external_name, external.meta.name.namespace());
    let lower = without_dot(name).to_ascii_lowercase();
    let mut labels: Vec<&str> = lower.split('.').collect();
    // In a Pod the first of the domains that are searched is that of its namespace, but for a whole name.
    let searched = settings.own_namespace.as_deref().filter(|_| !name.ends_with('.'));
    is_name_of_others(name, &labels, own, snapshot)
        || searched.is_some_and(|namespace| {
            labels.push(namespace);
            is_name_of_others(name, &labels, own, snapshot)
        })
}

/// The same of the name's labels. In short, a name before that of the Service and its namespace is of one of its endpoints. Any
/// domain could be written so: it is one where the Service is headless, or where the name leads to endpoints of it.
fn is_name_of_others(name: &str, labels: &[&str], own: &str, snapshot: &Snapshot) -> bool {
    let is_pod = |name: &str, rest: &[&str]| rest.get(1) == Some(&"pod") && name.replace('-', ".").parse::<Ipv4Addr>().is_ok();
    (1..labels.len()).any(|at| {
        let (label, rest) = (labels[at - 1], &labels[at..]);
        let known = || snapshot.service(&ObjectName::new(rest[0], label).ok()?);
        let is_of = |service: &Service| match rest.get(1) {
            Some(kind) => *kind == "svc",
            None if at == 1 => true,
            None => (at == 2 && is_headless(service)) || leads_to(name, service, snapshot),
        };
        rest[0] != own && (is_pod(label, rest) || known().is_some_and(|service| is_of(service)))
    })
}

fn is_headless(service: &Service) -> bool {
    service.cluster_ip.is_none() && service.service_type != ServiceType::ExternalName
}

/// Whether a name resolves to an endpoint of a Service.
fn leads_to(host: &str, service: &Service, snapshot: &Snapshot) -> bool {
    let Some(addresses) = snapshot.addresses_of(host) else { return false };
    let mut groups = snapshot.slices_of(&service.meta.name).flat_map(|slice| &slice.groups);
    groups.any(|group| group.endpoints.iter().any(|endpoint| addresses.contains(&endpoint.address)))
}

/// The addresses of the name of an ExternalName Service; `Err(None)` for a name that is none, or means this machine.
fn looked_up(service: &Service, snapshot: &Snapshot) -> Result<Vec<IpAddr>, Option<Problem>> {
    let (name, host) = (&*service.external_name, without_dot(&service.external_name));
    let own = host.eq_ignore_ascii_case("localhost") || host.to_ascii_lowercase().ends_with(".localhost");
    if own || HostName::new(host).is_err() {
        return Err(None);
    }
    match snapshot.addresses_of(name) {
        Some(addresses) => Ok(addresses.to_vec()),
        None => Err(Some(Problem::new(
            Code::UnresolvedExternalName,
            format!("externalName {} of Service {} is being looked up", shown(name), service.meta.name),
            AWAITED,
        ))),
    }
}

/// Which addresses that a Service has are of Services of other namespaces, and whether its name is.
pub(super) fn of_others(service: &Service, snapshot: &Snapshot, reach: Reach<'_>) -> (Vec<IpAddr>, bool) {
    let gate = Gate::new(service.meta.name.namespace(), snapshot, reach);
    let name = &*service.external_name;
    let of_name =
        without_dot(name).parse().into_iter().chain(snapshot.addresses_of(name).into_iter().flat_map(|known| known.iter().copied()));
    let groups = snapshot.slices_of(&service.meta.name).flat_map(|slice| &slice.groups);
    let of_slices = groups.flat_map(|group| &group.endpoints).map(|endpoint| endpoint.address);
    let addresses = of_name.chain(of_slices).chain(service.external_ips.iter().copied());
    (addresses.filter(|ip| gate.is_of_others(*ip)).collect(), is_of_others(service, snapshot, reach.settings))
}
