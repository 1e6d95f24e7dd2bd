//! Files with users, and with authorities of certificates.

use super::word::word;
use crate::dialect::CredentialFile;
use crate::dialect::common::{authority_files, tls_files};
use crate::model::{Accounts, AccountsId, HashKind, Model, TicketKey, digest_of};
use base64::Engine;
use std::time::Duration;

/// Where the users are. HAProxy reads it beside the main file, so that whoever reads that one sees no hashes.
pub(super) const USERS: &str = "users.cfg";

/// HAProxy asks the C library, which does not know these.
pub(super) const UNKNOWN_HASHES: &[HashKind] = &[HashKind::ApacheMd5, HashKind::Sha1];

/// What the hashes of all users may take, since HAProxy computes each whenever it reads its files: a hundred of bcrypt at
/// cost 10 are fine.
pub(super) const TIME_FOR_HASHES: Duration = Duration::from_secs(6);

/// Name of a list of users.
pub(super) fn list_name(id: &AccountsId) -> String {
    format!("users-{id}")
}

/// All files.
pub(super) fn files(model: &Model) -> Vec<CredentialFile> {
    let lists: String = model.credentials.accounts.values().map(|accounts| user_list(accounts)).collect();
    let users = CredentialFile { path: USERS.to_owned(), bytes: lists.into_bytes().into(), secret: true, read_live: false };
    let authorities = model.credentials.authorities.values().flat_map(|authority| authority_files(authority));
    let ticket_key = model.globals.tls.ticket_key.iter().map(|key| CredentialFile {
        path: ticket_key_path(key),
        bytes: ticket_file(key).into_bytes().into(),
        secret: true,
        read_live: false,
    });
    std::iter::once(users).chain(super::agent::file(model)).chain(authorities).chain(tls_files(model)).chain(ticket_key).collect()
}

/// Where the key of tickets is.
pub(super) fn ticket_key_path(key: &TicketKey) -> String {
    format!("tls-parameters/{:032x}.keys", digest_of(key))
}

/// HAProxy wants the last key, the one in use and the next one; there is one.
fn ticket_file(key: &TicketKey) -> String {
    format!("{}\n", base64::engine::general_purpose::STANDARD.encode(key.bytes())).repeat(3)
}

/// A line for each user whose password HAProxy can check.
fn user_list(accounts: &Accounts) -> String {
    let mut out = format!("userlist {}\n", list_name(&accounts.id));
    for account in &*accounts.list {
        let Ok(hash) = &account.hash else { continue };
        let (how, text) = match hash.kind {
            HashKind::Crypt => ("password", &*hash.text),
            HashKind::Plain => ("insecure-password", hash.text.strip_prefix("{PLAIN}").unwrap_or_default()),
            HashKind::ApacheMd5 | HashKind::Sha1 => continue,
        };
        out.extend(["    user ", &word(&account.name), " ", how, " ", &word(text), "\n"]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Account, NoLogin, PasswordHash};

    #[test]
    fn users_whose_hash_is_not_known_are_left_out() {
        let account = |name: &str, kind, text: &str| Account { name: name.into(), hash: Ok(PasswordHash { kind, text: text.into() }) };
        let list = [
            account("it's a", HashKind::Crypt, "$6$salt$x/y"),
            account("ben", HashKind::Plain, "{PLAIN}a#\"${HOME}"),
            account("cleo", HashKind::ApacheMd5, "$apr1$x$y"),
            account("dan", HashKind::Sha1, "{SHA}x"),
            Account { name: "eve".into(), hash: Err(NoLogin::TooCostly) },
        ];
        let accounts = Accounts::new(AccountsId::of_secret("a", "b", false), list.into());
        let lines = "    user 'it'\\''s a' password '$6$salt$x/y'\n    user ben insecure-password 'a#\"${HOME}'\n";
        assert_eq!(user_list(&accounts), format!("userlist users-{}\n{lines}", accounts.id));
    }
}
