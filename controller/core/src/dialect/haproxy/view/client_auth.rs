//! Certificates of clients.

use super::section::page;
use crate::dialect::haproxy::expression::Expression;
use crate::model::{ClientAuth, ClientCertificates, ClientErrorPage, Globals, VerifyClient};
use serde::Serialize;
use std::borrow::Cow;

/// What `route/client_auth.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct ClientAuthView<'m> {
    /// A client needs a certificate.
    required: bool,
    /// Results of its verification that are good enough.
    good: Vec<u8>,
    /// Where clients without a good one go.
    error_url: Option<Expression>,
    error_path: Option<Expression>,
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
        let of_any = checked.verify == VerifyClient::OptionalOfAny;
        let tolerated = UNKNOWN_AUTHORITY.into_iter().filter(|_| of_any);
        let (error_url, error_path) = match &checked.error_page {
            Some(ClientErrorPage::Url(url)) => (Some(Expression::literal(url.as_str())), None),
            Some(ClientErrorPage::Path(path)) => (None, Some(Expression::literal(path.as_str()))),
            None => (None, None),
        };
        Self {
            required: checked.verify == VerifyClient::Required,
            good: std::iter::once(0).chain(tolerated.clone().map(|(result, _)| result)).collect(),
            error_url,
            error_path,
            missing_page: refusal("No required SSL certificate was sent"),
            error_page: refusal("The SSL certificate error"),
            misdirected_page: page(421),
            content_type: globals.default_type.as_str(),
            subject: checked.subject.as_ref().map(crate::names::TextRegex::bounded),
            headers: tolerated.map(|(result, text)| CertificateHeaderView { result, text }).collect(),
            pass_certificate: checked.pass_certificate,
        }
    }
}

/// What nginx says to those whose certificate is not good.
fn refusal(why: &str) -> String {
    format!(
        "<html><head><title>400 {why}</title></head><body><center><h1>400 Bad Request</h1></center><center>{why}</center></body></html>"
    )
}
