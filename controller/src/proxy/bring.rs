//! Candidates one after another, and the next one beside the one before while that one is checked.
//!
//! A check takes as long as all files are many. Where the running proxy was brought to a candidate without a reload, a newer
//! one need not wait for it: the proxy is brought on to that one at once, and its own check follows. Of several that come
//! meanwhile only the newest is checked. So changes of endpoints go as fast as the proxy can be told, and the disk is one
//! check behind.

use super::apply::{Amended, Begun};
use super::outcome::Outcome;
use super::state_dir::RevisionName;
use super::validate::NotValid;
use super::{BatchDelays, Proxy};
use gatewright_core::render::FileSet;
use std::pin::pin;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Files on their way to the proxy.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) files: Arc<FileSet>,
    /// Why, for people.
    pub(crate) cause: String,
    /// Told as soon as the proxy serves it, though it is not settled: another candidate may follow.
    pub(crate) served: oneshot::Sender<()>,
    /// What became of it, and how long to gather changes before the next one.
    pub(crate) outcome: oneshot::Sender<(Outcome, BatchDelays)>,
}

type Answer = oneshot::Sender<(Outcome, BatchDelays)>;

/// A candidate behind another one.
enum Next {
    /// It is written, and somebody waits for its outcome.
    Begun(Begun, Answer),
    /// Nothing is to be done for it before the one before is settled: its files are the same.
    Waiting(Candidate),
}

impl Next {
    /// One that the proxy was brought to.
    const fn told(&self) -> Option<&Begun> {
        match self {
            Self::Begun(begun, _) if matches!(begun.amended, Amended::Yes) => Some(begun),
            _ => None,
        }
    }
}

impl Proxy {
    /// Brings a candidate live, and whatever comes meanwhile and need not wait for it; all of them are answered.
    pub(crate) async fn bring(&mut self, first: Candidate, more: &mut mpsc::Receiver<Candidate>) {
        let mut next = Some(Next::Waiting(first));
        while let Some(current) = next.take() {
            let (begun, answer) = match current {
                Next::Begun(begun, answer) => (begun, answer),
                Next::Waiting(Candidate { files, cause, served, outcome }) => match self.begin(&files, &cause).await {
                    Ok(begun) => (say_if_served(begun, served), outcome),
                    Err(is) => {
                        self.answer(outcome, is).await;
                        continue;
                    }
                },
            };
            let is = self.finish(begun, more, &mut next).await;
            if !matches!(is, Outcome::Live(_)) {
                // The proxy goes back to what is on disk, and whoever is told of this tries again with all that is new.
                self.overtake(&mut next, None).await;
            }
            self.answer(answer, is).await;
        }
    }

    /// Checks and publishes what is begun; `next` is what has come meanwhile.
    async fn finish(&mut self, begun: Begun, more: &mut mpsc::Receiver<Candidate>, next: &mut Option<Next>) -> Outcome {
        let Begun { staged, flushing, amended, stage, cause } = begun;
        let (last, owner) = (self.last_check, Arc::clone(&self.owner));
        let under = (staged.name, Arc::clone(&staged.files));
        let may_be_followed = |next: &Option<Next>| amended == Amended::Yes && next.as_ref().is_none_or(|next| next.told().is_some());
        let mut checking = pin!(async move { staged.validate(&*owner, last).await });
        if amended == Amended::Yes {
            self.prepare_seed();
        }
        let checked = loop {
            tokio::select! {
                checked = &mut checking => break checked,
                Some(candidate) = more.recv(), if may_be_followed(next) => self.follow(candidate, &under, next).await,
            }
        };
        let validated = match checked {
            Ok((validated, took)) => {
                self.last_check = took;
                validated
            }
            Err(not_valid) => {
                self.take_back(amended).await;
                return match not_valid {
                    NotValid::Refused(refused) => Outcome::Refused(refused),
                    NotValid::Unchecked(error) => Outcome::Failed { error: error.into() },
                };
            }
        };
        // What the proxy answers by now.
        let beyond = next.as_ref().and_then(Next::told).map(|begun| begun.staged.files.token());
        let settled = self.conclude((validated, flushing), (amended, beyond), stage, &cause).await;
        if let (Ok((_, true)), Some(Next::Begun(begun, _))) = (&settled, next) {
            // It was loaded anew, and so is not where the next one was begun.
            begun.amended = Amended::Halfway;
        }
        settled.map_or_else(|error| Outcome::Failed { error }, |(live, _)| Outcome::Live(live))
    }

    /// Brings the proxy on to a newer candidate. `under`: the one that is being checked.
    async fn follow(&mut self, candidate: Candidate, under: &(RevisionName, Arc<FileSet>), next: &mut Option<Next>) {
        let told = next.as_ref().and_then(Next::told);
        let from = told.map_or_else(|| under.clone(), |begun| (begun.staged.name, Arc::clone(&begun.staged.files)));
        if from.0.digest == candidate.files.digest() && next.is_none() {
            *next = Some(Next::Waiting(candidate));
            return;
        }
        let Candidate { files, cause, served, outcome } = candidate;
        match self.begin_from(&files, &cause, Some(from)).await {
            Ok(begun) => {
                let newer = Next::Begun(say_if_served(begun, served), outcome);
                self.overtake(next, Some(newer)).await;
            }
            Err(error) => self.answer(outcome, Outcome::Failed { error }).await,
        }
    }

    /// Puts another one in the place of the next one, which nobody has to check any more.
    async fn overtake(&mut self, next: &mut Option<Next>, newer: Option<Next>) {
        let answer = match std::mem::replace(next, newer) {
            Some(Next::Begun(begun, answer)) => {
                begun.staged.discard();
                answer
            }
            Some(Next::Waiting(candidate)) => candidate.outcome,
            None => return,
        };
        self.answer(answer, Outcome::Overtaken).await;
    }

    async fn answer(&self, to: Answer, outcome: Outcome) {
        let _ = to.send((outcome, self.batch_delays().await));
    }

    /// Brings these files live, and nothing else.
    #[cfg(test)]
    pub(crate) async fn apply(&mut self, files: &Arc<FileSet>, cause: &str) -> Outcome {
        let ((served, _), (outcome, came)) = (oneshot::channel(), oneshot::channel());
        let (_, mut nothing_more) = mpsc::channel(1);
        self.bring(Candidate { files: Arc::clone(files), cause: cause.to_owned(), served, outcome }, &mut nothing_more).await;
        came.await.expect("every candidate is answered").0
    }
}

fn say_if_served(begun: Begun, served: oneshot::Sender<()>) -> Begun {
    if begun.amended == Amended::Yes {
        let _ = served.send(());
    }
    begun
}
