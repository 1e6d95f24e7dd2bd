//! Who may have made the proxy refuse a candidate: all that is new in it, and what something has changed around.

use super::{Made, Maker, digest_of_pair, secret_of};
use gatewright_core::names::{Kind, ObjectName, ObjectRef};
use gatewright_core::state::Ingress;
use gatewright_core::translate::Setting;
use std::sync::Arc;

/// What may have made the proxy refuse a candidate.
#[derive(Debug, Clone)]
pub(in crate::run) enum Suspect {
    /// An Ingress.
    Ingress(Arc<Ingress>),
    /// A key of the main ConfigMap, or of the parameters of a class.
    Setting(Setting),
    /// The key pair with this digest, in a Secret.
    Pair(ObjectName, u128),
}

impl Maker {
    /// An Ingress that is new, or other than the one that the proxy has taken, and has no verdict yet.
    pub(in crate::run) fn suspect(&self, ingress: &ObjectRef) -> Option<Suspect> {
        self.suspects_among(self.snapshot.ingress(&ingress.name)).next().map(Suspect::Ingress)
    }

    /// Those of these Ingresses that are so.
    pub(in crate::run) fn suspects_among<'i>(
        &self,
        ingresses: impl IntoIterator<Item = &'i Arc<Ingress>>,
    ) -> impl Iterator<Item = Arc<Ingress>> {
        let is_new = |one: &&Arc<Ingress>| !self.quarantine.has_accepted(one) && self.quarantine_is_new(one);
        ingresses.into_iter().filter(is_new).cloned()
    }

    /// The Ingresses that are new or other than those that the proxy has taken.
    pub(in crate::run) fn suspects(&self, made: &Made) -> Vec<Suspect> {
        let changed = |ingress: &&Arc<Ingress>| !self.quarantine.has_accepted(ingress);
        made.served.iter().filter(changed).cloned().map(Suspect::Ingress).collect()
    }

    /// The Ingresses that the proxy has taken before, and that something has changed around since.
    pub(in crate::run) fn suspects_of_surroundings(&self, made: &Made) -> Vec<Suspect> {
        let is_touched = |ingress: &&Arc<Ingress>| self.touched.contains_key(ingress.meta.name.namespace());
        made.served.iter().filter(is_touched).cloned().map(Suspect::Ingress).collect()
    }

    /// All Ingresses.
    pub(in crate::run) fn all(&self, made: &Made) -> Vec<Suspect> {
        made.served.iter().cloned().map(Suspect::Ingress).collect()
    }

    /// The settings that are new or other than those that the proxy has taken. Without one that protects more would be open
    /// than is meant, unless its value before holds.
    pub(in crate::run) fn suspect_settings(&self, made: &Made) -> Vec<Suspect> {
        let all = made.settings.iter().flat_map(|(object, data)| {
            data.iter().map(|(key, value)| Setting { object: object.clone(), key: key.clone(), value: value.clone() })
        });
        let is_suspect = |setting: &Setting| match self.accepted_value(&setting.object, &setting.key) {
            Some(accepted) => *accepted != setting.value,
            None => !setting.protects(),
        };
        all.filter(is_suspect).map(Suspect::Setting).collect()
    }

    /// Those that are defaults of annotations, for the Ingresses of a class.
    pub(in crate::run) fn suspect_defaults(&self, made: &Made) -> Vec<Suspect> {
        let is_main = |object: &ObjectRef| object.kind == Kind::ConfigMap && Some(&object.name) == self.settings.config_map.as_ref();
        let is_default = |suspect: &Suspect| matches!(suspect, Suspect::Setting(one) if one.is_annotation() && !is_main(&one.object));
        self.suspect_settings(made).into_iter().filter(is_default).collect()
    }

    /// The key pairs that only the proxy can check, and that it has not taken yet. One that is served in the place of one
    /// that was set aside it has taken, perhaps before a restart.
    pub(in crate::run) fn suspect_pairs(&self, made: &Made) -> Vec<Suspect> {
        let new = made.unchecked_pairs().filter(|pair| !self.accepted_pairs.contains(&pair.digest));
        let named = new.filter_map(|pair| Some((secret_of(pair)?, pair.digest)));
        let newest = named.filter(|(secret, digest)| digest_of_pair(&self.snapshot, secret) == Some(*digest));
        newest.map(|(secret, digest)| Suspect::Pair(secret, digest)).collect()
    }

    /// The key pairs whose files a refusal names. That we could check the key says nothing of what the proxy asks beyond that.
    pub(in crate::run) fn named_pairs(&self, made: &Made, message: &str) -> Vec<Suspect> {
        let all = made.model.certificates.values();
        let named = all.filter(|pair| message.contains(&(self.dialect.certificate_path)(&pair.id)));
        named.filter_map(|pair| Some(Suspect::Pair(secret_of(pair)?, pair.digest))).collect()
    }
}
