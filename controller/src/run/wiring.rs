//! Starts everything that `run` is made of, and stops it again.

use super::error::RunError;
use super::last_settings::LastSettings;
use super::live::view;
use super::maker::Maker;
use super::proxy_task;
use super::sets::Sets;
use super::{Controller, Ends, ToProxy, preflight, proxy_watch};
use crate::admission::{self, Question};
use crate::args::{Mode, RunConfig};
use crate::causes::chain;
use crate::connection::Connection;
use crate::proxy::{Claimed, OwnerError, Program, Proxy, ProxyConfig, StateDir};
use crate::report::{self, Board, Identity, IngressQuery, Metrics, News, Processes, Reports, Requests};
use crate::source::manifests::SharedPlaces;
use crate::source::{self, cluster};
use crate::stop_signals::StopSignals;
use gatewright_core::dialect::{Dialect, LACKS_STREAMS};
use gatewright_core::model::Workers;
use gatewright_core::translate::Wanted;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Revisions that stay on disk.
const REVISIONS_KEPT: usize = 10;

/// Runs the controller until it is told to stop.
///
/// # Errors
/// When something it needs at the start is not to be had: the state folder, the admin port, the proxy's program. Afterwards nothing ends it but a signal.
pub(crate) async fn run(config: RunConfig) -> Result<(), RunError> {
    // First of all: whose folder it is tells more than whose ports they are.
    let claimed = Claimed::of(proxy_config(&config)).await?;
    let board = Arc::new(Board::default());
    let identity = Identity::of_environment();
    let pod = identity.pod.as_deref().unwrap_or_default();
    let metrics = Metrics::new(&config.settings.controller_class, &identity.namespace, pod, &config.status.election_id);
    let metrics = Arc::new(count_requests(metrics, &config).await?);
    report::serve(config.admin, config.settings.listeners.health_check_path.as_str(), Arc::clone(&board), Arc::clone(&metrics)).await?;
    // Before there is a proxy that could be left behind.
    let mut signals = StopSignals::new().map_err(RunError::Signals)?;
    let proxy = open(claimed, &config, &board, &metrics).await?;
    let ready = match signals.unless(prepare(&config, &proxy, &board)).await {
        Some(Ok(ready)) => ready,
        stopped => {
            // Who is not our child serves on: the next start finds it.
            if stopped.is_none() || config.mode == Mode::Child {
                end_early(&proxy, &mut signals).await;
            }
            return stopped.map_or(Ok(()), |failed| failed.map(drop));
        }
    };
    let Ready { maker, connection, questions } = ready;
    let ((candidates, coming), (asks, asked)) = (mpsc::channel(1), mpsc::channel(1));
    let to_proxy = ToProxy { candidates, asks, urgent: proxy.urgency() };
    let around = Surroundings { identity: &identity, connection, proxy: to_proxy, questions, board: Arc::clone(&board), metrics };
    let (mut controller, reports) = controller(&config, maker, around);
    let (end, ends) = mpsc::channel(1);
    let follow = async {
        controller.follow(&mut signals).await;
        tracing::info!("stopping");
        board.shutting_down();
        // Whoever interrupts this does not want to wait for requests.
        let farewell = async {
            controller.answer_until(tokio::time::sleep(config.shutdown_grace)).await;
            if let Some(reports) = reports {
                controller.answer_until(reports.stop()).await;
            }
        };
        let may_take_time = signals.unless_interrupted(farewell).await.is_some();
        // Whoever owns the proxy is there until it is told to end.
        let _ = end.send(if may_take_time { controller.drain_timeout() } else { Duration::ZERO }).await;
        signals.interrupt().await;
        tracing::info!("interrupted once more: ending the proxy at once");
        let _ = end.send(Duration::ZERO).await;
        std::future::pending::<()>().await;
    };
    tokio::select! { () = proxy_task::own(proxy, (coming, asked), ends) => {}, () = follow => {} }
    signals.unless_interrupted(tokio::time::sleep(config.post_shutdown_grace)).await;
    Ok(())
}

/// Ends the proxy of a controller that has not begun.
async fn end_early(proxy: &Proxy, signals: &mut StopSignals) {
    let limit = Duration::from_secs(Workers::default().drain_timeout_s);
    if signals.unless_interrupted(proxy.drain(limit)).await.is_none() {
        proxy.drain(Duration::ZERO).await;
    }
}

/// What the loop is made of that may not be to be had.
struct Ready {
    maker: Maker,
    connection: Arc<Connection>,
    questions: Questions,
}

async fn prepare(config: &RunConfig, proxy: &Proxy, board: &Arc<Board>) -> Result<Ready, RunError> {
    let program = program_of(proxy, config.proxy.dialect).await?;
    tracing::info!(proxy = config.proxy.dialect.name, version = %program.version, state_dir = %config.state_dir.display(), "started");
    let maker = maker(config, program)?;
    proxy_watch::watch(config, proxy.health(), board).await;
    let connection = Arc::new(Connection::new(config.cluster.clone()));
    if config.manifests.is_none() {
        check_cluster(&connection, config, board.has_revision()).await?;
    }
    Ok(Ready { maker, connection, questions: questions(config).await? })
}

/// Opens the proxy, which serves the last good revision if there is one.
async fn open(claimed: Claimed, config: &RunConfig, board: &Board, metrics: &Metrics) -> Result<Proxy, RunError> {
    let proxy = claimed.open().await?;
    let port = config.settings.listeners.status_port;
    match config.proxy.dialect.exporter {
        None => metrics.show_processes(Processes::new(proxy.health(), port, config.proxy.dialect.program)),
        Some(exporter) if config.request_metrics.is_some() => metrics.show_page(port, exporter.target),
        Some(_) => {}
    }
    if let Some(live) = proxy.live() {
        tracing::info!(revision = live.revision, "beginning with the last good revision");
        board.live(view(live), false);
    }
    Ok(proxy)
}

/// Counts requests if that is wanted.
async fn count_requests(mut metrics: Metrics, config: &RunConfig) -> Result<Metrics, RunError> {
    let (Some(wish), Some(port)) = (&config.request_metrics, config.settings.listeners.metrics_port) else { return Ok(metrics) };
    let requests = Arc::new(Requests::new(wish.clone()));
    report::listen(port, Arc::clone(&requests)).await?;
    metrics.show_requests(&requests);
    Ok(metrics)
}

/// What flags name has to be there, and there has to be a cluster to talk to; but what is served already goes on.
async fn check_cluster(connection: &Connection, config: &RunConfig, serves: bool) -> Result<(), RunError> {
    let mut wrong: Vec<String> = Vec::new();
    match connection.client().await {
        Ok(_) => wrong.extend(cluster::missing(connection, &config.settings, &config.status).await),
        Err(error) => wrong.push(chain(&error)),
    }
    match (wrong.join("; "), serves) {
        (text, _) if text.is_empty() => {}
        (text, true) => {
            tracing::error!(reason = text, "an object that a flag names does not exist; the last good revision is served all the same")
        }
        (text, false) => return Err(RunError::Missing(text)),
    }
    Ok(())
}

fn proxy_config(config: &RunConfig) -> ProxyConfig {
    let program = config.proxy.program.as_deref().unwrap_or_else(|| Path::new(config.proxy.dialect.program));
    let program = vec![program.display().to_string()];
    let mode = match config.mode {
        Mode::Child => crate::proxy::Mode::Child { program, run_dir: None },
        Mode::Supervise => crate::proxy::Mode::Supervise { socket: None },
        Mode::Signal => crate::proxy::Mode::Signal { pid_file: None, program },
    };
    ProxyConfig {
        dialect: config.proxy.dialect,
        state_dir: config.state_dir.clone(),
        mode,
        status_port: config.settings.listeners.status_port,
        ports: preflight::ports(config),
        revisions_kept: REVISIONS_KEPT,
    }
}

/// Asks until there is somebody to ask: the supervisor's container may start later than ours.
async fn program_of(proxy: &Proxy, dialect: &Dialect) -> Result<Program, RunError> {
    const EVERY: Duration = Duration::from_millis(200);
    let mut told = false;
    loop {
        match proxy.program().await {
            Err(error @ OwnerError::Unreachable { .. }) => {
                if !std::mem::replace(&mut told, true) {
                    tracing::info!(why = chain(&error), "waiting for the supervisor");
                }
                tokio::time::sleep(EVERY).await;
            }
            other => {
                let program = other.map_err(RunError::Program)?.ok_or(RunError::NoVersion(dialect.name))?;
                return dialect.too_old(program.version).map_or(Ok(program), |why| Err(RunError::TooOld(why)));
            }
        }
    }
}

fn maker(config: &RunConfig, program: Program) -> Result<Maker, RunError> {
    let dialect = config.proxy.dialect;
    let overrides = match &config.proxy.templates {
        Some(folder) => crate::templates::read(folder, dialect),
        None => Ok(BTreeMap::new()),
    };
    let self_signed = crate::self_signed::of_folder(&config.state_dir)?;
    let mut settings = config.settings.clone();
    settings.lacks.extend(LACKS_STREAMS.iter().filter(|_| !program.streams));
    settings.listeners.exporter = program.exporter;
    if dialect.exporter.is_some() && !program.exporter && config.request_metrics.is_some() {
        tracing::warn!(
            "the proxy's program is built without its Prometheus exporter: requests are counted, but there are no metrics of its own"
        );
    }
    let state = StateDir::at(&config.state_dir)?;
    let templates = Sets::new(dialect, program.version, overrides, state.templates());
    let kept = (state.current(), LastSettings::at(state.settings()));
    Ok(Maker::new(settings, (dialect, program.version), templates, self_signed, kept))
}

/// What the API server asks, if it may.
struct Questions {
    asked: mpsc::Receiver<Question>,
    /// Where to say that there are answers.
    known: watch::Sender<bool>,
}

async fn questions(config: &RunConfig) -> Result<Questions, RunError> {
    let (asks, asked) = mpsc::channel(1);
    let (known, known_seen) = watch::channel(false);
    if let Some(admission) = &config.admission {
        admission::serve(admission, asks, known_seen).await?;
    }
    Ok(Questions { asked, known })
}

/// What the loop finds.
struct Surroundings<'r> {
    identity: &'r Identity,
    connection: Arc<Connection>,
    proxy: ToProxy,
    questions: Questions,
    board: Arc<Board>,
    metrics: Arc<Metrics>,
}

/// Starts the sources and the reports, and puts the loop together.
fn controller(config: &RunConfig, mut maker: Maker, around: Surroundings<'_>) -> (Controller, Option<Reports>) {
    const QUEUE: usize = 64;
    let Surroundings { identity, connection, proxy, questions, board, metrics } = around;
    let (input_sender, inputs) = mpsc::channel(QUEUE);
    let (wanted, wanted_seen) = watch::channel(Wanted::default());
    let (news, news_seen) = watch::channel(News::default());
    let (query_sender, queries) = mpsc::channel::<IngressQuery>(1);
    let places = SharedPlaces::default();
    tokio::spawn(source::dns::run(wanted_seen.clone(), input_sender.clone()));
    let objects = match &config.secrets_from {
        Some(folder) => source::with_secrets_of(folder.clone(), input_sender),
        None => input_sender,
    };
    let reports = match &config.manifests {
        Some(folder) => {
            // Nobody else follows it.
            metrics.leader(true);
            tokio::spawn(source::manifests::run(folder.clone(), places.clone(), objects));
            None
        }
        None => {
            let (told, by) = ((news_seen, query_sender), (identity, config.proxy.dialect.title));
            let reports = Reports::start(&connection, by, &config.status, told, Arc::clone(&metrics));
            maker.settings.own_namespace = Some(identity.namespace.clone());
            let scope = cluster::Scope::of(&config.settings, &identity.namespace, config.secrets_from.is_none());
            let place = config.zone_of_node.then(|| pod_location(identity));
            tokio::spawn(cluster::run(connection, scope, place, wanted_seen, objects));
            Some(reports)
        }
    };
    let templates = changes_of_templates(config);
    let Questions { asked: questions, known } = questions;
    let ends = Ends { inputs, templates, proxy, wanted, news, queries, questions, known, board, metrics };
    (Controller::new(config, maker, places, ends), reports)
}

/// Says when overrides may be others; never, if there are none.
fn changes_of_templates(config: &RunConfig) -> mpsc::Receiver<()> {
    let (changed, changes) = mpsc::channel(1);
    if let Some(folder) = &config.proxy.templates {
        tokio::spawn(crate::templates::watch(folder.clone(), changed));
    }
    changes
}

fn pod_location(identity: &Identity) -> cluster::PodLocation {
    cluster::PodLocation { node: identity.node.clone(), pod: identity.pod.clone(), namespace: identity.namespace.clone() }
}
