//! `load-balance`, `upstream-hash-by` and `service-upstream`: how requests are spread over endpoints.

use super::{Class, Feature, Given, Key, OnBadValue, Policies, Risk, Scope, Tier, Value};
use crate::model::{Balance, Hashing};
use crate::names::VariableText;
use crate::names::variable::is_variable;

const ALGORITHMS: &[&str] = &["round_robin", "chash", "chashsubset", "sticky_balanced", "sticky_persistent", "ewma"];

pub(super) const FEATURE: Feature = Feature {
    name: "Load balancing",
    keys: &[
        Key::new(
            "load-balance",
            Value::Word(ALGORITHMS),
            Scope::Backend,
            "`round_robin` goes from endpoint to endpoint; `ewma` takes the less loaded of two picked at random. The others are round robin.",
        ).refused_when_bad()
        .ranked(Tier::B, Risk::Low)
        .configured("load-balance", "round_robin")
        .on_bad_value(OnBadValue::SkipIngress),
        Key::new(
            "upstream-hash-by",
            Value::Text(Class::Variable),
            Scope::Backend,
            "Sends requests for which this text with variables is the same to the same endpoint.",
        ).refused_when_bad()
        .ranked(Tier::A, Risk::High)
        .on_bad_value(OnBadValue::SkipIngress),
        Key::new("upstream-hash-by-subset", Value::Bool, Scope::Backend, "Sends them to a few endpoints in place of one.").refused_when_bad()
            .ranked(Tier::C, Risk::Low)
            .default("false")
            .on_bad_value(OnBadValue::SkipIngress),
        Key::new("upstream-hash-by-subset-size", Value::Integer, Scope::Backend, "How many endpoints that are.").refused_when_bad()
            .ranked(Tier::C, Risk::Low)
            .default("3")
            .on_bad_value(OnBadValue::SkipIngress),
        Key::new(
            "service-upstream",
            Value::Bool,
            Scope::Backend,
            "Forwards to the address of the Service in place of those of its endpoints, which leaves the choice to the cluster.",
        )
        .ranked(Tier::B, Risk::Low)
        .configured("service-upstream", "false"),
    ],
    apply,
};

fn apply(given: &mut Given<'_>, policies: &mut Policies) {
    let algorithm = |word: &'static str| (word, if word == "ewma" { Balance::RandomTwo } else { Balance::RoundRobin });
    let algorithms: Vec<_> = ALGORITHMS.iter().map(|word| algorithm(word)).collect();
    if let Some(balance) = given.word("load-balance", &algorithms) {
        policies.backend().balance = Some(balance);
    }
    let subset = given.bool("upstream-hash-by-subset").unwrap_or(false);
    let size =
        given.integer("upstream-hash-by-subset-size").and_then(|size| u64::try_from(size).ok()).filter(|&size| size > 0).unwrap_or(3);
    if let Some(key) = hash_key(given) {
        policies.backend().hash = Some(Hashing { key, subset: subset.then_some(size) });
    }
    if given.says("service-upstream") {
        let wanted = given.bool("service-upstream").unwrap_or(false);
        policies.backend().service_address = wanted.then_some(true);
    }
}

/// The text; with a variable that nobody knows there is no key.
fn hash_key(given: &mut Given<'_>) -> Option<VariableText> {
    let text = given.text("upstream-hash-by")?;
    if let Some(c) = text.chars().find(|&c| c != ' ' && !Class::Variable.holds(c)) {
        let message = format_args!("{} has the character {}", crate::names::shown(text), crate::names::shown(c.encode_utf8(&mut [0; 4])));
        given.refuse("upstream-hash-by", message, "use text and variables such as $request_uri");
        return None;
    }
    VariableText::parse_with(text, is_variable)
        .map_err(|bad| given.refuse_as(OnBadValue::KeepDefault, "upstream-hash-by", bad, "use text and variables such as $request_uri"))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{problems, read, read_with};
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn values_reach_the_backend() {
        let balance = |value| read(&[("load-balance", value)]).backend.balance;
        assert_eq!((balance("ewma"), balance("round_robin"), balance("")), (Some(Balance::RandomTwo), Some(Balance::RoundRobin), None));
        let hash = read(&[("upstream-hash-by", "$request_uri-${host}"), ("upstream-hash-by-subset", "true")]).backend.hash.clone().unwrap();
        assert_eq!((hash.key, hash.subset), (VariableText::parse("$request_uri-$host").unwrap(), Some(3)));
        let sized = |size| read(&[("upstream-hash-by", "$host"), ("upstream-hash-by-subset", "1"), ("upstream-hash-by-subset-size", size)]);
        assert_eq!(sized("2").backend.hash.as_ref().unwrap().subset, Some(2));
        assert_eq!(sized("-1").backend.hash.as_ref().unwrap().subset, Some(3));
        assert_eq!(read(&[("upstream-hash-by-subset", "true")]).backend.hash, None);
        assert_eq!(read(&[("service-upstream", "true")]).backend.service_address, Some(true));
        assert_eq!(read(&[("service-upstream", "no")]).backend.service_address, None);
    }

    #[test]
    fn without_a_variable_that_is_known_there_is_no_key() {
        let (policies, said) = read_with(&Settings::default(), &[("upstream-hash-by", "$nosuch")]);
        assert!(policies.is_some_and(|policies| policies.backend.hash.is_none()) && said.len() == 1, "{said:?}");
    }

    #[test]
    fn what_ingress_nginx_refuses_leaves_the_ingress_out() {
        for (name, value) in [
            ("load-balance", "least_conn"),
            ("upstream-hash-by", "$request_uri;"),
            ("upstream-hash-by-subset", "yes"),
            ("upstream-hash-by-subset-size", "many"),
        ] {
            assert!(read_with(&Settings::default(), &[(name, value)]).0.is_none(), "{name}");
            assert_eq!(problems(&[(name, value)]).len(), 1, "{name}");
        }
    }
}
