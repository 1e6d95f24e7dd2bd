//! What is changed in the cookies of answers.

use crate::model::{CookieRewrite, RoutePolicy};
use serde::Serialize;

/// What `route/cookies.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct CookiesView<'m> {
    domain: Option<PairView<'m>>,
    path: Option<PairView<'m>>,
}

#[derive(Debug, Serialize)]
struct PairView<'m> {
    from: &'m str,
    to: &'m str,
}

impl<'m> CookiesView<'m> {
    /// `None`: there is nothing to say.
    pub(super) fn new(policy: &'m RoutePolicy) -> Option<Self> {
        let pair = |rewrite: &'m CookieRewrite| PairView { from: rewrite.from.as_str(), to: rewrite.to.as_str() };
        let (domain, path) = (policy.cookie_domain.as_ref().map(pair), policy.cookie_path.as_ref().map(pair));
        (domain.is_some() || path.is_some()).then_some(Self { domain, path })
    }
}
