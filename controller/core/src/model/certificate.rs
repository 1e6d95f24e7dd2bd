//! Key pairs that hosts are served with.

use serde::Serialize;
use std::fmt;
use std::sync::Arc;

/// Begin of the names of pairs that were not checked.
const UNCHECKED: &str = "unchecked-";

/// Name of a certificate in the proxy's files: a hash of the Secret's namespace and name. It stays the same when the
/// certificate is renewed, so that a renewal changes one file and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct CertificateId(Arc<str>);

impl CertificateId {
    /// The id of the key pair in a Secret.
    #[must_use]
    pub fn of_secret(namespace: &str, name: &str) -> Self {
        Self(format!("{:032x}", xxhash_rust::xxh3::xxh3_128(format!("{namespace}/{name}").as_bytes())).into())
    }

    /// The id of a key pair in a Secret of which nobody knows yet whether the key is the certificate's.
    #[must_use]
    pub fn of_unchecked_secret(namespace: &str, name: &str) -> Self {
        Self(format!("{UNCHECKED}{}", Self::of_secret(namespace, name)).into())
    }

    /// Whether the proxy has to find out if the key is the certificate's.
    #[must_use]
    pub fn is_unchecked(&self) -> bool {
        self.0.starts_with(UNCHECKED)
    }

    /// The id of the self-signed certificate that stands in when no default certificate is configured.
    #[must_use]
    pub fn self_signed() -> Self {
        Self("self-signed".into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CertificateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A key pair.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Certificate {
    /// Name of the certificate; unique in the model.
    pub id: CertificateId,
    /// Where it comes from, for people: `Secret shop/tls`, or `self-signed`.
    pub origin: String,
    /// Certificates, leaf first, then the private key; PEM written by us from the decoded parts. Secret.
    pub pem: Arc<[u8]>,
    /// Content hash of `pem`.
    pub digest: u128,
}

/// Never shows the key.
impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("id", &self.id).field("origin", &self.origin).finish_non_exhaustive()
    }
}
