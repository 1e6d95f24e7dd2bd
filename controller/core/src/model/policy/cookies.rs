//! What is changed in the cookies of answers.

use super::SameSite;
use crate::names::UrlText;

/// Attributes that cookies of answers get or lose.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CookieFlags {
    /// Letters, digits and `-._`; `None`: every cookie.
    pub cookie: Option<String>,
    /// Whether cookies get (`true`) or lose (`false`) the attribute `Secure`; `None`: they keep what they have.
    pub secure: Option<bool>,
    /// Whether cookies get (`true`) or lose (`false`) the attribute `HttpOnly`; `None`: they keep what they have.
    pub http_only: Option<bool>,
    /// The attribute `SameSite` that cookies get, `Some(None)`: theirs is removed; `None`: they keep what they have.
    pub same_site: Option<Option<SameSite>>,
}

/// Replaces a text, that neither begins with `~` nor is `off`, by another one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CookieRewrite {
    /// The whole domain (a leading dot aside), or the beginning of a path.
    pub from: UrlText,
    /// What stands there then.
    pub to: UrlText,
}
