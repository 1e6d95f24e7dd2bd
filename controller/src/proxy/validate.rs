//! Second step: the proxy's own check of a staged candidate.

use super::outcome::Refused;
use super::owner::{CheckError, Owner, OwnerError};
use super::publish::Validated;
use super::stage::Staged;
use super::state_dir::remove_tree;
use std::time::{Duration, Instant};

/// A check gets at least this long: ten thousand hosts on a machine that has much else to do take half a minute.
const SHORTEST: Duration = Duration::from_secs(120);

/// A check gets this many times as long as the last one took.
const HEADROOM: u32 = 10;

/// Why a candidate is not valid; its folder is removed in either case.
#[derive(Debug)]
pub(super) enum NotValid {
    /// The proxy read it and says no.
    Refused(Refused),
    /// Nobody could say; worth another try.
    Unchecked(OwnerError),
}

impl Staged {
    /// Has the proxy check the candidate. `last` is how long the last check took.
    ///
    /// # Errors
    /// [`NotValid`]; the candidate's folder is gone then.
    pub(super) async fn validate(self, owner: &dyn Owner, last: Duration) -> Result<(Validated, Duration), NotValid> {
        let begun = Instant::now();
        match owner.check(self.name, SHORTEST.max(last * HEADROOM)).await {
            Ok(()) => Ok((Validated(self), begun.elapsed())),
            Err(error) => {
                self.discard();
                Err(match error {
                    CheckError::Refused(refusal) => NotValid::Refused(Refused::new(self.name, refusal)),
                    CheckError::NotDone(error) => NotValid::Unchecked(error),
                })
            }
        }
    }

    /// Removes the candidate.
    pub(super) fn discard(&self) {
        remove_tree(&self.folder);
    }
}
