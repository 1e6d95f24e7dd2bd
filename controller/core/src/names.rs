//! Names and texts that are checked when they are made, so that nobody has to check them again.
//!
//! No other room builds configuration text from anything but these types and numbers.

mod bounded;
mod cipher;
mod cost;
pub mod directive;
mod header;
mod host;
mod machine;
mod named;
mod nearest;
mod object;
mod origin;
mod parts;
mod path;
mod pattern;
mod repeats;
mod route;
mod scan;
mod selector;
mod service_url;
mod url;
pub mod variable;
mod variable_text;
mod word;

pub use bounded::{limit_of_all, limits};
pub use cipher::CipherList;
pub use header::{HeaderName, HeaderValue};
pub use host::{HostAlias, HostName, HostPattern};
pub use nearest::nearest;
pub use object::{Kind, ObjectName, ObjectRef, is_dns_label, is_dns_subdomain};
pub use origin::Origin;
pub use path::{PathLimits, UriPath};
pub use pattern::{TextPattern, TextRegex};
pub use route::{RouteRegex, RulePath};
pub(crate) use scan::literal_begin;
pub use selector::LabelSelector;
pub use service_url::{ServiceUrl, UrlHost, url_text, url_text_with_answers};
pub use url::UrlText;
pub use variable_text::{TextPart, VariableText};

/// Why a text is not what it should be: a message in the house style, never longer than 300 bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadText(pub String);

/// Shows a hostile text to a person: quoted, control and format characters escaped, at most 80 characters.
#[must_use]
pub fn shown(text: &str) -> String {
    const LIMIT: usize = 80;
    let mut out = String::from("\"");
    for (n, c) in text.chars().enumerate() {
        if n == LIMIT {
            out.push('…');
            break;
        }
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            _ if is_printable(c) => out.push(c),
            _ => out.extend(c.escape_unicode()),
        }
    }
    out.push('"');
    out
}

/// Whether a character may be shown and printed as it is: no control, format, separator, private or unassigned one.
///
/// The blank (U+0020) counts as printable; every other separator does not.
#[must_use]
pub fn is_printable(c: char) -> bool {
    use unicode_properties::{GeneralCategoryGroup as Group, UnicodeGeneralCategory};
    // Most are, and the table is large.
    if c.is_ascii() { c == ' ' || c.is_ascii_graphic() } else { !matches!(c.general_category_group(), Group::Other | Group::Separator) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_shown_escaped_and_short() {
        assert_eq!(shown("a\nb\u{202e}\"\\"), r#""a\u{a}b\u{202e}\"\\""#);
        assert!(shown(&"x".repeat(1 << 20)).len() < 100);
    }
}
