//! Which certificate a host gets: `ingress-semantics` 11.2.

use super::claims::{Claim, Claims};
use super::reading::{Reading, TlsReading};
use super::{Input, Wanted};
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::model::{Certificate, CertificateId, HostCertificate};
use crate::names::{HostName, HostPattern, Kind, ObjectName, ObjectRef};
use crate::state::KeyPair;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The decision for all hosts.
pub(super) struct Certificates<'a> {
    of_host: HashMap<&'a HostPattern, HostCertificate>,
    pairs: HashMap<CertificateId, &'a KeyPair>,
    /// Every certificate in use, the default one included.
    pub(super) used: BTreeMap<CertificateId, Arc<Certificate>>,
    /// For handshakes that no host claims.
    pub(super) default: CertificateId,
}

impl Certificates<'_> {
    /// What the handshakes for a host are answered with.
    pub(super) fn of(&self, host: &HostPattern) -> &HostCertificate {
        self.of_host.get(host).unwrap_or(&HostCertificate::Unclaimed)
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
        match self.of(host) {
            HostCertificate::Own(id) => self.pairs.get(id).copied(),
            HostCertificate::Unclaimed | HostCertificate::Default => None,
        }
    }

    /// Whether the host counts as one with a certificate: some Ingress has a TLS section for it, or for its wildcard.
    pub(super) fn has_tls(&self, host: &HostPattern) -> bool {
        let claimed = |host: &HostPattern| *self.of(host) != HostCertificate::Unclaimed;
        claimed(host) || host.covering_wildcard().is_some_and(|wildcard| claimed(&wildcard))
    }
}

/// Decides for every host.
pub(super) fn decide<'a>(
    input: Input<'a>,
    claims: &Claims<'a>,
    wanted: &mut Wanted,
    diagnostics: &mut Vec<Diagnostic>,
) -> Certificates<'a> {
    let mut decider = Decider { input, used: BTreeMap::new(), pairs: HashMap::new(), expiring: HashMap::new(), wanted, diagnostics };
    let default = decider.default_certificate();
    let mut of_host = HashMap::new();
    for (host, claims) in claims {
        if **host != HostPattern::CatchAll {
            let certificate = decider.for_host(host, claims);
            if certificate != HostCertificate::Unclaimed {
                of_host.insert(*host, certificate);
            }
        }
    }
    Certificates { of_host, pairs: decider.pairs, used: decider.used, default }
}

struct Decider<'i, 'o> {
    input: Input<'i>,
    used: BTreeMap<CertificateId, Arc<Certificate>>,
    pairs: HashMap<CertificateId, &'i KeyPair>,
    /// Secrets whose expiry was said already.
    expiring: HashMap<ObjectName, ()>,
    wanted: &'o mut Wanted,
    diagnostics: &'o mut Vec<Diagnostic>,
}

impl<'i> Decider<'i, '_> {
    fn default_certificate(&mut self) -> CertificateId {
        if let Some(name) = &self.input.settings.default_ssl_certificate {
            self.wanted.secrets.insert(name.clone());
            let secret = ObjectRef::new(Kind::Secret, name.clone());
            match self.key_pair(name) {
                Ok(pair) => return self.take(name, pair),
                Err((code, message)) => {
                    let message = format!("the Secret of --default-ssl-certificate cannot be used: {message}");
                    self.diagnostics.push(Diagnostic::new(code, secret, "data", message).help("a self-signed certificate is served"));
                }
            }
        }
        let own = self.input.self_signed;
        self.used.insert(own.id.clone(), Arc::clone(own));
        own.id.clone()
    }

    /// The first Ingress with a TLS section decides; that its Secret cannot be used gives no other one a chance.
    fn for_host(&mut self, host: &HostPattern, claims: &[Claim<'_>]) -> HostCertificate {
        let mut decided: Option<(&Reading, HostCertificate)> = None;
        let mut last: Option<&Reading> = None;
        for claim in claims {
            let reading: &Reading = claim.reading;
            if reading.tls.is_empty() || last.is_some_and(|last| std::ptr::eq(last, reading)) {
                continue;
            }
            last = Some(reading);
            self.wanted.secrets.extend(reading.tls.iter().filter_map(|section| section.secret.clone()));
            match &decided {
                None => decided = Some((reading, self.by_ingress(host, reading))),
                Some((owner, HostCertificate::Default)) if has_secret_for(reading, host) => {
                    let message = format!("{} (older) decides the certificate of host {host}, and has none that can be used", owner.origin);
                    self.diagnostics.push(Diagnostic::new(Code::ShadowedCertificate, reading.origin.clone(), "spec.tls", message));
                }
                Some(_) => {}
            }
        }
        decided.map_or(HostCertificate::Unclaimed, |(_, certificate)| certificate)
    }

    fn by_ingress(&mut self, host: &HostPattern, reading: &Reading) -> HostCertificate {
        let named = reading.tls.iter().position(|section| section.hosts.contains(host));
        let covering = || reading.tls.iter().position(|section| self.covers(section, host));
        let Some(n) = named.or_else(covering) else { return HostCertificate::Default };
        let Some(name) = &reading.tls[n].secret else { return HostCertificate::Default };
        let field = format!("spec.tls[{n}].secretName");
        match self.key_pair(name) {
            Err((code, message)) => {
                self.diagnostics.push(Diagnostic::new(code, reading.origin.clone(), field, message).help("create or mend the Secret"));
                HostCertificate::Default
            }
            Ok(pair) if !pair_covers(pair, host) => {
                let message = format!("the certificate in Secret {name} is for {}, not for host {host}", listed(&pair.names));
                self.diagnostics.push(
                    Diagnostic::new(Code::UncoveredHost, reading.origin.clone(), field, message)
                        .help("put a certificate for the host into the Secret"),
                );
                HostCertificate::Default
            }
            Ok(pair) => {
                self.warn_of_expiry(name, pair, reading, field);
                HostCertificate::Own(self.take(name, pair))
            }
        }
    }

    fn covers(&self, section: &TlsReading, host: &HostPattern) -> bool {
        section.secret.as_ref().is_some_and(|name| self.key_pair(name).is_ok_and(|pair| pair_covers(pair, host)))
    }

    fn key_pair(&self, name: &ObjectName) -> Result<&'i KeyPair, (Code, String)> {
        let secret = self.input.snapshot.secret(name).ok_or_else(|| (Code::NoSecret, format!("Secret {name} does not exist")))?;
        secret.key_pair.as_ref().map_err(|why| (Code::BadCertificate, format!("Secret {name} holds no key pair: {why}")))
    }

    fn take(&mut self, name: &ObjectName, pair: &'i KeyPair) -> CertificateId {
        let id = CertificateId::of_secret(name.namespace(), name.name());
        self.pairs.insert(id.clone(), pair);
        self.used.entry(id.clone()).or_insert_with(|| {
            let origin = ObjectRef::new(Kind::Secret, name.clone()).to_string();
            Arc::new(Certificate { id: id.clone(), origin, pem: Arc::clone(&pair.pem), digest: pair.digest })
        });
        id
    }

    fn warn_of_expiry(&mut self, name: &ObjectName, pair: &KeyPair, reading: &Reading, field: String) {
        const SOON_S: i64 = 10 * 24 * 3600;
        if let Some(why) = self.input.snapshot.secret(name).and_then(|secret| secret.kept_because.as_ref()) {
            let message = format!("Secret {name} holds no key pair any more: {why}; the one before is served");
            let finding = Diagnostic::new(Code::BadCertificate, reading.origin.clone(), field.clone(), message);
            self.diagnostics.push(finding.help("mend the Secret").outcome(Outcome::Served));
        }
        let left_s = pair.not_after_s - self.input.now_s;
        if left_s < SOON_S && self.expiring.insert(name.clone(), ()).is_none() {
            let when = if left_s < 0 { "is expired" } else { "expires within ten days" };
            let message = format!("the certificate in Secret {name} {when}");
            self.diagnostics.push(Diagnostic::new(Code::ExpiredCertificate, reading.origin.clone(), field, message).help("renew it"));
        }
    }
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
