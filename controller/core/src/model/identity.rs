//! Certificates that the proxy shows to endpoints.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Name of an identity in the proxy's files: a hash of its content, for proxies read these files when they load.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IdentityId(Arc<str>);

impl fmt::Display for IdentityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A certificate chain and its key.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// Name of the identity; unique in the model.
    pub id: IdentityId,
    /// The chain, leaf first, then the key; PEM.
    pub pem: Arc<[u8]>,
}

impl Identity {
    /// Puts an identity together.
    #[must_use]
    pub fn new(pem: Arc<[u8]>) -> Self {
        Self { id: IdentityId(format!("{:032x}", super::digest_of(&pem)).into()), pem }
    }
}

impl Hash for Identity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

/// Never shows the key.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("id", &self.id).finish_non_exhaustive()
    }
}
