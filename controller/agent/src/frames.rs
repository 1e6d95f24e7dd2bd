//! The bytes of SPOP 2.0, the protocol between HAProxy and its agents.

use crate::broken;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt};

/// HAProxy says hello, leaves, asks.
pub(crate) const HAPROXY_HELLO: u8 = 1;
pub(crate) const HAPROXY_DISCONNECT: u8 = 2;
pub(crate) const NOTIFY: u8 = 3;
/// An agent says hello, leaves, answers.
pub(crate) const AGENT_HELLO: u8 = 101;
pub(crate) const AGENT_DISCONNECT: u8 = 102;
pub(crate) const ACK: u8 = 103;

/// The frame is whole.
const FINAL: u32 = 1;
/// Longest frame that anybody may send, in bytes; HAProxy's are bounded by its buffers.
pub(crate) const MAX_FRAME: usize = 2 << 20;

/// One frame.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) stream: u64,
    pub(crate) number: u64,
    pub(crate) payload: Vec<u8>,
}

/// A value with its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Bool(bool),
    Number(u64),
    Text(Vec<u8>),
    /// Nothing, or something that nobody here asks for.
    Other,
}

impl Frame {
    /// Reads one frame; `None` at the end of the connection.
    ///
    /// # Errors
    /// When the bytes are no frame.
    pub(crate) async fn read(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Self>> {
        let length = match from.read_u32().await {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            length => usize::try_from(length?).unwrap_or(usize::MAX),
        };
        if !(7..=MAX_FRAME).contains(&length) {
            return Err(broken("a frame of an impossible length"));
        }
        let mut bytes = vec![0; length];
        from.read_exact(&mut bytes).await?;
        let mut reader = Reader(&bytes);
        let (kind, flags) = (reader.byte()?, reader.take(4)?);
        if flags[3] & 1 == 0 {
            return Err(broken("a frame in pieces, which was not agreed on"));
        }
        let (stream, number) = (reader.number()?, reader.number()?);
        Ok(Some(Self { kind, stream, number, payload: reader.0.to_vec() }))
    }

    /// The bytes of it.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut body = vec![self.kind];
        body.extend(FINAL.to_be_bytes());
        put_number(&mut body, self.stream);
        put_number(&mut body, self.number);
        body.extend(&self.payload);
        let mut bytes = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes().to_vec();
        bytes.extend(body);
        bytes
    }
}

/// Reads a payload from its beginning.
#[derive(Debug)]
pub(crate) struct Reader<'f>(pub(crate) &'f [u8]);

impl<'f> Reader<'f> {
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> io::Result<u8> {
        Ok(self.take(1)?[0])
    }

    fn take(&mut self, length: usize) -> io::Result<&'f [u8]> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(|| broken("a frame that ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self) -> io::Result<u64> {
        let mut number = u64::from(self.byte()?);
        if number < 240 {
            return Ok(number);
        }
        let mut shift = 4;
        loop {
            let byte = u64::from(self.byte()?);
            number =
                byte.checked_shl(shift).and_then(|part| number.checked_add(part)).ok_or_else(|| broken("a number that is too long"))?;
            shift += 7;
            if byte < 128 {
                return Ok(number);
            }
            if shift > 60 {
                return Err(broken("a number that is too long"));
            }
        }
    }

    pub(crate) fn text(&mut self) -> io::Result<&'f [u8]> {
        let length = self.number()?;
        self.take(usize::try_from(length).unwrap_or(usize::MAX))
    }

    pub(crate) fn value(&mut self) -> io::Result<Value> {
        let kind = self.byte()?;
        Ok(match kind & 0x0f {
            0 => Value::Other,
            1 => Value::Bool(kind & 0x10 != 0),
            2..=5 => Value::Number(self.number()?),
            6 => self.take(4).map(|_| Value::Other)?,
            7 => self.take(16).map(|_| Value::Other)?,
            8 | 9 => Value::Text(self.text()?.to_vec()),
            _ => return Err(broken("a value of an unknown type")),
        })
    }
}

fn put_number(out: &mut Vec<u8>, mut number: u64) {
    let low = |number: u64| number.to_le_bytes()[0];
    if number < 240 {
        return out.push(low(number));
    }
    out.push(low(number) | 240);
    number = (number - 240) >> 4;
    while number >= 128 {
        out.push(low(number) | 128);
        number = (number - 128) >> 7;
    }
    out.push(low(number));
}

pub(crate) fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    put_number(out, text.len() as u64);
    out.extend(text);
}

pub(crate) fn put_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Bool(yes) => out.push(if *yes { 0x11 } else { 1 }),
        Value::Number(number) => {
            out.push(5);
            put_number(out, *number);
        }
        Value::Text(text) => {
            out.push(8);
            put_text(out, text);
        }
        Value::Other => out.push(0),
    }
}

/// Sets a variable of the request.
pub(crate) fn put_variable(out: &mut Vec<u8>, name: &str, value: &Value) {
    const SET_VARIABLE: u8 = 1;
    const OF_TRANSACTION: u8 = 2;
    out.extend([SET_VARIABLE, 3, OF_TRANSACTION]);
    put_text(out, name.as_bytes());
    put_value(out, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_length_come_back() {
        for number in [0, 1, 239, 240, 255, 2287, 2288, 16_383, 40_956, 1 << 20, u64::from(u32::MAX), 1 << 56] {
            let mut bytes = Vec::new();
            put_number(&mut bytes, number);
            assert_eq!(Reader(&bytes).number().ok(), Some(number));
        }
        // As HAProxy writes the size of its frames.
        assert_eq!(Reader(&[0xfc, 0xf0, 0x12]).number().ok(), Some(40_956));
        assert!(Reader(&[0xff; 12]).number().is_err() && Reader(&[0xff]).number().is_err());
    }

    #[tokio::test]
    async fn frames_come_back_and_broken_ones_are_refused() {
        let mut payload = Vec::new();
        put_text(&mut payload, b"check");
        put_value(&mut payload, &Value::Text(b"a\r\nb".to_vec()));
        put_value(&mut payload, &Value::Number(300));
        put_value(&mut payload, &Value::Bool(true));
        let bytes = Frame { kind: NOTIFY, stream: 7, number: 1000, payload }.bytes();
        let frame = Frame::read(&mut &bytes[..]).await.unwrap().unwrap();
        let mut reader = Reader(&frame.payload);
        assert_eq!((frame.kind, frame.stream, frame.number, reader.text().unwrap()), (NOTIFY, 7, 1000, &b"check"[..]));
        assert_eq!(reader.value().unwrap(), Value::Text(b"a\r\nb".to_vec()));
        assert_eq!((reader.value().unwrap(), reader.value().unwrap()), (Value::Number(300), Value::Bool(true)));
        assert!(reader.is_empty() && reader.value().is_err());
        assert!(Frame::read(&mut &b""[..]).await.unwrap().is_none());
        for bad in [&b"\0\0\0\x01\x03"[..], &[0xff; 12], &[0, 0, 0, 7, 3, 0, 0, 0, 0, 1, 1], &bytes[..bytes.len() - 1]] {
            assert!(Frame::read(&mut &*bad).await.is_err(), "{bad:?}");
        }
    }
}
