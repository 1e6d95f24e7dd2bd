//! The agent that asks services for HAProxy: who may pass, and what an error page says. It sends copies of requests, too.
//!
//! HAProxy reads how it is spoken to from a file of its own. It looks for the first mention of that file beside the main
//! file, and for the further ones where it runs; so it is in both places, and always the same.

use crate::dialect::{CredentialFile, Version};
use crate::model::{Feature, Model};

/// How the agent is spoken to.
pub(super) const FILE: &str = "ask.spoe";

/// A question to one address is given at most so many seconds. The agent asks three of them, and HAProxy waits longer for
/// it than that takes: only the agent knows that nobody answers.
pub(super) const LONGEST_S: u64 = 1200;

/// The first version that prints texts as they are; those before write line breaks as `%0A`.
pub(super) const WITH_LINES: Version = Version(3, 2, 0);

/// Name of its socket, in the folder that HAProxy runs in.
pub(super) const SOCKET: &str = "agent.sock";

/// What the agent is told, and how long it may take. Whom it asks is in the variables, which the main file sets.
pub(super) const TEXT: &str = "[ask]
spoe-agent agent
    groups check
    option var-prefix ask
    timeout hello 5s
    timeout idle 2m
    timeout processing 61m
    use-backend agent
spoe-message check
    args ask=var(txn.ask) head=req.hdrs method=method scheme=ssl_fc,iif(https,http) host=var(txn.received_host) target=pathq
spoe-group check
    messages check

[pages]
spoe-agent pages
    groups page
    option var-prefix page
    timeout hello 5s
    timeout idle 2m
    timeout processing 61m
    use-backend agent
spoe-message page
    args ask=var(txn.page_ask) head=var(txn.page_head)
spoe-group page
    messages page

[mirror]
spoe-agent mirror
    groups heads whole
    option var-prefix mirror
    timeout hello 5s
    timeout idle 2m
    timeout processing 1s
    use-backend agent
spoe-message head
    args ask=var(txn.mirror) head=req.hdrs
spoe-message all
    args ask=var(txn.mirror) head=req.hdrs body=req.body
spoe-group heads
    messages head
spoe-group whole
    messages all
";

/// Whether there is anything to ask.
pub(super) fn is_asked(model: &Model) -> bool {
    let asking = [Feature::ExternalAuth, Feature::ErrorPages, Feature::Mirror];
    model.globals.custom_errors.is_some() || asking.iter().any(|feature| model.hosts.count_of(*feature) > 0)
}

/// The file beside the main file.
pub(super) fn file(model: &Model) -> Option<CredentialFile> {
    let file = CredentialFile { path: FILE.to_owned(), bytes: TEXT.as_bytes().into(), secret: false, read_live: false };
    is_asked(model).then_some(file)
}
