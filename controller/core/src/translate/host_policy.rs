//! What several Ingresses ask of one host, put together: `annotations` 1.4, one rule for each wish.

use super::claims::Claim;
use super::reading::Reading;
use crate::model::{Alias, HostPolicy};

/// The policy of the host that these claims are on.
pub(super) fn of(claims: &[Claim<'_>], aliases: &[Alias]) -> HostPolicy {
    HostPolicy { app_root: app_root(claims), aliases: (!aliases.is_empty()).then(|| aliases.to_vec()) }
}

/// Of several, that of the Ingress with the longest path.
fn app_root(claims: &[Claim<'_>]) -> Option<crate::names::UriPath> {
    let longest = |claim: &Claim<'_>| claim.rule.iter().flat_map(|rule| &rule.paths).map(|path| path.text.as_str().len()).max();
    let mut best: Option<(Option<usize>, &Reading)> = None;
    for claim in claims.iter().filter(|claim| claim.reading.policies.host.app_root.is_some()) {
        let length = longest(claim);
        if best.is_none_or(|(before, _)| length > before) {
            best = Some((length, claim.reading));
        }
    }
    best.and_then(|(_, reading)| reading.policies.host.app_root.clone())
}
