//! What a private key says of its public half, for kinds of keys that the library here cannot load.

use rustls_pki_types::PrivateKeyDer;
use x509_parser::asn1_rs::{Any, Class, FromBer, Tag};
use x509_parser::x509::SubjectPublicKeyInfo;

/// Whether a key is that of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// The key is of another kind, or names another public half.
    Differs,
    /// Nothing speaks against it.
    Possible,
}

const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];

/// Compares a key with the public half in a certificate; `None`: the key cannot be decoded.
pub(super) fn fit(key: &PrivateKeyDer<'_>, certified: &SubjectPublicKeyInfo<'_>) -> Option<Fit> {
    let key = Told::of(key)?;
    let same_kind = key.algorithm == certified.algorithm.algorithm.as_bytes();
    let public: &[u8] = certified.subject_public_key.data.as_ref();
    let differs = match key.public {
        _ if !same_kind => true,
        Some(Public::Rsa(own)) => numbers(public)? != own,
        // A point is written in a short and in a long form.
        Some(Public::Bits(bits)) => bits.len() == public.len() && bits != public,
        None => false,
    };
    Some(if differs { Fit::Differs } else { Fit::Possible })
}

/// What stands in a key.
struct Told<'k> {
    algorithm: &'k [u8],
    public: Option<Public<'k>>,
}

enum Public<'k> {
    /// Modulus and exponent.
    Rsa(Vec<&'k [u8]>),
    /// As a certificate has it.
    Bits(&'k [u8]),
}

impl<'k> Told<'k> {
    fn of(key: &'k PrivateKeyDer<'_>) -> Option<Self> {
        match key {
            PrivateKeyDer::Pkcs1(key) => Self::of_rsa(RSA, key.secret_pkcs1_der()),
            PrivateKeyDer::Sec1(key) => Self::of_ec(key.secret_sec1_der()),
            PrivateKeyDer::Pkcs8(key) => Self::of_pkcs8(key.secret_pkcs8_der()),
            _ => None,
        }
    }

    /// RFC 5958.
    fn of_pkcs8(der: &'k [u8]) -> Option<Self> {
        let fields = sequence(der)?;
        let [_, algorithm, private, ..] = &fields[..] else { return None };
        let algorithm = values(algorithm.data)?.first()?.data;
        match algorithm {
            EC => Self::of_ec(private.data),
            RSA | RSA_PSS => Self::of_rsa(algorithm, private.data),
            _ => Some(Self { algorithm, public: public(&fields).and_then(bits).map(Public::Bits) }),
        }
    }

    /// RFC 5915.
    fn of_ec(der: &'k [u8]) -> Option<Self> {
        let public = public(&sequence(der)?).and_then(|explicit| bits(values(explicit)?.first()?.data));
        Some(Self { algorithm: EC, public: public.map(Public::Bits) })
    }

    /// RFC 8017, A.1.2.
    fn of_rsa(algorithm: &'k [u8], der: &'k [u8]) -> Option<Self> {
        let public = numbers(der)?.get(1..3)?.to_vec();
        Some(Self { algorithm, public: Some(Public::Rsa(public)) })
    }
}

fn sequence(der: &[u8]) -> Option<Vec<Any<'_>>> {
    let ([], sequence) = Any::from_ber(der).ok()? else { return None };
    (sequence.tag() == Tag::Sequence).then(|| values(sequence.data))?
}

/// Values that follow one another.
fn values(mut der: &[u8]) -> Option<Vec<Any<'_>>> {
    let mut values = Vec::new();
    while !der.is_empty() {
        let (rest, value) = Any::from_ber(der).ok()?;
        values.push(value);
        der = rest;
    }
    Some(values)
}

fn numbers(der: &[u8]) -> Option<Vec<&[u8]>> {
    Some(sequence(der)?.into_iter().map(|number| number.data).collect())
}

/// The field for the public half, which has the same number in both formats that have one.
fn public<'d>(fields: &[Any<'d>]) -> Option<&'d [u8]> {
    let is_it = |field: &&Any<'_>| field.class() == Class::ContextSpecific && field.tag() == Tag(1);
    fields.iter().find(is_it).map(|field| field.data)
}

/// The bits of a bit string; the first byte tells how many of the last are none.
fn bits(content: &[u8]) -> Option<&[u8]> {
    content.split_first().map(|(_, bits)| bits)
}
