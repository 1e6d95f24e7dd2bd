//! A folder of templates that replace built-in ones: read, and watched for changes. What renders them.

use crate::cores;
use gatewright_core::dialect::{Dialect, Version};
use gatewright_core::render::{Renderer, TemplateError};
use notify::{EventKind, RecursiveMode, Watcher};
use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
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

/// Where these templates have a rendered line as it is, as `name:line:column`; if nowhere, the names of all of them.
pub(crate) fn place_of<'a>(templates: impl Iterator<Item = (&'a String, &'a String)> + Clone, line: &str) -> String {
    /// A line such as `}` may be anywhere.
    const MOST: usize = 3;
    /// A shorter one ends many lines.
    const SHORTEST: usize = 4;
    let places = |is_it: fn(&str, &str) -> bool| -> Vec<String> {
        templates.clone().flat_map(|(name, text)| places_in(name, text, line, is_it)).take(MOST).collect()
    };
    let mut places_of_it = places(|own, line| own == line);
    if places_of_it.is_empty() {
        // The first line of a template goes on where it is included.
        places_of_it = places(|own, line| own.len() >= SHORTEST && line.ends_with(own));
    }
    let names = || templates.clone().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
    if places_of_it.is_empty() { names() } else { places_of_it.join(" or ") }
}

fn places_in<'a>(
    name: &'a str,
    template: &'a str,
    line: &'a str,
    is_it: impl Fn(&str, &str) -> bool + 'a,
) -> impl Iterator<Item = String> + 'a {
    let found = template.lines().enumerate().filter(move |(_, text)| !line.is_empty() && is_it(text.trim(), line));
    found.map(move |(number, text)| format!("{name}:{}:{}", number + 1, text.len() - text.trim_start().len() + 1))
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

/// What tells a folder from another one of its name.
fn identity(folder: &Path) -> Option<(u64, u64, Option<SystemTime>)> {
    let metadata = folder.metadata().ok()?;
    Some((metadata.dev(), metadata.ino(), metadata.created().ok()))
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
    let (mut was_watched, mut known) = (true, None);
    loop {
        // A folder that was replaced has to be watched anew.
        let identity = identity(&folder);
        let watched = watcher.as_mut().is_ok_and(|watcher| watcher.watch(&folder, RecursiveMode::Recursive).is_ok());
        if std::mem::replace(&mut was_watched, watched) && !watched {
            tracing::warn!(folder = %folder.display(), "cannot watch the folder of templates; looking now and then");
        }
        // What was in it before it was watched is looked at now; nothing is heard of that.
        let is_new = watched && std::mem::replace(&mut known, identity) != identity;
        if !is_new {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_happened_before_a_folder_was_watched_is_looked_at() {
        const DEADLINE: Duration = Duration::from_secs(20);
        let above = tempfile::tempdir().unwrap();
        let folder = above.path().join("t");
        std::fs::create_dir(&folder).unwrap();
        let (changed, mut changes) = mpsc::channel(1);
        tokio::spawn(watch(folder.clone(), changed));
        let looked = tokio::time::timeout(DEADLINE, changes.recv()).await;
        assert_eq!(looked, Ok(Some(())), "nobody knows what was written between the first look and now");
    }

    #[test]
    fn a_rendered_line_is_found_where_a_template_has_it() {
        let templates = BTreeMap::from(
            [("a.tera", "one;\n  }\n\ttwo;\n}\n}\n  }\n"), ("b.tera", "three;\n")].map(|(k, v)| (k.to_owned(), v.to_owned())),
        );
        for (line, place) in [
            ("two;", "a.tera:3:2"),
            ("}", "a.tera:2:3 or a.tera:4:1 or a.tera:5:1"),
            ("http { three;", "b.tera:1:1"),
            ("no such line", "a.tera, b.tera"),
            ("", "a.tera, b.tera"),
        ] {
            assert_eq!(place_of(templates.iter(), line), place, "{line}");
        }
    }
}
