//! Reports why endpoints are left out. Nobody looks at single ones here unless something is wrong.

use super::gate::{EndpointRejection, Gate};
use super::{Problem, group_ports};
use crate::diagnostic::{BadEndpoint, Code, Diagnostic, Outcome};
use crate::names::{Kind, ObjectRef, shown};
use crate::state::{Endpoint, EndpointGroup, EndpointSlice, Object, Service, ServicePort, TargetPort};
use std::net::SocketAddr;
use std::sync::Arc;

type Slices<'s> = [&'s Arc<EndpointSlice>];

/// What is wrong with endpoints beside good ones, at most once for each reason and slice; with the gate that refuses some, if one does. What is only not for us, such as
/// a port that the Service does not have, is no mistake.
pub(super) fn beside(slices: &Slices<'_>, service: &Service, port: &ServicePort, some_refused: Option<Gate<'_>>) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for slice in slices {
        let object = || Object::EndpointSlice(Arc::clone(slice)).reference();
        let field = |name: &'static str| if slice.from_endpoints { "subsets" } else { name };
        if let Some(gate) = some_refused
            && let Some(refused) = refused_of(slice, (service, port), gate)
        {
            let (what, help) = refusal(refused, gate);
            let name = if refused.port() == 0 { "ports" } else { "endpoints" };
            let finding = Diagnostic::new(Code::RefusedEndpoint, object(), field(name), format!("it has the endpoint {what}"));
            let bad = BadEndpoint { address: refused.ip(), service: None };
            let bad = Some(bad).filter(|_| refused.port() != 0);
            findings.push(finding.help(help).outcome(Outcome::SkippedEntry).endpoint(bad));
        }
        if let Some(others) = &slice.no_addresses {
            let message = match others.count {
                1 => format!("{} is not an address", shown(&others.first)),
                count => format!("{} and {} more are not addresses", shown(&others.first), count - 1),
            };
            findings.push(Diagnostic::new(Code::UnusedEndpoints, object(), field("endpoints"), message).help(NAMES));
        }
        if let Some(group) = slice.groups.iter().find(|group| is_of_other_protocol(group, service, port)) {
            let message = format!("it has no {} of Service {} (it has: {})", wanted(port), service.meta.name, listed(group));
            let help = format!("give the port the protocol {}", port.protocol);
            findings.push(Diagnostic::new(Code::UnusedEndpoints, object(), field("ports"), message).help(help));
        }
    }
    findings
}

/// What is wrong with an endpoint that is refused, and what would do.
pub(super) fn refusal(endpoint: SocketAddr, gate: Gate<'_>) -> (String, &'static str) {
    let why = match gate.rejects(endpoint) {
        // The API server takes it, and to HAProxy it means the port that the client has asked.
        Some(EndpointRejection::NoPort) => {
            return (format!("{endpoint}, and 0 is not a port"), "give the EndpointSlice a port from 1 to 65535");
        }
        why => why.unwrap_or(EndpointRejection::OfNoPod),
    };
    (
        format!("{}, and endpoints may not have such addresses: it {why}", endpoint.ip()),
        "use the addresses of Pods or machines that serve this",
    )
}

/// Why a Service port leads nowhere.
pub(super) fn why_none(slices: &Slices<'_>, service: &Service, port: &ServicePort) -> Problem {
    let groups = || slices.iter().flat_map(|slice| &slice.groups).filter(|group| !group.endpoints.is_empty());
    let ready = || groups().filter(|group| group.endpoints.iter().any(|endpoint| endpoint.ready));
    let name = slices.iter().find_map(|slice| slice.no_addresses.as_ref());
    let (why, help) = if ready().any(|group| !group_ports(group, service, port).is_empty()) {
        ("all are for other zones".to_owned(), "leave out what keeps its traffic in a zone, or add Pods in this one".to_owned())
    } else if let Some(unfit) = ready().next() {
        (format!("its EndpointSlices have no {} (they have: {})", wanted(port), listed(unfit)), fitting(port, unfit))
    } else if groups().next().is_some() {
        ("none of its endpoints is ready".to_owned(), "see what kubectl describe says of its Pods".to_owned())
    } else if let Some(name) = name {
        (format!("{} is not an address", shown(&name.first)), NAMES.to_owned())
    } else {
        let why = if slices.is_empty() { "it has no EndpointSlice" } else { "its EndpointSlices are empty" };
        (why.to_owned(), "see whether its selector is that of Pods, and they run".to_owned())
    };
    Problem::new(Code::NoEndpoints, format!("Service {} has no ready endpoints: {why}", service.meta.name), help)
}

const NAMES: &str = "write addresses; names are looked up for a Service of type ExternalName only";

/// The first endpoint of a slice that may not be forwarded to.
fn refused_of(slice: &EndpointSlice, (service, port): (&Service, &ServicePort), gate: Gate<'_>) -> Option<SocketAddr> {
    slice.groups.iter().find_map(|group| {
        let numbers = group_ports(group, service, port);
        let refused = |number: u16| {
            let ready = group.endpoints.iter().filter(|endpoint| endpoint.ready);
            let at = |endpoint: &Endpoint| SocketAddr::new(endpoint.address, number);
            ready.filter(|endpoint| !gate.knows(slice, service, endpoint) || !gate.allows(at(endpoint))).map(at).next()
        };
        numbers.into_iter().find_map(refused)
    })
}

/// Whether ready endpoints have the port that is meant, but for its protocol.
fn is_of_other_protocol(group: &EndpointGroup, service: &Service, port: &ServicePort) -> bool {
    let mut meant = group.ports.iter().filter(|own| port.name.is_empty() || own.name == port.name);
    meant.any(|own| own.protocol != port.protocol)
        && group_ports(group, service, port).is_empty()
        && group.endpoints.iter().any(|endpoint| endpoint.ready)
}

/// The port that is looked for.
fn wanted(port: &ServicePort) -> String {
    let named = if port.name.is_empty() { String::new() } else { format!(" named {}", shown(&port.name)) };
    format!("{} port{named}", shown(&port.protocol).trim_matches('"'))
}

/// The ports that are there, some of them.
fn listed(group: &EndpointGroup) -> String {
    const SHOWN: usize = 10;
    let one = |port: &crate::state::SlicePort| {
        let number = port.port.map_or_else(|| "every".to_owned(), |number| number.to_string());
        let name = if port.name.is_empty() { String::new() } else { format!(" ({})", shown(&port.name)) };
        format!("{number}/{}{name}", shown(&port.protocol).trim_matches('"'))
    };
    let readable = group.ports.iter().filter(|port| !port.protocol.is_empty());
    let all: Vec<_> = readable.take(SHOWN).map(one).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

/// What would give these endpoints the port.
fn fitting(port: &ServicePort, group: &EndpointGroup) -> String {
    match &port.target {
        TargetPort::Name(name) if group.ports.is_empty() => {
            format!("name a port of the containers {}, or write its number as targetPort", shown(name))
        }
        _ => "give it the name and protocol that the port of the Service has".to_owned(),
    }
}

/// An EndpointSlice that names no Service.
pub(super) fn stray(slice: &EndpointSlice, label: &str) -> Diagnostic {
    let message = if label.is_empty() {
        "it has no label kubernetes.io/service-name, so no Service has its endpoints".to_owned()
    } else {
        format!("{} is not the name of a Service, so no Service has its endpoints", shown(label))
    };
    let object = ObjectRef::new(Kind::EndpointSlice, slice.meta.name.clone());
    Diagnostic::new(Code::UnusedEndpoints, object, "metadata.labels", message)
        .help("set the label kubernetes.io/service-name to the name of the Service")
        .outcome(Outcome::SkippedObject)
}
