//! Counts the Ingresses that ask for what is decided across Ingresses, so that passes which nobody needs can be skipped.

use super::agreement::has_shared_wishes;
use super::claims::Change;
use super::reading::Reading;

/// How many ask for what.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    /// That a host is passed on.
    pub(super) passthrough: usize,
    /// Further names of a host.
    pub(super) names: usize,
    /// Something of whole Service ports.
    pub(super) agreement: usize,
    /// Accounts, authorities, identities.
    pub(super) credentials: usize,
}

impl Wishes {
    /// Takes in what has changed.
    pub(super) fn update(&mut self, change: &Change) {
        change.new.iter().for_each(|new| self.count(&new.reading, |count| count + 1));
        change.gone.iter().for_each(|gone| self.count(&gone.reading, |count| count - 1));
    }

    fn count(&mut self, reading: &Reading, change: impl Fn(usize) -> usize) {
        let policies = &reading.policies;
        let asks = [
            (&mut self.passthrough, policies.passthrough),
            (&mut self.names, policies.www_redirect || !policies.aliases.is_empty()),
            (&mut self.agreement, policies.canary.is_some() || has_shared_wishes(&policies.backend)),
            (&mut self.credentials, has_credentials(reading)),
        ];
        for (count, _) in asks.into_iter().filter(|(_, asks)| *asks) {
            *count = change(*count);
        }
    }
}

fn has_credentials(reading: &Reading) -> bool {
    let policies = &reading.policies;
    policies.accounts.is_some() || policies.authority.is_some() || policies.upstream_authority.is_some() || policies.identity.is_some()
}
