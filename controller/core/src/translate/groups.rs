//! Groups that `rewrite-target` names and that a path does not have: nothing stands in their place.

use super::annotations::Policies;
use super::reading::{PathReading, RuleReading};
use crate::diagnostic::{Code, Diagnostic};
use crate::names::{ObjectRef, RouteRegex, TextPart, VariableText};
use crate::state::Ingress;
use std::collections::BTreeMap;

/// Says it of the first such path of an Ingress.
pub(super) fn missing(origin: &ObjectRef, prefix: &str, policies: &Policies, rules: &[RuleReading]) -> Option<Diagnostic> {
    // Those of the Ingress that a canary belongs to are rewritten as that one says.
    let target = &policies.route.rewrite.as_ref().filter(|_| policies.canary.is_none())?.target;
    let last = last_group(target)?;
    let groups_of = |path: &PathReading| RouteRegex::new(path.text.as_str()).ok().map(|expression| expression.groups());
    let mut paths = rules.iter().flat_map(|rule| &rule.paths).filter_map(|path| Some((path, groups_of(path)?)));
    // What a path is rewritten to that is itself, it is not rewritten to.
    let is_rewritten = |path: &PathReading| policies.rewrite_target.as_deref() != Some(path.text.as_str());
    let (path, groups) = paths.find(|(path, groups)| *groups < last && is_rewritten(path))?;
    let has = match groups {
        0 => "no group".to_owned(),
        1 => "one group".to_owned(),
        _ => format!("{groups} groups"),
    };
    let message = format!("rewrite-target: ${last} stands for nothing in path {}, which has {has}", path.text);
    let finding = Diagnostic::new(Code::AnnotationNote, origin.clone(), format!("metadata.annotations[{prefix}/rewrite-target]"), message);
    Some(finding.help("put what is meant into brackets in the path, such as /path(/|$)(.*), or name another group"))
}

/// The names of groups in the paths of an Ingress, in lower case, with their numbers; `None`: not the same in all paths.
pub(super) fn named(ingress: &Ingress) -> BTreeMap<String, Option<u8>> {
    let rules = ingress.rules.iter().flatten().flat_map(|rule| rule.paths.iter().flatten().flatten());
    let paths: Vec<_> = rules.map(|path| RouteRegex::names_in(path.path.as_deref().unwrap_or_default())).collect();
    let number = |name: &str| {
        let mut numbers = paths.iter().map(|names| names.iter().find(|(own, _)| own == name).map(|(_, number)| *number));
        let first = numbers.next().flatten()?;
        numbers.all(|number| number == Some(first)).then(|| u8::try_from(first).ok()).flatten()
    };
    paths.iter().flatten().map(|(name, _)| (name.clone(), number(name).filter(|number| *number <= 9))).collect()
}

/// The greatest number of a group.
fn last_group(target: &VariableText) -> Option<usize> {
    let group = |part: &TextPart| if let TextPart::Group(n) = part { Some(usize::from(*n)) } else { None };
    target.parts().iter().filter_map(group).max()
}
