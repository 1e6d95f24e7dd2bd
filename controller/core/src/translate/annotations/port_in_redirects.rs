//! `use-port-in-redirects`: redirects tell the port.

use super::{Feature, Given, Key, Policies, Risk, Scope, Tier, Value};

pub(super) const FEATURE: Feature = Feature {
    name: "Port in redirects",
    keys: &[Key::new(
        "use-port-in-redirects",
        Value::Bool,
        Scope::Route,
        "The redirect to HTTPS names the port that HTTPS is served on, and relative redirects of the proxy name their port.",
    )
    .ranked(Tier::C, Risk::Low)
    .configured("use-port-in-redirects", "false")],
    apply,
};

fn apply(given: &mut Given<'_>, policies: &mut Policies) {
    if let Some(on) = given.bool("use-port-in-redirects") {
        policies.route().port_in_redirects = on.then_some(true);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{problems, read};

    #[test]
    fn a_bool_decides_and_another_value_is_said() {
        assert_eq!(read(&[("use-port-in-redirects", "true")]).route.port_in_redirects, Some(true));
        assert_eq!(read(&[]).route.port_in_redirects, None);
        assert_eq!(problems(&[("use-port-in-redirects", "yes")]).len(), 1);
    }
}
