//! Addresses of the names that Services of type ExternalName stand for.
//!
//! The system's resolver is asked, so that `search`, `ndots` and the hosts file mean what they mean to everybody else
//! on the machine. It tells no lifetime, so every name is asked again after a fixed time.

use super::Input;
use gatewright_core::state::Event;
use gatewright_core::translate::Wanted;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// A change of addresses is seen after this time at the latest, the answer's own time added.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(3);
/// A question that takes longer counts as not answered.
const PATIENCE: Duration = Duration::from_secs(5);
/// Questions at once.
const AT_ONCE: usize = 32;

/// What is known of a name: `None` until it was asked once.
type Answers = BTreeMap<Box<str>, Option<Vec<IpAddr>>>;

/// Looks up what is wanted until nobody listens.
pub(crate) async fn run(mut wanted: watch::Receiver<Wanted>, out: mpsc::Sender<Input>) {
    let mut answers = Answers::new();
    loop {
        let names = wanted.borrow_and_update().dns_names.clone();
        answers.retain(|name, _| names.contains(name));
        for name in names {
            answers.entry(name).or_default();
        }
        let events = ask_all(&mut answers).await;
        if !events.is_empty() && out.send(Input::Changed(events)).await.is_err() {
            return;
        }
        tokio::select! {
            changed = wanted.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(ASK_AGAIN_AFTER), if !answers.is_empty() => {}
        }
    }
}

/// Asks for every name; answers what is different from before.
async fn ask_all(answers: &mut Answers) -> Vec<Event> {
    let mut names: Vec<Box<str>> = answers.keys().cloned().collect();
    let mut asking = JoinSet::new();
    let mut events = Vec::new();
    loop {
        while asking.len() < AT_ONCE
            && let Some(name) = names.pop()
        {
            asking.spawn(async move {
                let answer = ask(&name).await;
                (name, answer)
            });
        }
        let Some(done) = asking.join_next().await else { return events };
        let Ok((name, answer)) = done else { continue };
        let known = answers.entry(name.clone()).or_default();
        // A resolver that does not answer takes nothing away; a name never answered for does not resolve.
        let addresses = match (answer, &*known) {
            (None, Some(_)) => continue,
            (answer, _) => answer.unwrap_or_default(),
        };
        if known.as_ref() != Some(&addresses) {
            tracing::debug!(name = &*name, addresses = addresses.len(), "an ExternalName has other addresses");
            *known = Some(addresses.clone());
            events.push(Event::Resolved(name, addresses));
        }
    }
}

/// The addresses of a name, sorted: IPv4 only, unless it has none. Empty: it does not exist. `None`: nobody knows.
async fn ask(name: &str) -> Option<Vec<IpAddr>> {
    let found = tokio::time::timeout(PATIENCE, tokio::net::lookup_host((name, 0))).await.ok()?;
    match found {
        Ok(found) => Some(preferred(found.map(|address| address.ip()).collect())),
        Err(error) if error.to_string().contains("Temporary failure") => None,
        Err(_) => Some(Vec::new()),
    }
}

/// The addresses that are used: IPv4 unless there are none; sorted, each once.
fn preferred(mut addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    if addresses.iter().any(IpAddr::is_ipv4) {
        addresses.retain(IpAddr::is_ipv4);
    }
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}
