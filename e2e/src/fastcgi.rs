//! Pods that speak FastCGI, and tell what they were asked.
//!
//! An answer is JSON: `service`, `parameters` (by their names) and `body`. With the query `status=404` it has that status.

use crate::echo;
use serde_json::json;
use std::collections::BTreeMap;
use std::io::{self, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

/// The port that pods speak FastCGI on.
pub const PORT: u16 = 9000;

/// Kinds of records, as the protocol numbers them.
const BEGIN: u8 = 1;
const END: u8 = 3;
const PARAMETERS: u8 = 4;
const INPUT: u8 = 5;
const OUTPUT: u8 = 6;

/// A new pod of a Service, in the namespace that this thread is in, until the end of the tests.
///
/// # Panics
/// When its port is taken.
#[must_use]
pub fn new_pod(service: &str) -> Ipv4Addr {
    let address = echo::new_pod(service);
    let listener = TcpListener::bind((address, PORT)).expect("nobody else has the address");
    let service = service.to_owned();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let service = service.clone();
            std::thread::spawn(move || attend(&stream, &service));
        }
    });
    address
}

#[derive(Default)]
struct Request {
    keeps: bool,
    parameters: Vec<u8>,
    body: Vec<u8>,
}

/// Answers requests, one after the other, until the connection ends.
fn attend(mut stream: &TcpStream, service: &str) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut request = Request::default();
    loop {
        let (kind, id, content) = read_record(&mut reader)?;
        match kind {
            BEGIN => request = Request { keeps: content.get(2).is_some_and(|flags| flags & 1 == 1), ..Request::default() },
            PARAMETERS => request.parameters.extend(content),
            INPUT if content.is_empty() => {
                stream.write_all(&answer(&request, service, id)?)?;
                if !request.keeps {
                    return Ok(());
                }
            }
            INPUT => request.body.extend(content),
            _ => {}
        }
    }
}

fn read_record(stream: &mut impl Read) -> io::Result<(u8, [u8; 2], Vec<u8>)> {
    let mut head = [0; 8];
    stream.read_exact(&mut head)?;
    let [_, kind, id_high, id_low, high, low, padding, _] = head;
    let mut content = vec![0; usize::from(u16::from_be_bytes([high, low]))];
    stream.read_exact(&mut content)?;
    stream.read_exact(&mut vec![0; usize::from(padding)])?;
    Ok((kind, [id_high, id_low], content))
}

fn answer(request: &Request, service: &str, id: [u8; 2]) -> io::Result<Vec<u8>> {
    let parameters = pairs(&request.parameters).ok_or_else(|| io::Error::other("the parameters are cut off"))?;
    let query = parameters.get("QUERY_STRING").map(String::as_str).unwrap_or_default();
    let status = query.split('&').find_map(|word| word.strip_prefix("status=")).unwrap_or("200");
    let body = json!({"service": service, "parameters": parameters, "body": String::from_utf8_lossy(&request.body)}).to_string();
    let text = format!("Status: {status} Told\r\nContent-Type: application/json\r\nX-Script: yes\r\n\r\n{body}");
    // A record holds 64 KiB at most.
    let mut out: Vec<u8> = text.as_bytes().chunks(60_000).flat_map(|part| record(OUTPUT, id, part)).collect();
    out.extend(record(OUTPUT, id, &[]));
    out.extend(record(END, id, &[0; 8]));
    Ok(out)
}

fn record(kind: u8, [id_high, id_low]: [u8; 2], content: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(content.len()).expect("it is cut into parts").to_be_bytes();
    [&[1, kind, id_high, id_low, high, low, 0, 0], content].concat()
}

/// Names and values, each behind its length: one byte, or four of which the first bit is set.
fn pairs(mut bytes: &[u8]) -> Option<BTreeMap<String, String>> {
    fn take<'b>(bytes: &mut &'b [u8], count: usize) -> Option<&'b [u8]> {
        let (front, back) = bytes.split_at_checked(count)?;
        *bytes = back;
        Some(front)
    }
    fn length(bytes: &mut &[u8]) -> Option<usize> {
        let short = *bytes.first()?;
        if short < 0x80 {
            return take(bytes, 1).map(|_| usize::from(short));
        }
        let long: [u8; 4] = take(bytes, 4)?.try_into().ok()?;
        usize::try_from(u32::from_be_bytes(long) & 0x7fff_ffff).ok()
    }
    let mut pairs = BTreeMap::new();
    while !bytes.is_empty() {
        let (name, value) = (length(&mut bytes)?, length(&mut bytes)?);
        let mut text = |count| take(&mut bytes, count).map(|text| String::from_utf8_lossy(text).into_owned());
        pairs.insert(text(name)?, text(value)?);
    }
    Some(pairs)
}
