//! URLs of services that are asked about requests.

use super::variable::is_url_variable;
use super::{BadText, HeaderName, HostName, TextPart, VariableText, shown};
use std::fmt;
use std::net::IpAddr;

/// An `http` or `https` URL whose path and query may have variables.
///
/// What stands in it as text are characters of RFC 3986 with complete percent escapes; there is no fragment and no user.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServiceUrl {
    /// The service is asked over TLS.
    pub tls: bool,
    /// Whose port it is.
    pub host: UrlHost,
    /// Port of the service.
    pub port: u16,
    /// Begins with a slash, or with the variable `request_uri`.
    pub path: VariableText,
    /// What stands behind the question mark.
    pub query: Option<VariableText>,
}

/// The host of a [`ServiceUrl`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum UrlHost {
    /// A DNS name.
    Name(HostName),
    /// An address.
    Address(IpAddr),
    /// The host of the request, written `$host`.
    OfRequest,
}

/// As it stands in a `Host` header, without port.
impl fmt::Display for UrlHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(f),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Address(address) => address.fmt(f),
            Self::OfRequest => f.write_str("$host"),
        }
    }
}

impl ServiceUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// When it is not one, or has a variable that may not stand there.
    pub fn parse(text: &str) -> Result<Self, BadText> {
        let bad = |why: &str| BadText(format!("{} is not a URL that can be asked: {why}", shown(text)));
        let (tls, rest) = match text.split_once("://") {
            Some(("http", rest)) => (false, rest),
            Some(("https", rest)) => (true, rest),
            _ => return Err(bad("it does not begin with http:// or https://")),
        };
        let (host, rest) = split_host(rest);
        let (host, port) = read_authority(host).ok_or_else(|| bad("the host is neither a DNS name, an address nor $host"))?;
        if matches!(&host, UrlHost::Name(name) if is_of_api_server(name)) {
            return Err(bad("the API server is asked by nobody"));
        }
        let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
        let path = match path {
            "" => "/",
            _ if path.starts_with('/') || path.starts_with("$request_uri") || path.starts_with("${request_uri}") => path,
            _ => return Err(bad("the path does not begin with a slash")),
        };
        let query = query.filter(|query| !query.is_empty()).map(url_text).transpose()?;
        Ok(Self { tls, host, port: port.unwrap_or(if tls { 443 } else { 80 }), path: url_text(path)?, query })
    }
}

/// Its Service is the same in every cluster.
fn is_of_api_server(name: &HostName) -> bool {
    matches!(name.as_str(), "kubernetes.default" | "kubernetes.default.svc" | "kubernetes.default.svc.cluster.local")
}

/// The authority, up to the first slash, question mark or variable.
fn split_host(text: &str) -> (&str, &str) {
    let after_variable =
        ["$host", "${host}"].iter().find_map(|variable| text.strip_prefix(variable)).map_or(0, |rest| text.len() - rest.len());
    let end = text[after_variable..].find(['/', '?', '$', '#']).map_or(text.len(), |at| after_variable + at);
    text.split_at(end)
}

fn read_authority(text: &str) -> Option<(UrlHost, Option<u16>)> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let port = match port {
        None => None,
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => Some(digits.parse().ok().filter(|port| *port > 0)?),
        Some(_) => return None,
    };
    let host = match host {
        "$host" | "${host}" => UrlHost::OfRequest,
        _ => match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(address) => UrlHost::Address(IpAddr::V6(address.parse().ok()?)),
            None => match host.parse() {
                Ok(address) => UrlHost::Address(IpAddr::V4(address)),
                Err(_) => UrlHost::Name(HostName::new(host.trim_end_matches('.')).ok()?),
            },
        },
    };
    Some((host, port))
}

/// Reads a part of a URL, or a whole one that clients are sent to: characters of RFC 3986 but `#`, and variables that say
/// nothing but what the client has asked for.
///
/// # Errors
/// With the first character or variable that does not belong there.
pub fn url_text(text: &str) -> Result<VariableText, BadText> {
    url_text_with_answers(text, |_| None)
}

/// As [`url_text`]; `answered`: names of further variables, and the headers of the service that decides which they stand for.
///
/// # Errors
/// As [`url_text`].
pub fn url_text_with_answers(text: &str, answered: impl Fn(&str) -> Option<HeaderName>) -> Result<VariableText, BadText> {
    let read = VariableText::parse_with_answers(text, answered, is_url_variable)?;
    for part in read.parts() {
        let TextPart::Text(part) = part else { continue };
        if let Some(c) = part.chars().find(|c| !(c.is_ascii_alphanumeric() || "-._~:/?[]@!()*+,;=&%".contains(*c))) {
            return Err(BadText(format!(
                "{} has the character {}, which is not one of URLs",
                shown(text),
                shown(c.encode_utf8(&mut [0; 4]))
            )));
        }
        let escape = |at: usize| part.as_bytes().get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        if !part.match_indices('%').all(|(at, _)| escape(at)) {
            return Err(BadText(format!("{} has a '%' without two hexadecimal digits", shown(text))));
        }
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> String {
        let url = ServiceUrl::parse(text).unwrap();
        let written = |text: &VariableText| {
            let part = |part: &TextPart| match part {
                TextPart::Text(text) => text.clone(),
                TextPart::Group(number) => number.to_string(),
                TextPart::Variable(name) => format!("<{name}>"),
                TextPart::Answered(header) => format!("<{header}>"),
                TextPart::Break(_) => String::new(),
            };
            text.parts().iter().map(part).collect::<String>()
        };
        let query = url.query.as_ref().map_or(String::new(), |query| format!("?{}", written(query)));
        format!("{} {} {} {}{query}", url.tls, url.host, url.port, written(&url.path))
    }

    #[test]
    fn urls_have_their_parts() {
        for (text, parts) in [
            ("http://a.test", "false a.test 80 /"),
            ("https://A.test:8443/verify;v=1?a=b&c=d", "true a.test 8443 /verify;v=1?a=b&c=d"),
            ("http://10.0.0.1:81?x", "false 10.0.0.1 81 /?x"),
            ("http://[fd00::1]:81/x%20y", "false [fd00::1] 81 /x%20y"),
            ("http://[fd00::1]/", "false [fd00::1] 80 /"),
            ("https://$host/oauth2/auth", "true $host 443 /oauth2/auth"),
            ("http://${host}:4180/?rd=$escaped_request_uri", "false $host 4180 /?rd=<escaped_request_uri>"),
            ("http://a.svc$request_uri", "false a.svc 80 <request_uri>"),
            ("http://a.svc/x/$namespace?m=${request_method}&u=$arg_u", "false a.svc 80 /x/<namespace>?m=<request_method>&u=<arg_u>"),
        ] {
            assert_eq!(shape(text), parts, "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for bad in [
            "",
            "a.test/x",
            "ftp://a.test/",
            "http://",
            "http:///x",
            "http://invalid..auth.url",
            "https://kubernetes.default.svc/api",
            "https://Kubernetes.Default.svc.cluster.local./",
            "http://a b/",
            "http://u:p@a.test/",
            "http://a.test:0/",
            "http://a.test:x/",
            "http://a.test:99999/",
            "http://a.test/ ; return 418; #",
            "http://a.test/#x",
            "http://a.test/\"x",
            "http://a.test/{x}",
            "http://a.test/\\n",
            "http://a.test/\n",
            "http://a.test/%0",
            "http://$http_host/",
            "http://$host.evil/",
            "http://a$host/",
            "http://a.test/$uri",
            "http://a.test/$http_x",
            "http://a.test/$cookie_x",
            "unix:/x",
            "http://unix:/x",
            "http://a.test$args",
            "http://a.test/$nosuch",
            "http://a.test/$",
        ] {
            assert!(ServiceUrl::parse(bad).is_err(), "{bad}");
        }
    }
}
