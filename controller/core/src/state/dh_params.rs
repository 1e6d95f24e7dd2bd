//! Diffie-Hellman parameters out of Secrets: decoded, checked, written again as PEM of our own.

use super::certificate::write_block;
use super::secret::Unreadable;
use crate::model::DhParams;
use x509_parser::pem::Pem;

/// Shortest prime in bytes: OpenSSL refuses to load a shorter one.
const MIN_BYTES: usize = 256;

/// Why the contents of a Secret are no parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum DhParamsError {
    /// A key of the Secret has a value that is none.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// A key of the Secret is missing.
    #[error("it has no dhparam.pem")]
    Missing,
    /// Something else than parameters.
    #[error("dhparam.pem does not hold PEM parameters of Diffie-Hellman")]
    Bad,
    /// A prime that no proxy takes.
    #[error("the prime in dhparam.pem is shorter than 2048 bits")]
    Short,
}

/// Reads `dhparam.pem` of a Secret.
pub(super) fn parse(bytes: Option<&[u8]>) -> Result<DhParams, DhParamsError> {
    let bytes = bytes.filter(|pem| !pem.is_empty()).ok_or(DhParamsError::Missing)?;
    let block = Pem::iter_from_buffer(bytes).flatten().find(|block| block.label == "DH PARAMETERS").ok_or(DhParamsError::Bad)?;
    let prime = prime(&block.contents).ok_or(DhParamsError::Bad)?;
    if prime.len() < MIN_BYTES {
        return Err(DhParamsError::Short);
    }
    let mut pem = String::new();
    write_block(&mut pem, "DH PARAMETERS", &block.contents);
    Ok(DhParams { pem: pem.into_bytes().into() })
}

/// The prime of `SEQUENCE { INTEGER prime, INTEGER generator, … }`, if nothing stands behind the sequence.
fn prime(der: &[u8]) -> Option<&[u8]> {
    let (inside, rest) = element(der, 0x30)?;
    let (prime, behind) = element(inside, 0x02)?;
    element(behind, 0x02)?;
    let first = prime.iter().position(|byte| *byte != 0)?;
    rest.is_empty().then(|| &prime[first..])
}

/// The content of an element with this tag, and what stands behind it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[own, length], rest) = der.split_first_chunk::<2>()?;
    if own != tag {
        return None;
    }
    if length < 0x80 {
        return rest.split_at_checked(length.into());
    }
    let (digits, rest) = rest.split_at_checked((length & 0x7f).into())?;
    let length = digits.iter().try_fold(0_usize, |all, digit| all.checked_mul(256)?.checked_add((*digit).into()))?;
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(prime_bytes: usize) -> Vec<u8> {
        let long = |length: usize| [0x82, (length >> 8) as u8, length as u8];
        let mut inside = [&[0x02][..], &long(prime_bytes + 1), &[0], &vec![0xfb; prime_bytes], &[0x02, 0x01, 0x02]].concat();
        let mut der = [&[0x30][..], &long(inside.len())].concat();
        der.append(&mut inside);
        let mut pem = String::from("junk; return 418;\n");
        write_block(&mut pem, "DH PARAMETERS", &der);
        pem.into_bytes()
    }

    #[test]
    fn parameters_are_written_again_without_what_stood_around_them() {
        let read = parse(Some(&params(256))).unwrap();
        assert!(read.pem.starts_with(b"-----BEGIN DH PARAMETERS-----\n"));
        assert_eq!(parse(Some(&read.pem)), Ok(read));
    }

    #[test]
    fn what_no_proxy_takes_is_refused() {
        assert_eq!(parse(None), Err(DhParamsError::Missing));
        assert_eq!(parse(Some(&params(128))), Err(DhParamsError::Short));
        for bad in ["x", "-----BEGIN DH PARAMETERS-----\nAAAA\n-----END DH PARAMETERS-----\n"] {
            assert_eq!(parse(Some(bad.as_bytes())), Err(DhParamsError::Bad), "{bad}");
        }
    }
}
