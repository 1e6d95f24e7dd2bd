//! Who leads: one replica at a time holds the Lease, and only that one writes status and events.

use super::Identity;
use crate::connection::{CallError, Connection, objects};
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::PostParams;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// The Lease, and for how long it is held.
#[derive(Debug, Clone)]
pub(super) struct Election {
    /// Name of the Lease.
    pub(super) id: String,
    /// How long others wait for a leader that is silent.
    pub(super) ttl: Duration,
}

impl Election {
    /// A leader that could not renew for so long steps back, before anybody else can have taken over.
    fn renew_deadline(&self) -> Duration {
        self.ttl / 2
    }

    fn retry(&self) -> Duration {
        self.ttl / 4
    }

    /// For one call; an attempt has two, so that a leader knows in time that it could not renew.
    fn call_limit(&self) -> Duration {
        self.ttl / 8
    }
}

/// Stands for election until `stop` says so; then gives the Lease back, so that the next one need not wait.
pub(super) async fn stand(
    connection: Arc<Connection>,
    identity: Identity,
    election: Election,
    leads: watch::Sender<bool>,
    mut stop: watch::Receiver<bool>,
) {
    let mut candidate = Candidate { connection, identity, election, seen: None, renewed: None, said: String::new() };
    loop {
        tokio::select! {
            held = candidate.try_hold() => {
                let changed = leads.send_if_modified(|leads| std::mem::replace(leads, held) != held);
                if changed {
                    tracing::info!(lease = %candidate.lease(), holder = candidate.identity.holder, leads = held, "leadership changed");
                }
            }
            _ = stop.wait_for(|stop| *stop) => break,
        }
        tokio::select! {
            () = tokio::time::sleep(candidate.election.retry()) => {}
            _ = stop.wait_for(|stop| *stop) => break,
        }
    }
    leads.send_replace(false);
    candidate.give_back().await;
}

struct Candidate {
    connection: Arc<Connection>,
    identity: Identity,
    election: Election,
    /// The Lease of another holder as it was last seen, and since when it is like that by our own clock: the clocks of
    /// replicas need not agree.
    seen: Option<(LeaseSpec, Instant)>,
    /// When this replica last held the Lease for certain.
    renewed: Option<Instant>,
    said: String,
}

impl Candidate {
    fn lease(&self) -> String {
        format!("{}/{}", self.identity.namespace, self.election.id)
    }

    /// Takes or renews the Lease if that is possible; whether this replica leads now.
    async fn try_hold(&mut self) -> bool {
        let begun = Instant::now();
        match self.attempt().await {
            Ok(held) => {
                self.said.clear();
                self.renewed = held.then_some(begun);
            }
            Err(error) => self.complain(&error),
        }
        self.renewed.is_some_and(|at| at.elapsed() < self.election.renew_deadline())
    }

    /// One look and one write.
    async fn attempt(&mut self) -> Result<bool, CallError> {
        let limit = self.election.call_limit();
        let (namespace, id) = (self.identity.namespace.clone(), self.election.id.clone());
        let found = self.connection.call(limit, async |client| objects::<Lease>(client, &namespace).get_opt(&id).await).await?;
        let lease = match found {
            None => {
                let mut lease = Lease { metadata: ObjectMeta { name: Some(id), ..ObjectMeta::default() }, ..Lease::default() };
                lease.spec = Some(self.held(&LeaseSpec::default()));
                let create = async |client| objects::<Lease>(client, &namespace).create(&PostParams::default(), &lease).await;
                return acquired(self.connection.call(limit, create).await);
            }
            Some(lease) => lease,
        };
        let spec = lease.spec.clone().unwrap_or_default();
        if !self.may_take(&spec) {
            return Ok(false);
        }
        // The resource version of what was read makes this fail when somebody else was faster.
        let lease = Lease { spec: Some(self.held(&spec)), ..lease };
        let replace = async |client| objects::<Lease>(client, &namespace).replace(&id, &PostParams::default(), &lease).await;
        acquired(self.connection.call(limit, replace).await)
    }

    fn may_take(&mut self, spec: &LeaseSpec) -> bool {
        let holder = spec.holder_identity.as_deref().unwrap_or_default();
        if holder.is_empty() || holder == self.identity.holder {
            return true;
        }
        let since = match &self.seen {
            Some((seen, since)) if seen == spec => *since,
            _ => {
                let now = Instant::now();
                self.seen = Some((spec.clone(), now));
                now
            }
        };
        let seconds = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
        since.elapsed() >= seconds.map_or(self.election.ttl, Duration::from_secs)
    }

    fn held(&self, before: &LeaseSpec) -> LeaseSpec {
        let now = Some(MicroTime(Timestamp::now()));
        let same = before.holder_identity.as_deref() == Some(&self.identity.holder);
        LeaseSpec {
            holder_identity: Some(self.identity.holder.clone()),
            lease_duration_seconds: Some(i32::try_from(self.election.ttl.as_secs().max(1)).unwrap_or(i32::MAX)),
            acquire_time: if same { before.acquire_time.clone() } else { now.clone() },
            renew_time: now,
            lease_transitions: Some(before.lease_transitions.unwrap_or(0) + i32::from(!same && before.holder_identity.is_some())),
            ..LeaseSpec::default()
        }
    }

    async fn give_back(&mut self) {
        if self.renewed.take().is_none() {
            return;
        }
        let limit = self.election.call_limit();
        let (namespace, id) = (self.identity.namespace.clone(), self.election.id.clone());
        let holder = &self.identity.holder;
        let release = async |client: kube::Client| {
            let api = objects::<Lease>(client, &namespace);
            let mut lease = api.get(&id).await?;
            let held = lease.spec.as_ref().and_then(|spec| spec.holder_identity.as_ref()) == Some(holder);
            if let Some(spec) = lease.spec.as_mut().filter(|_| held) {
                spec.holder_identity = None;
                api.replace(&id, &PostParams::default(), &lease).await?;
            }
            Ok(())
        };
        if let Err(error) = self.connection.call(limit, release).await {
            tracing::debug!(%error, "could not give the Lease back; it ends by itself");
        }
    }

    fn complain(&mut self, error: &CallError) {
        let text = crate::causes::chain(error);
        if std::mem::replace(&mut self.said, text.clone()) != text {
            tracing::warn!(
                lease = %self.lease(),
                reason = text,
                "could not take or renew the Lease, so status and events are not written; --disable-leader-election does without"
            );
        }
    }
}

fn acquired(result: Result<Lease, CallError>) -> Result<bool, CallError> {
    match result {
        Ok(_) => Ok(true),
        Err(CallError::Conflict) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::ClusterConfig;

    fn candidate(holder: &str, ttl: Duration) -> Candidate {
        Candidate {
            connection: Arc::new(Connection::new(ClusterConfig::default())),
            identity: Identity { namespace: "sys".to_owned(), pod: None, node: None, holder: holder.to_owned() },
            election: Election { id: "lead".to_owned(), ttl },
            seen: None,
            renewed: None,
            said: String::new(),
        }
    }

    #[test]
    fn a_lease_is_taken_only_when_it_is_free_own_or_silent_for_its_duration() {
        let mut a = candidate("a", Duration::from_secs(30));
        let mut b = candidate("b", Duration::from_secs(30));
        assert!(a.may_take(&LeaseSpec::default()));
        let held = a.held(&LeaseSpec::default());
        assert!(a.may_take(&held) && !b.may_take(&held));
        let silent = LeaseSpec { lease_duration_seconds: Some(0), ..held.clone() };
        assert!(b.may_take(&silent), "its whole duration has passed since it was first seen");
        let taken = b.held(&silent);
        assert_eq!((taken.holder_identity.as_deref(), taken.lease_transitions), (Some("b"), Some(1)));
        assert_eq!(a.held(&held).lease_transitions, Some(0), "renewing is no transition");
        assert_eq!(a.held(&held).acquire_time, held.acquire_time);
    }

    #[test]
    fn a_leader_steps_back_before_others_may_take_over() {
        let election = Election { id: "lead".to_owned(), ttl: Duration::from_secs(30) };
        let attempt = election.call_limit() * 2;
        assert!(election.retry() < election.renew_deadline());
        assert!(attempt + election.retry() + attempt < election.ttl, "taken, waited, and failed to renew");
    }
}
