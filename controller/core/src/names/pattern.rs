//! Regular expressions and exact texts that requests are compared with.

use super::named::without_names;
use super::parts::{self, Alternatives};
use super::repeats::are_ambiguous;
use super::scan::{Kind, Tokens};
use super::{BadText, is_printable, shown};
use std::fmt;
use std::sync::Arc;

/// Longest expression in bytes.
const MAX_BYTES: usize = 1000;
/// Characters that an expression may match at most where it counts repetitions; larger ones do not compile.
const MAX_SIZE: usize = 20_000;

/// A regular expression that every PCRE takes and reads in the same way: literals, classes, groups without names,
/// alternatives, groups in which case does not count, look-ahead, `^`, `$`, `*`, `+`, `?`, `{n,m}`. Unanchored. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TextRegex(Arc<str>);

impl TextRegex {
    /// Checks and keeps an expression.
    ///
    /// # Errors
    /// With the place that cannot be used.
    pub fn new(text: &str) -> Result<Self, BadText> {
        let bad = |why: &str| BadText(format!("{} is not a usable regular expression: {why}", shown(text)));
        if text.is_empty() || text.len() > MAX_BYTES {
            return Err(bad("it is empty or longer than 1000 bytes"));
        }
        if !text.chars().all(is_printable) {
            return Err(bad("it has a control character"));
        }
        // In front of all it holds for all, and so it does around all.
        let ignoring_case = text.strip_prefix("(?i)").map(|rest| format!("(?i:{rest})"));
        let text = ignoring_case.as_deref().unwrap_or(text);
        let all = parts::read(text).map_err(bad)?;
        if parts::size(&all) > MAX_SIZE {
            return Err(bad("its repetitions are too large"));
        }
        if are_ambiguous(&all) {
            return Err(bad("a repetition in a repetition has no bound, and could take very long"));
        }
        Ok(Self(text.into()))
    }

    /// An expression without the names of its groups, and these in lower case, each with the number of its group.
    ///
    /// # Errors
    /// With a name that is none, or taken.
    pub fn without_names(text: &str) -> Result<(String, Vec<(String, usize)>), BadText> {
        without_names(text)
    }

    /// The expression.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What it is made of.
    pub(super) fn parts(&self) -> Alternatives {
        parts::read(&self.0).expect("it was read when it was made")
    }

    /// How many groups there are whose matches can be asked for.
    #[must_use]
    pub fn groups(&self) -> usize {
        Tokens::new(&self.0).filter(|token| token.kind == Kind::Group).count()
    }
}

impl fmt::Display for TextRegex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a text is compared with, as nginx's maps write it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TextPattern {
    /// Equal but for case. Printable, not empty, at most 1000 bytes.
    Exact(Arc<str>),
    /// Written `~expression`: it matches somewhere, with case.
    Regex(TextRegex),
    /// Written `~*expression`: it matches somewhere, without case.
    RegexIgnoringCase(TextRegex),
}

impl TextPattern {
    /// Whether it has a limit of steps, and a proxy may not know whether it matches.
    #[must_use]
    pub fn is_slow(&self) -> bool {
        match self {
            Self::Exact(_) => false,
            Self::Regex(expression) | Self::RegexIgnoringCase(expression) => !expression.limits().is_empty(),
        }
    }

    /// Reads a pattern.
    ///
    /// # Errors
    /// When the text is not printable, too long, or no expression.
    pub fn parse(text: &str) -> Result<Self, BadText> {
        if let Some(expression) = text.strip_prefix("~*") {
            return TextRegex::new(expression).map(Self::RegexIgnoringCase);
        }
        if let Some(expression) = text.strip_prefix('~') {
            return TextRegex::new(expression).map(Self::Regex);
        }
        if text.is_empty() || text.len() > MAX_BYTES || !text.chars().all(is_printable) {
            return Err(BadText(format!("{} is not a text of at most 1000 printable characters", shown(text))));
        }
        Ok(Self::Exact(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_expressions_are_taken() {
        for good in [
            "a",
            "^/api(/|$)(.*)",
            "example\\.com",
            "[a-z0-9_-]+",
            "[^/]*",
            "(?:a|b){2,5}?",
            "(?!x)y",
            "\\d{3}\\s\\w",
            "bot|spider",
            "a{2,}",
            "größe",
            "[\\]\\\\.]",
            "\\bword\\b",
            "(?i)^a|(?i:b)",
            "()",
            "a|",
            "[a-]",
            "\\/x",
            "x++",
            "[$]",
            "Mozilla/5\\.0 \\(compatible; .*\\)",
        ] {
            assert!(TextRegex::new(good).is_ok(), "{good}: {:?}", TextRegex::new(good));
        }
    }

    #[test]
    fn what_no_pcre_or_not_every_one_reads_is_refused() {
        let deep = "(".repeat(12) + &")".repeat(12);
        for bad in [
            "",
            "(",
            ")",
            "a)",
            "[",
            "[]",
            "[]a]",
            "[b-a]",
            "[\\w-z]",
            "*",
            "a**b*+?*",
            "^*",
            "a{",
            "a{x}",
            "{2}",
            "a{3,2}",
            "a{1001}",
            "\\",
            "\\q",
            "\\1",
            "(?<n>a)",
            "(?P<n>a)",
            "a(?i)b",
            "(?i",
            "(?-i:a)",
            "(?<=a)b",
            "[[:alpha:]]",
            "(?=a)*",
            "a\nb",
            "((a{1000}){1000}){1000}",
            "(a+)+$",
            "\\b+",
            &deep,
        ] {
            assert!(TextRegex::new(bad).is_err(), "{bad}");
        }
        assert!(["(?i)(a+)+$", "(?i:a+)+$"].iter().all(|bad| TextRegex::new(bad).is_err()), "case makes it no shorter");
        assert_eq!(TextRegex::new("(?i)a|(b)").map(|read| (read.to_string(), read.groups())), Ok(("(?i:a|(b))".to_owned(), 1)));
        assert!(TextRegex::new(&"a".repeat(MAX_BYTES + 1)).is_err());
    }

    #[test]
    fn patterns_are_written_as_in_maps() {
        assert_eq!(TextPattern::parse("curl").unwrap(), TextPattern::Exact("curl".into()));
        assert!(matches!(TextPattern::parse("~^curl").unwrap(), TextPattern::Regex(_)));
        assert!(matches!(TextPattern::parse("~*curl").unwrap(), TextPattern::RegexIgnoringCase(r) if r.as_str() == "curl"));
        for bad in ["", "a\nb", "~", "~*", "~("] {
            assert!(TextPattern::parse(bad).is_err(), "{bad:?}");
        }
    }
}
