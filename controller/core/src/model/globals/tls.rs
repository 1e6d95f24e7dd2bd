//! TLS towards clients.

use crate::model::{DhParams, TicketKey};

/// TLS towards clients.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tls {
    /// TLS 1.2 is offered.
    pub tls12: bool,
    /// TLS 1.3 is offered.
    pub tls13: bool,
    /// OpenSSL cipher list for TLS 1.2: letters, digits, `-`, `_`, `+`, `!`, `@`, `:`; empty: the library's own.
    pub ciphers: String,
    /// OpenSSL curve list, `auto` for the library's own.
    pub curves: String,
    /// Size of the session cache in bytes; 0: none.
    pub session_cache_bytes: u64,
    /// How long a session may be resumed, in seconds.
    pub session_timeout_s: u64,
    /// Session tickets are issued.
    pub session_tickets: bool,
    /// Size of TLS records in bytes.
    pub buffer_bytes: u64,
    /// Handshakes for unknown names are refused.
    pub reject_unknown_names: bool,
    /// Parameters for ciphers with Diffie-Hellman; `None`: there are no such ciphers.
    pub dh_params: Option<DhParams>,
    /// What tickets are encrypted with; `None`: each proxy has a key of its own.
    pub ticket_key: Option<TicketKey>,
    /// Requests in the first flight of a resumed TLS 1.3 session are taken, although they can be replayed.
    pub early_data: bool,
}

impl Default for Tls {
    fn default() -> Self {
        Self {
            tls12: true,
            tls13: true,
            ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:\
                      ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:\
                      DHE-RSA-AES256-GCM-SHA384:DHE-RSA-AES128-GCM-SHA256"
                .to_owned(),
            curves: "auto".to_owned(),
            session_cache_bytes: 10 << 20,
            session_timeout_s: 600,
            session_tickets: false,
            buffer_bytes: 4 << 10,
            reject_unknown_names: false,
            dh_params: None,
            ticket_key: None,
            early_data: false,
        }
    }
}

/// Strict-Transport-Security.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Hsts {
    /// `max-age`, in seconds.
    pub max_age_s: u64,
    /// `includeSubDomains`.
    pub include_subdomains: bool,
    /// `preload`.
    pub preload: bool,
}

impl Default for Hsts {
    fn default() -> Self {
        Self { max_age_s: 31_536_000, include_subdomains: true, preload: false }
    }
}

/// Status of the redirect to HTTPS; 308 unless set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HttpsRedirectStatus(pub u16);

impl Default for HttpsRedirectStatus {
    fn default() -> Self {
        Self(308)
    }
}
