//! Logs, and who may see the status of the proxy.

use super::readers::{error_level, log_format, pattern, port, syslog_host};
use super::{Draft, LOGS, List, Read, Rest, Rule, Switch, Unless, draft, each, set};
use crate::names::shown;
use crate::names::variable::{is_stream_variable, is_variable};
use crate::settings::values::{Mistake, flag, networks};
use ipnet::IpNet;

pub(super) const KEYS: &[(&str, Rule)] = &[
    ("access-log-path", Unless("/var/log/nginx/access.log", LOGS)),
    ("http-access-log-path", Unless("/var/log/nginx/access.log", LOGS)),
    ("stream-access-log-path", Unless("/var/log/nginx/access.log", LOGS)),
    ("access-log-params", Unless("", LOGS)),
    (
        "disable-access-log",
        Read(|draft, text| {
            let off = flag(text)?;
            draft.globals().access_log.enabled &= !off;
            draft.globals().streams.logged &= !off;
            Ok(())
        }),
    ),
    (
        "disable-http-access-log",
        Read(|draft, text| {
            let off = flag(text)?;
            draft.globals().access_log.enabled &= !off;
            Ok(())
        }),
    ),
    (
        "disable-stream-access-log",
        Read(|draft, text| {
            let off = flag(text)?;
            draft.globals().streams.logged &= !off;
            Ok(())
        }),
    ),
    ("enable-access-log-for-default-backend", set!(access_log.unknown_hosts, flag)),
    ("enable-auth-access-log", Switch("requests of ours for authentication are not logged")),
    ("skip-access-log-urls", List(each!(config.globals.access_log.skipped_targets, partly_sorted, pattern))),
    (
        "log-format-upstream",
        Rest(|draft, text| {
            let (format, unknown) = log_format(text, is_variable)?;
            draft.globals().access_log.format = format;
            Ok(unknown)
        }),
    ),
    ("log-format-escape-json", draft!(escape_json, flag)),
    ("log-format-escape-none", draft!(escape_none, flag)),
    (
        "log-format-stream",
        Rest(|draft, text| {
            let (format, unknown) = log_format(text, is_stream_variable)?;
            draft.globals().streams.log_format = format;
            Ok(unknown)
        }),
    ),
    ("error-log-path", Unless("/var/log/nginx/error.log", "the log goes to standard error")),
    ("error-log-level", set!(error_log.level, error_level)),
    ("enable-syslog", draft!(syslog_on, flag)),
    ("syslog-host", draft!(syslog_host, syslog_host)),
    ("syslog-port", draft!(syslog_port, port)),
    ("nginx-status-ipv4-whitelist", Read(|draft, text| status_clients(draft, text, |network| matches!(network, IpNet::V4(_))))),
    ("nginx-status-ipv6-whitelist", Read(|draft, text| status_clients(draft, text, |network| matches!(network, IpNet::V6(_))))),
];

/// Those of one family; who is not named may not see it.
fn status_clients(draft: &mut Draft, text: &str, is_own: fn(&IpNet) -> bool) -> Result<(), Mistake> {
    let own = networks(text)?;
    if let Some(other) = own.iter().find(|network| !is_own(network)) {
        return Err(Mistake::new(
            format!("{} is of the other family of addresses", shown(&other.to_string())),
            "name it under the other key",
        ));
    }
    let clients = &mut draft.globals().listeners.status_clients;
    clients.retain(|network| !is_own(network));
    clients.extend(own);
    clients.sort_unstable();
    Ok(())
}
