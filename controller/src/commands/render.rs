//! `gatewright render`: the files that `run` would publish, to a folder or as one stream.

use super::error::CommandError;
use super::findings::all_findings;
use super::not_read::say_others_left_out;
use super::offline::{End, Session, exit};
use super::output::{Progress, counted, print, say};
use crate::args::RenderConfig;
use crate::source::format_all;
use crate::source::manifests::Purpose;
use gatewright_core::diagnostic::{Code, Severity};
use gatewright_core::render::FileSet;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// Renders; exit code 0: fine, 1: an object is wrong, 2: it could not be done.
pub(crate) fn main(config: &RenderConfig, warnings: &[String]) -> ExitCode {
    exit(warnings, || render(config))
}

fn render(config: &RenderConfig) -> Result<End, CommandError> {
    let progress = Progress::begin("reading");
    let session = Session::new(&config.offline)?;
    let mut world = session.read(&config.inputs, Purpose::Once)?;
    progress.step("translating and rendering");
    let (translation, files) = session.rendered(&mut world)?;
    match &config.output {
        Some(folder) => write_tree(folder, &files, config.private_keys)?,
        None => print(&stream(&files, config.private_keys))?,
    }
    drop(progress);
    let mut all = all_findings(&world, &translation);
    all.extend(world.nothing_found(&config.inputs));
    // One reason for all of them.
    let before = all.len();
    all.retain(|located| world.holds.endpoints || located.diagnostic.code != Code::NoEndpoints);
    format_all(&all).for_each(say);
    if all.len() < before {
        say(
            "note: the input holds no EndpointSlices, so every route to a Service answers 503; add them, or give cluster as a further input",
        );
    }
    say_others_left_out("", &world, &translation);
    let held_back = files.iter().filter(|(_, file)| file.secret).count();
    if held_back > 0 && !config.private_keys {
        say(format_args!("note: private keys are left out, {}; --private-keys writes them", counted(held_back, "file")));
    }
    let is_wrong = all.iter().any(|located| located.diagnostic.severity == Severity::Error);
    Ok(if is_wrong { End::Not } else { End::Fine })
}

/// Writes a folder that holds exactly these files afterwards; a file in it that no rendering has written is an error.
fn write_tree(folder: &Path, files: &FileSet, private_keys: bool) -> Result<(), CommandError> {
    clear(folder, files)?;
    for (path, file) in files.iter().filter(|(_, file)| private_keys || !file.secret) {
        let path = folder.join(path);
        let parent = path.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent).map_err(CommandError::file("write", parent))?;
        let mut options = std::fs::OpenOptions::new();
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, if file.secret { 0o600 } else { 0o644 });
        let mut out = options.write(true).create_new(true).open(&path).map_err(CommandError::file("write", &path))?;
        file.bytes.parts().iter().try_for_each(|part| out.write_all(part)).map_err(CommandError::file("write", &path))?;
    }
    Ok(())
}

/// Removes the files of an earlier rendering, but nothing before all of them are known to be such.
fn clear(folder: &Path, files: &FileSet) -> Result<(), CommandError> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    let (mut old, mut folders) = (Vec::new(), Vec::new());
    let mut waiting: Vec<_> = entries.collect();
    while let Some(entry) = waiting.pop() {
        let entry = entry.map_err(CommandError::file("read", folder))?;
        let path = entry.path();
        let below = path.strip_prefix(folder).unwrap_or(&path);
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) && below.components().count() == 1 {
            waiting.extend(std::fs::read_dir(&path).map_err(CommandError::file("read", &path))?);
            folders.push(path);
        } else if below.to_str().is_some_and(|name| files.get(name).is_some() || is_of_rendering(name)) {
            old.push(path);
        } else {
            return Err(CommandError::NotRendered { folder: folder.to_owned(), found: below.to_owned() });
        }
    }
    for path in old {
        std::fs::remove_file(&path).map_err(CommandError::file("remove", &path))?;
    }
    // One that is not empty after all stays.
    folders.iter().for_each(|path| drop(std::fs::remove_dir(path)));
    Ok(())
}

/// Whether a relative path is one that only renderings have: in a folder, with a hash in the name.
fn is_of_rendering(path: &str) -> bool {
    const HASH: usize = 32;
    let hash = |name: &str| name.split(|c: char| !c.is_ascii_hexdigit()).any(|part| part.len() == HASH);
    path.split_once('/').is_some_and(|(_, name)| hash(name))
}

fn stream(files: &FileSet, private_keys: bool) -> Vec<u8> {
    let mut out = Vec::new();
    for (path, file) in files.iter().filter(|(_, file)| private_keys || !file.secret) {
        out.extend_from_slice(format!("### {path}\n").as_bytes());
        file.bytes.parts().iter().for_each(|part| out.extend_from_slice(part));
        if !out.ends_with(b"\n") {
            out.push(b'\n');
        }
    }
    out
}
