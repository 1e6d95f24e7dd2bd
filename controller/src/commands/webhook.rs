//! `gatewright webhook`: answers the API server about Ingresses, in a Pod of its own.
//!
//! It drives no proxy, writes nothing, and reads neither Secrets nor endpoints. So whoever speaks to it gains nothing, and
//! the controller goes on when it is away.

use super::error::CommandError;
use crate::admission;
use crate::args::{AdmissionConfig, RunConfig};
use crate::clock::now_s;
use crate::connection::Connection;
use crate::report::Identity;
use crate::self_signed::SelfSignedError;
use crate::source::{Input, cluster};
use gatewright_core::model::Certificate;
use gatewright_core::settings::Settings;
use gatewright_core::state::Snapshot;
use gatewright_core::translate::{Input as State, Quarantine, Wanted, admission as verdicts};
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

/// Answers until it is told to stop.
///
/// # Errors
/// When the port or the certificate cannot be used, or no cluster is configured.
pub(crate) async fn main(config: RunConfig, admission: AdmissionConfig) -> Result<(), CommandError> {
    let connection = Arc::new(Connection::new(config.cluster.clone()));
    connection.client().await?;
    let (asked, mut questions) = mpsc::channel(1);
    let (known, known_seen) = watch::channel(false);
    admission::serve(&admission, asked, known_seen).await?;
    let (wanted, wanted_seen) = watch::channel(Wanted::default());
    let (sender, mut inputs) = mpsc::channel(64);
    let own_namespace = Identity::of_environment().namespace;
    let mut reviewer = Reviewer::new(&config, own_namespace.clone())?;
    let scope = cluster::Scope::of(&reviewer.settings, &own_namespace, false).of_ingresses();
    tokio::spawn(cluster::run(connection, scope, None, wanted_seen, sender));
    tracing::info!(port = admission.address.1, "answers the API server about Ingresses");
    let signal = |kind| signal(kind).map_err(CommandError::Signals);
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    loop {
        tokio::select! {
            Some(input) = inputs.recv() => reviewer.take(input, &wanted, &known),
            Some(question) = questions.recv() => drop(question.answer(reviewer.state())),
            _ = term.recv() => return Ok(()),
            _ = int.recv() => return Ok(()),
        }
    }
}

/// What is known of the cluster, and what is meant by it.
struct Reviewer {
    snapshot: Snapshot,
    settings: Settings,
    quarantine: Quarantine,
    self_signed: Arc<Certificate>,
}

impl Reviewer {
    fn new(config: &RunConfig, own_namespace: String) -> Result<Self, SelfSignedError> {
        let dialect = config.proxy.dialect;
        let mut settings = crate::abilities::of_proxy(config.settings.clone(), dialect, dialect.oldest);
        (settings.own_namespace, settings.reads_named_objects) = (Some(own_namespace), false);
        let self_signed = crate::self_signed::fresh()?;
        Ok(Self { snapshot: Snapshot::default(), settings, quarantine: Quarantine::default(), self_signed })
    }

    fn state(&self) -> State<'_> {
        let Self { snapshot, settings, quarantine, self_signed } = self;
        State { snapshot, settings, quarantine, self_signed, now_s: now_s() }
    }

    fn take(&mut self, input: Input, wanted: &watch::Sender<Wanted>, known: &watch::Sender<bool>) {
        match input {
            Input::Changed(events) => {
                for event in events {
                    self.snapshot.apply(event);
                }
            }
            Input::Classes(readable) => self.settings.ignore_classes = !readable,
            Input::Forbidden(objects) => self.settings.forbidden = objects,
            Input::Complete => {
                tracing::info!("the first lists of the cluster are complete");
                known.send_replace(true);
            }
            Input::Waiting(what) if !what.is_empty() => tracing::debug!(?what, "waiting"),
            _ => {}
        }
        let needs = verdicts::needs(self.state());
        wanted.send_if_modified(|wanted| std::mem::replace(wanted, needs.clone()) != needs);
    }
}
