//! Users and the hashes of their passwords, for basic authentication.

use super::password_cost;
use serde::Serialize;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

/// Name of a list of users in the proxy's files: a hash of the Secret and of how it is read. It stays the same when users
/// change, so that a proxy that reads the list for every request needs no reload.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct AccountsId(Arc<str>);

impl AccountsId {
    /// The id of the users in a Secret; `by_key`: each key of the Secret is a user.
    #[must_use]
    pub fn of_secret(namespace: &str, name: &str, by_key: bool) -> Self {
        Self(format!("{:032x}", xxhash_rust::xxh3::xxh3_128(format!("{namespace}/{name}/{by_key}").as_bytes())).into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountsId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A list of users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accounts {
    /// Name of the user list; unique in the model.
    pub id: AccountsId,
    /// The users, in the order of the Secret; every name once.
    pub list: Arc<[Account]>,
    /// How long it takes to compute all hashes that `crypt(3)` makes.
    pub(crate) time: Duration,
    /// Content hash of the id and the list.
    pub digest: u128,
}

impl Accounts {
    /// Puts a list together.
    #[must_use]
    pub fn new(id: AccountsId, list: Arc<[Account]>) -> Self {
        let digest = super::digest_of(&(&id, &list));
        let time = list.iter().fold(Duration::ZERO, |all, account| all.saturating_add(account.time_to_compute()));
        Self { id, list, time, digest }
    }
}

impl Hash for Accounts {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.digest.hash(state);
    }
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Account {
    /// Printable, without colon, at most 255 bytes; does not begin with `#`.
    pub name: Arc<str>,
    /// What the password is checked with, or why nobody can log in by this name.
    pub hash: Result<PasswordHash, NoLogin>,
}

impl Account {
    /// How long it takes to compute its hash as HAProxy does with all whenever it reads its files.
    pub(crate) fn time_to_compute(&self) -> Duration {
        let hash = self.hash.as_ref().ok().filter(|hash| hash.kind == HashKind::Crypt);
        hash.map_or(Duration::ZERO, |hash| password_cost::time(&hash.text))
    }
}

/// Why nobody can log in by a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoLogin {
    /// There is no hash, or none that a proxy understands.
    Unknown,
    /// To check a password is so much work that everybody would wait for it.
    TooCostly,
}

/// A hash of a password. Never shown.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PasswordHash {
    /// The algorithm.
    pub kind: HashKind,
    /// As htpasswd files write it, with the prefix of its kind: printable ASCII without colon and blank. Secret.
    pub text: Arc<str>,
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordHash").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// How a hash was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HashKind {
    /// By `crypt(3)`: bcrypt, SHA-512 and others, as far as the C library of the proxy has them.
    Crypt,
    /// Apache's variant of MD5, `$apr1$`.
    ApacheMd5,
    /// `{SHA}`, with or without salt.
    Sha1,
    /// `{PLAIN}`: the password itself.
    Plain,
}
