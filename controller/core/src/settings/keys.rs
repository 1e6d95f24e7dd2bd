//! The table of all keys of the main ConfigMap, one file for each group of them.

mod auth;
mod client;
mod logs;
mod others;
mod readers;
mod security;
mod stream;
mod tls;
mod upstream;
mod workers;

use super::values::{Mistake, location_rewrite};
use super::{Config, Problem, ProblemKind};
use crate::model::{CustomErrors, Globals, Hsts, LocationRewrite, LogEscape, TrustedAddressSource};
use crate::names::shown;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// A configuration that is being read, with what several keys decide together.
struct Draft {
    config: Config,
    hsts: Hsts,
    hsts_on: bool,
    statuses: Vec<u16>,
    intercept_upstream: bool,
    use_real_ip: bool,
    session_cache: bool,
    redirect_from: String,
    redirect_to: String,
    escape_json: bool,
    escape_none: bool,
    syslog_on: bool,
    syslog_host: Option<IpAddr>,
    syslog_port: u16,
    ipv6_off: bool,
    auth: auth::AuthDraft,
}

impl Draft {
    fn new(config: Config) -> Self {
        Self {
            config,
            hsts: Hsts::default(),
            hsts_on: true,
            statuses: Vec::new(),
            intercept_upstream: true,
            use_real_ip: false,
            session_cache: true,
            redirect_from: String::new(),
            redirect_to: String::new(),
            escape_json: false,
            escape_none: false,
            syslog_on: false,
            syslog_host: None,
            syslog_port: 514,
            ipv6_off: false,
            auth: auth::AuthDraft::default(),
        }
    }

    /// Puts together what several keys decide.
    fn finish(self) -> Config {
        let mut config = self.config;
        config.global_auth = self.auth.finish().map(Arc::new);
        let globals = &mut config.globals;
        if self.ipv6_off {
            globals.listeners.ipv6 = false;
            globals.listeners.addresses.retain(IpAddr::is_ipv4);
        }
        globals.hsts = self.hsts_on.then_some(self.hsts);
        globals.custom_errors =
            (!self.statuses.is_empty()).then_some(CustomErrors { statuses: self.statuses, intercept_upstream: self.intercept_upstream });
        let header = globals.forwarding.trust_headers || self.use_real_ip;
        globals.forwarding.client_address = match (globals.listeners.proxy_protocol, header) {
            (false, false) => TrustedAddressSource::Connection,
            (false, true) => TrustedAddressSource::Header,
            (true, false) => TrustedAddressSource::ProxyProtocol,
            (true, true) => TrustedAddressSource::HeaderBehindProxyProtocol,
        };
        // A list that is not believed is no list to append to: whoever reads its first entry would believe the client.
        globals.forwarding.append_peer &= globals.forwarding.trust_headers;
        globals.streams.believes_proxy_header = self.use_real_ip;
        if !self.session_cache {
            globals.tls.session_cache_bytes = 0;
        }
        globals.location_rewrite = location_rewrite(&self.redirect_from, &self.redirect_to).unwrap_or(LocationRewrite::Off);
        globals.access_log.escape = match (self.escape_none, self.escape_json) {
            (true, _) => LogEscape::None,
            (false, true) => LogEscape::Json,
            (false, false) => LogEscape::Hexadecimal,
        };
        let syslog = self.syslog_host.filter(|_| self.syslog_on).map(|host| SocketAddr::new(host, self.syslog_port));
        (globals.access_log.syslog, globals.error_log.syslog) = (syslog, syslog);
        config
    }

    fn globals(&mut self) -> &mut Globals {
        &mut self.config.globals
    }
}

/// What a key does.
enum Rule {
    /// It is read.
    Read(fn(&mut Draft, &str) -> Result<(), Mistake>),
    /// It is read, and protects: with a value that cannot be used, this holds.
    Guard(fn(&mut Draft, &str) -> Result<(), Mistake>, Closing),
    /// It is read, and what of it cannot be had is left out: the rest counts.
    Rest(fn(&mut Draft, &str) -> Entries),
    /// It is read entry by entry: one that cannot be used is left out, and the others count.
    List(fn(&mut Draft, &str) -> Entries),
    /// The same of one that protects: where no entry can be used, this holds.
    Fence(fn(&mut Draft, &str) -> Entries, Closing),
    /// The same of one that protects, and tells clients by what they choose themselves, so that it is nothing to close every
    /// route for.
    Filter(fn(&mut Draft, &str) -> Entries),
    /// The same of one that says whom to believe: nobody, where no entry can be used.
    Trust(fn(&mut Draft, &str) -> Entries),
    /// It has no effect, for this reason.
    None(&'static str),
    /// It has no effect, for this reason; `false` asks for none.
    Switch(&'static str),
    /// It has no effect, for the second reason; the first value asks for none.
    Unless(&'static str, &'static str),
    /// It has no effect, and asks for a firewall: every route is closed while it is set.
    Protection,
}

use Rule::{Fence, Filter, Guard, List, None as NoEffect, Protection, Read, Rest, Switch, Trust, Unless};

/// What closes routes.
type Closing = fn(&mut Config) -> &mut bool;

/// What is wrong with the first entry that is left out, if one is; the same as an error where none can be used.
type Entries = Result<Option<Mistake>, Mistake>;

const NO_MODULE: &str = "it needs a module that stock proxies do not have";
const AUTOMATIC: &str = "the size is computed from what is served";
const LOGS: &str = "the log goes to standard output or to syslog";
const DEAD: &str = "it has no effect in ingress-nginx either";

/// All keys, in the order of the documentation.
fn table() -> impl Iterator<Item = &'static (&'static str, Rule)> {
    [security::KEYS, client::KEYS, tls::KEYS, upstream::KEYS, workers::KEYS, logs::KEYS, stream::KEYS, auth::KEYS, others::KEYS]
        .into_iter()
        .flatten()
}

/// Reads all keys of a ConfigMap, and says what is wrong with them.
pub(super) fn read<'d>(config: Config, data: impl Iterator<Item = (&'d String, &'d String)>) -> (Config, Vec<Problem>) {
    let mut draft = Draft::new(config);
    let mut problems: Vec<_> = data.filter_map(|(key, value)| read_one(&mut draft, key, value)).collect();
    problems.extend(workers::settle(&mut draft.globals().workers));
    (draft.finish(), problems)
}

/// Reads one key; the answer says what is wrong with it.
fn read_one(draft: &mut Draft, key: &str, value: &str) -> Option<Problem> {
    let problem = |kind, message: String, help: &str| Some(Problem { key: key.to_owned(), kind, message, help: help.to_owned() });
    let Some((_, rule)) = table().find(|(name, _)| *name == key) else {
        return problem(ProblemKind::Unknown, format!("{} is not a known key", shown(key)), "remove it, or mend its name");
    };
    let off = matches!(value, "" | "0" | "f" | "F" | "false" | "FALSE" | "False");
    match rule {
        Read(read) => {
            read(draft, value).err().and_then(|Mistake { message, help }| problem(ProblemKind::BadValue, format!("{key}: {message}"), help))
        }
        Guard(read, closing) => {
            let Mistake { message, help } = read(draft, value).err()?;
            *closing(&mut draft.config) = true;
            problem(ProblemKind::BadProtection, format!("{key}: {message}{}", closed(&draft.config)), help)
        }
        Rest(read) => match read(draft, value) {
            Ok(left_out) => {
                let Mistake { message, help } = left_out?;
                problem(ProblemKind::UnsupportedEntry, format!("{key}: {message}; the rest of it counts"), help)
            }
            Err(Mistake { message, help }) => problem(ProblemKind::BadValue, format!("{key}: {message}"), help),
        },
        List(read) | Fence(read, _) | Filter(read) | Trust(read) => match read(draft, value) {
            Ok(left_out) => {
                let Mistake { message, help } = left_out?;
                problem(ProblemKind::BadEntry, format!("{key}: {message}; the other entries count"), help)
            }
            Err(Mistake { message, help }) => {
                let (kind, effect) = without_list(draft, rule);
                problem(kind, format!("{key}: {message}{effect}"), help)
            }
        },
        Switch(_) if off => None,
        Unless(fine, _) if value == *fine || value.is_empty() => None,
        NoEffect(reason) | Switch(reason) | Unless(_, reason) => {
            problem(ProblemKind::Unsupported, format!("{key} has no effect: {reason}"), "remove it")
        }
        Protection if off => None,
        Protection => {
            draft.config.lost.firewall = true;
            let message = format!("{key} asks for a protection that is not supported, so every route answers 503");
            problem(ProblemKind::UnsupportedProtection, message, "remove it to serve without")
        }
    }
}

/// What comes of a list of which no entry can be read.
fn without_list(draft: &mut Draft, rule: &Rule) -> (ProblemKind, &'static str) {
    match rule {
        Fence(_, closing) => {
            *closing(&mut draft.config) = true;
            (ProblemKind::BadProtection, closed(&draft.config))
        }
        Trust(_) => (ProblemKind::BadTrust, "; nobody is believed"),
        _ => (ProblemKind::BadValue, ""),
    }
}

/// What comes of a protection that cannot be read.
const fn closed(config: &Config) -> &'static str {
    if config.closed { "; every route answers 503" } else { "; every route answers 503, unless its Ingress says otherwise" }
}

/// Whether a key protects.
pub(super) fn protects(key: &str) -> bool {
    table().any(|(name, rule)| *name == key && matches!(rule, Guard(..) | Fence(..) | Filter(_) | Protection))
}

pub(super) fn is_header_name(item: &str) -> Result<(), Mistake> {
    readers::header_name(item).map(|_| ())
}

pub(super) fn is_pattern(item: &str) -> Result<(), Mistake> {
    readers::pattern(item).map(|_| ())
}

/// Every key, and why it has no effect.
pub(super) fn known() -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
    table().map(|(name, rule)| {
        let reason = match rule {
            Read(_) | Rest(_) | Guard(..) | List(_) | Fence(..) | Filter(_) | Trust(_) => None,
            NoEffect(reason) | Switch(reason) | Unless(_, reason) => Some(*reason),
            Protection => Some("the protection is not supported; every route is closed while it is set"),
        };
        (*name, reason)
    })
}

/// `set!(field.path, reader)`: the value goes into that field of the globals.
macro_rules! set {
    ($($field:ident).+, $reader:expr) => {
        Read(|draft, text| {
            draft.globals().$($field).+ = $reader(text)?;
            Ok(())
        })
    };
}

/// `each!(field.path, partly, reader)`: the entries of a list go into that field of the draft, as far as they can be used.
macro_rules! each {
    ($($field:ident).+, $way:ident, $reader:expr) => {
        |draft: &mut super::Draft, text: &str| {
            let (entries, bad) = crate::settings::values::$way(text, $reader)?;
            draft.$($field).+ = entries;
            Ok(bad)
        }
    };
}

/// The same for a field of the configuration.
macro_rules! config {
    ($field:ident, $reader:expr) => {
        Read(|draft, text| {
            draft.config.$field = $reader(text)?;
            Ok(())
        })
    };
}

/// The same for a field of the draft.
macro_rules! draft {
    ($($field:ident).+, $reader:expr) => {
        Read(|draft, text| {
            draft.$($field).+ = $reader(text)?;
            Ok(())
        })
    };
}

use {config, draft, each, set};
