//! The controller: takes what the sources say, makes candidates, brings them to the proxy, tells what became of them.

mod blame;
mod error;
mod findings;
mod flights;
mod held_ports;
mod hold;
mod last_settings;
mod live;
mod maker;
mod noise;
mod objects;
mod outcomes;
mod pace;
mod preflight;
mod proxy_task;
mod proxy_watch;
mod retrials;
mod sets;
mod wiring;

use crate::admission::Question;
use crate::args::RunConfig;
use crate::proxy::Candidate;
use crate::report::{Board, IngressQuery, Metrics, News};
use crate::source::manifests::SharedPlaces;
use crate::source::{Input, Located};
use crate::stop_signals::StopSignals;
use flights::{Event, Flight, Flights};
use gatewright_core::diagnostic::Diagnostic;
use gatewright_core::translate::Wanted;
use held_ports::HeldPorts;
use hold::Hold;
use maker::Maker;
use noise::Noise;
use objects::{Leaves, Routes};
use pace::Pace;
use proxy_task::Ask;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot, watch};

pub(crate) use preflight::mistakes;
pub(crate) use wiring::run;

/// What the task that owns the proxy is told, and what it is asked.
struct ToProxy {
    candidates: mpsc::Sender<Candidate>,
    asks: mpsc::Sender<Ask>,
    /// Whether a namespace waits that has made it reload no more often than others.
    urgent: Arc<watch::Sender<bool>>,
}

/// What the loop needs to be told things and to tell them.
struct Ends {
    inputs: mpsc::Receiver<Input>,
    templates: mpsc::Receiver<()>,
    proxy: ToProxy,
    wanted: watch::Sender<Wanted>,
    news: watch::Sender<News>,
    queries: mpsc::Receiver<IngressQuery>,
    questions: mpsc::Receiver<Question>,
    /// Whether the first lists are complete.
    known: watch::Sender<bool>,
    board: Arc<Board>,
    metrics: Arc<Metrics>,
}

/// Everything between the first input and the last.
struct Controller {
    maker: Maker,
    /// Where the objects are written, if in files.
    places: SharedPlaces,
    ends: Ends,
    templates: Option<std::path::PathBuf>,
    dialect: &'static gatewright_core::dialect::Dialect,
    /// Every first list is complete.
    complete: bool,
    /// The source has heard of more than it has told.
    untold: bool,
    hold: Hold,
    pace: Pace,
    noise: Noise,
    flights: Flights,
    held_ports: HeldPorts,
    /// When those that are left out are looked at again.
    ports_at: Instant,
    /// What the source says is wrong with its input.
    problems: Vec<Located>,
    /// What was wrong with objects when the last candidate was made.
    findings: Vec<Diagnostic>,
    said: HashSet<Located>,
    leaves: Leaves,
    routes: Routes,
}

impl Controller {
    fn new(config: &RunConfig, maker: Maker, places: SharedPlaces, ends: Ends) -> Self {
        Self {
            maker,
            places,
            ends,
            templates: config.proxy.templates.clone(),
            dialect: config.proxy.dialect,
            complete: false,
            untold: false,
            hold: Hold::new(config.manifests.is_none()),
            pace: Pace::default(),
            noise: Noise::default(),
            flights: Flights::default(),
            held_ports: HeldPorts::default(),
            ports_at: Instant::now(),
            problems: Vec::new(),
            findings: Vec::new(),
            said: HashSet::new(),
            leaves: Leaves::default(),
            routes: Routes::default(),
        }
    }

    /// How long requests in flight may take at the end.
    const fn drain_timeout(&self) -> Duration {
        self.maker.drain_timeout()
    }

    /// Runs until a signal comes.
    async fn follow(&mut self, signals: &mut StopSignals) {
        loop {
            self.ends.board.settled(self.complete && !self.untold && !self.pace.is_due() && self.flights.is_empty());
            let due = self.complete && self.pace.is_due() && self.flights.let_another_begin();
            let (due_at, ports_at) = (self.pace.due_at(self.is_urgent()).into(), self.ports_at.into());
            let retrial = self.maker.next_retrial();
            tokio::select! {
                input = self.ends.inputs.recv() => match input {
                    Some(input) => self.take(input),
                    None => return,
                },
                Some(()) = self.ends.templates.recv() => self.reload_templates(),
                Some(query) = self.ends.queries.recv() => self.answer(query),
                Some(question) = self.ends.questions.recv() => tokio::task::block_in_place(|| self.judge(question)),
                event = self.flights.next(), if !self.flights.is_empty() => match event {
                    Event::Served => {}
                    Event::Landed(landed) => self.landed(landed.map(|landed| *landed)).await,
                },
                () = tokio::time::sleep_until(due_at), if due => self.launch().await,
                () = tokio::time::sleep_until(ports_at), if !self.maker.settings.taken_ports.is_empty() => self.look_at_held_ports(),
                () = tokio::time::sleep_until(retrial.unwrap_or_else(Instant::now).into()), if retrial.is_some() => {
                    self.maker.forget_verdicts();
                    self.mark("an Ingress that was set aside has another chance".to_owned());
                }
                () = signals.come() => return,
            }
        }
    }

    /// Answers questions, and does nothing else, until `last` is done.
    async fn answer_until(&mut self, last: impl Future<Output = ()>) {
        let mut last = std::pin::pin!(last);
        loop {
            tokio::select! {
                () = &mut last => return,
                Some(query) = self.ends.queries.recv() => self.answer(query),
            }
        }
    }

    fn judge(&self, question: Question) {
        let begun = Instant::now();
        if let Some((name, is_refused)) = self.maker.answer(question) {
            self.ends.metrics.judged(&name, is_refused, begun.elapsed());
        }
    }

    fn answer(&self, query: IngressQuery) {
        let there = query.names.iter().filter_map(|name| self.maker.snapshot.ingress(name).cloned());
        // Nobody waits any more if this fails.
        let _ = query.answer.send(there.collect());
    }

    fn take(&mut self, input: Input) {
        match input {
            Input::Changed(events) => {
                let mut changed = 0;
                for event in events {
                    changed += usize::from(self.maker.apply(event));
                }
                if changed > 0 {
                    self.maker.forget_verdicts();
                    self.say_urgency();
                    self.mark(if changed == 1 { "1 object changed".to_owned() } else { format!("{changed} objects changed") });
                }
            }
            Input::Untold(untold) => self.untold = untold,
            Input::Problems(problems) => {
                self.problems = problems;
                self.publish_problems();
            }
            Input::Complete => {
                self.complete = true;
                self.ends.known.send_replace(true);
                self.ends.board.waiting_for(Vec::new());
                self.mark("start".to_owned());
            }
            Input::Waiting(what) => {
                self.ends.board.waiting_for(what);
                self.publish_findings();
            }
            Input::Zone(zone) => self.maker.settings.topology_zone = Some(zone),
            Input::Classes(readable) => {
                self.maker.settings.ignore_classes = !readable;
                self.mark("the right to read IngressClasses changed".to_owned());
            }
            Input::Forbidden(objects) => {
                self.maker.settings.forbidden = objects;
                self.mark("the right to read settings changed".to_owned());
            }
            Input::Answered(wanted) => {
                if self.hold.answer(wanted) {
                    self.pace.hold(Instant::now());
                }
            }
        }
    }

    /// Shows what the source says, unless a candidate is about to: what becomes of the fields that it is about is known then.
    fn publish_problems(&mut self) {
        let is_made = self.pace.is_new() || !self.flights.is_empty();
        if !is_made {
            self.publish_findings();
        }
    }

    /// Whether something has changed for somebody who has made the proxy reload no more often than others.
    fn is_urgent(&self) -> bool {
        let now = Instant::now();
        self.maker.touched().any(|namespace| self.noise.is_quiet(namespace, now))
    }

    fn say_urgency(&self) {
        let urgent = self.is_urgent();
        self.ends.proxy.urgent.send_if_modified(|said| std::mem::replace(said, urgent) != urgent);
    }

    fn mark(&mut self, cause: String) {
        self.pace.mark(cause);
        self.ends.board.settled(false);
    }

    fn reload_templates(&mut self) {
        let Some(folder) = &self.templates else { return };
        if self.maker.templates.follow(crate::templates::read(folder, self.dialect)) {
            self.mark("templates changed".to_owned());
        }
    }

    /// Makes a candidate and sends it on its way.
    async fn launch(&mut self) {
        let begun = Instant::now();
        let changed_at = self.pace.begin();
        let made = match tokio::task::block_in_place(|| blame::make(&mut self.maker)) {
            Ok(made) => made,
            Err(error) => return self.gave_up(&error.to_string()),
        };
        self.ends.wanted.send_if_modified(|wanted| {
            let changed = *wanted != made.wanted;
            if changed {
                wanted.clone_from(&made.wanted);
            }
            changed
        });
        let held = self.held_ports.before(&made.model);
        if self.leave_out(held) {
            return self.pace.begin_again(changed_at);
        }
        let first = self.ends.news.borrow().revision == 0;
        if let Some(until) = self.hold.until(&made.wanted, &self.maker.snapshot, first) {
            self.pace.hold(until);
            return self.pace.begin_again(changed_at);
        }
        if let Some(requests) = self.ends.metrics.requests() {
            requests.coming(self.routes.of(&made.model, requests));
        }
        self.ends.metrics.made(begun.elapsed(), self.maker.quarantine.len());
        tracing::debug!(
            hosts = made.hosts(),
            took_us = begun.elapsed().as_micros(),
            waited_us = changed_at.map(|at| (begun - at).as_micros()),
            "made a candidate"
        );
        let ((say_served, served), (answer, outcome)) = (oneshot::channel(), oneshot::channel());
        let candidate =
            Candidate { files: Arc::clone(&made.files), cause: self.pace.cause().to_owned(), served: say_served, outcome: answer };
        if self.ends.proxy.candidates.send(candidate).await.is_ok() {
            self.flights.begin(Flight { made, served, outcome });
        }
    }
}
