//! `gatewright render`: the files that `run` would publish, to a folder or as one stream.

use crate::args::RenderConfig;
use crate::source::manifests::{InputPath, Loaded, load};
use crate::source::{Located, format_located};
use anyhow::Context;
use gatewright_core::diagnostic::Severity;
use gatewright_core::dialect::nginx::NGINX;
use gatewright_core::dialect::{Dialect, Version};
use gatewright_core::render::{FileSet, Renderer};
use gatewright_core::settings::Settings;
use gatewright_core::state::{Event, Snapshot};
use gatewright_core::translate::{Input, Quarantine, Translation, Translator};
use std::collections::BTreeMap;
use std::io::Write;
use std::net::IpAddr;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{SystemTime, UNIX_EPOCH};

/// What is rendered for when the proxy's program is not here and no version is given.
const OLDEST: Version = Version(1, 22, 1);

/// Renders; exit code 0: fine, 1: an object is wrong, 2: it could not be done.
pub(crate) fn main(config: RenderConfig, warnings: &[String]) -> ExitCode {
    warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
    match render(&config) {
        Ok(false) => ExitCode::SUCCESS,
        Ok(true) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whether an object is wrong.
fn render(config: &RenderConfig) -> anyhow::Result<bool> {
    let dialect = &NGINX;
    let inputs: Vec<_> = config.inputs.iter().map(|input| InputPath::from(input.as_str())).collect();
    let loaded = load(&inputs)?;
    let version = config.version.or_else(|| installed_version(config, dialect)).unwrap_or(OLDEST);
    let settings = Settings { lacks: (dialect.lacks)(version), ..config.settings.clone() };
    let translation = translate(&settings, &loaded)?;
    let overrides = match &config.proxy.templates {
        Some(folder) => crate::templates::read(folder, dialect)?,
        None => BTreeMap::new(),
    };
    let files = Renderer::new(dialect, version, overrides).context("the templates cannot be used")?.render(&translation.model)?;
    match &config.output {
        Some(folder) => write_tree(folder, &files, config.private_keys)?,
        None => write_stream(&mut std::io::stdout().lock(), &files, config.private_keys).context("could not write to standard output")?,
    }
    Ok(say(loaded, translation, &files, config.private_keys))
}

/// Names of the outside world are looked up as `run` would.
fn translate(settings: &Settings, loaded: &Loaded) -> anyhow::Result<Translation> {
    let mut snapshot = Snapshot::default();
    for object in &loaded.objects {
        snapshot.apply(Event::Applied(Box::new(object.clone())));
    }
    let self_signed = crate::self_signed::fresh()?;
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    let mut translator = Translator::default();
    let mut once = |snapshot: &Snapshot| {
        translator.translate(Input {
            snapshot,
            settings,
            quarantine: &Quarantine::default(),
            self_signed: &self_signed,
            now_s: i64::try_from(now_s).unwrap_or(i64::MAX),
        })
    };
    let first = once(&snapshot);
    if first.wanted.dns_names.is_empty() {
        return Ok(first);
    }
    for name in first.wanted.dns_names {
        let addresses = look_up(&name);
        snapshot.apply(Event::Resolved(name, addresses));
    }
    Ok(once(&snapshot))
}

fn look_up(name: &str) -> Vec<IpAddr> {
    let found = std::net::ToSocketAddrs::to_socket_addrs(&(name, 0)).map(|found| found.map(|address| address.ip()).collect());
    crate::source::dns::preferred(found.unwrap_or_default())
}

fn installed_version(config: &RenderConfig, dialect: &Dialect) -> Option<Version> {
    let program = config.proxy.program.as_deref().unwrap_or_else(|| Path::new(dialect.program));
    let output = Command::new(program).args(dialect.version_args).output().ok()?;
    let text = [output.stdout, output.stderr].concat();
    (dialect.version)(&String::from_utf8_lossy(&text))
}

/// Writes a folder that holds exactly these files afterwards; files of others in it are an error.
fn write_tree(folder: &Path, files: &FileSet, private_keys: bool) -> anyhow::Result<()> {
    const MARK: &str = ".gatewright";
    let failed = |path: &Path| format!("could not write {}", path.display());
    if folder.exists() {
        let empty = folder.read_dir().with_context(|| failed(folder))?.next().is_none();
        anyhow::ensure!(
            empty || folder.join(MARK).exists() || folder.join(files.main()).exists(),
            "{} holds other files; give an empty folder",
            folder.display()
        );
        for entry in folder.read_dir().with_context(|| failed(folder))? {
            let path = entry.with_context(|| failed(folder))?.path();
            if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) }.with_context(|| failed(&path))?;
        }
    }
    for (path, file) in files.iter().filter(|(_, file)| private_keys || !file.secret) {
        let path = folder.join(path);
        let parent = path.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent).with_context(|| failed(parent))?;
        let mut options = std::fs::OpenOptions::new();
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, if file.secret { 0o600 } else { 0o644 });
        let mut out = options.write(true).create_new(true).open(&path).with_context(|| failed(&path))?;
        out.write_all(&file.bytes).with_context(|| failed(&path))?;
    }
    Ok(())
}

fn write_stream(out: &mut impl Write, files: &FileSet, private_keys: bool) -> std::io::Result<()> {
    for (path, file) in files.iter().filter(|(_, file)| private_keys || !file.secret) {
        writeln!(out, "### {path}")?;
        out.write_all(&file.bytes)?;
        if !file.bytes.ends_with(b"\n") {
            writeln!(out)?;
        }
    }
    out.flush()
}

/// Says everything that is wrong, by file and line.
fn say(loaded: Loaded, translation: Translation, files: &FileSet, private_keys: bool) -> bool {
    let Loaded { places, problems, .. } = loaded;
    let mut all: Vec<Located> = problems;
    all.extend(translation.diagnostics.into_iter().map(|diagnostic| places.locate(diagnostic)));
    all.sort_by(|a, b| a.place.cmp(&b.place));
    all.iter().for_each(|located| eprintln!("{}", format_located(located)));
    let held_back = files.iter().filter(|(_, file)| file.secret).count();
    if held_back > 0 && !private_keys {
        eprintln!("note: {held_back} files with private keys are left out; --private-keys writes them");
    }
    all.iter().any(|located| located.diagnostic.severity == Severity::Error)
}
