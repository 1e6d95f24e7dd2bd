//! Simulated pods: one server on all addresses, which knows by its local address which pod it plays.

use super::Space;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

/// The port of every pod; not one of those that a Pod of the controller has.
pub(super) const PORT: u16 = 8000;

/// Answers on every pod address of the space, from now on. The answer's body is `pod ADDRESS`, the request line and the
/// headers as they came, one a line.
pub(super) fn start(space: &Space) {
    let listener = space.call(|| TcpListener::bind(("0.0.0.0", PORT))).expect("the port is free in a new namespace");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(&stream));
        }
    });
}

fn answer(stream: &TcpStream) {
    let Ok(local) = stream.local_addr() else { return };
    let mut reader = BufReader::new(stream);
    loop {
        let mut body = format!("pod {}\n", local.ip());
        loop {
            let mut line = String::new();
            match reader.read_line(&mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) if line.trim_end().is_empty() => break,
                Ok(_) => body.push_str(&line.replace('\r', "")),
            }
        }
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n", body.len());
        let mut writer = stream;
        if writer.write_all(format!("{head}{body}").as_bytes()).is_err() {
            return;
        }
    }
}
