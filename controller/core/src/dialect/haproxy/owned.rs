//! Headers that all answers have, and routes of their own: these go before, though what is for all is looked at last.

use crate::model::{Feature, Globals, Model, RoutePolicy};
use crate::names::HeaderName;
use std::collections::BTreeSet;

/// Says how long names are asked for over TLS only.
pub(super) const HSTS: &str = "strict-transport-security";

/// The variable that is there where a route has a header of its own, by its name in lower case; no other header has it.
pub(super) fn variable(header: &str) -> String {
    format!("own_{}", header.replace('_', ".").replace('-', "_"))
}

/// Those of a policy, by their names in lower case: in place of others, and whatever the answer.
pub(super) fn of(policy: &RoutePolicy, globals: &Globals) -> BTreeSet<String> {
    let named = policy.response_headers.iter().flatten().map(|(name, _)| name);
    let answered = policy.extra.iter().flat_map(|extra| &extra.answer_headers);
    let plain = answered.filter(|header| header.replaces && header.always && !header.is_for_some()).map(|header| &header.name);
    let of_all = |name: &String| {
        let is_hsts = globals.hsts.is_some() && name == HSTS;
        is_hsts || globals.response_headers.iter().any(|(own, _)| own.lower_case() == *name)
    };
    named.chain(plain).map(HeaderName::lower_case).filter(of_all).collect()
}

/// Those of all routes.
pub(super) fn of_all(model: &Model) -> BTreeSet<String> {
    let routes = |feature| model.hosts.having(feature).flat_map(|host| &host.routes);
    let policies = routes(Feature::Snippets).chain(routes(Feature::ResponseHeaders)).map(|route| &*route.policy);
    policies.flat_map(|policy| of(policy, &model.globals)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_header_has_a_variable_of_its_own() {
        let names = ["x-q", "x_q", "x-_q", "x_-q", "x__q", "x--q"];
        let variables: BTreeSet<String> = names.into_iter().map(variable).collect();
        assert_eq!(variables.len(), names.len(), "{variables:?}");
        assert!(variables.iter().all(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || "._".contains(c))), "{variables:?}");
    }
}
