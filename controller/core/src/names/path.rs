//! Paths of rules.

use super::word::{fits_a_word, written_bytes};
use super::{BadText, is_printable, shown};
use serde::Serialize;
use std::fmt;
use std::sync::Arc;

/// Longest path of a rule, in bytes.
pub(crate) const MAX_PATH_BYTES: usize = 2048;

/// What a proxy can compare the path of a request with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PathLimits {
    /// Paths may hold blanks.
    pub blanks: bool,
    /// So many bytes are told apart, with a slash at the end; at most 2048.
    pub most_bytes: usize,
}

impl Default for PathLimits {
    fn default() -> Self {
        Self { blanks: true, most_bytes: MAX_PATH_BYTES }
    }
}

impl PathLimits {
    /// Whether the proxy can compare with a path.
    ///
    /// # Errors
    /// When it is too long.
    pub(crate) fn check(self, path: UriPath) -> Result<UriPath, BadText> {
        let bytes = path.as_str().trim_end_matches('/').len() + 1;
        if bytes <= self.most_bytes {
            return Ok(path);
        }
        let most = self.most_bytes;
        Err(BadText(format!(
            "path {} has {bytes} bytes with its slash; this proxy tells only {most} apart, so use a shorter one",
            shown(path.as_str())
        )))
    }
}

/// An absolute path as a rule may hold it: RFC 3986 path characters without `;`, or printable characters beyond
/// ASCII; complete percent escapes without `%00`; no dot segments. At most 2048 bytes. Cheap to clone.
///
/// It is compared with the decoded path of a request, character by character, and never interpreted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct UriPath(Arc<str>);

impl UriPath {
    /// Checks `text`.
    ///
    /// # Errors
    /// With the first character or segment that does not belong into a path.
    pub fn new(text: &str) -> Result<Self, BadText> {
        Self::checked(text, may_stand_in_path)
    }

    /// Reads a path that may have blanks, as decoded paths of requests may; not every proxy can compare with one.
    ///
    /// # Errors
    /// As for [`Self::new`].
    pub fn with_blanks(text: &str) -> Result<Self, BadText> {
        Self::checked(text, |c| c == ' ' || may_stand_in_path(c))
    }

    fn checked(text: &str, fits: fn(char) -> bool) -> Result<Self, BadText> {
        Self::begins(text)?;
        if text.len() > MAX_PATH_BYTES {
            return Err(BadText(format!("path {} has {} bytes; at most {MAX_PATH_BYTES} are served", shown(text), text.len())));
        }
        fits_a_word(written_bytes(text), || format!("path {}", shown(text)))?;
        if let Some((at, c)) = text.char_indices().find(|&(_, c)| !fits(c)) {
            return Err(BadText(format!(
                "path {} has the character {} at byte {at}, which is not a path character; remove it",
                shown(text),
                shown(c.encode_utf8(&mut [0; 4]))
            )));
        }
        if let Some(escape) = bad_escape(text) {
            return Err(BadText(format!(
                "path {} has {}, which is not a percent escape of a character that may be served; use two hexadecimal digits other than 00",
                shown(text),
                shown(escape)
            )));
        }
        Self::is_without_dots(text)?;
        Ok(Self(text.into()))
    }

    /// Whether a text begins as a path does.
    ///
    /// # Errors
    /// When it does not.
    pub(crate) fn begins(text: &str) -> Result<(), BadText> {
        if !text.starts_with('/') {
            return Err(BadText(format!("path {} does not start with '/'; begin it with one", shown(text))));
        }
        Ok(())
    }

    /// Whether a text has no dot segment.
    ///
    /// # Errors
    /// When it has one.
    pub(crate) fn is_without_dots(text: &str) -> Result<(), BadText> {
        if text.split('/').any(|segment| segment == "." || segment == "..") {
            return Err(BadText(format!(
                "path {} has a dot segment, which no normalised request can match; write it without",
                shown(text)
            )));
        }
        Ok(())
    }

    /// The path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path without its trailing slashes; the root stays `/`.
    #[must_use]
    pub fn without_trailing_slash(&self) -> Self {
        match self.0.trim_end_matches('/') {
            "" => Self("/".into()),
            trimmed if trimmed.len() == self.0.len() => self.clone(),
            trimmed => Self(trimmed.into()),
        }
    }

    /// The path with exactly one trailing slash.
    #[must_use]
    pub fn with_trailing_slash(&self) -> Self {
        Self(format!("{}/", self.0.trim_end_matches('/')).into())
    }
}

impl fmt::Display for UriPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub(super) fn may_stand_in_path(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphanumeric() || "/-._~!$&'()*+,=:@%".contains(c) } else { is_printable(c) }
}

/// The first `%` that is not followed by two hexadecimal digits, or stands for NUL, with what follows it.
fn bad_escape(text: &str) -> Option<&str> {
    text.match_indices('%').map(|(at, _)| at).find_map(|at| {
        let digits = text.as_bytes().get(at + 1..at + 3);
        let good = digits.is_some_and(|d| d.iter().all(u8::is_ascii_hexdigit) && d != b"00");
        (!good).then(|| {
            let end = text[at..].char_indices().nth(3).map_or(text.len(), |(n, _)| at + n);
            &text[at..end]
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_path_characters_pass() {
        for good in ["/", "/a/b", "/a$EDGE_MARKER_ENV", "/a%20b", "/\u{ff1b}\u{ff5b}", "/.well-known/acme-challenge/x", "/~u/(x)'", "/a//b"]
        {
            assert!(UriPath::new(good).is_ok(), "{good:?}");
        }
        for bad in [
            "",
            "a",
            "/a b",
            "/a;b",
            "/a{b",
            "/a\"b",
            "/a\\b",
            "/a#b",
            "/a?b",
            "/a\nb",
            "/a\rb",
            "/a\0b",
            "/a\u{2028}b",
            "/a\u{202e}b",
            "/a|b",
            "/%",
            "/%0",
            "/%00",
            "/%é1",
            "/a/../b",
            "/a/.",
            "/${x}",
            "/[0-9]+",
            "/a^b",
        ] {
            assert!(UriPath::new(bad).is_err(), "{bad:?}");
        }
        assert!(UriPath::new(&format!("/{}", "a".repeat(MAX_PATH_BYTES))).is_err());
        assert!(UriPath::new(&format!("/{}", "$".repeat(300))).is_err());
    }

    #[test]
    fn blanks_pass_where_they_are_asked_for() {
        assert_eq!(UriPath::with_blanks("/a b").unwrap().as_str(), "/a b");
        for bad in ["/a\tb", "/a\u{a0}\nb", "/a b;c", "a b", "/a b/../c"] {
            assert!(UriPath::with_blanks(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn trailing_slashes_come_and_go() {
        let path = |text| UriPath::new(text).unwrap();
        assert_eq!(path("/a/").without_trailing_slash(), path("/a"));
        assert_eq!(path("/").without_trailing_slash(), path("/"));
        assert_eq!(path("/a").with_trailing_slash(), path("/a/"));
        assert_eq!(path("/").with_trailing_slash(), path("/"));
    }
}
