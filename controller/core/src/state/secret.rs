//! Secret, reduced at once to what is used of it.

use super::accounts;
use super::authority::{self, AuthorityError};
use super::certificate::{CertificateError, KeyPair};
use super::dh_params::{self, DhParamsError};
use super::meta::{Meta, RawMeta};
use crate::model::{Account, Authority, DhParams, digest_of};
use crate::names::BadText;
use base64::Engine;
use serde::Deserialize;
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
    pub users_in_file: Option<Arc<[Account]>>,
    /// Each key as a user, its value as the hash of the password. May be empty.
    pub users_by_key: Arc<[Account]>,
    /// The authorities in `ca.crt`, and what `ca.crl` says they have revoked.
    pub authority: Result<Authority, AuthorityError>,
    /// The parameters in `dhparam.pem`.
    pub dh_params: Result<DhParams, DhParamsError>,
    /// Content hash of what is used.
    pub digest: u128,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawSecret {
    metadata: RawMeta,
    #[serde(default)]
    data: Option<BTreeMap<String, Base64>>,
    #[serde(default)]
    string_data: Option<BTreeMap<String, String>>,
}

/// A value of `data`; line breaks and blanks inside are fine, as for the API server's decoder.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Base64(Vec<u8>);

impl TryFrom<String> for Base64 {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let compact: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
        base64::engine::general_purpose::STANDARD.decode(compact).map(Self).map_err(|_| "value is not base64")
    }
}

impl TryFrom<RawSecret> for Secret {
    type Error = BadText;

    fn try_from(raw: RawSecret) -> Result<Self, BadText> {
        let meta = raw.metadata.namespaced()?;
        let mut data: BTreeMap<String, Vec<u8>> = raw.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0)).collect();
        data.extend(raw.string_data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.into_bytes())));
        let bytes = |key: &str| data.get(key).map(Vec::as_slice);
        let secret = Self {
            meta,
            key_pair: KeyPair::parse(bytes("tls.crt"), bytes("tls.key")),
            kept_because: None,
            users_in_file: bytes("auth").map(accounts::in_file),
            users_by_key: accounts::by_key(&data),
            authority: authority::parse(bytes("ca.crt"), bytes("ca.crl")),
            dh_params: dh_params::parse(bytes("dhparam.pem")),
            digest: 0,
        };
        Ok(secret.with_digest())
    }
}

impl Secret {
    fn with_digest(mut self) -> Self {
        let pair = self.key_pair.as_ref().map(|pair| pair.digest).map_err(ToString::to_string);
        let kept = self.kept_because.as_ref().map(ToString::to_string);
        self.digest = digest_of(&(&self.meta.name, pair, kept, &self.users_in_file, &self.users_by_key, &self.authority, &self.dh_params));
        self
    }

    /// This version of a Secret, following `before`: a usable key pair outlives an update that breaks it.
    pub(super) fn following(self, before: &Self) -> Self {
        match (&before.key_pair, &self.key_pair) {
            (Ok(good), Err(why)) => {
                let (key_pair, kept_because) = (Ok(good.clone()), Some(why.clone()));
                Self { key_pair, kept_because, ..self }.with_digest()
            }
            _ => self,
        }
    }
}
