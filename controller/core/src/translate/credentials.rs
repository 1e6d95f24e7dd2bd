//! Users, authorities and key pairs that the hosts of all Ingresses may name.
//!
//! The time for the hashes of all users is shared here. Who needs little has all of it; beyond that, namespaces get alike,
//! however many Secrets one of them has, and in a namespace whoever was first has it first.

use super::Input;
use super::annotations::named;
use super::reading::Reading;
use super::readings::Readings;
use super::tls::SOON_S;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Accounts, AccountsId, Credentials};
use crate::names::shown;
use crate::settings::Settings;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// What the hosts and routes of these Ingresses may name.
pub(super) fn of(readings: &Readings, input: Input<'_>, diagnostics: &mut Vec<Diagnostic>) -> Credentials {
    let settings = input.settings;
    let mut all = Credentials::default();
    let mut oldest_first = Vec::new();
    for reading in readings.iter() {
        if let Some(accounts) = &reading.policies.accounts
            && all.accounts.insert(accounts.id.clone(), Arc::clone(accounts)).is_none()
        {
            oldest_first.push((reading.origin.name.namespace(), Arc::clone(accounts)));
        }
    }
    for policies in readings.iter().map(|reading| &reading.policies) {
        let authorities = policies.authority.iter().chain(&policies.upstream_authority);
        all.authorities.extend(authorities.map(|authority| (authority.id.clone(), Arc::clone(authority))));
        all.identities.extend(policies.identity.iter().map(|identity| (identity.id.clone(), Arc::clone(identity))));
    }
    diagnostics.extend(readings.iter().filter_map(|reading| untimely(reading, input)));
    if let Some(time) = settings.time_for_hashes {
        let out = over_budget(&oldest_first, time);
        say(&out, readings, settings, diagnostics);
        leave_out(&out, &mut all.accounts);
    }
    all
}

/// What there is to say of the time in which the authority of an Ingress's clients is valid: outside of it nobody comes in
/// with one of its certificates.
fn untimely(reading: &Reading, input: Input<'_>) -> Option<Diagnostic> {
    let all = &reading.policies.authority.as_ref()?.valid_s;
    let is_early = |(begins, _): &&(i64, i64)| *begins > input.now_s;
    let is_late = |(_, ends): &&(i64, i64)| *ends < input.now_s;
    let ends_soon = |(_, ends): &&(i64, i64)| *ends < input.now_s + SOON_S;
    let count = |of: &dyn Fn(&&(i64, i64)) -> bool| all.iter().filter(of).count();
    let (count, when, help) = [
        (count(&is_late), "expired: clients with certificates of it are kept out", "renew it"),
        (count(&is_early), "not valid yet: clients with certificates of it are kept out", "use one whose time has begun"),
        (count(&ends_soon), "valid for less than ten days more", "renew it"),
    ]
    .into_iter()
    .find(|(count, ..)| *count > 0)?;
    let key = format!("{}/auth-tls-secret", input.settings.annotations_prefix);
    let secret = reading.ingress.meta.annotations.get(&*key).map_or("", |secret| secret.trim());
    let which = if all.len() == 1 { "the authority".to_owned() } else { format!("{count} of {} authorities", all.len()) };
    let message = format!("auth-tls-secret: {which} in Secret {} {} {when}", shown(secret), if count == 1 { "is" } else { "are" });
    let field = format!("metadata.annotations[{key}]");
    Some(Diagnostic::new(Code::ExpiredCertificate, reading.origin.clone(), field, message).help(help))
}

/// Positions of users in their lists, by list.
type OverBudget = HashMap<AccountsId, HashSet<usize>>;

/// The users whose hashes are more than can be computed in so much time.
///
/// Each hash waits for its turn: until all namespaces have had as much time as its own has had with it.
fn over_budget(oldest_first: &[(&str, Arc<Accounts>)], time: Duration) -> OverBudget {
    let mut out = OverBudget::new();
    if oldest_first.iter().fold(Duration::ZERO, |all, (_, accounts)| all.saturating_add(accounts.time)) <= time {
        return out;
    }
    let mut used: HashMap<&str, Duration> = HashMap::new();
    let mut turns = Vec::new();
    for (list, (namespace, accounts)) in oldest_first.iter().enumerate() {
        let used = used.entry(namespace).or_default();
        for (account, own) in accounts.list.iter().map(|account| account.time_to_compute()).enumerate().filter(|(_, own)| !own.is_zero()) {
            *used = used.saturating_add(own);
            turns.push((*used, list, account, own));
        }
    }
    turns.sort_unstable();
    let mut left = time;
    for (_, list, account, own) in turns {
        match left.checked_sub(own) {
            Some(rest) => left = rest,
            None => _ = out.entry(oldest_first[list].1.id.clone()).or_default().insert(account),
        }
    }
    out
}

/// Tells each Ingress whose users cannot log in.
fn say(out: &OverBudget, readings: &Readings, settings: &Settings, diagnostics: &mut Vec<Diagnostic>) {
    for reading in readings.iter().filter(|_| !out.is_empty()) {
        let Some((accounts, out)) = reading.policies.accounts.as_ref().and_then(|own| Some((own, out.get(&own.id)?))) else { continue };
        let those = accounts.list.iter().enumerate().filter(|(n, _)| out.contains(n)).map(|(_, account)| account);
        let Some(names) = named(those) else { continue };
        let field = format!("metadata.annotations[{}/auth-secret]", settings.annotations_prefix);
        let message = format!("auth-secret: this proxy computes all hashes at each load, and has no time for {names}, who cannot log in");
        let help = "use hashes of htpasswd -B, which take milliseconds; all namespaces share the time";
        diagnostics.push(Diagnostic::new(Code::LacksFeature, reading.origin.clone(), field, message).help(help));
    }
}

/// Nobody can log in by a name that is not there.
fn leave_out(out: &OverBudget, all: &mut BTreeMap<AccountsId, Arc<Accounts>>) {
    for (id, out) in out {
        let Some(accounts) = all.get_mut(id) else { continue };
        let list = accounts.list.iter().enumerate().filter(|(n, _)| !out.contains(n)).map(|(_, account)| account.clone());
        *accounts = Arc::new(Accounts::new(id.clone(), list.collect()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Account, HashKind, PasswordHash};

    /// A Secret of so many users, each of whom takes 200 ms.
    fn secret(name: &str, users: usize) -> Arc<Accounts> {
        let hash = PasswordHash { kind: HashKind::Crypt, text: "$2b$12$x".into() };
        let list = (0..users).map(|n| Account { name: format!("u{n}").into(), hash: Ok(hash.clone()) });
        Arc::new(Accounts::new(AccountsId::of_secret("a", name, false), list.collect()))
    }

    /// How many users of each Secret can log in, in 3.1 s.
    fn served(lists: &[(&str, usize)]) -> Vec<usize> {
        let lists: Vec<_> = lists.iter().enumerate().map(|(n, (namespace, users))| (*namespace, secret(&n.to_string(), *users))).collect();
        let out = over_budget(&lists, Duration::from_millis(3100));
        lists.iter().map(|(_, list)| list.list.len() - out.get(&list.id).map_or(0, HashSet::len)).collect()
    }

    #[test]
    fn time_for_hashes_is_shared_by_namespaces_and_then_by_age() {
        assert_eq!(served(&[("a", 10), ("b", 5)]), [10, 5], "there is enough");
        assert_eq!(served(&[("a", 1000)]), [15]);
        assert_eq!(served(&[("evil", 9), ("evil", 50), ("evil", 900), ("b", 2)]), [9, 4, 0, 2], "who needs little has it");
        assert_eq!(served(&[("a", 90), ("b", 90), ("b", 90)]), [8, 7, 0]);
        let many: Vec<_> = (0..20).map(|n| ["a", "b", "c", "d", "e"][n % 5]).map(|namespace| (namespace, 1)).collect();
        assert_eq!(served(&many).iter().sum::<usize>(), 15);
        assert_eq!(served(&many)[15..], [0; 5], "the youngest are those who wait");
    }

    #[test]
    fn what_takes_no_time_is_served_beside_what_takes_too_much() {
        let mut list = secret("a", 100).list.to_vec();
        list.push(Account { name: "plain".into(), hash: Ok(PasswordHash { kind: HashKind::Plain, text: "{PLAIN}x".into() }) });
        let mut all = BTreeMap::new();
        let accounts = Arc::new(Accounts::new(AccountsId::of_secret("a", "b", false), list.into()));
        all.insert(accounts.id.clone(), Arc::clone(&accounts));
        leave_out(&over_budget(&[("a", accounts)], Duration::from_millis(500)), &mut all);
        let names = |accounts: &Accounts| accounts.list.iter().map(|account| account.name.to_string()).collect::<Vec<_>>();
        assert_eq!(all.values().map(|accounts| names(accounts)).next().unwrap(), ["u0", "u1", "plain"]);
    }
}
