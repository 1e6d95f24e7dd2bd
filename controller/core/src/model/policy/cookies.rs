//! What is changed in the cookies of answers.

use super::SameSite;
use crate::names::UrlText;

/// Attributes that cookies of answers get or lose.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CookieFlags {
    /// Letters, digits and `-._`; `None`: every cookie.
    pub cookie: Option<String>,
    /// They have it, or not.
    pub secure: Option<bool>,
    /// The same.
    pub http_only: Option<bool>,
    /// What it says; inside `None`: nothing any more.
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
