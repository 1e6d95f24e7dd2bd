//! Certificates of clients.

use super::section::page;
use crate::dialect::haproxy::clients::asked_for;
use crate::dialect::haproxy::expression::Expression;
use crate::model::{ClientAuth, ClientCertificates, ClientErrorPage, Feature, Globals, Model, VerifyClient};
use crate::names::HostPattern;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What `route/client_auth.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct ClientAuthView<'m> {
    /// A client needs a certificate.
    required: bool,
    /// Results of its verification that are good enough.
    good: Vec<u8>,
    /// Where clients without a good one are sent.
    error_url: Option<Expression>,
    /// The frontend has another path in place of theirs, where it could tell.
    is_told_before: bool,
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
        Self {
            required: checked.verify == VerifyClient::Required,
            good: good(checked),
            error_url,
            is_told_before: matches!(checked.error_page, Some(ClientErrorPage::Path(_))),
            missing_page: refusal("No required SSL certificate was sent"),
            error_page: refusal("The SSL certificate error"),
            misdirected_page: page(421),
            content_type: globals.default_type.as_str(),
            subject: checked.subject.as_ref().map(crate::names::TextRegex::bounded),
            headers: tolerated(checked).map(|(result, text)| CertificateHeaderView { result, text }).collect(),
            pass_certificate: checked.pass_certificate,
        }
    }
}

/// Results that are good enough though the authority is not known.
fn tolerated(checked: &ClientCertificates) -> impl Iterator<Item = (u8, &'static str)> {
    let of_any = checked.verify == VerifyClient::OptionalOfAny;
    UNKNOWN_AUTHORITY.into_iter().filter(move |_| of_any)
}

/// Results that are good enough.
fn good(checked: &ClientCertificates) -> Vec<u8> {
    std::iter::once(0).chain(tolerated(checked).map(|(result, _)| result)).collect()
}

/// A path that clients without a good certificate get in place of the one that they ask for.
#[derive(Debug, Serialize)]
pub(super) struct ErrorPathView {
    number: String,
    path: Expression,
    required: bool,
    good: Vec<u8>,
    /// Keys of the hosts that have it, in lines of a bounded number.
    hosts: Vec<Vec<String>>,
}

/// All of them.
pub(super) fn error_paths(model: &Model) -> Vec<ErrorPathView> {
    const WORDS: usize = 40;
    let mut found: BTreeMap<(&str, bool, Vec<u8>), Vec<String>> = BTreeMap::new();
    for host in model.hosts.having(Feature::ClientAuth) {
        let Some(checked) = asked_for(host) else { continue };
        if let Some(ClientErrorPage::Path(path)) = &checked.error_page {
            let key = (path.as_str(), checked.verify == VerifyClient::Required, good(checked));
            found.entry(key).or_default().push(key_of(&host.pattern));
        }
    }
    let view = |(number, ((path, required, good), hosts)): (usize, ((&str, bool, Vec<u8>), Vec<String>))| ErrorPathView {
        number: number.to_string(),
        path: Expression::literal(path),
        required,
        good,
        hosts: hosts.chunks(WORDS).map(<[_]>::to_vec).collect(),
    };
    found.into_iter().enumerate().map(view).collect()
}

/// What the frontend calls a host.
fn key_of(pattern: &HostPattern) -> String {
    if *pattern == HostPattern::CatchAll { "_".to_owned() } else { pattern.to_string() }
}

/// What nginx says to those whose certificate is not good.
fn refusal(why: &str) -> String {
    format!(
        "<html><head><title>400 {why}</title></head><body><center><h1>400 Bad Request</h1></center><center>{why}</center></body></html>"
    )
}
