//! The candidates that are on their way to the proxy: mostly one, and another one as soon as the proxy serves the first.

use super::maker::Made;
use crate::proxy::{BatchDelays, Outcome};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::oneshot;

/// A candidate on its way.
pub(super) struct Flight {
    pub(super) made: Made,
    /// The proxy serves it; what it is on disk follows.
    pub(super) served: oneshot::Receiver<()>,
    pub(super) outcome: oneshot::Receiver<(Outcome, BatchDelays)>,
}

/// All of them, the oldest first.
#[derive(Default)]
pub(super) struct Flights {
    all: VecDeque<Flight>,
    /// Whether the newest is served; `None`: it has not been said yet.
    served: Option<bool>,
}

/// Something that one of them was waiting for.
pub(super) enum Event {
    /// The newest is served.
    Served,
    /// One has come to its end; `None`: nobody brings it anywhere.
    Landed(Option<Box<Landed>>),
}

/// How one of them has ended.
pub(super) struct Landed {
    pub(super) made: Made,
    pub(super) outcome: Outcome,
    pub(super) delays: BatchDelays,
}

impl Flights {
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether another one may begin.
    pub(super) fn let_another_begin(&self) -> bool {
        self.all.is_empty() || self.served == Some(true)
    }

    pub(super) fn begin(&mut self, flight: Flight) {
        self.all.push_back(flight);
        self.served = None;
    }

    /// Waits for the next event; for ever when there are none.
    pub(super) async fn next(&mut self) -> Event {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Event> {
        for at in 0..self.all.len() {
            if let Poll::Ready(outcome) = Pin::new(&mut self.all[at].outcome).poll(context) {
                if at + 1 == self.all.len() {
                    // Those before it have not said so, or it could not have begun.
                    self.served = Some(true);
                }
                let Flight { made, .. } = self.all.remove(at).expect("it was there to be asked");
                return Poll::Ready(Event::Landed(outcome.ok().map(|(outcome, delays)| Box::new(Landed { made, outcome, delays }))));
            }
        }
        let newest = self.all.back_mut().filter(|_| self.served.is_none());
        match newest.map(|newest| Pin::new(&mut newest.served).poll(context)) {
            Some(Poll::Ready(said)) => {
                self.served = Some(said.is_ok());
                Poll::Ready(Event::Served)
            }
            _ => Poll::Pending,
        }
    }
}
