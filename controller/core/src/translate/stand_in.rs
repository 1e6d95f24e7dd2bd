//! Who answers for a route when something went wrong: `annotations` 4.13.

use super::annotations::Policies;
use super::backends::Backends;
use super::reading::BackendUse;
use crate::model::{Action, BackendId, CustomErrors, ErrorPages, RoutePolicy, StandsIn};
use crate::state::PortRef;
use std::hash::Hash;
use std::sync::Arc;

/// The backend that an Ingress names for errors, while it has endpoints.
pub(super) fn of(policies: &Policies, backends: &mut Backends<'_>) -> Option<BackendId> {
    match &backends.resolve(&used(policies)?, &Arc::default()).action {
        Action::Forward(id) => Some(id.clone()),
        Action::Respond(_) | Action::Vacant(_) => None,
    }
}

/// Hashes all that [`of`] depends on.
pub(super) fn hash(policies: &Policies, backends: &mut Backends<'_>, hasher: &mut impl std::hash::Hasher) {
    used(policies).map(|used| backends.resolve(&used, &Arc::default()).digest).hash(hasher);
}

fn used(policies: &Policies) -> Option<BackendUse> {
    let (service, port) = policies.default_backend.clone()?;
    Some(BackendUse { service, port: PortRef::Number(port.into()) })
}

/// What becomes of a route that a backend for errors stands behind.
///
/// It takes the requests where the route has no endpoints. It writes the error answers that the Ingress lists, or those of
/// the globals if it lists none.
pub(super) fn behind(
    action: Action,
    policy: Arc<RoutePolicy>,
    policies: &Policies,
    errors: Option<&CustomErrors>,
    backend: Option<BackendId>,
) -> (Action, Arc<RoutePolicy>) {
    let listed = policies.error_statuses.is_some();
    let common = || errors.filter(|_| backend.is_some()).map(|errors| errors.statuses.clone());
    let statuses = policies.error_statuses.clone().or_else(common);
    let stand_in = backend.clone().filter(|_| matches!(action, Action::Respond(503) | Action::Vacant(_)));
    if policies.closed || (statuses.is_none() && stand_in.is_none()) {
        return (action, policy);
    }
    let intercept_upstream = (listed && policies.intercept_errors).then_some(true);
    let mut policy = (*policy).clone();
    policy.errors = statuses.map(|statuses| ErrorPages { statuses, intercept_upstream, backend });
    policy.stands_in = stand_in.is_some().then_some(StandsIn);
    (stand_in.map_or(action, Action::Forward), Arc::new(policy))
}
