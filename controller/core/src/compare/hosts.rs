//! Hosts: which come and go, who serves their requests instead, and what concerns them as a whole.

use super::guards;
use super::host_pair::HostPair;
use super::parts;
use super::policies::{Collected, Owners};
use super::services::Services;
use super::settings::Settings;
use super::{Change, Effect, Kind, Side, Subject, facts, kind_of};
use crate::model::{Alias, BackendId, Feature, Host, HostPolicy, Model};
use crate::names::{HostAlias, HostPattern};
use std::collections::{BTreeMap, BTreeSet};

/// What was compared, and what has to be compared beside it.
pub(super) struct Compared<'a> {
    pub(super) changes: Vec<Change>,
    /// Backends of the same Service port before and after that go by different names.
    pub(super) renamed: BTreeSet<(&'a BackendId, &'a BackendId)>,
}

pub(super) fn compare<'a>(
    old: Side<'a>,
    new: Side<'a>,
    (settings, services): (&'a Settings<'a>, &'a Services),
    prefix: &str,
) -> Compared<'a> {
    let collected = Collected::new(old, new, settings, prefix);
    let mut comparison = Comparison { old, new, changes: Vec::new(), renamed: BTreeSet::new(), collected, services };
    let mut patterns: Vec<&HostPattern> = old.model().hosts.keys().chain(new.model().hosts.keys()).collect();
    patterns.sort();
    patterns.dedup();
    for pattern in patterns {
        match (old.model().hosts.get(pattern), new.model().hosts.get(pattern)) {
            (Some(before), None) => comparison.gone(before),
            (None, Some(after)) => comparison.come(after),
            (Some(before), Some(after)) => comparison.both(before, after),
            (None, None) => {}
        }
    }
    let [before, after] = [old, new].map(|side| further_names(side.model()));
    let names: BTreeSet<&HostPattern> = before.keys().chain(after.keys()).collect();
    for name in names.into_iter().filter(|name| [old, new].iter().all(|side| !side.model().hosts.contains_key(*name))) {
        comparison.further(name, [before.get(name).copied(), after.get(name).copied()]);
    }
    let Comparison { mut changes, renamed, collected, .. } = comparison;
    changes.extend(collected.into_changes());
    Compared { changes, renamed }
}

/// Two sides, and what was found so far.
pub(super) struct Comparison<'a> {
    pub(super) old: Side<'a>,
    pub(super) new: Side<'a>,
    pub(super) changes: Vec<Change>,
    pub(super) renamed: BTreeSet<(&'a BackendId, &'a BackendId)>,
    pub(super) collected: Collected<'a>,
    pub(super) services: &'a Services,
}

impl<'a> Comparison<'a> {
    fn gone(&mut self, host: &'a Host) {
        self.host(host, Kind::Removed, ["", ""], None);
        if let Some(instead) = in_place_of(&host.pattern, self.new.model()) {
            self.meet(&HostPair::with_stand_in(&host.pattern, [host, instead], 1));
        }
    }

    fn come(&mut self, host: &'a Host) {
        self.host(host, Kind::Added, ["", ""], None);
        if let Some(instead) = in_place_of(&host.pattern, self.old.model()) {
            self.meet(&HostPair::with_stand_in(&host.pattern, [instead, host], 0));
        }
        let certificate = facts::certificate(host, self.new.model());
        self.certificate(host, String::new(), certificate);
    }

    /// A name that is nobody's own, and a further one of these.
    fn further(&mut self, name: &HostPattern, owners: [Option<&'a Host>; 2]) {
        let host_pair = match owners {
            [Some(before), Some(after)] if before.pattern != after.pattern => Some(HostPair::of(name, [before, after])),
            [Some(before), None] => in_place_of(name, self.new.model()).map(|instead| HostPair::with_stand_in(name, [before, instead], 1)),
            [None, Some(after)] => in_place_of(name, self.old.model()).map(|instead| HostPair::with_stand_in(name, [instead, after], 0)),
            // It is told of that host.
            _ => None,
        };
        host_pair.iter().for_each(|host_pair| _ = self.meet(host_pair));
    }

    fn host(&mut self, host: &Host, kind: Kind, [from, to]: [&str; 2], effect: Option<Effect>) {
        self.changes.push(Change {
            subject: Subject::Host,
            hosts: vec![host.pattern.to_string()],
            name: host.pattern.to_string(),
            kind,
            from: from.to_owned(),
            to: to.to_owned(),
            by: host.origin.clone(),
            effect,
        });
    }

    fn both(&mut self, before: &'a Host, after: &'a Host) {
        let (old, new) = (facts::certificate(before, self.old.model()), facts::certificate(after, self.new.model()));
        if old == new {
            self.renewed(before, after);
        } else {
            self.certificate(after, old, new);
        }
        if before.digest == after.digest && !facts::has_closed(before) {
            return;
        }
        let host_pair = HostPair::of(&after.pattern, [before, after]);
        let texts = host_pair.tables.each_ref().map(|table| if table.is_regex { "regular expressions" } else { "literal paths" });
        if texts[0] != texts[1] {
            self.host(after, Kind::Changed, texts, Some(Effect::Unclear));
        }
        let mut owners = vec![(before.origin.as_ref(), after.origin.as_ref())];
        owners.extend(self.meet(&host_pair));
        self.whole(before, after, owners);
    }

    /// What concerns a host as a whole; every Ingress with a route there may have a say.
    fn whole(&mut self, before: &'a Host, after: &'a Host, mut owners: Vec<Owners<'a>>) {
        // What is told elsewhere: who made it, the certificate, the routes.
        let Host { pattern, origin: _, certificate: _, routes: _, policy, features: _, digest: _ } = after;
        if *policy == before.policy {
            return;
        }
        let host = pattern.to_string();
        owners.sort();
        owners.dedup();
        owners.iter().for_each(|owners| self.collected.take(&host, *owners));
        let is_told = self.client_certificates([before, after], &owners);
        let client_auth = if is_told { policy } else { &before.policy }.client_auth.clone();
        let old = HostPolicy { client_auth, ..before.policy.clone() };
        let mut found = Vec::new();
        parts::of_host(&old, policy, &mut found);
        self.collected.note(&host, &owners, found);
    }

    /// Tells that more clients may come in, for want of a certificate or with another one, where no annotation that has
    /// changed seems to say so by itself: who asks for less may have taken the place of who asks for more.
    fn client_certificates(&mut self, hosts: [&Host; 2], owners: &[Owners<'a>]) -> bool {
        const ASKING: &str = "auth-tls-";
        let (Some(effect), Some((by, said))) = (guards::certificates(hosts), self.collected.asking(owners, ASKING)) else { return false };
        let is_other = effect == Effect::Unclear && guards::has_other_authority(hosts);
        let is_said = said.contains(&Some(Effect::Opens)) || (is_other && said.contains(&Some(Effect::Unclear)));
        if is_said || !(is_other || effect == Effect::Opens) {
            return false;
        }
        let [from, mut to] = hosts.map(|host| facts::client_certificates(host.policy.client_auth.as_ref()));
        if is_other {
            to.push_str(", of another authority");
        }
        let pattern = hosts[1].pattern.to_string();
        let (subject, name) = (Subject::Policy, "client certificates".to_owned());
        self.changes.push(Change { subject, hosts: vec![pattern], name, kind: Kind::Changed, from, to, by, effect: Some(Effect::Opens) });
        true
    }

    fn renewed(&mut self, before: &Host, after: &Host) {
        use crate::model::HostCertificate::Own;
        if let (Own(old), Own(new)) = (&before.certificate, &after.certificate) {
            let digest = |side: Side<'_>, id| side.model().certificates.get(id).map(|certificate| certificate.digest);
            if digest(self.old, old) != digest(self.new, new) {
                let name = facts::certificate(after, self.new.model());
                self.certificate(after, name.clone(), format!("{name}, with another key pair"));
            }
        }
    }

    fn certificate(&mut self, host: &Host, from: String, to: String) {
        if from.is_empty() && to.is_empty() {
            return;
        }
        let kind = kind_of(&from, &to);
        let pattern = host.pattern.to_string();
        self.changes.push(Change {
            subject: Subject::Certificate,
            hosts: vec![pattern.clone()],
            name: pattern,
            kind,
            from,
            to,
            by: host.origin.clone(),
            effect: None,
        });
    }
}

/// The further names of all hosts that are names, and whose each is.
fn further_names(model: &Model) -> BTreeMap<HostPattern, &Host> {
    let pattern = |alias: &Alias| match &alias.name {
        HostAlias::Exact(name) => Some(HostPattern::Exact(name.clone())),
        HostAlias::Wildcard(name) => Some(HostPattern::Wildcard(name.clone())),
        HostAlias::Regex(_) => None,
    };
    let mut names = BTreeMap::new();
    for host in model.hosts.having(Feature::Aliases) {
        for name in host.policy.aliases.iter().flatten().filter_map(pattern) {
            names.entry(name).or_insert(&**host);
        }
    }
    names
}

/// Who serves the requests for a host that is not in a model: one that has its name as a further one, its wildcard, or who
/// serves unknown hosts.
fn in_place_of<'a>(pattern: &HostPattern, model: &'a Model) -> Option<&'a Host> {
    let is_meant = |alias: &Alias| match (&alias.name, pattern) {
        (HostAlias::Exact(name), HostPattern::Exact(own)) | (HostAlias::Wildcard(name), HostPattern::Wildcard(own)) => name == own,
        _ => false,
    };
    let named = model.hosts.having(Feature::Aliases).find(|host| host.policy.aliases.iter().flatten().any(is_meant));
    let wildcard = || model.hosts.get(&pattern.covering_wildcard()?);
    named.or_else(wildcard).or_else(|| model.hosts.get(&HostPattern::CatchAll)).map(|host| &**host)
}
