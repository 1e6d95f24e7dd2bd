//! What several Ingresses ask of one host, put together: `annotations` 1.4, one rule for each wish.

use super::claims::Claim;
use super::reading::Reading;
use crate::model::{Alias, ClientAuth, HostPolicy, HostTls};

/// The policy of the host that these claims are on.
pub(super) fn of(claims: &[Claim], aliases: &[Alias]) -> HostPolicy {
    let aliases = (!aliases.is_empty()).then(|| aliases.to_vec());
    HostPolicy { app_root: app_root(claims), aliases, client_auth: client_auth(claims), tls: tls(claims) }
}

/// Of several, that of the Ingress with the longest path.
fn app_root(claims: &[Claim]) -> Option<crate::names::UriPath> {
    let longest = |claim: &Claim| claim.rule().into_iter().flat_map(|rule| &rule.paths).map(|path| path.text.as_str().len()).max();
    let mut best: Option<(Option<usize>, &Reading)> = None;
    for claim in claims.iter().filter(|claim| claim.reading.policies.host.app_root.is_some()) {
        let length = longest(claim);
        if best.is_none_or(|(before, _)| length > before) {
            best = Some((length, &claim.reading));
        }
    }
    best.and_then(|(_, reading)| reading.policies.host.app_root.clone())
}

/// Whoever asks for certificates that cannot be checked closes the host; else the first who asks decides.
fn client_auth(claims: &[Claim]) -> Option<ClientAuth> {
    let mut wishes = claims.iter().filter_map(|claim| claim.reading.policies.host.client_auth.as_ref());
    let denied = wishes.clone().find(|wish| **wish == ClientAuth::Denied);
    denied.or_else(|| wishes.next()).cloned()
}

/// Of several who have a say, the first one; about ciphers and their order each by itself.
fn tls(claims: &[Claim]) -> Option<HostTls> {
    let wishes = || claims.iter().filter_map(|claim| claim.reading.policies.host.tls.as_ref());
    let ciphers = wishes().find_map(|wish| wish.ciphers.clone());
    let own_order = wishes().find_map(|wish| wish.own_order);
    (ciphers.is_some() || own_order.is_some()).then_some(HostTls { ciphers, own_order })
}
