//! What can be told to be wrong before anything is started: paths that flags name.

use crate::args::{Mode, RunConfig};
use crate::causes::{chain, of_path};
use crate::proxy::{Port, find_program};
use nix::unistd::{AccessFlags, access};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Every mistake there is, one text each; none: go on.
pub(crate) fn mistakes(config: &RunConfig) -> Vec<String> {
    let mut wrong = Vec::new();
    if config.mode == Mode::Child {
        let program = config.proxy.program.as_deref().unwrap_or_else(|| Path::new(config.proxy.dialect.program));
        wrong.extend(find_program(program, config.proxy.dialect).err().map(|error| format!("--proxy-binary {error}")));
    }
    for (flag, folder) in [("manifests", &config.manifests), ("secrets-from", &config.secrets_from)] {
        wrong.extend(folder.as_deref().and_then(|folder| followed(flag, folder, &config.state_dir)));
    }
    if config.manifests.is_none() {
        let (cluster, served) = (&config.cluster, config.state_dir.join("current"));
        for (flag, file) in [("kubeconfig", &cluster.kubeconfig), ("certificate-authority", &cluster.certificate_authority)] {
            // Without it the last good revision is served, if there is one; whoever needs it tells that it is away.
            wrong.extend(file.as_deref().filter(|_| !served.exists()).and_then(|file| readable(flag, file)));
        }
    }
    wrong.extend(config.proxy.templates.as_deref().and_then(|folder| templates(folder, config)));
    wrong.extend(state_dir(config).map(|why| format!("--state-dir {}: {why}", shown(&config.state_dir))));
    wrong
}

/// What no folder can be that a proxy reads its files from, and that the controller writes while it follows another.
fn state_dir(config: &RunConfig) -> Option<String> {
    let folder = &config.state_dir;
    if folder.metadata().is_ok_and(|found| !found.is_dir()) {
        return Some("this is not a folder".to_owned());
    }
    let given = folder;
    let folder = resolved(folder);
    let is_odd = |c: char| c.is_control() || "*?[".contains(c);
    if let Some(odd) = folder.to_string_lossy().chars().find(|c| is_odd(*c)) {
        let all = "a proxy would read the files of others where its path has *, ?, [ or control characters";
        return Some(format!("its path has {odd:?}, and {all}; use another folder"));
    }
    let rest = config.manifests.as_deref().and_then(|manifests| folder.strip_prefix(resolved(manifests)).ok());
    if rest.is_some_and(|rest| !rest.iter().any(|name| name.as_encoded_bytes().starts_with(b"."))) {
        let why = "it is in the folder of --manifests, and what is written there would be read as manifests; use another folder";
        return Some(why.to_owned());
    }
    cannot_be_made(given)
}

/// Why nothing can be written to a folder, which is made if need be; what is made to see that does not stay.
fn cannot_be_made(folder: &Path) -> Option<String> {
    if folder.exists() {
        let errno = access(folder, AccessFlags::W_OK | AccessFlags::X_OK).err()?;
        return Some(format!("nothing can be written there: {}; use another folder", errno.desc()));
    }
    let is_missing = |path: &&Path| !path.as_os_str().is_empty() && path.symlink_metadata().is_err();
    let (mut made, mut failed) = (Vec::new(), None);
    for path in folder.ancestors().take_while(is_missing).collect::<Vec<_>>().into_iter().rev() {
        failed = std::fs::create_dir(path).err();
        if failed.is_some() {
            break;
        }
        made.push(path);
    }
    for path in made.into_iter().rev() {
        let _ = std::fs::remove_dir(path);
    }
    Some(format!("it cannot be made: {}; use another folder", failed?))
}

/// The path without links, as far as it is there.
fn resolved(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    match (path.canonicalize(), path.parent(), path.file_name()) {
        (Ok(real), ..) => real,
        (Err(_), Some(parent), Some(name)) => resolved(parent).join(name),
        _ => path,
    }
}

/// As it is, but for what a terminal could take for something else.
fn shown(path: &Path) -> String {
    let text = path.display().to_string();
    if text.contains(char::is_control) { gatewright_core::names::shown(&text) } else { text }
}

fn readable(flag: &str, file: &Path) -> Option<String> {
    let error = std::fs::read(file).err()?;
    Some(format!("--{flag} {}: {}", file.display(), of_path(&error)))
}

/// A folder that is gone for a while is no reason not to serve what was served before.
fn followed(flag: &str, folder: &Path, state_dir: &Path) -> Option<String> {
    let said = |why: &str| format!("--{flag} {}: {why}", folder.display());
    match folder.metadata() {
        Ok(found) if !found.is_dir() => Some(said("this is not a folder; give the folder that the file is in")),
        Ok(_) => None,
        Err(error) => {
            let help = if error.kind() == ErrorKind::NotFound { "; create it, or give another folder" } else { "" };
            let text = said(&format!("{}{help}", of_path(&error)));
            if !state_dir.join("current").exists() {
                return Some(text);
            }
            tracing::error!(reason = text, "waiting for the folder; the last good revision is served meanwhile");
            None
        }
    }
}

/// A set that cannot be used is no reason not to serve what was served before. A folder that is not there is a slip only
/// where there is nothing to serve.
fn templates(folder: &Path, config: &RunConfig) -> Option<String> {
    for name in crate::templates::ignored(folder, config.proxy.dialect) {
        tracing::warn!(file = name, "not a template: only names that end in .tera are read");
    }
    let is_to_tell = !folder.is_dir() && !config.state_dir.join("current").exists();
    let read = is_to_tell.then(|| crate::templates::read(folder, config.proxy.dialect))?;
    read.err().map(|error| format!("--templates {}: {}", folder.display(), chain(&error)))
}

/// The ports that the proxy listens on.
pub(super) fn ports(config: &RunConfig) -> Vec<Port> {
    let listeners = &config.settings.listeners;
    let port = |flag: &'static str, number, local| Port { flag: flag.into(), number, local };
    let inner = listeners.passthrough_port.map(|number| port("ssl-passthrough-proxy-port", number, true));
    let always = [
        port("http-port", listeners.http_port, false),
        port("https-port", listeners.https_port, false),
        port("status-port", listeners.status_port, true),
    ];
    always.into_iter().chain(inner).collect()
}
