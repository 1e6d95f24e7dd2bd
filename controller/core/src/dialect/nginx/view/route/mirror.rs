//! A second server that gets the requests, too.

use super::super::headers::{HeaderView, HeadersView};
use super::labels;
use crate::dialect::nginx::expression::Expression;
use crate::model::{Mirror, Route, digest_of};
use crate::names::UrlHost;
use serde::Serialize;

/// What `route/mirror.tera` and `route/mirror_location.tera` see.
#[derive(Debug, Serialize)]
pub(super) struct MirrorView {
    /// Double slashes of clients are merged, so no request of theirs is for this.
    location: String,
    with_body: bool,
    target: Expression,
    headers: Vec<HeaderView>,
    /// Name of the server for TLS.
    tls_name: Option<String>,
}

impl MirrorView {
    pub(super) fn new(route: &Route, mirror: &Mirror, common: &HeadersView) -> Self {
        let url = &mirror.url;
        let scheme = if url.tls { "https://" } else { "http://" };
        let mut target = Expression::literal(scheme).and(mirror.backend_id().as_str()).and_all(&labels::expression(&url.path, route));
        if let Some(query) = &url.query {
            target = target.and("?").and_all(&labels::expression(query, route));
        }
        let mut headers = common.clone();
        headers.send("Host", labels::expression(&mirror.host, route));
        if !mirror.with_body {
            headers.send("Content-Length", Expression::literal(""));
        }
        Self {
            location: format!("//mirror/{:032x}", digest_of(&(&route.rule_path, &route.matches, mirror))),
            with_body: mirror.with_body,
            target,
            headers: headers.into_request(),
            tls_name: if let (true, UrlHost::Name(name)) = (url.tls, &url.host) { Some(name.to_string()) } else { None },
        }
    }
}
