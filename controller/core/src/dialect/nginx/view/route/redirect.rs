//! A redirect in place of what a route would do.

use super::super::host::HostContext;
use crate::dialect::nginx::expression::Expression;
use crate::model::{Redirect, RedirectStatus, RedirectTarget};
use serde::Serialize;

/// What `route/redirect.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct RedirectView {
    status: u16,
    target: Expression,
    keep_relative: bool,
}

impl RedirectView {
    pub(super) fn new(redirect: &Redirect, context: &HostContext<'_>) -> Self {
        let status = match redirect.status {
            RedirectStatus::Is(status) => status,
            RedirectStatus::OfHttpsRedirect => context.redirect_status,
        };
        let target = match &redirect.target {
            RedirectTarget::Url(url) => Expression::literal(url.as_str()),
            RedirectTarget::Host(host) => Expression::variable("believed_scheme")
                .and("://")
                .and(host.as_str())
                .and(":")
                .and_variable("pass_port")
                .and_variable("redirect_uri"),
        };
        Self { status, target, keep_relative: redirect.keep_relative }
    }
}
