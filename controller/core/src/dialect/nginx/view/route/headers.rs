//! Which headers a route has: those of all routes, changed by what is asked for.

use super::super::headers::HeadersView;
use crate::dialect::nginx::expression::Expression;
use crate::model::Route;

/// What the location says: only the lists that differ from those of the `http` level.
pub(super) fn of(route: &Route, common: &HeadersView) -> HeadersView {
    if route.policy.is_empty() {
        return HeadersView::default();
    }
    let mut headers = common.clone();
    if route.policy.basic_auth.is_some() {
        headers.send("Authorization", Expression::literal(""));
    }
    headers.against(common)
}
