//! Authorities out of Secrets: decoded, checked, written again as PEM of our own.

use super::certificate::write_block;
use super::secret::Unreadable;
use crate::model::Authority;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};
use std::sync::Arc;
use x509_parser::prelude::{CertificateRevocationList, FromDer, X509Certificate};

/// Why the contents of a Secret are no authority. Messages hold nothing of the Secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum AuthorityError {
    /// A key of the Secret has a value that is none.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// A key of the Secret is missing.
    #[error("it has no ca.crt")]
    Missing,
    /// A certificate that cannot be read, or none.
    #[error("ca.crt does not hold PEM certificates only")]
    BadCertificate,
    /// A list that cannot be read, or none.
    #[error("ca.crl does not hold PEM lists of revoked certificates only")]
    BadRevocations,
}

/// Reads `ca.crt` and `ca.crl` of a Secret.
pub(super) fn parse(certificates: Option<&[u8]>, revocations: Option<&[u8]>) -> Result<Authority, AuthorityError> {
    let certificates = certificates.filter(|pem| !pem.is_empty()).ok_or(AuthorityError::Missing)?;
    let (mut pem, mut valid_s) = (String::new(), Vec::new());
    for item in CertificateDer::pem_slice_iter(certificates) {
        let der = item.map_err(|_| AuthorityError::BadCertificate)?;
        let (_, certificate) = X509Certificate::from_der(&der).map_err(|_| AuthorityError::BadCertificate)?;
        valid_s.push((certificate.validity().not_before.timestamp(), certificate.validity().not_after.timestamp()));
        write_block(&mut pem, "CERTIFICATE", &der);
    }
    if pem.is_empty() {
        return Err(AuthorityError::BadCertificate);
    }
    let revocations = revocations.filter(|pem| !pem.is_empty()).map(lists).transpose()?;
    Ok(Authority::new(pem.into_bytes().into(), revocations).valid(valid_s))
}

fn lists(bytes: &[u8]) -> Result<Arc<[u8]>, AuthorityError> {
    let mut pem = String::new();
    for item in CertificateRevocationListDer::pem_slice_iter(bytes) {
        let der = item.map_err(|_| AuthorityError::BadRevocations)?;
        CertificateRevocationList::from_der(&der).map_err(|_| AuthorityError::BadRevocations)?;
        write_block(&mut pem, "X509 CRL", &der);
    }
    if pem.is_empty() { Err(AuthorityError::BadRevocations) } else { Ok(pem.into_bytes().into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_written_again_without_what_stood_around_it() {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(vec!["ca".to_owned()]).unwrap().self_signed(&key).unwrap().pem();
        let read = parse(Some(format!("junk; return 418;\n{certificate}").as_bytes()), None).unwrap();
        assert!(std::str::from_utf8(&read.pem).unwrap().starts_with("-----BEGIN CERTIFICATE-----\n"));
        assert_eq!(parse(Some(&read.pem), Some(b"")).unwrap(), read);
        assert_eq!(parse(None, None), Err(AuthorityError::Missing));
        assert_eq!(parse(Some(b"hello"), None), Err(AuthorityError::BadCertificate));
        assert_eq!(parse(Some(&read.pem), Some(b"hello")), Err(AuthorityError::BadRevocations));
        let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(parse(Some(broken), None), Err(AuthorityError::BadCertificate));
    }
}
