//! Certificates of clients.

use super::Line;
use super::section::page;
use crate::dialect::haproxy::expression::Expression;
use crate::dialect::haproxy::sections::percent_encoded;
use crate::model::{ClientAuth, ClientCertificates, ClientErrorPage, Feature, Globals, Host, Model, VerifyClient};
use crate::names::UriPath;
use serde::Serialize;
use std::borrow::Cow;

/// What `route/client_auth.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct ClientAuthView<'m> {
    /// A client needs a certificate.
    required: bool,
    /// Results of its verification that are good enough.
    good: Vec<u8>,
    /// Where clients without a good one are sent.
    error_url: Option<Expression>,
    /// They get another path of the host, which the frontend has put in place of theirs.
    has_error_path: bool,
    missing_page: String,
    error_page: String,
    misdirected_page: String,
    /// Of what is answered where the subject is another one.
    content_type: &'m str,
    subject: Option<Cow<'m, str>>,
    headers: Vec<CertificateHeaderView>,
    /// Endpoints are shown the certificate.
    pass_certificate: bool,
}

/// What endpoints are told about one result.
#[derive(Debug, Serialize)]
struct CertificateHeaderView {
    result: u8,
    text: &'static str,
}

/// Results that say nothing but that the authority is not known, and how OpenSSL calls them.
const UNKNOWN_AUTHORITY: [(u8, &str); 5] = [
    (18, "FAILED:self-signed certificate"),
    (19, "FAILED:self-signed certificate in certificate chain"),
    (20, "FAILED:unable to get local issuer certificate"),
    (21, "FAILED:unable to verify the first certificate"),
    (27, "FAILED:certificate not trusted"),
];

impl<'m> ClientAuthView<'m> {
    /// `None`: certificates are nobody's business.
    pub(super) fn new(auth: Option<&'m ClientAuth>, globals: &'m Globals) -> Option<Self> {
        let Some(ClientAuth::Checked(checked)) = auth else { return None };
        Some(Self::of(checked, globals))
    }

    fn of(checked: &'m ClientCertificates, globals: &'m Globals) -> Self {
        let error_url = match &checked.error_page {
            Some(ClientErrorPage::Url(url)) => Some(Expression::literal(url.as_str())),
            Some(ClientErrorPage::Path(_)) | None => None,
        };
        let need = Need::of(checked);
        Self {
            required: need.is_required(),
            good: need.good(),
            error_url,
            has_error_path: matches!(checked.error_page, Some(ClientErrorPage::Path(_))),
            missing_page: refusal("No required SSL certificate was sent"),
            error_page: refusal("The SSL certificate error"),
            misdirected_page: page(421),
            content_type: globals.default_type.as_str(),
            subject: checked.subject.as_ref().map(crate::names::TextRegex::bounded),
            headers: need.tolerated().map(|(result, text)| CertificateHeaderView { result, text }).collect(),
            pass_certificate: checked.pass_certificate,
        }
    }
}

/// What a host needs of the certificates of its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// There is one, and it is good.
    Required,
    /// One that is there is good.
    Optional,
    /// The same, whatever its authority is.
    OptionalOfAny,
}

impl Need {
    const ALL: [Self; 3] = [Self::Required, Self::Optional, Self::OptionalOfAny];

    const fn of(checked: &ClientCertificates) -> Self {
        match checked.verify {
            VerifyClient::Required => Self::Required,
            VerifyClient::Optional | VerifyClient::Off => Self::Optional,
            VerifyClient::OptionalOfAny => Self::OptionalOfAny,
        }
    }

    fn is_required(self) -> bool {
        self == Self::Required
    }

    /// Results that are good enough though the authority is not known.
    fn tolerated(self) -> impl Iterator<Item = (u8, &'static str)> {
        UNKNOWN_AUTHORITY.into_iter().filter(move |_| self == Self::OptionalOfAny)
    }

    /// Results that are good enough.
    fn good(self) -> Vec<u8> {
        std::iter::once(0).chain(self.tolerated().map(|(result, _)| result)).collect()
    }

    /// What a line of the map of error paths begins with.
    const fn mark(self) -> &'static str {
        match self {
            Self::Required => "required:",
            Self::Optional => "optional:",
            Self::OptionalOfAny => "of-any:",
        }
    }
}

/// What `routing.tera` sees of hosts where other clients get another path: one for each [`Need`], whatever the number of
/// hosts, for every request goes through all of them. Which path it is stands in a map.
#[derive(Debug, Serialize)]
pub(super) struct ErrorPathsView {
    mark: &'static str,
    required: bool,
    good: Vec<u8>,
}

/// All of them; empty where no host has such a path.
pub(super) fn error_paths(model: &Model) -> Vec<ErrorPathsView> {
    let view = |need: Need| ErrorPathsView { mark: need.mark(), required: need.is_required(), good: need.good() };
    let is_needed = hosts_with_error_paths(model).next().is_some();
    Need::ALL.into_iter().filter(|_| is_needed).map(view).collect()
}

/// Hosts where clients without a good certificate get another path than the one that they ask for.
pub(in crate::dialect::haproxy) fn hosts_with_error_paths(model: &Model) -> impl Iterator<Item = &Host> {
    model.hosts.having(Feature::ClientAuth).map(|host| &**host).filter(|host| error_path(host).is_some())
}

fn error_path(host: &Host) -> Option<(Need, &UriPath)> {
    match &host.policy.client_auth {
        Some(ClientAuth::Checked(checked)) => match &checked.error_page {
            Some(ClientErrorPage::Path(path)) => Some((Need::of(checked), path)),
            Some(ClientErrorPage::Url(_)) | None => None,
        },
        _ => None,
    }
}

/// `host need:path` for the map, the path as endpoints are asked for it; none where the host has no such path.
pub(in crate::dialect::haproxy) fn error_path_lines(host: &Host) -> Vec<Line> {
    let line =
        |(need, path): (Need, &UriPath)| Line::new(host.pattern.to_string(), format!("{}{}", need.mark(), percent_encoded(&as_sent(path))));
    error_path(host).map(line).into_iter().collect()
}

/// As nginx encodes a path that it does not have from a client, which is compared letter by letter before.
fn as_sent(path: &UriPath) -> String {
    let encoded = |byte: u8| match byte {
        b'%' | b'#' | b'?' | ..=b' ' | 0x7f.. => format!("%{byte:02X}"),
        _ => char::from(byte).to_string(),
    };
    path.as_str().bytes().map(encoded).collect()
}

/// What nginx says to those whose certificate is not good.
fn refusal(why: &str) -> String {
    format!(
        "<html><head><title>400 {why}</title></head><body><center><h1>400 Bad Request</h1></center><center>{why}</center></body></html>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_sent_so_that_it_is_decoded_to_what_was_written() {
        let sent = |text: &str| as_sent(&UriPath::new(text).unwrap());
        assert_eq!([sent("/a-b/$c"), sent("/é"), sent("/%41")], ["/a-b/$c", "/%C3%A9", "/%2541"]);
    }
}
