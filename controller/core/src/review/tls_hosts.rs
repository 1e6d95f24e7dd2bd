//! Hosts of TLS sections that no rule has.

use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Action, Model};
use crate::names::{HostPattern, Kind, ObjectRef};
use crate::state::Ingress;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Those whose certificate does nothing: no rule of any Ingress is for the host or, as a wildcard, for hosts like it, it is
/// no further name of a host, and nobody serves unknown hosts.
pub(super) fn unserved(model: &Model, served: &[Arc<Ingress>]) -> Vec<Diagnostic> {
    let serves_unknown = |host: &crate::model::Host| host.routes.iter().any(|route| !matches!(route.action, Action::Respond(404)));
    if model.hosts.get(&HostPattern::CatchAll).is_some_and(|host| serves_unknown(host)) {
        return Vec::new();
    }
    let aliases: BTreeSet<String> =
        model.hosts.values().flat_map(|host| host.policy.aliases.iter().flatten()).map(|alias| alias.name.to_string()).collect();
    let is_served = |host: &HostPattern| {
        // A wildcard's certificate is for the hosts below it, too.
        let covers = |known: &HostPattern| known.covering_wildcard().as_ref() == Some(host);
        model.hosts.contains_key(host)
            || host.covering_wildcard().is_some_and(|wildcard| model.hosts.contains_key(&wildcard))
            || aliases.contains(&host.to_string())
            || (matches!(host, HostPattern::Wildcard(_)) && model.hosts.keys().any(covers))
    };
    served.iter().flat_map(|ingress| of_ingress(ingress, &is_served)).collect()
}

fn of_ingress(ingress: &Ingress, is_served: &impl Fn(&HostPattern) -> bool) -> Vec<Diagnostic> {
    // One without rules is told for that, and a rule that is left out for its own fault.
    let is_whole = ingress.rules.iter().all(|rule| rule.as_ref().is_some_and(|rule| HostPattern::parse(&rule.host).is_ok()));
    if ingress.rules.is_empty() || !is_whole {
        return Vec::new();
    }
    let hosts = ingress.tls.iter().enumerate().flat_map(|(t, section)| {
        let hosts = section.iter().flat_map(|section| section.hosts.iter().enumerate());
        hosts.filter_map(move |(h, host)| Some((t, h, HostPattern::parse(host.as_deref()?).ok()?)))
    });
    let unserved = hosts.filter(|(_, _, host)| *host != HostPattern::CatchAll && !is_served(host));
    unserved
        .map(|(t, h, host)| {
            let object = ObjectRef::new(Kind::Ingress, ingress.meta.name.clone());
            let message = format!("no rule has host {host}, so this certificate is not served for it");
            let finding = Diagnostic::new(Code::UnusedTlsHost, object, format!("spec.tls[{t}].hosts[{h}]"), message);
            finding.help("add a rule for it, or remove it here")
        })
        .collect()
}
