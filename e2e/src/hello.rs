//! The beginning of a handshake in TLS 1.2, with any bytes as the server name.

use std::io::{self, Read, Write};

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const CERTIFICATE: u8 = 11;
const TLS12: [u8; 2] = [3, 3];
/// ECDHE with ECDSA or RSA, and AES-GCM or ChaCha20.
pub(crate) const CIPHERS: [u16; 6] = [0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8];
/// DHE with RSA, and AES-GCM.
pub(crate) const OLDER: [u16; 2] = [0x009e, 0x009f];
/// X25519 and the curves of NIST.
const GROUPS: [u16; 3] = [0x001d, 0x0017, 0x0018];
/// ECDSA, RSA-PSS and RSA with SHA-2.
const SIGNATURES: [u16; 8] = [0x0403, 0x0503, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601];

/// Says hello with these ciphers, and answers the first certificate that comes back.
pub(crate) fn certificate(mut stream: impl Read + Write, name: &str, ciphers: &[u16]) -> io::Result<Vec<u8>> {
    stream.write_all(&record(&hello(name, ciphers)))?;
    let mut heard = Vec::new();
    loop {
        let mut head = [0; 5];
        stream.read_exact(&mut head)?;
        let mut body = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
        stream.read_exact(&mut body)?;
        match head[0] {
            HANDSHAKE => heard.extend(body),
            ALERT => return Err(io::Error::new(io::ErrorKind::ConnectionAborted, format!("alert {body:?}"))),
            kind => return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a record of kind {kind}"))),
        }
        if let Some(certificate) = first_certificate(&heard) {
            return Ok(certificate);
        }
    }
}

/// Of the messages that have come so far.
fn first_certificate(mut heard: &[u8]) -> Option<Vec<u8>> {
    loop {
        let (kind, rest) = heard.split_first()?;
        let (body, rest) = counted(rest)?;
        if *kind == CERTIFICATE {
            let (all, _) = counted(body)?;
            return counted(all).map(|(first, _)| first.to_vec());
        }
        heard = rest;
    }
}

/// Bytes behind their number in three bytes, and what follows them.
fn counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<3>()?;
    rest.split_at_checked(usize::from(length[0]) << 16 | usize::from(length[1]) << 8 | usize::from(length[2]))
}

fn record(message: &[u8]) -> Vec<u8> {
    [&[HANDSHAKE][..], &[3, 1], &with_length(message)].concat()
}

fn hello(name: &str, ciphers: &[u16]) -> Vec<u8> {
    let host_name = [&[0][..], &with_length(name.as_bytes())].concat();
    let extensions = [
        extension(0, &with_length(&host_name)),
        extension(10, &with_length(&words(&GROUPS))),
        // Points are not compressed.
        extension(11, &[1, 0]),
        extension(13, &with_length(&words(&SIGNATURES))),
    ];
    let random = [7; 32];
    let (no_session, no_compression) = ([0], [1, 0]);
    let ciphers = with_length(&words(ciphers));
    let body = [&TLS12[..], &random, &no_session, &ciphers, &no_compression, &with_length(&extensions.concat())].concat();
    [&[CLIENT_HELLO, 0][..], &with_length(&body)].concat()
}

fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &with_length(body)].concat()
}

fn words(all: &[u16]) -> Vec<u8> {
    all.iter().flat_map(|word| word.to_be_bytes()).collect()
}

fn with_length(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("a hello is short");
    [&length.to_be_bytes()[..], bytes].concat()
}
