//! What several Ingresses ask of one host, put together: `annotations` 1.4, one rule for each wish.

use super::claims::Claim;
use super::reading::Reading;
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::model::{Alias, ClientAuth, ClientCertificates, HostPolicy, HostTls, VerifyClient};
use crate::names::HostPattern;
use std::ptr;

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
    deciding(claims).map(|(_, wish)| wish.clone())
}

/// The Ingress that decides on certificates of clients, and what it asks for.
fn deciding(claims: &[Claim]) -> Option<(&Reading, &ClientAuth)> {
    let mut wishes = claims.iter().filter_map(wish);
    let denied = wishes.clone().find(|(_, wish)| **wish == ClientAuth::Denied);
    denied.or_else(|| wishes.next())
}

fn wish(claim: &Claim) -> Option<(&Reading, &ClientAuth)> {
    Some((&claim.reading, claim.reading.policies.host.client_auth.as_ref()?))
}

/// Whether clients that an Ingress wants kept out come in, because another one decides how their certificates are checked:
/// then its routes are closed. The host has one handshake, so both cannot be had.
pub(super) fn lets_in_more(claims: &[Claim], reading: &Reading) -> bool {
    let Some(ClientAuth::Checked(asked)) = &reading.policies.host.client_auth else { return false };
    match deciding(claims) {
        Some((_, ClientAuth::Checked(given))) => is_weaker(given, asked),
        _ => false,
    }
}

/// Whether some come in by `given` that `asked` keeps out.
fn is_weaker(given: &ClientCertificates, asked: &ClientCertificates) -> bool {
    let verified = |of: &ClientCertificates| match of.verify {
        VerifyClient::Required => 2,
        VerifyClient::Optional => 1,
        VerifyClient::OptionalOfAny | VerifyClient::Off => 0,
    };
    let by_others = given.authority != asked.authority || given.depth > asked.depth;
    verified(given) < verified(asked)
        || (verified(asked) > 0 && by_others)
        || (asked.subject.is_some() && (given.subject != asked.subject || by_others))
}

/// Tells each Ingress that asks for certificates of clients and gets something else, because another one decides.
pub(super) fn say_overruled(host: &HostPattern, claims: &[Claim], prefix: &str, diagnostics: &mut Vec<Diagnostic>) {
    let Some((decides, given)) = deciding(claims) else { return };
    let mut told: Option<&Reading> = None;
    for (reading, asked) in claims.iter().filter_map(wish) {
        // Several rules of an Ingress may be for one host.
        let is_told = told.replace(reading).is_some_and(|told| ptr::eq(told, reading));
        let ClientAuth::Checked(asked) = asked else { continue };
        if is_told || given == &ClientAuth::Checked(asked.clone()) {
            continue;
        }
        let as_other = || format!("host {host} checks certificates of clients as {} asks for", decides.first_before(reading));
        let (message, outcome) = match given {
            ClientAuth::Checked(given) if is_weaker(given, asked) => {
                (format!("{}, which lets in more than this Ingress does", as_other()), Outcome::ClosedRoute)
            }
            ClientAuth::Checked(_) => (format!("{}, and not as this Ingress does", as_other()), Outcome::Served),
            ClientAuth::Denied => {
                let message =
                    format!("host {host} lets nobody in: {} asks for certificates of clients that cannot be checked", decides.origin);
                (message, Outcome::DeniedHost)
            }
        };
        let field = format!("metadata.annotations[{prefix}/auth-tls-secret]");
        let finding = Diagnostic::new(Code::BadAnnotation, reading.origin.clone(), field, message).outcome(outcome);
        diagnostics.push(finding.help("give both the same auth-tls annotations, or use a host of its own"));
    }
}

/// Of several who have a say, the first one; about ciphers and their order each by itself.
fn tls(claims: &[Claim]) -> Option<HostTls> {
    let wishes = || claims.iter().filter_map(|claim| claim.reading.policies.host.tls.as_ref());
    let ciphers = wishes().find_map(|wish| wish.ciphers.clone());
    let own_order = wishes().find_map(|wish| wish.own_order);
    (ciphers.is_some() || own_order.is_some()).then_some(HostTls { ciphers, own_order })
}
