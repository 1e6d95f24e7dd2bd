//! One mistake is told once, where it is written, also when more than one part of the program finds it.

use crate::source::Located;
use gatewright_core::diagnostic::{Code, Diagnostic, Outcome, Severity};
use gatewright_core::names::{ObjectName, ObjectRef};
use gatewright_core::settings::Settings;
use gatewright_core::state::{Object, Service, Snapshot};
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

/// Takes out what is told by another finding of the same list.
pub(super) fn tell_once(findings: &mut Vec<Located>, snapshot: &Snapshot, settings: &Settings) {
    backends(findings);
    endpoints(findings, snapshot, settings);
}

/// Names of Services and ports that nobody can read are not told again as ones that the API server refuses.
fn backends(findings: &mut Vec<Located>) {
    let part = |finding: &Diagnostic| {
        let begin = finding.field.find(".service.")? + ".service.".len();
        let end = finding.field[begin..].find('.').map_or(finding.field.len(), |end| begin + end);
        Some((finding.object.clone()?, finding.field[..end].to_owned()))
    };
    let is_more = |finding: &Diagnostic| finding.code == Code::BadBackend;
    let told: HashSet<_> = findings.iter().filter(|located| is_more(&located.diagnostic)).filter_map(|l| part(&l.diagnostic)).collect();
    let mut refused = HashSet::new();
    findings.retain(|Located { diagnostic, .. }| {
        let part = part(diagnostic).filter(|_| diagnostic.code == Code::RefusedByApi);
        part.is_none_or(|part| !told.contains(&part) && refused.insert(part))
    });
}

/// By the slice that it is in: an address that the API server refuses, and what becomes of it.
type Addresses = HashMap<ObjectRef, HashMap<IpAddr, Outcome>>;

/// An address that the API server refuses is told where it stands, and there what becomes of it.
fn endpoints(findings: &mut Vec<Located>, snapshot: &Snapshot, settings: &Settings) {
    let mut refused = Addresses::new();
    for (slice, ip) in findings.iter().filter_map(|located| refused_address(&located.diagnostic)) {
        let is_used = settings.loopback_endpoints && ip.is_loopback();
        refused.entry(slice).or_default().insert(ip, if is_used { Outcome::Served } else { Outcome::SkippedEntry });
    }
    if refused.is_empty() {
        return;
    }
    let slices_of = |service: &Arc<Service>| {
        let slices = snapshot.slices_of(&service.meta.name).map(|slice| Object::EndpointSlice(Arc::clone(slice)).reference());
        (service.meta.name.clone(), slices.collect())
    };
    let of_services: HashMap<ObjectName, Vec<ObjectRef>> = snapshot.services().map(slices_of).collect();
    findings.retain(|Located { diagnostic, .. }| {
        let told = forwarded_to(diagnostic, &of_services).into_iter().flat_map(|(slices, ip)| slices.into_iter().map(move |one| (one, ip)));
        let mut is_told = false;
        for (slice, ip) in told {
            let Some(outcome) = refused.get_mut(&slice).and_then(|addresses| addresses.get_mut(&ip)) else { continue };
            *outcome = diagnostic.outcome;
            is_told = true;
        }
        !is_told
    });
    for finding in findings.iter_mut().map(|located| &mut located.diagnostic) {
        let Some(outcome) = refused_address(finding).and_then(|(slice, ip)| refused.get(&slice)?.get(&ip).copied()) else { continue };
        finding.outcome = outcome;
        if outcome == Outcome::Served {
            // Whoever allows such addresses knows what they are.
            finding.severity = Severity::Note;
        }
    }
}

/// The slice and address that the API server refuses.
fn refused_address(finding: &Diagnostic) -> Option<(ObjectRef, IpAddr)> {
    let endpoint = finding.endpoint.as_ref().filter(|_| finding.code == Code::RefusedByApi)?;
    Some((finding.object.clone()?, endpoint.address))
}

/// The address that may not be forwarded to, and the slices that may hold it: the one that it is said of, or those of a Service.
fn forwarded_to(finding: &Diagnostic, of_services: &HashMap<ObjectName, Vec<ObjectRef>>) -> Option<(Vec<ObjectRef>, IpAddr)> {
    let endpoint = finding.endpoint.as_ref().filter(|_| finding.code == Code::RefusedEndpoint)?;
    let slices = match &endpoint.service {
        Some(service) => of_services.get(service).cloned().unwrap_or_default(),
        None => finding.object.iter().cloned().collect(),
    };
    Some((slices, endpoint.address))
}
