//! Authorities whose certificates clients may have.

use serde::Serialize;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Name of an authority in the proxy's files: a hash of its content, for proxies read these files when they load.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct AuthorityId(Arc<str>);

impl AuthorityId {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AuthorityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Certificates of authorities, and what they have revoked.
#[derive(Clone, PartialEq, Eq)]
pub struct Authority {
    /// Name of the authority; unique in the model.
    pub id: AuthorityId,
    /// The certificates; PEM written by us from the decoded parts.
    pub pem: Arc<[u8]>,
    /// Lists of revoked certificates, in the same way.
    pub revocations: Option<Arc<[u8]>>,
    /// When each of the certificates begins and ends to be valid, in seconds since 1970; nothing where that is not known.
    pub valid_s: Arc<[(i64, i64)]>,
}

impl Authority {
    /// Puts an authority together.
    #[must_use]
    pub fn new(pem: Arc<[u8]>, revocations: Option<Arc<[u8]>>) -> Self {
        let id = AuthorityId(format!("{:032x}", super::digest_of(&(&pem, &revocations))).into());
        Self { id, pem, revocations, valid_s: Arc::default() }
    }

    /// Says when each of the certificates is valid.
    #[must_use]
    pub fn valid(self, valid_s: Vec<(i64, i64)>) -> Self {
        Self { valid_s: valid_s.into(), ..self }
    }
}

impl Hash for Authority {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").field("id", &self.id).finish_non_exhaustive()
    }
}
