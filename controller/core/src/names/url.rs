//! URLs that are printed as they are written.

use super::{BadText, shown};
use std::fmt;
use std::sync::Arc;

/// Longest URL in bytes.
const MAX_BYTES: usize = 2048;

/// A URL or path without variables: letters, digits and `-._~/:,?&=` only, at most 2048 bytes, not empty. Cheap to
/// clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UrlText(Arc<str>);

impl UrlText {
    /// Checks and keeps a text.
    ///
    /// # Errors
    /// With the first character that does not belong there.
    pub fn new(text: &str) -> Result<Self, BadText> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-._~/:,?&=".contains(c);
        if let Some(c) = text.chars().find(|c| !fits(*c)) {
            let c = shown(c.encode_utf8(&mut [0; 4]));
            return Err(BadText(format!("{} has the character {c}; use letters, digits and -._~/:,?&=", shown(text))));
        }
        if text.is_empty() || text.len() > MAX_BYTES {
            return Err(BadText(format!("a URL of {} bytes cannot be used; use 1 to {MAX_BYTES}", text.len())));
        }
        Ok(Self(text.into()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UrlText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_characters_pass() {
        for good in ["/", "https://a.example:8443/x?y=1&z=a,b", "a~_-"] {
            assert!(UrlText::new(good).is_ok(), "{good}");
        }
        for bad in ["", "/a b", "/$x", "/%41", "/a#b", "/a;b", "/\n", "/\"", "/ä", "a@b", &"/".repeat(MAX_BYTES + 1)] {
            assert!(UrlText::new(bad).is_err(), "{bad:?}");
        }
    }
}
