//! TCP and UDP services: `ingress-semantics` 18. A mistake costs its port, on which nothing listens then.

use super::endpoints::{Problem, Reach, stream_endpoints};
use super::reading::BackendUse;
use super::{Input, Wanted};
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::model::{Stream, Transport};
use crate::names::{Kind, ObjectName, ObjectRef, shown};
use crate::settings::Config;
use crate::state::PortRef;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Most entries of a ConfigMap that are read.
const MOST: usize = 1000;

/// The streams by what they are known by.
pub(super) type Streams = BTreeMap<(Transport, u16), Arc<Stream>>;

/// Reads both ConfigMaps.
pub(super) fn read(input: Input<'_>, config: &Config, wanted: &mut Wanted, diagnostics: &mut Vec<Diagnostic>) -> Streams {
    let settings = input.settings;
    let reach = Reach { settings, other_namespaces: config.shares_objects };
    let mut reader = Reader { input, reach, wanted, diagnostics, streams: Streams::new() };
    reader.map(settings.tcp_services_config_map.as_ref(), Transport::Tcp);
    reader.map(settings.udp_services_config_map.as_ref(), Transport::Udp);
    reader.streams
}

struct Reader<'i, 'o> {
    input: Input<'i>,
    reach: Reach<'i>,
    wanted: &'o mut Wanted,
    diagnostics: &'o mut Vec<Diagnostic>,
    streams: Streams,
}

impl Reader<'_, '_> {
    fn map(&mut self, name: Option<&ObjectName>, transport: Transport) {
        let Some(name) = name else { return };
        self.wanted.config_maps.insert(name.clone());
        let Some(map) = self.input.snapshot.config_map(name) else {
            let instead = format!("nothing listens on {} ports of it", transport.as_str());
            let finding = super::config::miss(self.input, map_flag(transport), name, &instead);
            return self.diagnostics.push(finding.outcome(Outcome::ClosedPort));
        };
        self.diagnostics.extend(super::config::unread(map, Outcome::ClosedPort));
        let origin = ObjectRef::new(Kind::ConfigMap, name.clone());
        if let Some(field) = map.cut_at.as_deref() {
            let message = format!("the data cannot be read; nothing listens on {} ports of it", transport.as_str());
            self.diagnostics.push(Diagnostic::new(Code::BadSetting, origin.clone(), field, message).outcome(Outcome::ClosedPort));
        }
        for (key, value) in map.data.iter().take(MOST) {
            match self.entry(key, value, transport, &origin) {
                Ok(stream) => _ = self.streams.insert((transport, stream.port), Arc::new(stream)),
                Err(problem) => {
                    let key = shown(key);
                    let more = format!("; nothing listens on {} port {key}", transport.as_str());
                    let finding = problem.said_on(origin.clone(), format!("data[{}]", key.trim_matches('"')), &more);
                    self.diagnostics.push(finding.outcome(Outcome::ClosedPort));
                }
            }
        }
    }

    fn entry(&mut self, key: &str, value: &str, transport: Transport, origin: &ObjectRef) -> Result<Stream, Problem> {
        if let Some(lack) = self.input.settings.lacks.iter().find(|lack| lack.key == map_flag(transport)) {
            let message = format!("{} services cannot be had: {}", transport.as_str(), lack.effect);
            return Err(Problem::new(Code::LacksFeature, message, "remove it"));
        }
        let port = self.port(key, transport)?;
        let target = Target::parse(value, transport)?;
        let used = BackendUse { service: target.service, port: target.port };
        let mut dns_names = BTreeSet::new();
        let found = stream_endpoints(&used, transport.as_str(), self.input.snapshot, self.reach, &mut dns_names);
        self.wanted.dns_names.extend(dns_names);
        let found = found?;
        if let Some(problem) = found.problem {
            return Err(problem);
        }
        self.diagnostics.extend(found.findings);
        let mut endpoints = found.endpoints;
        endpoints.sort_unstable();
        endpoints.dedup();
        let reference = used.reference();
        Ok(Stream {
            transport,
            port,
            name: format!("{}-{}-{}", reference.namespace, reference.service, reference.port),
            origin: origin.clone(),
            endpoints,
            reads_proxy_header: target.reads_proxy_header,
            sends_proxy_header: target.sends_proxy_header,
        })
    }

    fn port(&self, key: &str, transport: Transport) -> Result<u16, Problem> {
        let digits = !key.is_empty() && key.len() <= 5 && key.bytes().all(|b| b.is_ascii_digit());
        let port = digits.then(|| key.parse().ok()).flatten().filter(|port| *port > 0);
        let port: u16 = port.ok_or_else(|| bad(format!("{} is not a port", shown(key)), "use a number from 1 to 65535"))?;
        let listeners = &self.input.settings.listeners;
        let own =
            [listeners.http_port, listeners.https_port, listeners.status_port].contains(&port) || listeners.passthrough_port == Some(port);
        if own || self.input.settings.reserved_ports.contains(&port) {
            return Err(bad(format!("port {port} is used by the controller or the proxy itself"), "use another one"));
        }
        if self.input.settings.taken_ports.contains(&(transport, port)) {
            return Err(bad(format!("port {port} is in use by another process"), "end that one, or use another port"));
        }
        if self.streams.contains_key(&(transport, port)) {
            return Err(bad(format!("port {port} is taken by another entry"), "remove one of them"));
        }
        Ok(port)
    }
}

/// The name by which the lack of one of the two is known.
const fn map_flag(transport: Transport) -> &'static str {
    match transport {
        Transport::Tcp => "tcp-services-configmap",
        Transport::Udp => "udp-services-configmap",
    }
}

fn bad(message: String, help: &str) -> Problem {
    Problem::new(Code::BadSetting, message, help)
}

/// Where a port leads: `namespace/service:port[:PROXY[:PROXY]]`.
struct Target {
    service: ObjectName,
    port: PortRef,
    reads_proxy_header: bool,
    sends_proxy_header: bool,
}

impl Target {
    fn parse(text: &str, transport: Transport) -> Result<Self, Problem> {
        let help = "write namespace/service:port, or namespace/service:port:PROXY:PROXY";
        let wrong = || bad(format!("{} does not name a Service port", shown(text)), help);
        let parts: Vec<&str> = text.trim().split(':').collect();
        let (service, port, marks) = match parts.as_slice() {
            [service, port, marks @ ..] if marks.len() <= 2 && !port.is_empty() => (service, port, marks),
            _ => return Err(wrong()),
        };
        let service = ObjectName::parse(service).map_err(|_| wrong())?;
        let port = match port.parse::<i64>() {
            Ok(number) => PortRef::Number(number),
            Err(_) => PortRef::Name((*port).into()),
        };
        let is_marked = |n: usize| match marks.get(n).copied().unwrap_or_default() {
            "" => Ok(false),
            mark if mark.eq_ignore_ascii_case("PROXY") => Ok(true),
            _ => Err(wrong()),
        };
        let (reads_proxy_header, sends_proxy_header) = (is_marked(0)?, is_marked(1)?);
        if transport == Transport::Udp && (reads_proxy_header || sends_proxy_header) {
            return Err(bad(format!("{} asks for the PROXY protocol, which UDP does not have", shown(text)), "remove :PROXY"));
        }
        Ok(Self { service, port, reads_proxy_header, sends_proxy_header })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_names_service_port_and_headers() {
        let parse = |text| {
            let target = Target::parse(text, Transport::Tcp).ok()?;
            Some((target.service.to_string(), target.reads_proxy_header, target.sends_proxy_header))
        };
        assert_eq!(parse("a/b:80"), Some(("a/b".to_owned(), false, false)));
        assert_eq!(parse("a/b:web:proxy"), Some(("a/b".to_owned(), true, false)));
        assert_eq!(parse("a/b:80::PROXY"), Some(("a/b".to_owned(), false, true)));
        for wrong in ["", "a/b", "b:80", "a/b:", "a/b:80:x", "a/b:80:PROXY:PROXY:PROXY", "a/B C:80"] {
            assert!(parse(wrong).is_none(), "{wrong}");
        }
        assert!(Target::parse("a/b:80:PROXY", Transport::Udp).is_err());
    }
}
