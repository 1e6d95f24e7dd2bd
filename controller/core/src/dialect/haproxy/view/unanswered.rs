//! What a request is told that no endpoint took. HAProxy has one status for all of them, 503; with nginx it is 504 where
//! they did not accept a connection in time, 502 where they refused it, and 503 only where there is none.

use super::retries::RetriesView;
use crate::dialect::Version;
use crate::dialect::haproxy::expression::Expression;
use crate::model::{Globals, RoutePolicy};

/// The first version that tells how a stream ended before it is told to the client.
pub(super) const TELLS_THE_END: Version = Version(3, 0, 0);

/// Status and reason, of a request whose [`mark`] is noted: by the state of the stream, or by the clock: a refusal takes
/// less than a second for each further try.
pub(super) fn reason(version: Version) -> &'static str {
    if version >= TELLS_THE_END {
        "txn.sess_term_state,strcmp(txn.timed_out),iif(502 Bad Gateway,504 Gateway Time-out)"
    } else {
        "date(0,ms),div(txn.timed_out),iif(504 Gateway Time-out,502 Bad Gateway)"
    }
}

/// The page in place of HAProxy's own one for 503.
pub(super) fn page(version: Version) -> Expression {
    let title = |page: Expression| page.and_fetch("var(txn.unanswered,503 Service Temporarily Unavailable)").and_fetch(reason(version));
    let page = title(Expression::literal("<html><head><title>")).and("</title></head><body><center><h1>");
    title(page).and("</h1></center></body></html>")
}

/// What is noted before the first connection, so that one that took too long is known from one that was refused.
pub(super) fn mark(policy: Option<&RoutePolicy>, retries: &RetriesView, globals: &Globals, version: Version) -> String {
    /// Clocks may differ by so much.
    const SLACK_MS: u64 = 100;
    if version >= TELLS_THE_END {
        return "str(sC)".to_owned();
    }
    let own = policy.and_then(|policy| policy.timeouts.as_ref()).and_then(|timeouts| timeouts.connect_s);
    let each_ms = own.unwrap_or(globals.upstream_timeouts.connect_s).clamp(1, super::MOST_SECONDS) * 1000;
    format!("date(0,ms),add({})", retries.connections() * each_ms - SLACK_MS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{RetryPolicy, Timeouts};

    #[test]
    fn it_is_late_when_every_connection_has_had_its_time() {
        let globals = Globals::default();
        let mark = |connect_s, causes: &[&str], tries, version| {
            let causes = causes.iter().map(|&cause| cause.to_owned()).collect();
            let policy = RoutePolicy { timeouts: Some(Timeouts { connect_s, ..Timeouts::default() }), ..RoutePolicy::default() };
            let retries = RetriesView::new(&RetryPolicy { causes, tries, ..RetryPolicy::default() }, version, None);
            super::mark(Some(&policy), &retries, &globals, version)
        };
        let old = Version(2, 6, 0);
        assert_eq!(mark(None, &["error"], 3, old), "date(0,ms),add(14900)");
        assert_eq!(mark(Some(1), &["timeout"], 1, old), "date(0,ms),add(900)");
        assert_eq!(mark(Some(2), &["http_500"], 3, old), "date(0,ms),add(1900)", "connections are tried once");
        assert_eq!(mark(Some(2), &["error"], 3, TELLS_THE_END), "str(sC)");
    }
}
