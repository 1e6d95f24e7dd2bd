//! Access log and error log.

use crate::names::{TextPattern, VariableText};
use std::net::SocketAddr;

/// Access log.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AccessLog {
    /// Requests are logged.
    pub enabled: bool,
    /// Requests that no host of its own serves are logged.
    pub unknown_hosts: bool,
    /// What a line holds; `None`: the default format.
    pub format: Option<VariableText>,
    /// How values in a line of `format` are escaped.
    pub escape: LogEscape,
    /// Requests whose target, as it was sent, is like one of these are not logged.
    pub skipped_targets: Vec<TextPattern>,
    /// Where lines are sent by syslog; `None`: they go to standard output.
    pub syslog: Option<SocketAddr>,
}

impl Default for AccessLog {
    fn default() -> Self {
        Self { enabled: true, unknown_hosts: false, format: None, escape: LogEscape::default(), skipped_targets: Vec::new(), syslog: None }
    }
}

/// How values in a log line are escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum LogEscape {
    /// Quotes, backslashes and control characters as `\\xXX`.
    #[default]
    Hexadecimal,
    /// As in JSON strings.
    Json,
    /// Not at all.
    None,
}

/// Log of the proxy's own troubles.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ErrorLog {
    /// The least that is logged.
    pub level: ErrorLevel,
    /// Where lines are sent by syslog; `None`: they go to standard error.
    pub syslog: Option<SocketAddr>,
}

/// How bad a trouble is, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[expect(missing_docs, reason = "the names of syslog")]
pub enum ErrorLevel {
    Debug,
    Info,
    #[default]
    Notice,
    Warn,
    Error,
    Crit,
    Alert,
    Emerg,
}
