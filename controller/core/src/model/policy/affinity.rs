//! Clients that stay with the endpoint that they were given first.

use crate::model::{BackendId, md5};
use std::net::SocketAddr;

/// How a backend knows its clients again: by a cookie `key|backend key`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Affinity {
    /// Name of the cookie: letters, digits, `-._~/:`.
    pub cookie: String,
    /// What the key in it says.
    pub mode: AffinityMode,
    /// A client whose endpoint fails is given another one, and another cookie.
    pub moves_on_failure: bool,
}

/// What the key in the cookie says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum AffinityMode {
    /// It is random, and its hash picks the endpoint: some clients move when there are more endpoints.
    #[default]
    Balanced,
    /// It names the endpoint: clients move when their endpoint goes.
    Persistent,
}

impl Affinity {
    /// The second part of the cookie: which backend the client was given.
    #[must_use]
    pub fn backend_key(backend: &BackendId) -> String {
        let name = backend.service_port();
        md5::hex(format!("{}{name}", md5::hex(name.as_bytes())).as_bytes())
    }

    /// The first part of the cookie that names an endpoint.
    #[must_use]
    pub fn endpoint_key(backend: &BackendId, endpoint: SocketAddr) -> String {
        md5::hex(format!("{}{endpoint}", backend.service_port()).as_bytes())
    }
}

/// The cookie that a route sets when a client is given an endpoint; its name is that of the backend's [`Affinity`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct SessionCookie {
    /// `Expires`, as seconds from now.
    pub expires_s: Option<i64>,
    /// `Max-Age`, in seconds.
    pub max_age_s: Option<i64>,
    /// `Domain`: letters, digits, `-._~/:`.
    pub domain: Option<String>,
    /// `Path`: letters, digits, `-._~/:,?&=`; `None`: the path of the route's rule.
    pub path: Option<String>,
    /// `Secure` on every connection; otherwise on TLS connections.
    pub always_secure: bool,
    /// `SameSite`.
    pub same_site: Option<SameSite>,
    /// `SameSite=None` is left out for clients that do not know it.
    pub spares_old_clients: bool,
}

/// `SameSite` of a cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the words of the attribute")]
pub enum SameSite {
    None,
    Lax,
    Strict,
}

impl SameSite {
    /// The value of the attribute, as browsers read it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Lax => "Lax",
            Self::Strict => "Strict",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_ingress_nginx() {
        let id = BackendId::new("shop", "cart", 80);
        assert_eq!(id.service_port(), "shop-cart-80");
        assert_eq!(Affinity::endpoint_key(&id, "10.0.0.1:80".parse().unwrap()), md5::hex(b"shop-cart-8010.0.0.1:80"));
        let once = md5::hex(b"shop-cart-80");
        assert_eq!(Affinity::backend_key(&id), md5::hex(format!("{once}shop-cart-80").as_bytes()));
    }
}
