//! The live revision, as reports show it.

use crate::proxy::Live;
use crate::report::RevisionView;

/// What reports show of it.
pub(super) fn view(live: &Live) -> RevisionView {
    RevisionView {
        revision: live.revision,
        digest: live.digest.clone(),
        main: live.main.clone(),
        cause: live.cause.clone(),
        published_at: live.published_at.clone(),
        checked_at: live.checked_at.clone(),
        took: live.took,
    }
}
