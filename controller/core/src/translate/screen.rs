//! Which Ingresses are left out before anybody reads them: out of scope, or with text that is typical of injections.

use crate::diagnostic::{Code, Diagnostic};
use crate::names::{Kind, ObjectName, ObjectRef};
use crate::settings::Settings;
use crate::state::{Ingress, Snapshot};

/// Whether the Ingress is in a namespace that is watched.
#[must_use]
pub fn in_scope(ingress: &Ingress, snapshot: &Snapshot, settings: &Settings) -> bool {
    is_watched(ingress.meta.name.namespace(), snapshot, settings)
}

/// Whether what is in this namespace is ours to look at.
pub(super) fn is_watched(namespace: &str, snapshot: &Snapshot, settings: &Settings) -> bool {
    if settings.watch_namespace.as_ref().is_some_and(|watched| watched != namespace) {
        return false;
    }
    let Some(selector) = &settings.namespace_selector else { return true };
    ObjectName::new("", namespace).ok().and_then(|name| snapshot.namespace(&name)).is_some_and(|n| selector.matches(&n.meta.labels))
}

/// Words that ingress-nginx looks for in hosts, paths and Secret names; the whole Ingress is dropped.
pub(super) const REFUSED: &[&str] =
    &["/etc/passwd", "/etc/shadow", "/etc/group", "/etc/nginx", "/etc/ingress-controller", "/var/run/secrets", "_by_lua"];

/// The first reason to leave the whole Ingress out.
pub(super) fn refusal(ingress: &Ingress, settings: &Settings) -> Option<Diagnostic> {
    if settings.disable_catch_all && ingress.default_backend.is_some() {
        let message = "the Ingress has a default backend, which --disable-catch-all does not allow";
        let object = ObjectRef::new(Kind::Ingress, ingress.meta.name.clone());
        return Some(Diagnostic::new(Code::CatchAllDisabled, object, "spec.defaultBackend", message).help("remove it, or use a rule"));
    }
    refused_text(ingress, settings)
}

/// Text that is typical of injections, and that no Ingress needs, of whatever class it is.
pub(super) fn refused_text(ingress: &Ingress, settings: &Settings) -> Option<Diagnostic> {
    if !settings.deep_inspect {
        return None;
    }
    let object = ObjectRef::new(Kind::Ingress, ingress.meta.name.clone());
    let (field, word) = texts(ingress).find_map(|(field, text)| refused_word(text).map(|word| (field, word)))?;
    let message = format!("the text contains {}, which no Ingress needs", crate::names::shown(word));
    Some(Diagnostic::new(Code::RefusedText, object, field, message).help("remove it; --deep-inspect=false switches this check off"))
}

fn refused_word(text: &str) -> Option<&'static str> {
    let directive = |name: &str| {
        text.match_indices(name).any(|(at, _)| {
            let rest = &text[at + name.len()..];
            rest.starts_with(char::is_whitespace) && rest.contains(';')
        })
    };
    if directive("alias") {
        return Some("alias");
    }
    if directive("root") {
        return Some("root");
    }
    REFUSED.iter().find(|word| text.contains(**word)).copied()
}

fn texts(ingress: &Ingress) -> impl Iterator<Item = (String, &str)> {
    let rules = ingress.rules.iter().enumerate().filter_map(|(r, rule)| Some((r, rule.as_ref()?))).flat_map(|(r, rule)| {
        let paths = rule.paths.iter().flatten().enumerate();
        let paths =
            paths.filter_map(move |(p, path)| Some((format!("spec.rules[{r}].http.paths[{p}].path"), path.as_ref()?.path.as_deref()?)));
        std::iter::once((format!("spec.rules[{r}].host"), &*rule.host)).chain(paths)
    });
    let tls = ingress.tls.iter().enumerate().filter_map(|(t, section)| Some((t, section.as_ref()?))).flat_map(|(t, section)| {
        let hosts = section.hosts.iter().enumerate();
        let hosts = hosts.filter_map(move |(h, host)| Some((format!("spec.tls[{t}].hosts[{h}]"), &**host.as_ref()?)));
        hosts.chain(std::iter::once((format!("spec.tls[{t}].secretName"), &*section.secret_name)))
    });
    rules.chain(tls)
}
