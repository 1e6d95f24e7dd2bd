//! The live revision, as reports show it.

use super::maker::Made;
use crate::proxy::Live;
use crate::report::RevisionView;

/// One line for each revision.
pub(super) fn log_published(made: &Made, quarantined: usize, live: &Live) {
    tracing::info!(
        revision = live.revision,
        cause = live.cause,
        hosts = made.hosts(),
        backends = made.model.backends.len(),
        findings = made.diagnostics.len(),
        quarantined,
        stage_ms = live.took.stage_ms,
        check_ms = live.took.check_ms,
        load_ms = live.took.load_ms,
        "published"
    );
}

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
