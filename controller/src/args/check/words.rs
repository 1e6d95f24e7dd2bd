//! Single values of flags: ports, durations, names. A value that is none is a mistake.

use super::{Check, Mode, StatusAddress};
use gatewright_core::dialect::nginx::NGINX;
use gatewright_core::dialect::{self, Dialect};
use gatewright_core::names::{HostName, ObjectName, is_dns_label, shown};
use std::time::Duration;

impl Check<'_> {
    pub(super) fn wrong(&mut self, mistake: String) {
        self.mistakes.push(mistake);
    }

    pub(super) fn said<T>(&mut self, flag: &str, result: Result<T, impl std::fmt::Display>) -> Option<T> {
        result.map_err(|why| self.wrong(format!("--{flag}: {why}"))).ok()
    }

    pub(super) fn namespaces(&mut self, flag: &str, text: &str) -> Vec<String> {
        let names: Vec<&str> = text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        if let Some(wrong) = names.iter().find(|name| !is_dns_label(name)) {
            self.wrong(format!("--{flag}: {} is not a namespace name", shown(wrong)));
        }
        names.into_iter().map(str::to_owned).collect()
    }

    pub(super) fn object(&mut self, flag: &str, text: Option<&str>) -> Option<ObjectName> {
        text.filter(|text| !text.is_empty()).and_then(|text| self.said(flag, ObjectName::parse(text)))
    }

    pub(super) fn parsed<T: std::str::FromStr>(&mut self, flag: &str, text: &str, what: &str) -> Option<T> {
        self.said(flag, text.parse().map_err(|_| format!("{} is not {what}", shown(text))))
    }

    pub(super) fn port(&mut self, flag: &str, text: &str) -> u16 {
        let port = text.parse::<u16>().ok().filter(|port| *port > 0);
        self.said(flag, port.ok_or_else(|| format!("{} is not a port; use a number from 1 to 65535", shown(text)))).unwrap_or(0)
    }

    pub(super) fn distinct(&mut self, ports: &[(&str, u16)]) {
        for (n, (flag, port)) in ports.iter().enumerate() {
            if let Some((other, _)) = ports[..n].iter().find(|(_, before)| before == port && *port > 0) {
                self.wrong(format!("--{other} and --{flag} are both {port}; give each port to one of them"));
            }
        }
    }

    pub(super) fn whole_seconds(&mut self, flag: &str, text: &str) -> Duration {
        Duration::from_secs(self.parsed::<u32>(flag, text, "a number of seconds").unwrap_or(0).into())
    }

    /// A duration as Go writes it, such as `1m30s` or `500ms`.
    pub(super) fn duration(&mut self, flag: &str, text: &str) -> Duration {
        let parsed = go_duration(text).ok_or_else(|| format!("{} is not a duration; use one such as 30s or 1m30s", shown(text)));
        self.said(flag, parsed).unwrap_or_default()
    }

    pub(super) fn addresses(&mut self, text: &str) -> Vec<StatusAddress> {
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        let read = |item: &str| match item.parse() {
            Ok(ip) => Ok(StatusAddress::Ip(ip)),
            Err(_) => HostName::new(item).map(StatusAddress::Host),
        };
        items.filter_map(|item| self.said("publish-status-address", read(item))).collect()
    }

    pub(super) fn proxy_kind(&mut self, flag: &str, text: &str) -> &'static Dialect {
        dialect::by_name(text).unwrap_or_else(|| {
            self.wrong(format!("--{flag}: {} is not a proxy that can be driven; use nginx or haproxy", shown(text)));
            &NGINX
        })
    }

    pub(super) fn mode(&mut self, text: Option<&str>, outside: bool) -> Mode {
        match text {
            None if outside => Mode::Child,
            None | Some("supervise") => Mode::Supervise,
            Some("child") => Mode::Child,
            Some("signal") => Mode::Signal,
            Some(other) => {
                self.wrong(format!("--proxy-mode: {} is not a mode; use child, supervise or signal", shown(other)));
                Mode::Child
            }
        }
    }

    pub(super) fn log_format(&mut self, text: Option<&str>) -> Option<bool> {
        match text {
            None => None,
            Some("text") => Some(false),
            Some("json") => Some(true),
            Some(other) => {
                self.wrong(format!("--log-format: {} is not a format; use text or json", shown(other)));
                None
            }
        }
    }

    pub(super) fn log_level(&mut self, text: &str, verbosity: &str) -> String {
        const DEBUG_FROM: u32 = 2;
        if !["error", "warn", "info", "debug", "trace"].contains(&text) {
            self.wrong(format!("--log-level: {} is not a level; use error, warn, info, debug or trace", shown(text)));
        }
        let verbosity: u32 = self.parsed("v", verbosity, "a number").unwrap_or(0);
        if verbosity >= DEBUG_FROM && text == "info" { "debug".to_owned() } else { text.to_owned() }
    }
}

/// Items of a list without the blanks that may stand beside its commas.
pub(super) fn trimmed(items: Vec<String>) -> Vec<String> {
    items.into_iter().map(|item| item.trim().to_owned()).collect()
}

fn go_duration(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text;
    if rest == "0" {
        return Some(total);
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let count: u32 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        total = total.checked_add(match &rest[..unit] {
            "ms" => Duration::from_millis(count.into()),
            "s" => Duration::from_secs(count.into()),
            "m" => Duration::from_secs(60 * u64::from(count)),
            "h" => Duration::from_secs(3600 * u64::from(count)),
            _ => return None,
        })?;
        rest = &rest[unit..];
    }
    (!text.is_empty()).then_some(total)
}
