//! The way to the API server: made from the configuration, and made again when its credentials have changed. The sources
//! read by it, and the reports write by it.

use crate::args::ClusterConfig;
use kube::config::{InferConfigError, KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Api, Client, Config, Resource};
use std::io::ErrorKind;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// The configuration does not name a cluster that can be talked to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// A file that is named, or where everybody looks for one, or what it says.
    #[error("could not use the kubeconfig {file}")]
    Kubeconfig {
        /// As it is named, or the list of them.
        file: String,
        /// Why.
        source: kube::config::KubeconfigError,
    },
    /// No configuration was given, and none was found.
    #[error("no cluster is configured; give --kubeconfig, --apiserver-host or --manifests, or run in a Pod")]
    Nowhere(#[source] InferConfigError),
    /// `--apiserver-host` is no URL.
    #[error("--apiserver-host is not a URL")]
    Host(#[source] http::uri::InvalidUri),
    /// `--certificate-authority` cannot be read.
    #[error("could not read --certificate-authority")]
    Authority(#[source] std::io::Error),
    /// The client cannot be made of it.
    #[error("could not make a client for the cluster")]
    Client(#[source] kube::Error),
}

/// Hands out clients; all of them are of the newest credentials.
#[derive(Debug)]
pub(crate) struct Connection {
    config: ClusterConfig,
    made: Mutex<Option<Made>>,
}

struct Made {
    client: Client,
    server: String,
    at: Instant,
}

impl std::fmt::Debug for Made {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Made").field("at", &self.at).finish_non_exhaustive()
    }
}

/// Credentials are not read again more often than this.
const RENEW_AFTER: Duration = Duration::from_secs(2);

impl Connection {
    pub(crate) fn new(config: ClusterConfig) -> Self {
        Self { config, made: Mutex::new(None) }
    }

    /// A client; the same one until [`Connection::renew`].
    ///
    /// # Errors
    /// When the configuration cannot be used. The API server itself is not asked anything.
    pub(crate) async fn client(&self) -> Result<Client, ConnectError> {
        self.client_and_server().await.map(|(client, _)| client)
    }

    /// The same, and host and port of the API server.
    ///
    /// # Errors
    /// As for [`Connection::client`].
    pub(crate) async fn client_and_server(&self) -> Result<(Client, String), ConnectError> {
        let mut made = self.made.lock().await;
        if let Some(made) = &*made {
            return Ok((made.client.clone(), made.server.clone()));
        }
        let config = read(&self.config).await?;
        // Without what may stand in front of the host, which is for nobody to see.
        let (host, port) = (config.cluster_url.host().unwrap_or_default(), config.cluster_url.port_u16());
        let server = port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let client = Client::try_from(config).map_err(ConnectError::Client)?;
        *made = Some(Made { client: client.clone(), server: server.clone(), at: Instant::now() });
        Ok((client, server))
    }

    /// Reads the credentials again: the API server no longer accepts those that the client has.
    pub(crate) async fn renew(&self) {
        let mut made = self.made.lock().await;
        if made.as_ref().is_some_and(|made| made.at.elapsed() >= RENEW_AFTER) {
            tracing::info!("reading the credentials of the cluster again");
            *made = None;
        }
    }
}

/// Why a call did not give what it was made for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// There is no client.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The API server does not permit it; the text is its own and names verb, resource and namespace.
    #[error("the API server does not permit it: {0}")]
    Forbidden(String),
    /// It is not there.
    #[error("it does not exist")]
    Missing,
    /// Somebody else changed or made it meanwhile.
    #[error("it was changed meanwhile")]
    Conflict,
    /// The API server says no for another reason.
    #[error("the API server refused it: {0}")]
    Refused(String),
    /// The API server was not reached, or its answer was none.
    #[error("the API server could not be reached")]
    Unreachable(#[source] Box<kube::Error>),
    /// No answer came in time.
    #[error("the API server did not answer within {} s", .0.as_secs())]
    TooLate(Duration),
}

impl From<kube::Error> for CallError {
    fn from(error: kube::Error) -> Self {
        let status = match error {
            kube::Error::Api(status) => status,
            other => return Self::Unreachable(Box::new(other)),
        };
        match status.code {
            403 => Self::Forbidden(status.message.clone()),
            404 => Self::Missing,
            409 => Self::Conflict,
            _ => Self::Refused(status.message.clone()),
        }
    }
}

impl Connection {
    /// Makes one call within `limit`. Credentials that are no longer accepted are read again for the next one.
    ///
    /// # Errors
    /// See [`CallError`].
    pub(crate) async fn call<T>(&self, limit: Duration, make: impl AsyncFnOnce(Client) -> Result<T, kube::Error>) -> Result<T, CallError> {
        let client = self.client().await?;
        let result = tokio::time::timeout(limit, make(client)).await.map_err(|_| CallError::TooLate(limit))?;
        if matches!(&result, Err(kube::Error::Api(status)) if status.code == 401) {
            self.renew().await;
        }
        result.map_err(CallError::from)
    }
}

/// The objects of one namespace.
pub(crate) fn objects<K>(client: Client, namespace: &str) -> Api<K>
where
    K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>,
{
    Api::namespaced(client, namespace)
}

/// A file that is there and of no use is no file that is not there. It is read once more, as the error keeps to itself why.
async fn not_found(error: InferConfigError) -> ConnectError {
    let named = std::env::var_os("KUBECONFIG").filter(|named| !named.is_empty());
    let Err(source) = Config::from_kubeconfig(&KubeConfigOptions::default()).await else {
        return ConnectError::Nowhere(error);
    };
    let is_there = match &source {
        KubeconfigError::FindPath => false,
        KubeconfigError::ReadConfig(error, _) => error.kind() != ErrorKind::NotFound,
        _ => true,
    };
    match named {
        Some(named) => ConnectError::Kubeconfig { file: named.to_string_lossy().into_owned(), source },
        None if is_there => ConnectError::Kubeconfig { file: "~/.kube/config".to_owned(), source },
        None => ConnectError::Nowhere(error),
    }
}

async fn read(given: &ClusterConfig) -> Result<Config, ConnectError> {
    let mut config = match (&given.apiserver_host, &given.kubeconfig) {
        (Some(host), _) => {
            let mut config = Config::new(host.parse().map_err(ConnectError::Host)?);
            config.root_cert_file = given.certificate_authority.clone();
            if let Some(file) = &given.certificate_authority {
                std::fs::metadata(file).map_err(ConnectError::Authority)?;
            }
            config
        }
        (None, Some(file)) => {
            let unusable = |source| ConnectError::Kubeconfig { file: file.display().to_string(), source };
            let kubeconfig = Kubeconfig::read_from(file).map_err(unusable)?;
            Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.map_err(unusable)?
        }
        (None, None) => match Config::infer().await {
            Ok(config) => config,
            Err(error) => return Err(not_found(error).await),
        },
    };
    // A watch lives at most 290 s; whatever is silent for longer is dead.
    config.read_timeout = Some(Duration::from_secs(300));
    config.reset_reader_on_write = true;
    // The watches have a back-off of their own, and the Lease must not wait for minutes inside one call.
    config.default_retry = false;
    Ok(config)
}
