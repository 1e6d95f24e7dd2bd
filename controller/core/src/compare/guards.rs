//! Whether access becomes wider or narrower when requests take another route.

use super::Effect;
use super::openness::{holds, joined, presence};
use crate::model::{Action, ClientAuth, ClientCertificates, Host, Route, RoutePolicy, Satisfy, SourceRanges, VerifyClient};
use ipnet::IpNet;

/// A route, and the host that it is taken in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way<'a> {
    pub(super) host: &'a Host,
    pub(super) route: &'a Route,
}

/// What another way means for the same requests.
pub(super) fn effect(before: Way<'_>, after: Way<'_>) -> Option<Effect> {
    match (is_open(Some(before.route)), is_open(Some(after.route))) {
        (false, true) => Some(Effect::Opens),
        (true, false) => Some(Effect::Closes),
        (false, false) => None,
        (true, true) => joined([of_routes(&before.route.policy, &after.route.policy), certificates([before.host, after.host])]),
    }
}

/// Whether the requests of a route reach a backend.
pub(super) fn is_open(route: Option<&Route>) -> bool {
    route.is_some_and(|route| route.policy.redirect.is_none() && !matches!(route.action, Action::Respond(_) | Action::Vacant(_)))
}

fn of_routes(old: &RoutePolicy, new: &RoutePolicy) -> Option<Effect> {
    let accounts = |policy: &RoutePolicy| policy.basic_auth.as_ref().map(|auth| auth.accounts.clone());
    let guards = joined([
        guard(&accounts(old), &accounts(new)),
        guard(&old.external_auth, &new.external_auth),
        sources(old.sources.as_ref(), new.sources.as_ref()),
    ]);
    let any = |policy: &RoutePolicy| policy.satisfy == Some(Satisfy::Any);
    let joining = match (any(old), any(new)) {
        (false, true) => Some(Effect::Opens),
        (true, false) => Some(Effect::Closes),
        // One more that suffices opens, and one less closes.
        (true, true) if guards.is_some() => Some(Effect::Unclear),
        _ => None,
    };
    joined([guards, joining, guard(&old.limits, &new.limits)])
}

fn guard<T: PartialEq>(old: &Option<T>, new: &Option<T>) -> Option<Effect> {
    presence(old.is_some(), new.is_some(), old != new)
}

fn sources(old: Option<&SourceRanges>, new: Option<&SourceRanges>) -> Option<Effect> {
    let lists = |of: Option<&SourceRanges>| of.cloned().unwrap_or_default();
    let (SourceRanges { denied, allowed }, new) = (lists(old), lists(new));
    let of_allowed = match (allowed.is_empty(), new.allowed.is_empty()) {
        (false, false) => inclusion(&allowed, &new.allowed),
        (was_open, is_open) => presence(!was_open, !is_open, false),
    };
    joined([of_allowed, inclusion(&new.denied, &denied)])
}

fn inclusion(old: &[IpNet], new: &[IpNet]) -> Option<Effect> {
    match (holds(new, old), holds(old, new)) {
        (true, true) => None,
        (true, false) => Some(Effect::Opens),
        (false, true) => Some(Effect::Closes),
        (false, false) => Some(Effect::Unclear),
    }
}

/// Whether more clients come into a host, or fewer, by how their certificates are checked.
pub(super) fn certificates(hosts: [&Host; 2]) -> Option<Effect> {
    let [old, new] = hosts.map(|host| host.policy.client_auth.as_ref());
    match (rank(old), rank(new)) {
        (before, after) if before < after => Some(Effect::Closes),
        (before, after) if before > after => Some(Effect::Opens),
        (1.., _) if old != new => Some(Effect::Unclear),
        _ => None,
    }
}

/// Whether certificates of clients are checked on both sides, and not with the same authority.
pub(super) fn has_other_authority(hosts: [&Host; 2]) -> bool {
    match hosts.map(|host| host.policy.client_auth.as_ref()) {
        [Some(ClientAuth::Checked(old)), Some(ClientAuth::Checked(new))] => old.authority != new.authority,
        _ => false,
    }
}

/// How many come in: all, those without a bad certificate, those with a good one, those with a good one for one name, nobody.
fn rank(auth: Option<&ClientAuth>) -> u8 {
    match auth {
        None => 0,
        Some(ClientAuth::Checked(ClientCertificates { verify, subject, .. })) => match (verify, subject) {
            (_, Some(_)) => 3,
            (VerifyClient::Required, None) => 2,
            (VerifyClient::Optional, None) => 1,
            (VerifyClient::OptionalOfAny | VerifyClient::Off, None) => 0,
        },
        Some(ClientAuth::Denied) => 4,
    }
}
