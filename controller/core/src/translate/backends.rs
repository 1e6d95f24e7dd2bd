//! Service ports → backends: `ingress-semantics` 9.

use super::Input;
use super::endpoints::{Found, Problem, Reach, dns_name, endpoints, of_others};
use super::in_use::InUse;
use super::reading::BackendUse;
use super::servers::Servers;
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::model::{Action, Backend, BackendId, BackendPolicy, Balance, Digester, SharedMap, digest_of};
use crate::names::{Kind, ObjectName, ObjectRef};
use crate::settings::Config;
use crate::state::{Epoch, Epochs, Kinds, NameParts, PortRef};
use foldhash::HashMap;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::hash::Hash;
use std::sync::Arc;

/// What requests for a Service port get.
#[derive(Debug)]
pub(super) struct Resolved {
    pub(super) action: Action,
    problem: Option<Problem>,
    /// What is wrong with endpoints that are left out.
    of_endpoints: Vec<Diagnostic>,
    /// Hash of the above: equal for equal answers, whatever the endpoints.
    pub(super) digest: u128,
}

impl Resolved {
    /// What is wrong: with the whole, said on the Ingress that uses it; with some endpoints, said on their own objects.
    pub(super) fn findings(&self, origin: &ObjectRef, field: String) -> impl Iterator<Item = Diagnostic> {
        let of_all = self.problem.as_ref().map(|problem| problem.said_on(origin.clone(), field, ""));
        of_all.into_iter().chain(self.of_endpoints.iter().cloned())
    }
}

/// All backends in use, and the global default one of the time before. Those of hosts are kept with the hosts.
#[derive(Debug, Default)]
pub(super) struct Memo {
    used: InUse<BackendId, Backend>,
    default: Option<Arc<Kept>>,
    /// Those of servers that annotations name.
    servers: Vec<BackendId>,
    /// Of the cluster IPs, the time before.
    cluster_ips: Option<Epoch>,
}

/// By the digest of a policy, then by Service port.
type ByPolicy = HashMap<u128, HashMap<BackendUse, Arc<Kept>>>;

/// What a Service port is under a policy, and what that was made from.
#[derive(Debug)]
pub(super) struct Kept {
    policy: u128,
    used: BackendUse,
    made_from: u128,
    /// Of the Service and its slices.
    epoch: Epoch,
    has_dns_name: bool,
    /// Some address is of a Service of another namespace.
    is_of_others: bool,
    resolved: Arc<Resolved>,
    backend: Option<Arc<Backend>>,
}

impl Kept {
    /// Whether it depends on what a name resolves to.
    pub(super) const fn has_dns_name(&self) -> bool {
        self.has_dns_name
    }
}

/// The parts that the names of these Services belong to.
pub(super) fn names(kept: &[Arc<Kept>]) -> NameParts {
    kept.iter().map(|kept| &kept.epoch).collect()
}

impl Memo {
    /// Starts a translation.
    pub(super) fn begin<'a>(&'a mut self, input: Input<'a>, config: &Config) -> Backends<'a> {
        let Self { used, default, servers, cluster_ips } = self;
        let epochs = input.snapshot.epochs();
        let same_cluster_ips = cluster_ips.replace(epochs.of_all(Kinds::ClusterIps)).is_some_and(|before| epochs.is_current(&before));
        let mut backends = Backends {
            input,
            settings: digest_of(&(input.settings, config.shares_objects)),
            reach: Reach { settings: input.settings, other_namespaces: config.shares_objects },
            balance: config.globals.balance,
            before: ByPolicy::default(),
            now: ByPolicy::default(),
            of_host: Vec::new(),
            used,
            dns_names: BTreeSet::new(),
            servers: Servers::new(input),
            servers_before: servers,
            same_cluster_ips,
            with_others: RefCell::default(),
            default: None,
        };
        let before = std::mem::take(default);
        backends.begin_host(before.as_slice());
        backends.resolve_default();
        *default = backends.end_host().pop();
        backends.take(default.as_slice());
        backends.leave(before.as_slice());
        backends
    }
}

/// Resolves Service ports, each once.
pub(super) struct Backends<'a> {
    input: Input<'a>,
    /// Of these, and of what Services may reach.
    settings: u128,
    reach: Reach<'a>,
    balance: Balance,
    before: ByPolicy,
    now: ByPolicy,
    /// Those that the host at hand uses.
    of_host: Vec<Arc<Kept>>,
    used: &'a mut InUse<BackendId, Backend>,
    dns_names: BTreeSet<Box<str>>,
    /// Servers that annotations name.
    pub(super) servers: Servers<'a>,
    servers_before: &'a mut Vec<BackendId>,
    /// No Service has other cluster IPs than the time before.
    same_cluster_ips: bool,
    /// Whether a Service has addresses of other namespaces; each is looked at once, however many hosts use it.
    with_others: RefCell<HashMap<ObjectName, bool>>,
    default: Option<Arc<Resolved>>,
}

impl Backends<'_> {
    fn resolve_default(&mut self) {
        let settings = self.input.settings;
        let name = settings.default_backend_service.as_ref();
        let first_port = name.and_then(|name| self.input.snapshot.service(name)).and_then(|service| service.ports.first());
        self.default = name.zip(first_port).map(|(name, port)| {
            let used = BackendUse { service: name.clone(), port: PortRef::Number(port.port.into()) };
            self.resolve(&used, &Arc::default())
        });
    }

    /// From here on it is noted which ones are used; `before` are those that were, the time before.
    pub(super) fn begin_host(&mut self, before: &[Arc<Kept>]) {
        for kept in before {
            self.before.entry(kept.policy).or_default().insert(kept.used.clone(), Arc::clone(kept));
        }
        self.of_host.clear();
    }

    /// Those that were used since.
    pub(super) fn end_host(&mut self) -> Vec<Arc<Kept>> {
        std::mem::take(&mut self.of_host)
    }

    /// Whether all of them are what resolving would give, as far as that does not depend on what names resolve to.
    pub(super) fn are_current(&self, kept: &[Arc<Kept>]) -> bool {
        kept.iter().all(|kept| self.input.snapshot.epochs().is_current(&kept.epoch) && self.has_same_owners(kept))
    }

    /// Whether no Service has other cluster IPs than the time before.
    pub(super) const fn same_cluster_ips(&self) -> bool {
        self.same_cluster_ips
    }

    /// Whether the addresses are of the same namespaces as before.
    fn has_same_owners(&self, kept: &Kept) -> bool {
        self.same_cluster_ips || (!kept.is_of_others && !self.is_with_others(&kept.used.service))
    }

    fn is_with_others(&self, name: &ObjectName) -> bool {
        *self.with_others.borrow_mut().entry(name.clone()).or_insert_with(|| {
            let snapshot = self.input.snapshot;
            snapshot.service(name).is_some_and(|service| !of_others(service, snapshot, self.reach).0.is_empty())
        })
    }

    /// The tokens of the snapshot.
    pub(super) fn epochs(&self) -> &Epochs {
        self.input.snapshot.epochs()
    }

    /// One more host uses these.
    pub(super) fn take(&mut self, kept: &[Arc<Kept>]) {
        kept.iter().filter_map(|kept| kept.backend.as_ref()).for_each(|backend| self.take_one(backend));
    }

    /// A host does not use these any more.
    pub(super) fn leave(&mut self, kept: &[Arc<Kept>]) {
        kept.iter().filter_map(|kept| kept.backend.as_ref()).for_each(|backend| self.used.leave(&backend.id));
    }

    fn take_one(&mut self, backend: &Arc<Backend>) {
        self.used.take(&backend.id, backend, |one, other| one.digest == other.digest);
    }

    /// What unmatched requests get: the global default backend while it has endpoints, else 404.
    pub(super) fn default_action(&self) -> Action {
        match &self.default {
            Some(resolved) if matches!(resolved.action, Action::Forward(_)) => resolved.action.clone(),
            _ => Action::Respond(404),
        }
    }

    /// The global default backend, if it has endpoints.
    pub(super) fn default_backend(&self, diagnostics: &mut Vec<Diagnostic>) -> Option<BackendId> {
        let name = self.input.settings.default_backend_service.as_ref()?;
        if let Action::Forward(id) = self.default_action() {
            return Some(id);
        }
        let (code, why, help) = match self.input.snapshot.service(name) {
            None => (Code::NoService, "does not exist", "create it, or name another"),
            Some(_) => (Code::NoEndpoints, "has no ready endpoints", "see whether its Pods run"),
        };
        let message = format!("the Service of --default-backend-service {why}; 404 is answered instead");
        let finding = Diagnostic::new(code, ObjectRef::new(Kind::Service, name.clone()), "", message).help(help);
        diagnostics.push(Diagnostic { severity: Severity::Warning, ..finding });
        None
    }

    /// What requests for this Service port get, under this policy.
    pub(super) fn resolve(&mut self, used: &BackendUse, policy: &Arc<BackendPolicy>) -> Arc<Resolved> {
        let policy_digest = policy.digest();
        let known = self.now.get(&policy_digest).and_then(|now| now.get(used)).map(Arc::clone);
        let kept = known.unwrap_or_else(|| self.first_time(used, policy, policy_digest));
        if !self.of_host.iter().any(|other| Arc::ptr_eq(other, &kept)) {
            self.of_host.push(Arc::clone(&kept));
        }
        Arc::clone(&kept.resolved)
    }

    fn first_time(&mut self, used: &BackendUse, policy: &Arc<BackendPolicy>, policy_digest: u128) -> Arc<Kept> {
        let snapshot = self.input.snapshot;
        let service = snapshot.service(&used.service);
        let dns_name = service.and_then(|service| dns_name(service, &mut self.dns_names));
        let mut hasher = Digester::default();
        (self.settings, self.balance, service.map(|service| service.digest)).hash(&mut hasher);
        snapshot.slices_of(&used.service).for_each(|slice| slice.digest.hash(&mut hasher));
        dns_name.map(|name| snapshot.addresses_of(name)).hash(&mut hasher);
        let of_others = service.map_or_else(Default::default, |service| of_others(service, snapshot, self.reach));
        of_others.hash(&mut hasher);
        let made_from = hasher.digest();
        let before = self.before.get_mut(&policy_digest).and_then(|before| before.remove(used));
        let before = before.filter(|kept| kept.made_from == made_from);
        let (resolved, backend) = before.map_or_else(|| self.make(used, policy), |kept| (Arc::clone(&kept.resolved), kept.backend.clone()));
        let (epoch, has_dns_name) = (snapshot.epochs().of(&used.service), dns_name.is_some());
        let (used, is_of_others) = (used.clone(), !of_others.0.is_empty());
        let kept = Arc::new(Kept { policy: policy_digest, used, made_from, epoch, has_dns_name, is_of_others, resolved, backend });
        self.now.entry(policy_digest).or_default().insert(kept.used.clone(), Arc::clone(&kept));
        kept
    }

    fn make(&self, used: &BackendUse, policy: &Arc<BackendPolicy>) -> (Arc<Resolved>, Option<Arc<Backend>>) {
        let (action, problem, of_endpoints, backend) = match endpoints(used, policy, self.input.snapshot, self.reach) {
            Ok(Found { port, endpoints, problem, findings }) => {
                let id = BackendId::with_policy(used.service.namespace(), used.service.name(), port, policy);
                let balance = policy.balance.unwrap_or(self.balance);
                let backend = Arc::new(Backend::with_policy(id.clone(), endpoints, balance, Arc::clone(policy)));
                let action = if backend.endpoints.is_empty() { Action::Vacant(id) } else { Action::Forward(id) };
                (action, problem, findings, Some(backend))
            }
            Err(problem) => {
                let is_told = matches!(problem.code, Code::NoPort | Code::RefusedExternalName) && self.is_cut(used);
                (Action::Respond(503), (!is_told).then_some(problem), Vec::new(), None)
            }
        };
        let digest = digest_of(&(&action, &problem, &of_endpoints));
        (Arc::new(Resolved { action, problem, of_endpoints, digest }), backend)
    }

    /// Whether what is missing may be what cannot be read, which is told on the Service.
    fn is_cut(&self, used: &BackendUse) -> bool {
        self.input.snapshot.service(&used.service).is_some_and(|service| service.is_cut)
    }

    /// All backends in use; notes the DNS names that have to be looked up.
    pub(super) fn finish(mut self, wanted: &mut BTreeSet<Box<str>>) -> SharedMap<BackendId, Backend> {
        let servers = std::mem::replace(&mut self.servers, Servers::new(self.input));
        let (servers, dns_names) = servers.finish();
        let servers: Vec<_> = servers.inspect(|backend| self.take_one(backend)).map(|backend| backend.id.clone()).collect();
        std::mem::replace(self.servers_before, servers).iter().for_each(|id| self.used.leave(id));
        wanted.extend(dns_names.into_iter().chain(self.dns_names));
        self.used.map()
    }
}
