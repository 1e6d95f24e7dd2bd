//! Which certificate a host gets: `ingress-semantics` 11.2.

use super::claims::{Before, Claim, Claims};
use super::reading::{Reading, TlsReading};
use super::{Input, Wanted, by_id};
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::model::{Certificate, CertificateId, HostCertificate};
use crate::names::{HostName, HostPattern, Kind, ObjectName, ObjectRef};
use crate::state::{CertificateError, Epoch, KeyPair};
use foldhash::HashMap;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The decision for all hosts.
pub(super) struct Certificates<'a> {
    input: Input<'a>,
    claims: &'a Claims<'a>,
    /// In the order of the claims.
    hosts: Vec<Kept>,
    claims_a_wildcard: bool,
    /// Every certificate in use, the default one included.
    pub(super) used: BTreeMap<CertificateId, Arc<Certificate>>,
    /// For handshakes that no host claims.
    pub(super) default: CertificateId,
}

impl Certificates<'_> {
    /// What the handshakes for a host are answered with.
    pub(super) fn of(&self, host: &HostPattern) -> &HostCertificate {
        self.claims.position(host).map_or(&HostCertificate::Unclaimed, |at| self.at(at))
    }

    /// The same for the host at this place among the claims.
    pub(super) fn at(&self, at: usize) -> &HostCertificate {
        &self.hosts[at].certificate
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
        let (secret, _) = self.hosts[self.claims.position(host)?].own.as_ref()?;
        pair_of(&self.input, secret).ok()
    }

    /// Whether the host counts as one with a certificate: some Ingress has a TLS section for it, or for its wildcard.
    pub(super) fn has_tls(&self, host: &HostPattern) -> bool {
        *self.of(host) != HostCertificate::Unclaimed || self.wildcard_has_tls(host)
    }

    /// The same for the host at this place among the claims.
    pub(super) fn has_tls_at(&self, at: usize, host: &HostPattern) -> bool {
        *self.at(at) != HostCertificate::Unclaimed || self.wildcard_has_tls(host)
    }

    fn wildcard_has_tls(&self, host: &HostPattern) -> bool {
        let claimed = |wildcard: HostPattern| *self.of(&wildcard) != HostCertificate::Unclaimed;
        self.claims_a_wildcard && host.covering_wildcard().is_some_and(claimed)
    }

    /// For the next time.
    pub(super) fn into_memo(self) -> Memo {
        Memo { kept: self.hosts }
    }
}

/// The decisions of the time before, in the order of the claims.
#[derive(Debug, Default)]
pub(super) struct Memo {
    kept: Vec<Kept>,
}

/// The decision for a host, and what it was made from beside the claims on the host.
#[derive(Debug, Clone)]
struct Kept {
    certificate: HostCertificate,
    own: Option<(ObjectName, Arc<Certificate>)>,
    /// All that TLS sections name.
    secrets: Vec<(ObjectName, Epoch)>,
    /// Nothing has to be said before; `None`: something was said.
    silent_until_s: Option<i64>,
}

impl Kept {
    const UNCLAIMED: Self =
        Self { certificate: HostCertificate::Unclaimed, own: None, secrets: Vec::new(), silent_until_s: Some(i64::MAX) };

    fn is_current(&self, input: &Input<'_>) -> bool {
        let epochs = input.snapshot.epochs();
        self.silent_until_s.is_some_and(|until| input.now_s <= until) && self.secrets.iter().all(|(_, epoch)| epochs.is_current(epoch))
    }
}

/// Decides for every host; `before` is what was known of them, which `memo` is about.
pub(super) fn decide<'a>(
    input: Input<'a>,
    claims: &'a Claims<'a>,
    (before, memo): (&[Option<Before>], Memo),
    wanted: &mut Wanted,
    diagnostics: &mut Vec<Diagnostic>,
) -> Certificates<'a> {
    let mut decider = Decider { input, used: Vec::new(), expiring: HashMap::default(), diagnostics };
    let (default, of_secret) = decider.default_certificate();
    let mut secrets: Vec<ObjectName> = of_secret.into_iter().collect();
    let mut kept = memo.kept;
    let mut hosts = Vec::with_capacity(before.len());
    for ((host, claims), before) in claims.iter().zip(before) {
        let before = before.filter(|before| before.same_claims).and_then(|before| kept.get_mut(before.at));
        let before = before.map(|kept| std::mem::replace(kept, Kept::UNCLAIMED));
        let decision = before.filter(|kept| kept.is_current(&input)).unwrap_or_else(|| decider.for_host(host, claims));
        secrets.extend(decision.secrets.iter().map(|(name, _)| name.clone()));
        decider.used.extend(decision.own.iter().map(|(_, certificate)| Arc::clone(certificate)));
        hosts.push(decision);
    }
    wanted.secrets.append(&mut secrets.drain(..).collect());
    let claims_a_wildcard = claims
        .iter()
        .zip(&hosts)
        .any(|((host, _), kept)| matches!(host, HostPattern::Wildcard(_)) && kept.certificate != HostCertificate::Unclaimed);
    let used = by_id(decider.used, |certificate| &certificate.id, CertificateId::as_str);
    Certificates { input, claims, hosts, claims_a_wildcard, used, default }
}

/// A certificate that ends within this time is reported.
const SOON_S: i64 = 10 * 24 * 3600;

struct Decider<'i, 'o> {
    input: Input<'i>,
    used: Vec<Arc<Certificate>>,
    /// Secrets whose expiry was said already.
    expiring: HashMap<ObjectName, ()>,
    diagnostics: &'o mut Vec<Diagnostic>,
}

impl<'i> Decider<'i, '_> {
    /// The certificate, and the Secret that is wanted for it.
    fn default_certificate(&mut self) -> (CertificateId, Option<ObjectName>) {
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
                let message = format!("the Secret of --default-ssl-certificate cannot be used: {message}");
                self.diagnostics.push(Diagnostic::new(code, secret, "data", message).help("a self-signed certificate is served"));
                None
            }
        });
        let certificate = certificate.unwrap_or_else(|| Arc::clone(self.input.self_signed));
        let id = certificate.id.clone();
        self.used.push(certificate);
        (id, name.clone())
    }

    /// The first Ingress with a TLS section decides; that its Secret cannot be used gives no other one a chance.
    fn for_host(&mut self, host: &HostPattern, claims: &[Claim<'_>]) -> Kept {
        if *host == HostPattern::CatchAll {
            return Kept::UNCLAIMED;
        }
        let said_before = self.diagnostics.len();
        let mut decided: Option<(&Reading, Option<(&ObjectName, &KeyPair)>)> = None;
        let mut last: Option<&Reading> = None;
        let mut secrets = Vec::new();
        for claim in claims {
            let reading: &Reading = claim.reading;
            if reading.tls.is_empty() || last.is_some_and(|last| std::ptr::eq(last, reading)) {
                continue;
            }
            last = Some(reading);
            let epoch = |name: &ObjectName| (name.clone(), self.input.snapshot.epochs().of(name));
            secrets.extend(reading.tls.iter().filter_map(|section| section.secret.as_ref()).map(epoch));
            match &decided {
                None => decided = Some((reading, self.by_ingress(host, reading))),
                Some((owner, None)) if has_secret_for(reading, host) => {
                    let message =
                        format!("{} decides the certificate of host {host}, and has none that can be used", owner.first_before(reading));
                    self.diagnostics.push(Diagnostic::new(Code::ShadowedCertificate, reading.origin.clone(), "spec.tls", message));
                }
                Some(_) => {}
            }
        }
        let Some((_, own)) = decided else { return Kept::UNCLAIMED };
        let is_silent = self.diagnostics.len() == said_before;
        let silent_until_s = is_silent.then(|| own.map_or(i64::MAX, |(_, pair)| pair.not_after_s.saturating_sub(SOON_S)));
        let own = own.map(|(name, pair)| (name.clone(), certificate(name, pair)));
        let certificate = own.as_ref().map_or(HostCertificate::Default, |(_, certificate)| HostCertificate::Own(certificate.id.clone()));
        Kept { certificate, own, secrets, silent_until_s }
    }

    /// The usable key pair that an Ingress has for a host, and the Secret that it is in.
    fn by_ingress<'r>(&mut self, host: &HostPattern, reading: &'r Reading) -> Option<(&'r ObjectName, &'i KeyPair)> {
        let named = reading.tls.iter().position(|section| section.hosts.contains(host));
        let covering = || reading.tls.iter().position(|section| self.covers(section, host));
        let n = named.or_else(covering)?;
        let name = reading.tls[n].secret.as_ref()?;
        let field = format!("spec.tls[{n}].secretName");
        match self.key_pair(name) {
            Err(_) if self.is_told(name) => None,
            Err((code, message)) => {
                self.diagnostics.push(Diagnostic::new(code, reading.origin.clone(), field, message).help("create or mend the Secret"));
                None
            }
            Ok(pair) if !pair_covers(pair, host) => {
                let message = format!("the certificate in Secret {name} is for {}, not for host {host}", listed(&pair.names));
                self.diagnostics.push(
                    Diagnostic::new(Code::UncoveredHost, reading.origin.clone(), field, message)
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

fn listed(names: &[Box<str>]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<_> = names.iter().take(SHOWN).map(|name| crate::names::shown(name)).collect();
    match names.len() {
        0 => "no name".to_owned(),
        n if n > SHOWN => format!("{} and {} more", shown.join(", "), n - SHOWN),
        _ => shown.join(", "),
    }
}
