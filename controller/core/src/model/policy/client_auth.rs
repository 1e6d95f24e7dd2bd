//! Certificates of clients.

use crate::model::AuthorityId;
use crate::names::{TextRegex, UriPath, UrlText};

/// What is done about the certificates of a host's clients.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ClientAuth {
    /// They were to be checked, and cannot be: every request is answered 403.
    Denied,
    /// They are checked.
    Checked(ClientCertificates),
}

/// How certificates of clients are checked. Only TLS connections have any: plain ones are not checked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientCertificates {
    /// Who has to have signed them; a key of the model's authorities.
    pub authority: AuthorityId,
    /// The authority has revoked some.
    pub has_revocations: bool,
    /// Whether a client needs one.
    pub verify: VerifyClient,
    /// Most authorities that may stand between a certificate and that authority; at least 1.
    pub depth: u32,
    /// Where clients without a good certificate go in place of 400.
    pub error_page: Option<ClientErrorPage>,
    /// Endpoints get the certificate.
    pub pass_certificate: bool,
    /// The subject of the certificate has to match, somewhere and with case; plain requests have an empty one. Otherwise
    /// 403.
    pub subject: Option<TextRegex>,
}

/// Whether a client needs a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VerifyClient {
    /// It does.
    Required,
    /// It does not; one that it has must be good.
    Optional,
    /// It does not, and the one that it has may be of any authority.
    OptionalOfAny,
    /// It is not asked for one.
    Off,
}

/// Where clients without a good certificate go.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ClientErrorPage {
    /// They are redirected (302).
    Url(UrlText),
    /// They get what this path of the host answers.
    Path(UriPath),
}
