//! Ingresses, settings and key pairs that the proxy refused, although we did not, and what it has taken before.

use super::annotations::{self, directives};
use super::config::is_unreadable;
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::names::{Kind, ObjectName, ObjectRef};
use crate::settings::{self, SnippetKey};
use crate::state::{Ingress, KeyPair, Snapshot};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The verdicts. Each is about one version of an Ingress, by content: a changed Ingress gets a new chance.
#[derive(Debug, Clone, Default)]
pub struct Quarantine {
    verdicts: BTreeMap<ObjectName, Verdict>,
    /// By object and key.
    settings: BTreeMap<(ObjectRef, String), SettingVerdict>,
    /// By Secrets.
    pairs: BTreeMap<ObjectName, PairVerdict>,
    /// The Ingresses of the last revision that the proxy has taken, in the versions that it served.
    accepted: Arc<HashMap<ObjectName, Arc<Ingress>>>,
    /// The settings that held in it.
    accepted_settings: Arc<BTreeMap<ObjectRef, BTreeMap<String, String>>>,
}

/// Digests of key pairs that are set aside, and of those that are served instead, by Secret.
pub(super) type ReplacedPairs = BTreeMap<ObjectName, (u128, Option<u128>)>;

/// One value of a key of the main ConfigMap, or of the parameters of a class: what holds of it, which may be what it said before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The object that has the key.
    pub object: ObjectRef,
    /// The key.
    pub key: String,
    /// What is said.
    pub value: String,
}

impl Setting {
    /// Whether the object still says so.
    #[must_use]
    pub fn is_in(&self, snapshot: &Snapshot) -> bool {
        value_in(snapshot, &self.object, &self.key) == Some(&self.value)
    }

    /// Whether an annotation has its name: parameters of a class then say the default.
    #[must_use]
    pub fn is_annotation(&self) -> bool {
        annotations::key(&self.key).is_some()
    }

    /// Whether the setting asks for a protection: without it more would be open than is meant.
    #[must_use]
    pub fn protects(&self) -> bool {
        asks_to_protect(&self.key, &self.value)
    }
}

/// Whether a value of a key asks for a protection.
pub(super) fn asks_to_protect(key: &str, value: &str) -> bool {
    let of_snippet = SnippetKey::ALL.iter().any(|own| own.as_str() == key && directives::key_protects(*own, value));
    of_snippet || is_unreadable(key) || settings::protects(key) || annotations::protects(key, value)
}

fn value_in<'s>(snapshot: &'s Snapshot, object: &ObjectRef, key: &str) -> Option<&'s String> {
    match object.kind {
        Kind::GatewrightParameters => snapshot.parameters_of(&object.name)?.settings.get(key),
        _ => snapshot.config_map(&object.name).or_else(|| snapshot.deleted_config_map(&object.name))?.data.get(key),
    }
}

/// A verdict on one value of a key.
#[derive(Debug, Clone)]
struct SettingVerdict {
    value: String,
    /// What the object says; another value than that holds where it cannot be read.
    said: Option<String>,
    reason: String,
    last_accepted: Option<String>,
}

/// A verdict on the key pair in a Secret.
#[derive(Debug, Clone)]
struct PairVerdict {
    digest: u128,
    reason: String,
    last_accepted: Option<Arc<KeyPair>>,
}

/// A key whose value was refused.
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

    /// Notes the settings that hold in the accepted revision; returns whether they differ from those before.
    pub fn accept_settings(&mut self, settings: &BTreeMap<ObjectRef, BTreeMap<String, String>>) -> bool {
        let are_others = *self.accepted_settings != *settings;
        if are_others {
            self.accepted_settings = Arc::new(settings.clone());
        }
        are_others
    }

    /// What an object has said in the last revision that the proxy has taken.
    #[must_use]
    pub fn accepted_settings_of(&self, object: &ObjectRef) -> Option<&BTreeMap<String, String>> {
        self.accepted_settings.get(object)
    }

    /// The objects that have said something in it.
    pub(super) fn accepted_objects(&self) -> impl Iterator<Item = &ObjectRef> {
        self.accepted_settings.keys()
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

    /// Forgets the verdict on an Ingress: it gets another chance.
    pub fn forget_verdict(&mut self, name: &ObjectName) {
        self.verdicts.remove(name);
    }

    /// Sets a value of a key aside as long as the object says what it does in the snapshot. `last_accepted` is the value that
    /// holds instead, if there was one.
    pub fn set_setting_aside(&mut self, setting: Setting, reason: String, last_accepted: Option<String>, snapshot: &Snapshot) {
        let Setting { object, key, value } = setting;
        let said = value_in(snapshot, &object, &key).cloned();
        self.settings.insert((object, key), SettingVerdict { value, said, reason, last_accepted });
    }

    /// Forgets the verdicts on values whose objects do not say any more what they did.
    pub fn forget_settings(&mut self, snapshot: &Snapshot) {
        self.settings
            .retain(|(object, key), verdict| value_in(snapshot, object, key).is_some_and(|value| Some(value) == verdict.said.as_ref()));
    }

    /// Whether this value of a key is set aside.
    pub(super) fn refuses(&self, object: &ObjectRef, key: &str, value: &str) -> bool {
        self.settings.get(&(object.clone(), key.to_owned())).is_some_and(|verdict| verdict.value == value)
    }

    /// Sets the key pair in a Secret aside. `last_accepted` is the one that is served instead, if there was one.
    pub fn set_pair_aside(&mut self, secret: &ObjectName, digest: u128, reason: String, last_accepted: Option<Arc<KeyPair>>) {
        self.pairs.insert(secret.clone(), PairVerdict { digest, reason, last_accepted });
    }

    /// Forgets the verdicts on key pairs that `still_there` does not know in the refused version.
    pub fn forget_pairs(&mut self, still_there: impl Fn(&ObjectName) -> Option<u128>) {
        self.pairs.retain(|secret, verdict| still_there(secret) == Some(verdict.digest));
    }

    /// The key pairs that are set aside, and those that are served instead.
    pub(super) fn replaced_pairs(&self) -> ReplacedPairs {
        let digests = |verdict: &PairVerdict| (verdict.digest, verdict.last_accepted.as_ref().map(|last| last.digest));
        self.pairs.iter().map(|(secret, verdict)| (secret.clone(), digests(verdict))).collect()
    }

    /// Why the key pair in a Secret is set aside, if it is, and the one that is served instead.
    pub(super) fn refusal_of(&self, secret: &ObjectName, pair: &KeyPair) -> Option<(&str, Option<&KeyPair>)> {
        let verdict = self.pairs.get(secret).filter(|verdict| verdict.digest == pair.digest)?;
        Some((&verdict.reason, verdict.last_accepted.as_deref()))
    }

    /// Takes values that are set aside out of what an object says; which they are.
    pub(super) fn mend(&self, object: &ObjectRef, data: &mut BTreeMap<String, String>) -> Vec<RefusedSetting<'_>> {
        let mut refused = Vec::new();
        for ((owner, key), verdict) in &self.settings {
            if owner != object || data.get(key) != Some(&verdict.value) {
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

    /// Whether an Ingress is set aside.
    pub(super) fn has_verdicts(&self) -> bool {
        !self.verdicts.is_empty()
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
                let instead = if verdict.last_accepted.is_some() { Outcome::Quarantined } else { Outcome::SkippedObject };
                let finding = Diagnostic::new(Code::RefusedByProxy, object, "", verdict.reason.clone())
                    .help("change the Ingress, or what it names; as all of it is now, it will not be tried again")
                    .outcome(instead);
                (verdict.last_accepted.as_ref(), Some(finding))
            }
            _ => (Some(ingress), None),
        }
    }
}
