//! Names and passwords.

use crate::model::AccountsId;

/// Requests need the name and password of one of the users.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BasicAuth {
    /// What clients are told they log in to: printable; may be empty.
    pub realm: String,
    /// The users; a key of the model's accounts.
    pub accounts: AccountsId,
}

impl BasicAuth {
    /// The realm as it stands between the quotes of a challenge.
    #[must_use]
    pub fn quoted_realm(&self) -> String {
        self.realm.chars().flat_map(|c| matches!(c, '"' | '\\').then_some('\\').into_iter().chain([c])).collect()
    }
}

/// What has to be fulfilled where a list of addresses, passwords and an external service guard a route together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Satisfy {
    /// Everything.
    All,
    /// Any one of them.
    Any,
}
