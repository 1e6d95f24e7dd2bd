//! Who may pass: addresses, passwords, and how protections are joined.

use super::addresses::lines;
use super::external_auth::ExternalAuthView;
use super::section::page;
use crate::dialect::haproxy::credentials::list_name;
use crate::dialect::haproxy::expression::Expression;
use crate::dialect::haproxy::sections::Section;
use crate::model::{Globals, Satisfy};
use serde::Serialize;

/// What `route/guards.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct GuardsView {
    /// There is a protection that cannot be given.
    closed: bool,
    /// Any one of the protections is enough.
    any: bool,
    /// Addresses, in lines of a bounded number.
    denied: Vec<Vec<String>>,
    allowed: Vec<Vec<String>>,
    basic: Option<BasicAuthView>,
    external: Option<ExternalAuthView>,
    forbidden: String,
    unauthorized: String,
    unavailable: String,
}

#[derive(Debug, Serialize)]
struct BasicAuthView {
    users: String,
    challenge: Expression,
}

impl GuardsView {
    /// `None`: everybody may pass. `asks_nobody`: the section cannot have the filter with which others are asked.
    pub(super) fn new(section: &Section<'_>, globals: &Globals, asks_nobody: bool) -> Option<Self> {
        let policy = section.policy?;
        if !policy.is_guarded() {
            return None;
        }
        let sources = policy.sources.as_ref();
        let basic = policy.basic_auth.as_ref().map(|auth| BasicAuthView {
            users: list_name(&auth.accounts),
            challenge: Expression::literal("Basic realm=\"").and(&auth.quoted_realm()).and("\""),
        });
        let external = if asks_nobody { None } else { ExternalAuthView::new(section, globals) };
        Some(Self {
            any: policy.satisfy == Some(Satisfy::Any) && (basic.is_some() || external.is_some()),
            denied: sources.map(|sources| lines(&sources.denied)).unwrap_or_default(),
            allowed: sources.map(|sources| lines(&sources.allowed)).unwrap_or_default(),
            closed: policy.external_auth.is_some() && external.is_none(),
            basic,
            external,
            forbidden: page(403),
            unauthorized: page(401),
            unavailable: page(503),
        })
    }
}
