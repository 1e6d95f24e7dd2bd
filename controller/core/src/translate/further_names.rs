//! Names that hosts have beside their own: aliases, and redirects from and to `www.`: `annotations` 1.4.

use super::claims::{Claim, Claims};
use super::reading::Reading;
use super::tls::Certificates;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Alias, HostCertificate};
use crate::names::{HostAlias, HostName, HostPattern, ObjectRef};
use foldhash::HashMap;
use std::collections::BTreeMap;

/// All further names.
#[derive(Default)]
pub(super) struct FurtherNames<'a> {
    /// The aliases of a host, sorted.
    of_host: HashMap<&'a HostPattern, Vec<Alias>>,
    /// Aliases that are redirected to HTTPS in another way than their host, which makes each a host of its own with the
    /// same routes.
    pub(super) apart: BTreeMap<HostPattern, SeparateAlias<'a>>,
    /// Names that only redirect.
    pub(super) redirecting: BTreeMap<HostPattern, Redirecting>,
}

/// An alias that is a host of its own.
pub(super) struct SeparateAlias<'a> {
    pub(super) host: &'a HostPattern,
    /// Whether it counts as a host with a certificate.
    pub(super) has_tls: bool,
}

/// A name that only redirects.
pub(super) struct Redirecting {
    pub(super) target: HostName,
    pub(super) origin: ObjectRef,
    pub(super) certificate: HostCertificate,
}

impl FurtherNames<'_> {
    /// The hosts that have aliases.
    pub(super) fn hosts(&self) -> impl Iterator<Item = &HostPattern> {
        self.of_host.keys().copied()
    }

    /// The aliases of a host.
    pub(super) fn of(&self, host: &HostPattern) -> &[Alias] {
        if self.of_host.is_empty() { &[] } else { self.of_host.get(host).map_or(&[], Vec::as_slice) }
    }
}

/// Decides for all hosts; `are_wished`: some Ingress wants names of that kind.
pub(super) fn decide<'a>(
    annotations_prefix: &str,
    (claims, are_wished): (&'a Claims, bool),
    certificates: Certificates<'a>,
    diagnostics: &mut Vec<Diagnostic>,
) -> FurtherNames<'a> {
    if !are_wished {
        return FurtherNames::default();
    }
    let field = format!("metadata.annotations[{annotations_prefix}/server-alias]");
    let mut decider = Decider { field, claims, certificates, taken: HashMap::default(), names: FurtherNames::default(), diagnostics };
    for (host, claims) in claims.iter() {
        decider.www(host, claims);
    }
    for (host, claims) in claims.iter().filter(|(host, _)| **host != HostPattern::CatchAll) {
        decider.aliases(host, claims);
    }
    decider.names
}

struct Decider<'a, 'o> {
    /// The annotation that names aliases.
    field: String,
    claims: &'a Claims,
    certificates: Certificates<'a>,
    /// Who has an alias already.
    taken: HashMap<HostAlias, &'a HostPattern>,
    names: FurtherNames<'a>,
    diagnostics: &'o mut Vec<Diagnostic>,
}

impl<'a> Decider<'a, '_> {
    /// The first list counts.
    fn aliases(&mut self, host: &'a HostPattern, claims: &'a [Claim]) {
        let mut owner: Option<&Reading> = None;
        for claim in claims.iter().filter(|claim| !claim.reading.policies.aliases.is_empty()) {
            let reading: &'a Reading = &claim.reading;
            match owner {
                None => {
                    owner = Some(reading);
                    reading.policies.aliases.iter().for_each(|alias| self.alias(host, alias, reading));
                }
                Some(owner) if std::ptr::eq(owner, reading) || owner.policies.aliases == reading.policies.aliases => {}
                Some(owner) => {
                    let message = format!("host {host} has the aliases of {}; these are not used", owner.first_before(reading));
                    self.say(reading, message);
                }
            }
        }
        if let Some(aliases) = self.names.of_host.get_mut(host) {
            aliases.sort_unstable();
        }
    }

    fn alias(&mut self, host: &'a HostPattern, alias: &HostAlias, reading: &Reading) {
        let pattern = match alias {
            HostAlias::Exact(name) => Some(HostPattern::Exact(name.clone())),
            HostAlias::Wildcard(parent) => Some(HostPattern::Wildcard(parent.clone())),
            HostAlias::Regex(_) => None,
        };
        if pattern.as_ref() == Some(host) {
            return;
        }
        if pattern.as_ref().is_some_and(|pattern| self.claims.get(pattern).is_some()) {
            return self.say(reading, format!("{alias} is a host with rules of its own, and no alias of host {host}"));
        }
        if let Some(Redirecting { target, .. }) = pattern.as_ref().and_then(|pattern| self.names.redirecting.get(pattern)) {
            return self.say(reading, format!("{alias} redirects to host {target}, and is no alias of host {host}"));
        }
        if let Some(owner) = self.taken.get(alias) {
            let message = format!("{alias} is already an alias of host {owner}, and none of host {host}");
            return self.say(reading, message);
        }
        self.taken.insert(alias.clone(), host);
        let certified = match alias {
            HostAlias::Exact(name) => self.certificates.covers(host, name),
            HostAlias::Wildcard(parent) => self.certificates.covers_wildcard(host, parent),
            HostAlias::Regex(_) => false,
        };
        if let Some(pattern @ HostPattern::Exact(_)) = pattern {
            let has_tls = certified || self.certificates.has_tls(&pattern);
            if has_tls != self.certificates.has_tls(host) {
                self.names.apart.insert(pattern, SeparateAlias { host, has_tls });
                return;
            }
        }
        self.names.of_host.entry(host).or_default().push(Alias { name: alias.clone(), certified });
    }

    /// Whether others have the name as an alias is no matter.
    fn www(&mut self, host: &'a HostPattern, claims: &'a [Claim]) {
        let wish = claims.iter().find_map(|claim| Some((claim, claim.rule()?.redirecting.as_ref()?)));
        let (Some((claim, other)), HostPattern::Exact(target)) = (wish, host) else { return };
        let pattern = HostPattern::Exact(other.clone());
        if self.claims.get(&pattern).is_some() {
            return;
        }
        let certificate =
            if self.certificates.covers(host, other) { self.certificates.of(host).clone() } else { HostCertificate::Unclaimed };
        let redirecting = Redirecting { target: target.clone(), origin: claim.reading.origin.clone(), certificate };
        self.names.redirecting.insert(pattern, redirecting);
    }

    fn say(&mut self, reading: &Reading, message: String) {
        let finding = Diagnostic::new(Code::IgnoredAlias, reading.origin.clone(), self.field.clone(), message);
        self.diagnostics.push(finding.help("keep the name in one place"));
    }
}
