//! Ingresses that are left out for one thing: without it, there is more to be said of them.

use crate::diagnostic::{Diagnostic, Outcome};
use crate::names::Kind;
use crate::state::Ingress;

/// The Ingress without what it is left out for; `None`: it is not for this finding, or not for a part of it.
#[must_use]
pub fn without_cause(ingress: &Ingress, finding: &Diagnostic, annotations_prefix: &str) -> Option<Ingress> {
    let object = finding.object.as_ref().filter(|object| object.kind == Kind::Ingress && object.name == ingress.meta.name);
    object.filter(|_| finding.outcome == Outcome::SkippedObject)?;
    let mut is_there = false;
    let rest = ingress.clone().with(|ingress| is_there = take(ingress, &finding.field, annotations_prefix));
    is_there.then_some(rest)
}

/// Takes a field out, and nothing after it changes its place; whether it was there.
fn take(ingress: &mut Ingress, field: &str, prefix: &str) -> bool {
    if let Some(name) = field.strip_prefix("metadata.annotations[").and_then(|rest| rest.strip_suffix(']')) {
        let was_there = ingress.meta.annotations.remove(name).is_some();
        if name.strip_prefix(prefix) == Some("/rewrite-target") {
            // Its paths are expressions all the same.
            ingress.meta.annotations.insert(format!("{prefix}/use-regex").into(), "true".into());
        }
        return was_there;
    }
    if field == "spec.defaultBackend" {
        let was_there = ingress.default_backend.take().is_some();
        if ingress.rules.is_empty() {
            // That nothing is left is no mistake of its own.
            ingress.rules.push(None);
        }
        return was_there;
    }
    if let Some((t, _)) = indexed(field, "spec.tls[") {
        return ingress.tls.get_mut(t).and_then(Option::take).is_some();
    }
    let Some((r, rest)) = indexed(field, "spec.rules[") else { return false };
    let Some(rule) = ingress.rules.get_mut(r) else { return false };
    match indexed(rest, ".http.paths[") {
        Some((p, _)) => rule.as_mut().and_then(|rule| rule.paths.as_mut()?.get_mut(p)).and_then(Option::take).is_some(),
        None => rule.take().is_some(),
    }
}

/// The index behind a list's name, and what follows.
fn indexed<'f>(field: &'f str, list: &str) -> Option<(usize, &'f str)> {
    let (index, rest) = field.strip_prefix(list)?.split_once(']')?;
    Some((index.parse().ok()?, rest))
}
