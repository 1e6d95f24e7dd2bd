//! What flags name and has to be there at the start: a wrong name would otherwise be noticed by visitors.

use crate::args::StatusConfig;
use crate::connection::{CallError, Connection, objects};
use gatewright_core::names::ObjectName;
use gatewright_core::settings::Settings;
use k8s_openapi::api::core::v1::{Namespace, Service};
use kube::Api;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(5);

/// Everything that flags name and that is not there, one text each. What cannot be looked at counts as there: the API
/// server may be away, and whoever may not look is told so when it matters.
pub(crate) async fn missing(connection: &Connection, settings: &Settings, status: &StatusConfig) -> Vec<String> {
    let namespace = async {
        let name = settings.watch_namespace.as_deref()?;
        let get = async |client| Api::<Namespace>::all(client).get(name).await;
        text(connection.call(LIMIT, get).await, || format!("--watch-namespace: namespace {name} does not exist"))
    };
    let (namespace, publish, default_backend) = tokio::join!(
        namespace,
        service(connection, "publish-service", status.service.as_ref()),
        service(connection, "default-backend-service", settings.default_backend_service.as_ref()),
    );
    [namespace, publish, default_backend].into_iter().flatten().collect()
}

async fn service(connection: &Connection, flag: &str, name: Option<&ObjectName>) -> Option<String> {
    let name = name?;
    let get = async |client| objects::<Service>(client, name.namespace()).get(name.name()).await;
    text(connection.call(LIMIT, get).await, || format!("--{flag}: Service {name} does not exist"))
}

fn text<T>(result: Result<T, CallError>, missing: impl FnOnce() -> String) -> Option<String> {
    match result {
        Err(CallError::Missing) => Some(missing()),
        Err(error) => {
            tracing::debug!(reason = super::follow::chain(&error), "an object of a flag could not be looked at");
            None
        }
        Ok(_) => None,
    }
}
