//! Which readings have something to say about a host.

use super::reading::{Reading, RuleReading};
use crate::diagnostic::{Code, Diagnostic};
use crate::names::HostPattern;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One rule's claim on its host.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claim<'a> {
    pub(super) reading: &'a Arc<Reading>,
    /// The rule; `None` for an Ingress that is a default backend and nothing else.
    pub(super) rule: Option<&'a RuleReading>,
}

/// The claims on each host, in order: oldest Ingress first, then the order of its rules. The catch-all is always there.
pub(super) type Claims<'a> = BTreeMap<&'a HostPattern, Vec<Claim<'a>>>;

static CATCH_ALL: HostPattern = HostPattern::CatchAll;

/// Sorts the rules of all readings by host.
pub(super) fn by_host<'a>(readings: &'a [Arc<Reading>], diagnostics: &mut Vec<Diagnostic>) -> Claims<'a> {
    let mut claims = Claims::from([(&CATCH_ALL, Vec::new())]);
    let mut default_owner: Option<&Reading> = None;
    for reading in readings.iter().filter(|reading| reading.policies.canary.is_none()) {
        for rule in &reading.rules {
            claims.entry(&rule.host).or_default().push(Claim { reading, rule: Some(rule) });
        }
        if !reading.ingress.rules.is_empty() || reading.default_backend.is_none() {
            continue;
        }
        match default_owner {
            None => {
                default_owner = Some(reading);
                claims.entry(&CATCH_ALL).or_default().push(Claim { reading, rule: None });
            }
            Some(owner) => {
                let message = format!("{} (older) is already the default backend; this one is not used", owner.origin);
                diagnostics.push(Diagnostic::new(Code::DuplicateDefaultBackend, reading.origin.clone(), "spec.defaultBackend", message));
            }
        }
    }
    claims
}
