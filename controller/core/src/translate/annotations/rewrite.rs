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
             become regular expressions, unless the target is the rule's own path; also beside a target that cannot be used.",
        )
        .ranked(Tier::A, Risk::Medium),
        Key::new(
            "use-regex",
            Value::Bool,
            Scope::Host,
            "Takes every path of the host, of any Ingress, for a regular expression: compared from the beginning on, without case, \
             longer texts first, whatever the pathType. Read are classes, `(…)` and `(?:…)`, `(?=…)` and `(?!…)`, `|`, `^`, `$` and \
             repetitions; no group has a name.",
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
    match target(given) {
        Some((text, target)) => {
            policies.rewrite_target = Some(text.into());
            policies.route().rewrite = Some(Rewrite { target, forwarded_prefix });
        }
        // Whoever wrote the paths meant expressions, and most are nothing else.
        None => policies.use_regex |= given.is_bad("rewrite-target"),
    }
}

/// The target as it is written, and its parts.
fn target<'a>(given: &mut Given<'a>) -> Option<(&'a str, VariableText)> {
    let text = given.of_class("rewrite-target", Class::Path)?;
    if !text.starts_with(['/', '$']) {
        given.refuse("rewrite-target", format_args!("{} does not begin with '/'", shown(text)), "use an absolute path such as /$1");
        return None;
    }
    if text.split('/').any(|segment| matches!(segment, "." | "..")) {
        given.refuse("rewrite-target", format_args!("{} has a dot segment", shown(text)), "write the path that is meant");
        return None;
    }
    with_groups(given, "rewrite-target", text).map(|target| (text, target))
}

fn with_groups(given: &mut Given<'_>, name: &'static str, text: &str) -> Option<VariableText> {
    let parsed = VariableText::parse_with_groups(text);
    let parsed = parsed.map_err(|bad| given.refuse_as(OnBadValue::KeepDefault, name, bad, "use $1 to $9 for the groups of the path"));
    parsed.inspect(|text| unset::tell(given, name, text)).ok()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{problems, read, read_with};
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
        for value in ["http://evil.example/", "foo", "/a?b=c", "/a b", "/$nosuch", "/a;b", "/{x}", "/a\nb", "/../$1", "/a/."] {
            let given = [("rewrite-target", value)];
            let policies = read(&given);
            assert_eq!((policies.route.rewrite.clone(), problems(&given).len()), (None, 1), "{value:?}");
            assert!(policies.use_regex && policies.rewrite_target.is_none(), "the paths are expressions all the same");
        }
    }

    #[test]
    fn a_prefix_that_is_none_leaves_the_ingress_out() {
        assert!(read_with(&Settings::default(), &[("x-forwarded-prefix", "/a;b")]).0.is_none());
        let unknown = [("x-forwarded-prefix", "/$nosuch"), ("rewrite-target", "/")];
        assert!(read(&unknown).route.rewrite.as_ref().is_some_and(|rewrite| rewrite.forwarded_prefix.is_none()));
    }
}
