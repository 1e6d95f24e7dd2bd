//! Lines of streams, and what the PROXY protocol tells: with nginx that takes modules, and another way.

use crate::models::*;
use crate::ports::free_port;
use crate::world::*;
use gatewright_core::model::{Stream, Transport, TrustedAddressSource};
use gatewright_core::names::{Kind, ObjectName, ObjectRef, VariableText};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

/// What comes back for these bytes.
fn exchange(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_line_of_a_stream_is_what_the_format_says() {
    let (address, port) = (echo("b"), free_port());
    for (program, version) in programs() {
        let mut draft = Draft { globals: globals(), ..Draft::default() };
        let text =
            "100% [$remote_addr] $protocol $status $bytes_sent/$bytes_received ${session_time}s $upstream_addr $upstream_connect_time";
        draft.globals.streams.log_format = VariableText::parse_with(text, |_| true).ok();
        let mut model = draft.model();
        let stream = Stream {
            transport: Transport::Tcp,
            port,
            name: "shop-b-80".to_owned(),
            origin: ObjectRef::new(Kind::ConfigMap, ObjectName::new("shop", "tcp").unwrap()),
            endpoints: vec![address],
            reads_proxy_header: false,
            sends_proxy_header: false,
        };
        model.streams.insert((Transport::Tcp, port), Arc::new(stream));
        let proxy = Proxy::start(&model, &program, version);
        let request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
        let answer = exchange(port, request);
        let begin = format!("100% [127.0.0.1] TCP -- {}/{} 0.0", answer.len(), request.len());
        until("the stream is logged", || proxy.log("access.log").contains(&begin));
        let line = proxy.log("access.log");
        assert!(line.ends_with(&format!("s {address} -\n")) && line.lines().count() == 1, "{line}");
    }
}

#[test]
fn the_address_in_a_header_of_the_proxy_protocol_can_be_logged() {
    let address = echo("b");
    for (program, version) in programs() {
        let mut draft = Draft { globals: globals(), ..Draft::default() };
        draft.globals.listeners.proxy_protocol = true;
        draft.globals.forwarding.client_address = TrustedAddressSource::HeaderBehindProxyProtocol;
        draft.globals.access_log.format = VariableText::parse("$proxy_protocol_addr $remote_addr $realip_remote_addr").ok();
        let draft = draft.backend("b", &[address]).host("h.test", vec![prefix("/", "b")]);
        let proxy = Proxy::start(&draft.model(), &program, version);
        let request = "GET / HTTP/1.1\r\nHost: h.test\r\nX-Forwarded-For: 192.0.2.2\r\nConnection: close\r\n\r\n";
        let answer = exchange(proxy.http().port(), &format!("PROXY TCP4 192.0.2.1 127.0.0.1 1 2\r\n{request}"));
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        until("the request is logged", || proxy.log("access.log") == "192.0.2.1 192.0.2.2 127.0.0.1\n");
    }
}
