//! `gatewright lint`: all that is wrong with manifests, for people and for CI.

mod excerpt;
mod github;
mod json;
mod once;
mod sarif;
mod text;

use super::error::CommandError;
use super::findings::{all_findings, downgrade};
use super::not_read::say_nothing_found;
use super::offline::{End, Session, exit};
use super::output::{Progress, print};
use crate::args::{LintConfig, LintFormat};
use crate::source::Located;
use crate::source::input::World;
use crate::source::manifests::{Purpose, Texts};
use excerpt::Lines;
use gatewright_core::diagnostic::{Code, Diagnostic, Facts, Outcome, Severity};
use gatewright_core::names::{Kind, ObjectRef, shown};
use gatewright_core::review::review;
use gatewright_core::state::Ingress;
use gatewright_core::translate::{Translation, refused_by_api};
use serde_json::json;
use std::collections::HashSet;
use std::process::ExitCode;

/// Lints; exit code 0: no errors, 1: errors, 2: it could not be done.
pub(crate) fn main(config: &LintConfig, warnings: &[String]) -> ExitCode {
    exit(warnings, || if config.explain.is_empty() { lint(config) } else { explain(&config.explain, config.format) })
}

/// What the formats write.
struct Report<'a> {
    /// By file and line; their severities are those that they count with.
    findings: Vec<Located>,
    /// The first input, which findings that are in no file are about.
    input: &'a str,
    texts: &'a Texts,
    lines: Lines<'a>,
}

impl Report<'_> {
    fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|located| located.diagnostic.severity == severity).count()
    }
}

fn lint(config: &LintConfig) -> Result<End, CommandError> {
    let progress = Progress::begin("reading");
    let session = Session::new(&config.offline)?;
    let mut world = session.read(&config.inputs, Purpose::Lint)?;
    world.stand_in_for_pods();
    progress.step("translating");
    let mut translation = session.translate(&mut world)?;
    translation.diagnostics.extend(session.hidden_findings(&mut world, &translation)?);
    translation.diagnostics.extend(review(&translation.model, &translation.served));
    progress.step("writing");
    let mut findings = all_findings(&world, &translation);
    findings.extend(of_other_classes(&world, &translation));
    findings.extend(refused_of_other_classes(&world, &translation));
    findings.extend(session.unnamed_findings(&mut world)?);
    findings.extend(world.nothing_found(&config.inputs));
    findings.sort_by(|a, b| a.place.cmp(&b.place).then_with(|| a.diagnostic.cmp(&b.diagnostic)));
    findings.retain_mut(|located| {
        let finding = &mut located.diagnostic;
        downgrade(finding, world.holds);
        config.severities.of(finding.code, finding.severity).map(|severity| finding.severity = severity).is_some()
    });
    once::tell_once(&mut findings, &world.snapshot, &config.offline.settings);
    let lines = Lines::of(&findings, &world.texts);
    let input = config.inputs.first().map_or(".", String::as_str);
    let report = Report { findings, input, texts: &world.texts, lines };
    let text = match config.format {
        LintFormat::Text => text::write(&report, config.colour.on_stdout()),
        LintFormat::Json => json::write(&report),
        LintFormat::Sarif => sarif::write(&report),
        LintFormat::Github => github::write(&report),
    };
    drop(progress);
    say_nothing_found(&config.inputs, &world);
    print(text.as_bytes())?;
    Ok(if report.count(Severity::Error) > 0 { End::Not } else { End::Fine })
}

/// Ingresses that nobody has looked at, because of their class.
pub(super) fn of_other_classes(world: &World, translation: &Translation) -> Vec<Located> {
    let finding = |(ingress, object): (&Ingress, ObjectRef)| {
        world.places.locate(if world.watches(ingress) { not_of_class(ingress, object, world) } else { not_watched(object) })
    };
    others(world, translation).into_iter().map(finding).collect()
}

/// What the API server would refuse of them. It looks at all classes alike.
fn refused_of_other_classes(world: &World, translation: &Translation) -> Vec<Located> {
    let findings = others(world, translation).into_iter().flat_map(|(ingress, _)| refused_by_api(ingress));
    findings.map(|finding| world.places.locate(finding.outcome(Outcome::SkippedObject))).collect()
}

fn others<'w>(world: &'w World, translation: &Translation) -> Vec<(&'w Ingress, ObjectRef)> {
    let said: HashSet<&ObjectRef> = translation.diagnostics.iter().filter_map(|finding| finding.object.as_ref()).collect();
    let served: HashSet<_> = translation.served.iter().map(|ingress| &ingress.meta.name).collect();
    let rest = world.snapshot.ingresses_oldest_first().filter(|ingress| !served.contains(&ingress.meta.name));
    rest.map(|ingress| (&**ingress, ObjectRef::new(Kind::Ingress, ingress.meta.name.clone())))
        .filter(|(_, object)| !said.contains(object))
        .collect()
}

fn not_watched(object: ObjectRef) -> Diagnostic {
    let message = format!("namespace {} is not one that is watched", shown(object.name.namespace()));
    Diagnostic::new(Code::OtherClass, object, "metadata.namespace", message)
        .help("give another --watch-namespace or --watch-namespace-selector")
}

/// It may be of another controller, so that a class that is nearly one of ours is a note, too.
fn not_of_class(ingress: &Ingress, object: ObjectRef, world: &World) -> Diagnostic {
    let (field, class) = match (&ingress.class_name, ingress.meta.annotations.get("kubernetes.io/ingress.class")) {
        (Some(class), _) => ("spec.ingressClassName", Some(&**class)),
        (None, class) => ("metadata.annotations[kubernetes.io/ingress.class]", class.map(|class| &**class)),
    };
    let Some(class) = class else {
        return Diagnostic::new(Code::OtherClass, object, "", "the Ingress has no class").help(NAME_A_CLASS);
    };
    let finding = Diagnostic::new(Code::OtherClass, object, field, format!("class {} is not one that is served here", shown(class)));
    match world.nearest_class(class) {
        Some(meant) => finding.help(format!("{meant} may be meant")),
        None => finding.help(NAME_A_CLASS),
    }
}

const NAME_A_CLASS: &str = "name an IngressClass of this controller, or give --ingress-class or --controller-class";

fn explain(codes: &[Code], format: LintFormat) -> Result<End, CommandError> {
    if format == LintFormat::Json {
        let object = |code: &Code| {
            let Facts { name, severity, outcome, sentence } = code.facts();
            json!({"code": name, "severity": severity, "outcome": outcome, "meaning": sentence})
        };
        let document = json!({"version": 1, "codes": codes.iter().map(object).collect::<Vec<_>>()});
        print(format!("{document:#}\n").as_bytes())?;
        return Ok(End::Fine);
    }
    let tell = |code: &Code| {
        let Facts { name, severity, outcome, sentence } = code.facts();
        format!("{name} ({severity})\n    {sentence}\n    What is done, unless a finding says otherwise: {outcome}.\n")
    };
    print(codes.iter().map(tell).collect::<Vec<_>>().join("\n").as_bytes())?;
    Ok(End::Fine)
}
