//! What a private key says of its public half, for kinds of keys that the library here cannot load.

use rustls_pki_types::PrivateKeyDer;
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
        Some(Public::Rsa(numbers)) => sequence(public)?.numbers != numbers,
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
    /// Modulus and exponent, as DER.
    Rsa(&'k [u8]),
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
        let fields = sequence(der)?.fields;
        let [_, algorithm, private, ..] = &fields[..] else { return None };
        let algorithm = fields_of(algorithm.content)?.first()?.content;
        match algorithm {
            EC => Self::of_ec(private.content),
            RSA | RSA_PSS => Self::of_rsa(algorithm, private.content),
            _ => Some(Self { algorithm, public: tagged(&fields, 0x81).and_then(bits).map(Public::Bits) }),
        }
    }

    /// RFC 5915.
    fn of_ec(der: &'k [u8]) -> Option<Self> {
        let public = tagged(&sequence(der)?.fields, 0xa1).map(|content| bits(value(content)?.0.content));
        Some(Self { algorithm: EC, public: public.flatten().map(Public::Bits) })
    }

    /// RFC 8017, A.1.2.
    fn of_rsa(algorithm: &'k [u8], der: &'k [u8]) -> Option<Self> {
        let (_, numbers) = value(sequence(der)?.numbers)?;
        let (_, behind_modulus) = value(numbers)?;
        let (_, behind_exponent) = value(behind_modulus)?;
        let public = &numbers[..numbers.len() - behind_exponent.len()];
        Some(Self { algorithm, public: Some(Public::Rsa(public)) })
    }
}

/// One value of DER.
struct Value<'d> {
    tag: u8,
    content: &'d [u8],
}

struct Sequence<'d> {
    numbers: &'d [u8],
    fields: Vec<Value<'d>>,
}

fn sequence(der: &[u8]) -> Option<Sequence<'_>> {
    const SEQUENCE: u8 = 0x30;
    let (Value { tag: SEQUENCE, content }, []) = value(der)? else { return None };
    Some(Sequence { numbers: content, fields: fields_of(content)? })
}

fn fields_of(mut der: &[u8]) -> Option<Vec<Value<'_>>> {
    let mut fields = Vec::new();
    while !der.is_empty() {
        let (field, rest) = value(der)?;
        fields.push(field);
        der = rest;
    }
    Some(fields)
}

/// The first value, and what follows.
fn value(der: &[u8]) -> Option<(Value<'_>, &[u8])> {
    const LONG: u8 = 0x80;
    let (&[tag, first], mut rest) = der.split_first_chunk()?;
    let mut length = usize::from(first);
    if first >= LONG {
        let bytes;
        (bytes, rest) = rest.split_at_checked(usize::from(first - LONG)).filter(|(bytes, _)| (1..=3).contains(&bytes.len()))?;
        length = bytes.iter().fold(0, |length, &byte| (length << 8) | usize::from(byte));
    }
    let (content, rest) = rest.split_at_checked(length)?;
    Some((Value { tag, content }, rest))
}

fn tagged<'d>(fields: &[Value<'d>], tag: u8) -> Option<&'d [u8]> {
    fields.iter().find(|field| field.tag == tag).map(|field| field.content)
}

/// The bits of a bit string; the first byte tells how many of the last are none.
fn bits(content: &[u8]) -> Option<&[u8]> {
    content.split_first().map(|(_, bits)| bits)
}
