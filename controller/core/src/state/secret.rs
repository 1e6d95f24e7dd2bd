//! Secret, reduced at once to what is used of it.

use super::accounts;
use super::authority::{self, AuthorityError};
use super::certificate::{CertificateError, KeyPair};
use super::dh_params::{self, DhParamsError};
use super::meta::{Meta, RawMeta};
use crate::model::{Account, Authority, DhParams, digest_of};
use crate::names::{BadText, ObjectName};
use base64::Engine;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A Secret. The bytes of its data are gone once this exists; only what was made of them is kept.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawSecret")]
pub struct Secret {
    /// Name and the rest.
    pub meta: Meta,
    /// The key pair in `tls.crt` and `tls.key`, whatever the type of the Secret.
    pub key_pair: Result<KeyPair, CertificateError>,
    /// Whether `key_pair` is of an older version of the Secret, because the newest holds none; and why it holds none.
    pub kept_because: Option<CertificateError>,
    /// The users in the key `auth`; `None`: there is no such key. May be empty.
    pub users_in_file: Result<Option<Arc<[Account]>>, Unreadable>,
    /// The number of the first line of that key which is no user, counted from 1.
    pub unread_line: Option<usize>,
    /// Each key as a user, its value as the hash of the password. May be empty.
    pub users_by_key: Arc<[Account]>,
    /// The authorities in `ca.crt`, and what `ca.crl` says they have revoked.
    pub authority: Result<Authority, AuthorityError>,
    /// The parameters in `dhparam.pem`.
    pub dh_params: Result<DhParams, DhParamsError>,
    /// Content hash of what is used.
    pub digest: u128,
}

/// A value of a Secret that is none; it is told where it stands. Says nothing of what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("its {0} cannot be read")]
pub struct Unreadable(&'static str);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawSecret {
    metadata: RawMeta,
    #[serde(default)]
    data: Value,
    #[serde(default)]
    string_data: Value,
}

/// The values by their keys; `None` in the place of one that cannot be read.
struct Data(BTreeMap<String, Option<Vec<u8>>>);

impl Data {
    fn read(data: Value, texts: Value) -> Self {
        let mut all = Self(BTreeMap::new());
        all.add(data, decoded);
        all.add(texts, |text| Some(text.into_bytes()));
        all
    }

    fn add(&mut self, values: Value, read: fn(String) -> Option<Vec<u8>>) {
        /// Whatever may have been meant is there, and cannot be read.
        const USED: [&str; 6] = ["tls.crt", "tls.key", "auth", "ca.crt", "ca.crl", "dhparam.pem"];
        match values {
            Value::Null => {}
            Value::Object(values) => {
                self.0.extend(values.into_iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| match value {
                    Value::String(text) => (key, read(text)),
                    _ => (key, None),
                }))
            }
            _ => self.0.extend(USED.map(|key| (key.to_owned(), None))),
        }
    }

    fn get(&self, key: &'static str) -> Result<Option<&[u8]>, Unreadable> {
        match self.0.get(key) {
            Some(None) => Err(Unreadable(key)),
            other => Ok(other.and_then(Option::as_deref)),
        }
    }

    fn key_pair(&self) -> Result<KeyPair, CertificateError> {
        KeyPair::parse(self.get("tls.crt")?, self.get("tls.key")?)
    }

    fn authority(&self) -> Result<Authority, AuthorityError> {
        authority::parse(self.get("ca.crt")?, self.get("ca.crl")?)
    }

    fn dh_params(&self) -> Result<DhParams, DhParamsError> {
        dh_params::parse(self.get("dhparam.pem")?)
    }
}

/// A value of `data`; line breaks inside are fine, as for the API server's decoder, and blanks are not.
pub(super) fn decoded(text: String) -> Option<Vec<u8>> {
    let mut compact = text.into_bytes();
    compact.retain(|b| !matches!(b, b'\r' | b'\n'));
    base64::engine::general_purpose::STANDARD.decode(compact).ok()
}

impl TryFrom<RawSecret> for Secret {
    type Error = BadText;

    fn try_from(raw: RawSecret) -> Result<Self, BadText> {
        Ok(Self::new(raw.metadata.namespaced()?, &Data::read(raw.data, raw.string_data)))
    }
}

impl Secret {
    /// A Secret that somebody keeps elsewhere than in a cluster, by its data.
    #[must_use]
    pub fn of_data(name: ObjectName, data: BTreeMap<String, Vec<u8>>) -> Self {
        Self::new(Meta::of_name(name), &Data(data.into_iter().map(|(key, value)| (key, Some(value))).collect()))
    }

    fn new(meta: Meta, data: &Data) -> Self {
        let secret = Self {
            meta,
            key_pair: data.key_pair(),
            kept_because: None,
            users_in_file: data.get("auth").map(|file| file.map(accounts::in_file)),
            unread_line: data.get("auth").ok().flatten().and_then(accounts::unread_line),
            users_by_key: accounts::by_key(&data.0),
            authority: data.authority(),
            dh_params: data.dh_params(),
            digest: 0,
        };
        secret.with_digest()
    }

    fn with_digest(mut self) -> Self {
        let pair = self.key_pair.as_ref().map(|pair| pair.digest).map_err(ToString::to_string);
        let kept = self.kept_because.as_ref().map(ToString::to_string);
        let users = (&self.users_in_file, self.unread_line, &self.users_by_key);
        self.digest = digest_of(&(&self.meta.name, pair, kept, users, &self.authority, &self.dh_params));
        self
    }

    /// This version of a Secret, following `before`: a usable key pair outlives an update that breaks it.
    pub(super) fn following(this: Arc<Self>, before: &Self) -> Arc<Self> {
        match (&before.key_pair, &this.key_pair) {
            (Ok(good), Err(why)) => {
                let (key_pair, kept_because) = (Ok(good.clone()), Some(why.clone()));
                Arc::new(Self { key_pair, kept_because, ..Self::clone(&this) }.with_digest())
            }
            _ => this,
        }
    }
}
