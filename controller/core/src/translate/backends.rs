//! Service ports → backends: `ingress-semantics` 9.

use super::reading::BackendUse;
use super::servers::Servers;
use super::{Input, by_id};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Action, Backend, BackendId, BackendPolicy, Balance, digest_of};
use crate::names::{HostName, Kind, ObjectName, ObjectRef, shown};
use crate::settings::{Config, Settings};
use crate::state::{EndpointGroup, EndpointSlice, Epoch, PortRef, Service, ServicePort, ServiceType, Snapshot, TargetPort};
use foldhash::HashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hash;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// What requests for a Service port get.
#[derive(Debug)]
pub(super) struct Resolved {
    pub(super) action: Action,
    problem: Option<(Code, String, String)>,
    /// Hash of the above: equal for equal answers, whatever the endpoints.
    pub(super) digest: u128,
}

impl Resolved {
    /// What is wrong, said on the Ingress that uses it.
    pub(super) fn finding(&self, origin: &ObjectRef, field: String) -> Option<Diagnostic> {
        let (code, message, help) = self.problem.as_ref()?;
        Some(Diagnostic::new(*code, origin.clone(), field, message.clone()).help(help.clone()))
    }
}

/// The global default backend of the time before. Those of hosts are kept with the hosts.
#[derive(Debug, Default)]
pub(super) struct Memo {
    default: Option<Arc<Kept>>,
}

/// By the digest of a policy, then by Service port.
type ByPolicy = HashMap<u128, HashMap<BackendUse, Arc<Kept>>>;

/// What a Service port is under a policy, and what that was made from.
#[derive(Debug)]
pub(super) struct Kept {
    policy: u128,
    used: BackendUse,
    made_from: u128,
    /// Of the Service and its slices.
    epoch: Epoch,
    has_dns_name: bool,
    resolved: Arc<Resolved>,
    backend: Option<Arc<Backend>>,
}

impl Kept {
    /// Whether it depends on what a name resolves to.
    pub(super) const fn has_dns_name(&self) -> bool {
        self.has_dns_name
    }
}

impl Memo {
    /// Starts a translation.
    pub(super) fn begin<'a>(&mut self, input: Input<'a>, config: &Config) -> Backends<'a> {
        let mut backends = Backends {
            input,
            settings: digest_of(input.settings),
            balance: config.globals.balance,
            before: ByPolicy::default(),
            now: ByPolicy::default(),
            of_host: Vec::new(),
            used: Vec::new(),
            dns_names: BTreeSet::new(),
            servers: Servers::new(input.snapshot),
            default: None,
        };
        backends.begin_host(self.default.as_slice());
        backends.resolve_default();
        self.default = backends.end_host().pop();
        backends
    }
}

/// Resolves Service ports, each once.
pub(super) struct Backends<'a> {
    input: Input<'a>,
    settings: u128,
    balance: Balance,
    before: ByPolicy,
    now: ByPolicy,
    /// Those that the host at hand uses.
    of_host: Vec<Arc<Kept>>,
    used: Vec<Arc<Backend>>,
    dns_names: BTreeSet<Box<str>>,
    /// Servers that annotations name.
    pub(super) servers: Servers<'a>,
    default: Option<Arc<Resolved>>,
}

impl Backends<'_> {
    fn resolve_default(&mut self) {
        let settings = self.input.settings;
        let name = settings.default_backend_service.as_ref();
        let first_port = name.and_then(|name| self.input.snapshot.service(name)).and_then(|service| service.ports.first());
        self.default = name.zip(first_port).map(|(name, port)| {
            let used = BackendUse { service: name.clone(), port: PortRef::Number(port.port.into()) };
            self.resolve(&used, &Arc::default())
        });
    }

    /// From here on it is noted which ones are used; `before` are those that were, the time before.
    pub(super) fn begin_host(&mut self, before: &[Arc<Kept>]) {
        for kept in before {
            self.before.entry(kept.policy).or_default().insert(kept.used.clone(), Arc::clone(kept));
        }
        self.of_host.clear();
    }

    /// Those that were used since.
    pub(super) fn end_host(&mut self) -> Vec<Arc<Kept>> {
        std::mem::take(&mut self.of_host)
    }

    /// Whether all of them are what resolving would give, as far as that does not depend on what names resolve to.
    pub(super) fn are_current(&self, kept: &[Arc<Kept>]) -> bool {
        kept.iter().all(|kept| self.input.snapshot.epochs().is_current(&kept.epoch))
    }

    /// Takes over those of a host that is the same as before.
    pub(super) fn take(&mut self, kept: &[Arc<Kept>]) {
        self.used.extend(kept.iter().filter_map(|kept| kept.backend.clone()));
    }

    /// What unmatched requests get: the global default backend while it has endpoints, else 404.
    pub(super) fn default_action(&self) -> Action {
        match &self.default {
            Some(resolved) if matches!(resolved.action, Action::Forward(_)) => resolved.action.clone(),
            _ => Action::Respond(404),
        }
    }

    /// The global default backend, if it has endpoints.
    pub(super) fn default_backend(&self, diagnostics: &mut Vec<Diagnostic>) -> Option<BackendId> {
        let name = self.input.settings.default_backend_service.as_ref()?;
        if let Action::Forward(id) = self.default_action() {
            return Some(id);
        }
        let service = ObjectRef::new(Kind::Service, name.clone());
        let message = "the Service of --default-backend-service does not exist or has no ready endpoints; 404 is answered instead";
        diagnostics.push(Diagnostic::new(Code::NoEndpoints, service, "", message));
        None
    }

    /// What requests for this Service port get, under this policy.
    pub(super) fn resolve(&mut self, used: &BackendUse, policy: &Arc<BackendPolicy>) -> Arc<Resolved> {
        let policy_digest = policy.digest();
        let known = self.now.get(&policy_digest).and_then(|now| now.get(used)).map(Arc::clone);
        let kept = known.unwrap_or_else(|| self.first_time(used, policy, policy_digest));
        if !self.of_host.iter().any(|other| Arc::ptr_eq(other, &kept)) {
            self.of_host.push(Arc::clone(&kept));
        }
        Arc::clone(&kept.resolved)
    }

    fn first_time(&mut self, used: &BackendUse, policy: &Arc<BackendPolicy>, policy_digest: u128) -> Arc<Kept> {
        let snapshot = self.input.snapshot;
        let service = snapshot.service(&used.service);
        let dns_name = service.and_then(|service| dns_name(service, &mut self.dns_names));
        let mut hasher = xxhash_rust::xxh3::Xxh3::new();
        (self.settings, self.balance, service.map(|service| service.digest)).hash(&mut hasher);
        snapshot.slices_of(&used.service).for_each(|slice| slice.digest.hash(&mut hasher));
        dns_name.map(|name| snapshot.addresses_of(name)).hash(&mut hasher);
        let made_from = hasher.digest128();
        let before = self.before.get_mut(&policy_digest).and_then(|before| before.remove(used));
        let before = before.filter(|kept| kept.made_from == made_from);
        let (resolved, backend) = before.map_or_else(|| self.make(used, policy), |kept| (Arc::clone(&kept.resolved), kept.backend.clone()));
        self.used.extend(backend.iter().map(Arc::clone));
        let (epoch, has_dns_name) = (snapshot.epochs().of(&used.service), dns_name.is_some());
        let kept = Arc::new(Kept { policy: policy_digest, used: used.clone(), made_from, epoch, has_dns_name, resolved, backend });
        self.now.entry(policy_digest).or_default().insert(used.clone(), Arc::clone(&kept));
        kept
    }

    fn make(&self, used: &BackendUse, policy: &Arc<BackendPolicy>) -> (Arc<Resolved>, Option<Arc<Backend>>) {
        let (action, problem, backend) = match endpoints(used, policy, self.input.snapshot, self.input.settings) {
            Ok((port, endpoints)) => {
                let id = BackendId::with_policy(used.service.namespace(), used.service.name(), port, policy);
                let balance = policy.balance.unwrap_or(self.balance);
                let backend = Arc::new(Backend::with_policy(id.clone(), endpoints, balance, Arc::clone(policy)));
                let vacant = backend.endpoints.is_empty();
                let problem =
                    vacant.then(|| (Code::NoEndpoints, format!("Service {} has no ready endpoints", used.service), String::new()));
                (if vacant { Action::Vacant(id) } else { Action::Forward(id) }, problem, Some(backend))
            }
            Err(problem) => (Action::Respond(503), Some(problem), None),
        };
        let digest = digest_of(&(&action, problem.as_ref().map(|(code, message, _)| (*code, message))));
        (Arc::new(Resolved { action, problem, digest }), backend)
    }

    /// All backends in use, and the DNS names that have to be looked up.
    pub(super) fn finish(self) -> (BTreeMap<BackendId, Arc<Backend>>, BTreeSet<Box<str>>) {
        let (servers, mut dns_names) = self.servers.finish();
        dns_names.extend(self.dns_names);
        (by_id(self.used.into_iter().chain(servers).collect(), |backend| &backend.id, BackendId::as_str), dns_names)
    }
}

type Problem = (Code, String, String);

/// The port of the Service and its endpoints, which may be none at the moment, or why there are none.
pub(super) fn endpoints(
    used: &BackendUse,
    policy: &BackendPolicy,
    snapshot: &Snapshot,
    settings: &Settings,
) -> Result<(u16, Vec<SocketAddr>), Problem> {
    let name = &used.service;
    let service = service_of(name, snapshot)?;
    if service.service_type == ServiceType::ExternalName {
        let port = match (find_port(service, &used.port), &used.port) {
            (Some(port), _) => target_of(port),
            (None, PortRef::Number(number)) => u16::try_from(*number).map_err(|_| no_port(service, &used.port))?,
            (None, _) => return Err(no_port(service, &used.port)),
        };
        return Ok((port, external(port, service, snapshot, settings)?));
    }
    let port = find_port(service, &used.port).ok_or_else(|| no_port(service, &used.port))?;
    let mut found = Vec::new();
    match service.cluster_ip.filter(|_| policy.service_address == Some(true)) {
        Some(address) => found.push(SocketAddr::new(address, port.port)),
        None => snapshot.slices_of(name).for_each(|slice| add_slice(&mut found, slice, service, port, settings)),
    }
    if found.is_empty() && settings.external_ips_are_endpoints {
        found.extend(service.external_ips.iter().map(|ip| SocketAddr::new(*ip, port.port)));
    }
    // None at the moment is no trouble of the Service; it is told with the backend.
    Ok((port.port, if found.is_empty() { found } else { allowed_of(found, name, settings)? }))
}

/// Those that may be forwarded to; at least one.
fn allowed_of(found: Vec<SocketAddr>, name: &ObjectName, settings: &Settings) -> Result<Vec<SocketAddr>, Problem> {
    let (allowed, refused): (Vec<_>, Vec<_>) = found.into_iter().partition(|endpoint| allowed(endpoint.ip(), settings));
    match (allowed.is_empty(), refused.first()) {
        (false, _) => Ok(allowed),
        (true, Some(address)) => Err((
            Code::RefusedEndpoint,
            format!("Service {name} has the endpoint {}, which may not be forwarded to", address.ip()),
            "use addresses that are neither loopback, link-local, multicast nor unspecified".to_owned(),
        )),
        (true, None) => Err((Code::NoEndpoints, format!("Service {name} has no ready endpoints"), String::new())),
    }
}

/// The endpoints of a Service port for TCP or UDP services: by number or name of a port of that protocol, and no other.
pub(super) fn stream_endpoints(
    used: &BackendUse,
    protocol: &str,
    snapshot: &Snapshot,
    settings: &Settings,
    dns_names: &mut BTreeSet<Box<str>>,
) -> Result<Vec<SocketAddr>, Problem> {
    let name = &used.service;
    let service = service_of(name, snapshot)?;
    let is_meant = |port: &&ServicePort| match &used.port {
        PortRef::Number(number) => i64::from(port.port) == *number,
        PortRef::Name(name) => !name.is_empty() && port.name == *name,
        PortRef::Both(..) | PortRef::Missing => false,
    };
    let port = service.ports.iter().filter(|port| &*port.protocol == protocol).find(is_meant);
    let port = port.ok_or_else(|| no_port(service, &used.port))?;
    if service.service_type == ServiceType::ExternalName {
        dns_name(service, dns_names);
        return external(target_of(port), service, snapshot, settings);
    }
    let mut found = Vec::new();
    snapshot.slices_of(name).for_each(|slice| add_slice(&mut found, slice, service, port, settings));
    allowed_of(found, name, settings)
}

/// Notes the DNS name of an ExternalName Service as one to be looked up.
fn dns_name<'s>(service: &'s Service, dns_names: &mut BTreeSet<Box<str>>) -> Option<&'s str> {
    let name = Some(service.external_name.trim_end_matches('.')).filter(|name| !name.is_empty())?;
    if HostName::new(name).is_ok() {
        dns_names.insert(name.into());
    }
    Some(name)
}

fn service_of<'s>(name: &ObjectName, snapshot: &'s Snapshot) -> Result<&'s Service, Problem> {
    let missing = || (Code::NoService, format!("Service {name} does not exist"), "create it, or name another".to_owned());
    snapshot.service(name).map(|service| &**service).ok_or_else(missing)
}

/// `PRT-1` to `PRT-4`: by `port`, then by `name`, then, as ingress-nginx, by `targetPort`.
fn find_port<'a>(service: &'a Service, wanted: &PortRef) -> Option<&'a ServicePort> {
    let text = match wanted {
        PortRef::Number(number) => number.to_string(),
        PortRef::Name(name) => name.to_string(),
        PortRef::Both(..) | PortRef::Missing => return None,
    };
    let tcp = || service.ports.iter().filter(|port| &*port.protocol == "TCP");
    let target = |port: &ServicePort| match &port.target {
        TargetPort::Number(number) => number.to_string() == text,
        TargetPort::Name(name) => **name == *text,
    };
    tcp()
        .find(|port| port.port.to_string() == text)
        .or_else(|| tcp().find(|port| !port.name.is_empty() && *port.name == *text))
        .or_else(|| tcp().find(|port| target(port)))
}

fn no_port(service: &Service, wanted: &PortRef) -> Problem {
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
        .map(|port| if port.name.is_empty() { port.port.to_string() } else { format!("{} ({})", port.port, shown(&port.name)) })
        .collect();
    let has = if has.is_empty() { "none".to_owned() } else { has.join(", ") };
    (Code::NoPort, format!("Service {} has no port {wanted} (it has: {has})", service.meta.name), "name one of them".to_owned())
}

fn add_slice(found: &mut Vec<SocketAddr>, slice: &EndpointSlice, service: &Service, port: &ServicePort, settings: &Settings) {
    for group in &slice.groups {
        for number in group_ports(group, port) {
            let endpoints = group.endpoints.iter().filter(|endpoint| endpoint.ready);
            let zone = zone_to_keep(group, service, settings);
            let in_zone = endpoints.filter(|e| zone.is_none_or(|zone| e.zones.iter().flatten().any(|z| **z == *zone)));
            found.extend(in_zone.map(|endpoint| SocketAddr::new(endpoint.address, number)));
        }
    }
}

/// The port numbers of a slice that belong to a Service port: `ingress-semantics` 9.1.
fn group_ports(group: &EndpointGroup, port: &ServicePort) -> Vec<u16> {
    let numeric = if let TargetPort::Number(number) = port.target { Some(number) } else { None };
    if group.ports.is_empty() {
        return numeric.into_iter().collect();
    }
    let same = group.ports.iter().filter(|own| own.protocol == port.protocol);
    let mut numbers: Vec<u16> =
        same.filter_map(|own| if port.name.is_empty() || own.name == port.name { own.port.or(numeric) } else { None }).collect();
    if numbers.is_empty() && group.ports.iter().all(|own| own.name.is_empty()) {
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
fn external(port: u16, service: &Service, snapshot: &Snapshot, settings: &Settings) -> Result<Vec<SocketAddr>, Problem> {
    let name = &service.meta.name;
    let refused = |why: &str| {
        let message = format!("externalName {} of Service {name} may not be forwarded to: {why}", shown(&service.external_name));
        (Code::RefusedExternalName, message, "name a host outside of this machine".to_owned())
    };
    if settings.disable_external_names {
        return Err(refused("--disable-svc-external-name is set"));
    }
    let host = service.external_name.trim_end_matches('.');
    let addresses: Vec<IpAddr> = match host.parse::<IpAddr>() {
        Ok(literal) => vec![literal],
        Err(_) => looked_up(host, name, snapshot)
            .map_err(|problem| problem.unwrap_or_else(|| refused("it is not a DNS name, or a name of this machine")))?,
    };
    let allowed: Vec<_> = addresses.iter().copied().filter(|ip| allowed(*ip, settings)).map(|ip| SocketAddr::new(ip, port)).collect();
    match (allowed.is_empty(), addresses.first()) {
        (false, _) => Ok(allowed),
        (true, Some(address)) => Err(refused(&format!("{address} is an address of this machine or its network"))),
        (true, None) => Err((
            Code::UnresolvedExternalName,
            format!("externalName {} of Service {name} does not resolve", shown(&service.external_name)),
            "use a name that the cluster's DNS knows".to_owned(),
        )),
    }
}

/// The addresses of a name; `Err(None)` for a name that is none, or means this machine.
fn looked_up(host: &str, service: &ObjectName, snapshot: &Snapshot) -> Result<Vec<IpAddr>, Option<Problem>> {
    let own = host.eq_ignore_ascii_case("localhost") || host.to_ascii_lowercase().ends_with(".localhost");
    if own || HostName::new(host).is_err() {
        return Err(None);
    }
    match snapshot.addresses_of(host) {
        Some(addresses) => Ok(addresses.to_vec()),
        None => Err(Some((
            Code::UnresolvedExternalName,
            format!("externalName {} of Service {service} is being looked up", shown(host)),
            String::new(),
        ))),
    }
}

/// Whether an endpoint with this address may be forwarded to.
fn allowed(ip: IpAddr, settings: &Settings) -> bool {
    may_be_forwarded_to(ip) || (settings.loopback_endpoints && ip.is_loopback())
}

/// Never this machine, its link, or everybody: the ports of the proxy and the controller are there, and the cloud's
/// metadata.
pub(super) fn may_be_forwarded_to(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => !(v4.is_loopback() || v4.is_link_local() || v4.is_unspecified() || v4.is_multicast() || v4.is_broadcast()),
        IpAddr::V6(v6) => {
            let metadata = v6.segments() == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254];
            let odd = v6.is_loopback() || v6.is_unspecified() || v6.is_multicast() || v6.is_unicast_link_local() || metadata;
            !odd && v6.to_ipv4_mapped().is_none_or(|v4| may_be_forwarded_to(IpAddr::V4(v4)))
        }
    }
}
