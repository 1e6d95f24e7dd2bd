//! `gatewright explain`: which object serves a request, why, and what happens to it on the way.

use super::error::CommandError;
use super::findings::all_findings;
use super::lint::of_other_classes;
use super::not_read::say_left_out;
use super::offline::{End, Session, exit};
use super::output::{Progress, print};
use crate::args::ExplainConfig;
use crate::source::input::World;
use crate::source::manifests::Purpose;
use crate::source::{Located, format_located};
use gatewright_core::diagnostic::{Diagnostic, Outcome};
use gatewright_core::explain::{Explanation, Fit, Request, explain};
use gatewright_core::names::{Kind, ObjectRef, is_printable, shown};
use gatewright_core::state::Ingress;
use gatewright_core::translate::Translation;
use serde_json::json;
use std::process::ExitCode;

/// Explains; exit code 0: the request is served, 1: it gets an error of the proxy, 2: it could not be done.
pub(crate) fn main(config: &ExplainConfig, warnings: &[String]) -> ExitCode {
    exit(warnings, || run(config))
}

fn run(config: &ExplainConfig) -> Result<End, CommandError> {
    let progress = Progress::begin("reading");
    let session = Session::new(&config.offline)?;
    let mut world = session.read(&config.inputs, Purpose::Once)?.needs_ingresses()?;
    if !config.as_it_is {
        world.stand_in_for_pods();
    }
    let translation = session.translate(&mut world)?;
    let explanation = explain(&translation.model, &config.request);
    let report = ExplainReport::of(&explanation, &world, &translation, config);
    drop(progress);
    say_left_out(&config.inputs, &world, &translation);
    let text = if config.json { report.json(config) } else { report.text(config) };
    print(text.as_bytes())?;
    Ok(if explanation.is_served() { End::Fine } else { End::Not })
}

/// An explanation with what manifests say of it.
struct ExplainReport<'a> {
    explanation: &'a Explanation,
    /// Where the Ingress was written.
    place: Option<String>,
    /// Annotations of the Ingress, without the prefix.
    annotations: Vec<(&'a str, &'a str)>,
    /// What is wrong with the Ingress, or cannot be read of the Service that its route names.
    findings: Vec<String>,
    /// What is not served of Ingresses that name the host.
    left_out: Vec<String>,
}

impl<'a> ExplainReport<'a> {
    fn of(explanation: &'a Explanation, world: &World, translation: &'a Translation, config: &ExplainConfig) -> Self {
        let prefix = config.offline.settings.annotations_prefix.as_str();
        let origin = explanation.routes.first().and_then(|route| route.origin.as_ref());
        let place = origin.and_then(|origin| world.places.place_of(origin, "")).map(|place| place.to_string());
        let ingress = translation.served.iter().find(|ingress| origin.is_some_and(|origin| origin.name == ingress.meta.name));
        let all = ingress.into_iter().flat_map(|ingress| &ingress.meta.annotations);
        let annotations = all.filter_map(|(key, value)| Some((key.strip_prefix(prefix)?.strip_prefix('/')?, &**value))).collect();
        let closes = |finding: &Diagnostic| closes_from_elsewhere(finding, explanation, config, world);
        let is_to_tell = |finding: &&Diagnostic| origin.is_some() && finding.object.as_ref() == origin || closes(finding);
        let about = translation.diagnostics.iter().filter(is_to_tell);
        let findings = about.map(|finding| format_located(&world.places.locate(finding.clone())));
        let service = explanation.routes.first().and_then(|route| route.service.as_ref()?.rsplit_once(':')).map(|(name, _)| name);
        let is_about =
            |object: &ObjectRef| Some(object) == origin || object.kind == Kind::Service && Some(&*object.name.to_string()) == service;
        let unread = world.problems.iter().filter(|problem| problem.diagnostic.object.as_ref().is_some_and(is_about)).map(format_located);
        let findings: Vec<_> = unread.chain(findings).collect();
        let mut left_out = left_out(&config.request, world, translation);
        left_out.retain(|finding| !findings.contains(finding));
        Self { explanation, place, annotations, findings, left_out }
    }

    fn text(&self, config: &ExplainConfig) -> String {
        let it = self.explanation;
        let mut rows = Vec::new();
        let known = if it.host == "_" { "that of unknown hosts" } else { &it.host };
        rows.push(("host", format!("{known}: {}", it.host_because)));
        if let Some(certificate) = &it.certificate {
            rows.push(("certificate", certificate.clone()));
        }
        rows.push(("path", format!("{}, decoded and with merged slashes", shown(&it.path))));
        for (n, route) in it.routes.iter().enumerate() {
            let by = by(route);
            let to = route.service.as_ref().map(|service| format!(" to Service {service}")).unwrap_or_default();
            let place = self.place.as_ref().filter(|_| n == 0).map(|place| format!(" ({place})")).unwrap_or_default();
            rows.push((if n == 0 { "route" } else { "not taken" }, format!("{}{to}, {by}{place}", route.path)));
        }
        let gives_up = |what: &String| ("perhaps", format!("an error of the proxy, which may give up to compare with {}", printable(what)));
        rows.extend(it.untold.iter().map(gives_up));
        rows.extend(self.annotations.iter().map(|(name, value)| ("annotation", format!("{name}: {}", shown(value)))));
        let perhaps = it.early.iter().filter(|answer| answer.depends);
        rows.extend(perhaps.map(|answer| ("perhaps", format!("{}, by a snippet, for some requests", answer.status))));
        let goes = match it.to_canary {
            Some(true) => "; this request goes there",
            Some(false) => "; this one does not",
            None => "",
        };
        rows.extend(it.canary.iter().map(|canary| ("canary", format!("{canary}{goes}"))));
        rows.push((
            "answer",
            if it.untold.is_empty() { answer(it) } else { format!("if the proxy does not give up before: {}", answer(it)) },
        ));
        let mut out = format!("{}\n", printable(&config.url));
        out.extend(rows.iter().map(|(what, text)| format!("  {what:<12} {text}\n")));
        if !self.findings.is_empty() {
            out.push_str(&format!("\nof its Ingress and Service, and of what closes it, is to be said:\n{}\n", self.findings.join("\n")));
        }
        if !self.left_out.is_empty() {
            out.push_str(&format!("\nof Ingresses that name the host is not served:\n{}\n", self.left_out.join("\n")));
        }
        out
    }

    fn json(&self, config: &ExplainConfig) -> String {
        let annotations: serde_json::Map<_, _> = self.annotations.iter().map(|(k, v)| ((*k).to_owned(), (*v).into())).collect();
        let document = json!({
            "version": 1, "url": config.url, "explanation": self.explanation, "place": self.place, "annotations": annotations,
            "findings": self.findings, "left_out": self.left_out,
        });
        format!("{document:#}\n")
    }
}

/// Whether a finding about another object than the Ingress of the route tells why the route is closed: a setting that closes
/// every route, or an Ingress that has the host closed as a whole.
fn closes_from_elsewhere(finding: &Diagnostic, explanation: &Explanation, config: &ExplainConfig, world: &World) -> bool {
    let Some(object) = finding.object.as_ref().filter(|_| matches!(finding.outcome, Outcome::ClosedRoute | Outcome::DeniedHost)) else {
        return false;
    };
    match object.kind {
        Kind::ConfigMap | Kind::GatewrightParameters => explanation.status == Some(503),
        Kind::Ingress if explanation.denied => {
            let prefix = format!("metadata.annotations[{}/auth-tls-", config.offline.settings.annotations_prefix);
            let names_host = |ingress: &Ingress| ingress.rules.iter().flatten().any(|rule| covers(&rule.host, &config.request.host));
            finding.field.starts_with(&prefix) && world.snapshot.ingress(&object.name).is_some_and(|ingress| names_host(ingress))
        }
        _ => false,
    }
}

/// What is not served of Ingresses that name the host of a request: why it may go elsewhere than its author thinks.
fn left_out(request: &Request, world: &World, translation: &Translation) -> Vec<String> {
    let names_host = |ingress: &Ingress| ingress.rules.iter().flatten().any(|rule| covers(&rule.host, &request.host));
    let is_meant = |located: &Located| {
        let finding = &located.diagnostic;
        let is_skipped = matches!(
            finding.outcome,
            Outcome::SkippedObject | Outcome::SkippedHost | Outcome::SkippedPath | Outcome::NeverReached | Outcome::Quarantined
        );
        let object = finding.object.as_ref().filter(|object| is_skipped && object.kind == Kind::Ingress);
        object.and_then(|object| world.snapshot.ingress(&object.name)).is_some_and(|ingress| names_host(ingress))
    };
    let all = all_findings(world, translation).into_iter().chain(of_other_classes(world, translation));
    all.filter(is_meant).map(|located| format_located(&located)).collect()
}

/// Whether a host, as somebody wrote it, is one or the wildcard of one.
fn covers(written: &str, host: &str) -> bool {
    let parents = written.strip_prefix("*.").zip(host.split_once('.'));
    written.eq_ignore_ascii_case(host) || parents.is_some_and(|(written, (_, parent))| written.eq_ignore_ascii_case(parent))
}

/// What a terminal could take for something else is replaced.
fn printable(text: &str) -> String {
    text.chars().map(|c| if is_printable(c) { c } else { '\u{fffd}' }).collect()
}

fn by(route: &Fit) -> String {
    match &route.origin {
        None => "which is built in".to_owned(),
        Some(origin) if route.is_rest => format!("for what no path takes, on a host of {origin}"),
        Some(origin) => format!("asked for by {origin}"),
    }
}

fn answer(it: &Explanation) -> String {
    if let Some(endpoints) = &it.passed_on {
        return format!("that of one of the endpoints of its path /, whatever the path: {}", some_of(endpoints));
    }
    if it.denied {
        return "403 of the proxy on every path of the host: certificates of clients are to be checked, and cannot be".to_owned();
    }
    if it.health_check {
        return "200 of the proxy, which tells that it is there".to_owned();
    }
    if it.status_page {
        return "how the proxy is, for the addresses of nginx-status-ipv4-whitelist and nginx-status-ipv6-whitelist; 403 for others"
            .to_owned();
    }
    if let Some(path) = &it.app_root {
        return format!("302 of the proxy to {path}, by app-root");
    }
    if it.preflight {
        return "204 of the proxy, by enable-cors: it tells a browser what pages of that origin may ask".to_owned();
    }
    if it.https_redirect {
        return "a redirect to the https URL".to_owned();
    }
    if it.redirect {
        return "a redirect, by an annotation of its Ingress".to_owned();
    }
    if let Some(status) = it.early.iter().find(|answer| !answer.depends && Some(answer.status) == it.status).map(|answer| answer.status) {
        return format!("{status} of the proxy, by a snippet");
    }
    match (&it.backend, it.status) {
        (Some(backend), _) => format!("that of one of the endpoints of backend {}: {}", backend.name, some_of(&backend.endpoints)),
        (None, Some(503)) => "503 of the proxy: the route is closed, or its Service has no endpoints".to_owned(),
        (None, Some(404)) => "404 of the proxy: nobody asked for this path".to_owned(),
        (None, status) => format!("{} of the proxy", status.unwrap_or_default()),
    }
}

fn some_of(endpoints: &[String]) -> String {
    const SHOWN: usize = 5;
    let mut some = endpoints.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if endpoints.len() > SHOWN {
        some.push_str(&format!(" and {} more", endpoints.len() - SHOWN));
    }
    some
}
