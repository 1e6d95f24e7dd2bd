//! What several dialects say in the same words.

use crate::dialect::{CredentialFile, Refusal};
use crate::model::{Authority, AuthorityId, DhParams, Hsts, Identity, IdentityId, Model, digest_of};
use crate::model::{Lack, LackingWay};
use crate::names::is_printable;
use std::sync::Arc;

/// Longest part of a proxy's message that is kept, in bytes.
const MAX_MESSAGE_BYTES: usize = 500;

/// Spellings of our headers that reach applications as the same variable, for installations that let underscores pass.
pub(super) const LOOKALIKES: &[&str] = &[
    "X_Forwarded_For",
    "X_Forwarded_Host",
    "X_Forwarded_Port",
    "X_Forwarded_Proto",
    "X_Forwarded_Scheme",
    "X_Original_Forwarded_For",
    "X_Original_Forwarded_Host",
    "X_Original_URI",
    "X_Real_IP",
    "X_Request_ID",
    "X_Scheme",
];

/// Whether a text can be the name of a header in a variable or expression of a proxy.
pub(super) fn is_header_name(name: &str) -> bool {
    (1..=128).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// The value of `Strict-Transport-Security`.
pub(super) fn hsts(hsts: &Hsts) -> String {
    let mut value = format!("max-age={}", hsts.max_age_s);
    if hsts.include_subdomains {
        value.push_str("; includeSubDomains");
    }
    if hsts.preload {
        value.push_str("; preload");
    }
    value
}

/// Where the certificates of an authority are.
pub(super) fn authority_path(id: &AuthorityId) -> String {
    format!("authorities/{id}.pem")
}

/// Where its lists of revoked certificates are.
pub(super) fn revocations_path(id: &AuthorityId) -> String {
    format!("authorities/{id}.crl.pem")
}

/// Read when the proxy loads; their names hold the hash of their content.
pub(super) fn authority_files(authority: &Authority) -> Vec<CredentialFile> {
    let file = |path, bytes| CredentialFile { path, bytes, secret: false, read_live: false };
    let mut files = vec![file(authority_path(&authority.id), authority.pem.clone())];
    files.extend(authority.revocations.iter().map(|lists| file(revocations_path(&authority.id), lists.clone())));
    files
}

/// Where the certificate is that endpoints are shown, with its key.
pub(super) fn identity_path(id: &IdentityId) -> String {
    format!("identities/{id}.pem")
}

/// Where parameters of Diffie-Hellman are.
pub(super) fn dh_params_path(params: &DhParams) -> String {
    format!("tls-parameters/{:032x}.pem", digest_of(params))
}

/// What endpoints are shown, and what TLS needs beside certificates. Read when the proxy loads.
pub(super) fn tls_files(model: &Model) -> impl Iterator<Item = CredentialFile> {
    let file = |path, bytes: &Arc<[u8]>| CredentialFile { path, bytes: Arc::clone(bytes), secret: true, read_live: false };
    let identity = move |identity: &Arc<Identity>| file(identity_path(&identity.id), &identity.pem);
    let params = model.globals.tls.dh_params.iter().map(move |params| file(dh_params_path(params), &params.pem));
    model.credentials.identities.values().map(identity).chain(params)
}

/// A proxy's words and the place in them: printable, and short.
pub(super) fn refusal(message: &str, at: Option<(String, u32)>) -> Refusal {
    let mut clean: String = message.chars().map(|c| if is_printable(c) { c } else { '\u{fffd}' }).collect();
    clean.truncate(clean.floor_char_boundary(MAX_MESSAGE_BYTES));
    Refusal { message: clean, at }
}

/// What no proxy has that is driven here: a module for traces. Sorted.
pub(super) const LACKS_TRACING: [Lack; 3] = [
    lacks_tracing("enable-opentelemetry", &["false", "f", "F", "FALSE", "False", "0", ""]),
    lacks_tracing("opentelemetry-operation-name", &[""]),
    lacks_tracing("opentelemetry-trust-incoming-span", &["true", "t", "T", "TRUE", "True", "1", ""]),
];

const fn lacks_tracing(key: &'static str, fine: &'static [&'static str]) -> Lack {
    Lack {
        key,
        is_setting: false,
        fine,
        also_fine: |_| false,
        of_some_values: false,
        culprits: None,
        way: LackingWay::Told,
        effect: "stock proxies have no module for traces, and headers such as traceparent pass as they came",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hsts_has_its_parts_in_order() {
        assert_eq!(hsts(&Hsts::default()), "max-age=31536000; includeSubDomains");
        assert_eq!(hsts(&Hsts { max_age_s: 1, include_subdomains: false, preload: true }), "max-age=1; preload");
    }
}
