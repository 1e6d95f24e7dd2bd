//! Paths of rules as they are compared with requests: literally, or as regular expressions.

use super::bounded::RouteCost;
use super::machine::{Flags, occurs};
use super::named::without_names;
use super::path::{MAX_PATH_BYTES, may_stand_in_path};
use super::scan::{Kind, Tokens};
use super::word::{fits_a_word, written_bytes};
use super::{BadText, TextRegex, UriPath, is_printable, shown};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Groups that can be asked for.
const MOST_NAMES: usize = 9;
/// Bytes of the name of one.
const NAME_BYTES: usize = 20;
/// Steps in which an expression is compared with its own text.
const OWN_TEXT_STEPS: usize = 10_000;
/// Bytes of what else stands around an expression: limits, and what binds it to the beginning.
const LIMITS_BYTES: usize = 80;

/// The path of a rule as it is written: begins with `/`, printable, on one line, at most 2048 bytes. It may be a literal
/// path or an expression; for logs, messages and order. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RulePath(Arc<str>);

impl RulePath {
    /// Checks and keeps a text.
    ///
    /// # Errors
    /// When it cannot be the path of a rule.
    pub fn new(text: &str) -> Result<Self, BadText> {
        if !text.starts_with('/') {
            return Err(BadText(format!("path {} does not start with '/'; begin it with one", shown(text))));
        }
        if text.len() > MAX_PATH_BYTES || !text.chars().all(is_printable) {
            return Err(BadText(format!(
                "path {} is not one line of at most {MAX_PATH_BYTES} printable bytes; shorten it, or leave out what is not printable",
                shown(text)
            )));
        }
        fits_a_word(written_bytes(text), || format!("path {}", shown(text)))?;
        Ok(Self(text.into()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<UriPath> for RulePath {
    fn from(path: UriPath) -> Self {
        Self(path.as_str().into())
    }
}

impl fmt::Display for RulePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The path of a rule as a regular expression. It is compared with the decoded, normalised path of a request, without
/// case, from the beginning on. Begins with `/`; cheap to clone. Names of groups are not part of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RouteRegex {
    expression: TextRegex,
    /// As the rule writes it, if that is something else.
    written: Option<Arc<str>>,
    /// Follows from the expression.
    pub(super) cost: RouteCost,
}

impl Hash for RouteRegex {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.expression.hash(state);
    }
}

impl RouteRegex {
    /// Checks and keeps an expression.
    ///
    /// # Errors
    /// When it does not begin with `/`, has a character that belongs neither into a path nor into an expression, or is not
    /// an expression that every PCRE reads alike.
    pub fn new(text: &str) -> Result<Self, BadText> {
        Self::checked(text, may_stand_in_path)
    }

    fn checked(text: &str, fits: fn(char) -> bool) -> Result<Self, BadText> {
        RulePath::new(text)?;
        let (plain, names) = without_names(text)?;
        let expression = TextRegex::new(&plain)?;
        if let Some(c) = plain.chars().find(|&c| !fits(c) && !r"\^[]{}|?;".contains(c)) {
            let c = shown(c.encode_utf8(&mut [0; 4]));
            return Err(BadText(format!("path {} has the character {c}, which no path and no expression needs; remove it", shown(text))));
        }
        let around = LIMITS_BYTES + expression.groups().min(MOST_NAMES) * NAME_BYTES;
        fits_a_word(written_bytes(&plain) + around, || format!("path {}, as an expression,", shown(text)))?;
        let cost = RouteCost::new(&expression);
        Ok(Self { expression, written: (!names.is_empty()).then(|| text.into()), cost })
    }

    /// The expression that matches a text, which may have blanks, and nothing else; it stands among others by the text.
    ///
    /// # Errors
    /// As for [`Self::new`].
    pub fn literal(text: &str) -> Result<Self, BadText> {
        let quoted = Self::checked(&regex::escape(text), |c| c == ' ' || may_stand_in_path(c))?;
        Ok(Self { written: Some(text.into()), ..quoted })
    }

    /// Whether it matches the text that it is written as; also where nobody can say.
    #[must_use]
    pub fn takes_its_own_text(&self) -> bool {
        let flags = Flags { ignoring_case: true, dot_all: true };
        occurs(&format!("^(?:{self})"), flags, self.written().as_bytes(), OWN_TEXT_STEPS).unwrap_or(true)
    }

    /// The names of the groups of a path, in lower case, each with its number; none, if it is no expression.
    #[must_use]
    pub fn names_in(path: &str) -> Vec<(String, usize)> {
        without_names(path).map(|(_, names)| names).unwrap_or_default()
    }

    /// As the rule writes it, with the names of its groups, or without escapes: it stands among others by that.
    #[must_use]
    pub fn written(&self) -> &str {
        self.written.as_deref().unwrap_or(self.as_str())
    }

    /// The expression without anchor, flags and names.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.expression.as_str()
    }

    /// The expression with the name `prefix` and its number for each of its groups that can be asked for, such as
    /// `/a(?<g1>.*)`. A prefix has at most 16 bytes.
    #[must_use]
    pub fn with_named_groups(&self, prefix: &str) -> String {
        let mut out = String::new();
        let mut number = 0;
        for token in Tokens::new(self.as_str()) {
            out.push_str(token.text);
            if token.kind == Kind::Group && number < MOST_NAMES {
                number += 1;
                out.push_str(&format!("?<{prefix}{number}>"));
            }
        }
        out
    }

    /// Whether it has a dot that stands for any character.
    pub(super) fn has_dot(&self) -> bool {
        Tokens::new(self.as_str()).any(|token| token.kind == Kind::Character('.'))
    }

    /// The alternatives that it is made of; one, if none stands outside of groups and classes.
    #[must_use]
    pub fn alternatives(&self) -> Vec<&str> {
        split(self.as_str())
    }

    pub(super) const fn text(&self) -> &TextRegex {
        &self.expression
    }

    /// The number of its groups.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.expression.groups()
    }
}

impl fmt::Display for RouteRegex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expression.fmt(f)
    }
}

/// The alternatives of an expression that stand outside of groups and classes; at least one.
pub(super) fn split(text: &str) -> Vec<&str> {
    let (mut found, mut begin, mut at, mut depth) = (Vec::new(), 0, 0, 0_usize);
    for token in Tokens::new(text) {
        match token.kind {
            Kind::Group | Kind::Extended => depth += 1,
            Kind::Close => depth = depth.saturating_sub(1),
            Kind::Or if depth == 0 => {
                found.push(&text[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
        at += token.text.len();
    }
    found.push(&text[begin..]);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_begin_with_a_slash() {
        for good in ["/", "/id/[0-9]{3}$", "/something(/|$)(.*)", "/foo.+", "/(?!api)", "/a[;]b", "/a;b"] {
            assert!(RouteRegex::new(good).is_ok(), "{good}");
        }
        for bad in ["", "a", "^/a", "(/a)", "/(", "/a\n", "/(?<x>a", "/(?<=x)a", "/\\1", "/a**", "/a\"{2}", "/a b", "/a;{", "/a#"] {
            assert!(RouteRegex::new(bad).is_err(), "{bad}");
        }
        assert!(RouteRegex::new("/(?>a)").unwrap_err().0.contains("groups"));
        let named = RouteRegex::new("/(?<x>a)").unwrap();
        assert_eq!((named.as_str(), named.written(), named.groups()), ("/(a)", "/(?<x>a)", 1));
    }

    #[test]
    fn alternatives_stand_outside_of_groups_and_classes() {
        let of = |text: &str| RouteRegex::new(text).unwrap().alternatives().join(" ");
        assert_eq!(of("/a|/b(/|$)|^/c"), "/a /b(/|$) ^/c");
        assert_eq!((of(r"/a\|[|]b(x|(y|z))"), of("/")), (r"/a\|[|]b(x|(y|z))".to_owned(), "/".to_owned()));
    }

    #[test]
    fn groups_are_counted_and_named() {
        let named = |text: &str| (RouteRegex::new(text).unwrap().with_named_groups("g"), RouteRegex::new(text).unwrap().groups());
        assert_eq!(named("/a(/|$)(.*)"), ("/a(?<g1>/|$)(?<g2>.*)".to_owned(), 2));
        assert_eq!(named(r"/\((?:x)[(](y)"), (r"/\((?:x)[(](?<g1>y)".to_owned(), 1));
        assert_eq!(named("/a"), ("/a".to_owned(), 0));
        let (many, count) = named(&("/".to_owned() + &"(a)?".repeat(220)));
        assert_eq!((many.matches("(?<").count(), count), (9, 220), "no other can be asked for");
        let dollars = |times: usize| RouteRegex::new(&("/(a)".to_owned() + &"$".repeat(times)));
        assert!(dollars(229).is_ok() && dollars(230).unwrap_err().0.contains("as an expression, has 4014 bytes"));
    }
}
