//! What concerns no host alone: users, the default certificate.

use super::{Change, Effect, Kind, Subject};
use crate::model::{Account, Accounts, AccountsId, Model, Route};
use crate::names::{ObjectRef, shown};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The certificate for handshakes that no host claims. One that was made for this run alone says nothing.
pub(super) fn default_certificate(old: &Model, new: &Model) -> Option<Change> {
    let of = |model: &Model| model.certificates.get(&model.default_certificate).map(|own| (own.origin.clone(), own.digest));
    let ((from, before), (mut to, after)) = (of(old)?, of(new)?);
    if before == after {
        return None;
    }
    if from == to {
        to.push_str(", with another key pair");
    }
    let name = "default".to_owned();
    Some(Change { subject: Subject::Certificate, hosts: Vec::new(), name, kind: Kind::Changed, from, to, by: None, effect: None })
}

type All = BTreeMap<AccountsId, Arc<Accounts>>;

/// Users of the same Secret. Only their names are told.
pub(super) fn users(old: &All, new: &All, model: &Model) -> Vec<Change> {
    let both = old.iter().filter_map(|(id, before)| Some((id, before, new.get(id)?)));
    both.filter(|(_, before, after)| before.digest != after.digest)
        .flat_map(|(id, before, after)| of_list(id, (before, after), model))
        .collect()
}

fn of_list(id: &AccountsId, (before, after): (&Accounts, &Accounts), model: &Model) -> Vec<Change> {
    let by_name = |all: &Accounts| all.list.iter().map(|account| (Arc::clone(&account.name), account.clone())).collect::<BTreeMap<_, _>>();
    let (old, new) = (by_name(before), by_name(after));
    let (hosts, by) = guarded(id, model);
    let names: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let change = |name: &&Arc<str>| {
        let (kind, to, effect) = match (old.get(*name), new.get(*name)) {
            (None, Some(_)) => (Kind::Added, "", Effect::Opens),
            (Some(_), None) => (Kind::Removed, "", Effect::Closes),
            (Some(old), Some(new)) if old != new => (Kind::Changed, password(new), Effect::Unclear),
            _ => return None,
        };
        let from = if kind == Kind::Changed { password(old.get(*name)?).replace("another", "one") } else { String::new() };
        let name = shown(name).trim_matches('"').to_owned();
        let (hosts, to, by) = (hosts.clone(), to.to_owned(), by.clone());
        Some(Change { subject: Subject::User, hosts, name, kind, from, to, by, effect: Some(effect) })
    };
    names.iter().filter_map(change).collect()
}

const fn password(account: &Account) -> &'static str {
    if account.hash.is_ok() { "another password" } else { "no password" }
}

/// The hosts with a route for these users, and who asks for one.
fn guarded(id: &AccountsId, model: &Model) -> (Vec<String>, Option<ObjectRef>) {
    let asks = |route: &&Route| route.policy.basic_auth.as_ref().is_some_and(|auth| auth.accounts == *id);
    let hosts = model.hosts.values().filter(|host| host.routes.iter().any(|route| asks(&route)));
    let by = model.hosts.values().flat_map(|host| &host.routes).find(asks).and_then(|route| route.origin.clone());
    (hosts.map(|host| host.pattern.to_string()).collect(), by)
}
