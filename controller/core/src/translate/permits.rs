//! What the policies of a class let one Ingress do. A use that is refused is said and left out; an annotation that
//! protects closes the routes instead.

use super::annotations;
use super::parameters::{ClassConfig, Defaults};
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::names::{HostAlias, HostName, HostPattern, ObjectRef, shown};
use crate::settings::{AnnotationRule, HostRule, Limit, Pattern, Policy};
use std::borrow::Cow;

/// The policies, and what was refused of one Ingress.
pub(super) struct Permits<'a> {
    policies: &'a [Policy],
    defaults: &'a Defaults,
    origin: &'a ObjectRef,
    prefix: &'a str,
    /// An annotation that protects was refused.
    pub(super) closed: bool,
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl<'a> Permits<'a> {
    pub(super) fn new(class: &'a ClassConfig, origin: &'a ObjectRef, prefix: &'a str) -> Self {
        let ClassConfig { config, defaults, .. } = class;
        Self { policies: &config.policies, defaults, origin, prefix, closed: false, diagnostics: Vec::new() }
    }

    fn namespace(&self) -> &'a str {
        self.origin.name.namespace()
    }

    /// Says a refusal; whether it counts.
    fn refuse(&mut self, policy: &Policy, field: String, message: String, outcome: Outcome) -> bool {
        let finding = Diagnostic::new(Code::AgainstPolicy, self.origin.clone(), field, message);
        let refused = |finding: Diagnostic| finding.outcome(outcome).help(annotations::ASK);
        let finding = if policy.report_only { finding.only_reported() } else { refused(finding) };
        // Several rules may have one host.
        if !self.diagnostics.contains(&finding) {
            self.diagnostics.push(finding);
        }
        !policy.report_only
    }

    /// The annotations that count: those of the Ingress that it may use, and the defaults of its class.
    pub(super) fn annotations(&mut self, own: &'a Defaults) -> Cow<'a, Defaults> {
        let mut all = Cow::Borrowed(own);
        for policy in self.policies.iter().filter(|policy| !policy.annotations.is_empty() || !policy.limits.is_empty()) {
            for (name, value) in own {
                let Some(short) = name.strip_prefix(self.prefix).and_then(|rest| rest.strip_prefix('/')) else { continue };
                if self.is_refused(policy, short, value) {
                    all.to_mut().remove(name);
                } else if let Some(limit) = policy.limits.get(short)
                    && let Some(most) = self.exceeded(policy, short, value, limit)
                {
                    all.to_mut().insert(name.clone(), most);
                }
            }
        }
        for (name, value) in self.defaults.iter().filter(|(name, _)| !own.contains_key(*name)) {
            all.to_mut().insert(name.clone(), value.clone());
        }
        all
    }

    fn is_refused(&mut self, policy: &Policy, name: &str, value: &str) -> bool {
        if !policy.annotations.iter().any(|rule| refuses(rule, self.namespace(), name)) {
            return false;
        }
        let protects = annotations::guards(name, value);
        let outcome = if protects { Outcome::ClosedRoute } else { Outcome::KeptDefault };
        let message = format!("{name}: namespace {} may not use the annotation", self.namespace());
        let counts = self.refuse(policy, self.field(name), message, outcome);
        self.closed |= counts && protects;
        counts
    }

    /// The limit, as the value of the annotation, where a value is above it.
    fn exceeded(&mut self, policy: &Policy, name: &str, value: &str, limit: &Limit) -> Option<Box<str>> {
        if !annotations::exceeds(name, value, limit) {
            return None;
        }
        let used = if policy.report_only { "which is not enforced" } else { "which is used" };
        let message = format!("{name}: {} is above the limit of {}, {used}", shown(value), limit.text);
        let counts = self.refuse(policy, self.field(name), message, Outcome::KeptDefault);
        // Without a unit, which some annotations do not take.
        counts.then(|| limit.value.to_string().into())
    }

    fn field(&self, name: &str) -> String {
        let name = shown(name);
        format!("metadata.annotations[{}/{}]", self.prefix, name.trim_matches('"'))
    }

    /// Whether the host may be claimed.
    pub(super) fn host(&mut self, host: &HostPattern, field: &str) -> bool {
        let namespace = self.namespace();
        let refused: Vec<&Policy> = self.policies.iter().filter(|policy| !may_claim(policy, namespace, host)).collect();
        // Each one is asked, so that all that only report do.
        refused.into_iter().fold(true, |fine, policy| {
            let message = match host {
                HostPattern::CatchAll => format!("namespace {namespace} may not answer for hosts that nobody claims"),
                _ => format!("namespace {namespace} may not claim host {host}"),
            };
            !self.refuse(policy, field.to_owned(), message, Outcome::SkippedHost) && fine
        })
    }

    /// Whether the name may be claimed that redirects to a host of the Ingress.
    pub(super) fn redirecting(&mut self, name: &HostName) -> bool {
        let field = self.field("from-to-www-redirect");
        self.host(&HostPattern::Exact(name.clone()), &field)
    }

    /// Whether the further name may be claimed. An expression may match any host, so it takes the right to all of them.
    pub(super) fn alias(&mut self, alias: &HostAlias) -> bool {
        let field = self.field("server-alias");
        match alias {
            HostAlias::Exact(name) => self.host(&HostPattern::Exact(name.clone()), &field),
            HostAlias::Wildcard(name) => self.host(&HostPattern::Wildcard(name.clone()), &field),
            HostAlias::Regex(_) => {
                let namespace = self.namespace();
                let owns_all = |policy: &&Policy| {
                    policy.hosts.iter().all(|rule| any(&rule.namespaces, namespace)) && permits(policy.wildcard_hosts.as_deref(), namespace)
                };
                let refused: Vec<&Policy> = self.policies.iter().filter(|policy| !owns_all(policy)).collect();
                refused.into_iter().fold(true, |fine, policy| {
                    let message = format!("namespace {namespace} may not claim hosts by an expression");
                    !self.refuse(policy, field.clone(), message, Outcome::SkippedHost) && fine
                })
            }
        }
    }
}

fn any(patterns: &[Pattern], text: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(text))
}

fn permits(namespaces: Option<&[Pattern]>, namespace: &str) -> bool {
    namespaces.is_none_or(|patterns| any(patterns, namespace))
}

fn refuses(rule: &AnnotationRule, namespace: &str, name: &str) -> bool {
    let among = |patterns: &[Pattern]| annotations::is_among(patterns, name);
    permits(rule.namespaces.as_deref(), namespace)
        && (among(&rule.denied) || rule.allowed.as_deref().is_some_and(|allowed| !among(allowed)))
}

fn may_claim(policy: &Policy, namespace: &str, host: &HostPattern) -> bool {
    let permitted = match host {
        HostPattern::CatchAll => return permits(policy.catch_all.as_deref(), namespace),
        HostPattern::Wildcard(_) => permits(policy.wildcard_hosts.as_deref(), namespace),
        HostPattern::Exact(_) => true,
    };
    let text = host.to_string();
    // A wildcard may hold hosts of several entries: each one of them counts, up to the first that names all of the hosts.
    let holds_some = |rule: &&HostRule| rule.names.iter().any(|pattern| pattern.overlaps(&text));
    let names_all = |rule: &HostRule| any(&rule.names, &text);
    for rule in policy.hosts.iter().filter(holds_some) {
        if !any(&rule.namespaces, namespace) {
            return false;
        }
        if names_all(rule) {
            break;
        }
    }
    permitted
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_first_entry_that_has_a_host_decides() {
        let policy = Policy::read(&json!({
            "hosts": [
                {"names": ["shop.example", "*.shop.example"], "namespaces": ["shop", "shop-*"]},
                {"names": ["*.example"], "namespaces": ["platform"]},
            ],
            "wildcardHosts": ["shop"], "catchAll": [],
        }))
        .unwrap();
        for (namespace, host, may) in [
            ("shop", "shop.example", true),
            ("shop-test", "a.b.shop.example", true),
            ("blog", "shop.example", false),
            ("shop", "*.shop.example", true),
            ("shop-test", "*.shop.example", false),
            ("platform", "blog.example", true),
            ("shop", "blog.example", false),
            ("blog", "elsewhere.test", true),
            ("platform", "", false),
        ] {
            assert_eq!(may_claim(&policy, namespace, &HostPattern::parse(host).unwrap()), may, "{namespace} {host}");
        }
    }

    #[test]
    fn a_wildcard_holds_the_names_below_it() {
        let policy = Policy::read(&json!({"hosts": [{"names": ["a.shop.example"], "namespaces": ["shop"]}]})).unwrap();
        let may = |host: &str| may_claim(&policy, "blog", &HostPattern::parse(host).unwrap());
        assert!(!may("*.shop.example") && !may("a.shop.example") && may("b.shop.example"));
    }

    #[test]
    fn each_entry_counts_that_a_wildcard_holds_hosts_of() {
        let hosts = json!([
            {"names": ["a.own.example"], "namespaces": ["team"]},
            {"names": ["b.own.example", "c.*.example"], "namespaces": ["shop"]},
            {"names": ["*.all.test"], "namespaces": ["team"]},
            {"names": ["x.all.test"], "namespaces": ["shop"]},
        ]);
        let policy = Policy::read(&json!({"hosts": hosts})).unwrap();
        let may = |namespace: &str, host: &str| may_claim(&policy, namespace, &HostPattern::parse(host).unwrap());
        assert!(may("team", "a.own.example") && !may("team", "*.own.example"), "the second entry has one of them, too");
        assert!(!may("team", "*.other.example") && may("shop", "*.other.example"), "a star may stand anywhere");
        assert!(may("team", "*.all.test") && !may("shop", "*.all.test"), "the first entry has all of them");
    }

    #[test]
    fn annotations_go_by_name_pattern_and_group() {
        let rule = |value| serde_json::from_value::<AnnotationRule>(value).unwrap();
        let allowed = rule(json!({"namespaces": ["shop"], "allowed": ["proxy-*", "app-root"], "denied": ["proxy-body-size"]}));
        for (namespace, name, refused) in [
            ("shop", "proxy-body-size", true),
            ("shop", "proxy-read-timeout", false),
            ("shop", "app-root", false),
            ("shop", "auth-url", true),
            ("blog", "auth-url", false),
        ] {
            assert_eq!(refuses(&allowed, namespace, name), refused, "{namespace} {name}");
        }
        let either = rule(json!({"denied": ["limit-allowlist", "whitelist-source-range"]}));
        for name in ["limit-allowlist", "limit-whitelist", "allowlist-source-range", "whitelist-source-range"] {
            assert!(refuses(&either, "any", name), "{name}: the other name of the same");
        }
        assert!(!refuses(&rule(json!({"allowed": ["limit-allowlist"]})), "any", "limit-whitelist"));
        let group = annotations::group_of("enable-cors").unwrap();
        assert!(refuses(&rule(json!({"denied": [group]})), "any", "cors-allow-origin"));
    }
}
