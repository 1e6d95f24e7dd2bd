//! Ingresses that are left out for one thing, and parts of them: without it, there is more to be said.

use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::names::ObjectName;
use crate::state::Ingress;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Stands in for hosts, and is a part of what stands in for paths; what is said of it concerns nobody.
const HOST: &str = "left-out.invalid";

/// Parts of an Ingress that are left out, by the begin of their field paths, and how; of an empty one, all of it is.
pub type Parts = BTreeMap<String, Outcome>;

/// The Ingress without what it, or a part of it, is left out for by these findings, which are about it; and the parts that
/// can be looked at now and could not before. `None`: there is nothing of that kind.
#[must_use]
pub fn without_causes<'f>(
    ingress: &Ingress,
    findings: impl IntoIterator<Item = &'f Diagnostic>,
    annotations_prefix: &str,
) -> Option<(Ingress, Parts)> {
    let mut parts = Parts::new();
    let rest = ingress.clone().with(|ingress| {
        parts.extend(findings.into_iter().filter_map(|finding| {
            let part = match finding.code {
                _ if finding.outcome == Outcome::SkippedObject => take(ingress, &finding.field, annotations_prefix).then(String::new),
                Code::BadHost | Code::BadPath | Code::BadPathType | Code::DuplicatePath => stand_in(ingress, &finding.field),
                _ => None,
            };
            Some((part?, finding.outcome))
        }));
    });
    (!parts.is_empty()).then_some((rest, parts))
}

/// The rules and paths that findings about an Ingress say are left out of it.
#[must_use]
pub fn parts<'f>(findings: impl IntoIterator<Item = &'f Diagnostic>) -> Parts {
    let part = |finding: &'f Diagnostic| {
        let lists = match finding.outcome {
            Outcome::SkippedHost => 1,
            Outcome::SkippedPath => 2,
            _ => return None,
        };
        let (end, _) = finding.field.match_indices(']').nth(lists - 1).filter(|_| finding.field.starts_with("spec.rules["))?;
        Some((finding.field[..=end].to_owned(), finding.outcome))
    };
    findings.into_iter().filter_map(part).collect()
}

/// How what a finding is about is left out; `None`: it is not, or the finding is none that concerns anybody.
#[must_use]
pub fn outcome_of(finding: &Diagnostic, parts: &Parts) -> Option<Outcome> {
    let ends = finding.field.match_indices(']').map(|(at, _)| at + 1);
    let outcome = std::iter::once(0).chain(ends).filter_map(|end| parts.get(&finding.field[..end])).max();
    outcome.copied().filter(|_| !finding.message.contains(HOST))
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
    match indexed(field, "spec.tls[") {
        Some((t, _)) => ingress.tls.get_mut(t).and_then(Option::take).is_some(),
        None => stand_in(ingress, field).is_some(),
    }
}

/// Puts something good in the place of a host, path or pathType; the part that begins there. `None`: it is already in its
/// place.
fn stand_in(ingress: &mut Ingress, field: &str) -> Option<String> {
    let (r, rest) = indexed(field, "spec.rules[")?;
    let rule = ingress.rules.get_mut(r)?.as_mut()?;
    let Some((p, leaf)) = indexed(rest, ".http.paths[") else {
        let host = format!("rule-{r}.{:x}.{HOST}", number_of(&ingress.meta.name)).into();
        return (std::mem::replace(&mut rule.host, host) != rule.host).then(|| format!("spec.rules[{r}]"));
    };
    let path = rule.paths.as_mut()?.get_mut(p)?.as_mut()?;
    let (place, good) = match leaf {
        ".path" => (&mut path.path, format!("/{HOST}/{:x}/{r}/{p}", number_of(&ingress.meta.name))),
        ".pathType" => (&mut path.path_type, "Prefix".to_owned()),
        _ => return None,
    };
    let good = Some(good.into());
    (std::mem::replace(place, good) != *place).then(|| format!("spec.rules[{r}].http.paths[{p}]"))
}

/// What stands in for parts of an Ingress stands in for those of no other: they would be in each other's way.
fn number_of(name: &ObjectName) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

/// The index behind a list's name, and what follows.
fn indexed<'f>(field: &'f str, list: &str) -> Option<(usize, &'f str)> {
    let (index, rest) = field.strip_prefix(list)?.split_once(']')?;
    Some((index.parse().ok()?, rest))
}
