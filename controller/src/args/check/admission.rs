//! Where the API server asks about Ingresses, as it was typed.

use super::Check;
use super::command::AdmissionConfig;
use super::words::trimmed;
use crate::args::offline::AdmissionPolicy;
use crate::args::typed::Admission;
use gatewright_core::names::{is_dns_subdomain, shown};

/// `gatewright admission-policy`.
#[derive(Debug)]
pub(crate) struct AdmissionPolicyConfig {
    /// Name of what is printed.
    pub(crate) name: String,
    /// Names of IngressClasses.
    pub(crate) classes: Vec<String>,
    /// `--annotations-prefix`.
    pub(crate) annotations_prefix: String,
    /// As the API spells it.
    pub(crate) action: &'static str,
}

impl Check<'_> {
    /// `None`: nowhere.
    pub(super) fn admission(&mut self, admission: Admission) -> Option<AdmissionConfig> {
        let text = admission.validating_webhook;
        if text.is_empty() {
            return None;
        }
        let (host, port) = text.rsplit_once(':').unwrap_or(("", &text));
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let address =
            if host.is_empty() { None } else { self.parsed("validating-webhook", host, "an IP address with a port, such as :8443") };
        let address = (address, self.port("validating-webhook", port));
        match (admission.validating_webhook_certificate, admission.validating_webhook_key) {
            (Some(certificate), Some(key)) => {
                Some(AdmissionConfig { address, certificate, key, client_ca: admission.validating_webhook_client_ca })
            }
            _ => {
                self.wrong("--validating-webhook needs --validating-webhook-certificate and --validating-webhook-key".to_owned());
                None
            }
        }
    }

    pub(super) fn admission_policy(&mut self, policy: AdmissionPolicy) -> Option<AdmissionPolicyConfig> {
        let names = [("name", &policy.name), ("annotations-prefix", &policy.annotations_prefix)];
        let classes = trimmed(policy.ingress_class);
        let of_classes = classes.iter().map(|name| ("ingress-class", name));
        for (flag, name) in names.into_iter().chain(of_classes).filter(|(_, name)| !is_dns_subdomain(name)) {
            self.wrong(format!("--{flag}: {} is not a DNS name; use lower-case letters, digits, - and .", shown(name)));
        }
        let action = self.choice("action", &policy.action, &[("deny", "Deny"), ("warn", "Warn"), ("audit", "Audit")])?;
        let AdmissionPolicy { name, annotations_prefix, .. } = policy;
        Some(AdmissionPolicyConfig { name, classes, annotations_prefix, action })
    }
}
