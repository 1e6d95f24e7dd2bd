//! Access log and error log.

use super::blocking::map_key;
use crate::dialect::nginx::expression::Expression;
use crate::model::{ErrorLevel, Globals, LogEscape};
use serde::Serialize;
use std::net::{Ipv4Addr, SocketAddr};

/// What `log.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct LogView {
    enabled: bool,
    /// `None`: the default format.
    format: Option<Expression>,
    /// `json` or `none`; `None`: nginx's own.
    escape: Option<&'static str>,
    target: String,
    /// Keys of a map.
    skipped: Vec<String>,
    errors: String,
    error_level: &'static str,
    /// Where every request is told to, for metrics.
    counted: Option<String>,
}

impl LogView {
    pub(super) fn new(globals: &Globals) -> Self {
        let (access, errors) = (&globals.access_log, &globals.error_log);
        Self {
            enabled: access.enabled,
            format: access.format.as_ref().map(Expression::of),
            escape: match access.escape {
                LogEscape::Hexadecimal => None,
                LogEscape::Json => Some("json"),
                LogEscape::None => Some("none"),
            },
            target: target(globals),
            skipped: access.skipped_targets.iter().map(map_key).collect(),
            errors: errors.syslog.map_or_else(|| "stderr".to_owned(), syslog),
            error_level: match errors.level {
                ErrorLevel::Debug => "debug",
                ErrorLevel::Info => "info",
                ErrorLevel::Notice => "notice",
                ErrorLevel::Warn => "warn",
                ErrorLevel::Error => "error",
                ErrorLevel::Crit => "crit",
                ErrorLevel::Alert => "alert",
                ErrorLevel::Emerg => "emerg",
            },
            counted: globals.listeners.metrics_port.map(counted),
        }
    }
}

/// Where access logs go.
pub(super) fn target(globals: &Globals) -> String {
    globals.access_log.syslog.map_or_else(|| "/dev/stdout".to_owned(), syslog)
}

/// The log that requests are counted from.
fn counted(port: u16) -> String {
    format!("{},nohostname,tag=gatewright", syslog(SocketAddr::from((Ipv4Addr::LOCALHOST, port))))
}

fn syslog(server: SocketAddr) -> String {
    format!("syslog:server={server}")
}
