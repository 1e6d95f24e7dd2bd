//! A folder of templates that replace built-in ones: read, and watched for changes. What renders them.

use crate::cores;
use gatewright_core::dialect::{Dialect, Version};
use gatewright_core::render::{Renderer, TemplateError};
use notify::{EventKind, RecursiveMode, Watcher};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc;

/// A renderer with these overrides, which uses all cores there are.
///
/// # Errors
/// With the first override that is no template of the dialect, or cannot be read.
pub(crate) fn renderer(
    dialect: &'static Dialect,
    version: Version,
    overrides: BTreeMap<String, String>,
) -> Result<Renderer, TemplateError> {
    Renderer::new(dialect, version, overrides).map(|renderer| renderer.on(cores::all()))
}

/// The folder, or a file in it, cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("could not read the templates in {}", path.display())]
pub(crate) struct ReadError {
    path: PathBuf,
    source: io::Error,
}

/// Reads the overrides: the files in the folder, or in its sub-folder of the dialect's name, that end in `.tera`, and
/// those in the folders of that one, such as `route/timeouts.tera`.
///
/// # Errors
/// When the folder or one of the files cannot be read; a name that is no template of the dialect is for the renderer
/// to refuse.
pub(crate) fn read(folder: &Path, dialect: &Dialect) -> Result<BTreeMap<String, String>, ReadError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| ReadError { path, source }
    };
    let own = folder.join(dialect.name);
    let folder = if own.is_dir() { own } else { folder.to_owned() };
    let is_folder = |prefix: &str| dialect.templates.iter().any(|(known, _)| known.starts_with(prefix));
    let mut overrides = BTreeMap::new();
    let mut folders = vec![(folder.clone(), String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(failed(&folder))? {
            let path = entry.map_err(failed(&folder))?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()).filter(|name| !name.starts_with('.')) else { continue };
            if name.ends_with(".tera") {
                let text = text_of(&path).map_err(failed(&path))?;
                overrides.insert(format!("{prefix}{name}"), text);
            } else if path.is_dir() && is_folder(&format!("{prefix}{name}/")) {
                let prefix = format!("{prefix}{name}/");
                folders.push((path, prefix));
            }
        }
    }
    Ok(overrides)
}

/// Of a file only: whoever reads a pipe waits for somebody to write.
fn text_of(path: &Path) -> io::Result<String> {
    if path.metadata()?.is_file() { std::fs::read_to_string(path) } else { Err(io::Error::other("it is not a file")) }
}

/// Files beside the overrides that are not read because their names do not end in `.tera`; hidden ones aside.
pub(crate) fn ignored(folder: &Path, dialect: &Dialect) -> Vec<String> {
    let own = folder.join(dialect.name);
    let entries = std::fs::read_dir(if own.is_dir() { own } else { folder.to_owned() });
    let files = entries.into_iter().flatten().flatten().filter(|entry| entry.path().is_file());
    let names = files.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<_> = names.filter(|name| !name.starts_with('.') && !name.ends_with(".tera")).collect();
    names.sort_unstable();
    names
}

/// Sends whenever something in the folder may have changed and it has been quiet for a moment.
pub(crate) async fn watch(folder: PathBuf, changed: mpsc::Sender<()>) {
    const QUIET: Duration = Duration::from_millis(150);
    const LOOK_ANYWAY: Duration = Duration::from_secs(60);
    const LOOK_FOR_THE_FOLDER: Duration = Duration::from_secs(2);
    let (sender, mut events) = mpsc::channel(1);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Our own reading is no change.
        if event.map_or(true, |event| !matches!(event.kind, EventKind::Access(_))) {
            let _ = sender.try_send(());
        }
    });
    let mut was_watched = true;
    loop {
        // A folder that was replaced has to be watched anew.
        let watched = watcher.as_mut().is_ok_and(|watcher| watcher.watch(&folder, RecursiveMode::Recursive).is_ok());
        if was_watched && !watched {
            tracing::warn!(folder = %folder.display(), "cannot watch the folder of templates; looking now and then");
        }
        let came_back = watched && !std::mem::replace(&mut was_watched, watched);
        if !came_back {
            let patience = if folder.is_dir() { LOOK_ANYWAY } else { LOOK_FOR_THE_FOLDER };
            let silent = tokio::time::timeout(patience, events.recv()).await.is_err();
            if silent && !folder.is_dir() {
                continue;
            }
            while tokio::time::timeout(QUIET, events.recv()).await.is_ok_and(|event| event.is_some()) {}
        }
        if changed.send(()).await.is_err() {
            return;
        }
    }
}
