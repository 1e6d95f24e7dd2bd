//! Who may pass: passwords, and how protections are joined.

use crate::dialect::nginx::credentials::accounts_path;
use crate::model::{BasicAuth, RoutePolicy, Satisfy};
use serde::Serialize;

/// What `route/auth.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct AuthView<'m> {
    satisfy_any: bool,
    basic: Option<BasicAuthView<'m>>,
}

#[derive(Debug, Serialize)]
struct BasicAuthView<'m> {
    realm: &'m str,
    file: String,
}

impl<'m> AuthView<'m> {
    /// `None`: there is nothing to say.
    pub(super) fn new(policy: &'m RoutePolicy) -> Option<Self> {
        let satisfy_any = policy.satisfy == Some(Satisfy::Any);
        let basic = policy.basic_auth.as_ref().map(BasicAuthView::new);
        (satisfy_any || basic.is_some()).then_some(Self { satisfy_any, basic })
    }
}

impl<'m> BasicAuthView<'m> {
    fn new(auth: &'m BasicAuth) -> Self {
        // The realm `off` would let everybody in, quoted or not.
        let realm = if auth.realm == "off" { "off " } else { &auth.realm };
        Self { realm, file: accounts_path(&auth.accounts) }
    }
}
