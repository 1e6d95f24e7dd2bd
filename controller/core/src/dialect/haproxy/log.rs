//! Log formats of users: texts with variables of nginx, in the words of HAProxy.
//!
//! A line is written when all is over, and then little is left of the request and of the answer. So what comes from them is
//! noted on its way, in a variable named after that of nginx.

use super::expression::{Expression, SCRIPT, fetch, header, is_of_query};
use crate::model::{AccessLog, LogEscape};
use crate::names::variable::{LABELS, is_stream_variable};
use crate::names::{TextPart, VariableText};
use serde::Serialize;
use std::collections::BTreeSet;

/// A format, and what has to be noted for it.
#[derive(Debug, Default, Serialize)]
pub(super) struct LogLine {
    format: Expression,
    /// Of the request as it came.
    asked: Vec<Note>,
    /// Of the answer as the endpoint gave it.
    answered: Vec<Note>,
    /// Of the answer that is sent.
    sent: Vec<Note>,
}

/// A variable, and what finds its value.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Note {
    name: String,
    fetch: String,
    /// Only where an endpoint was chosen.
    of_endpoint: bool,
}

/// How a line comes by the value of a variable.
#[derive(Debug, Clone)]
enum Word {
    /// It is always the same.
    Text(&'static str),
    /// A word that HAProxy has for log lines alone.
    Own(&'static str),
    /// It is looked up when the line is written; nothing of it needs to be escaped.
    Plain(&'static str),
    /// The same; what clients send may be in it.
    Late(String),
    /// It is noted of the request.
    Asked(String),
    /// It is noted of the answer of an endpoint.
    Answered(String),
    /// It is noted of the answer that is sent.
    Sent(String),
    /// It is noted where an endpoint was chosen.
    OfEndpoint(&'static str),
    /// The words of other variables.
    All(&'static [&'static str]),
}

/// Milliseconds as seconds, as nginx writes them: `0.005`.
macro_rules! as_seconds {
    ($fetch:literal) => {
        concat!($fetch, r#",regsub("^(.?.?.)$","000\1"),regsub("^0*(.+)(...)$","\1.\2")"#)
    };
}

/// Variables that formats of headers and targets do not know, or know in another way.
const WORDS: &[(&str, Word)] = &[
    ("body_bytes_sent", Word::Own("%B")),
    ("bytes_sent", Word::Own("%B")),
    ("msec", Word::Plain(r#"date(0,ms),regsub("(...)$",".\1")"#)),
    ("pid", Word::Own("%pid")),
    ("pipe", Word::Text(".")),
    ("proxy_alternative_upstream_name", Word::Text("")),
    ("proxy_protocol_addr", Word::Plain("var(sess.log_proxied)")),
    ("proxy_upstream_name", Word::Plain("var(txn.upstream)")),
    ("request", Word::All(&["request_method", "request_uri", "server_protocol"])),
    ("request_length", Word::Own("%U")),
    ("request_time", Word::Plain(as_seconds!("date(0,ms),sub(txn.log_begun)"))),
    ("status", Word::Own("%ST")),
    ("time_iso8601", Word::Own(ISO_TIME)),
    ("time_local", Word::Own("%Tl")),
    ("upstream_addr", Word::Plain("var(txn.log_endpoint)")),
    ("upstream_bytes_received", Word::Own("%B")),
    ("upstream_bytes_sent", Word::Own("%U")),
    ("upstream_header_time", Word::Plain(as_seconds!("var(txn.log_header_ms)"))),
    ("upstream_response_length", Word::Own("%B")),
    ("upstream_response_time", Word::Plain(as_seconds!("date(0,ms),sub(txn.log_chosen)"))),
    ("upstream_status", Word::OfEndpoint("status")),
];

/// What formats of streams may have beside what is found in [`WORDS`]. A stream has no status; HAProxy tells how it ended.
const STREAM_WORDS: &[(&str, Word)] = &[
    ("bytes_received", Word::Own("%U")),
    ("protocol", Word::Text("TCP")),
    ("session_time", Word::Plain(as_seconds!("date(0,ms),sub(sess.log_begun)"))),
    ("status", Word::Own("%ts")),
    ("upstream_addr", Word::Own("%si:%sp")),
    ("upstream_session_time", Word::Plain(as_seconds!("date(0,ms),sub(sess.log_begun)"))),
];

const ISO_TIME: &str = "%[date,utime(%Y-%m-%dT%H:%M:%S+00:00)]";

/// Beginnings of what is known of the connection for as long as it is there.
const OF_CONNECTIONS: &[&str] = &["dst", "hostname", "src", "ssl_fc"];

impl Word {
    /// The word for a variable of requests; `None`: there is none.
    fn of(name: &str) -> Option<Self> {
        if let Some((_, word)) = WORDS.iter().find(|(known, _)| *known == name) {
            return Some(word.clone());
        }
        if LABELS.contains(&name) {
            return Some(Self::Late(format!("var(txn.{})", label(name))));
        }
        match (name.strip_prefix("sent_http_"), name.strip_prefix("upstream_http_")) {
            (Some(rest), _) => return Some(Self::Sent(format!("res.fhdr({})", header(rest)))),
            (_, Some(rest)) => return Some(Self::Answered(format!("res.fhdr({})", header(rest)))),
            _ => {}
        }
        match name {
            "literal_dollar" => Some(Self::Text("$")),
            "server_protocol" => Some(Self::Asked("req.ver".to_owned())),
            SCRIPT => None,
            _ => fetch(name).map(|fetch| if is_late(&fetch) { Self::Late(fetch) } else { Self::Asked(fetch) }),
        }
    }

    /// The same for a variable of streams.
    fn of_stream(name: &str) -> Option<Self> {
        const SAME: &[&str] =
            &["bytes_sent", "msec", "pid", "time_iso8601", "time_local", "upstream_bytes_received", "upstream_bytes_sent"];
        let own = STREAM_WORDS.iter().find(|(known, _)| *known == name).map(|(_, word)| word.clone());
        let of_connections = |name: &str| fetch(name).filter(|fetch| is_stream_variable(name) && is_late(fetch)).map(Self::Late);
        own.or_else(|| if SAME.contains(&name) { Self::of(name) } else { of_connections(name) })
    }
}

/// Whether a fetch finds its value when the line is written.
fn is_late(fetch: &str) -> bool {
    fetch.starts_with("var(") || OF_CONNECTIONS.iter().any(|begin| fetch.starts_with(begin))
}

/// The variable that keeps what a route is called.
pub(super) fn label(name: &str) -> String {
    format!("log_{name}")
}

impl LogLine {
    /// What is logged of requests. A variable that HAProxy has no word for is never there.
    pub(super) fn of(text: &VariableText, escape: LogEscape) -> Self {
        let mut line = Self::default();
        for part in text.parts() {
            match part {
                TextPart::Text(text) => line.text(text),
                TextPart::Variable(name) => line.variable(name, escape),
                TextPart::Group(_) | TextPart::Answered(_) | TextPart::Break(_) => {}
            }
        }
        for notes in [&mut line.asked, &mut line.answered, &mut line.sent] {
            notes.sort_unstable();
            notes.dedup();
        }
        line
    }

    /// HAProxy makes one of several blanks, unless they are looked up.
    fn text(&mut self, text: &str) {
        let mut words = text.split(' ');
        let mut format = std::mem::take(&mut self.format).and(words.next().unwrap_or_default());
        let mut blanks = 0;
        for word in words {
            blanks += 1;
            if word.is_empty() {
                continue;
            }
            format = blank(format, blanks).and(word);
            blanks = 0;
        }
        self.format = blank(format, blanks);
    }

    fn variable(&mut self, name: &str, escape: LogEscape) {
        let note = |fetch: String, of_endpoint| Note { name: label(name), fetch, of_endpoint };
        let noted = format!("var(txn.{})", label(name));
        match Word::of(name) {
            None => self.look_up("var(txn.log_unknown)", escape),
            Some(Word::Text(text)) => self.text(text),
            Some(Word::Own(word)) => self.own(word),
            Some(Word::Plain(fetch)) => self.look_up(fetch, escape),
            Some(Word::Late(fetch)) => self.look_up(&escaped(&fetch, escape), escape),
            Some(Word::All(names)) => {
                for (number, name) in names.iter().enumerate() {
                    self.text(if number == 0 { "" } else { " " });
                    self.variable(name, escape);
                }
            }
            Some(Word::Asked(fetch)) => {
                self.asked.push(note(fetch, false));
                self.text(if name == "server_protocol" { "HTTP/" } else { "" });
                self.look_up(&escaped(&noted, escape), escape);
            }
            Some(Word::Answered(fetch)) => {
                self.answered.push(note(fetch, false));
                self.look_up(&escaped(&noted, escape), escape);
            }
            Some(Word::Sent(fetch)) => {
                self.sent.push(note(fetch, false));
                self.look_up(&escaped(&noted, escape), escape);
            }
            Some(Word::OfEndpoint(fetch)) => {
                self.sent.push(note(fetch.to_owned(), true));
                self.look_up(&noted, escape);
            }
        }
    }

    fn own(&mut self, word: &str) {
        self.format = std::mem::take(&mut self.format).and_word(word);
    }

    /// As nginx has it, nothing is a dash unless values are escaped in another way, or not at all.
    fn look_up(&mut self, fetch: &str, escape: LogEscape) {
        let format = std::mem::take(&mut self.format);
        self.format = if escape == LogEscape::Hexadecimal { format.and_fetch(fetch) } else { format.and_optional_fetch(fetch) };
    }
}

/// What is noted once more when the query has become another one: nginx logs that.
pub(super) fn moved(log: &AccessLog) -> Vec<Note> {
    let format = log.format.as_ref().filter(|_| log.enabled);
    let names = format.into_iter().flat_map(VariableText::variables).filter(|name| is_of_query(name));
    let notes = names.filter_map(|name| Some(Note { name: label(name), fetch: fetch(name)?, of_endpoint: false }));
    notes.collect::<BTreeSet<_>>().into_iter().collect()
}

/// What is logged of streams.
pub(super) fn of_streams(text: &VariableText) -> Expression {
    let mut line = LogLine::default();
    for part in text.parts() {
        let TextPart::Variable(name) = part else {
            if let TextPart::Text(text) = part {
                line.text(text);
            }
            continue;
        };
        match Word::of_stream(name) {
            Some(Word::Text(text)) => line.text(text),
            Some(Word::Own(word)) => line.own(word),
            Some(Word::Plain(fetch)) => line.look_up(fetch, LogEscape::Hexadecimal),
            Some(Word::Late(fetch)) => line.look_up(&fetch, LogEscape::Hexadecimal),
            _ => line.text("-"),
        }
    }
    line.format
}

/// The same with so many blanks behind it.
fn blank(format: Expression, number: usize) -> Expression {
    match number {
        0 => format,
        1 => format.and(" "),
        _ => format.and_fetch(&format!("str(\"{}\")", " ".repeat(number - 1))).and(" "),
    }
}

/// Quotes, backslashes and control characters of a value so that they do not end it. Where nginx writes `\x0A`, this is
/// `\n`, as in JSON.
fn escaped(fetch: &str, escape: LogEscape) -> String {
    /// The converter escapes slashes, too, which JSON allows and nobody wants to read.
    const JSON: &str = r#",json(utf8s),regsub("\\\\/","/",g)"#;
    const HEXADECIMAL: &str = r#",regsub("\\\\\\\\","\\\\x5C",g),regsub("\\\\\"","\\\\x22",g)"#;
    match escape {
        LogEscape::None => fetch.to_owned(),
        LogEscape::Json => format!("{fetch}{JSON}"),
        LogEscape::Hexadecimal => format!("{fetch}{JSON}{HEXADECIMAL}"),
    }
}

/// Variables of a format that there is no word for.
pub(super) fn unknown(text: &str) -> Vec<String> {
    VariableText::parse(text).map(|text| without(&text, |name| Word::of(name).is_some())).unwrap_or_default()
}

/// The same for streams.
pub(super) fn unknown_of_streams(text: &str) -> Vec<String> {
    let text = VariableText::parse_with(text, is_stream_variable);
    text.map(|text| without(&text, |name| Word::of_stream(name).is_some())).unwrap_or_default()
}

fn without(text: &VariableText, is_known: impl Fn(&str) -> bool) -> Vec<String> {
    let mut names: Vec<String> = text
        .parts()
        .iter()
        .filter_map(|part| match part {
            TextPart::Variable(name) if !is_known(name) => Some(format!("${name}")),
            _ => None,
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::super::expression::print;
    use super::*;

    fn line(text: &str, escape: LogEscape) -> LogLine {
        LogLine::of(&VariableText::parse(text).unwrap(), escape)
    }

    fn printed(text: &str) -> String {
        print(serde_json::to_value(line(text, LogEscape::None).format).unwrap().as_str().unwrap())
    }

    #[test]
    fn the_words_of_nginx_are_words_of_haproxy() {
        assert_eq!(printed("$status 100%[env(X)] $bytes_sent"), "'%ST 100%%[env(X)] %B'");
        assert_eq!(printed("$remote_addr"), "'%{-M}[src]'");
        assert_eq!(
            printed("$request"),
            "'%{-M}[var(txn.log_request_method)] %{-M}[var(txn.log_request_uri)] HTTP/%{-M}[var(txn.log_server_protocol)]'"
        );
        assert_eq!(printed("${status}ms ${status} ms"), "'%ST%{-M}[str()]ms %ST ms'", "a letter behind a word is none of its own");
        assert_eq!(printed("a   b"), r#"'a%[str("  ")] b'"#);
        assert_eq!(printed("$ssl_curves|"), "'%{-M}[var(txn.log_unknown)]|'");
    }

    #[test]
    fn what_is_gone_at_the_end_is_noted_once() {
        let line = line("$http_x_a $http_x_a $arg_b $sent_http_etag $upstream_http_etag $upstream_status $host", LogEscape::Json);
        let names = |notes: &[Note]| notes.iter().map(|note| format!("{}={}", note.name, note.fetch)).collect::<Vec<_>>();
        assert_eq!((names(&line.asked).len(), &*names(&line.asked)[1]), (2, "log_http_x_a=req.fhdr(x-a)"));
        assert_eq!(names(&line.answered), ["log_upstream_http_etag=res.fhdr(etag)"]);
        assert_eq!(names(&line.sent), ["log_sent_http_etag=res.fhdr(etag)", "log_upstream_status=status"]);
    }

    #[test]
    fn variables_without_a_word_are_named() {
        assert_eq!(unknown("$status $ssl_curves $connection $ssl_curves"), ["$connection", "$ssl_curves"]);
        assert_eq!(unknown_of_streams("$status $upstream_connect_time"), ["$upstream_connect_time"]);
        assert!(unknown("$nonsense").is_empty(), "that is told elsewhere");
    }
}
