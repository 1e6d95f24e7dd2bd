//! `rewrite-target` and `use-regex`: paths as regular expressions, and another path for the endpoints.
//!
//! Either of them makes every path of the whole host an expression: `ingress-semantics` 7.

use super::{Class, Feature, Given, Key, OnBadValue, Policies, Risk, Scope, Tier, Value, unset};
use crate::model::Rewrite;
use crate::names::{VariableText, shown};

pub(super) const FEATURE: Feature = Feature {
    name: "Regular expressions and rewriting",
    keys: &[
        Key::new(
            "rewrite-target",
            Value::Text(Class::Path),
            Scope::Host,
            "The path that endpoints see, with `$1` to `$9` for the groups of the rule's path; the query stays. The paths of the host \
             become regular expressions, unless the target is the rule's own path.",
        )
        .ranked(Tier::A, Risk::Medium),
        Key::new(
            "use-regex",
            Value::Bool,
            Scope::Host,
            "Takes every path of the host, of any Ingress, for a regular expression: compared from the beginning on, without case, \
             longer texts first, whatever the pathType. Read are classes, `(…)` and `(?:…)`, `(?=…)` and `(?!…)`, `|`, `^`, `$` and \
             repetitions; `rewrite-target` may call groups with names by these.",
        )
        .default("false"),
        Key::new(
            "x-forwarded-prefix",
            Value::Text(Class::Path),
            Scope::Route,
            "Sent to endpoints as `X-Forwarded-Prefix` where `rewrite-target` is in effect; may use the same groups.",
        )
        .refused_when_bad()
        .ranked(Tier::A, Risk::Medium)
        .on_bad_value(OnBadValue::SkipIngress),
    ],
    apply,
};

fn apply(given: &mut Given<'_>, policies: &mut Policies) {
    policies.use_regex = given.bool("use-regex").unwrap_or(false);
    let forwarded_prefix =
        given.of_class("x-forwarded-prefix", Class::Path).and_then(|text| with_groups(given, "x-forwarded-prefix", text));
    // What ingress-nginx does not take is as none: the paths of a host, of other Ingresses too, stay what they are.
    let Some(text) = given.whole_of_class("rewrite-target", Class::Path) else { return };
    match target(given, text) {
        Some(target) => {
            policies.rewrite_target = Some(text.into());
            policies.route().rewrite = Some(Rewrite { target, forwarded_prefix });
        }
        // What it takes, and only we cannot use, makes expressions of paths as it does there.
        None => policies.use_regex = true,
    }
}

/// The parts of a target.
fn target(given: &mut Given<'_>, text: &str) -> Option<VariableText> {
    if !text.starts_with(['/', '$']) {
        given.refuse("rewrite-target", format_args!("{} does not begin with '/'", shown(text)), "use an absolute path such as /$1");
        return None;
    }
    if text.split('/').any(|segment| matches!(segment, "." | "..")) {
        given.refuse("rewrite-target", format_args!("{} has a dot segment", shown(text)), "write the path that is meant");
        return None;
    }
    with_groups(given, "rewrite-target", text)
}

fn with_groups(given: &mut Given<'_>, name: &'static str, text: &str) -> Option<VariableText> {
    if let Some((group, _)) = given.groups.iter().find(|(group, number)| number.is_none() && names(text, group)) {
        let message = format!("the group {} is not of the same number in all paths of the Ingress", shown(group));
        given.refuse_as(OnBadValue::KeepDefault, name, message, "use $1 to $9 for the groups of the path, or write another Ingress");
        return None;
    }
    let parsed = VariableText::parse_with_named_groups(text, |group| given.groups.get(&group.to_ascii_lowercase()).copied().flatten());
    let parsed = parsed.map_err(|bad| given.refuse_as(OnBadValue::KeepDefault, name, bad, "use $1 to $9 for the groups of the path"));
    parsed.inspect(|text| unset::tell(given, name, text)).ok()
}

/// Whether a text uses the variable of this name.
fn names(text: &str, variable: &str) -> bool {
    let is_it = |name: &str| name.eq_ignore_ascii_case(variable);
    VariableText::parse_with(text, |_| true).is_ok_and(|text| text.variables().any(is_it))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{given, problems, read, read_with};
    use super::*;
    use crate::names::TextPart;
    use crate::settings::Settings;

    #[test]
    fn a_target_has_text_and_groups() {
        let policies = read(&[("rewrite-target", "/new/$2"), ("use-regex", "true"), ("x-forwarded-prefix", "/old")]);
        let rewrite = policies.route.rewrite.as_ref().unwrap();
        assert_eq!(rewrite.target.parts(), [TextPart::Text("/new/".to_owned()), TextPart::Group(2)]);
        assert!(rewrite.forwarded_prefix.is_some() && policies.use_regex);
        assert!(read(&[("x-forwarded-prefix", "/old")]).route.rewrite.is_none());
    }

    #[test]
    fn a_bad_target_is_left_out() {
        for value in ["http://evil.example/", "foo", "/a?b=c", "/a b", "/$nosuch", "/a;b", "/{x}", "/a\nb", "/../$1", "/a/.", " /a", "/a "]
        {
            let given = [("rewrite-target", value)];
            let policies = read(&given);
            assert_eq!((policies.route.rewrite.clone(), problems(&given).len()), (None, 1), "{value:?}");
            let is_taken_by_nginx = !value.contains(['?', ' ', ';', '{', '\n']);
            assert_eq!((policies.use_regex, policies.rewrite_target), (is_taken_by_nginx, None), "{value:?}");
        }
    }

    #[test]
    fn groups_of_the_paths_may_be_named() {
        let read = |groups: &[(&str, Option<u8>)], pairs: &[(&str, &str)]| {
            let mut found = None;
            given(pairs, |given| {
                given.groups = groups.iter().map(|(name, number)| ((*name).to_owned(), *number)).collect();
                let mut policies = Policies::of(&crate::settings::read(&Settings::default(), &std::collections::BTreeMap::new()).0);
                apply(given, &mut policies);
                let target = policies.route.rewrite.as_ref().map(|rewrite| rewrite.target.clone());
                found = Some((target, given.take_bad().into_iter().map(|bad| bad.message).collect::<Vec<_>>()));
            });
            found.unwrap()
        };
        let (target, said) = read(&[("id", Some(2))], &[("rewrite-target", "/x/$Id/$id")]);
        assert_eq!((target.as_ref(), said), (VariableText::parse_with_groups("/x/$2/$2").ok().as_ref(), vec![]));
        let (target, said) = read(&[("id", None)], &[("rewrite-target", "/x/$id")]);
        assert_eq!(
            (target, said),
            (None, vec!["rewrite-target: the group \"id\" is not of the same number in all paths of the Ingress".to_owned()])
        );
        assert!(read(&[("id", None)], &[("rewrite-target", "/x/$1")]).0.is_some());
    }

    #[test]
    fn a_prefix_that_is_none_leaves_the_ingress_out() {
        assert!(read_with(&Settings::default(), &[("x-forwarded-prefix", "/a;b")]).0.is_none());
        let unknown = [("x-forwarded-prefix", "/$nosuch"), ("rewrite-target", "/")];
        assert!(read(&unknown).route.rewrite.as_ref().is_some_and(|rewrite| rewrite.forwarded_prefix.is_none()));
    }
}
