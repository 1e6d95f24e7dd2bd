//! The certificate of the webhook, from files that may be replaced at any time.

use crate::args::AdmissionConfig;
use axum_server::tls_rustls::RustlsConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The files cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// One of them cannot be read, or holds something else.
    #[error("could not read {what} of --{flag} {path}")]
    Unreadable {
        /// What should be in it.
        what: &'static str,
        /// Without the dashes.
        flag: &'static str,
        /// As it was given.
        path: PathBuf,
        /// Why.
        source: rustls::pki_types::pem::Error,
    },
    /// They do not belong together.
    #[error("the certificate of --validating-webhook-certificate cannot be used")]
    Unusable(#[from] rustls::Error),
    /// The authority of clients is none.
    #[error("the certificates of --validating-webhook-client-ca cannot be used")]
    ClientAuthority(#[from] rustls::server::VerifierBuilderError),
}

/// The files are looked at so often.
const EVERY: Duration = Duration::from_secs(2);

/// The configuration that the files ask for now, and later.
pub(super) async fn follow(config: &AdmissionConfig) -> Result<RustlsConfig, TlsError> {
    let config = config.clone();
    let mut last = contents(&config).await;
    let shared = RustlsConfig::from_config(Arc::new(read(&config)?));
    let answer = shared.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(EVERY).await;
            let now = contents(&config).await;
            if now == last {
                continue;
            }
            last = now;
            match read(&config) {
                Ok(server) => {
                    shared.reload_from_config(Arc::new(server));
                    tracing::info!("the certificate of the admission webhook is a new one");
                }
                Err(error) => {
                    let reason = crate::causes::chain(&error);
                    tracing::error!(reason, "the certificate of the admission webhook cannot be used; the one before stays");
                }
            }
        }
    });
    Ok(answer)
}

/// What is in the files; `None` for one that cannot be read.
async fn contents(config: &AdmissionConfig) -> Vec<Option<Vec<u8>>> {
    let mut all = Vec::new();
    for path in [Some(&config.certificate), Some(&config.key), config.client_ca.as_ref()].into_iter().flatten() {
        all.push(tokio::fs::read(path).await.ok());
    }
    all
}

fn read(config: &AdmissionConfig) -> Result<ServerConfig, TlsError> {
    const CERTIFICATE: &str = "validating-webhook-certificate";
    let chain = certificates(CERTIFICATE, &config.certificate)?;
    let unreadable = |source| TlsError::Unreadable { what: "the key", flag: "validating-webhook-key", path: config.key.clone(), source };
    let key = PrivateKeyDer::from_pem_file(&config.key).map_err(unreadable)?;
    let builder = ServerConfig::builder();
    let builder = match &config.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates("validating-webhook-client-ca", path)? {
                roots.add(certificate)?;
            }
            builder.with_client_cert_verifier(WebPkiClientVerifier::builder(Arc::new(roots)).build()?)
        }
    };
    let mut server = builder.with_single_cert(chain, key)?;
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(server)
}

fn certificates(flag: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unreadable = |source| TlsError::Unreadable { what: "certificates", flag, path: path.to_owned(), source };
    CertificateDer::pem_file_iter(path).map_err(unreadable)?.collect::<Result<_, _>>().map_err(unreadable)
}
