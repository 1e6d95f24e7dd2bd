//! Who may pass: passwords, and how protections are joined.

use super::external_auth::ExternalAuthView;
use crate::dialect::nginx::credentials::accounts_path;
use crate::model::{BasicAuth, Route, Satisfy};
use serde::Serialize;

/// What `route/auth.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct AuthView {
    satisfy_any: bool,
    basic: Option<BasicAuthView>,
    external: Option<ExternalAuthView>,
}

#[derive(Debug, Serialize)]
struct BasicAuthView {
    realm: String,
    file: String,
}

impl AuthView {
    /// `None`: there is nothing to say.
    pub(super) fn new(route: &Route) -> Option<Self> {
        let policy = &route.policy;
        let satisfy_any = policy.satisfy == Some(Satisfy::Any);
        let basic = policy.basic_auth.as_ref().map(BasicAuthView::new);
        let external = policy.external_auth.as_ref().map(|auth| ExternalAuthView::new(route, auth));
        (satisfy_any || basic.is_some() || external.is_some()).then_some(Self { satisfy_any, basic, external })
    }
}

impl BasicAuthView {
    fn new(auth: &BasicAuth) -> Self {
        // The realm `off` would let everybody in, quoted or not.
        let realm = if auth.realm == "off" { "off ".to_owned() } else { auth.quoted_realm() };
        Self { realm, file: accounts_path(&auth.accounts) }
    }
}
