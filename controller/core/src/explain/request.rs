//! The request that is explained, as somebody types it.

use crate::names::{HeaderName, HostName, is_printable};
use percent_encoding::percent_decode_str;

/// A request as a client makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Over TLS.
    pub secure: bool,
    /// Host without port, lower case; empty for a literal address.
    pub host: String,
    /// As a proxy compares it: decoded, slashes merged, dot segments resolved; begins with a slash. For people: what is not
    /// UTF-8 is replaced.
    pub path: String,
    /// The same, as it is.
    pub(super) path_bytes: Vec<u8>,
    /// Upper case; `GET` unless [`Request::with_method`] says otherwise.
    pub method: String,
    /// Names, in lower case and with `-` for `_`, and values, in the order in which they are sent.
    headers: Vec<(String, String)>,
}

/// Why a text is not a URL that can be explained: in the house style.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadUrl(&'static str);

/// Why a text is not a header of a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadHeader(&'static str);

/// Why a text is not the method of a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is not a method; use one such as GET or OPTIONS")]
pub struct BadMethod;

impl Request {
    /// Reads `http://host/path`, `https://…`, or, for plain HTTP, the same without the scheme.
    ///
    /// # Errors
    /// When the scheme is another one, or the host or path cannot be in a request.
    pub fn parse(url: &str) -> Result<Self, BadUrl> {
        let (secure, rest) = match url.split_once("://") {
            None => (false, url),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
            Some(_) => return Err(BadUrl("the scheme is neither http nor https")),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let path = target.split(['?', '#']).next().unwrap_or_default();
        let path_bytes = normalised(if path.is_empty() { "/" } else { path })?;
        let path = String::from_utf8_lossy(&path_bytes).into_owned();
        Ok(Self { secure, host: host(authority)?, path, path_bytes, method: "GET".to_owned(), headers: Vec::new() })
    }

    /// The request with another method, given in any case.
    ///
    /// # Errors
    /// When no method is spelt like this.
    pub fn with_method(self, text: &str) -> Result<Self, BadMethod> {
        let is_good = (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-');
        if is_good { Ok(Self { method: text.to_ascii_uppercase(), ..self }) } else { Err(BadMethod) }
    }

    /// The request with one more header, written `Name: value`.
    ///
    /// # Errors
    /// When it is no header, or that of the host, which the URL names.
    pub fn with_header(mut self, text: &str) -> Result<Self, BadHeader> {
        let (name, value) = text.split_once(':').ok_or(BadHeader("there is no colon; write 'Name: value'"))?;
        let name = HeaderName::new(name.trim()).map_err(|_| BadHeader("what is before the colon is not a header name"))?;
        if name.lower_case() == "host" {
            return Err(BadHeader("the host is that of the URL; write it there"));
        }
        let value = value.trim();
        if !value.chars().all(|c| c == '\t' || is_printable(c)) {
            return Err(BadHeader("the value has a control character"));
        }
        self.headers.push((alike(name.as_str()), value.to_owned()));
        Ok(self)
    }

    /// The value of a header, in whatever case its name is; those of several in one list.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        let name = alike(name);
        let values: Vec<&str> = self.headers.iter().filter(|(own, _)| *own == name).map(|(_, value)| value.as_str()).collect();
        (!values.is_empty()).then(|| values.join(if name == "cookie" { "; " } else { ", " }))
    }

    /// The value of a cookie, in whatever case its name is.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<String> {
        let all = self.header("cookie")?;
        let mut pairs = all.split(';').filter_map(|pair| pair.split_once('='));
        pairs.find(|(own, _)| own.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
    }
}

/// Names that proxies do not tell apart become the same.
fn alike(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-")
}

fn host(authority: &str) -> Result<String, BadUrl> {
    if authority.is_empty() {
        return Err(BadUrl("the URL names no host"));
    }
    if let Some(literal) = authority.strip_prefix('[') {
        let (address, port) = literal.split_once(']').ok_or(BadUrl("the address in the URL has no end"))?;
        let is_port = port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
        let is_good = is_port && address.parse::<std::net::Ipv6Addr>().is_ok();
        return if is_good { Ok(String::new()) } else { Err(BadUrl("what is in brackets is not an IPv6 address")) };
    }
    let (host, port) = authority.split_once(':').unwrap_or((authority, "80"));
    if port.parse::<u16>().is_err() {
        return Err(BadUrl("the port is not a number from 0 to 65535"));
    }
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    if host.parse::<std::net::IpAddr>().is_ok() {
        return Ok(String::new());
    }
    // Clients do send names with an underscore.
    HostName::new(&host.replace('_', "-")).map(|_| host).map_err(|_| BadUrl("the host is not a DNS name"))
}

/// Decodes percent escapes once, merges slashes and resolves dot segments.
fn normalised(path: &str) -> Result<Vec<u8>, BadUrl> {
    let is_whole = |escape: &[u8]| matches!(escape, [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit());
    if !path.match_indices('%').all(|(at, _)| is_whole(&path.as_bytes()[at + 1..])) {
        return Err(BadUrl("a percent escape is broken"));
    }
    let bytes: Vec<u8> = percent_decode_str(path).collect();
    if bytes.contains(&0) {
        return Err(BadUrl("a path cannot hold a NUL character"));
    }
    let is_folder = ["/", "/.", "/.."].iter().any(|end| bytes.ends_with(end.as_bytes()));
    let mut segments: Vec<&[u8]> = Vec::new();
    for segment in bytes.split(|byte| *byte == b'/').filter(|segment| !segment.is_empty() && *segment != b".") {
        if segment != b".." {
            segments.push(segment);
        } else if segments.pop().is_none() {
            return Err(BadUrl("the path leads above the root"));
        }
    }
    let mut out = [b"/", &*segments.join(&b'/')].concat();
    if is_folder && out.len() > 1 {
        out.push(b'/');
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_become_what_a_proxy_compares() {
        let parsed = |url: &str| Request::parse(url).map(|request| (request.secure, request.host, request.path));
        let is = |secure, host: &str, path: &str| Ok((secure, host.to_owned(), path.to_owned()));
        assert_eq!(parsed("https://User:x@Shop.Example.:8443/a//b/./c/../%64?q#f"), is(true, "shop.example", "/a/b/d"));
        assert_eq!(parsed("shop.example"), is(false, "shop.example", "/"));
        assert_eq!(parsed("http://shop.example?x"), is(false, "shop.example", "/"));
        assert_eq!(parsed("http://a_b.example/a%2Fb/"), is(false, "a_b.example", "/a/b/"));
        assert_eq!(parsed("http://10.0.0.1/x/.."), is(false, "", "/"));
        assert_eq!(parsed("http://[::1]:80/"), is(false, "", "/"));
        for bad in [
            "ftp://a/",
            "http:///x",
            "http://a/../..",
            "http://a/%",
            "http://a/%zz",
            "http://a/%00",
            "http://a b/",
            "http://a:b/",
            "http://[::1",
            "http://[x]/",
            "http://[::1]x/",
        ] {
            assert!(Request::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn methods_headers_and_cookies_are_read_as_they_are_sent() {
        let request = Request::parse("a.test").unwrap().with_method("options").unwrap();
        let texts = ["X-Canary: always", "x_more:1", "X-More:  2 ", "Cookie: one=1; Two=b=c", "cookie: three=3", "Empty:"];
        let request = texts.into_iter().fold(request, |request, text| request.with_header(text).unwrap());
        assert_eq!(request.method, "OPTIONS");
        let header = |name| request.header(name);
        assert_eq!(["x-canary", "X-MORE", "empty"].map(header), ["always", "1, 2", ""].map(|text| Some(text.to_owned())));
        assert_eq!(["ONE", "two", "three"].map(|name| request.cookie(name)), ["1", "b=c", "3"].map(|text| Some(text.to_owned())));
        assert_eq!((request.header("y"), request.cookie("four")), (None, None));
        for bad in ["X-Canary", ": x", "a b: c", "Host: b.test", "X: a\nb", "X: \u{1b}[1m"] {
            assert!(Request::parse("a.test").unwrap().with_header(bad).is_err(), "{bad}");
        }
        for bad in ["", "GET /", "G\u{e9}T"] {
            assert!(Request::parse("a.test").unwrap().with_method(bad).is_err(), "{bad}");
        }
    }
}
