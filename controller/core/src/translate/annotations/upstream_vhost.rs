//! `upstream-vhost`: the `Host` that endpoints see.

use super::{Class, Feature, Given, Key, OnBadValue, Policies, Scope, Value, unset};
use crate::names::VariableText;
use crate::names::variable::is_of_route;

pub(super) const FEATURE: Feature = Feature {
    name: "Host of endpoints",
    keys: &[Key::new(
        "upstream-vhost",
        Value::Text(Class::Regex),
        Scope::Route,
        "Sent to endpoints as `Host`, in place of that of the request; `$` begins a variable, such as `$service_name`.",
    )
    .refused_when_bad()
    .on_bad_value(OnBadValue::SkipIngress)],
    apply,
};

fn apply(given: &mut Given<'_>, policies: &mut Policies) {
    let Some(text) = given.of_class("upstream-vhost", Class::Regex) else { return };
    match VariableText::parse_with(text, is_of_route) {
        Ok(host) => {
            unset::tell(given, "upstream-vhost", &host);
            policies.route().upstream_host = Some(host);
        }
        Err(bad) => given.refuse_as(OnBadValue::KeepDefault, "upstream-vhost", bad, "use a name such as up.example"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{problems, read, read_with};
    use crate::settings::Settings;

    #[test]
    fn names_and_variables_reach_the_route() {
        assert!(read(&[("upstream-vhost", "$service_name.$namespace.svc.cluster.local:80")]).route.upstream_host.is_some());
        assert!(read(&[("upstream-vhost", "")]).route.upstream_host.is_none());
    }

    #[test]
    fn an_unknown_variable_is_left_out_and_other_texts_leave_the_ingress_out() {
        let given = [("upstream-vhost", "$nosuch")];
        assert_eq!((read(&given).route.upstream_host.clone(), problems(&given).len()), (None, 1));
        assert!(read_with(&Settings::default(), &[("upstream-vhost", "a b")]).0.is_none());
    }
}
