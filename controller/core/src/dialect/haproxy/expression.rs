//! Formats: texts with what is looked up in a request.

use super::received;
use super::word::word;
use crate::dialect::breaks;
use crate::names::variable::LABELS;
use crate::names::{HeaderName, TextPart, VariableText};
use serde::Serialize;

/// Encloses what is looked up, with [`CLOSE`]. Private-use characters, which no checked text holds.
const OPEN: char = '\u{e000}';
const CLOSE: char = '\u{e001}';

/// A format; printed by the filter `expression`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize)]
#[serde(transparent)]
pub(super) struct Expression(String);

/// What `route/path_variables.tera` sees: a variable, and what is encoded in it.
#[derive(Debug, Serialize)]
pub(super) struct EncodedView {
    variable: String,
    value: Expression,
}

impl Expression {
    /// Just this text.
    pub(super) fn literal(text: &str) -> Self {
        Self::default().and(text)
    }

    /// Text and variables as they are given; `None` for a variable that HAProxy has no word for. Nothing stands for what a
    /// service has answered.
    pub(super) fn of(text: &VariableText) -> Option<Self> {
        Self::read(text, &[], fetch)
    }

    /// The same; `told`: the headers of the service that decides, in the order in which the agent is asked for them.
    pub(super) fn with_answers(text: &VariableText, told: &[&HeaderName]) -> Option<Self> {
        Self::read(text, told, fetch)
    }

    /// The same in a snippet; `told`: the headers of the service that decides, in the order in which the agent is asked for them.
    pub(super) fn of_snippet(text: &VariableText, told: &[&HeaderName]) -> Option<Self> {
        Self::read(text, told, fetch_received)
    }

    /// The same once path and query have become other ones; what was asked for is kept before, see [`AS_ASKED`].
    pub(super) fn of_moved(text: &VariableText) -> Option<Self> {
        Self::read(text, &[], fetch_moved)
    }

    /// The same in a snippet.
    pub(super) fn of_moved_snippet(text: &VariableText, told: &[&HeaderName]) -> Option<Self> {
        Self::read(text, told, |name| received::fetch(name).or_else(|| fetch_moved(name)))
    }

    fn read(text: &VariableText, told: &[&HeaderName], fetch: fn(&str) -> Option<String>) -> Option<Self> {
        let number = |header: &HeaderName| told.iter().position(|known| known.is_same(header));
        text.parts().iter().try_fold(Self::default(), |all, part| match part {
            TextPart::Text(text) => Some(all.and(text)),
            TextPart::Variable(name) if name == "server_protocol" => Some(all.and("HTTP/").and_fetch("req.ver")),
            TextPart::Variable(name) if name == "literal_dollar" => Some(all.and("$")),
            TextPart::Variable(name) => Some(all.and_fetch(&fetch(name)?)),
            TextPart::Group(number) => Some(all.and_group(*number)),
            TextPart::Break(c) => Some(all.and_break(*c)),
            TextPart::Answered(header) => match number(header) {
                Some(number) => Some(all.and_fetch(&format!("var(txn.ask.{})", answered(number)))),
                None => Some(all),
            },
        })
    }

    /// The same in a path: what is looked up is encoded as nginx encodes a path, in variables of these names.
    pub(super) fn in_path(text: &VariableText, names: &str, read: fn(&VariableText) -> Option<Self>) -> Option<(Self, Vec<EncodedView>)> {
        let mut encoded = Vec::new();
        let target = text.parts().iter().try_fold(Self::default(), |all, part| match part {
            TextPart::Variable(_) => {
                let variable = format!("{names}_{}", encoded.len());
                let value = read(&part.clone().into())?;
                encoded.push(EncodedView { variable: variable.clone(), value });
                Some(all.and_fetch(&format!("var(txn.{variable})")))
            }
            part => Some(all.and_all(&read(&part.clone().into())?)),
        });
        target.map(|target| (target, encoded))
    }

    /// The same, percent-encoded: a field of a form.
    pub(super) fn encoded(text: &VariableText) -> Option<Self> {
        text.parts().iter().try_fold(Self::default(), |all, part| match part {
            TextPart::Text(text) => Some(all.and(&encoded(text))),
            TextPart::Variable(name) => Some(all.and_fetch(&format!("{},url_enc", fetch(name)?))),
            TextPart::Group(_) | TextPart::Answered(_) | TextPart::Break(_) => None,
        })
    }

    /// Whether it is always an empty text. Some formats may not be: HAProxy 2.6.12 ends where `set-var-fmt` is given one.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether anything in it is looked up.
    pub(super) fn looks_up(&self) -> bool {
        self.0.contains(OPEN)
    }

    /// The same with a text behind it.
    pub(super) fn and(mut self, text: &str) -> Self {
        self.0.extend(text.chars().filter(|c| ![OPEN, CLOSE].contains(c) && !breaks::is_mark(*c)));
        self
    }

    /// The same with a control character behind it.
    fn and_break(mut self, c: char) -> Self {
        self.0.extend(breaks::mark(c));
        self
    }

    /// The same with what a fetch of ours finds behind it.
    pub(super) fn and_fetch(mut self, fetch: &str) -> Self {
        self.0.push(OPEN);
        self.0.extend(fetch.chars().filter(|c| c.is_ascii_alphanumeric() || "_.,()[]-/$+? \"^!:;*&=\\".contains(*c)));
        self.0.push(CLOSE);
        self
    }

    /// The same with a word of ours behind it that only log formats have.
    pub(super) fn and_word(mut self, word: &str) -> Self {
        self.0.push(OPEN);
        self.0.extend(word.chars().filter(|c| ![OPEN, CLOSE].contains(c)));
        self.0.push(CLOSE);
        self
    }

    /// The same with what a fetch of ours finds behind it in a log format: nothing in place of a dash if it finds nothing.
    pub(super) fn and_optional_fetch(mut self, fetch: &str) -> Self {
        let from = self.0.len();
        self = self.and_fetch(fetch);
        self.0.insert_str(from + OPEN.len_utf8(), "%{-M}[");
        self.0.insert(self.0.len() - CLOSE.len_utf8(), ']');
        self
    }

    /// The same with another one behind it.
    pub(super) fn and_all(mut self, other: &Self) -> Self {
        self.0.push_str(&other.0);
        self
    }

    /// The same with what a group of the replaced expression has matched behind it.
    pub(super) fn and_group(mut self, number: u8) -> Self {
        self.0.push(OPEN);
        self.0.push('\\');
        self.0.push_str(&number.to_string());
        self.0.push(CLOSE);
        self
    }
}

/// The variable in which the agent tells a header of the service's answer, by its number among those that it is asked for.
pub(super) fn answered(number: usize) -> String {
    format!("h{number}")
}

/// Percent-encoded, so that nothing of it means anything in a form.
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b':' | b',' | b'[' | b']' => {
                out.push(char::from(byte))
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// Where a script is looked for; only parameters of FastCGI have it.
pub(super) const SCRIPT: &str = "fastcgi_script_name";

/// What finds the values of nginx variables.
const FETCHES: &[(&str, &str)] = &[
    ("host", "var(txn.host)"),
    ("http_host", "var(txn.received_host)"),
    ("best_http_host", "var(txn.best_host)"),
    ("uri", "var(txn.path)"),
    ("document_uri", "var(txn.path)"),
    ("request_uri", "pathq"),
    ("escaped_request_uri", "pathq,url_enc"),
    ("is_args", "query,regsub(.+,?)"),
    ("literal_dollar", "str($)"),
    ("pass_port", "var(txn.port)"),
    ("pass_server_port", "var(txn.port)"),
    ("remote_user", "http_auth_user"),
    ("server_name", "var(txn.key)"),
    ("ssl_client_s_dn", "ssl_c_s_dn(,0,rfc2253)"),
    ("ssl_client_i_dn", "ssl_c_i_dn(,0,rfc2253)"),
    ("ssl_client_fingerprint", "ssl_c_sha1,hex,lower"),
    ("args", "query"),
    ("query_string", "query"),
    ("pass_access_scheme", "var(txn.scheme)"),
    ("scheme", "ssl_fc,iif(https,http)"),
    ("https", "ssl_fc,iif(on,)"),
    ("remote_addr", "src"),
    ("binary_remote_addr", "src"),
    ("proxy_add_x_forwarded_for", "var(txn.added_for)"),
    ("the_real_ip", "src"),
    ("remote_port", "src_port"),
    ("realip_remote_addr", "var(sess.peer)"),
    ("server_addr", "dst"),
    ("content_length", "req.fhdr(content-length)"),
    ("content_type", "req.fhdr(content-type)"),
    ("hostname", "hostname"),
    ("msec", r#"date(0,ms),regsub("(...)$",".\1")"#),
    ("subdomain", "var(txn.host),field(1,.)"),
    ("ssl_cipher", "ssl_fc_cipher"),
    ("ssl_protocol", "ssl_fc_protocol"),
    ("ssl_server_name", "ssl_fc_sni"),
    (SCRIPT, "var(txn.script)"),
    ("request_method", "method"),
    ("server_port", "dst_port"),
    ("req_id", "var(txn.request_id)"),
    ("request_id", "var(txn.request_id)"),
];

/// Variables of nginx that are what was asked for, whatever has become of it. Who looks at one once path and query have become
/// other ones finds it in the variable `asked`.
pub(super) const AS_ASKED: &[&str] = &["request_uri", "escaped_request_uri"];

/// What finds the value of an nginx variable once path and query have become other ones.
fn fetch_moved(name: &str) -> Option<String> {
    match name {
        "request_uri" => Some("var(txn.asked)".to_owned()),
        "escaped_request_uri" => Some("var(txn.asked),url_enc".to_owned()),
        _ => fetch(name),
    }
}

/// Whether a variable of nginx is something of the query, which rewriting changes.
pub(super) fn is_of_query(name: &str) -> bool {
    ["args", "is_args", "query_string"].contains(&name) || name.starts_with("arg_")
}

/// What finds the value of an nginx variable.
pub(super) fn fetch(name: &str) -> Option<String> {
    if let Some((_, fetch)) = FETCHES.iter().find(|(known, _)| *known == name) {
        return Some((*fetch).to_owned());
    }
    match (name.strip_prefix("http_"), name.strip_prefix("arg_"), name.strip_prefix("cookie_")) {
        (Some(rest), ..) => Some(format!("req.fhdr({})", header(rest))),
        (_, Some(rest), _) => Some(argument(rest)),
        (.., Some(rest)) => Some(first_cookie(rest)),
        _ => None,
    }
}

/// The same in a snippet.
fn fetch_received(name: &str) -> Option<String> {
    received::fetch(name).or_else(|| fetch(name))
}

/// The name of a header as it stands in a request, by the rest of that of its variable.
pub(super) fn header(name: &str) -> String {
    name.replace('_', "-")
}

/// The first argument of this name, whatever its case; empty without one. `url_param` learns of case in later versions only.
fn argument(name: &str) -> String {
    format!(r#"query,regsub("^(?!(?:.*&)?{name}=).*$",,i),regsub("^(?:.*?&)??{name}=(.*?)(?:&.*)?$","\1",i)"#)
}

/// The first cookie of this name, whatever its case; empty without one. `req.cook` knows of one case only. Names are letters,
/// digits and `_-./:~`.
pub(super) fn first_cookie(name: &str) -> String {
    let name = name.replace('.', "[.]");
    format!(r#"req.fhdr(cookie),regsub("^(?!(?:.*[;,] *)?{name} *=).*$",,i),regsub("^(?:.*?[;,] *)??{name} *= *([^;]*).*$","\1",i)"#)
}

/// Whether HAProxy has a word for every variable of a text; those that stand for the route are filled in.
pub(super) fn can_say(text: &VariableText) -> bool {
    let is_said = |part: &TextPart| !matches!(part, TextPart::Variable(name) if fetch(name).is_none() && !LABELS.contains(&name.as_str()));
    text.parts().iter().all(is_said)
}

/// What finds the value of a text of a snippet that is one variable.
pub(super) fn fetch_of(text: &VariableText) -> Option<String> {
    match text.parts() {
        // Letter by letter: a format writes some otherwise.
        [TextPart::Variable(name)] if ["document_uri", "uri"].contains(&name.as_str()) => Some("var(txn.letters)".to_owned()),
        [TextPart::Variable(name)] => fetch_received(name),
        _ => None,
    }
}

/// The header of the request that a text of a snippet is, if it is one and nothing else.
pub(super) fn header_of(text: &VariableText) -> Option<String> {
    match text.parts() {
        [TextPart::Variable(name)] => client_header(name),
        _ => None,
    }
}

/// The header of the request that a variable is, if it is as the client has sent it.
pub(super) fn client_header(name: &str) -> Option<String> {
    let is_another = received::fetch(name).is_some() || FETCHES.iter().any(|(known, _)| *known == name);
    name.strip_prefix("http_").filter(|_| !is_another).map(header)
}

/// Variables that HAProxy has no word for beside parameters of FastCGI, and beginnings of such.
pub(super) fn unknown_variables() -> Vec<&'static str> {
    let families = ["sent_http_", "upstream_cookie_", "upstream_http_"];
    crate::names::variable::all().filter(|name| *name == SCRIPT || fetch(name).is_none()).chain(families).collect()
}

/// Prints what an [`Expression`] serialises to as one word.
pub(super) fn print(text: &str) -> String {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut parts = text.split(OPEN);
    let mut out = parts.next().unwrap_or_default().replace('%', "%%");
    for part in parts {
        let (inside, behind) = part.split_once(CLOSE).unwrap_or(("", part));
        match inside.chars().next() {
            None => {}
            Some('\\') => out.push_str(inside),
            // A fetch has no `%` in it. A letter behind a word would be a part of it.
            Some('%') if inside.ends_with(is_letter) && behind.starts_with(is_letter) => out.extend([inside, "%{-M}[str()]"]),
            Some('%') => out.push_str(inside),
            Some(_) => out.extend(["%[", inside, "]"]),
        }
        out.push_str(&behind.replace('%', "%%"));
    }
    // In quotes there is no escape.
    breaks::escaped(&word(&out), "'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_up_is_ours_and_the_rest_is_text() {
        let printed = |text: &str| Expression::of(&VariableText::parse_with_groups(text).unwrap()).map(|e| print(&e.0));
        assert_eq!(printed("/a/$1").as_deref(), Some(r"'/a/\1'"));
        assert_eq!(printed("$host.x").as_deref(), Some("'%[var(txn.host)].x'"));
        assert_eq!(printed("$http_x_a").as_deref(), Some("'%[req.fhdr(x-a)]'"));
        assert_eq!(printed("$server_protocol").as_deref(), Some("'HTTP/%[req.ver]'"));
        let argument = r#"'%[query,regsub("^(?!(?:.*&)?id=).*$",,i),regsub("^(?:.*?&)??id=(.*?)(?:&.*)?$","\1",i)]'"#;
        assert_eq!(printed("$arg_id").as_deref(), Some(argument));
        let cookie = r#"'%[req.fhdr(cookie),regsub("^(?!(?:.*[;,] *)?id *=).*$",,i),regsub("^(?:.*?[;,] *)??id *= *([^;]*).*$","\1",i)]'"#;
        assert_eq!(printed("$cookie_id").as_deref(), Some(cookie));
        assert_eq!(printed("$request_length"), None);
        assert!(["request_length", SCRIPT].iter().all(|name| unknown_variables().contains(name)));
        assert_eq!(print(&Expression::literal("100%[env(X)]").0), "'100%%[env(X)]'");
        assert_eq!(print(&Expression::literal("a").and_fetch("src'\n\u{e001}x").0), "'a%[srcx]'");
    }
}
