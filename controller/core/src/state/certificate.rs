//! Key pairs out of Secrets: decoded, checked, written again as PEM of our own.

use super::private_key::{Fit, fit};
use super::secret::Unreadable;
use crate::names::HostName;
use base64::Engine;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::fmt;
use std::sync::Arc;
use x509_parser::prelude::{FromDer, GeneralName, ParsedExtension, X509Certificate};
use x509_parser::public_key::PublicKey;

/// A chain of more than this many certificates is a mistake: a handshake carries the whole chain.
const MOST_CERTIFICATES: usize = 16;

/// A certificate chain and its key. They belong together, as far as can be told here.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyPair {
    /// The chain, leaf first, then the key; PEM made from the decoded parts, so that no other text of the Secret is in it.
    pub pem: Arc<[u8]>,
    /// DNS names that the leaf is for; its common name where it has no DNS names. Lower case; wildcards as `*.x`.
    pub names: Vec<Box<str>>,
    /// End of validity of the leaf, in seconds since 1970.
    pub not_after_s: i64,
    /// Begin of validity of the leaf, in the same way.
    pub not_before_s: i64,
    /// The names are those of the subject, for there are no others; clients do not look at them there.
    pub names_are_common: bool,
    /// The key is of a kind that cannot be loaded here, so it is the proxy who finds out whether it is the certificate's.
    pub unchecked: bool,
    /// Content hash of `pem`.
    pub digest: u128,
}

/// Never shows the key.
impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair").field("names", &self.names).field("not_after_s", &self.not_after_s).finish_non_exhaustive()
    }
}

/// Why the contents of a Secret are not a key pair. Messages hold nothing of the Secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// A key of the Secret has a value that is none.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// A key of the Secret is missing.
    #[error("it has no {0}")]
    Missing(&'static str),
    /// No certificate in `tls.crt`.
    #[error("tls.crt holds no PEM certificate")]
    NoCertificate,
    /// A certificate that cannot be read.
    #[error("certificate {0} of tls.crt cannot be decoded")]
    BadCertificate(usize),
    /// More certificates than a handshake carries.
    #[error("tls.crt holds more than {MOST_CERTIFICATES} certificates; leave in the chain from the leaf to the authority only")]
    LongChain,
    /// A certificate that TLS libraries refuse to present.
    #[error("certificate {0} of tls.crt is too weak; use RSA of at least 2048 bits or ECDSA, signed with SHA-256 or better")]
    Weak(usize),
    /// No key in `tls.key`.
    #[error("tls.key does not hold a PEM private key")]
    NoKey,
    /// A key that needs a passphrase.
    #[error("the private key in tls.key is encrypted; store it without a passphrase")]
    EncryptedKey,
    /// The key is broken.
    #[error("the private key in tls.key cannot be decoded")]
    UnreadableKey,
    /// The key is another certificate's.
    #[error("the private key in tls.key does not belong to the certificate in tls.crt")]
    Mismatch,
    /// The chain does not begin with the leaf.
    #[error("the private key in tls.key belongs to certificate {0} of tls.crt; put that one first")]
    LeafBehind(usize),
}

impl KeyPair {
    /// Reads `tls.crt` and `tls.key` of a Secret.
    ///
    /// # Errors
    /// [`CertificateError`]; the source of the rules is `kubernetes.io/tls` as ingress controllers read it.
    pub fn parse(certificate: Option<&[u8]>, key: Option<&[u8]>) -> Result<Self, CertificateError> {
        let certificate = certificate.filter(|c| !c.is_empty()).ok_or(CertificateError::Missing("tls.crt"))?;
        let key = key.filter(|k| !k.is_empty()).ok_or(CertificateError::Missing("tls.key"))?;
        let chain = read_chain(certificate)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| without_key(key))?;
        let Leaf { names, names_are_common, not_before_s, not_after_s } = check_chain(&chain)?;
        let unchecked = check_pair(&chain, &key).map_err(|why| behind(&chain, &key, why))? == Checked::ByTheProxy;
        let pem: Arc<[u8]> = write_pem(&chain, &key).into_bytes().into();
        let digest = xxhash_rust::xxh3::xxh3_128(&pem);
        Ok(Self { pem, names, not_after_s, not_before_s, names_are_common, unchecked, digest })
    }

    /// Whether the leaf is for this host: a name of its own, or a wildcard one label above.
    #[must_use]
    pub fn covers(&self, host: &HostName) -> bool {
        let host = host.as_str();
        let parent = host.split_once('.').map(|(_, parent)| parent);
        self.names.iter().any(|name| &**name == host || name.strip_prefix("*.").is_some_and(|rest| Some(rest) == parent))
    }

    /// Whether the leaf is for every host that this wildcard (`parent` without the `*.`) takes.
    #[must_use]
    pub fn covers_wildcard(&self, parent: &HostName) -> bool {
        self.names.iter().any(|name| name.strip_prefix("*.") == Some(parent.as_str()))
    }
}

fn read_chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let mut chain = Vec::new();
    for item in CertificateDer::pem_slice_iter(pem) {
        chain.push(item.map_err(|_| CertificateError::BadCertificate(chain.len() + 1))?);
        if chain.len() > MOST_CERTIFICATES {
            return Err(CertificateError::LongChain);
        }
    }
    if chain.is_empty() { Err(CertificateError::NoCertificate) } else { Ok(chain) }
}

/// Proxies present the whole chain, so a bad link of it costs every handshake; HAProxy does not even start with one.
/// Gives what the leaf says of itself.
fn check_chain(chain: &[CertificateDer<'_>]) -> Result<Leaf, CertificateError> {
    let mut read = Vec::new();
    for (index, der) in chain.iter().enumerate() {
        match X509Certificate::from_der(der) {
            Ok(([], certificate)) if is_strong(&certificate) => read.push(certificate),
            Ok(([], _)) => return Err(CertificateError::Weak(index + 1)),
            _ => return Err(CertificateError::BadCertificate(index + 1)),
        }
    }
    read_leaf(&read[0])
}

/// What the default security level of OpenSSL 3 asks of a certificate.
fn is_strong(certificate: &X509Certificate<'_>) -> bool {
    const WEAK_SIGNATURES: [&str; 5] = [
        "1.2.840.113549.1.1.2", // RSA with MD2
        "1.2.840.113549.1.1.4", // RSA with MD5
        "1.2.840.113549.1.1.5", // RSA with SHA-1
        "1.2.840.10040.4.3",    // DSA with SHA-1
        "1.2.840.10045.4.1",    // ECDSA with SHA-1
    ];
    const LEAST_RSA_BITS: usize = 2048;
    const LEAST_EC_BITS: usize = 224;
    let key_is_strong = match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(key)) => key.key_size() >= LEAST_RSA_BITS,
        Ok(PublicKey::EC(point)) => point.key_size() >= LEAST_EC_BITS,
        Ok(PublicKey::Unknown(_)) => true,
        _ => false,
    };
    // Nobody checks the signature of an authority by itself.
    key_is_strong && (is_root(certificate) || !WEAK_SIGNATURES.contains(&&*certificate.signature_algorithm.algorithm.to_id_string()))
}

/// What OpenSSL takes for one: it names itself as its authority, and no other key or number than its own.
fn is_root(certificate: &X509Certificate<'_>) -> bool {
    let extensions = || certificate.iter_extensions().map(|extension| extension.parsed_extension());
    let of_authority = extensions().find_map(|one| if let ParsedExtension::AuthorityKeyIdentifier(id) = one { Some(id) } else { None });
    let own = extensions().find_map(|one| if let ParsedExtension::SubjectKeyIdentifier(id) = one { Some(id) } else { None });
    let names_another = of_authority.is_some_and(|authority| {
        authority.key_identifier.as_ref().zip(own).is_some_and(|(key, own)| key != own)
            || authority.authority_cert_serial.is_some_and(|number| number != certificate.raw_serial())
    });
    certificate.subject() == certificate.issuer() && !names_another
}

/// What a leaf says of itself.
struct Leaf {
    names: Vec<Box<str>>,
    names_are_common: bool,
    not_before_s: i64,
    not_after_s: i64,
}

fn read_leaf(leaf: &X509Certificate<'_>) -> Result<Leaf, CertificateError> {
    let alternative = leaf.subject_alternative_name().map_err(|_| CertificateError::BadCertificate(1))?;
    let mut names: Vec<Box<str>> = alternative
        .into_iter()
        .flat_map(|extension| &extension.value.general_names)
        .filter_map(|name| if let GeneralName::DNSName(name) = name { Some(name.to_ascii_lowercase().into()) } else { None })
        .collect();
    let names_are_common = names.is_empty();
    if names_are_common {
        names.extend(leaf.subject().iter_common_name().filter_map(|cn| cn.as_str().ok()).map(|cn| cn.to_ascii_lowercase().into()));
    }
    let validity = leaf.validity();
    let (not_before_s, not_after_s) = (validity.not_before.timestamp(), validity.not_after.timestamp());
    Ok(Leaf { names, names_are_common, not_before_s, not_after_s })
}

/// Who says that a key is the certificate's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Checked {
    Here,
    ByTheProxy,
}

/// Keys that the library here cannot load (P-521, long RSA keys, Ed448 …) are compared by what stands in them. Of the
/// certificate only its key is looked at: proxies take some that clients of today refuse, such as those of version 1.
fn check_pair(chain: &[CertificateDer<'static>], key: &PrivateKeyDer<'static>) -> Result<Checked, CertificateError> {
    let (_, leaf) = X509Certificate::from_der(&chain[0]).map_err(|_| CertificateError::BadCertificate(1))?;
    let signer = rustls::crypto::ring::sign::any_supported_type(key).ok();
    if let Some(of_key) = signer.and_then(|signer| signer.public_key().map(|key| key.to_vec())) {
        return if of_key == leaf.public_key().raw { Ok(Checked::Here) } else { Err(CertificateError::Mismatch) };
    }
    match fit(key, leaf.public_key()).ok_or(CertificateError::UnreadableKey)? {
        Fit::Possible => Ok(Checked::ByTheProxy),
        Fit::Differs => Err(CertificateError::Mismatch),
    }
}

/// Why no key can be read, where a text should hold one. Both ways to write an encrypted one say so.
fn without_key(text: &[u8]) -> CertificateError {
    const MARK: &[u8] = b"ENCRYPTED";
    if text.windows(MARK.len()).any(|part| part == MARK) { CertificateError::EncryptedKey } else { CertificateError::NoKey }
}

/// What is wrong with a key that is not the first certificate's: it may be a later one's.
fn behind(chain: &[CertificateDer<'static>], key: &PrivateKeyDer<'static>, why: CertificateError) -> CertificateError {
    let is_of = |first: &usize| matches!(check_pair(&chain[*first..], key), Ok(Checked::Here));
    let later = if why == CertificateError::Mismatch { (1..chain.len()).find(is_of) } else { None };
    later.map_or(why, |first| CertificateError::LeafBehind(first + 1))
}

fn write_pem(chain: &[CertificateDer<'_>], key: &PrivateKeyDer<'_>) -> String {
    let mut out = String::new();
    for certificate in chain {
        write_block(&mut out, "CERTIFICATE", certificate);
    }
    let label = match key {
        PrivateKeyDer::Pkcs1(_) => "RSA PRIVATE KEY",
        PrivateKeyDer::Sec1(_) => "EC PRIVATE KEY",
        _ => "PRIVATE KEY",
    };
    write_block(&mut out, label, key.secret_der());
    out
}

pub(super) fn write_block(out: &mut String, label: &str, der: &[u8]) {
    const LINE: usize = 64;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    out.push_str("-----BEGIN ");
    out.push_str(label);
    out.push_str("-----\n");
    for line in text.as_bytes().chunks(LINE) {
        out.push_str(std::str::from_utf8(line).expect("base64 is ASCII"));
        out.push('\n');
    }
    out.push_str("-----END ");
    out.push_str(label);
    out.push_str("-----\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(names: &[&str]) -> (String, String) {
        let key = rcgen::KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        let certificate = rcgen::CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    fn parse(certificate: &str, key: &str) -> Result<KeyPair, CertificateError> {
        KeyPair::parse(Some(certificate.as_bytes()), Some(key.as_bytes()))
    }

    #[test]
    fn a_pair_is_written_again_without_what_stood_around_it() {
        let (certificate, key) = pair(&["a.test", "*.w.test"]);
        let read = parse(&format!("junk; return 418;\n{certificate}"), &key).unwrap();
        let text = std::str::from_utf8(&read.pem).unwrap();
        assert!(text.starts_with("-----BEGIN CERTIFICATE-----\n") && !text.contains("junk"));
        assert_eq!(parse(text, text).unwrap(), read, "what we write reads as what it was");
    }

    #[test]
    fn a_key_among_the_certificates_is_left_out() {
        let ((certificate, key), (_, other)) = (pair(&["a.test"]), pair(&["a.test"]));
        let plain = parse(&certificate, &key).unwrap();
        for among in [format!("{other}{certificate}"), format!("{certificate}{other}"), format!("{key}{certificate}")] {
            assert_eq!(parse(&among, &key).unwrap(), plain);
        }
        assert_eq!(parse(&key, &key), Err(CertificateError::NoCertificate));
    }

    #[test]
    fn an_encrypted_key_and_a_chain_in_the_wrong_order_are_told() {
        let ((certificate, key), (authority, _)) = (pair(&["a.test"]), pair(&["ca.test"]));
        assert_eq!(parse(&format!("{authority}{certificate}"), &key), Err(CertificateError::LeafBehind(2)));
        let legacy =
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
        for encrypted in [legacy, "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"] {
            assert_eq!(parse(&certificate, encrypted), Err(CertificateError::EncryptedKey));
        }
    }

    #[test]
    fn names_cover_one_label() {
        let (certificate, key) = pair(&["A.test", "*.w.test"]);
        let read = parse(&certificate, &key).unwrap();
        for (host, covered) in [("a.test", true), ("x.w.test", true), ("w.test", false), ("x.y.w.test", false), ("b.test", false)] {
            assert_eq!(read.covers(&HostName::new(host).unwrap()), covered, "{host}");
        }
        assert!(read.covers_wildcard(&HostName::new("w.test").unwrap()));
        assert!(!read.covers_wildcard(&HostName::new("a.test").unwrap()));
    }

    #[test]
    fn broken_pairs_say_what_is_wrong() {
        let ((certificate, key), (_, other)) = (pair(&["a.test"]), pair(&["a.test"]));
        assert_eq!(parse(&certificate, &other), Err(CertificateError::Mismatch));
        assert_eq!(parse("hello", &key), Err(CertificateError::NoCertificate));
        assert_eq!(parse(&certificate, "hello"), Err(CertificateError::NoKey));
        assert_eq!(KeyPair::parse(None, Some(b"x")), Err(CertificateError::Missing("tls.crt")));
        let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(parse(garbage, &key), Err(CertificateError::BadCertificate(1)));
        assert_eq!(parse(&format!("{certificate}{garbage}"), &key), Err(CertificateError::BadCertificate(2)));
        assert_eq!(parse(&certificate.repeat(MOST_CERTIFICATES + 1), &key), Err(CertificateError::LongChain));
        assert!(parse(&certificate.repeat(2), &key).is_ok());
    }

    #[test]
    fn a_weak_signature_of_somebody_with_the_same_name_is_weak() {
        let pem = include_str!("../../tests/keys/names-itself-sha1.pem");
        assert_eq!(parse(pem, pem), Err(CertificateError::Weak(1)));
    }

    #[test]
    fn keys_of_kinds_that_only_proxies_know_are_taken() {
        for (kind, pem) in [
            ("P-521", include_str!("../../tests/keys/p521.pem")),
            ("secp256k1", include_str!("../../tests/keys/secp256k1.pem")),
            ("Ed448", include_str!("../../tests/keys/ed448.pem")),
            ("RSA-PSS", include_str!("../../tests/keys/rsa-pss.pem")),
        ] {
            let read = parse(pem, pem).unwrap_or_else(|why| panic!("{kind}: {why}"));
            assert!(read.unchecked && *read.names == [Box::from("*.curves.test")], "{kind}");
        }
        let (certificate, key) = pair(&["a.test"]);
        assert!(!parse(&certificate, &key).unwrap().unchecked);
    }

    #[test]
    fn certificates_that_only_clients_refuse_are_taken() {
        let [old, strange] = [include_str!("../../tests/keys/version-1.pem"), include_str!("../../tests/keys/unknown-critical.pem")];
        for (pem, names_are_common) in [(old, true), (strange, false)] {
            let read = parse(pem, pem).unwrap();
            assert!(!read.unchecked && *read.names == [Box::from("*.curves.test")] && read.names_are_common == names_are_common);
            assert_eq!(parse(pem, &pair(&["a.test"]).1), Err(CertificateError::Mismatch));
        }
    }

    #[test]
    fn of_such_keys_those_that_differ_are_told_where_that_can_be_seen() {
        let [p521, ed448, pss] = [
            include_str!("../../tests/keys/p521.pem"),
            include_str!("../../tests/keys/ed448.pem"),
            include_str!("../../tests/keys/rsa-pss.pem"),
        ];
        let (_, p256) = pair(&["a.test"]);
        assert_eq!(parse(p521, include_str!("../../tests/keys/other-p521.key")), Err(CertificateError::Mismatch));
        for (certificate, key) in [(p521, ed448), (p521, &*p256), (ed448, p521), (pss, p521), (p521, pss)] {
            assert_eq!(parse(certificate, key), Err(CertificateError::Mismatch));
        }
        let unseen = parse(p521, include_str!("../../tests/keys/other-p521-alone.key")).unwrap();
        assert!(unseen.unchecked, "a key without its public half tells nothing");
        assert!(parse(p521, include_str!("../../tests/keys/p521-alone.key")).unwrap().unchecked);
        let garbage = "-----BEGIN PRIVATE KEY-----\nMAAA\n-----END PRIVATE KEY-----\n";
        assert_eq!(parse(p521, garbage), Err(CertificateError::UnreadableKey));
    }
}
