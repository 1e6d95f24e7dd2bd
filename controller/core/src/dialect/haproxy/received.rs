//! What texts and conditions see of the headers that clients have sent. Some are set before a route is found, and snippets look
//! at what came; of several lines with one name they see all.

use super::expression::client_header;
use crate::model::{Backend, Feature, Model, RoutePolicy};
use crate::names::VariableText;
use std::collections::BTreeSet;

/// By the names of their variables.
const SET: &[&str] = &[
    "http_x_forwarded_for",
    "http_x_forwarded_host",
    "http_x_forwarded_port",
    "http_x_forwarded_proto",
    "http_x_forwarded_scheme",
    "http_x_original_forwarded_for",
    "http_x_original_forwarded_host",
    "http_x_original_uri",
    "http_x_real_ip",
    "http_x_request_id",
    "http_x_scheme",
];

/// What finds such a header as it came, by the name of its variable.
pub(super) fn fetch(name: &str) -> Option<String> {
    SET.contains(&name).then(|| format!("var(txn.received_{name})"))
}

/// Those that snippets look at, by the names of their variables.
pub(super) fn needed(model: &Model) -> Vec<&'static str> {
    let snippets = || model.hosts.having(Feature::Snippets).flat_map(|host| &host.routes).filter_map(|route| route.policy.extra.as_deref());
    SET.iter().copied().filter(|name| snippets().any(|extra| extra.looks_at(name))).collect()
}

/// The headers that texts look at, by their names.
pub(super) fn looked_at(policy: Option<&RoutePolicy>, backend: Option<&Backend>) -> BTreeSet<String> {
    let keys = backend.and_then(|backend| backend.policy.hash.as_ref()).map(|hash| &hash.key);
    let texts = policy.into_iter().flat_map(RoutePolicy::texts).chain(keys);
    texts.flat_map(VariableText::variables).filter_map(client_header).filter(|header| header != "cookie").collect()
}
