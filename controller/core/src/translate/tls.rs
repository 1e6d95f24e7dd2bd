//! Which certificate a host gets: `ingress-semantics` 11.2.

mod uncovered;

use super::Input;
use super::claims::{Claim, Claims};
use super::in_use::{InUse, Names};
use super::quarantine::ReplacedPairs;
use super::reading::{Reading, TlsReading};
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::model::{Certificate, CertificateId, HostCertificate, SharedMap};
use crate::names::{HostName, HostPattern, Kind, ObjectName, ObjectRef};
use crate::state::{CertificateError, Epoch, KeyPair, Kinds};
use foldhash::HashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// The decision for all hosts.
#[derive(Clone, Copy)]
pub(super) struct Certificates<'a> {
    input: Input<'a>,
    decided: &'a Decided,
}

impl<'a> Certificates<'a> {
    /// What the handshakes for a host are answered with.
    pub(super) fn of(&self, host: &HostPattern) -> &'a HostCertificate {
        self.decided.hosts.get(host).map_or(&HostCertificate::Unclaimed, |kept| &kept.certificate)
    }

    /// Whether the host's own certificate is for this name as well.
    pub(super) fn covers(&self, host: &HostPattern, name: &HostName) -> bool {
        self.own_pair(host).is_some_and(|pair| pair.covers(name))
    }

    /// Whether the host's own certificate is for every name of one label before this one.
    pub(super) fn covers_wildcard(&self, host: &HostPattern, parent: &HostName) -> bool {
        self.own_pair(host).is_some_and(|pair| pair.covers_wildcard(parent))
    }

    fn own_pair(&self, host: &HostPattern) -> Option<&KeyPair> {
        let (secret, _) = self.decided.hosts.get(host)?.own.as_ref()?;
        pair_of(&self.input, secret).ok()
    }

    /// Whether the host counts as one with a certificate: some Ingress has a TLS section for it, or for its wildcard.
    pub(super) fn has_tls(&self, host: &HostPattern) -> bool {
        let claimed = |wildcard: HostPattern| *self.of(&wildcard) != HostCertificate::Unclaimed;
        *self.of(host) != HostCertificate::Unclaimed || self.decided.wildcards > 0 && host.covering_wildcard().is_some_and(claimed)
    }
}

/// The decisions of the time before, brought in line with each change.
#[derive(Debug, Default)]
pub(super) struct Decided {
    hosts: BTreeMap<HostPattern, Kept>,
    /// How many wildcards have a certificate.
    wildcards: usize,
    used: InUse<CertificateId, Certificate>,
    /// Secrets that are named.
    secrets: Names,
    /// For handshakes that no host claims.
    default: Option<Arc<Certificate>>,
    /// Hosts that something is said of each time.
    loud: BTreeSet<HostPattern>,
    /// Nothing has to be said of the others before.
    silent_until_s: i64,
    /// The time of the last decision. A clock that is set back says nothing about what was silent after.
    now_s: i64,
    /// Of all Secrets.
    epoch: Option<Epoch>,
    /// Key pairs that were set aside.
    replaced: ReplacedPairs,
}

/// The decision for a host, and what it was made from beside the claims on the host.
#[derive(Debug)]
struct Kept {
    certificate: HostCertificate,
    own: Option<(ObjectName, Arc<Certificate>)>,
    /// All that TLS sections name.
    secrets: Vec<(ObjectName, Epoch)>,
    /// Nothing has to be said before; `None`: something was said, or would have been.
    silent_until_s: Option<i64>,
}

impl Kept {
    const UNCLAIMED: Self =
        Self { certificate: HostCertificate::Unclaimed, own: None, secrets: Vec::new(), silent_until_s: Some(i64::MAX) };

    fn is_silent(&self, input: &Input<'_>) -> bool {
        self.silent_until_s.is_some_and(|until| input.now_s <= until)
    }

    fn is_current(&self, input: &Input<'_>) -> bool {
        let epochs = input.snapshot.epochs();
        self.is_silent(input) && self.secrets.iter().all(|(_, epoch)| epochs.is_current(epoch))
    }
}

impl Decided {
    /// Decides for every host that has other claims, whose Secrets have changed, or of which there is something to say.
    /// The hosts whose certificate is another one.
    pub(super) fn update(
        &mut self,
        input: Input<'_>,
        claims: &Claims,
        touched: &BTreeSet<HostPattern>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> BTreeSet<HostPattern> {
        let mut decider = Decider { input, expiring: HashMap::default(), suppressed: false, diagnostics };
        self.take_default(decider.default_certificate());
        let epochs = input.snapshot.epochs();
        let is_set_back = input.now_s < std::mem::replace(&mut self.now_s, input.now_s);
        let is_silent = !is_set_back && input.now_s <= self.silent_until_s;
        let is_same = is_silent && self.epoch.as_ref().is_some_and(|epoch| epochs.is_current(epoch));
        let mut again: BTreeSet<HostPattern> = touched.union(&self.loud).cloned().collect();
        if !is_same {
            again.extend(self.hosts.iter().filter(|(_, kept)| is_set_back || !kept.is_current(&input)).map(|(host, _)| host.clone()));
        }
        let replaced = input.quarantine.replaced_pairs();
        if replaced != self.replaced {
            let concerns = |secret: &ObjectName| replaced.contains_key(secret) || self.replaced.contains_key(secret);
            let concerned = self.hosts.iter().filter(|(_, kept)| kept.secrets.iter().any(|(secret, _)| concerns(secret)));
            again.extend(concerned.map(|(host, _)| host.clone()));
            self.replaced = replaced;
        }
        let mut changed = BTreeSet::new();
        for host in again {
            let decision = claims.get(&host).map(|claims| decider.for_host(&host, claims));
            let after = decision.as_ref().map_or(HostCertificate::Unclaimed, |kept| kept.certificate.clone());
            if self.put(&host, decision, &input) != after {
                changed.insert(host);
            }
        }
        if !is_same {
            let silent = self.hosts.iter().filter(|(host, _)| !self.loud.contains(*host));
            self.silent_until_s = silent.filter_map(|(_, kept)| kept.silent_until_s).min().unwrap_or(i64::MAX);
        }
        self.epoch = Some(epochs.of_all(Kinds::Secrets));
        changed
    }

    /// What was decided.
    pub(super) const fn certificates<'a>(&'a self, input: Input<'a>) -> Certificates<'a> {
        Certificates { input, decided: self }
    }

    /// Every certificate in use, the default one included.
    pub(super) fn used(&self) -> SharedMap<CertificateId, Certificate> {
        self.used.map()
    }

    /// The certificate for handshakes that no host claims, and the Secrets that are named; with these, too.
    pub(super) fn finish(&mut self, others: &BTreeSet<ObjectName>) -> (CertificateId, Arc<BTreeSet<ObjectName>>) {
        let default = self.default.as_ref().expect("it was decided").id.clone();
        (default, self.secrets.with(others))
    }

    /// Notes a decision; what handshakes were answered with before.
    fn put(&mut self, host: &HostPattern, decision: Option<Kept>, input: &Input<'_>) -> HostCertificate {
        if let Some(kept) = &decision {
            kept.secrets.iter().for_each(|(name, _)| self.secrets.take(name));
            kept.own.iter().for_each(|(_, certificate)| take(&mut self.used, certificate));
            self.wildcards += usize::from(is_wildcard_with_tls(host, kept));
            self.silent_until_s = self.silent_until_s.min(kept.silent_until_s.filter(|_| kept.is_silent(input)).unwrap_or(i64::MAX));
        }
        if decision.as_ref().is_none_or(|kept| kept.is_silent(input)) {
            self.loud.remove(host);
        } else {
            self.loud.insert(host.clone());
        }
        let before = match decision {
            Some(kept) => self.hosts.insert(host.clone(), kept),
            None => self.hosts.remove(host),
        };
        let Some(before) = before else { return HostCertificate::Unclaimed };
        before.secrets.iter().for_each(|(name, _)| self.secrets.leave(name));
        before.own.iter().for_each(|(_, certificate)| self.used.leave(&certificate.id));
        self.wildcards -= usize::from(is_wildcard_with_tls(host, &before));
        before.certificate
    }

    fn take_default(&mut self, default: Arc<Certificate>) {
        take(&mut self.used, &default);
        if let Some(before) = self.default.replace(default) {
            self.used.leave(&before.id);
        }
    }
}

fn take(used: &mut InUse<CertificateId, Certificate>, certificate: &Arc<Certificate>) {
    used.take(&certificate.id, certificate, |one, other| (one.digest, &one.origin) == (other.digest, &other.origin));
}

fn is_wildcard_with_tls(host: &HostPattern, kept: &Kept) -> bool {
    matches!(host, HostPattern::Wildcard(_)) && kept.certificate != HostCertificate::Unclaimed
}

/// A certificate that ends within this time is reported.
pub(super) const SOON_S: i64 = 10 * 24 * 3600;

struct Decider<'i, 'o> {
    input: Input<'i>,
    /// Secrets whose expiry was said already.
    expiring: HashMap<ObjectName, ()>,
    /// That was the reason not to say something.
    suppressed: bool,
    diagnostics: &'o mut Vec<Diagnostic>,
}

impl<'i> Decider<'i, '_> {
    fn default_certificate(&mut self) -> Arc<Certificate> {
        let name = &self.input.settings.default_ssl_certificate;
        let certificate = name.as_ref().and_then(|name| match self.key_pair(name) {
            Ok(pair) => {
                if let Some(message) = self.kept_because(name) {
                    let secret = ObjectRef::new(Kind::Secret, name.clone());
                    let finding = Diagnostic::new(Code::BadCertificate, secret, "data", message);
                    self.diagnostics.push(finding.help("mend the Secret").outcome(Outcome::Served));
                }
                Some(certificate(name, pair))
            }
            Err((code, message)) => {
                let secret = ObjectRef::new(Kind::Secret, name.clone());
                let message =
                    format!("the Secret of --default-ssl-certificate cannot be used, so a self-signed certificate is served: {message}");
                self.diagnostics.push(Diagnostic::new(code, secret, "data", message).help("mend the Secret"));
                None
            }
        });
        certificate.unwrap_or_else(|| Arc::clone(self.input.self_signed))
    }

    /// The first Ingress with a TLS section decides; that its Secret cannot be used gives no other one a chance.
    fn for_host(&mut self, host: &HostPattern, claims: &[Claim]) -> Kept {
        if *host == HostPattern::CatchAll {
            return Kept::UNCLAIMED;
        }
        let said_before = self.diagnostics.len();
        self.suppressed = false;
        let mut decided: Option<(&Reading, Option<(&ObjectName, &KeyPair)>)> = None;
        let mut last: Option<&Reading> = None;
        let mut secrets = Vec::new();
        let snapshot = self.input.snapshot;
        let epoch = |name: &ObjectName| (name.clone(), snapshot.epochs().of(name));
        for claim in claims {
            let reading: &Reading = &claim.reading;
            if reading.tls.is_empty() || last.is_some_and(|last| std::ptr::eq(last, reading)) {
                continue;
            }
            last = Some(reading);
            secrets.extend(reading.tls.iter().filter_map(|section| section.secret.as_ref()).map(epoch));
            match &decided {
                None => decided = Some((reading, self.by_ingress(host, reading))),
                Some((owner, None)) if has_secret_for(reading, host) => {
                    let message =
                        format!("{} decides the certificate of host {host}, and has none that can be used", owner.first_before(reading));
                    let finding = Diagnostic::new(Code::ShadowedCertificate, reading.origin.clone(), "spec.tls", message);
                    self.diagnostics.push(finding.help("mend the Secret that the other one names, or take its TLS section away"));
                }
                Some(_) => {}
            }
        }
        let Some((_, own)) = decided else { return Kept::UNCLAIMED };
        if own.is_none() {
            // What is said of the host depends on what the default certificate is for.
            secrets.extend(self.input.settings.default_ssl_certificate.as_ref().map(epoch));
        }
        let is_silent = self.diagnostics.len() == said_before && !self.suppressed;
        let silent_until_s = is_silent.then(|| own.map_or(i64::MAX, |(_, pair)| pair.not_after_s.saturating_sub(SOON_S)));
        let own = own.map(|(name, pair)| (name.clone(), certificate(name, pair)));
        let certificate = own.as_ref().map_or(HostCertificate::Default, |(_, certificate)| HostCertificate::Own(certificate.id.clone()));
        Kept { certificate, own, secrets, silent_until_s }
    }

    /// The usable key pair that an Ingress has for a host, and the Secret that it is in.
    fn by_ingress<'r>(&mut self, host: &HostPattern, reading: &'r Reading) -> Option<(&'r ObjectName, &'i KeyPair)> {
        let named = reading.tls.iter().position(|section| section.hosts.contains(host));
        let covering = || reading.tls.iter().position(|section| self.covers(section, host));
        let Some(n) = named.or_else(covering) else {
            self.say_unnamed(host, reading);
            return None;
        };
        let name = reading.tls[n].secret.as_ref()?;
        let field = format!("spec.tls[{}].secretName", reading.tls[n].at);
        match self.key_pair(name) {
            Err(_) if self.is_told(name) => None,
            Err((code, message)) => {
                self.diagnostics.push(Diagnostic::new(code, reading.origin.clone(), field, message).help("create or mend the Secret"));
                None
            }
            Ok(pair) if !pair_covers(pair, host) => {
                self.diagnostics.push(
                    Diagnostic::new(Code::UncoveredHost, reading.origin.clone(), field, uncovered::message(name, pair, host))
                        .help("put a certificate for the host into the Secret"),
                );
                None
            }
            Ok(pair) => {
                self.warn_of_leaf(name, pair, reading, field);
                Some((name, pair))
            }
        }
    }

    fn covers(&self, section: &TlsReading, host: &HostPattern) -> bool {
        section.secret.as_ref().is_some_and(|name| self.key_pair(name).is_ok_and(|pair| pair_covers(pair, host)))
    }

    fn key_pair(&self, name: &ObjectName) -> Result<&'i KeyPair, (Code, String)> {
        pair_of(&self.input, name)
    }

    /// Whether what is wrong with the key pair is told where it stands in the Secret.
    fn is_told(&self, name: &ObjectName) -> bool {
        let secret = self.input.snapshot.secret(name);
        secret.is_some_and(|secret| matches!(secret.key_pair, Err(CertificateError::Unreadable(_))))
    }

    /// Why it is not the newest key pair of a Secret that is served.
    fn kept_because(&self, name: &ObjectName) -> Option<String> {
        let secret = self.input.snapshot.secret(name)?;
        if let Some((reason, Some(_))) = self.input.quarantine.refusal_of(name, secret.key_pair.as_ref().ok()?) {
            return Some(format!("Secret {name} holds no key pair that the proxy takes: {reason}; the one before is served"));
        }
        let why = secret.kept_because.as_ref()?;
        Some(format!("Secret {name} holds no key pair any more: {why}; the one before is served"))
    }

    fn warn_of_leaf(&mut self, name: &ObjectName, pair: &KeyPair, reading: &Reading, field: String) {
        if let Some(message) = self.kept_because(name) {
            let finding = Diagnostic::new(Code::BadCertificate, reading.origin.clone(), field.clone(), message);
            self.diagnostics.push(finding.help("mend the Secret").outcome(Outcome::Served));
        }
        if pair.unchecked {
            let message = format!("the key in Secret {name} is of a kind that only the proxy can check");
            self.diagnostics.push(Diagnostic::new(Code::UncheckedKey, reading.origin.clone(), field.clone(), message));
        }
        let left_s = pair.not_after_s - self.input.now_s;
        let (when, help) = match () {
            () if pair.not_before_s > self.input.now_s => ("is not valid yet", "use one whose time has begun"),
            () if left_s < 0 => ("is expired", "renew it"),
            () if left_s < SOON_S => ("expires within ten days", "renew it"),
            () if pair.names_are_common => {
                ("names its hosts in the common name alone, where clients do not look", "use one with subjectAltName")
            }
            () => return,
        };
        self.suppressed |= self.expiring.contains_key(name);
        if self.expiring.insert(name.clone(), ()).is_none() {
            let code =
                if left_s >= SOON_S && pair.not_before_s <= self.input.now_s { Code::UncoveredHost } else { Code::ExpiredCertificate };
            let finding = Diagnostic::new(code, reading.origin.clone(), field, format!("the certificate in Secret {name} {when}"));
            self.diagnostics.push(finding.help(help).outcome(Outcome::Served));
        }
    }
}

/// The key pair that a Secret stands for.
fn pair_of<'i>(input: &Input<'i>, name: &ObjectName) -> Result<&'i KeyPair, (Code, String)> {
    let secret = input.snapshot.secret(name).ok_or_else(|| (Code::NoSecret, format!("Secret {name} does not exist")))?;
    let bad = |why: &dyn fmt::Display| (Code::BadCertificate, format!("Secret {name} holds no key pair: {why}"));
    let pair = secret.key_pair.as_ref().map_err(|why| bad(why))?;
    match input.quarantine.refusal_of(name, pair) {
        Some((reason, last)) => last.ok_or_else(|| bad(&format_args!("the proxy refuses it: {reason}"))),
        None => Ok(pair),
    }
}

fn certificate(name: &ObjectName, pair: &KeyPair) -> Arc<Certificate> {
    let of = if pair.unchecked { CertificateId::of_unchecked_secret } else { CertificateId::of_secret };
    let id = of(name.namespace(), name.name());
    let origin = ObjectRef::new(Kind::Secret, name.clone()).to_string();
    Arc::new(Certificate { id, origin, pem: Arc::clone(&pair.pem), digest: pair.digest })
}

fn has_secret_for(reading: &Reading, host: &HostPattern) -> bool {
    reading.tls.iter().any(|section| section.secret.is_some() && (section.hosts.is_empty() || section.hosts.contains(host)))
}

fn pair_covers(pair: &KeyPair, host: &HostPattern) -> bool {
    match host {
        HostPattern::CatchAll => false,
        HostPattern::Exact(name) => pair.covers(name),
        HostPattern::Wildcard(parent) => pair.covers_wildcard(parent),
    }
}
