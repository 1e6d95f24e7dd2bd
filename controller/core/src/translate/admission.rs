//! May this Ingress be created or changed? Asked before the cluster stores it: `ingress-semantics` 22.
//!
//! The candidate is translated as the youngest of all, among the Ingresses that share a host with it. What the
//! translation says of it decides, so that nothing is refused or taken here for other reasons than those that `lint` and
//! Events tell. Only what it adds can make a change be refused: what was wrong before is no reason to refuse a new label.

pub mod policy;

use super::{Input, Translator, Wanted, annotations, class, parameters, screen};
use crate::diagnostic::{Code, Diagnostic, Outcome, Severity};
use crate::names::{Kind, ObjectRef, shown};
use crate::settings::{Config, Settings};
use crate::state::{Ingress, Path};
use std::collections::HashSet;
use std::sync::Arc;

/// What the API server is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Why the Ingress must not be stored, a line for each reason; empty: it may be.
    pub refusals: Vec<String>,
    /// Warnings for the client, one line each.
    pub warnings: Vec<String>,
}

/// Judges an Ingress that the cluster is about to store, in place of the version that the snapshot has of it.
#[must_use]
pub fn review(candidate: &Ingress, input: Input<'_>) -> Verdict {
    let settings = input.settings;
    let classes = class::Classes::new(input.snapshot, settings);
    if let Some(refusal) = screen::refused_text(candidate, settings) {
        return Verdict { refusals: vec![line(&refusal)], ..Verdict::default() };
    }
    if !classes.accept(candidate) || !screen::in_scope(candidate, input.snapshot, settings) {
        return Verdict::default();
    }
    if !is_uuid(&candidate.meta.uid) {
        return Verdict { refusals: vec![format!("metadata.uid: {} is no UUID", shown(&candidate.meta.uid))], ..Verdict::default() };
    }
    let by_class = parameters::read(input, &classes, &mut Wanted::default(), &mut Vec::new());
    let config = &by_class.of(classes.of(candidate)).config;
    let mut old: HashSet<(Code, String)> = HashSet::new();
    let mut add = |findings: Vec<Diagnostic>| old.extend(findings.into_iter().map(|finding| (finding.code, finding.message)));
    let stored = input.snapshot.ingress(&candidate.meta.name);
    // Of all the others, those that may have a say are looked for once.
    let concerned: HashSet<&str> = hosts(candidate).chain(stored.iter().flat_map(|stored| hosts(stored))).collect();
    let near = input.snapshot.only(|other| hosts(other).any(|host| concerned.contains(host)));
    let input = Input { snapshot: &near, ..input };
    if let Some(stored) = stored {
        add(among_others(stored, config, input));
    }
    // Paths of one Ingress do no harm to others.
    add(translated(candidate, |_| false, input).into_iter().filter(|finding| finding.code == Code::DuplicatePath).collect());
    let adds = |finding: &Diagnostic| !old.contains(&(finding.code, finding.message.clone()));
    let (refusals, warnings): (Vec<_>, Vec<_>) =
        among_others(candidate, config, input).into_iter().partition(|finding| adds(finding) && refuses(finding, settings));
    let lines = |findings: Vec<Diagnostic>| findings.iter().map(line).collect();
    Verdict { refusals: lines(refusals), warnings: lines(warnings) }
}

/// The objects without which no verdict is a good one: ConfigMaps with settings, and GatewrightParameters.
#[must_use]
pub fn needs(input: Input<'_>) -> Wanted {
    let mut wanted = Wanted::default();
    parameters::read(input, &class::Classes::new(input.snapshot, input.settings), &mut wanted, &mut Vec::new());
    Wanted { secrets: Arc::default(), ..wanted }
}

/// Everything that is wrong with an Ingress, if it were the youngest of all.
fn among_others(ingress: &Ingress, config: &Config, input: Input<'_>) -> Vec<Diagnostic> {
    let object = ObjectRef::new(Kind::Ingress, ingress.meta.name.clone());
    let hosts: HashSet<&str> = hosts(ingress).collect();
    let mut all = translated(ingress, |other| self::hosts(other).any(|host| hosts.contains(host)), input);
    all.extend(odd_paths(ingress, config, &object));
    all.extend(foreign_annotations(ingress, config, input.settings, &object));
    all
}

/// What the translation says of an Ingress as the youngest among those that `keep` wants.
fn translated(ingress: &Ingress, keep: impl Fn(&Ingress) -> bool, input: Input<'_>) -> Vec<Diagnostic> {
    let object = Some(ObjectRef::new(Kind::Ingress, ingress.meta.name.clone()));
    let snapshot = input.snapshot.around(ingress.clone(), keep);
    let translation = Translator::default().translate(Input { snapshot: &snapshot, ..input });
    let of_candidate = translation.diagnostics.into_iter().filter(|finding| finding.object == object);
    of_candidate.filter(|finding| !is_about_others(finding, input.settings)).collect()
}

/// Whether a finding does not concern the author of an Ingress: notes, Pods that may still come, objects that nobody has looked for.
fn is_about_others(finding: &Diagnostic, settings: &Settings) -> bool {
    match finding.code {
        Code::NoEndpoints => true,
        Code::NoSecret | Code::MissingSecret | Code::MissingConfigMap | Code::UnresolvedExternalName | Code::UnresolvedServer => {
            !settings.reads_named_objects
        }
        _ => finding.severity == Severity::Note,
    }
}

/// As the API server writes them.
pub(super) fn is_uuid(text: &str) -> bool {
    let parts: Vec<usize> = text.split('-').map(str::len).collect();
    parts == [8, 4, 4, 4, 12] && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f' | b'-'))
}

/// The hosts that an Ingress names, as it writes them; the empty one is that of all requests.
pub fn hosts(ingress: &Ingress) -> impl Iterator<Item = &str> {
    let rules = ingress.rules.iter().flatten().map(|rule| &*rule.host);
    rules.chain(ingress.default_backend.iter().filter(|_| ingress.rules.is_empty()).map(|_| ""))
}

/// `strict-validate-path-type`: paths that are no expressions are plain ones.
fn odd_paths(ingress: &Ingress, config: &Config, object: &ObjectRef) -> Vec<Diagnostic> {
    let is_plain = |path: &str| {
        let rest = path.strip_prefix('/');
        path.is_empty() || rest.is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"._/-".contains(&b)))
    };
    let rules = ingress.rules.iter().enumerate().filter_map(|(r, rule)| Some((r, rule.as_ref()?)));
    let paths = rules.flat_map(|(r, rule)| rule.paths.iter().flatten().enumerate().map(move |(p, path)| (r, p, path)));
    let odd = paths.filter_map(|(r, p, path)| {
        let Path { path, path_type, .. } = path.as_ref()?;
        let text = path.as_deref().filter(|text| !is_plain(text) && path_type.as_deref() != Some("ImplementationSpecific"))?;
        let message = format!("{} is no plain path", shown(text));
        let field = format!("spec.rules[{r}].http.paths[{p}].path");
        let finding = Diagnostic::new(Code::BadPath, object.clone(), field, message);
        let finding = finding.help("use letters, digits and ./_- only, or the pathType ImplementationSpecific");
        Some(if config.strict_path_types { finding } else { Diagnostic { severity: Severity::Warning, ..finding } })
    });
    odd.collect()
}

/// Annotations that no one reads here, though whoever wrote them meant us.
fn foreign_annotations<'i>(
    ingress: &'i Ingress,
    config: &'i Config,
    settings: &'i Settings,
    object: &'i ObjectRef,
) -> impl Iterator<Item = Diagnostic> + 'i {
    const USUAL: &str = "nginx.ingress.kubernetes.io";
    let prefix = &settings.annotations_prefix;
    // An empty value asks for nothing.
    let said = ingress.meta.annotations.iter().filter(|(_, value)| !value.trim().is_empty());
    said.filter_map(move |(key, _)| {
        let (of, name) = key.split_once('/')?;
        let (message, help) = if of == USUAL && prefix != USUAL {
            (format!("annotations of {USUAL} are not read here"), format!("write {prefix}/{name}"))
        } else if of == prefix && name.ends_with("-snippet") && !config.reads_snippets {
            (format!("{name}: snippets are not allowed"), "use annotations that say the same, and remove it".to_owned())
        } else {
            return None;
        };
        Some(Diagnostic::new(Code::RefusedAnnotation, object.clone(), format!("metadata.annotations[{}]", shown(key)), message).help(help))
    })
}

/// Whether a finding is a reason not to store the Ingress. What another object has to mend, or one that may still
/// come, is none.
fn refuses(finding: &Diagnostic, settings: &Settings) -> bool {
    match finding.code {
        Code::DuplicatePath | Code::DuplicateDefaultBackend => true,
        Code::BadAnnotation if finding.outcome == Outcome::KeptDefault => {
            let prefix = format!("metadata.annotations[{}/", settings.annotations_prefix);
            let name = finding.field.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix(']'));
            name.and_then(annotations::key).is_some_and(|key| key.is_refused)
        }
        Code::NoService
        | Code::NoPort
        | Code::RefusedExternalName
        | Code::UnresolvedExternalName
        | Code::RefusedEndpoint
        | Code::UnresolvedServer
        | Code::NoSecret
        | Code::BadCertificate
        | Code::MissingSecret
        | Code::MissingConfigMap
        | Code::UnsupportedAnnotation => false,
        _ => finding.severity == Severity::Error,
    }
}

/// Field, what is wrong, what would do.
fn line(finding: &Diagnostic) -> String {
    let Diagnostic { field, message, help, .. } = finding;
    let help = if help.is_empty() { String::new() } else { format!("; {help}") };
    if field.is_empty() { format!("{message}{help}") } else { format!("{field}: {message}{help}") }
}
