//! Logs.

use super::readers::{error_level, format_if_any, patterns, port, stream_format, syslog_host};
use super::{LOGS, NoEffect, Read, Rule, Switch, Unless, draft, set};
use crate::settings::values::flag;

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
    ("skip-access-log-urls", set!(access_log.skipped_targets, patterns)),
    ("log-format-upstream", set!(access_log.format, format_if_any)),
    ("log-format-escape-json", draft!(escape_json, flag)),
    ("log-format-escape-none", draft!(escape_none, flag)),
    ("log-format-stream", set!(streams.log_format, stream_format)),
    ("error-log-path", Unless("/var/log/nginx/error.log", "the log goes to standard error")),
    ("error-log-level", set!(error_log.level, error_level)),
    ("enable-syslog", draft!(syslog_on, flag)),
    ("syslog-host", draft!(syslog_host, syslog_host)),
    ("syslog-port", draft!(syslog_port, port)),
    ("nginx-status-ipv4-whitelist", NoEffect("the status of the proxy is on the loopback only")),
    ("nginx-status-ipv6-whitelist", NoEffect("the status of the proxy is on the loopback only")),
];
