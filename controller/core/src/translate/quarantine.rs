//! Ingresses, settings and key pairs that the proxy refused, although we did not, and what it has taken before.

use crate::diagnostic::{Code, Diagnostic};
use crate::names::{Kind, ObjectName, ObjectRef};
use crate::state::{Ingress, KeyPair};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The verdicts. Each is about one version of an Ingress, by content: a changed Ingress gets a new chance.
#[derive(Debug, Clone, Default)]
pub struct Quarantine {
    verdicts: BTreeMap<ObjectName, Verdict>,
    /// By keys of the main ConfigMap.
    settings: BTreeMap<String, SettingVerdict>,
    /// By Secrets: the digest of the key pair, and the reason.
    pairs: BTreeMap<ObjectName, (u128, String)>,
    /// The Ingresses of the last revision that the proxy has taken, in the versions that it served.
    accepted: Arc<HashMap<ObjectName, Arc<Ingress>>>,
}

/// A verdict on one value of a key of the main ConfigMap.
#[derive(Debug, Clone)]
struct SettingVerdict {
    value: String,
    reason: String,
    last_accepted: Option<String>,
}

/// A key of the main ConfigMap whose value was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RefusedSetting<'q> {
    pub(super) key: &'q str,
    pub(super) reason: &'q str,
    /// The value before holds, and not the default.
    pub(super) has_last: bool,
}

#[derive(Debug, Clone)]
struct Verdict {
    digest: u128,
    reason: String,
    last_accepted: Option<Arc<Ingress>>,
}

impl Quarantine {
    /// The proxy has taken a revision that serves these.
    pub fn accept(&mut self, served: &[Arc<Ingress>]) {
        let accepted = Arc::make_mut(&mut self.accepted);
        accepted.clear();
        accepted.extend(served.iter().map(|ingress| (ingress.meta.name.clone(), Arc::clone(ingress))));
    }

    /// Whether the proxy has taken this version of an Ingress.
    #[must_use]
    pub fn has_accepted(&self, ingress: &Ingress) -> bool {
        self.accepted.get(&ingress.meta.name).is_some_and(|accepted| accepted.digest == ingress.digest)
    }

    /// The version of an Ingress that the proxy has taken last, if that is another one. One that was deleted in between and
    /// made anew has none.
    pub(super) fn last_before(&self, ingress: &Ingress) -> Option<&Arc<Ingress>> {
        self.accepted.get(&ingress.meta.name).filter(|last| last.digest != ingress.digest && last.meta.uid == ingress.meta.uid)
    }

    /// Sets an Ingress aside. The version that was accepted last is served instead, if there was one.
    pub fn set_aside(&mut self, ingress: &Ingress, reason: String) {
        let last_accepted = self.last_before(ingress).cloned();
        let verdict = Verdict { digest: ingress.digest, reason, last_accepted };
        self.verdicts.insert(ingress.meta.name.clone(), verdict);
    }

    /// Forgets the verdicts on Ingresses that `still_there` does not know in the refused version.
    pub fn forget_others(&mut self, still_there: impl Fn(&ObjectName) -> Option<u128>) {
        self.verdicts.retain(|name, verdict| still_there(name) == Some(verdict.digest));
    }

    /// Sets a value of a key of the main ConfigMap aside. `last_accepted` is the value that holds instead, if there was one.
    pub fn set_setting_aside(&mut self, key: &str, value: &str, reason: String, last_accepted: Option<String>) {
        self.settings.insert(key.to_owned(), SettingVerdict { value: value.to_owned(), reason, last_accepted });
    }

    /// Forgets the verdicts on values that the main ConfigMap has no more.
    pub fn forget_settings(&mut self, data: &BTreeMap<String, String>) {
        self.settings.retain(|key, verdict| data.get(key) == Some(&verdict.value));
    }

    /// Sets the key pair in a Secret aside.
    pub fn set_pair_aside(&mut self, secret: &ObjectName, digest: u128, reason: String) {
        self.pairs.insert(secret.clone(), (digest, reason));
    }

    /// Forgets the verdicts on key pairs that `still_there` does not know in the refused version.
    pub fn forget_pairs(&mut self, still_there: impl Fn(&ObjectName) -> Option<u128>) {
        self.pairs.retain(|secret, (digest, _)| still_there(secret) == Some(*digest));
    }

    /// Why the key pair in a Secret is set aside, if it is.
    #[must_use]
    pub fn refusal_of(&self, secret: &ObjectName, pair: &KeyPair) -> Option<&str> {
        self.pairs.get(secret).filter(|(digest, _)| *digest == pair.digest).map(|(_, reason)| reason.as_str())
    }

    /// The data of the main ConfigMap, without values that are set aside.
    #[must_use]
    pub fn accepted_of(&self, data: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut data = data.clone();
        self.mend(&mut data);
        data
    }

    /// Takes values that are set aside out of the data of the main ConfigMap; which they are.
    pub(super) fn mend(&self, data: &mut BTreeMap<String, String>) -> Vec<RefusedSetting<'_>> {
        let mut refused = Vec::new();
        for (key, verdict) in &self.settings {
            if data.get(key) != Some(&verdict.value) {
                continue;
            }
            match &verdict.last_accepted {
                Some(last) => data.insert(key.clone(), last.clone()),
                None => data.remove(key),
            };
            refused.push(RefusedSetting { key, reason: &verdict.reason, has_last: verdict.last_accepted.is_some() });
        }
        refused
    }

    /// Whether this version of an Ingress is set aside.
    #[must_use]
    pub fn holds(&self, ingress: &Ingress) -> bool {
        self.verdicts.get(&ingress.meta.name).is_some_and(|verdict| verdict.digest == ingress.digest)
    }

    /// How many Ingresses, settings and key pairs are set aside.
    #[must_use]
    pub fn len(&self) -> usize {
        self.verdicts.len() + self.settings.len() + self.pairs.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The version of an Ingress to serve: itself, an older one with a finding, or none with a finding.
    pub(super) fn version_of<'a>(&'a self, ingress: &'a Arc<Ingress>) -> (Option<&'a Arc<Ingress>>, Option<Diagnostic>) {
        match self.verdicts.get(&ingress.meta.name) {
            Some(verdict) if verdict.digest == ingress.digest => {
                let object = ObjectRef::new(Kind::Ingress, ingress.meta.name.clone());
                let finding = Diagnostic::new(Code::RefusedByProxy, object, "", verdict.reason.clone())
                    .help("change the Ingress; this version will not be tried again");
                (verdict.last_accepted.as_ref(), Some(finding))
            }
            _ => (Some(ingress), None),
        }
    }
}
