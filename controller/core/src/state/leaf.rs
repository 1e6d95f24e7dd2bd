//! What a certificate says of itself, for metrics and warnings about its expiry.

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use x509_parser::oid_registry::{OID_KEY_TYPE_EC_PUBLIC_KEY, OID_PKCS1_RSAENCRYPTION, OID_SIG_ED25519, OID_X509_SERIALNUMBER};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

/// The first certificate of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// End of validity, in seconds since 1970.
    pub not_after_s: i64,
    /// Serial number, decimal.
    pub serial: String,
    /// The serial number in the name of the issuer; usually empty.
    pub issuer_serial: String,
    /// Organizations of the issuer, separated by commas.
    pub issuer_organization: String,
    /// Common name of the issuer.
    pub issuer_common_name: String,
    /// `RSA`, `ECDSA`, `Ed25519`, or an object identifier.
    pub public_key_algorithm: String,
}

impl Leaf {
    /// Reads the first certificate of PEM text; `None`: there is none that can be read.
    #[must_use]
    pub fn of_pem(pem: &[u8]) -> Option<Self> {
        let der = CertificateDer::pem_slice_iter(pem).next()?.ok()?;
        let (_, leaf) = X509Certificate::from_der(&der).ok()?;
        let issuer = leaf.issuer();
        let algorithm = &leaf.public_key().algorithm.algorithm;
        let named = [(OID_PKCS1_RSAENCRYPTION, "RSA"), (OID_KEY_TYPE_EC_PUBLIC_KEY, "ECDSA"), (OID_SIG_ED25519, "Ed25519")];
        let name = named.iter().find(|(known, _)| known == algorithm).map(|(_, name)| (*name).to_owned());
        Some(Self {
            not_after_s: leaf.validity().not_after.timestamp(),
            serial: leaf.serial.to_string(),
            issuer_serial: joined(issuer.iter_by_oid(&OID_X509_SERIALNUMBER)),
            issuer_organization: joined(issuer.iter_organization()),
            issuer_common_name: common_name(issuer),
            public_key_algorithm: name.unwrap_or_else(|| algorithm.to_id_string()),
        })
    }
}

fn joined<'a>(attributes: impl Iterator<Item = &'a AttributeTypeAndValue<'a>>) -> String {
    attributes.filter_map(|attribute| attribute.as_str().ok()).collect::<Vec<_>>().join(",")
}

/// As Go reads it, whose programs named these labels: of several names the last one.
fn common_name(name: &X509Name<'_>) -> String {
    name.iter_common_name().filter_map(|attribute| attribute.as_str().ok()).last().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, KeyPair, SerialNumber};

    #[test]
    fn a_leaf_tells_its_end_its_serial_and_its_issuer() {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["a.test".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::OrganizationName, "Some Org");
        params.distinguished_name.push(DnType::CommonName, "Some Name");
        params.serial_number = Some(SerialNumber::from(258_u64));
        params.not_after = std::time::SystemTime::UNIX_EPOCH.checked_add(std::time::Duration::from_secs(2_000_000_000)).unwrap().into();
        let pem = params.self_signed(&key).unwrap().pem();
        let leaf = Leaf::of_pem(pem.as_bytes()).unwrap();
        let expected = Leaf {
            not_after_s: 2_000_000_000,
            serial: "258".to_owned(),
            issuer_serial: String::new(),
            issuer_organization: "Some Org".to_owned(),
            issuer_common_name: "Some Name".to_owned(),
            public_key_algorithm: "ECDSA".to_owned(),
        };
        assert_eq!(leaf, expected);
        assert_eq!(Leaf::of_pem(b"hello"), None);
    }
}
