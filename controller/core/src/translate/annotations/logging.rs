//! `enable-access-log` and `enable-rewrite-log`: what is logged.

use super::{Feature, Given, Key, Policies, Risk, Scope, Tier, Value};
use crate::model::Logging;

pub(super) const FEATURE: Feature = Feature {
    name: "Logs",
    keys: &[
        Key::new("enable-access-log", Value::Bool, Scope::Route, "Logs requests.").ranked(Tier::B, Risk::Low).default("true"),
        Key::new("enable-rewrite-log", Value::Bool, Scope::Route, "Logs every step of rewriting to the error log.")
            .ranked(Tier::C, Risk::Low)
            .default("false"),
    ],
    apply,
};

fn apply(given: &mut Given<'_>, policies: &mut Policies) {
    // What is switched on anyway needs no wish.
    let logging =
        Logging { access: given.bool("enable-access-log").filter(|on| !on), rewriting: given.bool("enable-rewrite-log").filter(|on| *on) };
    policies.route().logging = (logging != Logging::default()).then_some(logging);
}

#[cfg(test)]
mod tests {
    use super::super::testing::{problems, read};

    #[test]
    fn only_what_is_not_usual_is_a_wish() {
        assert!(read(&[("enable-access-log", "true"), ("enable-rewrite-log", "false")]).route.logging.is_none());
        assert_eq!(read(&[("enable-access-log", "false")]).route.logging.and_then(|logging| logging.access), Some(false));
        assert_eq!(problems(&[("enable-access-log", "off")]).len(), 1);
    }
}
