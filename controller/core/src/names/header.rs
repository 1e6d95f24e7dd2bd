//! Names and values of HTTP headers.

use super::word::{fits_a_word, written_bytes};
use super::{BadText, is_printable, shown};
use std::fmt;
use std::sync::Arc;

/// Longest name in bytes.
const MAX_NAME_BYTES: usize = 128;

/// Headers that say where a message ends: whoever could set them could hide a second request inside a first one.
const FRAMING: &[&str] = &["content-length", "te", "trailer", "transfer-encoding"];

/// Headers of answers that the proxy writes itself, and takes no other value for.
const WRITTEN: &[&str] = &["connection", "content-length", "date", "server", "transfer-encoding"];

/// Headers of requests that the proxy writes itself where nobody has set them, in place of what a client says.
const TOLD: &[&str] = &[
    "connection",
    "host",
    "ssl-client-cert",
    "ssl-client-issuer-dn",
    "ssl-client-subject-dn",
    "ssl-client-verify",
    "upgrade",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-forwarded-scheme",
    "x-original-forwarded-for",
    "x-original-forwarded-host",
    "x-real-ip",
    "x-request-id",
    "x-scheme",
];

/// The name of a header: letters, digits, `-` and `_`, at most 128 bytes. Keeps the case it was written in; cheap to
/// clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HeaderName(Arc<str>);

impl HeaderName {
    /// Checks and keeps a name.
    ///
    /// # Errors
    /// When it has other characters than a name that proxies treat alike.
    pub fn new(text: &str) -> Result<Self, BadText> {
        let good = (1..=MAX_NAME_BYTES).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if good {
            Ok(Self(text.into()))
        } else {
            Err(BadText(format!("{} is not a header name; use letters, digits and '-'", shown(text))))
        }
    }

    /// Reads the name of a header that is to be set: framing headers are the proxy's own.
    ///
    /// # Errors
    /// As [`HeaderName::new`], and for `Content-Length`, `TE`, `Trailer` and `Transfer-Encoding`.
    pub fn settable(text: &str) -> Result<Self, BadText> {
        let name = Self::new(text)?;
        if FRAMING.contains(&name.lower_case().as_str()) {
            return Err(BadText(format!("the header {} is set by the proxy alone", shown(text))));
        }
        Ok(name)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is a header of answers that the proxy writes itself, and takes no other value for.
    #[must_use]
    pub fn is_the_proxys(&self) -> bool {
        WRITTEN.iter().any(|own| self.0.eq_ignore_ascii_case(own))
    }

    /// Whether the proxy tells endpoints its own where nobody has set it, so that no client says it.
    #[must_use]
    pub fn is_told(&self) -> bool {
        TOLD.iter().any(|own| self.0.eq_ignore_ascii_case(own))
    }

    /// Whether it is the name of the same header.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }

    /// The name in lower case: equal for equal headers.
    #[must_use]
    pub fn lower_case(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The value of a header: printable characters on one line, at most 2000 bytes; may be empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HeaderValue(Arc<str>);

impl HeaderValue {
    /// Longest value in bytes.
    pub const MAX_BYTES: usize = 2000;

    /// Checks and keeps a value; blanks around it are dropped.
    ///
    /// # Errors
    /// When it is too long, or has a line break or another control character.
    pub fn new(text: &str) -> Result<Self, BadText> {
        let text = text.trim_matches(' ');
        if text.len() > Self::MAX_BYTES || !text.chars().all(is_printable) {
            return Err(BadText(format!("{} is not a header value; use at most 2000 printable characters on one line", shown(text))));
        }
        fits_a_word(written_bytes(text), || shown(text))?;
        Ok(Self(text.into()))
    }

    /// The value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_header_names_pass() {
        for good in ["X-A", "x_a", "A1"] {
            assert!(HeaderName::new(good).is_ok(), "{good}");
        }
        for bad in ["", "a b", "a:", "a\n", "ä", "a\"", "$a", &"a".repeat(129)] {
            assert!(HeaderName::new(bad).is_err(), "{bad:?}");
        }
        assert!(HeaderName::settable("Transfer-ENCODING").is_err() && HeaderName::settable("Host").is_ok());
    }

    #[test]
    fn only_one_printable_line_is_a_value() {
        assert_eq!(HeaderValue::new(" a \"b\"; $c ").unwrap().as_str(), "a \"b\"; $c");
        for bad in ["a\r\nb", "a\0", "a\tb", "\u{202e}", &"a".repeat(2001)] {
            assert!(HeaderValue::new(bad).is_err(), "{bad:?}");
        }
    }
}
