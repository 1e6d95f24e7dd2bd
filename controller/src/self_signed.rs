//! The certificate that stands in when no default certificate is configured.

use gatewright_core::model::{Certificate, CertificateId};
use gatewright_core::state::{CertificateError, KeyPair};
use rcgen::{CertificateParams, DnType};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Renewed this long before it ends.
const MARGIN: Duration = Duration::from_secs(30 * 24 * 3600);
const LIFETIME: Duration = Duration::from_secs(365 * 24 * 3600);

/// There is no certificate.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SelfSignedError {
    /// The system gives no randomness.
    #[error("could not make a self-signed certificate")]
    Make(#[from] rcgen::Error),
    /// What was made is none.
    #[error("could not make a self-signed certificate")]
    Read(#[from] CertificateError),
}

/// The certificate of this state folder; made at the first start and when it is about to end, so that a restart
/// changes nothing. On a full disk it is the one before, or one for this run: what is served is no worse for that.
///
/// # Errors
/// When the system gives no randomness.
pub(crate) fn of_folder(folder: &Path) -> Result<Arc<Certificate>, SelfSignedError> {
    let path = folder.join("self-signed.pem");
    let kept = std::fs::read(&path).ok().and_then(|pem| KeyPair::parse(Some(&pem), Some(&pem)).ok());
    if let Some(kept) = kept.as_ref().filter(|kept| lasts(kept)) {
        return Ok(certificate(kept));
    }
    let made = make()?;
    let temporary = path.with_extension("new");
    let write = || {
        let _ = std::fs::remove_file(&temporary);
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        file.write_all(&made.pem)?;
        file.sync_all()?;
        std::fs::rename(&temporary, &path)
    };
    if let Err(error) = write() {
        tracing::warn!(path = %path.display(), %error, "the self-signed certificate could not be written; the next start tries again");
        return Ok(certificate(&kept.unwrap_or(made)));
    }
    Ok(certificate(&made))
}

/// A certificate for one use, such as a rendering.
///
/// # Errors
/// When the system gives no randomness.
pub(crate) fn fresh() -> Result<Arc<Certificate>, SelfSignedError> {
    Ok(certificate(&make()?))
}

fn lasts(pair: &KeyPair) -> bool {
    let until = (SystemTime::now() + MARGIN).duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(pair.not_after_s).is_ok_and(|end| end > until.as_secs())
}

/// Names as ingress-nginx gives them, which monitoring knows.
fn make() -> Result<KeyPair, SelfSignedError> {
    let key = rcgen::KeyPair::generate()?;
    let mut params = CertificateParams::new(vec!["ingress.local".to_owned()])?;
    params.distinguished_name.push(DnType::CommonName, "Kubernetes Ingress Controller Fake Certificate");
    params.distinguished_name.push(DnType::OrganizationName, "Acme Co");
    params.not_before = (SystemTime::now() - Duration::from_secs(3600)).into();
    params.not_after = (SystemTime::now() + LIFETIME).into();
    let certificate = params.self_signed(&key)?;
    Ok(KeyPair::parse(Some(certificate.pem().as_bytes()), Some(key.serialize_pem().as_bytes()))?)
}

fn certificate(pair: &KeyPair) -> Arc<Certificate> {
    Arc::new(Certificate {
        id: CertificateId::self_signed(),
        origin: "self-signed".to_owned(),
        pem: Arc::clone(&pair.pem),
        digest: pair.digest,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_keeps_its_certificate() {
        let folder = tempfile::tempdir().unwrap();
        let first = of_folder(folder.path()).unwrap();
        assert_eq!(of_folder(folder.path()).unwrap(), first);
        std::fs::write(folder.path().join("self-signed.pem"), "garbage").unwrap();
        assert_ne!(of_folder(folder.path()).unwrap().digest, first.digest, "one that cannot be read is replaced");
    }

    #[test]
    fn where_it_cannot_be_written_there_is_one_for_this_run() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("self-signed.pem")).unwrap();
        assert_ne!(of_folder(folder.path()).unwrap().digest, of_folder(folder.path()).unwrap().digest);
    }
}
