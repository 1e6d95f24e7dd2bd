//! Labels that come from clients and endpoints, cut to a few words.

use std::borrow::Cow;

const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "PROPFIND", "REPORT", "MKCOL"];

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// A method that is in use; `OTHER` for all that a client may think of.
pub(super) fn method(text: &str) -> &'static str {
    METHODS.iter().find(|known| **known == text).copied().unwrap_or("OTHER")
}

/// Of clients that did not wait for an answer.
const CLIENT_CLOSED_REQUEST: &str = "499";

/// The code, or its class if that is wanted or the code is nobody's. `None`: it is no status.
///
/// Where none was sent, because the client did not wait for it, nginx says 499. HAProxy says so where it can, else -1, or
/// 400 and that the client ended it (`C`) while an answer was waited for (`H`).
pub(super) fn status(text: &str, classes: bool) -> Option<Cow<'static, str>> {
    let (code, end) = text.split_once(' ').unwrap_or((text, ""));
    let text = if code == "-1" || (code, end) == ("400", "CH") { CLIENT_CLOSED_REQUEST } else { code };
    let code: u16 = text.parse().ok().filter(|code| text.len() == 3 && (100..600).contains(code))?;
    let is_known = matches!(code, 100..=103 | 200..=208 | 226 | 300..=308 | 400..=431 | 444 | 451 | 494..=499 | 500..=511);
    let class = CLASSES[usize::from(code / 100) - 1];
    Some(if is_known && !classes { code.to_string().into() } else { class.into() })
}

/// Whether a host of a client can be one.
pub(super) fn is_host_name(text: &str) -> bool {
    const LONGEST: usize = 253;
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._:[]".contains(&byte);
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_that_are_nobodys_are_told_by_their_class() {
        let shown = |text, classes| status(text, classes).map(Cow::into_owned);
        assert_eq!(shown("499", false).as_deref(), Some("499"));
        for text in ["-1", "-1 CD", "-1 CQ", "400 CH", "499 CH"] {
            assert_eq!(shown(text, false).as_deref(), Some("499"), "{text}");
        }
        for text in ["400", "400 --", "400 PH", "400 CD", "400 CR"] {
            assert_eq!(shown(text, false).as_deref(), Some("400"), "{text}");
        }
        assert_eq!(shown("200 CD", false).as_deref(), Some("200"), "it had its answer");
        assert_eq!(shown("499", true).as_deref(), Some("4xx"));
        assert_eq!(shown("599", false).as_deref(), Some("5xx"));
        assert_eq!(["099", "600", "", "+20", "0200"].map(|text| status(text, false)), [const { None }; 5]);
    }
}
