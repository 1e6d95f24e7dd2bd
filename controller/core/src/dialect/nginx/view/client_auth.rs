//! Certificates of clients.

use super::headers::HeadersView;
use crate::dialect::common::{authority_path, revocations_path};
use crate::dialect::nginx::expression::Expression;
use crate::model::{ClientAuth, ClientCertificates, ClientErrorPage, VerifyClient};
use serde::Serialize;
use std::borrow::Cow;

/// What `server/client_auth.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct ClientAuthView<'m> {
    denied: bool,
    checked: Option<CheckedView<'m>>,
}

#[derive(Debug, Serialize)]
struct CheckedView<'m> {
    authority: String,
    revocations: Option<String>,
    verify: &'static str,
    depth: u32,
    error_page: Option<&'m str>,
    subject: Option<Cow<'m, str>>,
    /// The headers of all routes, and those about the certificate.
    headers: HeadersView,
}

impl<'m> ClientAuthView<'m> {
    /// `common`: the headers of the host's routes.
    pub(super) fn new(auth: &'m ClientAuth, common: &HeadersView) -> Self {
        match auth {
            ClientAuth::Denied => Self { denied: true, checked: None },
            ClientAuth::Checked(checked) => Self { denied: false, checked: Some(CheckedView::new(checked, common)) },
        }
    }
}

impl<'m> CheckedView<'m> {
    fn new(checked: &'m ClientCertificates, common: &HeadersView) -> Self {
        Self {
            authority: authority_path(&checked.authority),
            revocations: checked.has_revocations.then(|| revocations_path(&checked.authority)),
            verify: match checked.verify {
                VerifyClient::Required => "on",
                VerifyClient::Optional => "optional",
                VerifyClient::OptionalOfAny => "optional_no_ca",
                VerifyClient::Off => "off",
            },
            depth: checked.depth.clamp(1, 100),
            error_page: checked.error_page.as_ref().map(|page| match page {
                ClientErrorPage::Url(url) => url.as_str(),
                ClientErrorPage::Path(path) => path.as_str(),
            }),
            subject: checked.subject.as_ref().map(crate::names::TextRegex::bounded),
            headers: common.clone(),
        }
    }
}

/// What endpoints are told about certificates, and what clients may not tell them.
pub(super) const HEADERS: [&str; 4] = ["ssl-client-verify", "ssl-client-subject-dn", "ssl-client-issuer-dn", "ssl-client-cert"];

/// The headers of a host, which tell endpoints about the certificate of its client.
pub(super) fn headers<'h>(common: &'h HeadersView, auth: Option<&ClientAuth>) -> Cow<'h, HeadersView> {
    let Some(ClientAuth::Checked(checked)) = auth else { return Cow::Borrowed(common) };
    let mut headers = common.clone();
    let variables = ["ssl_client_verify", "ssl_client_s_dn", "ssl_client_i_dn", "ssl_client_escaped_cert"];
    for (name, variable) in HEADERS.iter().zip(variables).take(if checked.pass_certificate { 4 } else { 3 }) {
        headers.send(name, Expression::variable(variable));
    }
    Cow::Owned(headers)
}
