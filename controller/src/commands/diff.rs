//! `gatewright diff`: what changes between two inputs; for traffic first, then in the rendered files.

mod json;
mod markdown;
mod not_served;
mod said;
mod text;

use super::error::CommandError;
use super::not_read::say_left_out;
use super::offline::{End, Session, exit};
use super::output::{Progress, print, say};
use crate::args::{DiffConfig, DiffFormat};
use crate::source::Located;
use crate::source::input::{InputError, World};
use crate::source::manifests::{InputPath, Purpose};
use gatewright_core::compare::{self, Change, Effect, Kind, Side, Subject};
use gatewright_core::render::Difference;
use not_served::NotServed;
use said::LeftOut;
use similar::TextDiff;
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;

/// Compares; exit code 0: the same, 1: different, 2: it could not be done.
pub(crate) fn main(config: &DiffConfig, warnings: &[String]) -> ExitCode {
    exit(warnings, || diff(config))
}

/// What the formats write.
struct Report {
    /// `None`: they are not asked for.
    changes: Option<Vec<Change>>,
    /// `None`: they are not asked for, or are of different proxies.
    files: Option<Vec<FileDiff>>,
    /// Errors and warnings of the second input that the first one does not have; of files alone, what cannot be read of it.
    findings: Vec<Located>,
    /// What is in no comparison.
    left_out: Vec<LeftOut>,
    /// The same of Ingresses that can be read.
    not_served: NotServed,
}

impl Report {
    /// What is in no comparison, but for what `findings` say already.
    fn not_compared(&self) -> impl Iterator<Item = &Located> {
        self.left_out.iter().map(|one| &one.located).filter(|located| !self.findings.contains(located))
    }

    /// What nothing that changes means: where no Ingress is compared, not that all is as it was.
    fn nothing(&self) -> &'static str {
        match (self.not_served.is_all, self.is_same()) {
            (true, _) => "no Ingress is compared",
            (false, true) => "nothing changes",
            (false, false) => "nothing changes for traffic",
        }
    }

    fn is_same(&self) -> bool {
        self.changes.iter().all(Vec::is_empty) && self.files.iter().all(Vec::is_empty) && self.findings.is_empty()
    }
}

/// What changes in one part of the rendered files.
struct FileDiff {
    /// `host a.example`, `backends 1234abcd_shop-cart-80`, `nginx.conf`.
    title: String,
    /// Lines of a unified diff, behind its two headers.
    diff: String,
    added: usize,
    removed: usize,
}

fn diff(config: &DiffConfig) -> Result<End, CommandError> {
    let progress = Progress::begin("reading");
    let session = Session::new(&config.offline)?;
    let other = config.new_offline.as_ref().map(|offline| session.beside(offline)).transpose()?;
    let new_session = other.as_ref().unwrap_or(&session);
    let worlds = worlds((&session, &config.old), (new_session, &config.new));
    let (mut old, mut new) = worlds.map_err(|error| with_hint(error, [&config.old, &config.new]))?;
    progress.step("translating");
    let (before, after) = (session.translate(&mut old)?, new_session.translate(&mut new)?);
    progress.step("comparing");
    let new_offline = config.new_offline.as_ref().unwrap_or(&config.offline);
    let [old_side, new_side] = [(&old, &before, &config.offline), (&new, &after, new_offline)].map(|(world, translation, offline)| Side {
        translation,
        snapshot: &world.snapshot,
        settings: &offline.settings,
    });
    let compare_files = config.files && other.is_none();
    let report = Report {
        changes: config.routes.then(|| compare::compare(old_side, new_side)),
        files: if compare_files { Some(files(session.renderer()?.differences(&before.model, &after.model)?)) } else { None },
        findings: if config.routes {
            said::new_findings((&old, &before), (&new, &after), other.is_some())
        } else {
            said::newly_unread(&old, &new)
        },
        left_out: said::left_out(&old, &new),
        not_served: NotServed::of((&old, &before), (&new, &after)),
    };
    let text = match config.format {
        DiffFormat::Text => text::write(&report, config.colour.on_stdout()),
        DiffFormat::Markdown => markdown::write(&report),
        DiffFormat::Json => json::write(&report),
    };
    drop(progress);
    for (inputs, world, translation) in [(&config.old, &old, &before), (&config.new, &new, &after)] {
        say_left_out(inputs, world, translation);
    }
    print(text.as_bytes())?;
    Ok(if report.is_same() { End::Fine } else { End::Not })
}

/// Reads both inputs. A cluster is read first: a repository lacks what only a cluster has, and that makes no difference.
/// A folder that comes or goes is empty on the side where it is not.
fn worlds(old: (&Session<'_>, &[String]), new: (&Session<'_>, &[String])) -> Result<(World, World), InputError> {
    let is_cluster = |inputs: &[String]| inputs.iter().any(|input| input == "cluster");
    let new_first = is_cluster(new.1) && !is_cluster(old.1);
    let ((one, inputs), (other, others)) = if new_first { (new, old) } else { (old, new) };
    let (mut first, mut second) = match one.read(inputs, Purpose::Once) {
        Ok(first) => {
            let read = |inputs: &[String]| other.read_beside(inputs, &first);
            let second = read(others).or_else(|error| without_own(error, others, inputs, read))?;
            (first, second)
        }
        Err(error) => match other.read(others, Purpose::Once) {
            Ok(second) => (without_own(error, inputs, others, |rest| one.read(rest, Purpose::Once))?, second),
            Err(_) => return Err(error),
        },
    };
    if is_cluster(inputs) != is_cluster(others) {
        let what = "classes, endpoints, Secrets, ConfigMaps, and Services if it has none";
        say(format_args!("note: what {} lacks is taken from the cluster: {what}", others.join(", ")));
    }
    // What neither has is written elsewhere, as Secrets usually are.
    let held = [second.holds, first.holds];
    for (world, other) in [&mut first, &mut second].into_iter().zip(held) {
        world.take_as_there(other);
        world.stand_in_for_pods();
    }
    let (first, second) = (first.needs_ingresses()?, second.needs_ingresses()?);
    Ok(if new_first { (second, first) } else { (first, second) })
}

/// A word that is no path is often meant as a branch or a commit, and one with a colon as git writes a path of one.
fn with_hint(error: InputError, sides: [&[String]; 2]) -> CommandError {
    let is_of_git = |input: &str| match input.split_once(':') {
        Some((revision, path)) => !["", "git"].contains(&revision) && !path.starts_with("//"),
        None => !input.contains(['/', '.']) && input != "-",
    };
    let is_word = |input: &&String| is_of_git(input) && !Path::new(input).exists();
    match sides.iter().filter_map(|inputs| inputs.last()).find(is_word).filter(|_| error.is_absence()) {
        Some(word) => CommandError::PerhapsGit { error: Box::new(error), word: word.clone() },
        None => error.into(),
    }
}

/// Reads what is left without the last input, if that is a path that a revision does not have, or a path that is not there
/// but in the revision that is the other side.
fn without_own(
    error: InputError,
    inputs: &[String],
    others: &[String],
    read: impl FnOnce(&[String]) -> Result<World, InputError>,
) -> Result<World, InputError> {
    let (Some((own, rest)), Some(other)) = (inputs.split_last(), others.last()) else { return Err(error) };
    let in_revision = |input: &str| match InputPath::from(input) {
        InputPath::Git(revision) => Some(PathBuf::from(revision.path)),
        _ => None,
    };
    let is_same = |path: &Path| Path::new(own).components().filter(|part| *part != Component::CurDir).eq(path.components());
    let comes_or_goes = in_revision(own).is_some() || in_revision(other).is_some_and(|path| is_same(&path));
    if !(error.is_absence() && comes_or_goes) {
        return Err(error);
    }
    say(format_args!("note: {own} is not there, which counts as empty"));
    read(rest)
}

fn files(differences: Vec<Difference>) -> Vec<FileDiff> {
    let mut files: Vec<_> = differences.into_iter().map(file).collect();
    // The main file first, then what belongs to a host by its name.
    files.sort_by_cached_key(|file| (file.title.contains(' '), file.title.clone()));
    files
}

fn file(difference: Difference) -> FileDiff {
    let Difference { folder, key, old, new } = difference;
    let title = match folder {
        "" => key,
        "hosts" if key.is_empty() => "unknown hosts".to_owned(),
        "hosts" => format!("host {key}"),
        _ => format!("{} {key}", folder.replace('/', " ")),
    };
    let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
    let diff = TextDiff::from_lines(old.as_str(), new.as_str());
    let changed = |tag| diff.iter_all_changes().filter(|change| change.tag() == tag).count();
    let (added, removed) = (changed(similar::ChangeTag::Insert), changed(similar::ChangeTag::Delete));
    let text = diff.unified_diff().context_radius(3).missing_newline_hint(false).to_string();
    FileDiff { title, diff: text, added, removed }
}

/// How many changes have an effect.
fn count(changes: &[Change], effect: Effect) -> usize {
    changes.iter().filter(|change| change.effect == Some(effect)).count()
}

/// The two halves of a change: what it is about, and what happens to it.
fn words(change: &Change) -> (String, String) {
    let host = || change.hosts.first().map(|host| known(host)).unwrap_or_default();
    let route = || format!("{}{}{}", host(), if change.name.starts_with('/') { "" } else { " " }, change.name);
    let about = match change.subject {
        Subject::Host => format!("host {}", host()),
        Subject::Route => route(),
        Subject::Certificate if change.hosts.is_empty() => format!("{} certificate", change.name),
        Subject::Certificate => format!("certificate of {}", host()),
        Subject::Canary => format!("canary of {}", route()),
        Subject::User => format!("user {} of {}", change.name, hosts(&change.hosts)),
        Subject::Stream => change.name.clone(),
        Subject::Passthrough => format!("TLS passed on for {}", host()),
        Subject::Policy => format!("{} of {}", change.name, hosts(&change.hosts)),
        Subject::Backend => format!("endpoints of {}", change.name),
        Subject::Class => format!("class {}", change.name),
        Subject::Setting => format!("setting {}", change.name),
    };
    let what = match (change.kind, change.from.as_str(), change.to.as_str()) {
        (Kind::Added, _, "") => "added".to_owned(),
        (Kind::Removed, "", _) => "removed".to_owned(),
        (Kind::Added, _, to) => format!("added: {to}"),
        (Kind::Removed, from, _) => format!("removed: {from}"),
        (Kind::Changed, from, to) => format!("{from} → {to}"),
    };
    (about, what)
}

fn known(host: &str) -> String {
    if host == "_" { "unknown hosts".to_owned() } else { host.to_owned() }
}

fn hosts(hosts: &[String]) -> String {
    const SHOWN: usize = 3;
    let mut out = hosts.iter().take(SHOWN).map(|host| known(host)).collect::<Vec<_>>().join(", ");
    if hosts.len() > SHOWN {
        out.push_str(&format!(" and {} more", hosts.len() - SHOWN));
    }
    out
}

const fn effect(effect: Option<Effect>) -> &'static str {
    match effect {
        Some(Effect::Opens) => "more open",
        Some(Effect::Closes) => "more closed",
        Some(Effect::Unclear) => "look at it",
        None => "",
    }
}
