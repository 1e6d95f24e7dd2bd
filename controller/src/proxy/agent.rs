//! The agent of proxies that cannot ask others themselves: who runs it, where it listens, whom it answers.

use super::launch::Launcher;
use super::process::children;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::task::JoinSet;

/// How often it is looked whether somebody answers where another one's proxy looks for an agent.
const PAUSE: Duration = Duration::from_secs(1);

/// Starts it for a proxy of ours. It answers our own user, and that of the workers; it ends with what is returned.
pub(super) fn of_ours(launcher: &Launcher) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let Some(name) = launcher.dialect.agent_socket else { return tasks };
    let worker = launcher.worker.as_ref().map(|worker| worker.user);
    match gatewright_agent::listen(&launcher.run_dir.join(name)) {
        Ok(listener) => _ = tasks.spawn(gatewright_agent::serve(listener, move |user| is_ours(user) || worker == Some(user))),
        Err(error) => cannot_listen(&error),
    }
    tasks
}

/// Starts it beside the PID file of a proxy that somebody else has started, unless one answers there already, and again
/// when that one has ended. It answers the users of the proxy and its workers; it ends with what is returned.
pub(super) fn beside(launcher: &Launcher, pid_file: &Path) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let (Some(name), Some(folder)) = (launcher.dialect.agent_socket, pid_file.parent()) else { return tasks };
    let (socket, pid_file) = (folder.join(name), pid_file.to_owned());
    tasks.spawn(async move {
        let (mut serving, mut told) = (JoinSet::new(), false);
        loop {
            if UnixStream::connect(&socket).await.is_err() {
                serving.shutdown().await;
                let pid_file = pid_file.clone();
                match gatewright_agent::listen(&socket) {
                    Ok(listener) => {
                        serving.spawn(gatewright_agent::serve(listener, move |user| is_ours(user) || is_of_proxy(&pid_file, user)));
                    }
                    Err(error) if !std::mem::replace(&mut told, true) => cannot_listen(&error),
                    Err(_) => {}
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    });
    tasks
}

fn cannot_listen(error: &std::io::Error) {
    tracing::error!(%error, "the agent cannot listen; routes that a service decides about stay closed");
}

fn is_ours(user: u32) -> bool {
    user == 0 || user == nix::unistd::geteuid().as_raw()
}

/// Whether the process of a PID file, or one that it has started, is of a user.
fn is_of_proxy(pid_file: &Path, user: u32) -> bool {
    let Some(pid) = fs::read_to_string(pid_file).ok().and_then(|text| text.trim().parse().ok()) else { return false };
    let workers = children(pid).into_iter().map(|worker| worker.pid);
    std::iter::once(pid).chain(workers).any(|pid| fs::metadata(format!("/proc/{pid}")).is_ok_and(|process| process.uid() == user))
}
