//! A second server gets the requests, too. HAProxy cannot send them twice; the agent sends the copies.

use super::external_auth::labelled;
use super::form::Form;
use crate::dialect::haproxy::expression::Expression;
use crate::dialect::haproxy::sections::{Does, Section};
use crate::model::Globals;
use serde::Serialize;

/// What `route/mirror.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct MirrorView {
    /// What the agent is told.
    ask: Expression,
    /// How long the client may take for its body; `None`: copies have none.
    body_timeout: Option<String>,
}

impl MirrorView {
    /// `None`: requests go to one server only, nobody is there to get copies, or there is a variable that HAProxy has no
    /// word for.
    pub(super) fn new(section: &Section<'_>, globals: &Globals) -> Option<Self> {
        let mirror = section.policy?.mirror.as_deref().filter(|_| matches!(section.key.does, Does::Forward(_)))?;
        let asks = section.key.asks?;
        let backend = section.mirror.filter(|backend| !backend.endpoints.is_empty())?;
        let (url, host) = (&mirror.url, mirror.url.host.to_string());
        let mut target = Expression::encoded(&labelled(&url.path, &asks))?;
        if let Some(query) = &url.query {
            target = target.and("%3F").and_all(&Expression::encoded(&labelled(query, &asks))?);
        }
        let mut form = Form::to(Some(backend)).expression("host", &Expression::encoded(&labelled(&mirror.host, &asks))?);
        form = form.expression("target", &target).fetch("method", "method").text("later", "1");
        if url.tls {
            form = form.text("tls", &host);
        }
        if mirror.with_body {
            form = form.text("carry", &(super::main::buffer_bytes(globals) / 2).to_string());
        }
        Some(Self { ask: form.limited(globals), body_timeout: mirror.with_body.then(|| super::seconds(globals.client_timeouts.body_s)) })
    }
}
