//! TLS: to clients of one host, and to the endpoints of one backend.

use crate::model::{AuthorityId, IdentityId};
use crate::names::{CipherList, HostName};

/// How the handshakes for a host differ from those for all others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostTls {
    /// Ciphers for TLS 1.2; `None`: as for all.
    pub ciphers: Option<CipherList>,
    /// The order of that list counts, not the client's; `None`: as for all.
    pub own_order: Option<bool>,
}

/// How endpoints are spoken to over TLS.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct UpstreamTls {
    /// What is shown to endpoints that ask for a certificate; a key of the model's identities.
    pub identity: Option<IdentityId>,
    /// Who has to have signed their certificates; a key of the model's authorities. `None`: they are not looked at.
    pub verify: Option<Verify>,
    /// The name in the handshake, and in the certificate of an endpoint; `None`: one that no certificate has.
    pub name: Option<HostName>,
    /// The name is told in the handshake.
    pub tells_name: bool,
    /// Ciphers for TLS 1.2; `None`: the library's own.
    pub ciphers: Option<CipherList>,
    /// Protocol versions; `None`: the proxy's own.
    pub versions: Option<TlsVersions>,
}

/// How certificates of endpoints are checked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Verify {
    /// Who has to have signed them.
    pub authority: AuthorityId,
    /// Most authorities that may stand between a certificate and [`Verify::authority`]; at least 1.
    pub depth: u32,
}

/// Versions of TLS that are spoken; at least one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TlsVersions {
    /// TLS 1.2.
    pub tls12: bool,
    /// TLS 1.3.
    pub tls13: bool,
}
