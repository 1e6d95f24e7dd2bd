//! What several Ingresses say about one Service port, put together: `annotations` 1.4 and 4.12.
//!
//! How requests are spread is taken from the oldest Ingress that uses the Service port, and so is the canary. Affinity
//! comes from the oldest Ingress that asks for it, the name of its cookie from the youngest.

use super::claims::Claims;
use super::reading::{BackendUse, Reading, RuleReading};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Affinity, BackendPolicy, Balance, CanaryRules, Hashing, digest_of};
use crate::names::ObjectRef;
use foldhash::HashMap;
use std::sync::Arc;

/// What holds for whole Service ports.
#[derive(Debug, Default)]
pub(super) struct Agreement<'a> {
    shared: HashMap<&'a BackendUse, Shared>,
    canaries: HashMap<&'a BackendUse, CanaryUse<'a>>,
}

/// The part of a policy that is one for all who use a Service port.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Shared {
    balance: Option<Balance>,
    hash: Option<Hashing>,
    service_address: Option<bool>,
    affinity: Option<Affinity>,
}

impl Shared {
    fn spread(policy: &BackendPolicy) -> Self {
        Self { balance: policy.balance, hash: policy.hash.clone(), service_address: policy.service_address, affinity: None }
    }
}

/// The canary of a Service port.
#[derive(Debug)]
pub(super) struct CanaryUse<'a> {
    pub(super) rules: &'a CanaryRules,
    pub(super) backend: &'a BackendUse,
    pub(super) reading: &'a Reading,
}

impl<'a> Agreement<'a> {
    /// Asks all Ingresses, oldest first.
    pub(super) fn of(
        annotations_prefix: &str,
        readings: &[&'a Arc<Reading>],
        claims: &'a Claims,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Self {
        let field = format!("metadata.annotations[{annotations_prefix}/canary]");
        let mut agreement = Self::default();
        for reading in readings.iter().filter(|reading| has_shared_wishes(&reading.policies.backend)) {
            uses(reading).for_each(|used| _ = agreement.shared.entry(used).or_default());
        }
        if !agreement.shared.is_empty() {
            agreement.settle(readings);
        }
        for reading in readings {
            if let Some(rules) = &reading.policies.canary {
                agreement.attach((reading, rules), &field, claims, diagnostics);
            }
        }
        agreement
    }

    /// Hash of all of it.
    pub(super) fn digest(&self) -> u128 {
        let canaries = self.canaries.iter().map(|(used, canary)| digest_of(&(used, canary.rules, canary.backend, canary.reading.digest)));
        // The order of the parts is none.
        self.shared.iter().map(|shared| digest_of(&shared)).chain(canaries).fold(0, u128::wrapping_add)
    }

    fn settle(&mut self, readings: &[&'a Arc<Reading>]) {
        let mut seen: HashMap<&BackendUse, ()> = HashMap::default();
        for reading in readings {
            let policy = &reading.policies.backend;
            for used in uses(reading) {
                let Some(shared) = self.shared.get_mut(used) else { continue };
                if seen.insert(used, ()).is_none() {
                    *shared = Shared { affinity: shared.affinity.take(), ..Shared::spread(policy) };
                }
                let Some(own) = policy.affinity.as_ref().filter(|_| reading.policies.canary.is_none()) else { continue };
                match &mut shared.affinity {
                    Some(affinity) => affinity.cookie.clone_from(&own.cookie),
                    None => shared.affinity = Some(own.clone()),
                }
            }
        }
    }

    /// Makes the backends of a canary Ingress the canaries of the Service ports that serve the same paths. Those of other
    /// namespaces keep their requests: `security` 6, host ownership.
    fn attach(
        &mut self,
        (reading, rules): (&'a Reading, &'a CanaryRules),
        annotation: &str,
        claims: &'a Claims,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        for rule in &reading.rules {
            for path in &rule.paths {
                let (field, why, help) = match primary(rule, path, claims) {
                    Some((owner, _)) if owner.name.namespace() != reading.origin.name.namespace() => (
                        annotation.to_owned(),
                        format!("it belongs to {owner}"),
                        "put it into that namespace, for only Ingresses of one namespace can share their requests",
                    ),
                    Some((_, primary)) => {
                        let own = CanaryUse { rules, backend: &path.backend, reading };
                        let Some(first) = self.other_canary(primary, own) else { continue };
                        (
                            path.field("backend"),
                            format!("{} is already the canary of its Service port", first.first_before(reading)),
                            "remove one of them, for a Service port has one canary",
                        )
                    }
                    None => (
                        path.field("path"),
                        "no Ingress but canaries serves it".to_owned(),
                        "use host, path and pathType of the Ingress that it is the canary of",
                    ),
                };
                let message = format!("nothing of host {} path {} is sent here: {why}", rule.host, path.text);
                diagnostics.push(Diagnostic::new(Code::UnusedCanary, reading.origin.clone(), field, message).help(help));
            }
        }
    }

    /// Makes something the canary of a Service port; whose canary is there already, if it is another one.
    fn other_canary(&mut self, primary: &'a BackendUse, own: CanaryUse<'a>) -> Option<&'a Reading> {
        if primary == own.backend {
            return None;
        }
        let (reading, backend) = (own.reading, own.backend);
        let first = self.canaries.entry(primary).or_insert(own);
        let is_own = std::ptr::eq(first.reading, reading) && first.backend == backend;
        (!is_own).then_some(first.reading)
    }

    /// The policy of a backend of an Ingress.
    pub(super) fn policy(&self, own: &Arc<BackendPolicy>, used: &BackendUse) -> Arc<BackendPolicy> {
        match self.shared.get(used) {
            Some(shared) => merged(own, shared),
            None if has_shared_wishes(own) => merged(own, &Shared::default()),
            None => Arc::clone(own),
        }
    }

    /// The canary of a Service port, and the policy of its backend: the protocol is that of the route, and sessions are
    /// those of the route's backend.
    pub(super) fn canary(&self, own: &Arc<BackendPolicy>, used: &BackendUse) -> Option<(&CanaryUse<'a>, Arc<BackendPolicy>)> {
        let canary = self.canaries.get(used)?;
        let mut shared = self.shared.get(canary.backend).cloned().unwrap_or_default();
        let affinity = self.shared.get(used).and_then(|shared| shared.affinity.clone());
        shared.affinity = affinity.filter(|_| canary.rules.is_sticky);
        Some((canary, merged(own, &shared)))
    }
}

/// The first normal Ingress with that host and path, and the Service port that it uses.
fn primary<'a>(rule: &RuleReading, path: &super::reading::PathReading, claims: &'a Claims) -> Option<(&'a ObjectRef, &'a BackendUse)> {
    claims.get(&rule.host)?.iter().find_map(|claim| {
        let mut same = claim.rule()?.paths.iter().filter(|other| other.text == path.text && other.kind == path.kind);
        same.next().map(|other| (&claim.reading.origin, &other.backend))
    })
}

fn uses(reading: &Reading) -> impl Iterator<Item = &BackendUse> {
    reading.default_backend.iter().chain(reading.rules.iter().flat_map(|rule| &rule.paths).map(|path| &path.backend))
}

pub(super) fn has_shared_wishes(policy: &BackendPolicy) -> bool {
    policy.balance.is_some() || policy.hash.is_some() || policy.service_address.is_some() || policy.affinity.is_some()
}

fn merged(own: &Arc<BackendPolicy>, shared: &Shared) -> Arc<BackendPolicy> {
    let mut policy = BackendPolicy::clone(own);
    let Shared { balance, hash, service_address, affinity } = shared.clone();
    (policy.balance, policy.hash, policy.service_address, policy.affinity) = (balance, hash, service_address, affinity);
    Arc::new(policy)
}
