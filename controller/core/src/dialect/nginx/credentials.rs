//! Files with users, with authorities of certificates, and with what endpoints are shown.

use crate::dialect::CredentialFile;
use crate::dialect::common::{authority_files, tls_files};
use crate::model::{Accounts, AccountsId, Model, TicketKey, digest_of};

/// Where the users are; the path never changes, so that new ones can log in without a reload.
pub(super) fn accounts_path(id: &AccountsId) -> String {
    format!("users/{id}")
}

/// Where the key of tickets is.
pub(super) fn ticket_key_path(key: &TicketKey) -> String {
    format!("tls-parameters/{:032x}.key", digest_of(key))
}

/// All files.
pub(super) fn files(model: &Model) -> Vec<CredentialFile> {
    let accounts = model.credentials.accounts.values().map(|accounts| CredentialFile {
        path: accounts_path(&accounts.id),
        bytes: password_file(accounts).into_bytes().into(),
        secret: true,
        read_live: true,
    });
    let authorities = model.credentials.authorities.values().flat_map(|authority| authority_files(authority));
    let ticket_key = model.globals.tls.ticket_key.iter().map(|key| CredentialFile {
        path: ticket_key_path(key),
        bytes: key.bytes().clone(),
        secret: true,
        read_live: false,
    });
    accounts.chain(authorities).chain(tls_files(model)).chain(ticket_key).collect()
}

/// One line for each user who can log in. nginx answers 500 where the C library does not know a hash, and 401 where there
/// is no such user.
fn password_file(accounts: &Accounts) -> String {
    let mut out = String::new();
    for account in &*accounts.list {
        if let Ok(hash) = &account.hash {
            out.extend([&account.name, ":", &hash.text, "\n"]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Account, HashKind, NoLogin, PasswordHash};

    #[test]
    fn only_users_who_can_log_in_have_a_line() {
        let hash = PasswordHash { kind: HashKind::Plain, text: "{PLAIN}x".into() };
        let list = [Account { name: "anna".into(), hash: Ok(hash) }, Account { name: "ben".into(), hash: Err(NoLogin::Unknown) }];
        let accounts = Accounts::new(AccountsId::of_secret("a", "b", false), list.into());
        assert_eq!(password_file(&accounts), "anna:{PLAIN}x\n");
        assert_ne!(accounts.id, AccountsId::of_secret("a", "b", true));
    }
}
