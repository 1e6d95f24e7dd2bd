//! What is changed in the cookies of answers.

use crate::names::UrlText;

/// Replaces a text, that neither begins with `~` nor is `off`, by another one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CookieRewrite {
    /// The whole domain (a leading dot aside), or the beginning of a path.
    pub from: UrlText,
    /// What stands there then.
    pub to: UrlText,
}
