//! The main file.

use super::blocking::BlockingView;
use super::client::{ClientView, HashesView, TlsView};
use super::headers::HeadersView;
use super::log::LogView;
use super::request::{ForwardingView, RealIpView, StatusClientsView};
use super::route::limits::ZonesView;
use super::stream::StreamsView;
use super::upstream::UpstreamView;
use super::{Of, between, on_off, seconds};
use crate::dialect::nginx::features::Features;
use crate::dialect::nginx::groups;
use crate::dialect::{Includes, Version, common};
use crate::model::{CpuAffinity, Feature, Model, Workers};
use serde::Serialize;

/// What `nginx.conf.tera` sees.
#[derive(Debug, Serialize)]
pub(super) struct MainView<'m> {
    token: &'m str,
    version: String,
    workers: WorkersView<'m>,
    client: ClientView<'m>,
    hashes: HashesView,
    tls: TlsView<'m>,
    real_ip: Option<RealIpView>,
    forwarding: ForwardingView,
    status_clients: StatusClientsView,
    hsts: Option<String>,
    upstream: UpstreamView,
    headers: HeadersView,
    blocking: Option<BlockingView>,
    /// Some backend knows its clients again.
    sessions: bool,
    limits: Option<ZonesView>,
    log: LogView,
    streams: Option<StreamsView<'m>>,
    status_address: String,
    /// Answers of services are kept.
    auth_cache: bool,
    escape_files: &'m [String],
    host_files: &'m [String],
    pattern_host_files: &'m [String],
    backend_files: &'m [String],
    certificate_files: &'m [String],
    wildcard_certificate_files: &'m [String],
}

#[derive(Debug, Serialize)]
struct WorkersView<'m> {
    processes: String,
    connections: u64,
    drain_timeout: String,
    open_files: u64,
    multi_accept: &'static str,
    /// `auto`, or a mask for each worker; empty: the system decides.
    cpu_affinity: Vec<&'m str>,
    debugged_clients: Vec<String>,
}

impl<'m> WorkersView<'m> {
    fn new(workers: &'m Workers) -> Self {
        /// Files that a worker has open beside its connections.
        const FURTHER_FILES: u64 = 1024;
        Self {
            processes: workers.processes.map_or_else(|| "auto".to_owned(), |number| number.clamp(1, 1024).to_string()),
            connections: between(16, workers.connections, 1 << 24),
            drain_timeout: seconds(workers.drain_timeout_s),
            open_files: between(64, workers.open_files.unwrap_or(workers.connections.saturating_add(FURTHER_FILES)), 1 << 30),
            multi_accept: on_off(workers.multi_accept),
            cpu_affinity: match &workers.cpu_affinity {
                CpuAffinity::Any => Vec::new(),
                CpuAffinity::Spread => vec!["auto"],
                CpuAffinity::Masks(masks) => one_for_each(masks, workers.processes),
            },
            debugged_clients: workers.debugged_clients.iter().map(ToString::to_string).collect(),
        }
    }
}

/// A mask for each process where their number is known: nginx takes the last one for all further processes, and warns.
fn one_for_each(masks: &[String], processes: Option<u32>) -> Vec<&str> {
    let count = processes.and_then(|count| usize::try_from(count).ok()).unwrap_or(masks.len());
    let last = masks.last().into_iter().cycle();
    masks.iter().chain(last).take(count).map(String::as_str).collect()
}

/// The view of the main file.
pub(in crate::dialect::nginx) fn main<'m>(
    model: &'m Model,
    version: Version,
    includes: &'m Includes,
    token: &'m str,
) -> crate::dialect::View<'m> {
    let (globals, features) = (&*model.globals, Features::of(version));
    let files = |folder| includes.get(folder).map_or(&[][..], Vec::as_slice);
    super::nginx(Of::Main(Box::new(MainView {
        token,
        version: version.to_string(),
        workers: WorkersView::new(&globals.workers),
        client: ClientView::new(globals, features),
        hashes: HashesView::new(model),
        tls: TlsView::new(model, features),
        real_ip: RealIpView::new(&globals.forwarding, globals.listeners.passthrough_port),
        forwarding: ForwardingView::new(globals),
        status_clients: StatusClientsView::new(globals),
        hsts: globals.hsts.as_ref().map(common::hsts),
        upstream: UpstreamView::new(globals),
        headers: HeadersView::new(globals),
        blocking: BlockingView::new(&globals.blocking),
        sessions: model.backends.having(Feature::BackendPolicy).any(|backend| backend.policy.affinity.is_some()),
        limits: ZonesView::new(model),
        log: LogView::new(globals),
        streams: StreamsView::new(globals, files(groups::PASSTHROUGH).iter().chain(files(groups::STREAMS))),
        status_address: format!("127.0.0.1:{}", globals.listeners.status_port),
        auth_cache: keeps_answers(model),
        escape_files: files(groups::ESCAPE),
        host_files: files(groups::HOSTS),
        pattern_host_files: files(groups::PATTERN_HOSTS),
        backend_files: files(groups::BACKENDS),
        certificate_files: files(groups::CERTIFICATES),
        wildcard_certificate_files: files(groups::WILDCARD_CERTIFICATES),
    })))
}

/// Whether answers of services are kept.
fn keeps_answers(model: &Model) -> bool {
    let mut routes = model.hosts.having(Feature::ExternalAuth).flat_map(|host| &host.routes);
    routes.any(|route| route.policy.external_auth.as_ref().is_some_and(|auth| auth.cache.is_some()))
}
