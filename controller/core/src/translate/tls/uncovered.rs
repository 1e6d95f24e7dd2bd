//! Hosts that the certificates of their Ingress are not for.

use super::{Decider, Reading, pair_covers};
use crate::diagnostic::{Code, Diagnostic};
use crate::names::{HostPattern, ObjectName, shown};
use crate::state::KeyPair;

impl Decider<'_, '_> {
    /// Says why the default certificate is served for a host that no TLS section names. It is for the host, or is asked for
    /// by a section with neither hosts nor Secret, or by sections none of which names a Secret: then nothing is said.
    pub(super) fn say_unnamed(&mut self, host: &HostPattern, reading: &Reading) {
        let with_secret: Vec<_> = reading.tls.iter().filter_map(|section| Some((section.at, section.secret.as_ref()?))).collect();
        let mut is_broken = false;
        for (n, name) in &with_secret {
            let Err((code, message)) = self.key_pair(name) else { continue };
            is_broken = true;
            if !self.is_told(name) {
                let finding = Diagnostic::new(code, reading.origin.clone(), format!("spec.tls[{n}].secretName"), message);
                self.diagnostics.push(finding.help("create or mend the Secret"));
            }
        }
        let asks_for_default = reading.tls.iter().any(|section| section.secret.is_none() && section.hosts.is_empty());
        // What the certificate would be for that is not there is not known.
        if is_broken || with_secret.is_empty() || asks_for_default || self.default_covers(host) {
            return;
        }
        let only = if let [(n, name)] = with_secret.as_slice() { self.key_pair(name).ok().map(|pair| (n, name, pair)) } else { None };
        let (field, message) = match only {
            Some((n, name, pair)) => (format!("spec.tls[{n}].secretName"), message(name, pair, host)),
            None => ("spec.tls".to_owned(), format!("none of the certificates is for host {host}")),
        };
        let finding = Diagnostic::new(Code::UncoveredHost, reading.origin.clone(), field, message);
        self.diagnostics.push(finding.help("put a certificate for the host into a Secret, and name both in spec.tls"));
    }

    fn default_covers(&self, host: &HostPattern) -> bool {
        let name = self.input.settings.default_ssl_certificate.as_ref();
        name.is_some_and(|name| self.key_pair(name).is_ok_and(|pair| pair_covers(pair, host)))
    }
}

/// What is wrong with a certificate that is not for a host.
pub(super) fn message(name: &ObjectName, pair: &KeyPair, host: &HostPattern) -> String {
    format!("the certificate in Secret {name} is for {}, not for host {host}", listed(&pair.names))
}

fn listed(names: &[Box<str>]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<_> = names.iter().take(SHOWN).map(|name| shown(name)).collect();
    match names.len() {
        0 => "no name".to_owned(),
        n if n > SHOWN => format!("{} and {} more", shown.join(", "), n - SHOWN),
        _ => shown.join(", "),
    }
}
