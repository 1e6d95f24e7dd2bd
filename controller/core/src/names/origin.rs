//! Origins of web pages.

use super::{BadText, is_dns_subdomain, shown};
use std::fmt;

/// An origin as CORS knows it: `https://a.example:8443`, `https://*.a.example`, or `null`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Origin {
    /// That of pages without one.
    Null,
    /// That of pages of a host.
    Of {
        /// Lower-case letters.
        scheme: String,
        /// Any one label of letters, digits and `-` stands before the host.
        one_label_more: bool,
        /// Letters, digits, `-` and `.`; lower case.
        host: String,
        /// The port, if it is named; it is compared as it is.
        port: Option<u16>,
    },
}

impl Origin {
    /// Reads an origin, written in any case.
    ///
    /// # Errors
    /// When it is neither `null` nor `scheme://host[:port]`.
    pub fn parse(text: &str) -> Result<Self, BadText> {
        if text == "null" {
            return Ok(Self::Null);
        }
        let bad = || BadText(format!("{} is not an origin; use null, or one such as https://a.example:8443", shown(text)));
        let (scheme, rest) = text.split_once("://").ok_or_else(bad)?;
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse::<u16>().ok().filter(|_| !port.starts_with(['+', '0'])).ok_or_else(bad)?)),
            None => (rest, None),
        };
        let (one_label_more, host) = host.strip_prefix("*.").map_or((false, host), |host| (true, host));
        let host = host.to_ascii_lowercase();
        let good = !scheme.is_empty() && scheme.len() <= 32 && scheme.bytes().all(|b| b.is_ascii_lowercase()) && is_dns_subdomain(&host);
        if good { Ok(Self::Of { scheme: scheme.to_owned(), one_label_more, host, port }) } else { Err(bad()) }
    }

    /// An expression that matches just this origin, from beginning to end; without case, when that is asked for elsewhere.
    #[must_use]
    pub fn expression(&self) -> String {
        match self {
            Self::Null => r"^null\z".to_owned(),
            Self::Of { scheme, one_label_more, host, port } => {
                let label = if *one_label_more { r"[0-9a-z-]+\." } else { "" };
                let port = port.map_or_else(String::new, |port| format!(":{port}"));
                format!(r"^{scheme}://{label}{}{port}\z", host.replace('.', r"\."))
            }
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Of { scheme, one_label_more, host, port } => {
                write!(f, "{scheme}://{}{host}", if *one_label_more { "*." } else { "" })?;
                port.map_or(Ok(()), |port| write!(f, ":{port}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_have_scheme_host_and_maybe_a_port() {
        for good in ["null", "https://a.example", "http://*.origin.com:8080", "tauri://localhost:3000"] {
            assert_eq!(Origin::parse(good).unwrap().to_string(), good);
        }
        for bad in [
            "",
            "*",
            "a.example",
            "https://a.example/",
            "chrome-extension://x",
            "http://a:b",
            "http://a:99999",
            "http://a b",
            "://a",
            "http://*",
            "http://a%",
        ] {
            assert!(Origin::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn expressions_take_dots_as_dots() {
        assert_eq!(Origin::parse("http://*.o.com:8080").unwrap().expression(), r"^http://[0-9a-z-]+\.o\.com:8080\z");
    }
}
