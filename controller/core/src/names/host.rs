//! Host names of rules and certificates.

use super::{BadText, TextRegex, is_dns_subdomain, shown};
use serde::Serialize;
use std::fmt;
use std::sync::Arc;

/// A lower-case DNS name without trailing dot: `a.example.com`. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct HostName(Arc<str>);

impl HostName {
    /// Checks `text` as the API server checks `rules[].host` (no wildcard, no IP address); upper case is folded,
    /// since names compare without case.
    ///
    /// # Errors
    /// When it is not an RFC 1123 subdomain, or is an IP address.
    pub fn new(text: &str) -> Result<Self, BadText> {
        Self::part_of(text, text)
    }

    /// Checks `name`, which is `text` or stands in it.
    fn part_of(text: &str, name: &str) -> Result<Self, BadText> {
        let lower = name.to_ascii_lowercase();
        if lower.parse::<std::net::IpAddr>().is_ok() {
            return Err(BadText(format!("host {} is an IP address; use a DNS name, or leave the host out", shown(text))));
        }
        if !is_dns_subdomain(&lower) || lower.split('.').any(|label| label.len() > 63) {
            return Err(BadText(format!("host {} is not a DNS name; {}", shown(text), mending(name))));
        }
        Ok(Self(lower.into()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same name without `www.` before it, or with it; `None` where that is no name.
    #[must_use]
    pub fn www_counterpart(&self) -> Option<Self> {
        let other = self.as_str().strip_prefix("www.").map_or_else(|| format!("www.{self}"), str::to_owned);
        Self::new(&other).ok()
    }
}

/// What would make a DNS name of a text.
fn mending(text: &str) -> &'static str {
    match text {
        "*" => "leave the host out, or write *. before a name",
        _ if text.contains('*') => "a '*' can only be the whole first label, before a name",
        _ if text.contains([':', '/']) => "write the name alone, without scheme, port or path",
        _ if text.ends_with('.') => "leave the dot at its end out",
        _ if text.contains(|c: char| c.is_alphabetic() && !c.is_ascii()) => "write it in its ASCII form, which begins with xn--",
        _ => "use letters, digits, '-' and '.', labels of at most 63, 253 in all",
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which request hosts a virtual host serves. Sorted: the catch-all, then exact names, then wildcards.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HostPattern {
    /// Every host that no other pattern takes; the empty host of a rule.
    CatchAll,
    /// Just this name.
    Exact(HostName),
    /// `*.` and this name: exactly one more label of letters, digits, `_` and `-`.
    Wildcard(HostName),
}

impl HostPattern {
    /// Reads the `host` of a rule or of a TLS section.
    ///
    /// # Errors
    /// When it is neither empty, nor a DNS name, nor `*.` and a DNS name.
    pub fn parse(text: &str) -> Result<Self, BadText> {
        match text.strip_prefix("*.") {
            _ if text.is_empty() => Ok(Self::CatchAll),
            Some(parent) => HostName::part_of(text, parent).map(Self::Wildcard),
            None => HostName::new(text).map(Self::Exact),
        }
    }

    /// The wildcard pattern that would take this exact name: `*.b.c` for `a.b.c`.
    #[must_use]
    pub fn covering_wildcard(&self) -> Option<Self> {
        match self {
            Self::Exact(name) => {
                let (_, parent) = name.as_str().split_once('.')?;
                Some(Self::Wildcard(HostName(parent.into())))
            }
            Self::CatchAll | Self::Wildcard(_) => None,
        }
    }
}

/// As a rule spells it: `a.example.com`, `*.example.com`, and `_` for the catch-all.
impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CatchAll => f.write_str("_"),
            Self::Exact(name) => name.fmt(f),
            Self::Wildcard(parent) => write!(f, "*.{parent}"),
        }
    }
}

/// A further name of a host.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HostAlias {
    /// Just this name.
    Exact(HostName),
    /// Any number of labels, at least one, before this name: written `*.name`.
    Wildcard(HostName),
    /// Names that match: written `~expression`. Without case, since names are compared in lower case.
    Regex(TextRegex),
}

impl HostAlias {
    /// Reads an alias.
    ///
    /// # Errors
    /// When it is neither a DNS name, nor `*.` and one, nor `~` and a regular expression.
    pub fn parse(text: &str) -> Result<Self, BadText> {
        if let Some(expression) = text.strip_prefix('~') {
            return TextRegex::new(expression).map(Self::Regex);
        }
        match text.strip_prefix("*.") {
            Some(parent) => HostName::part_of(text, parent).map(Self::Wildcard),
            None => HostName::new(text).map(Self::Exact),
        }
    }
}

/// As it is written.
impl fmt::Display for HostAlias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => name.fmt(f),
            Self::Wildcard(parent) => write!(f, "*.{parent}"),
            Self::Regex(expression) => write!(f, "~{expression}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_dns_names_or_one_label_wildcards() {
        assert_eq!(HostPattern::parse("A.Example.COM").unwrap().to_string(), "a.example.com");
        assert_eq!(HostPattern::parse("*.foo.com").unwrap().to_string(), "*.foo.com");
        assert_eq!(HostPattern::parse("").unwrap(), HostPattern::CatchAll);
        for bad in ["_", "*", "*.", "a..b", "a.b.", "10.0.0.1", "*.*.b", "a b", "a;b", "~x", "a\n", "[::1]", "a:80", &"a".repeat(64)] {
            assert!(HostPattern::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_is_no_host_is_shown_as_it_was_given_with_what_would_do() {
        for (bad, told) in [
            ("*.*.b", r#"host "*.*.b" is not a DNS name; a '*' can only be the whole first label, before a name"#),
            ("*", r#"host "*" is not a DNS name; leave the host out, or write *. before a name"#),
            ("a.b.", r#"host "a.b." is not a DNS name; leave the dot at its end out"#),
            ("a.b:80", r#"host "a.b:80" is not a DNS name; write the name alone, without scheme, port or path"#),
            ("m\u{fc}n.test", "host \"m\u{fc}n.test\" is not a DNS name; write it in its ASCII form, which begins with xn--"),
            ("*.10.0.0.1", r#"host "*.10.0.0.1" is an IP address; use a DNS name, or leave the host out"#),
        ] {
            assert_eq!(HostPattern::parse(bad).unwrap_err().0, told);
        }
    }

    #[test]
    fn aliases_are_names_wildcards_or_expressions() {
        for good in ["a.example", "*.a.example", "~^a[0-9]+\\.example$"] {
            assert_eq!(HostAlias::parse(good).unwrap().to_string(), good);
        }
        for bad in ["", "a b", "*", "~", "~(", "a;b", "_", "10.0.0.1"] {
            assert!(HostAlias::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_exact_name_knows_its_wildcard() {
        let wildcard = HostPattern::parse("a.foo.com").unwrap().covering_wildcard();
        assert_eq!(wildcard, Some(HostPattern::parse("*.foo.com").unwrap()));
        assert_eq!(HostPattern::parse("com").unwrap().covering_wildcard(), None);
    }
}
