//! As much of WebSocket as it takes to see that a proxy lets it through: one key, short frames.

use std::io::{self, Read, Write};

/// The key of RFC 6455, 1.3, with its answer; no other one is understood.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

const TEXT: u8 = 0x81;
const MASKED: u8 = 0x80;

/// The handshake of a client.
#[must_use]
pub fn handshake(host: &str, target: &str) -> String {
    format!(
        "GET {target} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: {KEY}\r\n\r\n"
    )
}

/// Sends a text as a client does, masked.
///
/// # Errors
/// When the connection fails.
pub fn say(stream: &mut impl Write, text: &str) -> io::Result<()> {
    let mask = [1, 2, 3, 4];
    let mut frame = vec![TEXT, MASKED | length(text)];
    frame.extend(mask);
    frame.extend(text.bytes().zip(mask.into_iter().cycle()).map(|(byte, mask)| byte ^ mask));
    stream.write_all(&frame)?;
    stream.flush()
}

/// Reads a text as it comes, masked or not.
///
/// # Errors
/// When the connection ends.
pub fn hear(stream: &mut impl Read) -> io::Result<String> {
    let mut head = [0; 2];
    stream.read_exact(&mut head)?;
    let mut mask = [0; 4];
    if head[1] & MASKED != 0 {
        stream.read_exact(&mut mask)?;
    }
    let mut text = vec![0; usize::from(head[1] & !MASKED)];
    stream.read_exact(&mut text)?;
    text.iter_mut().zip(mask.into_iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Says back what it hears.
pub(crate) fn serve(mut out: impl Write, from: &mut impl Read, key: &str) -> io::Result<()> {
    if key != KEY {
        return out.write_all(b"HTTP/1.1 400 Unknown Key\r\nContent-Length: 0\r\n\r\n");
    }
    let accepted =
        format!("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {ACCEPT}\r\n\r\n");
    out.write_all(accepted.as_bytes())?;
    loop {
        let text = hear(from)?;
        out.write_all(&[&[TEXT, length(&text)], text.as_bytes()].concat())?;
    }
}

fn length(text: &str) -> u8 {
    const LONGEST: usize = 125;
    assert!(text.len() <= LONGEST, "only short frames are known here");
    text.len().to_le_bytes()[0]
}
