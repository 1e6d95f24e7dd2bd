//! What TLS needs beside certificates.

use std::fmt;
use std::sync::Arc;

/// Parameters of Diffie-Hellman.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct DhParams {
    /// PEM.
    pub pem: Arc<[u8]>,
}

impl fmt::Debug for DhParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DhParams").finish_non_exhaustive()
    }
}

/// What session tickets are encrypted with: 48 or 80 bytes.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TicketKey(Arc<[u8]>);

impl TicketKey {
    /// Keeps a key; `None`: it has another length.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        matches!(bytes.len(), 48 | 80).then(|| Self(bytes.into()))
    }

    /// The key.
    #[must_use]
    pub const fn bytes(&self) -> &Arc<[u8]> {
        &self.0
    }
}

/// Never shows the key.
impl fmt::Debug for TicketKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TicketKey").finish_non_exhaustive()
    }
}
